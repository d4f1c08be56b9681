//! Which rows earlier runs have done: what a later run of the same rows need not send again.
//!
//! A row is known by its user, its action and its values, wherever it stands in whichever file; a password reset by its
//! user alone, since no journal keeps passwords. Where a later run wrote, or may have written, something else to the same
//! phone, what the earlier one did counts no longer. Memory: 24 bytes for each row.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use crate::model::action::Action;
use crate::model::event::Ended;
use crate::model::outcome::Status;
use crate::model::phone::{PhoneChange, PhoneType};
use crate::model::row::RowNumber;
use crate::model::task::Task;
use crate::model::user::UserId;

/// Where a row was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The run, counted from 0 in the order in which they were made.
    pub run: u16,
    /// The row in its file.
    pub row: RowNumber,
}

/// What is known of a row that was done, or that may have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The user's order key.
    user: u64,
    content: u64,
    row: u32,
    run: u16,
    /// Of the user: a bit for each phone, and one for the password.
    touched: u8,
    is_done: bool,
}

/// The rows that earlier runs have done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier(Vec<Entry>);

impl Earlier {
    /// Notes how a row of a run ended; runs come in the order in which they were made. `action` is what it asked for.
    pub fn note(&mut self, run: u16, (task, action): (&Task, &Action), ended: &Ended) {
        let is_done = match ended.outcome.status {
            Status::Succeeded | Status::Unchanged => true,
            Status::Unknown | Status::Pending => false,
            // Some of its phones may have been written.
            Status::Failed if matches!(action, Action::SetPhones(_)) && ended.attempts > 0 => false,
            Status::Failed | Status::Unprocessed => return,
        };
        self.push(run, (task, action), is_done);
    }

    /// Notes a row that an earlier session of the run that is taken up again has sent something for.
    pub fn note_own(&mut self, run: u16, (task, action): (&Task, &Action), ended: &Ended) {
        if ended.attempts > 0 && !matches!(ended.outcome.status, Status::Unprocessed) {
            self.push(run, (task, action), false);
        }
    }

    fn push(&mut self, run: u16, (task, action): (&Task, &Action), is_done: bool) {
        self.0.push(Entry {
            user: task.user.order_key(),
            content: content(&task.user, action),
            // A journal of more rows cannot be made.
            row: u32::try_from(task.row.number.0).unwrap_or(u32::MAX),
            run,
            touched: touched(action),
            is_done,
        });
    }

    /// To be called once all rows are noted.
    pub fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.shrink_to_fit();
    }

    /// Whether anything is known of a user.
    #[must_use]
    pub fn knows(&self, user: &UserId) -> bool {
        !self.of(user.order_key()).is_empty()
    }

    /// Where what a row asks for was done last, if it still counts.
    #[must_use]
    pub fn find(&self, task: &Task) -> Option<Place> {
        let of_user = self.of(task.user.order_key());
        if of_user.is_empty() {
            return None;
        }
        let (content, touched) = (content(&task.user, &task.action), touched(&task.action));
        let same = of_user.iter().filter(|entry| entry.content == content && entry.is_done);
        let last = same.max_by_key(|entry| entry.run)?;
        let is_overtaken = |entry: &Entry| entry.run > last.run && entry.touched & touched != 0;
        if of_user.iter().any(is_overtaken) {
            return None;
        }
        Some(Place { run: last.run, row: RowNumber(last.row.into()) })
    }

    fn of(&self, user: u64) -> &[Entry] {
        let first = self.0.partition_point(|entry| entry.user < user);
        let count = self.0[first..].partition_point(|entry| entry.user == user);
        &self.0[first..first + count]
    }
}

