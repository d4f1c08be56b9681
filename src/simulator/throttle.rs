//! Quotas: token buckets and fixed windows, and the ways in which a 429 says when to come back.

use std::time::{Duration, SystemTime};

use crate::model::event::Access;

/// How many requests are allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quota {
    /// A bucket that holds `burst` requests and refills at `per_second`.
    Bucket {
        /// Above 0; may be under 1.
        per_second: f64,
        /// At least 1.
        burst: f64,
    },
    /// So many in each window, counted from the tenant's beginning.
    Window {
        /// At least 1.
        requests: u32,
        /// Above 0.
        span: Duration,
    },
}

/// How a 429 says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfterForm {
    /// Whole seconds, rounded up.
    Seconds,
    /// Seconds with three decimals, as in Graph's own sample.
    Fraction,
    /// An HTTP date.
    Date,
    /// Not at all.
    Absent,
    /// A day.
    Absurd,
    /// One second, whatever is true.
    One,
}

/// A quota, and who else lives on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// How much there is.
    pub quota: Quota,
    /// What there is from some time on, counted from the tenant's beginning.
    pub later: Option<(Duration, Quota)>,
    /// What another client takes of it, in requests a second.
    pub rival_per_second: f64,
}

impl From<Quota> for Allowance {
    fn from(quota: Quota) -> Self {
        Self { quota, later: None, rival_per_second: 0.0 }
    }
}

/// A quota and how much of it is used.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    quota: Quota,
    later: Option<(Duration, Quota)>,
    rival_per_second: f64,
    /// Bucket: what is in it. Window: how many came in the present one.
    level: f64,
    /// When the level was right.
    at: Duration,
}

/// What a meter says to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measure {
    /// It may pass; this share of the quota is used.
    Pass(f64),
    /// It may not, before this time has passed.
    Wait(Duration),
}

impl Meter {
    pub(super) const fn new(allowance: Allowance) -> Self {
        let Allowance { quota, later, rival_per_second } = allowance;
        let level = match quota {
            Quota::Bucket { burst, .. } => burst,
            Quota::Window { .. } => 0.0,
        };
        Self { quota, later, rival_per_second, level, at: Duration::ZERO }
    }

    /// Measures one request at `now`. One that may not pass uses nothing.
    pub(super) fn measure(&mut self, now: Duration) -> Measure {
        if let Some((_, quota)) = self.later.take_if(|(from, _)| now >= *from) {
            self.quota = quota;
        }
        match self.quota {
            Quota::Bucket { per_second, burst } => {
                let gain = now.saturating_sub(self.at).as_secs_f64() * (per_second - self.rival_per_second);
                self.level = (self.level + gain).clamp(0.0, burst);
                self.at = now;
                if self.level >= 1.0 {
                    self.level -= 1.0;
                    Measure::Pass(1.0 - self.level / burst)
                } else {
                    Measure::Wait(Duration::from_secs_f64((1.0 - self.level) / per_second))
                }
            }
            Quota::Window { requests, span } => {
                let nanos = now.as_nanos() % span.as_nanos().max(1);
                let begun =
                    now.saturating_sub(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
                if begun > self.at {
                    (self.level, self.at) = (0.0, begun);
                }
                self.level += now.saturating_sub(self.at).as_secs_f64() * self.rival_per_second;
                self.at = now;
                if self.level + 1.0 <= f64::from(requests) {
                    self.level += 1.0;
                    Measure::Pass(self.level / f64::from(requests))
                } else {
                    Measure::Wait((begun + span).saturating_sub(now))
                }
            }
        }
    }
}

/// Until when a Retry-After runs for reads, and for writes: they are throttled apart.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pauses {
    reads: Duration,
    writes: Duration,
}

impl Pauses {
    pub(super) fn run(&self, access: Access, now: Duration) -> bool {
        let until = match access {
            Access::Read => self.reads,
            Access::Write => self.writes,
        };
        now < until
    }

    pub(super) fn prolong(&mut self, access: Access, until: Duration) {
        let pause = match access {
            Access::Read => &mut self.reads,
            Access::Write => &mut self.writes,
        };
        *pause = until.max(*pause);
    }
}

