//! How long the rest of a run takes, and how fast it goes now.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::demand::Demand;
use crate::policy::forecast::{KnownPace, Pace, forecast};

/// The span over which the present speed is told.
const SPEED_OVER: Duration = Duration::from_secs(5);

/// What tells how long the rest takes. Rates are in requests a second.
pub(super) struct Outlook {
    pub(super) left: Demand,
    /// The limits that this run met.
    pub(super) found: KnownPace,
    /// With those of an earlier run where this one met none.
    pub(super) learned: KnownPace,
    /// What the places on the wire allow at the latency seen.
    pub(super) by_wire: Option<f64>,
    /// What was sent over the last few seconds.
    pub(super) seen: f64,
}

/// From the limits that were found, or else from those of an earlier run, unless this one is faster, or from the present
/// speed alone.
pub(super) fn time_left(outlook: &Outlook) -> Option<Duration> {
    let by_wire = outlook.by_wire.filter(|rate| rate.is_finite());
    let at_pace = |known: KnownPace| {
        let ceiling = known.ceiling.into_iter().chain(by_wire).reduce(f64::min);
        match forecast(outlook.left, &KnownPace { ceiling, ..known }).pace {
            Pace::Learned { time, .. } | Pace::Ceiling { time, .. } => Some(time),
            Pace::AtMost { .. } | Pace::Unknown => None,
        }
    };
    let at_speed = Duration::try_from_secs_f64(outlook.left.requests() as f64 / outlook.seen).ok();
    at_pace(outlook.found).or_else(|| at_pace(outlook.learned).into_iter().chain(at_speed).min())
}

/// What was done over the last few seconds.
pub(super) struct Speed {
    /// The moments that are still of interest, the oldest first, with what was done by then.
    seen: VecDeque<(Instant, Demand)>,
}

impl Speed {
    pub(super) fn new(now: Instant) -> Self {
        Self { seen: [(now, Demand::default())].into() }
    }

    pub(super) fn note(&mut self, now: Instant, done: Demand) {
        self.seen.push_back((now, done));
        // The oldest that is kept is the first at least that old.
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= SPEED_OVER) {
            self.seen.pop_front();
        }
    }

    pub(super) fn rows_per_second(&self) -> f64 {
        self.per_second(|done| done.rows)
    }

    /// As many as the rows took that were done, where nothing goes wrong: retries bring nobody nearer to the end.
    pub(super) fn requests_per_second(&self) -> f64 {
        self.per_second(Demand::requests)
    }

    fn per_second(&self, count: impl Fn(&Demand) -> u64) -> f64 {
        let (Some((since, before)), Some((now, done))) = (self.seen.front(), self.seen.back()) else {
            return 0.0;
        };
        let seconds = now.duration_since(*since).as_secs_f64();
        if seconds > 0.0 { (count(done) - count(before)) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: KnownPace = KnownPace { reads: None, writes: None, share: 1.0, ceiling: None };

    fn outlook() -> Outlook {
        let left = Demand { rows: 100, reads: 100, writes: 100 };
        Outlook { left, found: UNKNOWN, learned: UNKNOWN, by_wire: None, seen: 4.0 }
    }

    #[test]
    fn the_rest_is_told_from_the_pace_found_and_the_work_left() {
        let told = |outlook: Outlook| time_left(&outlook).map(|left| left.as_secs_f64());
        let found = KnownPace { writes: Some(10.0), ..UNKNOWN };
        assert_eq!(told(outlook()), Some(50.0), "nothing is known but the present speed");
        assert_eq!(told(Outlook { found, ..outlook() }), Some(10.0));
        assert_eq!(told(Outlook { found, seen: 400.0, ..outlook() }), Some(10.0), "a burst does not last");
        // Neither the ceiling nor the wire lets it go faster.
        let ceiling = KnownPace { ceiling: Some(5.0), ..found };
        assert_eq!(told(Outlook { found: ceiling, ..outlook() }), Some(40.0));
        assert_eq!(told(Outlook { found, by_wire: Some(2.0), ..outlook() }), Some(100.0));
        assert_eq!(told(Outlook { found, by_wire: Some(f64::INFINITY), ..outlook() }), Some(10.0));
        let ceiling_alone = KnownPace { ceiling: Some(5.0), ..UNKNOWN };
        assert_eq!(told(Outlook { found: ceiling_alone, ..outlook() }), Some(50.0));
    }

    #[test]
    fn what_an_earlier_run_found_counts_until_this_one_is_faster() {
        let told = |seen| {
            let learned = KnownPace { writes: Some(10.0), ..UNKNOWN };
            time_left(&Outlook { learned, seen, ..outlook() }).map(|left| left.as_secs_f64())
        };
        assert_eq!((told(0.0), told(4.0), told(40.0)), (Some(10.0), Some(10.0), Some(5.0)));
    }

    #[test]
    fn without_speed_or_a_known_pace_the_rest_is_not_told() {
        assert_eq!(time_left(&Outlook { seen: 0.0, ..outlook() }), None);
    }

    #[tokio::test(start_paused = true)]
    async fn speed_is_told_over_the_last_seconds() {
        let start = Instant::now();
        let mut speed = Speed::new(start);
        for second in 1..=20 {
            let rows = if second <= 10 { 100 * second } else { 1_000 + 10 * (second - 10) };
            speed.note(start + Duration::from_secs(second), Demand { rows, reads: rows, writes: rows });
        }
        let told = (speed.rows_per_second(), speed.requests_per_second());
        assert!((told.0 - 10.0).abs() < 1e-9 && (told.1 - 20.0).abs() < 1e-9, "{told:?}");
    }
}
