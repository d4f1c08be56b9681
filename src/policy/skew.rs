//! How far this machine's clock is off, told from the `Date` of an answer.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that is off by less harms nothing: authorities bear five minutes (Entra ID, "Access tokens").
pub const TOLERATED: Duration = Duration::from_mins(2);

/// How far `now` is ahead of the `Date` field of an answer that came just now; negative where it is behind.
/// `None` where the field is absent or no date.
#[must_use]
pub fn ahead(date: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let date = httpdate::parse_http_date(date?.trim()).ok()?;
    let date = Timestamp::try_from(date).ok()?;
    Some(now.duration_since(date))
}

/// The cure, where the clock is off by so much that sign-in can fail of it.
#[must_use]
pub fn cure(ahead: SignedDuration) -> Option<String> {
    let off = ahead.unsigned_abs();
    let direction = if ahead.is_negative() { "behind" } else { "ahead" };
    let minutes = (off.as_secs() + 30) / 60;
    (off > TOLERATED).then(|| {
        format!("this machine's clock is {minutes} min {direction}: set it, best by a time service (NTP)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_its_direction() {
        let now: Timestamp = "2026-10-21T07:28:00Z".parse().unwrap();
        for (date, told) in [
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("Wed, 21 Oct 2026 07:26:00 GMT", None),
            ("Wed, 21 Oct 2026 07:18:00 GMT", Some("10 min ahead")),
            ("Wed, 21 Oct 2026 07:38:00 GMT", Some("10 min behind")),
            ("Wed, 21 Oct 2026 07:31:31 GMT", Some("4 min behind")),
        ] {
            let cure = cure(ahead(Some(date), now).unwrap());
            assert_eq!(cure.is_some(), told.is_some(), "{date}");
            assert!(told.is_none_or(|told| cure.unwrap().contains(told)), "{date}");
        }
        assert_eq!(ahead(None, now), None);
        assert_eq!(ahead(Some("yesterday"), now), None);
    }
}
