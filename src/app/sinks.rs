//! The observers of a run: its files, and the view.

use std::path::PathBuf;

use tokio::time::Instant;

use crate::model::event::{Event, Observer, ObserverError};
use crate::model::header::Header;
use crate::model::timeline::Timeline;
use crate::progress::Progress;
use crate::results::methods::Methods;
use crate::results::operations::Operations;
use crate::results::rows::Results;
use crate::results::unfinished::Unfinished;

use super::run_directory::RunDirectory;

/// Everybody who is shown what happens, the files first.
#[derive(Debug)]
pub(super) struct Sinks {
    results: Results,
    operations: Operations,
    methods: Methods,
    unfinished: Unfinished,
    /// unfinished.csv; `None` once something could not be written to it.
    leftover: Option<PathBuf>,
    progress: Progress,
}

/// How the files ended.
pub(super) struct Finished {
    /// Whether all are in their last form.
    pub(super) written: Result<(), ObserverError>,
    /// unfinished.csv, where it holds every row that it should.
    pub(super) leftover: Option<PathBuf>,
}

impl Sinks {
    /// Makes the files. `input` is the absolute path of the rows' file.
    pub(super) fn create(
        directory: &RunDirectory,
        (header, input): (&Header, &std::path::Path),
        timeline: Timeline,
        progress: Progress,
    ) -> Result<Self, ObserverError> {
        Ok(Self {
            results: Results::create(&directory.file("results.csv"), header, timeline)?,
            operations: Operations::create(&directory.file("operations.csv"), timeline)?,
            methods: Methods::create(&directory.file("methods.csv"))?,
            unfinished: Unfinished::create(&directory.file("unfinished.csv"), header, input)?,
            leftover: Some(directory.file("unfinished.csv")),
            progress,
        })
    }

    /// Brings the files into their last form.
    pub(super) fn finish(self) -> Finished {
        self.progress.finish();
        let unfinished = self.unfinished.finish();
        let leftover = self.leftover.filter(|_| unfinished.is_ok());
        let all = [self.results.finish(), self.operations.finish(), self.methods.finish(), unfinished];
        Finished { written: all.into_iter().collect(), leftover }
    }

    fn noted(&mut self, unfinished: Result<(), ObserverError>) -> Result<(), ObserverError> {
        if unfinished.is_err() {
            self.leftover = None;
        }
        unfinished
    }
}

/// A file that cannot be written keeps nothing from the others: least of all a row from unfinished.csv.
impl Observer for Sinks {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        let unfinished = self.unfinished.observe(event);
        let all = [
            self.results.observe(event),
            self.operations.observe(event),
            self.methods.observe(event),
            self.noted(unfinished),
            self.progress.observe(event),
        ];
        all.into_iter().collect()
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        let unfinished = self.unfinished.tick(now);
        let all = [
            self.results.tick(now),
            self.operations.tick(now),
            self.methods.tick(now),
            self.noted(unfinished),
            self.progress.tick(now),
        ];
        all.into_iter().collect()
    }
}
