//! Rows whose number signs in another user, as a table of the report: few rows, and few of those who have the number.

use std::fmt::Display;

use super::shortened::shortened;
use crate::model::numbers::Numbers;
use crate::model::thousands::grouped;
use crate::policy::holders::{Holders, Taken};

/// So many rows are told; summary.json has more.
const MOST_ROWS: usize = 50;

/// So many holders of a number are named.
const MOST_NAMED: usize = 3;

/// What is told of one row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) row: u64,
    pub(super) user: String,
    pub(super) number: String,
    pub(super) in_file: Vec<String>,
    pub(super) in_tenant: Vec<String>,
}

/// What is told of the first rows.
pub(super) fn lines(found: &Holders, numbers: Numbers) -> Vec<Line> {
    found.taken.iter().take(MOST_ROWS).map(|taken| line(taken, numbers)).collect()
}

/// Users are told by their names, whatever these are.
fn line(taken: &Taken, numbers: Numbers) -> Line {
    let unsaid = "no row before it says the number";
    let number = taken.number.as_ref().map_or(unsaid.into(), |number| numbers.in_text(number.as_str()));
    Line {
        row: taken.row.0,
        user: taken.user.to_string(),
        number: number.into_owned(),
        in_file: named(&taken.holders, taken.more, "rows"),
        in_tenant: named(&taken.in_tenant, taken.more_in_tenant, "phones"),
    }
}

/// The first of them, and how many more there are.
fn named(all: &[impl Display], more: u64, noun: &str) -> Vec<String> {
    let told = all.iter().take(MOST_NAMED).map(|one| shortened(&one.to_string()).to_owned());
    let left = more + all.len().saturating_sub(MOST_NAMED) as u64;
    told.chain((left > 0).then(|| format!("and {} more {noun}", grouped(left)))).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::outcome::Status;
    use crate::model::phone::{PhoneNumber, PhoneType};
    use crate::model::row::RowNumber;
    use crate::model::user::UserId;
    use crate::model::user_state::SmsSignIn;
    use crate::policy::holders::{Certainty, Holder, MOST_HOLDERS, SearchEnd, Searched, TenantHolder};

    /// As many as there may be, all of them users with this name.
    pub(crate) fn most(name: &str) -> Holders {
        let user = || UserId::new(&format!("{name}@contoso.com")).unwrap();
        let holder = |row| Holder {
            row: RowNumber(row),
            user: user(),
            phone_type: PhoneType::Mobile,
            status: Status::Succeeded,
        };
        let in_tenant = TenantHolder {
            id: "ed178e23-7447-4892-baf8-fc46f8af26ce".to_owned(),
            name: name.repeat(20),
            phone_type: PhoneType::Mobile,
            sms: SmsSignIn::Ready,
            certainty: Certainty::Same,
        };
        let taken = Taken {
            row: RowNumber(1_000_000),
            user: user(),
            number: Some(PhoneNumber::from_formatted("+1 2065550177")),
            holders: (1..=MOST_HOLDERS as u64).map(holder).collect(),
            more: 1_000_000,
            in_tenant: vec![in_tenant; MOST_HOLDERS],
            more_in_tenant: 9,
        };
        let end = SearchEnd::Stopped(name.repeat(1_000));
        let searched = Searched { users: 900, read: 41, unread: 2, hidden: 5, requests: 44, end };
        Holders { rows: 1_000_000, taken: vec![taken; 2 * MOST_ROWS], searched: Some(searched) }
    }

    #[test]
    fn few_rows_and_few_holders_are_told_and_the_others_counted() {
        let told = lines(&most("b"), Numbers::Masked);
        assert_eq!(told.len(), MOST_ROWS);
        let Line { row, user, number, in_file, in_tenant } = &told[0];
        assert_eq!((*row, user.as_str(), number.as_str()), (1_000_000, "b@contoso.com", "+1 ******0177"));
        let rows = [1, 2, 3].map(|row| format!("b@contoso.com (row {row}, mobile, succeeded)"));
        assert_eq!((&in_file[..3], in_file[3].as_str()), (&rows[..], "and 1,000,017 more rows"));
        assert_eq!((in_tenant.len(), in_tenant[3].as_str()), (4, "and 26 more phones"));
        assert_eq!(lines(&most("b"), Numbers::Shown)[0].number, "+1 2065550177");
    }

    #[test]
    fn who_is_alone_with_a_number_and_who_never_said_one() {
        let mut found = most("b");
        found.taken.truncate(1);
        let taken = &mut found.taken[0];
        (taken.holders, taken.more, taken.number) = (Vec::new(), 0, None);
        let told = &lines(&found, Numbers::Masked)[0];
        assert_eq!((told.number.as_str(), told.in_file.len()), ("no row before it says the number", 0));
    }
}
