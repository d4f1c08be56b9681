//! `authwave run` and `authwave snapshot`: from a checked file to results.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::info;

use crate::engine::run::{RunEnd, RunSettings, Stop, run};
use crate::graph::client::{Graph, GraphParts, Root};
use crate::input::checks::{Findings, check};
use crate::input::source::Input;
use crate::model::event::Event;
use crate::model::timeline::Timeline;
use crate::pace::pacer::Pacer;
use crate::pace::shutdown::Shutdown;
use crate::progress::{Progress, Screen};
use crate::results::summary::{self, Summary, milliseconds, rows_per_second};
use crate::transport::bearer::Credential as _;
use crate::transport::http::Http;

use super::closing::{Closing, Rehearsal, reason};
use super::error::AppError;
use super::exit::Exit;
use super::rehearsal::RehearsalTenant;
use super::run_directory::RunDirectory;
use super::signals::Signals;
use super::sinks::Sinks;

/// How many events may wait to be noted. Enough that no worker waits, small enough to cost no memory.
const INBOX: usize = 1_024;

/// How many rows that wait for an earlier row of their user are read ahead.
const LOOK_AHEAD: usize = 10_000;
