//! What goes wrong, by chance and seed.

use std::time::Duration;

use fastrand::Rng;

/// How often each fault happens, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultRates {
    /// 429 with Retry-After (1 s).
    pub throttle: f64,
    /// 429 without Retry-After.
    pub throttle_bare: f64,
    /// 500, 503 or 504; nothing was done.
    pub error_before: f64,
    /// 500, 503 or 504, although it was done.
    pub error_after: f64,
    /// The connection breaks; nothing was done.
    pub reset_before: f64,
    /// The connection breaks, although it was done.
    pub reset_after: f64,
    /// 502 with a gateway's web page; nothing was done.
    pub html: f64,
    /// Half of the body is missing.
    pub half_json: f64,
    /// The body is missing.
    pub empty_body: f64,
    /// The answer takes `slow_by` longer.
    pub slow: f64,
    /// How much longer.
    pub slow_by: Duration,
}

/// What happens to one request instead of being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Throttled,
    ThrottledBare,
    Error(u16),
    Reset,
    Html,
}

/// What happens to one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Error(u16),
    Reset,
    HalfJson,
    EmptyBody,
}

impl FaultRates {
    pub(super) fn before(&self, random: &mut Rng) -> Option<Before> {
        let error = Before::Error(server_error(random));
        draw(
            random,
            &[
                (self.throttle, Before::Throttled),
                (self.throttle_bare, Before::ThrottledBare),
                (self.error_before, error),
                (self.reset_before, Before::Reset),
                (self.html, Before::Html),
            ],
        )
    }

    pub(super) fn after(&self, random: &mut Rng) -> Option<After> {
        let error = After::Error(server_error(random));
        draw(
            random,
            &[
                (self.error_after, error),
                (self.reset_after, After::Reset),
                (self.half_json, After::HalfJson),
                (self.empty_body, After::EmptyBody),
            ],
        )
    }

    pub(super) fn delay(&self, random: &mut Rng) -> Duration {
        if self.slow > 0.0 && random.f64() < self.slow { self.slow_by } else { Duration::ZERO }
    }

    /// Whether nothing ever goes wrong: then no dice are thrown.
    pub(super) fn are_none(&self) -> bool {
        *self == Self { slow_by: self.slow_by, ..Self::default() }
    }
}

fn server_error(random: &mut Rng) -> u16 {
    [500, 503, 504][random.usize(..3)]
}

/// One throw for all of them, so that the rates add up.
fn draw<F: Copy>(random: &mut Rng, rates: &[(f64, F)]) -> Option<F> {
    let mut left = random.f64();
    for (rate, fault) in rates {
        if left < *rate {
            return Some(*fault);
        }
        left -= rate;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_at_their_rates_and_alike_for_the_same_seed() {
        let rates =
            FaultRates { throttle: 0.1, reset_before: 0.2, error_after: 0.3, ..FaultRates::default() };
        let thrown = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..10_000).map(|_| (rates.before(&mut random), rates.after(&mut random))).collect::<Vec<_>>()
        };
        assert_eq!(thrown(1), thrown(1));
        assert_ne!(thrown(1), thrown(2));
        let all = thrown(3);
        let count = |fault| all.iter().filter(|(before, _)| *before == Some(fault)).count();
        assert!((900..1_100).contains(&count(Before::Throttled)));
        assert!((1_850..2_150).contains(&count(Before::Reset)));
        let errors =
            all.iter().filter(|(_, after)| matches!(after, Some(After::Error(500 | 503 | 504)))).count();
        assert!((2_850..3_150).contains(&errors));
    }
}
