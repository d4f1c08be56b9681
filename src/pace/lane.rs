//! The gate for one kind of request: places on the wire, a hold, a rate, and the controller that learns from answers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::limiter::Limiter;
use crate::policy::rate::Rate;

/// The gate for one kind of request: reads and writes have quotas of their own.
pub(super) struct Lane {
    in_flight: NonZeroUsize,
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
        let state = Mutex::new(State { rate, places, wanted: places, held_until: None });
        Self { in_flight, places: Semaphore::new(places), state, limiter }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limit(&self) -> Option<f64> {
        self.state().rate.as_ref()?.limit()
    }

    /// Lets the controller learn, and does what it says from `now` on.
    pub(super) fn learn(&self, now: Duration, learn: impl FnOnce(&mut Rate)) {
        let mut state = self.state();
        let State { rate: Some(rate), places, wanted, .. } = &mut *state else { return };
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

    /// A longer hold stays.
    pub(super) fn hold_until(&self, until: Option<Instant>) {
        let mut state = self.state();
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
