//! Which rows of a file a session of a run does, and how the others end: decided once, by the clock of its beginning and
//! by what earlier runs have done.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::outcome::{Outcome, Status};
use crate::model::task::{PassedOver, Task, Work};
use crate::policy::waves::{Due, Waves};

use super::clock::wall_clock;
use super::earlier::EarlierRuns;
use super::next::quoted;

/// What is waited for behind another row.
const EARLIER_ROW: &str = "an earlier row of this user is due";

/// Sorts rows into those that are done and those that are passed over. It is shown all rows, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Sorter {
    waves: Waves,
    /// The directories of the earlier runs, by place.
    directories: Arc<[PathBuf]>,
}

impl Sorter {
    /// As it is now.
    pub(super) fn now(earlier: &mut EarlierRuns) -> Self {
        let directories = earlier.directories().into();
        Self { waves: Waves::at(wall_clock(), Arc::new(std::mem::take(&mut earlier.rows))), directories }
    }

    /// When a row is done.
    pub(super) fn due(&mut self, task: &Task) -> Due {
        self.waves.due(task)
    }

    /// What becomes of a row.
    pub(super) fn sort(&mut self, task: Task) -> Work {
        let outcome = match self.due(&task) {
            Due::Now => return Work::Task(task),
            Due::NotBefore(moment) => Outcome::not_due(&moment.to_string()),
            Due::Behind => Outcome::not_due(EARLIER_ROW),
            Due::Done(place) => {
                let directory = &self.directories[usize::from(place.run)];
                let detail = format!("done already: row {} of {}", place.row, quoted(directory));
                Outcome::new(Status::Unchanged, detail)
            }
        };
        Work::PassedOver(Box::new(PassedOver { task, outcome }))
    }
}
