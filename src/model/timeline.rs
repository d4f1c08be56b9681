//! Turns the run's monotonic moments into wall-clock times for people.

use std::time::Duration;

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

    /// The moment that is known on both clocks.
    #[must_use]
    pub const fn start(&self) -> Instant {
        self.start
    }

    /// The wall-clock time of a moment, before the start or after it.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        match moment.checked_duration_since(self.start) {
            Some(since) => self.wall.checked_add(since).unwrap_or(Timestamp::MAX),
            None => self.wall.checked_sub(self.start.duration_since(moment)).unwrap_or(Timestamp::MIN),
        }
    }

    /// The same in microseconds since 1970-01-01 UTC. Two of them are kept of every row, so it costs next to nothing.
    #[must_use]
    pub fn microseconds(&self, moment: Instant) -> i64 {
        let nanoseconds = |span: Duration| i64::try_from(span.as_nanos()).ok();
        let apart = match moment.checked_duration_since(self.start) {
            Some(since) => nanoseconds(since),
            None => nanoseconds(self.start.duration_since(moment)).map(i64::wrapping_neg),
        };
        let wall = i64::try_from(self.wall.as_nanosecond()).ok();
        match wall.zip(apart).and_then(|(wall, apart)| wall.checked_add(apart)) {
            Some(nanoseconds) => nanoseconds.div_euclid(1_000),
            None => self.at(moment).as_microsecond(),
        }
    }

    /// The moment of a wall-clock time; one that the monotonic clock cannot express counts as the start.
    #[must_use]
    pub fn moment(&self, wall: Timestamp) -> Instant {
        let since = wall.duration_since(self.wall);
        let moment = if since.is_negative() {
            self.start.checked_sub(since.unsigned_abs())
        } else {
            self.start.checked_add(since.unsigned_abs())
        };
        moment.unwrap_or(self.start)
    }

    /// RFC 3339 in UTC with milliseconds, as in the results.
    #[must_use]
    pub fn rfc3339(&self, moment: Instant) -> String {
        format!("{:.3}", self.at(moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_before_and_after_the_start_keep_their_distance() {
        let (start, wall) = (Instant::now(), Timestamp::new(1_767_225_600, 999_999).unwrap());
        let timeline = Timeline::new(start, wall);
        for nanoseconds in [0, 1, 999, 86_400_000_000_999] {
            let span = Duration::from_nanos(nanoseconds);
            for (moment, time) in [(start + span, wall + span), (start - span, wall - span)] {
                assert_eq!((timeline.at(moment), timeline.moment(time)), (time, moment));
                assert_eq!(timeline.microseconds(moment), time.as_microsecond());
            }
        }
    }
}
