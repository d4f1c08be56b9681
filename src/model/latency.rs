//! How long answers took, in so few classes that a run of a million rows takes no more room than one of three.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The upper ends of all classes but the last, which has none, in milliseconds.
pub const BOUNDS_MS: [u64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

/// One class more than there are bounds.
pub const CLASSES: usize = BOUNDS_MS.len() + 1;

/// So many times took so long; a time that is a bound belongs to the class that ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Times([u64; CLASSES]);

impl Times {
    /// Counts one.
    pub fn add(&mut self, time: Duration) {
        let micros = time.as_micros();
        let class = BOUNDS_MS.partition_point(|bound| u128::from(*bound) * 1_000 < micros);
        self.0[class] += 1;
    }

    /// Takes in what was counted elsewhere.
    pub fn take(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours += theirs;
        }
    }

    /// The counts, the shortest times first.
    #[must_use]
    pub const fn counts(&self) -> &[u64; CLASSES] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Within which bound a share (from 0 to 1) of them lies; `None` where that is beyond the last, or there are none.
    #[must_use]
    pub fn within(&self, share: f64) -> Option<Duration> {
        let wanted = share * self.total() as f64;
        let mut seen = 0;
        let class = self.0.iter().position(|count| {
            seen += count;
            seen > 0 && seen as f64 >= wanted
        })?;
        BOUNDS_MS.get(class).copied().map(Duration::from_millis)
    }

    /// Whether none was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(micros: &[u64]) -> Times {
        let mut times = Times::default();
        for micros in micros {
            times.add(Duration::from_micros(*micros));
        }
        times
    }

    #[test]
    fn a_time_belongs_to_the_first_class_that_reaches_it() {
        let found = |micros| times(&[micros]).counts().iter().position(|count| *count == 1);
        assert_eq!(
            (found(0), found(1_000), found(1_001), found(2_000)),
            (Some(0), Some(0), Some(1), Some(1))
        );
        assert_eq!((found(50_000_000), found(50_000_001), found(u64::MAX)), (Some(14), Some(15), Some(15)));
    }

    #[test]
    fn a_share_lies_within_the_bound_that_it_reaches_first() {
        let times = times(&[900, 1_500, 1_500, 40_000]);
        let within = |share| times.within(share).map(|span| span.as_millis());
        assert_eq!(
            (within(0.0), within(0.25), within(0.75), within(1.0)),
            (Some(1), Some(1), Some(2), Some(50))
        );
        assert_eq!(Times::default().within(0.5), None);
    }
}
