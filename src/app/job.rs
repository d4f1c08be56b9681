//! A run that is ready to go: its rows done, its files brought into their last form, its end told.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::info;

use crate::actions::conduct::Conduct;
use crate::engine::lost_resets::LostResets;
use crate::engine::run::{RowsError, RunEnd, Stop, run};
use crate::input::rows::InputSettings;
use crate::journal::record::{RunRecord, SessionStart, Traffic};
use crate::journal::store::Store;
use crate::journal::writer::Journal;
use crate::model::demand::Demand;
use crate::model::digest::{Counts, Digest};
use crate::model::numbers::Numbers;
use crate::model::stats::{RowCounts, Stats};
use crate::model::task::Work;
use crate::model::throughput::Throughput;
use crate::model::timeline::Timeline;
use crate::pace::pacer::{Limits, PaceSettings, Pacer};
use crate::policy::forecast::{Requests, forecast};
use crate::policy::holders::Holders;
use crate::progress::screen::Screen;
use crate::progress::view::Progress;
use crate::report::verdict::Presence;
use crate::results::excel;
use crate::settings::resolve::{HolderSearch, Output, Settings, Workbook};

use super::clock::wall_clock;
use super::closing::Account;
use super::connect::{Connection, Line};
use super::environment::say;
use super::error::{AppError, chain};
use super::exit::Exit;
use super::files::{self, Files};
use super::holders;
use super::locks::Lock;
use super::memory::Memory;
use super::next;
use super::pacing::{self, found, run_settings};
use super::purpose::{Purpose, StopRules};
use super::rehearsal::RehearsalTenant;
use super::report;
use super::run_directory::RunDirectory;
use super::search::{self, Searcher};
use super::signals::Signals;
use super::sinks::{Finished, Machines, Sinks};
use super::status;

/// A run that is ready to go.
pub(super) struct Job {
    pub(super) settings: Settings,
    pub(super) stops: StopRules,
    pub(super) screen: Screen,
    pub(super) connection: Connection,
    pub(super) rehearsal: Option<RehearsalTenant>,
    pub(super) signals: Signals,
    pub(super) directory: RunDirectory,
    /// Held until the run has ended.
    pub(super) locks: Vec<Lock>,
    /// What the rows take that are to be done.
    pub(super) demand: Demand,
    /// How they are done.
    pub(super) conduct: Conduct,
}

/// When this process began to work on the run, on both clocks.
#[derive(Clone, Copy)]
struct Start {
    wall: Timestamp,
    moment: Instant,
    /// For how long other processes had worked on it.
    worked_before: Duration,
}

impl Job {
    /// Does the rows and keeps what happens in `store`.
    pub(super) async fn carry_out<R>(mut self, mut store: Store, rows: R) -> Result<Exit, AppError>
    where
        R: Iterator<Item = Result<Work, RowsError>>,
    {
        info!("run directory {}", self.directory.path().display());
        let start =
            Start { wall: wall_clock(), moment: Instant::now(), worked_before: store.working_time()? };
        store.begin_session(&session(start), start.moment)?;
        let memory = self.memory();
        let purpose = Purpose::of(&store.run().command);
        let shared_by = purpose.shared_by(&self.settings);
        let pace = PaceSettings { shared_by, ..self.settings.pace };
        let pace = pacing::pace(pace, &self.demand, memory.learned(&self.demand, start.wall));
        self.foretell(&pace);
        let seeks = purpose == Purpose::Rows && self.settings.holders == HolderSearch::InTenant;
        if seeks {
            search::announce(&self.connection, self.settings.output);
        }
        let pacer = Arc::new(Pacer::new(pace));
        status::shown(self.screen.asked());
        let timeline = Timeline::new(start.moment, start.wall);
        let machines = Machines::of(&self.settings, self.demand.rows, timeline);
        let progress = Progress::new(self.screen.clone(), self.demand, Arc::clone(&pacer));
        let (files, _) = Files::make(&self.directory, &store, timeline)?;
        let lost_resets = LostResets::new(store.lost_resets()?);
        let journal = Journal::start(store);
        let journal = journal.map_err(|source| AppError::System { what: "start a thread", source })?;
        let mut sinks = Sinks { journal, files, progress, machines, pacer: Arc::clone(&pacer) };

        let Line { graph, shutdown, inbox, step } =
            self.connection.open(&self.settings, Arc::clone(&pacer))?;
        let settings = run_settings(&self.settings, self.stops, self.conduct);
        let end = tokio::select! {
            biased;
            end = run(graph, rows, settings, lost_resets, (inbox, &mut sinks)) => end,
            () = self.signals.stop(&shutdown) => unreachable!("listening for signals never ends"),
        };
        status::doing("bringing the files into their last form");
        drop(step);
        memory.keep(&found(&pacer, start.moment.elapsed()), wall_clock());
        let input = Purpose::Rows.input_settings(&self.settings);
        let finished = sinks.finish(&self.directory, &end.stats);
        let deadline = self.settings.max_duration.and_then(|span| start.moment.checked_add(span));
        let (connection, screen, signals) = (self.connection, self.screen, self.signals);
        let settings = self.settings.clone();
        // Who was stopped has rows to go on with first.
        let searcher = (seeks && end.stop.is_none())
            .then(|| Box::new(Searcher { connection, settings, screen, signals, pacer, deadline }));
        let closing = Closing {
            searcher,
            start,
            rehearsal: self.rehearsal,
            directory: self.directory,
            workbook: self.settings.workbook,
            output: self.settings.output,
            input,
            numbers: self.settings.numbers,
        };
        let exit = Box::pin(closing.close(end, finished)).await;
        drop(self.locks);
        exit
    }

