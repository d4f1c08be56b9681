//! One pass over the whole input before anything is sent.

use std::collections::BTreeMap;

use crate::model::action::Action;
use crate::model::task::{InvalidRow, Work};

use super::records::InputError;
use super::source::Input;

/// How many invalid rows are kept to be shown.
pub const MAX_EXAMPLES: usize = 50;

/// What a pass over the input found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Data rows, the invalid ones too.
    pub rows: u64,
    /// Rows that cannot be done.
    pub invalid: u64,
    /// The first of them, at most [`MAX_EXAMPLES`].
    pub examples: Vec<InvalidRow>,
    /// Rows that change something, resets among them.
    pub writes: u64,
    /// Rows that reset a password.
    pub resets: u64,
    /// Valid rows by their action's name.
    pub by_action: BTreeMap<&'static str, u64>,
}

impl Findings {
    fn add(&mut self, work: &Work) {
        self.rows += 1;
        match work {
            Work::Task(task) => self.add_action(&task.action),
            Work::Invalid(invalid) => {
                self.invalid += 1;
                if self.examples.len() < MAX_EXAMPLES {
                    self.examples.push(invalid.clone());
                }
            }
        }
    }

    fn add_action(&mut self, action: &Action) {
        *self.by_action.entry(action.name()).or_default() += 1;
        match action {
            Action::ListMethods => {}
            Action::AddPhone(_)
            | Action::UpdatePhone(_)
            | Action::SetPhone(_)
            | Action::DeletePhone(_)
            | Action::EnableSmsSignIn
            | Action::DisableSmsSignIn => self.writes += 1,
            Action::ResetPassword(_) | Action::SetPassword(_) => {
                self.writes += 1;
                self.resets += 1;
            }
        }
    }
}

/// Reads the input from where it is to its end and shows each row to `see`. It is left at its end.
///
/// # Errors
/// When the file cannot be read to its end.
pub fn check(input: &mut Input, mut see: impl FnMut(&Work)) -> Result<Findings, InputError> {
    let mut findings = Findings::default();
    for work in input {
        let work = work?;
        findings.add(&work);
        see(&work);
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::rows::InputSettings;
    use super::*;

    #[test]
    fn a_pass_counts_every_row_shows_each_and_keeps_the_first_invalid_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        let mut text = "user,action,phone,new_password\na@b.c,list,,\na@b.c,reset,,S3cret!!\n".to_owned();
        text.push_str("a@b.c,set,+1 2065550123,\n");
        text.push_str(&"nobody,list,,\n".repeat(MAX_EXAMPLES + 10));
        fs::write(&path, text).unwrap();
        let mut input = Input::open(&path, InputSettings::default()).unwrap();
        let mut seen = 0;
        let findings = check(&mut input, |_| seen += 1).unwrap();
        assert_eq!((findings.rows, findings.invalid, seen), (63, 60, 63));
        assert_eq!(findings.examples.len(), MAX_EXAMPLES);
        assert_eq!(findings.examples[0].row.number.0, 4);
        assert_eq!((findings.writes, findings.resets), (2, 1));
        assert_eq!(
            findings.by_action,
            BTreeMap::from([("list-methods", 1), ("reset-password", 1), ("set-phone", 1)])
        );
    }
}
