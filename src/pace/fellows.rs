//! What runs on one tenant tell each other, so that together they keep the pace of one. Each counts what the others
//! had accepted and refused as if it had been its own; the eldest sets the pace, and each takes its part of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::policy::rate::{Passed, Throttled};
use crate::policy::throttle_scope::Hits;

/// Tells runs apart, and which is the elder: the lesser one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// When it began, in microseconds since 1970.
    pub began: u64,
    /// Its process.
    pub process: u32,
}

/// What a run tells the others. Moments are told by how long ago they were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// How long it has been there.
    pub age: Duration,
    /// Whether it takes all of its part: only who does looks for more than there was.
    pub takes_all: bool,
    /// Of GETs.
    pub reads: ToldLane,
    /// Of all others.
    pub writes: ToldLane,
}

/// What a run tells of one kind of requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ToldLane {
    /// Answers so far that were no 429.
    pub accepted: u64,
    /// The last of them.
    pub last: Option<Accepted>,
    /// Answers 429 so far.
    pub throttled: u64,
    /// The last of them.
    pub refused: Option<Refused>,
    /// How long everybody has to pause yet, by an answer that came to this run.
    pub held_for: Option<Duration>,
    /// Whether it takes all of its part, and would send more.
    pub is_short: bool,
    /// Requests a second of late.
    pub per_second: f64,
    /// Requests a second that all may send together, where a limit was met.
    pub pace: Option<f64>,
    /// The limit that it found, in requests a second.
    pub limit: Option<f64>,
}

/// An answer that was no 429.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Since its request left.
    pub sent: Duration,
    /// Since it came.
    pub came: Duration,
    /// How much of the quota is used, where it told.
    pub used: Option<f64>,
}

/// A 429.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Since its request left.
    pub sent: Duration,
    /// Since it came.
    pub came: Duration,
    /// How long nobody is to send, from then on.
    pub hold: Duration,
    /// Whether the service said so.
    pub hold_is_told: bool,
    /// Who is hit.
    pub hits: Hits,
}

impl Told {
    /// From a run that has sent nothing.
    pub(super) const NOTHING: Self =
        Self { age: Duration::ZERO, takes_all: true, reads: ToldLane::NOTHING, writes: ToldLane::NOTHING };

    /// Whether its numbers can be reckoned with.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [&self.reads, &self.writes].into_iter().all(|lane| {
            let mut rates = lane.pace.into_iter().chain(lane.limit);
            rates.all(|rate| POSSIBLE.contains(&rate))
                && lane.per_second >= 0.0
                && lane.accepted <= MOST
                && lane.held_for.is_none_or(|span| span <= LONGEST_HOLD)
        })
    }
}

/// Rates that a tenant may have, in requests a second.
const POSSIBLE: std::ops::RangeInclusive<f64> = 1e-3..=1e6;
/// No run has more requests.
const MOST: u64 = 1 << 48;
/// No pause is longer that somebody else was asked for.
const LONGEST_HOLD: Duration = Duration::from_hours(1);

impl ToldLane {
    const NOTHING: Self = Self {
        accepted: 0,
        last: None,
        throttled: 0,
        refused: None,
        held_for: None,
        is_short: false,
        per_second: 0.0,
        pace: None,
        limit: None,
    };
}

/// Runs by their ids, and when they told.
pub type Fellows = BTreeMap<RunId, (Instant, Told)>;

impl Accepted {
    /// What was accepted `of` late, at a moment that is so long after the beginning.
    pub(super) fn of(of: &Passed, now: Duration) -> Self {
        let Passed { sent_at, at, used } = *of;
        Self { sent: now.saturating_sub(sent_at), came: now.saturating_sub(at), used }
    }

    /// The same, told at a moment that is so long after the beginning.
    pub(super) fn told_at(&self, then: Duration) -> Passed {
        let Self { sent, came, used } = *self;
        Passed { sent_at: then.saturating_sub(sent), at: then.saturating_sub(came), used }
    }
}

impl Refused {
    /// What was refused `of` late, at a moment that is so long after the beginning.
    pub(super) fn of(of: &Throttled, now: Duration) -> Self {
        let Throttled { sent_at, at, hold, hold_is_told, hits } = *of;
        let (sent, came) = (now.saturating_sub(sent_at), now.saturating_sub(at));
        Self { sent, came, hold, hold_is_told, hits }
    }

    /// The same, told at a moment that is so long after the beginning.
    pub(super) fn told_at(&self, then: Duration) -> Throttled {
        let Self { sent, came, hold, hold_is_told, hits } = *self;
        let (sent_at, at) = (then.saturating_sub(sent), then.saturating_sub(came));
        Throttled { sent_at, at, hold, hold_is_told, hits }
    }
}

