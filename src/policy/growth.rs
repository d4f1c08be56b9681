//! How a rate grows between two 429s where others draw on the same quota.
//!
//! Every 429 takes a fifth of the rate. What has grown until the next one must make up for that, and what levels the shares
//! is that a small rate grows by a larger part of itself than a large one (Chiu and Jain, "Analysis of the increase and
//! decrease algorithms for congestion avoidance in computer networks", 1989): where each of them loses the same part at the
//! same moments, as at the end of a window, growth by a fixed part would leave the shares as they are.

/// What a 429 leaves of the rate.
pub(super) const KEPT: f64 = 0.8;
/// What a 429 took has grown again after so many seconds, where the rate is so many requests a second.
const INTERVAL: f64 = 17.0;
const INTERVAL_AT: f64 = 25.0;
/// With the rate that time grows by this power.
const INTERVAL_POWER: f64 = 0.7;
/// But it is no less than this many requests take.
const FEWEST_REQUESTS: f64 = 2.0;
/// Without a 429 the growth itself grows, by so much in that time: there is more room than there was.
const HASTE: f64 = 0.1;
/// After so many times as long the others seem to be gone.
const GONE_AFTER: f64 = 6.0;
/// Somebody new among others begins with so much of that time, and has all of it after so many 429s: a share that is
/// nowhere near its level yet is soon there.
const AT_FIRST: f64 = 0.2;
const SETTLED_AFTER: f64 = 30.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Growth {
    /// How much of the usual time passes until what a 429 took has grown again.
    part: f64,
}

impl Growth {
    /// After so many 429s among others.
    pub(super) fn after(refusals: u32) -> Self {
        let part = AT_FIRST + (1.0 - AT_FIRST) * f64::from(refusals) / SETTLED_AFTER;
        Self { part: part.min(1.0) }
    }

    /// By how much more than `rate` there is after `age` seconds, where what a 429 took must not grow again in less than
    /// `least` seconds.
    pub(super) fn factor(self, rate: f64, age: f64, least: f64) -> f64 {
        let intervals = age / self.interval(rate, least);
        KEPT.powf(-intervals * (1.0 + HASTE * intervals))
    }

    /// After how many seconds without a 429 the others seem to be gone.
    pub(super) fn gone_after(self, rate: f64, least: f64) -> f64 {
        GONE_AFTER * self.interval(rate, least)
    }

    fn interval(self, rate: f64, least: f64) -> f64 {
        let usual = self.part * INTERVAL * (rate / INTERVAL_AT).powf(INTERVAL_POWER);
        usual.max(FEWEST_REQUESTS / rate).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_rate_grows_by_a_larger_part_of_itself() {
        let growth = Growth::after(30);
        let rates = [1.0, 5.0, 25.0, 100.0].map(|rate| growth.factor(rate, 10.0, 0.0));
        assert!(rates.is_sorted_by(|small, large| small > large), "{rates:?}");
    }

    #[test]
    fn shares_that_meet_their_end_together_become_level() {
        let (growth, quota) = (Growth::after(30), 100.0);
        let (mut rates, mut ages) = ([75.0, 15.0, 7.0, 3.0], 0.0);
        for _ in 0..60 {
            let present = |age: f64| rates.map(|rate| rate * growth.factor(rate, age, 0.0));
            while present(ages).iter().sum::<f64>() < quota {
                ages += 0.1;
            }
            rates = present(ages).map(|rate| rate * KEPT);
            ages = 0.0;
        }
        let level = quota * KEPT / 4.0;
        assert!(rates.iter().all(|rate| (0.9..1.1).contains(&(rate / level))), "{rates:.1?}");
    }

    #[test]
    fn what_a_429_took_is_back_after_the_interval_and_sooner_for_who_is_new() {
        let settled = Growth::after(30);
        assert!((settled.factor(25.0, 17.0, 0.0) * KEPT - KEPT.powf(-HASTE)).abs() < 1e-9);
        assert!(Growth::after(0).factor(25.0, 4.0, 0.0) > 2.0 * settled.factor(25.0, 4.0, 0.0) - 1.0);
        assert!(settled.factor(25.0, 17.0, 100.0) < 1.05, "never sooner than allowed");
    }
}
