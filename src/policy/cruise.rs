//! The rate once a limit is known: approached quickly, kept a little under, and after a while probed beyond, along the
//! curve of CUBIC (RFC 9438). Among others that draw on the same quota it grows and gives way instead. Times are seconds
//! since the controller began.

use super::growth::Growth;

/// From the beginning of one hold to the beginning of the next: over it, what was accepted is what the quota gave.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Epoch {
    pub(super) began: f64,
    pub(super) accepted: u64,
}

impl Epoch {
    /// What was accepted in a second up to `now`.
    pub(super) fn per_second(&self, now: f64) -> f64 {
        self.accepted as f64 / (now - self.began).max(1e-3)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cruise {
    /// In requests a second.
    pub(super) limit: f64,
    /// So much of it is certain.
    pub(super) certain: f64,
    /// Where the curve begins, in seconds.
    pub(super) began: f64,
    /// Since when the limit is about this, in seconds; a limit that is new is probed sooner.
    pub(super) held_since: f64,
    /// Whether it rests on next to nothing, so that a few requests more tell better.
    pub(super) is_guess: bool,
    /// How much of the curve's height is used: less after others were hit, too.
    pub(super) depth: f64,
    /// Until then what the quota saved up during the hold is spent.
    pub(super) boosted_until: f64,
    /// Since when the rate doubles and doubles, and what was accepted since.
    pub(super) beyond: Option<Epoch>,
    /// How the rate grows among others; `None` where there are none.
    pub(super) growth: Option<Growth>,
}

/// The curve: how far under the limit it is flat, and how far it reaches up and down.
pub(super) const PLATEAU: f64 = 0.99;
const REACH: f64 = 0.05;
/// A probe costs a request that is refused, those that are on the wire behind it, and the hold. It comes when so many
/// times as much was gained.
const REFUSALS_PAID_BY: f64 = 300.0;
const HOLD_PAID_BY: f64 = 100.0;
/// A limit that is new is probed after so many requests and round trips already, and so many times the hold.
const NEW_REQUESTS: f64 = 30.0;
const NEW_ROUNDS: f64 = 10.0;
const NEW_HOLD_PAID_BY: f64 = 5.0;
/// A limit that was guessed is probed after so many, and then the rate doubles in the time of as many.
const GUESS_REQUESTS: f64 = 5.0;
/// Beyond the limit the rate doubles in the time of so many requests or round trips, but in no less than so many seconds.
const DOUBLED_AFTER: f64 = 20.0;
const DOUBLED_AFTER_ROUNDS: f64 = 5.0;
const QUICKEST_DOUBLING: f64 = 5.0;
/// What a 429 took among others grows again in no less than so many round trips, nor than so many times the hold: a window of
/// the quota has to end before it is known what has come of it.
const INTERVAL_ROUNDS: f64 = 6.0;
const INTERVAL_HOLDS: f64 = 1.5;
/// So much of what is saved up during a hold is spent after it, at so much more than the limit.
const SAVED: f64 = 0.9;
const BOOST: f64 = 0.5;

/// What a 429 costs, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    /// Of an answer.
    pub(super) latency: f64,
    /// The last hold's span.
    pub(super) hold: f64,
}

impl Costs {
    /// What a 429 took among others grows again in no less than so many seconds.
    fn least_interval(&self) -> f64 {
        (INTERVAL_ROUNDS * self.latency).max(INTERVAL_HOLDS * self.hold)
    }
}

/// How long what a hold saved up is spent.
pub(super) fn boost_for(hold: f64) -> f64 {
    hold * SAVED / BOOST
}

impl Cruise {
    /// From `began` on, about a limit that is still to be given.
    pub(super) const fn plain(began: f64) -> Self {
        Self {
            limit: 0.0,
            certain: 0.0,
            began,
            held_since: began,
            is_guess: false,
            depth: 1.0,
            boosted_until: began,
            beyond: None,
            growth: None,
        }
    }

    /// Requests a second at `now` for somebody who takes all, brakes left out. Not everybody `probes` for more than there
    /// was.
    pub(super) fn per_second(&self, now: f64, costs: &Costs, probes: bool) -> f64 {
        let cycle = self.cycle(costs);
        let age = (now - self.began).max(0.0);
        let (near, beyond) = (age.min(cycle), if probes { (age - cycle).max(0.0) } else { 0.0 });
        let curve = if self.began < self.boosted_until && now < self.boosted_until {
            1.0 + BOOST
        } else if let Some(growth) = self.growth {
            growth.factor(self.limit, near, costs.least_interval())
        } else {
            PLATEAU + REACH * (2.0 * near / cycle - 1.0).powi(3)
        };
        self.limit * curve * (beyond / self.doubling(costs)).exp2() * self.depth
    }

    /// How long it takes until the rate doubles and doubles.
    pub(super) fn cycle(&self, costs: &Costs) -> f64 {
        if let Some(growth) = self.growth {
            return growth.gone_after(self.limit, costs.least_interval());
        }
        // A refused request takes a place in the rate, and so do those that are on the wire behind it.
        let refusal = 1.0 / self.limit + costs.latency;
        let whole = (REFUSALS_PAID_BY * refusal).max(HOLD_PAID_BY * costs.hold);
        let requests = if self.is_guess { GUESS_REQUESTS } else { NEW_REQUESTS };
        let soon = requests / self.limit + NEW_ROUNDS * costs.latency;
        let least = soon.max(NEW_HOLD_PAID_BY * costs.hold).min(whole);
        (self.began - self.held_since).clamp(least, whole)
    }

    fn doubling(&self, costs: &Costs) -> f64 {
        let rounds = DOUBLED_AFTER_ROUNDS * costs.latency;
        let requests = if self.is_guess { GUESS_REQUESTS } else { DOUBLED_AFTER };
        (requests / self.limit).max(rounds).max(QUICKEST_DOUBLING)
    }
}