    /// What is known of the tenant; a rehearsal's has no quota.
    fn memory(&self) -> Memory {
        match &self.rehearsal {
            Some(_) => Memory::NONE,
            None => Memory::of(&self.connection),
        }
    }

    /// Tells what the rows take, and how long that will be.
    fn foretell(&self, pace: &PaceSettings) {
        let text = match &self.rehearsal {
            Some(_) => Requests(&self.demand).to_string(),
            None => forecast(self.demand, &pace.known(Limits::default())).to_string(),
        };
        if self.settings.output != Output::Quiet {
            say(&format!("{text}\n"));
        }
    }
}

fn session(start: Start) -> SessionStart {
    SessionStart {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        process_id: std::process::id(),
        started_at: start.wall,
    }
}

/// What is needed to tell the end of a run.
struct Closing {
    start: Start,
    /// Looks in the tenant for who has numbers that rows met; `None` where that was not asked for.
    searcher: Option<Box<Searcher>>,
    rehearsal: Option<RehearsalTenant>,
    directory: RunDirectory,
    workbook: Workbook,
    output: Output,
    /// How the rows of the journal are understood.
    input: InputSettings,
    numbers: Numbers,
}

impl Closing {
    async fn close(self, end: RunEnd, finished: Finished) -> Result<Exit, AppError> {
        let Finished { store, told } = finished;
        let Some(mut store) = store else { return told.map(|_| Exit::Stopped) };
        let ((stats, throughput, holders), exit, fault) =
            match told.and_then(|stats| whole(&store, &self.input, stats)) {
                Ok(whole) => {
                    let exit = exit(store.run(), &whole.0.rows, end.stop.as_ref());
                    (whole, exit, None)
                }
                Err(error) => {
                    ((end.stats, Throughput::default(), Holders::default()), Exit::Stopped, Some(error))
                }
            };
        let run = store.run().clone();
        let worked_now = self.start.moment.elapsed();
        let mut account = Account {
            run: &run,
            stats,
            throughput,
            holders,
            stop: end.stop,
            stood: end.stood,
            exit,
            refused: 0,
            sessions: store.sessions().unwrap_or(1),
            duration: self.start.worked_before + worked_now,
            ended_at: self.start.wall.checked_add(worked_now).unwrap_or(Timestamp::MAX),
            ledger: None,
            directory: self.directory.path(),
            numbers: self.numbers,
            errors: Vec::new(),
        };
        if self.workbook == Workbook::Beside
            && let Err(error) = excel::write(&self.directory.file("results.xlsx"), &files::NAMES)
        {
            // All that it holds stands in the CSV files.
            say(&format!("warning: no workbook was written: {}\n", chain(&error)));
        }
        let mut written = account.write(&self.directory.file("summary.json"));
        let noted = store.end_session(&account.session_end());
        // What cannot be read is not told; the journal's fault is.
        account.refused = next::refused(&store).unwrap_or_default();
        let counts = fault.is_none().then(|| account.counts());
        let shown = (self.numbers, Presence::Over);
        let digest = digest(&store, counts);
        let report = |holders: &Holders| match &digest {
            Ok(digest) => report::write(&self.directory, &store, (digest, holders), shown),
            Err(_) => Ok(()),
        };
        if let Some(error) = digest.as_ref().err().or(report(&account.holders).as_ref().err()) {
            // `authwave report` can make it at any time.
            say(&format!("warning: no report was written: {}\n", chain(error)));
        }
        account.errors = digest.as_ref().map(errors).unwrap_or_default();
        // Last, since it may take long: all files are there by now.
        if let Some(searcher) = self.searcher
            && account.holders.rows > 0
        {
            searcher.look(&mut account.holders).await;
            written = written.and(account.write(&self.directory.file("summary.json")));
            if let Err(error) = report(&account.holders) {
                say(&format!("warning: the report says nothing of the search: {}\n", chain(&error)));
            }
        }
        account.ledger = self.rehearsal.map(RehearsalTenant::stop);
        if self.output != Output::Quiet || exit != Exit::Done {
            say(&account.text());
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(written.and(noted).map(|()| exit)?),
        }
    }
}

/// How the process ends, by the rows of all sessions.
fn exit(run: &RunRecord, rows: &RowCounts, stop: Option<&Stop>) -> Exit {
    let purpose = Purpose::of(&run.command);
    match purpose.exit(Exit::of(rows, stop)) {
        // An earlier process broke off, and only resets were followed since: rows have no end.
        Exit::Done | Exit::Pending if purpose == Purpose::Rows && rows.total() < run.rows => Exit::SomeFailed,
        exit => exit,
    }
}

/// So many error codes are told in the last lines.
const TOLD_ERRORS: usize = 3;

/// The run in short. Its rows are not counted again where they were.
fn digest(store: &Store, counts: Option<Counts>) -> Result<Digest, AppError> {
    Ok(match counts {
        Some(counts) => store.digest_of(counts)?,
        None => store.digest()?,
    })
}

/// The most frequent error codes.
fn errors(digest: &Digest) -> Vec<(String, u64)> {
    digest.errors.iter().take(TOLD_ERRORS).map(|group| (group.code.clone(), group.rows())).collect()
}

/// The counts of the rows, and of all that was sent for them in any session; how that went over time; and who has the
/// numbers that sign in another user.
fn whole(
    store: &Store,
    input: &InputSettings,
    stats: Stats,
) -> Result<(Stats, Throughput, Holders), AppError> {
    let Traffic { requests, held, throughput } = store.traffic()?;
    // Looking for them reads the whole journal.
    let holders = if stats.numbers_taken > 0 { holders::find(store, input)? } else { Holders::default() };
    Ok((Stats { requests, held, ..stats }, throughput, holders))
}
