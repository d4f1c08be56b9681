//! How long rows will take, from the requests that they take and what is known of the tenant's pace. Pure.

use std::fmt;
use std::time::Duration;

use crate::model::demand::Demand;
use crate::model::thousands::grouped;

/// What is known of the pace, in requests a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownPace {
    /// What the tenant allows of GETs; `None` where no limit is known.
    pub reads: Option<f64>,
    /// Of all others.
    pub writes: Option<f64>,
    /// How much of these limits is used, above 0 and up to 1.
    pub share: f64,
    /// No more is sent in all (`requests_per_second`); `None` for no ceiling.
    pub ceiling: Option<f64>,
}

/// How long rows will take. Shown, it is a sentence for people, without full stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// What is to be sent.
    pub demand: Demand,
    /// How fast that goes.
    pub pace: Pace,
}

/// How fast requests will go, reads and writes together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Nothing is known yet.
    Unknown,
    /// As fast as an earlier run was allowed to.
    Learned {
        /// What the tenant allows.
        per_second: f64,
        /// How much of it is used.
        share: f64,
        /// How long it takes.
        time: Duration,
    },
    /// The ceiling is under what the tenant allows.
    Ceiling {
        /// The ceiling.
        per_second: f64,
        /// How long it takes.
        time: Duration,
    },
    /// Nothing is known of the tenant, but it goes no faster than the ceiling.
    AtMost {
        /// The ceiling.
        per_second: f64,
        /// How long it takes at least.
        time: Duration,
    },
}

/// Foretells how long this takes. A kind of request whose limit is not known is taken for one that is in nobody's way.
#[must_use]
pub fn forecast(demand: Demand, known: &KnownPace) -> Forecast {
    let requests = demand.requests() as f64;
    let learned = learned_seconds(&demand, known);
    let at_ceiling = known.ceiling.map(|ceiling| (ceiling, requests / ceiling));
    let pace = match (learned, at_ceiling) {
        _ if demand.requests() == 0 => Pace::Unknown,
        (None, None) => Pace::Unknown,
        (None, Some((per_second, least))) => Pace::AtMost { per_second, time: seconds(least) },
        (Some(learned), Some((per_second, longer))) if longer > learned => {
            Pace::Ceiling { per_second, time: seconds(longer) }
        }
        (Some(learned), _) => {
            let share = known.share;
            Pace::Learned { per_second: requests / learned / share, share, time: seconds(learned) }
        }
    };
    Forecast { demand, pace }
}

/// Reads and writes go side by side, so the slower kind decides.
fn learned_seconds(demand: &Demand, known: &KnownPace) -> Option<f64> {
    let span = |requests: u64, limit: Option<f64>| {
        limit.filter(|_| requests > 0).map(|limit| requests as f64 / (limit * known.share))
    };
    let (reads, writes) = (span(demand.reads, known.reads), span(demand.writes, known.writes));
    reads.into_iter().chain(writes).reduce(f64::max)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

impl Forecast {
    /// How long it takes, or takes at least; `None` where nothing is known.
    #[must_use]
    pub const fn time(&self) -> Option<Duration> {
        match self.pace {
            Pace::Unknown => None,
            Pace::Learned { time, .. } | Pace::Ceiling { time, .. } | Pace::AtMost { time, .. } => Some(time),
        }
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Requests(&self.demand).fmt(f)?;
        if self.demand.requests() == 0 { Ok(()) } else { write!(f, "; {}", self.pace) }
    }
}

/// How long it takes, in words.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unknown => f.write_str("this tenant's pace is not known yet and will be found"),
            Self::Learned { per_second, share, time } => {
                f.write_str("at ")?;
                if share < 1.0 {
                    write!(f, "{:.0} % (--polite) of ", share * 100.0)?;
                }
                write!(f, "this tenant's learned {}/s ≈ {}", Rate(per_second), Span(time))
            }
            Self::Ceiling { per_second, time } => {
                write!(f, "at the {}/s that --requests-per-second allows ≈ {}", Rate(per_second), Span(time))
            }
            Self::AtMost { per_second, time } => write!(
                f,
                "this tenant's pace is not known yet and will be found; at the {}/s that --requests-per-second allows it \
                 takes {} at least",
                Rate(per_second),
                Span(time)
            ),
        }
    }
}

/// `12,000 rows ≈ 12,000 writes + 12,000 reads`
#[derive(Debug, Clone, Copy)]
pub struct Requests<'a>(pub &'a Demand);

impl fmt::Display for Requests<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Demand { rows, reads, writes } = *self.0;
        Counted(rows, "row").fmt(f)?;
        match (writes, reads) {
            (0, 0) => f.write_str(", nothing to send"),
            (0, reads) => write!(f, " ≈ {}", Counted(reads, "read")),
            (writes, 0) => write!(f, " ≈ {}", Counted(writes, "write")),
            (writes, reads) => write!(f, " ≈ {} + {}", Counted(writes, "write"), Counted(reads, "read")),
        }
    }
}