/// The Retry-After field's value, and how long it really asks for; `None` for none.
pub(super) fn retry_after(
    form: RetryAfterForm,
    wait: Duration,
    wall: SystemTime,
) -> Option<(String, Duration)> {
    let whole =
        Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(Duration::from_secs(1));
    match form {
        RetryAfterForm::Seconds => Some((whole.as_secs().to_string(), whole)),
        RetryAfterForm::Fraction => Some((format!("{:.3}", wait.as_secs_f64() + 0.001), wait)),
        // A date has whole seconds, so one more keeps the promise.
        RetryAfterForm::Date => Some((httpdate::fmt_http_date(wall + whole + Duration::from_secs(1)), whole)),
        RetryAfterForm::Absent => None,
        RetryAfterForm::Absurd => Some(("86400".to_owned(), wait)),
        RetryAfterForm::One => Some(("1".to_owned(), Duration::from_secs(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(quota: Quota, times_ms: &[u64]) -> Vec<bool> {
        let mut meter = Meter::new(quota.into());
        let at = |ms: &u64| matches!(meter.measure(Duration::from_millis(*ms)), Measure::Pass(_));
        times_ms.iter().map(at).collect()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let bucket = Quota::Bucket { per_second: 2.0, burst: 3.0 };
        let times = [0, 0, 0, 0, 400, 500, 900, 1_000, 60_000, 60_000, 60_000, 60_000];
        let expected = [true, true, true, false, false, true, false, true, true, true, true, false];
        assert_eq!(passes(bucket, &times), expected);
        let mut slow = Meter::new(Quota::Bucket { per_second: 0.4, burst: 1.0 }.into());
        slow.measure(Duration::ZERO);
        assert_eq!(slow.measure(Duration::ZERO), Measure::Wait(Duration::from_millis(2_500)));
    }

    #[test]
    fn a_window_begins_anew_at_its_end() {
        let window = Quota::Window { requests: 2, span: Duration::from_secs(10) };
        let times = [0, 5_000, 5_000, 9_999, 10_000, 10_000, 10_001, 35_000];
        assert_eq!(passes(window, &times), [true, true, false, false, true, true, false, true]);
        let mut meter = Meter::new(window.into());
        let told: Vec<Measure> = (0..3).map(|_| meter.measure(Duration::from_secs(4))).collect();
        assert_eq!(told[2], Measure::Wait(Duration::from_secs(6)));
    }

    #[test]
    fn another_client_takes_its_part_first_and_a_quota_may_change() {
        let rate = |per_second| Quota::Bucket { per_second, burst: 1.0 };
        let allowance = Allowance {
            quota: rate(10.0),
            later: Some((Duration::from_secs(10), rate(4.0))),
            rival_per_second: 2.0,
        };
        let mut meter = Meter::new(allowance);
        let mut passed = |from: u64| {
            (from..from + 10_000)
                .filter(|ms| matches!(meter.measure(Duration::from_millis(*ms)), Measure::Pass(_)))
                .count()
        };
        assert!((79..=81).contains(&passed(0)));
        assert!((19..=21).contains(&passed(10_000)));

        let window = Quota::Window { requests: 100, span: Duration::from_secs(10) };
        let mut meter = Meter::new(Allowance { rival_per_second: 5.0, ..window.into() });
        let passed = (0..10_000)
            .filter(|ms| matches!(meter.measure(Duration::from_millis(*ms)), Measure::Pass(_)))
            .count();
        assert!((94..=100).contains(&passed), "{passed}");
    }

    #[test]
    fn every_form_of_retry_after_asks_for_enough() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 50);
        let wait = Duration::from_millis(2_127);
        let value = |form| retry_after(form, wait, wall).map(|(value, _)| value);
        assert_eq!(value(RetryAfterForm::Seconds).as_deref(), Some("3"));
        assert_eq!(value(RetryAfterForm::Fraction).as_deref(), Some("2.128"));
        assert_eq!(value(RetryAfterForm::Absent), None);
        assert_eq!(value(RetryAfterForm::Absurd).as_deref(), Some("86400"));
        let until = httpdate::parse_http_date(&value(RetryAfterForm::Date).unwrap()).unwrap();
        assert!(until >= wall + wait);
    }
}
