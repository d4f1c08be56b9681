//! Rows whose number signs in another user: found in the journal, told on the terminal.

use std::fmt::Write as _;

use crate::input::rows::{InputSettings, Interpreter};
use crate::journal::replay::retold;
use crate::journal::schema::JournalError;
use crate::journal::store::Store;
use crate::model::event::Event;
use crate::model::outcome::NUMBER_NOT_UNIQUE;
use crate::model::task::{Task, Work};
use crate::policy::holders::{Holder, Holders, Taken, holders};

/// So many rows are told; summary.json has more.
const MOST_LINES: usize = 5;

/// So many holders of a number stand in a line.
const MOST_NAMED: usize = 3;

/// Looks for them in the rows of all sessions.
pub(super) fn find(store: &Store, input: &InputSettings) -> Result<Holders, JournalError> {
    let (run, timeline) = (store.run(), retold(store.run()));
    holders(|show| {
        let mut interpreter = Interpreter::new(run.header.clone(), input.clone());
        store.replay(&timeline, |event| {
            if let Event::Ended(ended) = event
                && let Work::Task(task) = &ended.work
            {
                let task = Task { action: interpreter.asked(task), ..task.clone() };
                show(&task, &ended.outcome);
            }
        })
    })
}

/// A line for all, and one for each of the first.
pub(super) fn lines(found: &Holders) -> String {
    let mut text = String::new();
    if found.rows == 0 {
        return text;
    }
    let (noun, number) = if found.rows == 1 { ("row has", "number") } else { ("rows have", "numbers") };
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "{} {noun} a mobile whose number signs in another user ({NUMBER_NOT_UNIQUE}); who in the file has the {number}:",
        found.rows
    );
    let told = &found.taken[..found.taken.len().min(MOST_LINES)];
    for taken in told {
        let _ = writeln!(text, "  row {}, {}: {}", taken.row, taken.user, who(taken));
    }
    let left = found.rows - told.len() as u64;
    if left > 0 {
        let _ = writeln!(text, "  and {left} more: see numbers_taken in summary.json");
    }
    text
}

fn who(taken: &Taken) -> String {
    let Some(number) = &taken.number else {
        return "no row before it says the mobile's number".to_owned();
    };
    if taken.holders.is_empty() {
        return format!("{number}: nobody else in the file; a user outside of it signs in with it");
    }
    let holder = |holder: &Holder| {
        format!("{} (row {}, {}, {})", holder.user, holder.row, holder.phone_type, holder.status)
    };
    let named: Vec<String> = taken.holders.iter().take(MOST_NAMED).map(holder).collect();
    let left = taken.more + (taken.holders.len() - named.len()) as u64;
    let more = if left > 0 { format!(" and {left} more rows") } else { String::new() };
    format!("{number}: {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Status;
    use crate::model::phone::{PhoneNumber, PhoneType};
    use crate::model::row::RowNumber;
    use crate::model::user::UserId;

    fn taken(row: u64, holders: u64) -> Taken {
        let holder = |at| Holder {
            row: RowNumber(at),
            user: UserId::new(&format!("u{at}@contoso.com")).unwrap(),
            phone_type: PhoneType::Mobile,
            status: Status::Succeeded,
        };
        Taken {
            row: RowNumber(row),
            user: UserId::new("a@contoso.com").unwrap(),
            number: Some(PhoneNumber::from_formatted("+1 2065550101")),
            holders: (1..=holders).map(holder).collect(),
            more: 0,
        }
    }

    #[test]
    fn nothing_is_said_where_no_number_was_taken() {
        assert_eq!(lines(&Holders::default()), "");
    }

    #[test]
    fn few_holders_are_named_and_the_others_counted() {
        let silent = Taken { number: None, ..taken(9, 0) };
        let more = Taken { more: 7, ..taken(8, 5) };
        let text = lines(&Holders { rows: 3, taken: vec![taken(7, 0), more, silent] });
        let told: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            told,
            [
                "  row 7, a@contoso.com: +1 2065550101: nobody else in the file; a user outside of it signs in with it",
                "  row 8, a@contoso.com: +1 2065550101: u1@contoso.com (row 1, mobile, succeeded), u2@contoso.com (row 2, \
                 mobile, succeeded), u3@contoso.com (row 3, mobile, succeeded) and 9 more rows",
                "  row 9, a@contoso.com: no row before it says the mobile's number",
            ]
        );
    }

    #[test]
    fn five_rows_are_told_and_the_others_counted() {
        let all = |rows: usize| lines(&Holders { rows: rows as u64, taken: vec![taken(7, 1); rows] });
        assert_eq!(all(5).lines().count(), 6);
        let text = all(8);
        assert_eq!(text.lines().count(), 7);
        assert!(text.ends_with("  and 3 more: see numbers_taken in summary.json\n"), "{text}");
    }
}
