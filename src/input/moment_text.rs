//! Reads moments as people write them: RFC 3339, or the local time of a zone that is known.
//!
//! A local time that the zone never had, or had twice, is refused: only one that is certain is read.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use thiserror::Error;

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MomentTextError {
    /// It has another form.
    #[error("is no time: write it as 2026-03-01T08:00:00+01:00, or as 2026-03-01 08:00 with --time-zone")]
    Form,
    /// It is a local time, and nobody said where.
    #[error(
        "is a local time: say where with --time-zone, as Europe/Berlin, or write its offset, as 2026-03-01T08:00:00+01:00"
    )]
    NoZone,
    /// Clocks were put forward past it.
    #[error("does not exist in {0}, where clocks are put forward past it: write another time, or its offset")]
    Skipped(String),
    /// Clocks were put back behind it.
    #[error("comes twice in {0}, where clocks are put back: write its offset, as 2026-03-01T08:00:00+01:00")]
    Twice(String),
}

/// How many characters a date has.
const DATE_CHARS: usize = "2026-03-01".len();

/// Reads a moment. A date alone is the day's beginning. `zone` is where a time without an offset is told; `None` refuses
/// such times.
///
/// # Errors
/// When it is not certain which moment is meant.
pub fn moment(text: &str, zone: Option<&TimeZone>) -> Result<Timestamp, MomentTextError> {
    let text = text.trim();
    let (date, time) = text.split_at_checked(DATE_CHARS).ok_or(MomentTextError::Form)?;
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    // Annotations in brackets name zones that jiff would not look at here.
    if !is_date || time.contains('[') {
        return Err(MomentTextError::Form);
    }
    if time.contains(['Z', 'z', '+', '-']) {
        return text.parse().map_err(|_| MomentTextError::Form);
    }
    let date: Date = date.parse().map_err(|_| MomentTextError::Form)?;
    let time: Option<Time> = match time.strip_prefix(['T', 't', ' ']) {
        None if time.is_empty() => None,
        None => return Err(MomentTextError::Form),
        Some(time) => Some(time.parse().map_err(|_| MomentTextError::Form)?),
    };
    local(date, time, zone.ok_or(MomentTextError::NoZone)?)
}

fn local(date: Date, time: Option<Time>, zone: &TimeZone) -> Result<Timestamp, MomentTextError> {
    // Where clocks change at midnight, a day begins at its first moment all the same.
    let Some(time) = time else {
        return zone.to_timestamp(date.into()).map_err(|_| MomentTextError::Form);
    };
    let name = || zone.iana_name().unwrap_or_default().to_owned();
    let meant = zone.to_ambiguous_timestamp(DateTime::from_parts(date, time));
    match meant.offset() {
        AmbiguousOffset::Unambiguous { .. } => meant.unambiguous().map_err(|_| MomentTextError::Form),
        AmbiguousOffset::Gap { .. } => Err(MomentTextError::Skipped(name())),
        AmbiguousOffset::Fold { .. } => Err(MomentTextError::Twice(name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, zone: Option<&str>) -> Result<String, MomentTextError> {
        let zone = zone.map(|name| TimeZone::get(name).unwrap());
        moment(text, zone.as_ref()).map(|moment| moment.to_string())
    }

    #[test]
    fn a_time_with_its_offset_is_certain_wherever_it_is_read() {
        for zone in [None, Some("Europe/Berlin")] {
            for text in [
                "2026-03-01T08:00:00+01:00",
                " 2026-03-01T07:00:00Z ",
                "2026-03-01t07:00:00z",
                "2026-03-01 08:00+01:00",
                "2026-03-01T07:00:00.000Z",
            ] {
                assert_eq!(read(text, zone).unwrap(), "2026-03-01T07:00:00Z", "{text}");
            }
        }
    }

    #[test]
    fn a_local_time_is_told_by_its_zone_in_winter_and_in_summer() {
        for (text, zone, moment) in [
            ("2026-03-01 08:00", "Europe/Berlin", "2026-03-01T07:00:00Z"),
            ("2026-07-01T08:00:30", "Europe/Berlin", "2026-07-01T06:00:30Z"),
            ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00Z"),
            ("2026-07-01", "UTC", "2026-07-01T00:00:00Z"),
            ("2026-07-01 08:00", "Asia/Kolkata", "2026-07-01T02:30:00Z"),
            // Clocks are put forward at midnight: the day begins at one o'clock.
            ("2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z"),
        ] {
            assert_eq!(read(text, Some(zone)).unwrap(), moment, "{text} in {zone}");
            assert_eq!(read(text, None), Err(MomentTextError::NoZone), "{text}");
        }
    }

    #[test]
    fn a_local_time_that_never_was_or_was_twice_is_refused() {
        let berlin = || "Europe/Berlin".to_owned();
        let read = |text| read(text, Some("Europe/Berlin"));
        assert_eq!(read("2026-03-29 02:30"), Err(MomentTextError::Skipped(berlin())));
        assert_eq!(read("2026-10-25 02:30"), Err(MomentTextError::Twice(berlin())));
        assert!(read("2026-03-29 03:00").is_ok() && read("2026-10-25 03:00").is_ok());
        assert!(read("2026-10-25T02:30:00+02:00").is_ok());
    }

    #[test]
    fn what_is_no_time_or_may_be_another_one_is_refused() {
        for text in [
            "01.03.2026",
            "03/01/2026",
            "1 March 2026",
            "46082",
            "20260301",
            "2026-3-1",
            "2026-02-30",
            "2026-03-01 25:00",
            "2026-03-01 08:00 AM",
            "2026-03-01T08:00[Europe/Berlin]",
            "2026-03-01T08:00+01:00[Asia/Tokyo]",
            "2026-03-01+01:00",
            "2026-03-01T08:00+99:00",
            "2026-03-01x08:00",
            "2026-03-0\u{e4}",
            "tomorrow",
        ] {
            assert_eq!(read(text, Some("Europe/Berlin")), Err(MomentTextError::Form), "{text}");
        }
    }
}
