//! Who in a file has the numbers that sign in somebody else already: a pure reading of what rows asked for and how they ended.
//! Who in the tenant has them tells [`search`](super::search).

use std::collections::HashMap;
use std::fmt;

use crate::model::action::Action;
use crate::model::outcome::{Outcome, Status};
use crate::model::phone::{Phone, PhoneChange, PhoneNumber, PhoneType};
use crate::model::row::RowNumber;
use crate::model::task::Task;
use crate::model::user::UserId;
use crate::model::user_state::SmsSignIn;

/// So many rows are looked at: where more end so, they have a common cause.
pub const MOST_ROWS: usize = 1_000;

/// So many holders of one number are named.
pub const MOST_HOLDERS: usize = 20;

/// The rows that ended since their number signs in another user, and who in the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holders {
    /// How many rows ended so.
    pub rows: u64,
    /// The first of them, at most [`MOST_ROWS`], in the order of the file.
    pub taken: Vec<Taken>,
    /// How the tenant was searched for other users who have the numbers; `None` where it was not.
    pub searched: Option<Searched>,
}

/// A row whose number signs in another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub row: RowNumber,
    /// Its user.
    pub user: UserId,
    /// The number of the mobile; `None` where no row of the file says it.
    pub number: Option<PhoneNumber>,
    /// Other users' rows that give them the number, at most [`MOST_HOLDERS`], in the order of the file.
    pub holders: Vec<Holder>,
    /// How many more such rows there are.
    pub more: u64,
    /// Other users of the tenant who have the number, at most [`MOST_HOLDERS`], those who sign in with it first.
    pub in_tenant: Vec<TenantHolder>,
    /// How many more such phones there are.
    pub more_in_tenant: u64,
}

/// A row that gives its user a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The row.
    pub row: RowNumber,
    /// Its user.
    pub user: UserId,
    /// As which phone.
    pub phone_type: PhoneType,
    /// How the row ended.
    pub status: Status,
}

/// A user of the tenant who has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantHolder {
    /// Graph's id.
    pub id: String,
    /// User principal name; empty where Graph told none.
    pub name: String,
    /// As which phone.
    pub phone_type: PhoneType,
    /// Whether the phone signs the user in by SMS.
    pub sms: SmsSignIn,
    /// How sure it is.
    pub certainty: Certainty,
}

/// Whether a number that Graph shows is the one that was sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It is.
    Same,
    /// Part of it is hidden from this sign-in, and what is shown agrees.
    Possible,
}

/// How the tenant was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// How many users there are.
    pub users: u64,
    /// Of how many the phones were read.
    pub read: u64,
    /// Of how many they could not be read.
    pub unread: u64,
    /// How many of the phones had numbers that are hidden from this sign-in, at least in part.
    pub hidden: u64,
    /// How many requests it took.
    pub requests: u64,
    /// What ended it.
    pub end: SearchEnd,
}

/// What ended a search of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchEnd {
    /// Somebody signs in with each of the numbers.
    AllFound,
    /// Everybody was looked at.
    WholeTenant,
    /// Something else, and what.
    Stopped(String),
}

/// Finds them. `read` shows all rows, each time in the order of the file; it is asked up to three times, so that nothing
/// has to be remembered of rows that have nothing to do with it.
///
/// # Errors
/// When `read` fails.
pub fn holders<E>(
    mut read: impl FnMut(&mut dyn FnMut(&Task, &Outcome)) -> Result<(), E>,
) -> Result<Holders, E> {
    let mut found = Holders::default();
    read(&mut |task, outcome| found.note(task, outcome))?;
    let silent = by_key(&found.taken, |taken| taken.number.is_none().then(|| taken.user.order_key()));
    if !silent.is_empty() {
        read(&mut |task, outcome| {
            for place in silent.get(&task.user.order_key()).into_iter().flatten() {
                found.taken[*place].learn_number(task, outcome);
            }
        })?;
    }
    let numbers = by_key(&found.taken, |taken| taken.number.clone());
    if !numbers.is_empty() {
        read(&mut |task, outcome| {
            for phone in phones(&task.action) {
                for place in numbers.get(&phone.number).into_iter().flatten() {
                    found.taken[*place].note_holder(task, phone.phone_type, outcome.status);
                }
            }
        })?;
    }
    Ok(found)
}

