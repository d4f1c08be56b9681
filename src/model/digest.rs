//! What a run came to, as small for a million rows as for three.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::latency::Times;
use super::outcome::Status;
use super::row::RowNumber;
use super::stats::{OperationCounts, RowCounts};

/// What the rows and operations of a run came to, and who worked on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    /// Rows that ended, by status.
    pub rows: RowCounts,
    /// The same by action.
    pub by_action: BTreeMap<String, RowCounts>,
    /// Rows that failed or are unknown, by error code, the most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// Rows with further codes that found no room there.
    pub further_errors: u64,
    /// Password resets that were accepted.
    pub operations: OperationCounts,
    /// How long operations took that ended.
    pub operation_times: Times,
    /// The first rows whose operations had not ended.
    pub pending: Vec<PendingReset>,
    /// The processes that worked on the run, the last ones only where there were very many.
    pub sessions: Vec<SessionDigest>,
    /// How many there were.
    pub session_count: u64,
    /// For how long they worked.
    pub worked: Duration,
    /// Rows that began and whose end nobody noted; counted only where the last process noted no end of its own.
    pub in_doubt: u64,
}

/// Rows with the same error code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorGroup {
    /// The code.
    pub code: String,
    /// The status of the answer that decided, of the first of them.
    pub http_status: Option<u16>,
    /// How many failed.
    pub failed: u64,
    /// How many are unknown.
    pub unknown: u64,
    /// The first few.
    pub examples: Vec<ErrorExample>,
}

impl ErrorGroup {
    /// All of them.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.failed + self.unknown
    }
}

/// One row that did not succeed. What it holds is the user's own, and Graph's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorExample {
    /// Which.
    pub row: RowNumber,
    /// Empty where the row was not understood.
    pub user: String,
    /// Empty where the row was not understood.
    pub action: String,
    /// Empty where the action has none.
    pub phone_number: String,
    /// `failed` or `unknown`.
    pub status: Status,
    /// What Graph or this program said.
    pub message: String,
    /// What a person should know besides.
    pub detail: String,
    /// Graph's id of the request that decided.
    pub request_id: String,
}

/// A password reset whose operation had not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReset {
    /// Which row asked for it.
    pub row: RowNumber,
    /// Whose password.
    pub user: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How often it was asked for.
    pub polls: u64,
}

/// A process that worked on the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDigest {
    /// 1, 2, …
    pub number: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it works, and for one that was killed.
    pub ended_at: Option<Timestamp>,
    /// Why it stopped early.
    pub stop_reason: Option<String>,
    /// How it ended.
    pub exit_code: Option<u8>,
    /// What it sent.
    pub requests: u64,
    /// What of it was answered 429.
    pub throttled: u64,
}
