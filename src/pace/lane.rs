//! The gate for one kind of request: places on the wire, a hold, a rate, and the controller that learns from answers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::fellows::{Accepted, Appetite, Refused, ToldLane, part};
use super::limiter::Limiter;
use crate::policy::rate::{Passed, Rate, Throttled};
use crate::policy::throttle_scope::Hits;

/// The gate for one kind of request: reads and writes have quotas of their own.
pub(super) struct Lane {
    started: Instant,
    in_flight: NonZeroUsize,
    waiting: AtomicUsize,
    pub(super) places: Semaphore,
    state: Mutex<State>,
    pub(super) limiter: Limiter,
}

struct State {
    rate: Option<Rate>,
    /// How many places there are, taken or not, and how many there are to be.
    places: usize,
    wanted: usize,
    /// Nobody leaves before this moment.
    held_until: Option<Instant>,
    /// As far as an answer asks for it that came here, and to no other run.
    asked_until: Option<Instant>,
    accepted: u64,
    last: Option<Passed>,
    throttled: u64,
    refused: Option<Throttled>,
    appetite: Appetite,
}

/// What another run told, and what before.
pub(super) struct Heard<'told> {
    pub(super) then: Instant,
    pub(super) told: &'told ToldLane,
    pub(super) before: Option<&'told ToldLane>,
}

/// Counts a request as long as it waits for admission.
pub(super) struct Waiting<'lane>(&'lane AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A lane that is bounded by the wire alone: then all requests stand in one line, in the order in which they came.
const UNBOUNDED: usize = 1 << 24;

const fn bounded(places: usize, in_flight: NonZeroUsize) -> usize {
    if places < in_flight.get() { places } else { UNBOUNDED }
}

impl Lane {
    pub(super) fn new(rate: Option<Rate>, in_flight: NonZeroUsize) -> Self {
        let start = Duration::ZERO;
        let places = rate.as_ref().map_or(UNBOUNDED, |rate| bounded(rate.places(start), in_flight));
        let limiter = Limiter::new(rate.as_ref().and_then(|rate| rate.rate(start)));
        let state = Mutex::new(State {
            rate,
            places,
            wanted: places,
            held_until: None,
            asked_until: None,
            accepted: 0,
            last: None,
            throttled: 0,
            refused: None,
            appetite: Appetite::UNKNOWN,
        });
        let waiting = AtomicUsize::new(0);
        Self { started: Instant::now(), in_flight, waiting, places: Semaphore::new(places), state, limiter }
    }

    /// Counts one more that waits, until it is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    /// How many wait for admission.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of the pace that is this run's.
    pub(super) fn part(&self) -> f64 {
        self.state().rate.as_ref().map_or(1.0, Rate::part)
    }

    /// How many of the answers that came here were no 429, and how many were.
    pub(super) fn answered(&self) -> (u64, u64) {
        let state = self.state();
        (state.accepted, state.throttled)
    }

    pub(super) fn limit(&self) -> Option<f64> {
        self.state().rate.as_ref()?.limit()
    }

    /// Learns from an answer that is no 429, and comes now.
    pub(super) fn passed(&self, sent_at: Instant, used: Option<f64>) {
        let (sent_at, at) = (self.since_start(sent_at), self.started.elapsed());
        let answer = Passed { sent_at, at, used };
        let mut state = self.state();
        state.accepted += 1;
        state.last = Some(answer);
        self.learn(&mut state, at, |rate| rate.passed(&answer));
    }

    /// Learns from a 429 that comes now, and asks for a hold that is the service's own or not. Gives the pause that
    /// everybody has to make.
    pub(super) fn throttled(
        &self,
        sent_at: Instant,
        (hold, hold_is_told): (Duration, bool),
        hits: Hits,
    ) -> Duration {
        let (sent_at, at) = (self.since_start(sent_at), self.started.elapsed());
        let answer = Throttled { sent_at, at, hold, hold_is_told, hits };
        let (mut state, mut span) = (self.state(), hold);
        state.throttled += 1;
        state.refused = Some(answer);
        self.learn(&mut state, at, |rate| span = rate.throttled(&answer));
        span
    }

