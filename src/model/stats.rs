//! The counts of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Access, Answered, Ended, Event};
use super::operation::OperationStatus;
use super::outcome::Status;

/// The name under which rows are counted whose action is not known because the row is invalid.
pub const INVALID: &str = "invalid";

/// Rows by the way in which they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
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
    /// Those of the unprocessed that were not due.
    pub not_due: u64,
    /// Those of the unchanged that an earlier run had done, so that nothing was sent.
    pub done_already: u64,
}

impl RowCounts {
    /// Counts one row.
    pub const fn add(&mut self, status: Status) {
        let count = match status {
            Status::Succeeded => &mut self.succeeded,
            Status::Unchanged => &mut self.unchanged,
            Status::Failed => &mut self.failed,
            Status::Unknown => &mut self.unknown,
            Status::Pending => &mut self.pending,
            Status::Unprocessed => &mut self.unprocessed,
        };
        *count += 1;
    }

    /// Counts the end of one row.
    pub fn add_end(&mut self, ended: &Ended) {
        let status = ended.outcome.status;
        self.add(status);
        self.not_due += u64::from(ended.outcome.is_not_due());
        self.done_already += u64::from(status == Status::Unchanged && ended.attempts == 0);
    }

    /// Rows that the run did not come to, though they were due.
    #[must_use]
    pub const fn not_reached(&self) -> u64 {
        self.unprocessed.saturating_sub(self.not_due)
    }

    /// How many rows ended so.
    #[must_use]
    pub const fn of(&self, status: Status) -> u64 {
        match status {
            Status::Succeeded => self.succeeded,
            Status::Unchanged => self.unchanged,
            Status::Failed => self.failed,
            Status::Unknown => self.unknown,
            Status::Pending => self.pending,
            Status::Unprocessed => self.unprocessed,
        }
    }

    /// All rows.
    #[must_use]
    pub fn total(&self) -> u64 {
        Status::ALL.into_iter().map(|status| self.of(status)).sum()
    }
}

/// Requests by what came of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestCounts {
    /// All that were sent.
    pub total: u64,
    /// Those that only read.
    pub reads: u64,
    /// Those that may change something.
    pub writes: u64,
    /// By the answer's status; `None` where no answer came.
    pub by_status: BTreeMap<Option<u16>, u64>,
    /// Second and further sendings of one call.
    pub retries: u64,
    /// Answered 429.
    pub throttled: u64,
    /// Sent although everybody was to pause.
    pub early: u64,
    /// The sum of all latencies.
    pub latency: Duration,
}

impl RequestCounts {
    /// Counts one request.
    pub fn add(&mut self, answered: &Answered) {
        self.total += 1;
        match answered.access {
            Access::Read => self.reads += 1,
            Access::Write => self.writes += 1,
        }
        *self.by_status.entry(answered.status).or_default() += 1;
        self.retries += u64::from(answered.attempt > 1);
        self.throttled += u64::from(answered.status == Some(429));
        self.early += u64::from(answered.early);
        self.latency += answered.latency;
    }
}

/// Password-reset operations by how far they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OperationCounts {
    /// All that were accepted.
    pub accepted: u64,
    /// Those that ended well.
    pub succeeded: u64,
    /// Those that ended badly.
    pub failed: u64,
    /// Those that were given up.
    pub timed_out: u64,
}

impl OperationCounts {
    /// Those that are still waited for.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.accepted.saturating_sub(self.succeeded + self.failed + self.timed_out)
    }

    /// Counts the end of one.
    pub const fn close(&mut self, status: OperationStatus) {
        match status {
            OperationStatus::Succeeded => self.succeeded += 1,
            OperationStatus::Failed => self.failed += 1,
            // Closed before its end: nobody waits for it any more.
            OperationStatus::NotStarted | OperationStatus::Running | OperationStatus::TimedOut => {
                self.timed_out += 1;
            }
        }
    }
}

