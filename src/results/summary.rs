//! summary.json: what a run came to, for scripts. Keys are stable; new ones may come.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::numbers_taken::NumbersTaken;
use super::whole_lines::replace;
use crate::model::event::{Access, ObserverError};
use crate::model::outcome::Status;
use crate::model::stats::{OperationCounts, RequestCounts, RowCounts, Stats};
use crate::model::throughput::{self, Throughput};

/// The version of these keys and their meanings.
pub const SCHEMA_VERSION: u32 = 1;

/// The key in `by_status` for requests that no answer came to.
const NO_ANSWER: &str = "none";

/// What a run came to. Times are RFC 3339 UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The program's version.
    pub program_version: String,
    /// When the run began.
    pub started_at: String,
    /// When it ended, whatever ended it.
    pub ended_at: String,
    /// For how long it was worked on.
    pub duration_ms: u64,
    /// The input file.
    pub input: String,
    /// The Graph service that was used, without version.
    pub graph_root: String,
    /// `v1.0` or `beta`.
    pub api_version: String,
    /// How many processes worked on it: 1, and one more for each time it was taken up again.
    pub sessions: u64,
    /// Whether it ran against the built-in simulator.
    pub rehearsal: bool,
    /// Rows by status.
    pub rows: Rows,
    /// Rows by action, then by status; what is 0 is left out.
    pub by_action: BTreeMap<String, BTreeMap<String, u64>>,
    /// Requests.
    pub requests: Requests,
    /// Password-reset operations.
    pub operations: Operations,
    /// Rows whose number signs in another user.
    pub numbers_taken: NumbersTaken,
    /// How long reads, writes or both paused because the service asked for it.
    pub held_ms: u64,
    /// How fast it went, and what the tenant allowed.
    pub pace: Pace,
    /// Rows that ended in a second of the run.
    pub rows_per_second: f64,
    /// Why the run stopped before its end; `None` where it did not.
    pub stop_reason: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
    /// How the rows that say what a user shall have found their users.
    #[serde(default)]
    pub desired_state: DesiredState,
    /// Rows for which nothing was to be sent this time.
    #[serde(default)]
    pub passed_over: PassedOver,
    /// The hash of the plan that was carried out; `None` without one.
    #[serde(default)]
    pub plan_hash: Option<String>,
}

/// Rows by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// All that ended, the unprocessed among them.
    pub total: u64,
    /// Done in this run.
    pub succeeded: u64,
    /// So already.
    pub unchanged: u64,
    /// Known not to have been done.
    pub failed: u64,
    /// May have been done.
    pub unknown: u64,
    /// Accepted, and not ended yet.
    pub pending: u64,
    /// Never tried.
    pub unprocessed: u64,
}

/// Rows for which nothing was to be sent this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PassedOver {
    /// Those of the unprocessed that were not due.
    pub not_due: u64,
    /// Those of the unchanged that an earlier run had done.
    pub done_already: u64,
}

/// Rows that say what a user shall have (`set-phone`, `set-phones`): what a nightly run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DesiredState {
    /// It was so already; nothing was written.
    pub held: u64,
    /// It had drifted, and is so again.
    pub mended: u64,
    /// It is not known to be so.
    pub not_mended: u64,
}

impl From<&Stats> for DesiredState {
    fn from(stats: &Stats) -> Self {
        let mut desired = Self::default();
        for counts in ["set-phone", "set-phones"].iter().filter_map(|action| stats.by_action.get(action)) {
            // Of those that were passed over nobody looked how they are.
            let looked_at = counts.total() - counts.not_due - counts.done_already;
            let held = counts.unchanged - counts.done_already;
            desired.held += held;
            desired.mended += counts.succeeded;
            desired.not_mended += looked_at - held - counts.succeeded;
        }
        desired
    }
}

/// Requests by what came of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// All that were sent.
    pub total: u64,
    /// Those that only read.
    pub reads: u64,
    /// Those that may change something.
    pub writes: u64,
    /// By the answer's status, `none` for no answer.
    pub by_status: BTreeMap<String, u64>,
    /// Second and further sendings.
    pub retries: u64,
    /// Answered 429.
    pub throttled: u64,
    /// Sent although everybody was to pause.
    pub early: u64,
}

/// How fast it went, and what the tenant allowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// GETs.
    pub reads: Lane,
    /// All others.
    pub writes: Lane,
    /// The highest share of its quota that Graph told of, 1 being all of it; `None` where it told nothing.
    pub quota_used_told: Option<f64>,
    /// How long each interval is.
    pub interval_ms: u64,
    /// Interval by interval from the beginning on, at most 120; the times between sessions are left out.
    pub intervals: Vec<Interval>,
}

