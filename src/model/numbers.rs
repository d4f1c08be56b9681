//! Phone numbers where people look on who need not know them: in logs, on the screen, in the report.

use std::borrow::Cow;
use std::ops::Range;

/// Whether numbers are shown to whoever looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// The last four digits alone.
    #[default]
    Masked,
    /// As they are.
    Shown,
}

/// So many digits stay.
const LEFT: usize = 4;

/// What has fewer digits is no number, unless it begins as one or stands in quotation marks.
const FEWEST: usize = 9;

/// As above, for what begins with `+` or stands in quotation marks.
const FEWEST_MARKED: usize = 5;

/// What has more digits is no number (E.164 allows 15), but an id; an extension has room.
const MOST: usize = 19;

/// The length of a UUID with its hyphens (RFC 9562 §4).
const UUID: usize = 36;

impl Numbers {
    /// Free text as it may be shown. Rather one digit too many is hidden than one too few: long runs of digits that are
    /// no numbers are hidden, too, but neither ids nor times.
    #[must_use]
    pub fn in_text(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Shown => Cow::Borrowed(text),
            Self::Masked => masked(text),
        }
    }
}

fn masked(text: &str) -> Cow<'_, str> {
    let (bytes, mut result, mut at, mut told) = (text.as_bytes(), String::new(), 0, 0);
    while at < bytes.len() {
        if is_uuid(&bytes[at..]) {
            at += UUID;
            continue;
        }
        let Some(run) = run(bytes, at) else {
            at += 1;
            continue;
        };
        at = run.end;
        if is_number(bytes, &run) {
            result.push_str(&text[told..run.start]);
            hide(&text[run.clone()], &mut result);
            told = run.end;
        }
    }
    if told == 0 { Cow::Borrowed(text) } else { Cow::Owned(result + &text[told..]) }
}

/// Request ids, some of which begin as numbers do.
fn is_uuid(bytes: &[u8]) -> bool {
    bytes.get(..UUID).is_some_and(|uuid| {
        uuid.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

/// The digits from here on, with what may stand between those of a number; `None` where none begins here.
fn run(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let has_plus = bytes[start] == b'+';
    let follows = start.checked_sub(1).map(|before| bytes[before]);
    let is_inside = follows.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !has_plus && (is_inside || !(bytes[start].is_ascii_digit() || bytes[start] == b'(')) {
        return None;
    }
    let may_follow =
        |byte: &u8| byte.is_ascii_digit() || b" -()".contains(byte) || (has_plus && b"./".contains(byte));
    let rest = bytes[start + 1..].iter().take_while(|byte| may_follow(byte)).count();
    let last = bytes[start..=start + rest].iter().rposition(u8::is_ascii_digit)?;
    Some(start..start + last + 1)
}

/// Times and addresses go on with other characters than numbers do.
fn is_number(bytes: &[u8], run: &Range<usize>) -> bool {
    let is_marked =
        bytes[run.start] == b'+' || run.start.checked_sub(1).is_some_and(|at| b"'\"".contains(&bytes[at]));
    let has_extension =
        bytes.get(run.end..run.end + 2).is_some_and(|two| b"xX".contains(&two[0]) && two[1].is_ascii_digit());
    let goes_on = bytes.get(run.end).is_some_and(|byte| byte.is_ascii_alphabetic() || b":@_".contains(byte));
    let digits = bytes[run.clone()].iter().filter(|byte| byte.is_ascii_digit()).count();
    let fewest = if is_marked { FEWEST_MARKED } else { FEWEST };
    (fewest..=MOST).contains(&digits) && (bytes[run.start] == b'+' || has_extension || !goes_on)
}

/// All digits but the last four, and but the country code where a space stands behind it.
fn hide(number: &str, result: &mut String) {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let code = number.strip_prefix('+').and_then(|rest| rest.split_once(' ')).map_or("", |(code, _)| code);
    let code = if (1..=3).contains(&code.len()) { code.len() } else { 0 };
    let mut seen = 0;
    for c in number.chars() {
        if c.is_ascii_digit() {
            seen += 1;
            let stays = seen <= code || seen + LEFT > digits.max(LEFT + code);
            result.push(if stays { c } else { '*' });
        } else {
            result.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        Numbers::Masked.in_text(text).into_owned()
    }

    #[test]
    fn a_number_keeps_its_country_and_its_last_four_digits() {
        for (text, masked) in [
            ("+1 2065550123", "+1 ******0123"),
            ("+44 7700900123", "+44 ******0123"),
            ("+12065550123", "+*******0123"),
            ("+1 (206) 555-0123", "+1 (***) ***-0123"),
            ("+1.206.555.0123", "+*.***.***.0123"),
            ("+1 2065550123x12", "+1 ******0123x12"),
            ("2065550123", "******0123"),
            ("(206) 555-0123", "(***) ***-0123"),
            ("'5550123' has no country", "'***0123' has no country"),
            ("is +1 2065550123, not +1 2065550124.", "is +1 ******0123, not +1 ******0124."),
            ("tel:+12065550123", "tel:+*******0123"),
            ("+1 20655", "+1 *0655"),
        ] {
            assert_eq!(shown(text), masked, "{text}");
            assert_eq!(Numbers::Shown.in_text(text), text);
        }
    }

    #[test]
    fn ids_times_and_addresses_stay_as_they_are() {
        for text in [
            "3179e48a-750b-4051-897c-87b9720928f7",
            "12345678-1234-1234-1234-123456789012",
            "\"12345850-d946-4051-897c-87b9720928f7\"",
            "('12345850-1946-4051-897c-87b9720928f7')",
            "2026-01-02T03:04:05.678901Z",
            "2026-01-02 03:04:05",
            "2065550123@contoso.com",
            "10.11.12.13:8080",
            "row 1234567 of 1,000,000",
            "runs/20260102T030405Z-wave",
            "AADSTS7000215",
            "",
            "+",
            "++ 12",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_no_number_with_a_plus_its_digits(
            before in "\\PC{0,8}", number in "[0-9]{9,15}", after in "\\PC{0,8}",
        ) {
            let text = format!("{before} +{number} {after}");
            let masked = shown(&text);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            prop_assert!(!masked.contains(&number), "{}", masked);
        }
    }
}
