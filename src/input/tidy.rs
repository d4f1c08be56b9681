//! Takes from the text of a phone number what spreadsheets, word processors and address books put there.
//!
//! Nothing is guessed: each of these has one meaning, and none of them is a digit of the number.

use std::borrow::Cow;

use super::remarks::Cause;

/// The distance from a full-width form to its ASCII character (Unicode, block Halfwidth and Fullwidth Forms).
const FULL_WIDTH: u32 = 0xfee0;

/// The text without them, and which of them were there.
pub(super) fn tidy(text: &str) -> (Cow<'_, str>, Vec<Cause>) {
    let mut notes = Vec::new();
    let text = if text.is_ascii() {
        Cow::Borrowed(text.trim())
    } else {
        let plain = text.chars().filter_map(|c| plain_char(c, &mut notes)).collect::<String>();
        Cow::Owned(plain.trim().to_owned())
    };
    let unwrapped = match text {
        Cow::Borrowed(text) => Cow::Borrowed(unwrapped(text, &mut notes)),
        Cow::Owned(text) => Cow::Owned(unwrapped(&text, &mut notes).to_owned()),
    };
    (unwrapped, notes)
}

/// Whether nobody sees a character: marks of direction, of joining and of byte order.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What a character stands for in a phone number; `None` for one that stands for nothing.
fn plain_char(c: char, notes: &mut Vec<Cause>) -> Option<char> {
    let (cause, plain) = match c {
        '\0'..='\x7f' => return Some(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => (Cause::TypographicDash, Some('-')),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            (Cause::HardSpace, Some(' '))
        }
        c if is_invisible(c) => (Cause::Invisible, None),
        '\u{ff08}'..='\u{ff19}' => (Cause::WideDigits, char::from_u32(u32::from(c) - FULL_WIDTH)),
        '\u{660}'..='\u{669}' => (Cause::WideDigits, char::from_digit(u32::from(c) - 0x660, 10)),
        '\u{6f0}'..='\u{6f9}' => (Cause::WideDigits, char::from_digit(u32::from(c) - 0x6f0, 10)),
        c => return Some(c),
    };
    if !notes.contains(&cause) {
        notes.push(cause);
    }
    plain
}

/// `="…"` and a leading apostrophe keep a cell text; `tel:` makes it a link (RFC 3966).
fn unwrapped<'a>(mut text: &'a str, notes: &mut Vec<Cause>) -> &'a str {
    if let Some(inner) = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        notes.push(Cause::Formula);
        text = inner.trim();
    }
    if let Some(rest) = text.strip_prefix('\'') {
        notes.push(Cause::TextMark);
        text = rest.trim();
    }
    match text.split_at_checked(4) {
        Some((link, rest)) if link.eq_ignore_ascii_case("tel:") => {
            notes.push(Cause::TelLink);
            rest.trim()
        }
        Some(_) | None => text,
    }
}

/// Day, month and year in one of the orders and with one of the signs that spreadsheets have.
pub(super) fn is_date(text: &str) -> bool {
    let has_lengths = |sign: char| {
        let mut parts =
            text.split(sign).map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part.len()));
        let lengths = [parts.next(), parts.next(), parts.next()].map(Option::flatten);
        parts.next().is_none()
            && matches!(lengths, [Some(1 | 2), Some(1 | 2), Some(4)] | [Some(4), Some(1 | 2), Some(1 | 2)])
    };
    ['.', '-', '/'].into_iter().any(has_lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trace_is_taken_away_and_told_once() {
        for (text, tidied, notes) in [
            (" +1 206 ", "+1 206", vec![]),
            ("'+1", "+1", vec![Cause::TextMark]),
            ("=\"'tel:+1\"", "+1", vec![Cause::Formula, Cause::TextMark, Cause::TelLink]),
            ("TEL:+1", "+1", vec![Cause::TelLink]),
            ("\u{200e}\u{202d}+1\u{202c}", "+1", vec![Cause::Invisible]),
            ("＋１（2）", "+1(2)", vec![Cause::WideDigits]),
            ("+٤٤ ۷", "+44 7", vec![Cause::WideDigits]),
            ("\u{a0}+1\u{2013}2\u{2014}3", "+1-2-3", vec![Cause::HardSpace, Cause::TypographicDash]),
        ] {
            assert_eq!(tidy(text), (Cow::Borrowed(tidied), notes), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_certain_stays() {
        for text in ["=+1", "=\"+1", "tel", "+1•2", "\"+1\"", "Ⅷ", "①"] {
            assert_eq!(tidy(text), (Cow::Borrowed(text), vec![]), "{text}");
        }
    }
}
