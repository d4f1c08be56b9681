//! The observers of a run: its journal, its files, and the view.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::warn;

use crate::journal::replay::retold;
use crate::journal::store::Store;
use crate::journal::writer::Journal;
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::stats::Stats;
use crate::model::timeline::Timeline;
use crate::pace::pacer::Pacer;
use crate::progress::view::Progress;
use crate::settings::resolve::Settings;
use crate::telemetry::event_log::EventLog;
use crate::telemetry::metrics::Metrics;
#[cfg(feature = "otlp")]
use crate::telemetry::otlp::{Otlp, RunMetrics};

use super::error::{AppError, chain};
use super::files::Files;
use super::run_directory::RunDirectory;

/// Everybody who is shown what happens, the journal first: what it has not noted has not happened.
#[derive(Debug)]
pub(super) struct Sinks {
    pub(super) journal: Journal,
    pub(super) files: Files,
    pub(super) progress: Progress,
    /// What machines are told, where they are.
    pub(super) machines: Box<Machines>,
    /// What it finds is noted in the journal.
    pub(super) pacer: Arc<Pacer>,
}

/// What is told to machines while the run goes on.
#[derive(Debug)]
pub(super) struct Machines {
    event_log: Option<EventLog>,
    metrics: Option<Metrics>,
    #[cfg(feature = "otlp")]
    otlp: Option<RunMetrics>,
}

impl Machines {
    /// Those that were asked for, for a run of so many rows.
    pub(super) fn of(settings: &Settings, rows: u64, timeline: Timeline) -> Box<Self> {
        let open = |path: &PathBuf| {
            let opened = EventLog::open(path, timeline, settings.numbers);
            opened.inspect_err(|error| warn!("no events are told: {}", chain(error))).ok()
        };
        Box::new(Self {
            event_log: settings.events.as_ref().and_then(open),
            metrics: settings.metrics_file.as_ref().map(|path| Metrics::new(path, rows)),
            #[cfg(feature = "otlp")]
            otlp: super::collector::collector().map(Otlp::metrics),
        })
    }

    /// Writes what is left. A fault here is no reason to doubt the run, which has ended.
    fn finish(&mut self) {
        let _ = self.event_log.tick(Instant::now());
        if let Some(metrics) = &mut self.metrics {
            metrics.finish();
        }
    }
}

/// How the files ended.
pub(super) struct Finished {
    /// The journal; `None` where its thread came to grief.
    pub(super) store: Option<Store>,
    /// The counts of all that the files tell, or what kept them from their last form.
    pub(super) told: Result<Stats, AppError>,
}

impl Sinks {
    /// Brings the files into their last form. `stats` counts what this session told.
    pub(super) fn finish(mut self, directory: &RunDirectory, stats: &Stats) -> Finished {
        self.progress.finish();
        self.machines.finish();
        self.journal.note_limits(Instant::now(), self.pacer.limits());
        let (store, kept) = self.journal.finish();
        let have_last_form = self.files.finish().unwrap_or(false);
        let told = kept.map_err(AppError::from).and_then(|()| match &store {
            // Whatever kept the files from it does not keep the journal from telling.
            Some(store) if !have_last_form => remake(directory, store),
            Some(_) | None => Ok(stats.clone()),
        });
        Finished { store, told }
    }
}

/// Makes the files from the journal, in the order of the rows.
fn remake(directory: &RunDirectory, store: &Store) -> Result<Stats, AppError> {
    let (files, stats) = Files::make(directory, store, retold(store.run()))?;
    files.finish()?;
    Ok(stats)
}

/// A file that cannot be written keeps nothing from the others.
impl Observer for Sinks {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        [
            self.journal.observe(event),
            self.files.observe(event),
            self.progress.observe(event),
            self.machines.event_log.observe(event),
            self.machines.metrics.observe(event),
            #[cfg(feature = "otlp")]
            self.machines.otlp.observe(event),
        ]
        .into_iter()
        .collect()
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        self.journal.note_limits(now, self.pacer.limits());
        [
            self.journal.tick(now),
            self.files.tick(now),
            self.progress.tick(now),
            self.machines.event_log.tick(now),
            self.machines.metrics.tick(now),
        ]
        .into_iter()
        .collect()
    }

    fn kept(&mut self, count: u64) -> impl Future<Output = Result<u64, ObserverError>> {
        self.journal.kept(count)
    }
}
