//! Rows whose number signs in another user: found in the journal, told on the terminal.

use std::fmt::Write as _;
use std::path::Path;

use crate::input::rows::{ActionSource, InputSettings, Interpreter};
use crate::journal::replay::retold;
use crate::journal::schema::JournalError;
use crate::journal::store::Store;
use crate::model::event::Event;
use crate::model::outcome::NUMBER_NOT_UNIQUE;
use crate::model::task::{Task, Work};
use crate::policy::holders::{Holders, Searched, Taken, holders};
use crate::settings::stored::Stored;

use super::error::AppError;
use super::next::quoted;
use super::purpose::input_settings;

/// So many rows are told; summary.json has more.
const MOST_LINES: usize = 5;

/// So many holders of a number stand in a line.
const MOST_NAMED: usize = 3;

/// Looks for them in the rows of a run, by what its journal says alone.
pub(super) fn of_journal(store: &Store) -> Result<Holders, AppError> {
    let reading = Stored::from_json(&store.run().settings)?.rows_were_read()?;
    Ok(find(store, &input_settings(&reading, ActionSource::Column))?)
}

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

/// A line for all, one for each of the first, and what was seen of the tenant.
pub(super) fn lines(found: &Holders, directory: &Path) -> String {
    let mut text = String::new();
    if found.rows == 0 {
        return text;
    }
    let (noun, number) = if found.rows == 1 { ("row has", "number") } else { ("rows have", "numbers") };
    let place = if found.searched.is_some() { "in the file and in the tenant" } else { "in the file" };
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "{} {noun} a mobile whose number signs in another user ({NUMBER_NOT_UNIQUE}); who {place} has the {number}:",
        found.rows
    );
    let told = &found.taken[..found.taken.len().min(MOST_LINES)];
    for taken in told {
        let _ =
            writeln!(text, "  row {}, {}: {}", taken.row, taken.user, who(taken, found.searched.as_ref()));
    }
    let left = found.rows - told.len() as u64;
    if left > 0 {
        let _ = writeln!(text, "  and {left} more: see numbers_taken in summary.json");
    }
    match &found.searched {
        Some(searched) => {
            let _ = writeln!(text, "  searched the tenant: {searched}");
        }
        None if found.taken.iter().any(|taken| taken.number.is_some() && taken.holders.is_empty()) => {
            let _ = writeln!(
                text,
                "  authwave resume {} --find-holders looks in the tenant: it reads the phones of every user there",
                quoted(directory)
            );
        }
        None => {}
    }
    text
}

fn who(taken: &Taken, searched: Option<&Searched>) -> String {
    let Some(number) = &taken.number else {
        return "no row before it says the mobile's number".to_owned();
    };
    let (in_file, in_tenant) = (in_file(taken), in_tenant(taken));
    let told = match (in_file, in_tenant, searched) {
        (Some(rows), Some(users), _) => format!("{rows}; in the tenant {users}"),
        (Some(rows), None, _) => rows,
        (None, Some(users), _) => format!("nobody else in the file; in the tenant {users}"),
        (None, None, None) => "nobody else in the file; a user outside of it signs in with it".to_owned(),
        (None, None, Some(_)) => {
            "nobody else in the file, and nobody in the tenant whose phones were read".to_owned()
        }
    };
    format!("{number}: {told}")
}

fn in_file(taken: &Taken) -> Option<String> {
    named(taken.holders.iter().map(ToString::to_string), taken.more, "rows")
}

fn in_tenant(taken: &Taken) -> Option<String> {
    named(taken.in_tenant.iter().map(ToString::to_string), taken.more_in_tenant, "phones")
}