impl Holders {
    fn note(&mut self, task: &Task, outcome: &Outcome) {
        if !outcome.is_number_taken() {
            return;
        }
        self.rows += 1;
        if self.taken.len() < MOST_ROWS {
            let mobile = phones(&task.action).find(|phone| phone.phone_type == PhoneType::Mobile);
            self.taken.push(Taken {
                row: task.row.number,
                user: task.user.clone(),
                number: mobile.map(|phone| phone.number.clone()),
                holders: Vec::new(),
                more: 0,
                in_tenant: Vec::new(),
                more_in_tenant: 0,
            });
        }
    }
}

impl Taken {
    /// A row that switches SMS sign-in does not say the number; the last row before it that gave the user a mobile does.
    fn learn_number(&mut self, task: &Task, outcome: &Outcome) {
        if task.row.number >= self.row || !outcome.status.is_done() {
            return;
        }
        let mobile = phones(&task.action).find(|phone| phone.phone_type == PhoneType::Mobile);
        if let Some(phone) = mobile {
            self.number = Some(phone.number.clone());
        }
    }

    fn note_holder(&mut self, task: &Task, phone_type: PhoneType, status: Status) {
        if task.user.order_key() == self.user.order_key() {
            return;
        }
        if self.holders.len() == MOST_HOLDERS {
            self.more += 1;
            return;
        }
        self.holders.push(Holder { row: task.row.number, user: task.user.clone(), phone_type, status });
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (row {}, {}, {})", self.user, self.row, self.phone_type, self.status)
    }
}

impl fmt::Display for TenantHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { &self.id } else { &self.name };
        let how = match (self.certainty, self.signs_in()) {
            (Certainty::Possible, _) => ", perhaps: the number is hidden in part",
            (Certainty::Same, true) => ", signs in with it",
            (Certainty::Same, false) => "",
        };
        write!(f, "{name} ({}{how})", self.phone_type)
    }
}

/// How much of the tenant was seen.
impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, read, unread, hidden, requests, end } = self;
        write!(f, "read the phones of {read} of {users} users by {requests} requests")?;
        if *unread > 0 {
            write!(f, ", could not read {unread}")?;
        }
        if *hidden > 0 {
            write!(f, "; {hidden} numbers are hidden from this sign-in, at least in part")?;
        }
        match end {
            SearchEnd::AllFound => f.write_str("; all are found"),
            SearchEnd::WholeTenant => Ok(()),
            SearchEnd::Stopped(reason) => write!(f, "; it stopped before its end: {reason}"),
        }
    }
}

/// The places in `taken` by what `key` says of them.
fn by_key<K: std::hash::Hash + Eq>(
    taken: &[Taken],
    key: impl Fn(&Taken) -> Option<K>,
) -> HashMap<K, Vec<usize>> {
    let mut places: HashMap<K, Vec<usize>> = HashMap::new();
    for (place, taken) in taken.iter().enumerate() {
        if let Some(key) = key(taken) {
            places.entry(key).or_default().push(place);
        }
    }
    places
}