/// What a row asks for, hashed with its user: two rows of two users are taken for one only where two independent hashes of
/// 64 bits agree.
fn content(user: &UserId, action: &Action) -> u64 {
    let mut hasher = DefaultHasher::new();
    user.as_str().to_lowercase().hash(&mut hasher);
    action.name().hash(&mut hasher);
    match action {
        Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
            (phone.phone_type, &phone.number).hash(&mut hasher);
        }
        Action::DeletePhone(phone_type) => phone_type.hash(&mut hasher),
        Action::SetPhones(changes) => {
            for change in changes {
                match change {
                    PhoneChange::Set(phone) => (phone.phone_type, Some(&phone.number)).hash(&mut hasher),
                    PhoneChange::Delete(phone_type) => (*phone_type, None::<&str>).hash(&mut hasher),
                }
            }
        }
        Action::ListMethods
        | Action::ListPhones
        | Action::EnableSmsSignIn
        | Action::DisableSmsSignIn
        | Action::ResetPassword(_)
        | Action::SetPassword(_) => {}
    }
    hasher.finish()
}

fn touched(action: &Action) -> u8 {
    let bit = |phone_type| match phone_type {
        PhoneType::Mobile => 1,
        PhoneType::AlternateMobile => 2,
        PhoneType::Office => 4,
    };
    match action {
        Action::ListMethods | Action::ListPhones => 0,
        Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
            bit(phone.phone_type)
        }
        Action::DeletePhone(phone_type) => bit(*phone_type),
        Action::SetPhones(changes) => changes.iter().fold(0, |bits, change| bits | bit(change.phone_type())),
        Action::EnableSmsSignIn | Action::DisableSmsSignIn => 1,
        Action::ResetPassword(_) | Action::SetPassword(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::model::outcome::Outcome;
    use crate::model::phone::{Phone, PhoneNumber};
    use crate::model::row::Row;
    use crate::model::secret::Secret;
    use crate::model::task::{Prior, Work};

    fn task(row: u64, user: &str, action: Action) -> Task {
        Task {
            row: Row { number: RowNumber(row), fields: Box::default() },
            user: UserId::new(user).unwrap(),
            action,
            not_before: None,
            prior: Prior::Untried,
            expected: None,
        }
    }

    fn phone(phone_type: PhoneType, last: u32) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(format!("+1 20655501{last:02}")) }
    }

    fn mobile(last: u32) -> Action {
        Action::SetPhone(phone(PhoneType::Mobile, last))
    }

    fn ended(task: Task, status: Status) -> Ended {
        Ended {
            work: Work::Task(task),
            outcome: Outcome::new(status, ""),
            attempts: 1,
            http_status: None,
            started_at: None,
            ended_at: Instant::now(),
            request_id: String::new(),
            client_request_id: String::new(),
            operation_id: String::new(),
        }
    }

    /// What runs have done, one after the other.
    fn earlier<const N: usize>(runs: [&[(u64, &str, Action, Status)]; N]) -> Earlier {
        let mut earlier = Earlier::default();
        for (run, rows) in (0..).zip(runs) {
            for (row, user, action, status) in rows {
                let task = task(*row, user, action.clone());
                earlier.note(run, (&task, action), &ended(task.clone(), *status));
            }
        }
        earlier.sort();
        earlier
    }

    fn found(earlier: &Earlier, user: &str, action: Action) -> Option<(u16, u64)> {
        earlier.find(&task(9, user, action)).map(|place| (place.run, place.row.0))
    }

    #[test]
    fn only_rows_that_are_done_are_found_by_user_action_and_values() {
        for status in Status::ALL {
            let earlier = earlier([&[(3, "A@b.c", mobile(1), status)]]);
            assert_eq!(found(&earlier, "a@b.c", mobile(1)).is_some(), status.is_done(), "{status}");
        }
        let earlier = earlier([&[(3, "a@b.c", mobile(1), Status::Succeeded)]]);
        assert_eq!(found(&earlier, "a@b.c", mobile(1)), Some((0, 3)));
        let office = Action::SetPhone(phone(PhoneType::Office, 1));
        let add = Action::AddPhone(phone(PhoneType::Mobile, 1));
        for other in [mobile(2), office, add, Action::ListMethods, Action::DeletePhone(PhoneType::Mobile)] {
            assert_eq!(found(&earlier, "a@b.c", other.clone()), None, "{other:?}");
        }
        assert_eq!(found(&earlier, "b@b.c", mobile(1)), None);
        assert!(
            earlier.knows(&UserId::new("A@B.C").unwrap()) && !earlier.knows(&UserId::new("b@b.c").unwrap())
        );
    }

    #[test]
    fn a_reset_is_known_by_its_user_whatever_its_password_and_method() {
        let earlier = earlier([&[(1, "a@b.c", Action::ResetPassword(None), Status::Succeeded)]]);
        for reset in
            [Action::ResetPassword(Some(Secret::new("one"))), Action::SetPassword(Secret::new("two"))]
        {
            assert_eq!(found(&earlier, "a@b.c", reset), Some((0, 1)));
        }
    }

    #[test]
    fn rows_with_several_phones_are_compared_phone_by_phone() {
        let wide = |changes: Vec<PhoneChange>| Action::SetPhones(changes.into());
        let set = |last| PhoneChange::Set(phone(PhoneType::Mobile, last));
        let rows = [(1, "a@b.c", wide(vec![set(1)]), Status::Unchanged)];
        let earlier = earlier([&rows]);
        assert_eq!(found(&earlier, "a@b.c", wide(vec![set(1)])), Some((0, 1)));
        for other in [
            wide(vec![set(2)]),
            wide(vec![PhoneChange::Delete(PhoneType::Mobile)]),
            wide(vec![set(1), PhoneChange::Delete(PhoneType::Office)]),
        ] {
            assert_eq!(found(&earlier, "a@b.c", other.clone()), None, "{other:?}");
        }
    }

    #[test]
    fn what_a_later_run_wrote_or_may_have_written_to_the_same_phone_counts() {
        let first = &[(1, "a@b.c", mobile(1), Status::Succeeded)];
        for (status, is_overtaken) in [
            (Status::Succeeded, true),
            (Status::Unchanged, true),
            (Status::Unknown, true),
            (Status::Failed, false),
            (Status::Unprocessed, false),
        ] {
            let earlier = earlier([first, &[(1, "a@b.c", mobile(2), status)]]);
            assert_eq!(found(&earlier, "a@b.c", mobile(1)).is_none(), is_overtaken, "{status}");
        }
        let office = Action::SetPhone(phone(PhoneType::Office, 2));
        let others = [(1, "a@b.c", office, Status::Succeeded), (2, "b@b.c", mobile(2), Status::Succeeded)];
        assert_eq!(found(&earlier([first, &others]), "a@b.c", mobile(1)), Some((0, 1)));
        let again = earlier([first, &[(1, "a@b.c", mobile(2), Status::Succeeded)], first]);
        assert_eq!(found(&again, "a@b.c", mobile(1)), Some((2, 1)), "the last one has it again");
    }

    #[test]
    fn rows_of_one_run_do_not_overtake_each_other() {
        let rows = [(1, "a@b.c", mobile(1), Status::Succeeded), (2, "a@b.c", mobile(2), Status::Succeeded)];
        let earlier = earlier([&rows]);
        assert_eq!(found(&earlier, "a@b.c", mobile(1)), Some((0, 1)));
        assert_eq!(found(&earlier, "a@b.c", mobile(2)), Some((0, 2)));
    }

    #[test]
    fn what_the_run_itself_has_sent_overtakes_and_is_never_found() {
        let mut earlier = earlier([&[(1, "a@b.c", mobile(1), Status::Succeeded)]]);
        let own = task(1, "a@b.c", mobile(2));
        earlier.note_own(
            1,
            (&own, &mobile(2)),
            &Ended { attempts: 0, ..ended(own.clone(), Status::Unchanged) },
        );
        earlier.sort();
        assert_eq!(found(&earlier, "a@b.c", mobile(1)), Some((0, 1)), "nothing was sent for it");
        earlier.note_own(1, (&own, &mobile(2)), &ended(own.clone(), Status::Succeeded));
        earlier.sort();
        assert_eq!(found(&earlier, "a@b.c", mobile(1)), None);
        assert_eq!(found(&earlier, "a@b.c", mobile(2)), None);
    }

    #[test]
    fn an_entry_takes_24_bytes() {
        assert_eq!(size_of::<Entry>(), 24);
    }
}
