//! Any names are a header, under any mapping: it is refused, or each column has one meaning at most.

#![no_main]

use authwave::input::columns::{Needed, header, near_misses};
use authwave::input::meanings::Mapping;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut mapping = Mapping::default();
    let mut lines = text.lines();
    for pair in lines.next().unwrap_or_default().split(',') {
        let _ = mapping.add_pair(pair);
    }
    let names: Vec<String> = lines.next().unwrap_or_default().split(',').map(str::to_owned).collect();
    let Ok(header) = header(names.clone(), Needed::User, &mapping) else { return };
    assert_eq!(header.names, names);
    let meaningful = [
        header.user,
        header.action,
        header.phone_type,
        header.phone_number,
        header.new_password,
        header.new_password_from,
        header.country,
        header.phones[0],
        header.phones[1],
        header.phones[2],
    ];
    let taken: Vec<usize> = meaningful.into_iter().flatten().collect();
    for (i, column) in taken.iter().enumerate() {
        assert!(*column < names.len() && !taken[..i].contains(column), "{header:?}");
    }
    assert!(!header.extra.iter().any(|column| header.new_password == Some(*column)), "{header:?}");
    let _ = near_misses(&header);
});
