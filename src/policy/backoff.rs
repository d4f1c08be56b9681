//! How long to wait before the next attempt when the server does not say.

use std::time::Duration;

/// Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first attempt; it doubles with each further one.
    pub base: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(2), cap: Duration::from_mins(1) }
    }
}

impl Backoff {
    /// The longest wait after attempt number `attempt` (the first is 1).
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// A wait for one task: anywhere between nothing and the ceiling. `jitter` is in `0.0..1.0`.
    #[must_use]
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        self.ceiling(attempt).mul_f64(jitter.clamp(0.0, 1.0))
    }

    /// A wait for everybody, after a 429 without Retry-After: between half the ceiling and the ceiling,
    /// since a wait near nothing would only bring the next 429.
    #[must_use]
    pub fn hold(&self, attempt: u32, jitter: f64) -> Duration {
        self.ceiling(attempt).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(10) };
        let seconds: Vec<u64> = (1..=6).map(|attempt| backoff.ceiling(attempt).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 10, 10]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_over_the_cap(attempt in 0_u32.., jitter in -1.0..2.0_f64) {
            let backoff = Backoff::default();
            prop_assert!(backoff.delay(attempt, jitter) <= backoff.cap);
            prop_assert!(backoff.hold(attempt, jitter) <= backoff.cap);
            prop_assert!(backoff.hold(attempt, jitter) >= backoff.ceiling(attempt) / 2);
        }
    }
}
