//! Turns the run's monotonic moments into wall-clock times for people.

use jiff::Timestamp;
use tokio::time::Instant;

/// One moment known on both clocks. All times of a run are told from it, so they never jump.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    start: Instant,
    wall: Timestamp,
}

impl Timeline {
    /// `start` and `wall` are the same moment.
    #[must_use]
    pub const fn new(start: Instant, wall: Timestamp) -> Self {
        Self { start, wall }
    }

    /// The wall-clock time of a moment at or after the start; an earlier one counts as the start.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        let since = moment.saturating_duration_since(self.start);
        self.wall.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    /// RFC 3339 in UTC with milliseconds, as in the results.
    #[must_use]
    pub fn rfc3339(&self, moment: Instant) -> String {
        format!("{:.3}", self.at(moment))
    }
}
