//! `authwave run` and `authwave snapshot`: from a checked file to results.

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::info;

use crate::engine::operations::PollSettings;
use crate::engine::run::{RowsError, RunEnd, RunSettings, run};
use crate::graph::client::{Graph, GraphParts, Root};
use crate::input::checks::{Findings, check};
use crate::input::records::InputError;
use crate::input::rows::{ActionSource, InputSettings};
use crate::input::source::Input;
use crate::model::event::Event;
use crate::model::task::Work;
use crate::model::timeline::Timeline;
use crate::pace::pacer::Pacer;
use crate::pace::shutdown::Shutdown;
use crate::progress::{Progress, Screen, View};
use crate::settings::args;
use crate::settings::resolve::{BadRows, Mode, Output, RunChoices, Settings, resolve};
use crate::transport::bearer::Credential as _;

use super::closing::{Account, Closing};
use super::connect::{Connection, connect};
use super::environment::{runtime, say, secrets, settings_file, wall_clock};
use super::error::AppError;
use super::exit::Exit;
use super::rehearsal::{RehearsalTenant, Seeds};
use super::run_directory::RunDirectory;
use super::signals::Signals;
use super::sinks::Sinks;
use super::{bad_rows, logging};

/// How many events may wait to be noted: enough that no worker waits, small enough to cost no memory.
const INBOX: usize = 1_024;

/// How many rows that wait for an earlier row of their user are read ahead.
const LOOK_AHEAD: usize = 10_000;

/// One of so many places on the wire is for polls of resets while rows are still to be done.
const SHARE_OF_POLLS: usize = 8;

/// What a command does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// What they say.
    Rows,
    /// Every user in them is read, once.
    Snapshot,
}

impl Purpose {
    /// What was typed for it.
    const fn command(self) -> &'static str {
        match self {
            Self::Rows => "run",
            Self::Snapshot => "snapshot",
        }
    }
}

/// `authwave run`.
pub(super) fn run_rows(args: args::Run) -> Result<Exit, AppError> {
    let choices = RunChoices {
        default_country: args.default_country,
        operation_timeout: args.operation_timeout,
        skip_invalid: args.skip_invalid,
    };
    execute(&args.file, &args.common, (mode(args.rehearse), choices), Purpose::Rows)
}

/// `authwave snapshot`.
pub(super) fn take_snapshot(args: &args::Snapshot) -> Result<Exit, AppError> {
    execute(&args.file, &args.common, (mode(args.rehearse), RunChoices::default()), Purpose::Snapshot)
}

const fn mode(rehearse: bool) -> Mode {
    if rehearse { Mode::Rehearsal } else { Mode::Real }
}

fn execute(
    file: &Path,
    common: &args::Common,
    (mode, choices): (Mode, RunChoices),
    purpose: Purpose,
) -> Result<Exit, AppError> {
    let settings = resolve(common, (mode, choices), settings_file(common.config.clone())?, secrets())?;
    let screen = Screen::new(view(settings.output));
    logging::begin(&screen, settings.verbosity, common.log.as_deref())?;
    let (input, findings, seeds) = checked(file, &settings, (mode, purpose))?;
    let job = Job { settings, screen, input, purpose, findings, seeds };
    runtime()?.block_on(job.carry_out())
}

fn view(output: Output) -> View {
    match output {
        Output::Quiet => View::Silent,
        Output::Bar if std::io::stderr().is_terminal() => View::Bar,
        Output::Bar | Output::Lines => View::Lines,
    }
}

/// Reads the whole file before anything is sent, and leaves it at its first row.
fn checked(
    file: &Path,
    settings: &Settings,
    (mode, purpose): (Mode, Purpose),
) -> Result<(Input, Findings, Seeds), AppError> {
    let action = match purpose {
        Purpose::Rows => ActionSource::Column,
        Purpose::Snapshot => ActionSource::ListMethods,
    };
    let mut input = Input::open(file, InputSettings { default_country: settings.default_country, action })?;
    let mut seeds = Seeds::default();
    let findings = check(&mut input, |work| {
        if let (Mode::Rehearsal, Work::Task(task)) = (mode, work) {
            seeds.note(task);
        }
    })?;
    if findings.invalid > 0 {
        say(&bad_rows::report(file, &findings));
        if settings.bad_rows == BadRows::Refuse {
            return Err(AppError::BadRows { invalid: findings.invalid, rows: findings.rows });
        }
    }
    input.rewind()?;
    Ok((input, findings, seeds))
}