/// Requests that share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// What the tenant allows, in requests a second, as last found; `None` where no limit was met.
    pub limit_per_second: Option<f64>,
    /// What was accepted of that since it was known, pauses included, 1 being all of it; `None` where it was not
    /// known for some seconds.
    pub quota_used: Option<f64>,
}

/// What happened in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// GETs that came to their end, those that were answered 429 left out.
    pub reads: u64,
    /// All others.
    pub writes: u64,
    /// Requests that were answered 429.
    pub throttled: u64,
    /// For how long reads, writes or both paused.
    pub held_ms: u64,
    /// The tenant's limit of GETs as it was known then, in requests a second.
    pub read_limit_per_second: Option<f64>,
    /// The limit of all others.
    pub write_limit_per_second: Option<f64>,
    /// The highest share of its quota that Graph told of.
    pub quota_used_told: Option<f64>,
}

/// Password-reset operations by how far they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// All that were accepted.
    pub accepted: u64,
    /// Those that ended well.
    pub succeeded: u64,
    /// Those that ended badly.
    pub failed: u64,
    /// Those that were given up.
    pub timed_out: u64,
}

impl Summary {
    /// Whether it tells of a run whose last process ended then.
    #[must_use]
    pub fn is_of(&self, ended_at: Timestamp) -> bool {
        self.ended_at == moment(ended_at)
    }

    /// The counts of a run that was worked on for so long, in one session; all that is told besides is left empty.
    #[must_use]
    pub fn counted(stats: &Stats, throughput: &Throughput, duration: Duration) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            program_version: String::new(),
            started_at: String::new(),
            ended_at: String::new(),
            duration_ms: milliseconds(duration),
            input: String::new(),
            graph_root: String::new(),
            api_version: String::new(),
            sessions: 1,
            rehearsal: false,
            rows: (&stats.rows).into(),
            by_action: by_action(stats),
            requests: (&stats.requests).into(),
            operations: (&stats.operations).into(),
            numbers_taken: NumbersTaken::default(),
            held_ms: milliseconds(stats.held),
            pace: throughput.into(),
            rows_per_second: rows_per_second(stats.rows.total(), duration),
            stop_reason: None,
            exit_code: 0,
            desired_state: stats.into(),
            passed_over: (&stats.rows).into(),
            plan_hash: None,
        }
    }

    /// Writes the summary in the place of an earlier one, in one step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ObserverError> {
        replace(path, |file| {
            let mut text = serde_json::to_vec_pretty(self)?;
            text.push(b'\n');
            file.write_all(&text)
        })
    }
}

impl From<&RowCounts> for Rows {
    fn from(counts: &RowCounts) -> Self {
        // Of what status those are that were passed over stands beside.
        let RowCounts { succeeded, unchanged, failed, unknown, pending, unprocessed, .. } = *counts;
        Self { total: counts.total(), succeeded, unchanged, failed, unknown, pending, unprocessed }
    }
}

impl From<&RowCounts> for PassedOver {
    fn from(counts: &RowCounts) -> Self {
        Self { not_due: counts.not_due, done_already: counts.done_already }
    }
}

impl From<&RequestCounts> for Requests {
    fn from(counts: &RequestCounts) -> Self {
        let key = |status: &Option<u16>| status.map_or_else(|| NO_ANSWER.to_owned(), |code| code.to_string());
        Self {
            total: counts.total,
            reads: counts.reads,
            writes: counts.writes,
            by_status: counts.by_status.iter().map(|(status, count)| (key(status), *count)).collect(),
            retries: counts.retries,
            throttled: counts.throttled,
            early: counts.early,
        }
    }
}

impl From<&Throughput> for Pace {
    fn from(throughput: &Throughput) -> Self {
        let lane = |access| Lane {
            limit_per_second: throughput.last_limit(access).map(rounded),
            quota_used: throughput.quota_used(access).map(rounded),
        };
        let intervals: Vec<Interval> = throughput.answered().iter().map(Interval::from).collect();
        Self {
            reads: lane(Access::Read),
            writes: lane(Access::Write),
            quota_used_told: intervals
                .iter()
                .filter_map(|interval| interval.quota_used_told)
                .reduce(f64::max),
            interval_ms: throughput.interval_ms,
            intervals,
        }
    }
}

