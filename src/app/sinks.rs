//! The observers of a run: its files, and the view.

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
    progress: Progress,
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
            progress,
        })
    }

    /// Brings the files into their last form.
    pub(super) fn finish(self) -> Result<(), ObserverError> {
        self.progress.finish();
        self.results.finish()?;
        self.operations.finish()?;
        self.methods.finish()?;
        self.unfinished.finish()
    }
}

impl Observer for Sinks {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.results.observe(event)?;
        self.operations.observe(event)?;
        self.methods.observe(event)?;
        self.unfinished.observe(event)?;
        self.progress.observe(event)
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        self.results.tick(now)?;
        self.operations.tick(now)?;
        self.methods.tick(now)?;
        self.unfinished.tick(now)?;
        self.progress.tick(now)
    }
}
