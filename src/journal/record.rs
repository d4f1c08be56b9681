//! What a journal says of the run as a whole.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::time::Instant;

use crate::model::event::Event;
use crate::model::fingerprint::Fingerprint;
use crate::model::header::Header;
use crate::model::stats::RequestCounts;
use crate::model::throughput::Throughput;
use crate::model::timeline::Timeline;

/// What is known of a run before its first row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The version of the program that began it.
    pub program_version: String,
    /// `run`, `snapshot` or `plan`.
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The absolute path of the rows' file.
    pub input: PathBuf,
    /// What the file was like.
    pub fingerprint: Fingerprint,
    /// The file's columns.
    pub header: Header,
    /// The file's data rows.
    pub rows: u64,
    /// Without version.
    pub graph_root: String,
    /// `v1.0` or `beta`.
    pub api_version: String,
    /// The tenant's id or domain, where it is known.
    pub tenant: Option<String>,
    /// Whether nothing real is touched.
    pub is_rehearsal: bool,
    /// JSON: what was asked for, without secrets. What it holds is the business of who asks.
    pub settings: String,
}

/// One process's work on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStart {
    /// The version of the program.
    pub program_version: String,
    /// The process.
    pub process_id: u32,
    /// When it began.
    pub started_at: Timestamp,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub ended_at: Timestamp,
    /// Why it stopped early, for people; `None` where it did not.
    pub stop_reason: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
}

/// The work of this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) timeline: Timeline,
}

impl Session {
    /// A moment as it is kept.
    pub(super) fn time(&self, moment: Instant) -> i64 {
        self.timeline.microseconds(moment)
    }
}

/// What was sent so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traffic {
    /// By kind and answer.
    pub requests: RequestCounts,
    /// For how long everybody paused.
    pub held: Duration,
    /// How it went over time: over that of one session, or over the working time of all.
    pub throughput: Throughput,
}

impl Traffic {
    /// Counts what goes over the wire, and pauses; other events are not traffic. `began` is the session's beginning.
    pub fn note(&mut self, event: &Event, began: Instant) {
        match event {
            Event::Answered(answered) => {
                self.requests.add(answered);
                self.throughput.add(answered.sent_at.duration_since(began) + answered.latency, answered);
            }
            Event::Held { span, until } => {
                self.held += *span;
                let until = until.duration_since(began);
                self.throughput.hold(until.saturating_sub(*span), until);
            }
            Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Accepted(_)
            | Event::Polled(_)
            | Event::Closed(_)
            | Event::Listed { .. }
            | Event::Ended(_) => {}
        }
    }
}

/// Reads it back.
pub(super) fn run_record(connection: &Connection) -> rusqlite::Result<RunRecord> {
    connection.query_row("SELECT * FROM run", [], |record| {
        let header: String = record.get("header")?;
        let header = serde_json::from_str(&header).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
        })?;
        Ok(RunRecord {
            program_version: record.get("program_version")?,
            command: record.get("command")?,
            started_at: timestamp(record.get("started_at")?),
            input: PathBuf::from(record.get::<_, String>("input_path")?),
            fingerprint: Fingerprint {
                bytes: record.get::<_, i64>("input_bytes")?.cast_unsigned(),
                sha256: record.get("input_sha256")?,
            },
            header,
            rows: record.get::<_, i64>("rows")?.cast_unsigned(),
            graph_root: record.get("graph_root")?,
            api_version: record.get("api_version")?,
            tenant: record.get("tenant")?,
            is_rehearsal: record.get("is_rehearsal")?,
            settings: record.get("settings")?,
        })
    })
}

/// The time of a number of microseconds; one that no clock can show counts as 1970.
pub(super) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
