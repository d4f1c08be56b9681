//! The first users of a run: their rows are done and read back, and the others wait until all of those stand.

use std::collections::HashSet;
use std::num::NonZeroU64;

use crate::actions::conduct::{Conduct, Confirmation};
use crate::model::event::Ended;
use crate::model::outcome::Status;
use crate::model::task::{Task, Work};

/// Holds the others back.
#[derive(Debug)]
pub(super) struct Canary {
    /// How many users go first; `None` once they have shown that all is well, or where nobody goes first.
    users: Option<NonZeroU64>,
    /// Who they are, by order key.
    first: HashSet<u64>,
    /// The next row, of a user who has to wait.
    waiting: Option<Task>,
    /// How many users have shown that all is well.
    stood: usize,
}

impl Canary {
    pub(super) fn new(users: Option<NonZeroU64>) -> Self {
        Self { users, first: HashSet::new(), waiting: None, stood: 0 }
    }

    /// The task, where it may begin; one that may not is kept.
    pub(super) fn admit(&mut self, task: Task) -> Option<Task> {
        let Some(users) = self.users else { return Some(task) };
        let key = task.user.order_key();
        let is_first = self.first.contains(&key) || (self.first.len() as u64) < users.get();
        if is_first {
            self.first.insert(key);
            return Some(task);
        }
        self.waiting = Some(task);
        None
    }

    /// Whether somebody waits.
    pub(super) const fn holds_back(&self) -> bool {
        self.waiting.is_some()
    }

    /// All of the first have ended well: the others may begin, whoever waits first.
    pub(super) fn let_go(&mut self) -> Option<Task> {
        self.users = None;
        self.stood = std::mem::take(&mut self.first).len();
        self.waiting.take()
    }

    /// The run stops: whoever waits first is given back.
    pub(super) const fn give_up(&mut self) -> Option<Task> {
        self.waiting.take()
    }

    /// How many users went first and let the others go.
    pub(super) const fn stood(&self) -> usize {
        self.stood
    }

    /// How rows are done now: those of the first users are read back.
    pub(super) const fn conduct(&self, conduct: Conduct) -> Conduct {
        match self.users {
            Some(_) => Conduct { confirmation: Confirmation::ReadBack, ..conduct },
            None => conduct,
        }
    }

    /// Whether a row's end shows that not all is well.
    pub(super) const fn is_warned_by(&self, ended: &Ended) -> bool {
        let is_bad = matches!(ended.outcome.status, Status::Failed | Status::Unknown);
        self.users.is_some() && matches!(ended.work, Work::Task(_)) && is_bad
    }
}