    /// What the other runs are told now.
    pub(super) fn tell(&self, takes_all: bool) -> ToldLane {
        let (mut state, now) = (self.state(), Instant::now());
        let since_start = self.since_start(now);
        let is_short = self.limiter.is_waited_for().unwrap_or_else(|| self.waiting() > 0);
        // During a hold nobody waits for a turn.
        let is_short = state.held_until.is_none_or(|until| until <= now).then_some(is_short);
        let accepted = state.accepted;
        state.appetite.look(now, accepted, is_short);
        ToldLane {
            accepted,
            last: state.last.map(|last| Accepted::of(&last, since_start)),
            throttled: state.throttled,
            refused: state.refused.map(|refused| Refused::of(&refused, since_start)),
            held_for: state.asked_until.and_then(|until| until.checked_duration_since(now)),
            is_short: takes_all && state.appetite.is_short(),
            per_second: state.appetite.per_second(),
            pace: state.rate.as_ref().and_then(|rate| rate.pace(since_start)),
            limit: state.rate.as_ref().and_then(Rate::limit),
        }
    }

    /// Learns from what the other runs told, and goes along with the one that leads; `None` where that is this one.
    pub(super) fn hear(&self, fellows: &[Heard<'_>], leader: Option<&ToldLane>) {
        let (mut state, now) = (self.state(), self.started.elapsed());
        let mut held_until = state.held_until;
        self.learn(&mut state, now, |rate| {
            for Heard { then, told, before } in fellows {
                held_until = held_until.max(told.held_for.and_then(|span| then.checked_add(span)));
                // What was before the first word was not heard of.
                let Some(before) = before else { continue };
                let then = self.since_start(*then);
                let accepted = told.accepted.saturating_sub(before.accepted);
                if let Some(last) = told.last.filter(|_| accepted > 0) {
                    rate.passed_elsewhere(&last.told_at(then), accepted);
                }
                if let Some(refused) = told.refused.filter(|_| told.throttled > before.throttled) {
                    let refused = refused.told_at(then);
                    let span = rate.throttled_elsewhere(&refused);
                    held_until = held_until.max(self.started.checked_add(refused.at.saturating_add(span)));
                }
            }
            let (led, limit) = leader.map_or((None, None), |told| (told.pace, told.limit));
            let pace = led.or_else(|| rate.pace(now));
            let part = part(pace, fellows.iter().map(|heard| heard.told));
            rate.go_along(part, led, limit, now);
        });
        state.held_until = held_until;
    }

    /// How long it has been there.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    fn since_start(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.started)
    }

    /// Lets the controller learn, and does what it says from `now` on.
    fn learn(&self, state: &mut State, now: Duration, learn: impl FnOnce(&mut Rate)) {
        let State { rate: Some(rate), places, wanted, .. } = state else { return };
        learn(rate);
        self.limiter.set(rate.rate(now));
        *wanted = bounded(rate.places(now), self.in_flight);
        if wanted > places {
            self.places.add_permits(*wanted - *places);
            *places = *wanted;
        } else if wanted < places {
            // Those that are taken go when they are given back.
            *places -= self.places.forget_permits(*places - *wanted);
        }
    }

    pub(super) fn give_back(&self, place: SemaphorePermit<'_>) {
        let mut state = self.state();
        if state.places > state.wanted {
            state.places -= 1;
            place.forget();
        }
    }

    /// Does as an answer asks that came here. A longer hold stays.
    pub(super) fn hold_until(&self, until: Option<Instant>) {
        let mut state = self.state();
        state.asked_until = state.asked_until.max(until);
        state.held_until = state.held_until.max(until);
    }

    pub(super) fn held_until(&self) -> Option<Instant> {
        self.state().held_until
    }

    pub(super) fn is_held(&self) -> bool {
        self.hold_left().is_some()
    }

    pub(super) fn hold_left(&self) -> Option<Duration> {
        let left = self.held_until()?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    pub(super) async fn wait_for_hold(&self) {
        // Read again after waking: the hold may have been prolonged meanwhile.
        while let Some(left) = self.hold_left() {
            sleep_until(Instant::now() + left).await;
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({} places, {:?})", self.state().places, self.limiter)
    }
}
