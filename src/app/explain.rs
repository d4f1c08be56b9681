//! `authwave explain`: what an error code means.

use std::fmt::Write as _;

use crate::report::guide::{Advice, CHAPTERS, advice};
use crate::settings::args;

use super::environment::print;
use super::exit::Exit;

/// `authwave explain`.
pub(super) fn explain(args: &args::Explain) -> Exit {
    print(&args.code.as_deref().map_or_else(all, |code| page(code.trim())));
    Exit::Done
}

fn page(code: &str) -> String {
    let Advice { code: known, also: _, cause, cure, permission } = advice(code, None);
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = if known.eq_ignore_ascii_case(code) {
        writeln!(text, "{known}")
    } else {
        writeln!(text, "{code} (see {known})")
    };
    let _ = writeln!(text, "\nCause: {cause}\n\nCure: {cure}");
    if !permission.is_empty() {
        let _ = writeln!(text, "\nPermission: {permission}");
    }
    text
}

/// A line a code.
fn all() -> String {
    let mut text = String::new();
    for advice in CHAPTERS.iter().flat_map(|chapter| chapter.advice) {
        let first = advice.cause.split_inclusive('.').next().unwrap_or_default();
        let _ = writeln!(text, "{:<24} {first}", advice.code);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_with_its_cause_and_cure() {
        let told = page("PHONENUMBERNOTUNIQUE");
        assert!(told.starts_with("phoneNumberNotUnique\n\nCause: Another user signs in"), "{told}");
        assert!(told.contains("\n\nCure: Give the number"), "{told}");
        assert!(page("accessDenied").starts_with("accessDenied (see http-403)\n"), "{told}");
        assert!(page("accessDenied").contains("\n\nPermission: for phones"), "{told}");
    }

    #[test]
    fn without_a_code_all_are_listed_a_line_each() {
        let count: usize = CHAPTERS.iter().map(|chapter| chapter.advice.len()).sum();
        assert_eq!(all().lines().count(), count);
        assert!(all().lines().all(|line| line.len() > 40), "{}", all());
    }
}
