//! `--since-run`: what earlier runs have done, read from their journals.

use std::path::{Path, PathBuf};

use crate::input::rows::{ActionSource, Interpreter};
use crate::journal::replay::retold;
use crate::journal::schema::JournalError;
use crate::journal::standing::Failures;
use crate::journal::store::Store;
use crate::model::action::Action;
use crate::model::event::{Ended, Event};
use crate::model::outcome::Status;
use crate::model::task::{Task, Work};
use crate::model::timeline::Timeline;
use crate::policy::earlier::Earlier;
use crate::settings::stored::Stored;

use super::error::AppError;
use super::locks::{Use, lock_run_directory};
use super::next::quoted;
use super::purpose::{Purpose, input_settings};

/// The earlier runs, in the order in which they were made, and what they did.
#[derive(Debug, Default)]
pub(super) struct EarlierRuns {
    runs: Vec<Origin>,
    pub(super) rows: Earlier,
}

/// Where and against what a run was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    directory: PathBuf,
    graph_root: String,
    tenant: Option<String>,
    is_rehearsal: bool,
}

impl EarlierRuns {
    /// Reads them.
    pub(super) fn read(directories: &[PathBuf]) -> Result<Self, AppError> {
        let mut stores = Vec::new();
        for directory in directories {
            let path = directory.join("journal.sqlite");
            // Looked for first, so that no lock is left in a directory that is none of ours.
            if !path.exists() {
                return Err(JournalError::NoJournal(path).into());
            }
            let lock = lock_run_directory(directory, Use::Reading)?;
            let store = Store::open(&path)?;
            if Purpose::of(&store.run().command) != Purpose::Rows {
                return Err(AppError::NoRun(directory.clone()));
            }
            is_decided((&store, &retold(store.run())), directory, "run this again")?;
            stores.push((directory, store, lock));
        }
        stores.sort_by_key(|(_, store, _)| store.run().started_at);
        let mut earlier = Self::default();
        for (run, (directory, store, _lock)) in (0..).zip(stores) {
            let ends = visit(&store, |work, ended| earlier.rows.note(run, work, ended))?;
            if ends.pending > 0 {
                let (rows, directory) = (ends.pending, quoted(directory));
                return Err(AppError::InDoubt {
                    rows,
                    command: "operations",
                    directory,
                    then: "run this again",
                });
            }
            let record = store.run();
            earlier.runs.push(Origin {
                directory: directory.clone(),
                graph_root: record.graph_root.clone(),
                tenant: record.tenant.clone(),
                is_rehearsal: record.is_rehearsal,
            });
        }
        earlier.rows.sort();
        Ok(earlier)
    }

    /// Adds what the run that is taken up again has sent itself.
    pub(super) fn add_own(&mut self, store: &Store) -> Result<(), AppError> {
        if self.runs.is_empty() {
            return Ok(());
        }
        let own = u16::try_from(self.runs.len()).unwrap_or(u16::MAX);
        visit(store, |work, ended| self.rows.note_own(own, work, ended))?;
        self.rows.sort();
        Ok(())
    }

    /// Whether what they did was done to this tenant. A rehearsal changes nobody, so it may go by any run.
    pub(super) fn fit(&self, graph_root: &str, tenant: Option<&str>) -> Result<(), AppError> {
        for run in &self.runs {
            let is_other = |(then, now): (&str, &str)| !then.eq_ignore_ascii_case(now);
            let is_foreign = run.tenant.as_deref().zip(tenant).is_some_and(is_other);
            if run.is_rehearsal || is_foreign || is_other((&run.graph_root, graph_root)) {
                return Err(AppError::ElsewhereDone(run.directory.clone()));
            }
        }
        Ok(())
    }

    /// The runs' directories, by place.
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        self.runs.iter().map(|run| run.directory.clone()).collect()
    }
}

/// What was counted on the way.
#[derive(Debug, Default)]
struct Ends {
    /// Resets that nobody has followed to their end.
    pending: u64,
}

/// Shows all rows of a run that were understood, with what each asked for.
fn visit(store: &Store, mut see: impl FnMut((&Task, &Action), &Ended)) -> Result<Ends, AppError> {
    let run = store.run();
    let reading = Stored::from_json(&run.settings)?.rows_were_read()?;
    let mut interpreter =
        Interpreter::new(run.header.clone(), input_settings(&reading, ActionSource::Column));
    let mut ends = Ends::default();
    store.replay(&retold(run), |event| {
        if let Event::Ended(ended) = event
            && let Work::Task(task) = &ended.work
        {
            ends.pending += u64::from(ended.outcome.status == Status::Pending);
            see((task, &interpreter.asked(task)), &ended);
        }
    })?;
    Ok(ends)
}

/// Whether it is known of every row that began how it ended; `then` is what to do once it is.
pub(super) fn is_decided(
    (store, timeline): (&Store, &Timeline),
    directory: &Path,
    then: &'static str,
) -> Result<(), AppError> {
    match in_doubt((store, timeline))? {
        0 => Ok(()),
        rows => Err(AppError::InDoubt { rows, command: "resume", directory: quoted(directory), then }),
    }
}

/// How many rows began of which the journal does not say how they ended.
pub(super) fn in_doubt((store, timeline): (&Store, &Timeline)) -> Result<u64, AppError> {
    let standing = store.standing(Failures::Final, timeline)?;
    let mut rows = 0;
    for row in standing.in_doubt.keys() {
        rows += u64::from(store.end_of(*row, timeline)?.is_none());
    }
    Ok(rows)
}
