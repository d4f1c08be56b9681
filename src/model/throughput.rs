//! How requests went over time, in so few intervals that a run of days takes no more room than one of minutes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{Access, Answered};
use super::latency::Times;

/// Equal intervals from the beginning on. When there are too many, two become one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throughput {
    /// How long each interval is: a second, or that doubled a few times.
    pub interval_ms: u64,
    /// At most [`MOST_INTERVALS`].
    pub intervals: Vec<Interval>,
    /// How long GETs took that were answered.
    #[serde(skip_serializing_if = "Times::is_empty")]
    pub read_times: Times,
    /// How long all others took.
    #[serde(skip_serializing_if = "Times::is_empty")]
    pub write_times: Times,
}

/// What happened in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// GETs that came to their end in it, those that were answered 429 left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub reads: u64,
    /// All others.
    #[serde(skip_serializing_if = "is_zero")]
    pub writes: u64,
    /// Requests that were answered 429.
    #[serde(skip_serializing_if = "is_zero")]
    pub throttled: u64,
    /// For how long of it reads, writes or both paused.
    #[serde(skip_serializing_if = "is_zero")]
    pub held_ms: u64,
    /// The tenant's limit of GETs as it was known at its end, in requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_limit: Option<f64>,
    /// The limit of all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_limit: Option<f64>,
    /// The highest share of its quota that the service told of, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_percent: Option<u8>,
}

/// There are never more intervals.
pub const MOST_INTERVALS: usize = 120;

/// How long an interval is at first.
const SHORTEST_MS: u64 = 1_000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            interval_ms: SHORTEST_MS,
            intervals: Vec::new(),
            read_times: Times::default(),
            write_times: Times::default(),
        }
    }
}

impl Throughput {
    /// Counts a request that came to its end so long after the beginning.
    pub fn add(&mut self, at: Duration, answered: &Answered) {
        let interval = self.at(at);
        match (answered.status, answered.access) {
            (Some(429), _) => interval.throttled += 1,
            (_, Access::Read) => interval.reads += 1,
            (_, Access::Write) => interval.writes += 1,
        }
        interval.used_percent = interval.used_percent.max(answered.used_percent);
        if answered.status.is_some() {
            match answered.access {
                Access::Read => self.read_times.add(answered.latency),
                Access::Write => self.write_times.add(answered.latency),
            }
        }
    }

    /// Notes that everybody pauses from one moment to another.
    pub fn hold(&mut self, from: Duration, until: Duration) {
        // Made first, so that no interval grows on the way.
        self.at(until);
        let (mut from, until) = (milliseconds(from), milliseconds(until));
        while from < until {
            let next = (from / self.interval_ms + 1) * self.interval_ms;
            let end = next.min(until);
            self.at(Duration::from_millis(from)).held_ms += end - from;
            from = end;
        }
    }

    /// Notes the limits that are known so long after the beginning; `None` changes nothing.
    pub fn limit(&mut self, at: Duration, reads: Option<f64>, writes: Option<f64>) {
        let interval = self.at(at);
        interval.read_limit = reads.or(interval.read_limit);
        interval.write_limit = writes.or(interval.write_limit);
    }

    /// Puts what happened later behind what happened before; `at` is where that began.
    pub fn append(&mut self, at: Duration, later: &Self) {
        while self.interval_ms < later.interval_ms {
            self.widen();
        }
        for (interval, number) in later.intervals.iter().zip(0..) {
            let began = Duration::from_millis(later.interval_ms.saturating_mul(number));
            self.at(at.saturating_add(began)).take(interval);
        }
        self.read_times.take(&later.read_times);
        self.write_times.take(&later.write_times);
    }

    /// The limit that was known last.
    #[must_use]
    pub fn last_limit(&self, access: Access) -> Option<f64> {
        self.intervals.iter().rev().find_map(|interval| interval.limit(access))
    }

