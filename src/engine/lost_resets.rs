//! Resets that nobody follows and that may still set a password: a later reset of the same user cannot be sure of its own.

use std::collections::HashMap;

use crate::model::action::Action;
use crate::model::event::{Ended, Event};
use crate::model::outcome::{Outcome, Status};
use crate::model::row::RowNumber;
use crate::model::task::{Task, Work};

/// The first such reset of each user, by the user's order key.
///
/// A reset that was not answered may have been accepted, and its operation, whose address nobody knows, ends when it
/// likes: also behind the operation of a reset that was sent after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LostResets {
    rows: HashMap<u64, RowNumber>,
}

impl LostResets {
    /// Begins with the resets that earlier sessions of the run lost.
    #[must_use]
    pub const fn new(rows: HashMap<u64, RowNumber>) -> Self {
        Self { rows }
    }

    /// Takes notice of a reset that is lost with this.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Accepted(operation) if operation.follows_doubt => {
                self.insert(operation.user.order_key(), operation.row);
            }
            Event::Ended(ended) => {
                if let Some(task) = reset(ended).filter(|_| may_still_be_done(&ended.outcome)) {
                    self.insert(task.user.order_key(), task.row.number);
                }
            }
            _ => {}
        }
    }

    fn insert(&mut self, order_key: u64, row: RowNumber) {
        let first = self.rows.entry(order_key).or_insert(row);
        *first = row.min(*first);
    }

    /// Whether this task is a reset that may be overtaken by one of an earlier row.
    pub(super) fn may_overtake(&self, task: &Task) -> bool {
        let is_later = |row: &RowNumber| *row < task.row.number;
        matches!(task.action, Action::ResetPassword(_))
            && self.rows.get(&task.user.order_key()).is_some_and(is_later)
    }
}

const fn reset(ended: &Ended) -> Option<&Task> {
    match &ended.work {
        Work::Task(task) if matches!(task.action, Action::ResetPassword(_)) => Some(task),
        Work::Task(_) | Work::Invalid(_) | Work::PassedOver(_) => None,
    }
}

/// Whether the row ended while Graph may still be about it.
fn may_still_be_done(outcome: &Outcome) -> bool {
    match outcome.status {
        Status::Unknown | Status::Pending => true,
        // Accepted, and not followed: the address of its operation was not Graph's.
        Status::Failed => {
            let status = outcome.failure.as_ref().and_then(|failure| failure.http_status);
            matches!(status, Some(200..=299))
        }
        Status::Succeeded | Status::Unchanged | Status::Unprocessed => false,
    }
}
