//! Which rows of a file a session of a run does, and how the others end: decided once, by the clock of its beginning.

use crate::model::outcome::Outcome;
use crate::model::task::{PassedOver, Task, Work};
use crate::policy::waves::{Due, Waves};

/// What is waited for behind another row.
const EARLIER_ROW: &str = "an earlier row of this user is due";

/// What becomes of a row.
pub(super) fn sort(waves: &mut Waves, task: Task) -> Work {
    let until = match waves.due(&task) {
        Due::Now => return Work::Task(task),
        Due::NotBefore(moment) => moment.to_string(),
        Due::Behind => EARLIER_ROW.to_owned(),
    };
    let outcome = Outcome::not_due(&until);
    Work::PassedOver(Box::new(PassedOver { task, outcome }))
}