    /// What was accepted of what the limit would have allowed, from the first full interval in which it was known to the
    /// last full one with such requests, pauses included: about 1 where all of the quota was used. `None` where no
    /// limit was known for so long.
    #[must_use]
    pub fn quota_used(&self, access: Access) -> Option<f64> {
        let known_in = self.intervals.iter().position(|interval| interval.limit(access).is_some())?;
        let last = self.intervals.iter().rposition(|interval| interval.accepted(access) > 0)?;
        let mut limit = self.intervals.get(known_in)?.limit(access)?;
        let (mut accepted, mut allowed) = (0, 0.0);
        for interval in self.intervals.get(known_in + 1..last)? {
            limit = interval.limit(access).unwrap_or(limit);
            accepted += interval.accepted(access);
            allowed += limit * self.interval_ms as f64 / 1e3;
        }
        (allowed > 0.0).then(|| accepted as f64 / allowed)
    }

    /// The intervals without those at the end in which nothing was answered.
    #[must_use]
    pub fn answered(&self) -> &[Interval] {
        let is_answered = |interval: &Interval| interval.reads + interval.writes + interval.throttled > 0;
        let count = self.intervals.iter().rposition(is_answered).map_or(0, |last| last + 1);
        self.intervals.get(..count).unwrap_or_default()
    }

    fn at(&mut self, at: Duration) -> &mut Interval {
        let at = milliseconds(at);
        while at / self.interval_ms >= MOST_INTERVALS as u64 {
            self.widen();
        }
        let place = usize::try_from(at / self.interval_ms).unwrap_or_default();
        if self.intervals.len() <= place {
            self.intervals.resize(place + 1, Interval::default());
        }
        &mut self.intervals[place]
    }

    /// Makes one interval of two.
    fn widen(&mut self) {
        self.interval_ms = self.interval_ms.saturating_mul(2);
        let pairs = self.intervals.chunks(2).map(|pair| {
            pair.iter().fold(Interval::default(), |mut both, interval| {
                both.take(interval);
                both
            })
        });
        self.intervals = pairs.collect();
    }
}

impl Interval {
    /// Takes in what happened a little later.
    fn take(&mut self, later: &Self) {
        self.reads += later.reads;
        self.writes += later.writes;
        self.throttled += later.throttled;
        self.held_ms += later.held_ms;
        self.read_limit = later.read_limit.or(self.read_limit);
        self.write_limit = later.write_limit.or(self.write_limit);
        self.used_percent = self.used_percent.max(later.used_percent);
    }

    const fn accepted(&self, access: Access) -> u64 {
        match access {
            Access::Read => self.reads,
            Access::Write => self.writes,
        }
    }

    const fn limit(&self, access: Access) -> Option<f64> {
        match access {
            Access::Read => self.read_limit,
            Access::Write => self.write_limit,
        }
    }
}

