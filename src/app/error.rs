//! Everything that can stop a command, and how it is told.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::graph::call::CallError;
use crate::graph::needs::Obstacle;
use crate::input::records::InputError;
use crate::journal::schema::JournalError;
use crate::model::event::ObserverError;
use crate::model::outcome::{Failure, Status};
use crate::policy::caps::Excess;
use crate::results::plan_document::PlanError;
use crate::settings::error::SettingsError;
use crate::settings::sign_in::Missing;
use crate::transport::bearer::SignInError;
use crate::transport::http::HttpError;

use super::exit::Exit;
use super::locks::LockError;

/// A command could not do its work.
#[derive(Debug, Error)]
pub enum AppError {
    /// The settings are wrong.
    #[error("the settings cannot be used")]
    Settings(#[from] SettingsError),
    /// The input is wrong.
    #[error("the input cannot be used")]
    Input(#[from] InputError),
    /// The rows' file of a run that is taken up cannot be read.
    #[error("the rows' file of the run cannot be used; if it was moved, name it with --input FILE")]
    InputGone(#[source] InputError),
    /// Rows of the input are wrong; they were told already.
    #[error(
        "{invalid} of {rows} rows cannot be done; nothing was sent. Mend them, or add --skip-invalid to do the others"
    )]
    BadRows {
        /// So many are wrong.
        invalid: u64,
        /// Of so many.
        rows: u64,
    },
    /// Rows that do more than they may.
    #[error("nothing was written: {}. Look whether that is what was meant, and raise the cap", join(.0))]
    OverCap(Vec<Excess>),
    /// Nobody can be asked.
    #[error(
        "nothing was sent: rows change something, and without a terminal nobody can be asked whether they shall. \
         Look at `authwave plan FILE`, then add --yes (AUTHWAVE_YES=true)"
    )]
    NobodyToAsk,
    /// Somebody said no.
    #[error("nothing was sent: it was not confirmed")]
    NotConfirmed,
    /// A plan cannot be used.
    #[error("the plan {} cannot be used; nothing was sent", path.display())]
    Plan {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: PlanError,
    },
    /// Rows that would all be refused.
    #[error("the file cannot be done, and nothing was sent: {}", join(.0))]
    Unfit(Vec<Obstacle>),
    /// No client could be made.
    #[error("cannot talk to Graph")]
    Http(#[from] HttpError),
    /// No first token could be had.
    #[error("cannot sign in; nothing was sent")]
    SignIn(#[from] SignInError),
    /// It could not be found out whom no row may touch.
    #[error("nothing was written: {whom} could not be read; {cure}")]
    Census {
        /// Who it is about.
        whom: &'static str,
        /// What to do.
        cure: &'static str,
        /// Why.
        source: CallError,
    },
    /// Nothing to sign in with was found.
    #[error("{} is missing: {}. Looked for besides: {tried}", missing.what, missing.cure)]
    NoSignIn {
        /// What to set.
        missing: Missing,
        /// What was tried, and why it is not there.
        tried: String,
    },
    /// The journal cannot be used.
    #[error("the run directory cannot be used")]
    Journal(#[from] JournalError),
    /// A rehearsal's tenant is gone with its run.
    #[error(
        "the run was a rehearsal, whose tenant is gone: there is nothing to read again. Rehearse against `authwave simulator` instead"
    )]
    Rehearsed,
    /// A run that was killed has rows of which nobody knows what became of them.
    #[error(
        "{rows} rows of the run are in doubt: `authwave {command} {directory}` finds out what became of them, then {then}"
    )]
    InDoubt {
        /// So many.
        rows: u64,
        /// What finds out.
        command: &'static str,
        /// The run directory.
        directory: String,
        /// What to do afterwards.
        then: &'static str,
    },
    /// What was read for a plan or a snapshot is not done.
    #[error("--since-run (AUTHWAVE_SINCE_RUN): {} is no run: plans and snapshots change nothing", .0.display())]
    NoRun(PathBuf),
    /// Another tenant has what a run did.
    #[error(
        "--since-run (AUTHWAVE_SINCE_RUN): {} was a rehearsal, or of another tenant: here nothing of it is done", .0.display()
    )]
    ElsewhereDone(PathBuf),
    /// No row ends so.
    #[error("--only-status (AUTHWAVE_ONLY_STATUS): rows do not end as '{0}', but as {statuses}", statuses = statuses())]
    NoStatus(String),
    /// Somebody else is at work.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What a run goes on with is not what it began with.
    #[error("{what} is not what the run began with: it was {then}, and is {now}. {cure}")]
    Changed {
        /// What.
        what: String,
        /// At the beginning.
        then: String,
        /// By now.
        now: String,
        /// What to do.
        cure: &'static str,
    },
    /// The run directory could not be made.
    #[error("cannot make the run directory {}", path.display())]
    RunDirectory {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It may not be read, and may well be a run directory.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Results(#[from] ObserverError),
    /// The copy of the input with its findings could not be written.
    #[error("cannot write the findings")]
    Findings(#[source] ObserverError),
    /// A workbook is nothing to look at on a terminal.
    #[error("a workbook is no text: redirect it into a file, as `authwave template --xlsx > wave.xlsx`")]
    Terminal,
    /// The address to listen on is wrong, or taken.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The machine refuses something that every program needs.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The log filter is none.
    #[error("--log (AUTHWAVE_LOG) is no log filter")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    /// The collector of telemetry cannot be told.
    #[cfg(feature = "otlp")]
    #[error(transparent)]
    Collector(#[from] crate::telemetry::otlp::OtlpError),
}

impl AppError {
    pub(super) fn plan(path: &Path, source: PlanError) -> Self {
        Self::Plan { path: path.to_owned(), source }
    }

    /// It could not be found out whom no row may touch. A token that is refused (401) is told as what it is.
    pub(super) fn census(whom: &'static str, cure: &'static str, source: CallError) -> Self {
        match source {
            CallError::Refused(Failure { http_status: Some(401), code, message }) => {
                Self::SignIn(SignInError::Refused { code, message })
            }
            source => Self::Census { whom, cure, source },
        }
    }

    /// How the process ends.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::SignIn(_) => Exit::Refused,
            Self::Results(_) | Self::Census { .. } => Exit::Stopped,
            Self::Settings(_)
            | Self::NoSignIn { .. }
            | Self::Unfit(_)
            | Self::OverCap(_)
            | Self::NobodyToAsk
            | Self::NotConfirmed
            | Self::Plan { .. }
            | Self::Journal(_)
            | Self::InputGone(_)
            | Self::Lock(_)
            | Self::Rehearsed
            | Self::InDoubt { .. }
            | Self::NoRun(_)
            | Self::ElsewhereDone(_)
            | Self::NoStatus(_)
            | Self::Changed { .. }
            | Self::Input(_)
            | Self::BadRows { .. }
            | Self::Findings(_)
            | Self::Terminal
            | Self::Http(_)
            | Self::RunDirectory { .. }
            | Self::Unreadable { .. }
            | Self::Listen { .. }
            | Self::System { .. }
            | Self::LogFilter(_) => Exit::Wrong,
            #[cfg(feature = "otlp")]
            Self::Collector(_) => Exit::Wrong,
        }
    }
}

fn statuses() -> String {
    Status::ALL.map(Status::name).join(", ")
}

fn join(reasons: &[impl ToString]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// An error and its causes, outermost first, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {source}");
        cause = source.source();
    }
    text
}