/// `12,000 rows`
#[derive(Debug, Clone, Copy)]
pub struct Counted(pub u64, pub &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", grouped(self.0), self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Three digits or so.
struct Rate(f64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0 {
            rate if rate >= 100.0 => 0,
            rate if rate >= 1.0 => 1,
            _ => 2,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

/// The two greatest units that matter.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let whole = self.0.as_secs().saturating_add(u64::from(self.0.subsec_millis() >= 500));
        let rounded = |unit: u64| (whole + unit / 2) / unit;
        match whole {
            0 => f.write_str("a second"),
            1..100 => write!(f, "{whole} s"),
            100..6_000 => write!(f, "{} min", rounded(MINUTE)),
            6_000..172_800 => {
                let minutes = rounded(MINUTE);
                write!(f, "{} h {} min", minutes / 60, minutes % 60)
            }
            _ if whole < 100 * 365 * DAY => {
                let hours = rounded(HOUR);
                write!(f, "{} d {} h", hours / 24, hours % 24)
            }
            _ => f.write_str("more than a hundred years"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLIND: KnownPace = KnownPace { reads: None, writes: None, share: 1.0, ceiling: None };

    fn sets(rows: u64) -> Demand {
        Demand { rows, reads: rows, writes: rows }
    }

    fn told(demand: Demand, known: KnownPace) -> String {
        forecast(demand, &known).to_string()
    }

    #[test]
    fn what_an_earlier_run_found_tells_how_long_it_takes() {
        let known = KnownPace { reads: Some(7.1), writes: Some(7.1), ..BLIND };
        assert_eq!(
            told(sets(12_000), known),
            "12,000 rows ≈ 12,000 writes + 12,000 reads; at this tenant's learned 14.2/s ≈ 28 min"
        );
        // The slower kind decides, and one that met no limit is in nobody's way.
        let writes = KnownPace { reads: Some(800.0), writes: Some(0.4), ..BLIND };
        for known in [writes, KnownPace { reads: None, ..writes }] {
            assert_eq!(forecast(sets(400), &known).time(), Some(Duration::from_secs(1_000)));
        }
    }

    #[test]
    fn somebody_polite_takes_longer() {
        let known = KnownPace { writes: Some(10.0), share: 0.5, ..BLIND };
        let demand = Demand { rows: 1_000, reads: 0, writes: 1_000 };
        assert_eq!(
            told(demand, known),
            "1,000 rows ≈ 1,000 writes; at 50 % (--polite) of this tenant's learned 10.0/s ≈ 3 min"
        );
    }

    #[test]
    fn what_is_not_known_is_not_foretold() {
        let end = "this tenant's pace is not known yet and will be found";
        assert_eq!(told(sets(1), BLIND), format!("1 row ≈ 1 write + 1 read; {end}"));
        // What is known of writes says nothing of reads.
        let reads = Demand { rows: 30, reads: 30, writes: 0 };
        assert_eq!(
            told(reads, KnownPace { writes: Some(5.0), ..BLIND }),
            format!("30 rows ≈ 30 reads; {end}")
        );
        let nothing = Demand { rows: 2, reads: 0, writes: 0 };
        assert_eq!(told(nothing, KnownPace { ceiling: Some(1.0), ..BLIND }), "2 rows, nothing to send");
    }

    #[test]
    fn nothing_goes_faster_than_the_ceiling() {
        let ceiling = KnownPace { ceiling: Some(10.0), ..BLIND };
        let told_blind = told(sets(1_800), ceiling);
        assert!(
            told_blind.ends_with("at the 10.0/s that --requests-per-second allows it takes 6 min at least")
        );
        let lower = KnownPace { writes: Some(50.0), ..ceiling };
        assert!(
            told(sets(1_800), lower).ends_with("; at the 10.0/s that --requests-per-second allows ≈ 6 min")
        );
        let higher = KnownPace { writes: Some(4.0), ..ceiling };
        assert!(told(sets(1_800), higher).ends_with("learned 8.0/s ≈ 8 min"));
    }

    #[test]
    fn spans_are_told_in_the_units_that_matter() {
        for (seconds, text) in [
            (0.1, "a second"),
            (0.5, "1 s"),
            (45.4, "45 s"),
            (100.0, "2 min"),
            (1_690.0, "28 min"),
            (12_000.0, "3 h 20 min"),
            (7_199.0, "2 h 0 min"),
            (187_200.0, "2 d 4 h"),
            (1e300, "more than a hundred years"),
        ] {
            assert_eq!(Span(super::seconds(seconds)).to_string(), text);
        }
    }
}