/// Cut off where doubled intervals could not reach it: some hundred thousand years.
fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).min(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;

    fn answered(access: Access, status: u16) -> Answered {
        Answered {
            access,
            attempt: 1,
            status: Some(status),
            sent_at: Instant::now(),
            latency: Duration::ZERO,
            early: false,
            used_percent: None,
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// So many writes in each second.
    fn writes(per_second: &[u64]) -> Throughput {
        let mut throughput = Throughput::default();
        for (count, second) in per_second.iter().zip(0..) {
            for _ in 0..*count {
                throughput.add(seconds(second), &answered(Access::Write, 201));
            }
        }
        throughput
    }

    #[test]
    fn requests_are_counted_where_they_came_to_their_end() {
        let mut throughput = Throughput::default();
        throughput.add(Duration::from_millis(999), &answered(Access::Write, 201));
        throughput.add(seconds(1), &answered(Access::Write, 429));
        throughput.add(seconds(3), &Answered { used_percent: Some(85), ..answered(Access::Read, 200) });
        throughput.add(seconds(3), &Answered { used_percent: Some(80), ..answered(Access::Read, 200) });
        let counts: Vec<_> =
            throughput.intervals.iter().map(|one| (one.reads, one.writes, one.throttled)).collect();
        assert_eq!(counts, [(0, 1, 0), (0, 0, 1), (0, 0, 0), (2, 0, 0)]);
        assert_eq!(throughput.intervals[3].used_percent, Some(85));
    }

    #[test]
    fn answers_are_counted_by_the_time_they_took_and_sessions_add_up() {
        let slow = Answered { latency: Duration::from_millis(30), ..answered(Access::Write, 201) };
        let mut throughput = Throughput::default();
        throughput.add(seconds(0), &slow);
        throughput.add(seconds(0), &Answered { status: None, ..slow.clone() });
        throughput.add(seconds(0), &answered(Access::Read, 200));
        let text = serde_json::to_string(&throughput).unwrap();
        throughput.append(seconds(9), &serde_json::from_str(&text).unwrap());
        assert_eq!((throughput.read_times.total(), throughput.write_times.total()), (2, 2));
        assert_eq!(throughput.write_times.within(1.0), Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_pause_is_spread_over_the_intervals_that_it_touches() {
        let mut throughput = Throughput::default();
        throughput.hold(Duration::from_millis(1_700), Duration::from_millis(4_100));
        let held: Vec<u64> = throughput.intervals.iter().map(|interval| interval.held_ms).collect();
        assert_eq!(held, [0, 300, 1_000, 1_000, 100]);
        assert_eq!(throughput.answered(), [], "nothing was answered");
    }

    #[test]
    fn two_intervals_become_one_when_there_are_too_many() {
        let mut throughput = writes(&[3; 121]);
        throughput.limit(seconds(119), None, Some(4.0));
        throughput.limit(seconds(120), None, Some(5.0));
        assert_eq!((throughput.interval_ms, throughput.intervals.len()), (2_000, 61));
        assert!(throughput.intervals[..60].iter().all(|interval| interval.writes == 6));
        assert_eq!(throughput.last_limit(Access::Write), Some(5.0));
        throughput.add(Duration::MAX, &answered(Access::Read, 200));
        assert!(throughput.intervals.len() <= MOST_INTERVALS);
        assert_eq!(throughput.intervals[0].writes, 363);
    }

    #[test]
    fn what_a_later_session_did_stands_behind_what_was_done_before() {
        let mut all = writes(&[1; 100]);
        all.append(seconds(100), &writes(&[2; 100]));
        assert_eq!(all.interval_ms, 2_000);
        let counts: Vec<u64> = all.intervals.iter().map(|interval| interval.writes).collect();
        assert_eq!(counts, [[2; 50], [4; 50]].concat());
        let mut short = writes(&[1, 1]);
        short.append(seconds(2), &all);
        assert_eq!((short.interval_ms, short.intervals[0].writes, short.intervals[1].writes), (2_000, 2, 2));
    }

    #[test]
    fn the_share_of_the_quota_counts_from_where_the_limit_is_known() {
        let mut throughput = writes(&[100, 100, 9, 0, 11, 10, 3]);
        assert_eq!(throughput.quota_used(Access::Write), None, "no limit is known");
        throughput.limit(seconds(1), None, Some(10.0));
        assert_eq!(
            throughput.quota_used(Access::Write),
            Some(30.0 / 40.0),
            "a pause counts, the last part does not"
        );
        throughput.limit(seconds(5), None, Some(20.0));
        assert_eq!(throughput.quota_used(Access::Write), Some(30.0 / 50.0));
        assert_eq!(throughput.quota_used(Access::Read), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_room_is_bounded(moments in proptest::collection::vec(0..100_000_000_u64, 1..50)) {
            let mut throughput = Throughput::default();
            for at in &moments {
                throughput.add(Duration::from_millis(*at), &answered(Access::Read, 200));
                throughput.hold(Duration::from_millis(*at), Duration::from_millis(at + 777));
            }
            prop_assert!(throughput.intervals.len() <= MOST_INTERVALS);
            let sum = |count: fn(&Interval) -> u64| throughput.intervals.iter().map(count).sum::<u64>();
            prop_assert_eq!(sum(|one| one.reads), moments.len() as u64);
            prop_assert_eq!(sum(|one| one.held_ms), 777 * moments.len() as u64);
        }
    }
}
