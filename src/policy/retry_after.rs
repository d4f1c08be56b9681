//! Reads the Retry-After field: seconds, fractions of them (Graph's own sample is `2.128`), or an HTTP date.

use std::time::Duration;

/// A pause that the server asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// How long to wait: what was asked for, or the cap.
    pub wait: Duration,
    /// What was asked for, where that was over the cap.
    pub capped_from: Option<Duration>,
}

/// Reads `value`. A date is understood against the answer's own `date`, so our clock does not matter.
///
/// `None` where the value is not one of the three forms, is negative, or is a date without a `date` beside it;
/// then the caller backs off as if the field were absent.
#[must_use]
pub fn parse(value: &str, date: Option<&str>, cap: Duration) -> Option<RetryAfter> {
    let asked = seconds(value.trim()).or_else(|| until(value.trim(), date?.trim()))?;
    let capped = asked > cap;
    Some(RetryAfter { wait: asked.min(cap), capped_from: capped.then_some(asked) })
}

fn seconds(value: &str) -> Option<Duration> {
    // `f64` also reads "inf", "1e9" and the like, which RFC 9110 does not know.
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: f64 = is_number.then(|| value.parse().ok())??;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn until(value: &str, date: &str) -> Option<Duration> {
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(date).ok()?;
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CAP: Duration = Duration::from_mins(10);

    fn wait_ms(value: &str) -> Option<u128> {
        parse(value, Some("Wed, 21 Oct 2026 07:28:00 GMT"), CAP)
            .map(|retry_after| retry_after.wait.as_millis())
    }

    #[test]
    fn seconds_fractions_and_dates_are_understood() {
        assert_eq!(wait_ms("12"), Some(12_000));
        assert_eq!(wait_ms(" 12 "), Some(12_000));
        assert_eq!(wait_ms("2.128"), Some(2_128));
        assert_eq!(wait_ms("0"), Some(0));
        assert_eq!(wait_ms("Wed, 21 Oct 2026 07:28:05 GMT"), Some(5_000));
        assert_eq!(wait_ms("Wed, 21 Oct 2026 07:27:00 GMT"), Some(0));
    }

    #[test]
    fn what_is_no_pause_counts_as_absent() {
        for value in ["", "soon", "-3", "1e3", "inf", "NaN", "1.2.3", "12 s", "0x10"] {
            assert_eq!(wait_ms(value), None, "{value:?}");
        }
        assert_eq!(parse("Wed, 21 Oct 2026 07:28:05 GMT", None, CAP), None);
    }

    #[test]
    fn an_absurd_pause_is_capped_and_says_so() {
        let day = Duration::from_hours(24);
        assert_eq!(parse("86400", None, CAP), Some(RetryAfter { wait: CAP, capped_from: Some(day) }));
        let endless = parse(&"9".repeat(40), None, CAP);
        assert_eq!(endless, Some(RetryAfter { wait: CAP, capped_from: Some(Duration::MAX) }));
    }

    proptest! {
        #[test]
        fn no_text_panics_or_passes_the_cap(value in ".{0,40}", date in proptest::option::of(".{0,40}")) {
            if let Some(retry_after) = parse(&value, date.as_deref(), CAP) {
                prop_assert!(retry_after.wait <= CAP);
            }
        }
    }
}
