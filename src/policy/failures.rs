//! How many rows may fail before a run stops: more of them mean that something is wrong with the file or the tenant.

use std::fmt;

/// How many rows may fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FailureLimit {
    /// So many; one more stops the run.
    Count(u64),
    /// So many of a hundred rows that ended, from 0 to 100; looked at from the 200th row on.
    Percent(f64),
}

impl Default for FailureLimit {
    fn default() -> Self {
        Self::Percent(5.0)
    }
}

impl fmt::Display for FailureLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A share of fewer rows says little.
const ENOUGH_ROWS: u64 = 200;

/// What became of the rows so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FailureBudget {
    limit: FailureLimit,
    ended: u64,
    failed: u64,
}

/// How a row ended, as far as the budget is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowEnd {
    /// It did not fail.
    Well,
    /// It failed, or nobody knows.
    Badly,
}

impl FailureBudget {
    /// Nothing has ended yet.
    #[must_use]
    pub const fn new(limit: FailureLimit) -> Self {
        Self { limit, ended: 0, failed: 0 }
    }

    /// Counts a row; says whether more rows failed than may.
    pub fn note(&mut self, end: RowEnd) -> bool {
        self.ended += 1;
        self.failed += u64::from(end == RowEnd::Badly);
        match self.limit {
            FailureLimit::Count(count) => self.failed > count,
            FailureLimit::Percent(percent) => {
                self.ended >= ENOUGH_ROWS && self.failed as f64 * 100.0 > percent * self.ended as f64
            }
        }
    }

    /// How many failed.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// Of how many.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many rows the run stops if the rows at these places fail, the first being 1.
    fn stops_at(limit: FailureLimit, fails: impl Fn(u64) -> bool) -> Option<u64> {
        let mut budget = FailureBudget::new(limit);
        (1..=10_000).find(|row| budget.note(if fails(*row) { RowEnd::Badly } else { RowEnd::Well }))
    }

    #[test]
    fn a_count_is_used_up_by_one_failure_more() {
        assert_eq!(stops_at(FailureLimit::Count(0), |row| row == 7), Some(7));
        assert_eq!(stops_at(FailureLimit::Count(2), |row| row % 10 == 0), Some(30));
        assert_eq!(stops_at(FailureLimit::Count(1_000), |row| row % 10 == 0), None);
    }

    #[test]
    fn a_share_is_looked_at_from_the_two_hundredth_row_on() {
        assert_eq!(stops_at(FailureLimit::default(), |row| row <= 11), Some(200));
        assert_eq!(stops_at(FailureLimit::default(), |row| row <= 10), None);
        assert_eq!(stops_at(FailureLimit::default(), |row| row % 20 == 0), None);
        assert_eq!(stops_at(FailureLimit::Percent(0.0), |row| row == 300), Some(300));
        assert_eq!(stops_at(FailureLimit::Percent(100.0), |_| true), None);
        // 50 failures are more than 5 % of 999 rows, and exactly 5 % of 1,000.
        assert_eq!(stops_at(FailureLimit::default(), |row| row > 949), Some(999));
        assert_eq!(stops_at(FailureLimit::default(), |row| (950..1_000).contains(&(row - 1))), None);
    }
}
