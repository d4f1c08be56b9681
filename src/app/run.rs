//! `authwave run` and `authwave snapshot`: from a checked file to results.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::info;

use crate::engine::operations::PollSettings;
use crate::engine::run::{RowsError, RunEnd, RunSettings, run};
use crate::graph::client::{Graph, GraphParts, RetrySettings, Root};
use crate::input::checks::{Findings, check};
use crate::input::rows::{ActionSource, InputSettings};
use crate::input::source::Input;
use crate::model::event::Event;
use crate::model::task::{InvalidRow, Work};
use crate::model::timeline::Timeline;
use crate::pace::pacer::{PaceSettings, Pacer};
use crate::pace::shutdown::Shutdown;
use crate::progress::{Progress, Screen};
use crate::results::summary::{self, Summary, milliseconds, rows_per_second};
use crate::settings::resolve::{BadRows, Connection, RunChoices, Target};
use crate::transport::bearer::Credential;
use crate::transport::http::{Http, HttpSettings, Reach};

use super::closing::{Closing, Rehearsal, reason};
use super::connect::Line;
use super::error::AppError;
use super::exit::Exit;
use super::rehearsal::RehearsalTenant;
use super::run_directory::RunDirectory;
use super::signals::Signals;
use super::sinks::Sinks;

/// How many events may wait to be noted: enough that no worker waits, small enough to cost no memory.
const INBOX: usize = 1_024;

/// How many rows that wait for an earlier row of their user are read ahead.
const LOOK_AHEAD: usize = 10_000;