/// How much a run would send, of late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Appetite {
    seen: Option<(Instant, u64)>,
    short: f64,
    per_second: f64,
}

/// "Of late" means so long ago, in seconds.
const LATELY: f64 = 1.0;
/// Whoever waits for a token in so much of the time would send more.
const SHORT_FROM: f64 = 0.6;

impl Appetite {
    /// Nobody was looked at yet: who is not known to want less has an even part.
    pub(super) const UNKNOWN: Self = Self { seen: None, short: 1.0, per_second: 0.0 };

    /// Looks at a run that had so many requests `accepted`; whether it is short cannot be told during a hold.
    pub(super) fn look(&mut self, now: Instant, accepted: u64, is_short: Option<bool>) {
        let (before, accepted_before) = self.seen.replace((now, accepted)).unwrap_or((now, accepted));
        let elapsed = now.saturating_duration_since(before).as_secs_f64();
        let weight = -(-elapsed / LATELY).exp_m1();
        if elapsed > 0.0 {
            let rate = accepted.saturating_sub(accepted_before) as f64 / elapsed;
            self.per_second += weight * (rate - self.per_second);
        }
        if let Some(is_short) = is_short {
            self.short += weight * (f64::from(u8::from(is_short)) - self.short);
        }
    }

    pub(super) fn is_short(&self) -> bool {
        self.short >= SHORT_FROM
    }

    pub(super) const fn per_second(&self) -> f64 {
        self.per_second
    }
}

/// The part of a pace for one who shares it with `others`: what those leave who want no more, divided among the rest. It
/// is never less than an even part.
pub(super) fn part<'told>(pace: Option<f64>, others: impl Iterator<Item = &'told ToldLane>) -> f64 {
    let (mut all, mut short, mut taken) = (1.0, 1.0, 0.0);
    for other in others {
        all += 1.0;
        if other.is_short {
            short += 1.0;
        } else {
            taken += other.per_second;
        }
    }
    let left = pace.map_or(1.0, |pace| 1.0 - taken / pace);
    (left / short).max(1.0 / all)
}

/// Which of the runs sets the pace, `me` among them: the eldest of those that take all, if any does.
pub(super) fn leader(me: (RunId, bool), fellows: &Fellows) -> RunId {
    let others = fellows.iter().map(|(id, (_, told))| (!told.takes_all, *id));
    others.chain([(!me.1, me.0)]).min().map_or(me.0, |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(is_short: bool, per_second: f64) -> ToldLane {
        ToldLane { is_short, per_second, ..ToldLane::NOTHING }
    }

    #[test]
    fn who_would_send_more_gets_an_even_part_of_what_the_others_leave() {
        let part = |others: &[ToldLane]| part(Some(100.0), others.iter());
        assert!((part(&[]) - 1.0).abs() < 1e-9);
        assert!((part(&[lane(true, 30.0); 3]) - 0.25).abs() < 1e-9);
        assert!((part(&[lane(true, 30.0), lane(false, 10.0)]) - 0.45).abs() < 1e-9);
        assert!((part(&[lane(false, 99.0)]) - 0.5).abs() < 1e-9, "never less than an even part");
    }

    #[test]
    fn the_eldest_leads_of_those_that_take_all() {
        let id = |began| RunId { began, process: 1 };
        let told = |takes_all| (Instant::now(), Told { takes_all, ..Told::NOTHING });
        let fellows = Fellows::from([(id(1), told(false)), (id(3), told(true))]);
        assert_eq!(leader((id(2), true), &fellows), id(2));
        assert_eq!(leader((id(2), false), &fellows), id(3));
        assert_eq!(leader((id(4), true), &fellows), id(3));
        let polite = Fellows::from([(id(1), told(false))]);
        assert_eq!(leader((id(2), false), &polite), id(1));
    }

    #[test]
    fn a_run_is_short_that_waits_for_its_turn_and_a_hold_says_nothing_of_it() {
        let (start, mut appetite, mut turns) = (Instant::now(), Appetite::UNKNOWN, 0_u32);
        let mut seconds = |count: u32, is_short: Option<bool>| {
            for _ in 0..count * 10 {
                turns += 1;
                appetite.look(start + Duration::from_millis(100) * turns, u64::from(turns), is_short);
            }
            (appetite.is_short(), appetite.per_second())
        };
        assert!(seconds(0, None).0 && !seconds(1, Some(false)).0);
        let (is_short, per_second) = seconds(5, Some(true));
        assert!(is_short && (9.0..=10.1).contains(&per_second), "{per_second}");
        assert!(seconds(5, None).0);
        assert!(!seconds(5, Some(false)).0);
    }
}