/// The counts of a run, kept up event by event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Rows that ended.
    pub rows: RowCounts,
    /// The same by the action's name, or [`INVALID`].
    pub by_action: BTreeMap<&'static str, RowCounts>,
    /// Requests.
    pub requests: RequestCounts,
    /// Operations.
    pub operations: OperationCounts,
    /// The sum of all pauses for everybody.
    pub held: Duration,
    /// Methods that list-methods rows found.
    pub methods: u64,
    /// Rows whose number signs in another user.
    pub numbers_taken: u64,
}

impl Stats {
    /// Counts one event.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Answered(answered) => self.requests.add(answered),
            Event::Held { span, .. } => self.held += *span,
            Event::Accepted(_) => self.operations.accepted += 1,
            Event::Closed(operation) => self.operations.close(operation.status),
            Event::Begun(_) | Event::Found(_) | Event::Polled(_) | Event::SignInLost { .. } => {}
            Event::Listed { methods, .. } => self.methods += methods.len() as u64,
            Event::Ended(ended) => self.end(ended),
        }
    }

    fn end(&mut self, ended: &Ended) {
        let action = ended.work.task().map_or(INVALID, |task| task.action.name());
        self.numbers_taken += u64::from(ended.outcome.is_number_taken());
        self.rows.add_end(ended);
        self.by_action.entry(action).or_default().add_end(ended);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::operation::Operation;
    use super::super::row::RowNumber;
    use super::super::user::UserId;
    use super::*;

    fn answered(access: Access, attempt: u32, status: Option<u16>) -> Event {
        let latency = Duration::from_millis(10);
        let (sent_at, early, used_percent) = (Instant::now(), attempt == 2, None);
        Event::Answered(Answered { access, attempt, status, sent_at, latency, early, used_percent })
    }

    fn operation(status: OperationStatus) -> Operation {
        Operation {
            row: RowNumber(1),
            user: UserId::new("a@b.c").unwrap(),
            id: String::new(),
            url: String::new(),
            status,
            status_detail: String::new(),
            created_at: String::new(),
            last_action_at: String::new(),
            accepted_at: Instant::now(),
            finished_at: None,
            polls: 0,
            follows_doubt: false,
            may_be_overtaken: false,
            retry_after: None,
        }
    }

    #[test]
    fn requests_are_counted_by_kind_answer_and_attempt() {
        let mut stats = Stats::default();
        for event in [
            answered(Access::Write, 1, Some(429)),
            answered(Access::Write, 2, Some(201)),
            answered(Access::Read, 1, None),
            answered(Access::Read, 3, Some(429)),
        ] {
            stats.add(&event);
        }
        let requests = stats.requests;
        assert_eq!((requests.total, requests.reads, requests.writes), (4, 2, 2));
        assert_eq!((requests.retries, requests.throttled, requests.early), (2, 2, 1));
        assert_eq!(requests.by_status, BTreeMap::from([(None, 1), (Some(201), 1), (Some(429), 2)]));
        assert_eq!(requests.latency, Duration::from_millis(40));
    }

    #[test]
    fn an_operation_that_was_closed_before_its_end_counts_as_given_up() {
        let mut stats = Stats::default();
        for status in [
            OperationStatus::NotStarted,
            OperationStatus::Running,
            OperationStatus::Succeeded,
            OperationStatus::Failed,
            OperationStatus::TimedOut,
        ] {
            stats.add(&Event::Accepted(Box::new(operation(OperationStatus::NotStarted))));
            stats.add(&Event::Closed(Box::new(operation(status))));
        }
        assert_eq!(stats.operations, OperationCounts { accepted: 5, succeeded: 1, failed: 1, timed_out: 3 });
    }

    #[test]
    fn every_status_has_a_count_of_its_own() {
        for status in Status::ALL {
            let mut counts = RowCounts::default();
            counts.add(status);
            assert_eq!((counts.of(status), counts.total()), (1, 1), "{status}");
        }
    }
}