/// The first of them, and how many more there are; `None` where there is none.
fn named(all: impl ExactSizeIterator<Item = String>, more: u64, noun: &str) -> Option<String> {
    let left = more + all.len().saturating_sub(MOST_NAMED) as u64;
    let told: Vec<String> = all.take(MOST_NAMED).collect();
    let more = if left > 0 { format!(" and {left} more {noun}") } else { String::new() };
    (!told.is_empty()).then(|| told.join(", ") + &more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Status;
    use crate::model::phone::{PhoneNumber, PhoneType};
    use crate::model::row::RowNumber;
    use crate::model::user::UserId;
    use crate::model::user_state::SmsSignIn;
    use crate::policy::holders::{Certainty, Holder, SearchEnd, TenantHolder};

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
            in_tenant: Vec::new(),
            more_in_tenant: 0,
        }
    }

    fn found(taken: Vec<Taken>) -> Holders {
        Holders { rows: taken.len() as u64, taken, searched: None }
    }

    fn lines(found: &Holders) -> String {
        super::lines(found, Path::new("runs/my wave"))
    }

    #[test]
    fn nothing_is_said_where_no_number_was_taken() {
        assert_eq!(lines(&Holders::default()), "");
    }

    #[test]
    fn few_holders_are_named_and_the_others_counted() {
        let silent = Taken { number: None, ..taken(9, 0) };
        let more = Taken { more: 7, ..taken(8, 5) };
        let text = lines(&found(vec![taken(7, 0), more, silent]));
        let told: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            told,
            [
                "  row 7, a@contoso.com: +1 2065550101: nobody else in the file; a user outside of it signs in with it",
                "  row 8, a@contoso.com: +1 2065550101: u1@contoso.com (row 1, mobile, succeeded), u2@contoso.com (row 2, \
                 mobile, succeeded), u3@contoso.com (row 3, mobile, succeeded) and 9 more rows",
                "  row 9, a@contoso.com: no row before it says the mobile's number",
                "  authwave resume 'runs/my wave' --find-holders looks in the tenant: it reads the phones of every user there",
            ]
        );
    }

    #[test]
    fn five_rows_are_told_and_the_others_counted() {
        let all = |rows: usize| lines(&found(vec![taken(7, 1); rows]));
        assert_eq!(all(5).lines().count(), 6);
        let text = all(8);
        assert_eq!(text.lines().count(), 7);
        assert!(text.ends_with("  and 3 more: see numbers_taken in summary.json\n"), "{text}");
    }

    #[test]
    fn holders_in_the_tenant_stand_behind_those_of_the_file() {
        let holder = |name: &str, sms, certainty| TenantHolder {
            id: "ed178e23-7447-4892-baf8-fc46f8af26ce".to_owned(),
            name: name.to_owned(),
            phone_type: PhoneType::Mobile,
            sms,
            certainty,
        };
        let certain = vec![
            holder("z@contoso.com", SmsSignIn::Ready, Certainty::Same),
            holder("", SmsSignIn::NotEnabled, Certainty::Same),
        ];
        let possible = vec![holder("y@contoso.com", SmsSignIn::Ready, Certainty::Possible)];
        let rows = vec![
            Taken { in_tenant: certain, more_in_tenant: 3, ..taken(7, 1) },
            Taken { in_tenant: possible, ..taken(8, 0) },
            taken(9, 0),
        ];
        let end = SearchEnd::Stopped("a signal came".to_owned());
        let searched = Searched { users: 900, read: 41, unread: 2, hidden: 5, requests: 44, end };
        let text = lines(&Holders { searched: Some(searched), ..found(rows) });
        let told: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            told,
            [
                "  row 7, a@contoso.com: +1 2065550101: u1@contoso.com (row 1, mobile, succeeded); in the tenant \
                 z@contoso.com (mobile, signs in with it), ed178e23-7447-4892-baf8-fc46f8af26ce (mobile) and 3 more phones",
                "  row 8, a@contoso.com: +1 2065550101: nobody else in the file; in the tenant y@contoso.com (mobile, \
                 perhaps: the number is hidden in part)",
                "  row 9, a@contoso.com: +1 2065550101: nobody else in the file, and nobody in the tenant whose phones were read",
                "  searched the tenant: read the phones of 41 of 900 users by 44 requests, could not read 2; 5 numbers are \
                 hidden from this sign-in, at least in part; it stopped before its end: a signal came",
            ]
        );
    }
}
