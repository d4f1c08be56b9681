//! The first users of a run: their rows are done and read back, and the others wait until as many as shall have stood the
//! test. A user whose rows had nothing to write was not tested, and the next one goes first instead.

use std::collections::HashMap;
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
    /// Who they are, by order key, and whether a row of theirs has written something.
    first: HashMap<u64, Test>,
    /// The next row, of a user who has to wait.
    waiting: Option<Task>,
    /// How many users have shown that all is well.
    stood: usize,
}

/// What the rows of a user have shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    /// Nothing was written.
    Open,
    /// What was written stands.
    Stood,
}

impl Canary {
    pub(super) fn new(users: Option<NonZeroU64>) -> Self {
        Self { users, first: HashMap::new(), waiting: None, stood: 0 }
    }

    /// The task, where it may begin; one that may not is kept.
    pub(super) fn admit(&mut self, task: Task) -> Option<Task> {
        let Some(users) = self.users else { return Some(task) };
        let key = task.user.order_key();
        let is_first = self.first.contains_key(&key) || (self.first.len() as u64) < users.get();
        if is_first {
            self.first.entry(key).or_insert(Test::Open);
            return Some(task);
        }
        self.waiting = Some(task);
        None
    }

    /// Whether somebody waits.
    pub(super) const fn holds_back(&self) -> bool {
        self.waiting.is_some()
    }

    /// All rows that were begun have ended well: the row that waits may begin, and behind it all others, where as many
    /// users have stood as shall. Those who were not tested make room for as many others.
    pub(super) fn move_on(&mut self) -> Option<Task> {
        self.first.retain(|_, test| *test == Test::Stood);
        if self.users.is_some_and(|users| self.first.len() as u64 >= users.get()) {
            self.users = None;
            self.stood = std::mem::take(&mut self.first).len();
        }
        let task = self.waiting.take()?;
        self.admit(task)
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

    /// Takes note of a row's end; `false` where it shows that not all is well, or leaves that open.
    pub(super) fn note(&mut self, ended: &Ended) -> bool {
        let (Some(_), Work::Task(task)) = (self.users, &ended.work) else { return true };
        match ended.outcome.status {
            Status::Failed | Status::Unknown | Status::Pending => return false,
            Status::Succeeded if task.action.writes() => {
                if let Some(test) = self.first.get_mut(&task.user.order_key()) {
                    *test = Test::Stood;
                }
            }
            Status::Succeeded | Status::Unchanged | Status::Unprocessed => {}
        }
        true
    }
}
