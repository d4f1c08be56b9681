//! The files that a run's journal can make again at any time.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use tokio::time::Instant;

use crate::journal::store::Store;
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::stats::Stats;
use crate::model::timeline::Timeline;
use crate::results::methods::Methods;
use crate::results::operations::Operations;
use crate::results::rows::Results;
use crate::results::unfinished::Unfinished;

use super::error::AppError;
use super::run_directory::RunDirectory;

/// Their names.
pub(super) const NAMES: [&str; 4] = ["results.csv", "operations.csv", "methods.csv", "unfinished.csv"];

/// results.csv, operations.csv, methods.csv and unfinished.csv.
#[derive(Debug)]
pub(super) struct Files {
    results: Results,
    operations: Operations,
    methods: Methods,
    unfinished: Unfinished,
    /// Whether rows stand in them that ended before they began to grow.
    tell_earlier_rows: bool,
}

impl Files {
    /// Makes the files from what `store` holds, in the order of the rows, and puts them in the place of those that are
    /// there. They go on to grow from there. Gives also the counts of what they tell.
    pub(super) fn make(
        directory: &RunDirectory,
        store: &Store,
        timeline: Timeline,
    ) -> Result<(Self, Stats), AppError> {
        let mut files = Self::create(directory, store, timeline)?;
        let (mut stats, mut written) = (Stats::default(), Ok(()));
        store.replay(&timeline, |event| {
            stats.add(&event);
            if written.is_ok() {
                written = files.observe(&event);
            }
        })?;
        written?;
        files.results.move_to(&directory.file(NAMES[0]))?;
        files.operations.move_to(&directory.file(NAMES[1]))?;
        files.methods.move_to(&directory.file(NAMES[2]))?;
        files.unfinished.move_to(&directory.file(NAMES[3]))?;
        files.tell_earlier_rows = files.results.is_begun();
        Ok((files, stats))
    }

    /// Makes them under names that show that they are not ready.
    fn create(directory: &RunDirectory, store: &Store, timeline: Timeline) -> Result<Self, ObserverError> {
        let [results, operations, methods, unfinished] =
            NAMES.map(|name| directory.file(&format!("{name}.new")));
        for path in [&results, &operations, &methods, &unfinished] {
            remove_leftover(path)?;
        }
        let run = store.run();
        Ok(Self {
            results: Results::create(&results, &run.header, timeline)?,
            operations: Operations::create(&operations, timeline)?,
            methods: Methods::create(&methods)?,
            unfinished: Unfinished::create(&unfinished, &run.header, &run.input)?,
            tell_earlier_rows: false,
        })
    }

    /// Writes what was kept back. Gives whether they have their last form: as if they were made now, in the order of the
    /// rows. They come to it by themselves where each row stands once in results.csv, and the other files are empty.
    pub(super) fn finish(self) -> Result<bool, ObserverError> {
        let Self { results, operations, methods, unfinished, tell_earlier_rows } = self;
        let lack_order_only =
            !(tell_earlier_rows || operations.is_begun() || methods.is_begun() || unfinished.is_begun());
        let results = if lack_order_only { results.finish_in_order() } else { results.finish() };
        let others = [operations.finish(), methods.finish(), unfinished.finish()];
        [results].into_iter().chain(others).collect::<Result<(), _>>().map(|()| lack_order_only)
    }
}

/// A process that was killed while it made the files may have left one.
fn remove_leftover(path: &PathBuf) -> Result<(), ObserverError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(ObserverError { what: path.display().to_string(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A file that cannot be written keeps nothing from the others.
impl Observer for Files {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        let Self { results, operations, methods, unfinished, .. } = self;
        [results.observe(event), operations.observe(event), methods.observe(event), unfinished.observe(event)]
            .into_iter()
            .collect()
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        let Self { results, operations, methods, unfinished, .. } = self;
        [results.tick(now), operations.tick(now), methods.tick(now), unfinished.tick(now)]
            .into_iter()
            .collect()
    }
}
