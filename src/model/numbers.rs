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
    let (shown, mut at, mut told) = (text.chars().collect::<Vec<_>>(), 0, 0);
    let plain: Vec<u8> = shown.iter().copied().map(plain).collect();
    let mut result = String::new();
    while at < plain.len() {
        if is_uuid(&plain[at..]) {
            at += UUID;
            continue;
        }
        let Some(run) = run(&plain, at) else {
            at += 1;
            continue;
        };
        at = run.end;
        if is_number(&plain, &run) {
            result.extend(&shown[told..run.start]);
            hide(&shown[run.clone()], &plain[run.clone()], &mut result);
            told = run.end;
        }
    }
    if told == 0 {
        return Cow::Borrowed(text);
    }
    result.extend(&shown[told..]);
    Cow::Owned(result)
}

/// What a character stands for in a number, as spreadsheets and copied contacts spell it.
fn plain(c: char) -> u8 {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => b'-',
        '\u{a0}'
        | '\u{2000}'..='\u{200f}'
        | '\u{202a}'..='\u{202f}'
        | '\u{205f}'..='\u{2069}'
        | '\u{3000}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{feff}' => b' ',
        '\u{660}'..='\u{669}' => digit(c, '\u{660}'),
        '\u{6f0}'..='\u{6f9}' => digit(c, '\u{6f0}'),
        '\u{ff10}'..='\u{ff19}' => digit(c, '\u{ff10}'),
        '\u{ff0b}' => b'+',
        c => u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(OTHER),
    }
}

/// Stands for characters that are in no number.
const OTHER: u8 = 0x80;

fn digit(c: char, zero: char) -> u8 {
    u8::try_from(u32::from(c) - u32::from(zero)).map_or(OTHER, |digit| b'0' + digit)
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
    let may_follow = |byte: &u8| byte.is_ascii_digit() || b" -()./".contains(byte);
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
fn hide(shown: &[char], plain: &[u8], result: &mut String) {
    let digits = plain.iter().filter(|byte| byte.is_ascii_digit()).count();
    let code = match plain.iter().position(|byte| *byte == b' ') {
        Some(space @ 2..=4) if plain[0] == b'+' => space - 1,
        Some(_) | None => 0,
    };
    let mut seen = 0;
    for (c, byte) in shown.iter().zip(plain) {
        if byte.is_ascii_digit() {
            seen += 1;
            let stays = seen <= code || seen + LEFT > digits.max(LEFT + code);
            result.push(if stays { *c } else { '*' });
        } else {
            result.push(*c);
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
            ("+1\u{a0}206\u{2011}555\u{2011}0123", "+1\u{a0}***\u{2011}***\u{2011}0123"),
            ("+44 \u{ff17}\u{ff17}\u{ff10}\u{ff10}900123", "+44 ******0123"),
            ("206.555.0123", "***.***.0123"),
            ("206/555/0123", "***/***/0123"),
            ("+1\u{2013}206\u{2013}555\u{2013}0123", "+*\u{2013}***\u{2013}***\u{2013}0123"),
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