/// A checked file and all that is needed to do its rows.
struct Job {
    settings: Settings,
    screen: Screen,
    input: Input,
    purpose: Purpose,
    findings: Findings,
    seeds: Seeds,
}

impl Job {
    async fn carry_out(self) -> Result<Exit, AppError> {
        let rehearsal = RehearsalTenant::start_for(&self.settings.target, self.seeds.clone())?;
        let connection = connect(&self.settings, rehearsal.as_ref())?;
        // The first token before anything is made: a sign-in that is refused leaves nothing behind.
        connection.credential.bearer().await?;
        let signals =
            Signals::listen().map_err(|source| AppError::System { what: "listen for signals", source })?;
        let (input_path, started_at) = (absolute(self.input.path())?, wall_clock());
        let directory = self.run_directory(started_at)?;
        info!("run directory {}", directory.path().display());
        let timeline = Timeline::new(Instant::now(), started_at);
        let pacer = Arc::new(Pacer::new(self.settings.pace));
        let progress = Progress::new(self.screen.clone(), self.findings.rows, Arc::clone(&pacer));
        let mut sinks = Sinks::create(&directory, (self.input.header(), &input_path), timeline, progress)?;

        let graph_root = connection.graph_root.clone();
        let (api_version, output, purpose) = (self.settings.api_version, self.settings.output, self.purpose);
        let end = self.run(connection, pacer, (&mut sinks, signals)).await?;
        let ended_at = Instant::now();

        let finished = sinks.finish();
        let account = Account {
            started_at,
            duration: timeline.at(ended_at).duration_since(started_at).unsigned_abs(),
            input: &input_path,
            graph_root: &graph_root,
            api_version,
            ledger: rehearsal.map(RehearsalTenant::stop),
            directory: directory.path(),
            leftover: finished.leftover.as_deref().unwrap_or(&input_path),
            command: purpose.command(),
        };
        Closing { end: &end, account }.close(output, finished.written, &directory.file("summary.json"))
    }

    fn run_directory(&self, start: Timestamp) -> Result<RunDirectory, AppError> {
        let (path, made) = if let Some(path) = &self.settings.run_dir {
            (path, RunDirectory::at(path))
        } else {
            let runs_dir = &self.settings.runs_dir;
            (runs_dir, RunDirectory::named_after(runs_dir, start, self.input.path()))
        };
        made.map_err(|source| AppError::RunDirectory { path: path.clone(), source })
    }

    async fn run(
        self,
        connection: Connection,
        pacer: Arc<Pacer>,
        (sinks, signals): (&mut Sinks, Signals),
    ) -> Result<RunEnd, AppError> {
        let (events, inbox) = mpsc::channel::<Event>(INBOX);
        let shutdown = Shutdown::default();
        let in_flight = pacer.in_flight().get();
        let parts = GraphParts {
            root: Root::new(&connection.graph_root, self.settings.api_version).map_err(|error| {
                AppError::System { what: "use the Graph root", source: std::io::Error::other(error) }
            })?,
            pacer,
            shutdown: shutdown.clone(),
            events,
            retry: self.settings.retry,
            random: fastrand::Rng::new(),
        };
        let graph = Arc::new(Graph::new(connection.transport, connection.credential, parts));
        let settings = RunSettings {
            window: self.settings.window.get(),
            look_ahead: LOOK_AHEAD,
            polls: PollSettings {
                timeout: self.settings.operation_timeout,
                polls_beside_rows: (in_flight / SHARE_OF_POLLS).max(1),
                polls_alone: in_flight,
            },
        };
        let rows = rows(self.input, self.purpose);
        tokio::select! {
            biased;
            end = run(graph, rows, settings, (inbox, sinks)) => Ok(end),
            () = signals.stop(&shutdown) => unreachable!("listening for signals never ends"),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, AppError> {
    std::path::absolute(path)
        .map_err(|source| AppError::System { what: "find the input's absolute path", source })
}

/// The rows of the file, or in a snapshot the first of each user.
fn rows(input: Input, purpose: Purpose) -> impl Iterator<Item = Result<Work, RowsError>> {
    let mut seen = HashSet::new();
    let is_wanted = move |work: &Result<Work, InputError>| match (purpose, work) {
        // Two users in 2⁶⁴ share a key.
        (Purpose::Snapshot, Ok(Work::Task(task))) => seen.insert(task.user.order_key()),
        (Purpose::Rows | Purpose::Snapshot, _) => true,
    };
    input.filter(is_wanted).map(|work| work.map_err(RowsError::from))
}