impl From<&throughput::Interval> for Interval {
    fn from(interval: &throughput::Interval) -> Self {
        Self {
            reads: interval.reads,
            writes: interval.writes,
            throttled: interval.throttled,
            held_ms: interval.held_ms,
            read_limit_per_second: interval.read_limit.map(rounded),
            write_limit_per_second: interval.write_limit.map(rounded),
            quota_used_told: interval.used_percent.map(|percent| f64::from(percent) / 100.0),
        }
    }
}

/// To three decimals.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

impl From<&OperationCounts> for Operations {
    fn from(counts: &OperationCounts) -> Self {
        let OperationCounts { accepted, succeeded, failed, timed_out } = *counts;
        Self { accepted, succeeded, failed, timed_out }
    }
}

/// Rows by action, then by status; what is 0 is left out.
fn by_action(stats: &Stats) -> BTreeMap<String, BTreeMap<String, u64>> {
    let by_status = |counts: &RowCounts| {
        let all = Status::ALL.into_iter().map(|status| (status.name().to_owned(), counts.of(status)));
        all.filter(|(_, count)| *count > 0).collect()
    };
    stats.by_action.iter().map(|(action, counts)| ((*action).to_owned(), by_status(counts))).collect()
}

/// A time as summaries have it: to the millisecond.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A duration in whole milliseconds.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Rows in a second, to one decimal; 0 for a run without duration.
fn rows_per_second(rows: u64, duration: Duration) -> f64 {
    let rows = f64::from(u32::try_from(rows).unwrap_or(u32::MAX));
    let rate = rows / duration.as_secs_f64();
    if rate.is_finite() { (rate * 10.0).round() / 10.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::super::samples;
    use super::*;
    use crate::model::action::Action;
    use crate::model::event::{Answered, Event};
    use crate::model::outcome::Outcome;

    fn answered(access: Access, attempt: u32, status: Option<u16>) -> Answered {
        let (sent_at, latency, early) = (Instant::now(), Duration::from_millis(5), attempt == 2);
        Answered { access, attempt, status, sent_at, latency, early, used_percent: Some(85) }
    }

    fn throughput() -> Throughput {
        let mut throughput = Throughput::default();
        for (second, status) in [(0, None), (1, Some(201)), (2, Some(429)), (3, Some(201))] {
            throughput.add(Duration::from_secs(second), &answered(Access::Write, 1, status));
        }
        throughput.limit(Duration::from_millis(500), None, Some(2.000_04));
        throughput.hold(Duration::from_millis(2_500), Duration::from_mins(1));
        throughput
    }

    fn stats() -> Stats {
        let mut stats = Stats::default();
        for status in [Some(201), Some(429), None] {
            let attempt = if status == Some(429) { 2 } else { 1 };
            let access = if status.is_none() { Access::Read } else { Access::Write };
            stats.add(&Event::Answered(answered(access, attempt, status)));
        }
        stats.add(&Event::Held { span: Duration::from_millis(1500), until: Instant::now() });
        for status in Status::ALL {
            let end = samples::ended(samples::task(1, Action::ListMethods), Outcome::new(status, ""));
            stats.add(&Event::Ended(Arc::new(end)));
        }
        let end = samples::ended(samples::misplaced(2), samples::invalid_row());
        stats.add(&Event::Ended(Arc::new(end)));
        stats
    }

    #[test]
    fn the_keys_are_stable() {
        let stats = stats();
        let summary = Summary {
            program_version: "0.1.0".to_owned(),
            started_at: "2026-01-02T03:04:05.000Z".to_owned(),
            ended_at: "2026-01-02T03:04:07.000Z".to_owned(),
            input: "in.csv".to_owned(),
            graph_root: "https://graph.microsoft.com".to_owned(),
            api_version: "v1.0".to_owned(),
            rehearsal: true,
            numbers_taken: (&samples::holders()).into(),
            exit_code: 1,
            desired_state: DesiredState { held: 4, mended: 1, not_mended: 0 },
            ..Summary::counted(&stats, &throughput(), Duration::from_secs(2))
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("summary.json");
        summary.write(&path).unwrap();
        summary.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        insta::assert_snapshot!(text);
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_run_without_duration_has_no_rate() {
        assert!(rows_per_second(5, Duration::ZERO).abs() < f64::EPSILON);
        assert!((rows_per_second(10, Duration::from_secs(4)) - 2.5).abs() < f64::EPSILON);
    }
}