/// The phones that an action gives its user.
fn phones(action: &Action) -> impl Iterator<Item = &Phone> {
    let several = match action {
        Action::SetPhones(changes) => &**changes,
        _ => &[],
    };
    let set = several.iter().filter_map(|change| match change {
        PhoneChange::Set(phone) => Some(phone),
        PhoneChange::Delete(_) => None,
    });
    action.phone().into_iter().chain(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{Failure, NUMBER_NOT_UNIQUE};
    use crate::model::row::Row;
    use crate::model::task::Prior;

    type Ended = (Task, Outcome);

    fn row(number: u64, user: &str, action: Action, outcome: Outcome) -> Ended {
        let row = Row { number: RowNumber(number), fields: Box::default() };
        (
            Task {
                row,
                user: UserId::new(user).unwrap(),
                action,
                not_before: None,
                prior: Prior::Untried,
                expected: None,
            },
            outcome,
        )
    }

    fn phone(phone_type: PhoneType, last: u32) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(format!("+1 20655501{last:02}")) }
    }

    fn mobile(last: u32) -> Action {
        Action::SetPhone(phone(PhoneType::Mobile, last))
    }

    fn done() -> Outcome {
        Outcome::new(Status::Succeeded, "")
    }

    fn taken() -> Outcome {
        let code = NUMBER_NOT_UNIQUE.to_uppercase();
        Outcome::failed(Failure { http_status: Some(409), code, message: String::new() }, "")
    }

    fn look(rows: &[Ended]) -> (Holders, u32) {
        let mut readings = 0;
        let found = holders(|show| {
            readings += 1;
            for (task, outcome) in rows {
                show(task, outcome);
            }
            Ok::<_, ()>(())
        });
        (found.unwrap(), readings)
    }

    /// The row, its number's last digits, and who has it: row, user, type, status.
    fn told(found: &Holders) -> Vec<(u64, Option<String>, Vec<String>)> {
        let holder = |holder: &Holder| {
            format!("{} {} {} {}", holder.row, holder.user, holder.phone_type, holder.status)
        };
        let told = |taken: &Taken| {
            let number = taken.number.as_ref().map(|number| number.as_str()[9..].to_owned());
            (taken.row.0, number, taken.holders.iter().map(holder).collect())
        };
        found.taken.iter().map(told).collect()
    }

    #[test]
    fn other_users_with_the_number_are_named_wherever_they_stand() {
        let wide = [
            PhoneChange::Delete(PhoneType::Mobile),
            PhoneChange::Set(phone(PhoneType::AlternateMobile, 1)),
            PhoneChange::Set(phone(PhoneType::Office, 2)),
        ];
        let rows = [
            row(1, "a@contoso.com", mobile(1), done()),
            row(2, "b@contoso.com", mobile(1), taken()),
            row(3, "B@contoso.com", mobile(1), done()),
            row(4, "c@contoso.com", Action::SetPhones(wide.into()), Outcome::new(Status::Unprocessed, "")),
            row(5, "d@contoso.com", mobile(3), done()),
        ];
        let (found, _) = look(&rows);
        assert_eq!(found.rows, 1);
        let holders = ["1 a@contoso.com mobile succeeded", "4 c@contoso.com alternateMobile unprocessed"];
        assert_eq!(told(&found), [(2, Some("0101".to_owned()), holders.map(str::to_owned).to_vec())]);
    }

    #[test]
    fn a_row_that_switches_sms_sign_in_has_the_number_of_the_last_mobile_before_it() {
        let rows = [
            row(1, "a@contoso.com", mobile(1), done()),
            row(2, "b@contoso.com", mobile(9), done()),
            row(3, "b@contoso.com", mobile(1), done()),
            row(4, "b@contoso.com", mobile(7), Outcome::new(Status::Unprocessed, "")),
            row(5, "b@contoso.com", Action::EnableSmsSignIn, taken()),
            row(6, "b@contoso.com", mobile(8), done()),
            row(7, "c@contoso.com", Action::EnableSmsSignIn, taken()),
        ];
        let (found, readings) = look(&rows);
        let holder = vec!["1 a@contoso.com mobile succeeded".to_owned()];
        assert_eq!(told(&found), [(5, Some("0101".to_owned()), holder), (7, None, vec![])]);
        assert_eq!((found.rows, readings), (2, 3));
    }

    #[test]
    fn without_such_a_row_everything_is_read_once_and_nothing_is_told() {
        let rows = [row(1, "a@contoso.com", mobile(1), done()), row(2, "b@contoso.com", mobile(1), done())];
        assert_eq!(look(&rows), (Holders::default(), 1));
    }

    #[test]
    fn what_is_told_is_bounded_and_what_is_left_out_is_counted() {
        let all = MOST_ROWS as u64 + 5;
        let rows: Vec<Ended> =
            (1..=all).map(|at| row(at, &format!("u{at}@contoso.com"), mobile(1), taken())).collect();
        let (found, _) = look(&rows);
        assert_eq!((found.rows, found.taken.len()), (all, MOST_ROWS));
        let first = &found.taken[0];
        assert_eq!((first.holders.len(), first.more), (MOST_HOLDERS, all - 1 - MOST_HOLDERS as u64));
        assert_eq!(first.holders[0].row, RowNumber(2));
    }
}
