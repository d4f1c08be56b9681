//! Asks whether rows shall be done, with the numbers, before anything is sent.

use std::io::{self, BufRead, IsTerminal as _};

use crate::policy::caps::Tally;

use super::error::AppError;
use super::{environment, status};

/// From so many deletes or resets on their number has to be typed.
const MANY: u64 = 100;

/// What has to be typed for rows to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Yes,
    Number(u64),
}

/// Asks on the terminal; where there is none, nothing is done without `--yes`.
pub(super) fn ask(tally: &Tally) -> Result<(), AppError> {
    if tally.changes == 0 {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(AppError::NobodyToAsk);
    }
    let wanted = wanted(tally);
    let question = question(tally, &wanted);
    status::asking(&question);
    environment::ask(&question);
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if suffices(&answer, &wanted) => Ok(()),
        Ok(_) | Err(_) => Err(AppError::NotConfirmed),
    }
}

fn wanted(tally: &Tally) -> Wanted {
    match tally.deletes.max(tally.resets) {
        most if most > MANY => Wanted::Number(most),
        _ => Wanted::Yes,
    }
}

fn question(tally: &Tally, wanted: &Wanted) -> String {
    let Tally { rows, deletes, resets, changes } = tally;
    let counts = format!(
        "{changes} of {rows} rows may change something; {deletes} of them delete a phone, {resets} reset a password\n"
    );
    match wanted {
        Wanted::Yes => format!("{counts}go on? [y/N] "),
        Wanted::Number(number) => format!("{counts}type {number} to go on: "),
    }
}

fn suffices(answer: &str, wanted: &Wanted) -> bool {
    let answer = answer.trim();
    match wanted {
        Wanted::Yes => answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes"),
        Wanted::Number(number) => answer == number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_suffices_for_few_and_the_number_itself_is_wanted_for_many() {
        let tally = |deletes, resets| Tally { rows: 900, deletes, resets, changes: 500 };
        assert_eq!(wanted(&tally(100, 100)), Wanted::Yes);
        assert_eq!(wanted(&tally(101, 0)), Wanted::Number(101));
        assert_eq!(wanted(&tally(7, 300)), Wanted::Number(300));
        let told = question(&tally(7, 300), &Wanted::Number(300));
        assert!(
            told.starts_with("500 of 900 rows may change something; 7 of them delete a phone, 300 reset")
        );
        assert!(told.ends_with("type 300 to go on: "));
    }

    #[test]
    fn only_a_clear_answer_suffices() {
        for (answer, wanted, does) in [
            ("y\n", Wanted::Yes, true),
            ("YES\n", Wanted::Yes, true),
            ("\n", Wanted::Yes, false),
            ("", Wanted::Yes, false),
            ("no\n", Wanted::Yes, false),
            ("300\n", Wanted::Number(300), true),
            ("y\n", Wanted::Number(300), false),
            ("3000\n", Wanted::Number(300), false),
        ] {
            assert_eq!(suffices(answer, &wanted), does, "{answer:?} {wanted:?}");
        }
    }
}
