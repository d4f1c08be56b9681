//! How long one row may go on trying.

use std::time::Duration;

/// The time that a row may spend on attempts and on the waits that answers to it caused.
///
/// Waiting for a permit is not counted: a row must not fail because many stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    left: Duration,
}

impl Budget {
    /// A budget of `total`.
    #[must_use]
    pub const fn new(total: Duration) -> Self {
        Self { left: total }
    }

    /// Whether there is time to try again.
    #[must_use]
    pub const fn is_left(&self) -> bool {
        !self.left.is_zero()
    }

    /// Takes time off.
    pub fn spend(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// Takes a coming wait off; `false`, with nothing taken, where it would leave no time to try again.
    #[must_use]
    pub fn affords(&mut self, wait: Duration) -> bool {
        let enough = wait < self.left;
        if enough {
            self.spend(wait);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_leaves_no_time_is_not_begun() {
        let mut budget = Budget::new(Duration::from_secs(10));
        assert!(budget.affords(Duration::from_secs(6)));
        assert!(!budget.affords(Duration::from_secs(4)));
        assert!(budget.affords(Duration::from_secs(3)));
        budget.spend(Duration::from_secs(5));
        assert!(!budget.affords(Duration::ZERO));
        assert!(!budget.is_left());
    }
}
