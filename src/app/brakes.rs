//! What is held against each row before it is handed to the run: its time, the plan, and whom it must not touch.

use std::cell::OnceCell;

use crate::engine::run::RowsError;
use crate::model::outlook::Why;
use crate::model::task::{Prior, Task, Work};
use crate::model::wards::Wards;

use super::agenda::{Agenda, left};
use super::earlier::EarlierRuns;
use super::spellings::Spellings;
use super::waves::Sorter;

/// The brakes of a run.
#[derive(Debug, Default)]
pub(super) struct Brakes {
    /// The plan that is carried out.
    pub(super) agenda: Option<Agenda>,
    /// Which rows are for now, as it is before the first row.
    pub(super) sorter: Sorter,
    /// The runs whose rows are not sent again.
    pub(super) earlier: EarlierRuns,
    /// Known once there is a connection.
    pub(super) wards: OnceCell<Wards>,
    /// Who stands in the file under two names; known with the wards.
    pub(super) spellings: OnceCell<Spellings>,
}

impl Brakes {
    /// What becomes of a row. Rows come in the order of their numbers.
    ///
    /// # Errors
    /// When the plan cannot be read, or is another by now.
    pub(super) fn apply(&self, work: Work) -> Result<Work, RowsError> {
        let work = match &self.agenda {
            Some(agenda) => agenda.apply(work)?,
            None => work,
        };
        Ok(match work {
            // It was accepted before, and is only followed.
            Work::Task(task @ Task { prior: Prior::Accepted(_), .. }) => Work::Task(task),
            Work::Task(task) => match self.refusal(&task) {
                Some(Why { code, reason }) => left(task, code, &reason),
                None => Work::Task(task),
            },
            work @ (Work::Invalid(_) | Work::PassedOver(_)) => work,
        })
    }

    /// Why a row must not be done.
    pub(super) fn refusal(&self, task: &Task) -> Option<Why> {
        let wards = self.wards.get().filter(|_| task.action.writes());
        let why = wards.and_then(|wards| wards.refusal(&task.user)).cloned();
        why.or_else(|| self.spellings.get()?.refusal(task))
    }
}
