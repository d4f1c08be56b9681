//! How many requests rows take where nothing goes wrong.

use std::ops::AddAssign;

use super::action::Action;
use super::phone::PhoneChange;
use super::task::{Prior, Task, Work};

/// The requests that rows take, where no answer is lost and nothing is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// The rows.
    pub rows: u64,
    /// Their GETs.
    pub reads: u64,
    /// All others.
    pub writes: u64,
}

impl Demand {
    /// What one row takes; one that is not done takes no request.
    #[must_use]
    pub fn of(work: &Work) -> Self {
        match work {
            Work::Task(task) => Self::of_task(task),
            Work::Invalid(_) | Work::PassedOver(_) => Self { rows: 1, reads: 0, writes: 0 },
        }
    }

    /// What one row takes behind what an earlier session did about it.
    #[must_use]
    pub fn of_task(task: &Task) -> Self {
        let Self { rows, reads, writes } = Self::of_action(&task.action);
        match task.prior {
            Prior::Untried => Self { rows, reads, writes },
            // It is read back first.
            Prior::InDoubt(_) => Self { rows, reads: reads + 1, writes },
            Prior::Accepted(_) => Self { rows, reads: 1, writes: 0 },
        }
    }

    /// What a row with this action takes, and where that depends on what the user has, the most: `set-phone` writes
    /// nothing where the number is there, and an operation that takes long is asked for again.
    #[must_use]
    pub fn of_action(action: &Action) -> Self {
        let (reads, writes) = match action {
            Action::ListMethods | Action::ListPhones => (1, 0),
            Action::AddPhone(_)
            | Action::UpdatePhone(_)
            | Action::DeletePhone(_)
            | Action::SetPassword(_) => (0, 1),
            // Only a number that is to be set is read first.
            Action::SetPhones(changes) => {
                let set =
                    changes.iter().filter(|change| matches!(change, PhoneChange::Set(_))).count() as u64;
                (set, changes.len() as u64)
            }
            Action::SetPhone(_)
            | Action::EnableSmsSignIn
            | Action::DisableSmsSignIn
            | Action::ResetPassword(_) => (1, 1),
        };
        Self { rows: 1, reads, writes }
    }

    /// Reads and writes.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.reads + self.writes
    }

    /// What is left once this much is done.
    #[must_use]
    pub const fn without(&self, done: &Self) -> Self {
        Self {
            rows: self.rows.saturating_sub(done.rows),
            reads: self.reads.saturating_sub(done.reads),
            writes: self.writes.saturating_sub(done.writes),
        }
    }
}

impl AddAssign for Demand {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.reads += other.reads;
        self.writes += other.writes;
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::{Row, RowNumber};
    use super::super::user::UserId;
    use super::*;

    #[test]
    fn what_an_earlier_session_did_changes_what_is_left_to_send() {
        let demand = |prior| {
            let row = Row { number: RowNumber(1), fields: Box::default() };
            let user = UserId::new("a@b.c").unwrap();
            let Demand { rows, reads, writes } = Demand::of(&Work::Task(Task {
                row,
                user,
                action: Action::EnableSmsSignIn,
                prior,
                not_before: None,
                expected: None,
            }));
            (rows, reads, writes)
        };
        assert_eq!(demand(Prior::Untried), (1, 1, 1));
        assert_eq!(demand(Prior::InDoubt(None)), (1, 2, 1));
    }

    #[test]
    fn more_may_be_done_than_was_expected() {
        let all = Demand { rows: 2, reads: 2, writes: 2 };
        let done = Demand { rows: 1, reads: 3, writes: 1 };
        assert_eq!(all.without(&done), Demand { rows: 1, reads: 0, writes: 1 });
    }
}
