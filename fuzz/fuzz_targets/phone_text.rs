//! Any text is refused or a number, which is read again as itself. A digit that was not written is told.

#![no_main]

use authwave::input::phone_text::{Country, Written};
use authwave::input::remarks::Cause;
use authwave::model::phone::PhoneType;
use libfuzzer_sys::fuzz_target;

/// The digits of a text, those of other scripts that are read among them.
fn digits(text: &str) -> Vec<u32> {
    let digit = |c: char| {
        let zero = [0x30, 0x660, 0x6f0, 0xff10]
            .into_iter()
            .find(|zero| (*zero..zero + 10).contains(&u32::from(c)))?;
        Some(u32::from(c) - zero)
    };
    text.chars().filter_map(digit).collect()
}

fuzz_target!(|text: &str| {
    for (phone_type, country) in [(PhoneType::Office, None), (PhoneType::Mobile, Country::new("DE").ok())] {
        let Ok(written) = Written::read(text, phone_type) else { continue };
        let Ok(checked) = written.checked(phone_type, country) else { continue };
        let sent = checked.number.as_str();
        // The digits of the country code are not written where the country says them.
        let national = sent.split_once(' ').map_or(sent, |(_, national)| national);
        let mut there = digits(text).into_iter();
        let is_told = checked.causes.contains(&Cause::PlanDigits);
        let all_are_written = digits(national).into_iter().all(|digit| there.any(|other| other == digit));
        assert!(all_are_written || is_told, "{text:?} gave {sent}");
        let again = Written::read(sent, phone_type).and_then(|written| written.checked(phone_type, None));
        assert_eq!(again.map(|again| again.number), Ok(checked.number.clone()), "{text:?}");
    }
});
