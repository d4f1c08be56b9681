//! Any bytes are a file: it is read to its end or refused, and a second reading yields the same.

#![no_main]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use authwave::input::checks::check;
use authwave::input::content::Form;
use authwave::input::records::Records;
use authwave::input::rows::InputSettings;
use authwave::input::source::Input;
use authwave::model::row::Row;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static PLACE: RefCell<tempfile::TempDir> = RefCell::new(tempfile::tempdir().expect("a directory"));
}

fn rows(records: &mut Records) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some(record) = records.read().ok()? {
        rows.push(record.row);
    }
    Some(rows)
}

fn read(path: &PathBuf) -> Option<()> {
    let mut records =
        Records::open(path, &Form::default(), |name| ["user", "action"].contains(&name)).ok()?;
    let first = rows(&mut records)?;
    records.rewind().ok()?;
    assert!(Some(first) == rows(&mut records), "a second reading yields other rows");
    let mut input = Input::open(path, InputSettings::default()).ok()?;
    let findings = check(&mut input, |_| {}).ok()?;
    assert!(findings.invalid <= findings.rows);
    Some(())
}

fuzz_target!(|bytes: &[u8]| {
    PLACE.with_borrow(|directory| {
        let path = directory.path().join("table");
        fs::write(&path, bytes).expect("a file");
        read(&path);
    });
});
