//! How many rows may delete, reset and change: counted before the first write, and over a cap nothing starts.

use std::fmt;

/// How many rows may do something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cap {
    /// So many.
    Count(u64),
    /// So many of a hundred rows of the file.
    Percent(f64),
}

impl Cap {
    /// Whether `count` of `rows` are too many.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a file has fewer rows than 2⁵³")]
    pub fn is_exceeded(self, count: u64, rows: u64) -> bool {
        match self {
            Self::Count(most) => count > most,
            Self::Percent(percent) => count as f64 * 100.0 > percent * rows as f64,
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => most.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}% of the rows"),
        }
    }
}

/// What rows do, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All rows.
    pub rows: u64,
    /// Rows that delete a phone.
    pub deletes: u64,
    /// Rows that reset a password.
    pub resets: u64,
    /// Rows that write anything, those two among them.
    pub changes: u64,
}

/// The caps of a run; `None` for any number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Caps {
    /// Of rows that delete a phone.
    pub deletes: Option<Cap>,
    /// Of rows that reset a password.
    pub resets: Option<Cap>,
    /// Of rows that write anything.
    pub changes: Option<Cap>,
}

/// A cap that rows exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// What the rows do, as the end of "rows that …".
    pub what: &'static str,
    /// The flag that sets the cap.
    pub flag: &'static str,
    /// So many do it.
    pub count: u64,
    /// So many may.
    pub cap: Cap,
}

impl Caps {
    /// The caps that rows exceed; empty where they may be done.
    #[must_use]
    pub fn exceeded(&self, tally: &Tally) -> Vec<Excess> {
        let all = [
            ("delete a phone", "--max-deletes", tally.deletes, self.deletes),
            ("reset a password", "--max-resets", tally.resets, self.resets),
            ("change something", "--max-changes", tally.changes, self.changes),
        ];
        all.into_iter()
            .filter_map(|(what, flag, count, cap)| {
                let cap = cap.filter(|cap| cap.is_exceeded(count, tally.rows))?;
                Some(Excess { what, flag, count, cap })
            })
            .collect()
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, flag, count, cap } = self;
        let rows = if *count == 1 { "row would" } else { "rows would" };
        write!(f, "{count} {rows} {what}, and {cap} may ({flag})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_exceeded_by_more_and_not_by_as_many() {
        let cases = [
            (Cap::Count(3), 3, 10, false),
            (Cap::Count(3), 4, 10, true),
            (Cap::Count(0), 0, 10, false),
            (Cap::Percent(30.0), 3, 10, false),
            (Cap::Percent(30.0), 4, 10, true),
            (Cap::Percent(0.0), 1, 1_000_000, true),
            (Cap::Percent(100.0), 10, 10, false),
        ];
        for (cap, count, rows, is_exceeded) in cases {
            assert_eq!(cap.is_exceeded(count, rows), is_exceeded, "{cap:?} {count} of {rows}");
        }
    }

    #[test]
    fn every_cap_is_held_against_its_own_count_and_says_by_which_flag() {
        let tally = Tally { rows: 100, deletes: 5, resets: 6, changes: 7 };
        assert_eq!(Caps::default().exceeded(&tally), []);
        let caps = Caps {
            deletes: Some(Cap::Count(4)),
            resets: Some(Cap::Count(6)),
            changes: Some(Cap::Percent(1.5)),
        };
        let told: Vec<String> = caps.exceeded(&tally).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "5 rows would delete a phone, and 4 may (--max-deletes)",
                "7 rows would change something, and 1.5% of the rows may (--max-changes)",
            ]
        );
    }
}
