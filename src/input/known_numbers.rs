//! Which phone numbers a first reading of the input found valid, so that a second one need not ask libphonenumber
//! again: that would cost as much as all else that is done with a row before it is sent.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::row::RowNumber;

/// How many rows a part holds. One growing list would now and then stand in memory twice.
const PART: usize = if cfg!(test) { 16 } else { 64 * 1024 };

/// A country code has at most so many digits (ITU-T E.164 §6.2.1).
const MAX_CODE_DIGITS: u8 = 3;

/// 4 bytes a row, given back as a second reading passes them.
#[derive(Debug, Default)]
pub(super) struct KnownNumbers {
    /// Full parts, and a last one that is being filled. 0 stands for a row of which nothing is known.
    parts: VecDeque<Vec<u32>>,
    /// How many parts before the first were given back.
    passed: usize,
}

impl KnownNumbers {
    /// Notes that a row's number is valid as it is written, `+` and digits, with a country code of so many digits.
    /// Only the first time counts, and rows must come in their order.
    pub(super) fn note(&mut self, row: RowNumber, number: &str, code_digits: u8) {
        let Some((part, place)) = self.place(row) else { return };
        while self.parts.len() <= part {
            self.parts.push_back(Vec::with_capacity(PART));
        }
        let part = &mut self.parts[part];
        if part.len() <= place && code_digits <= MAX_CODE_DIGITS {
            part.resize(place, 0);
            part.push(entry(number, code_digits));
        }
    }

    /// How many digits the number's country code has, if it is the one that was noted for the row. A file that was
    /// changed meanwhile is noticed but for one number in 2³⁰. What is known of the rows before may be given back.
    pub(super) fn code_digits(&mut self, row: RowNumber, number: &str) -> Option<u8> {
        let (part, place) = self.place(row)?;
        let known = *self.parts.get(part)?.get(place)?;
        self.passed += self.parts.drain(..part).len();
        let [low, ..] = known.to_le_bytes();
        let digits = low & MAX_CODE_DIGITS;
        (digits > 0 && entry(number, digits) == known).then_some(digits)
    }

    /// `None` where the row's part was given back.
    fn place(&self, row: RowNumber) -> Option<(usize, usize)> {
        let index = usize::try_from(row.0).ok()?;
        Some(((index / PART).checked_sub(self.passed)?, index % PART))
    }
}

fn entry(number: &str, code_digits: u8) -> u32 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d]) << 2 | u32::from(code_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_known_by_its_number_and_its_digits() {
        let mut known = KnownNumbers::default();
        assert_eq!(known.code_digits(RowNumber(1), "+12065550123"), None);
        known.note(RowNumber(1), "+12065550123", 1);
        known.note(RowNumber(4), "+353209101234", 3);
        for (row, number, digits) in [
            (1, "+12065550123", Some(1)),
            (1, "+12065550124", None),
            (2, "+12065550123", None),
            (4, "+353209101234", Some(3)),
            (4, "+12065550123", None),
            (5, "+353209101234", None),
            (500, "+353209101234", None),
        ] {
            assert_eq!(known.code_digits(RowNumber(row), number), digits, "{row} {number}");
        }
    }

    #[test]
    fn what_was_noted_is_given_back_as_it_is_passed_and_is_then_not_known_any_more() {
        let mut known = KnownNumbers::default();
        let rows = 1..10 * PART as u64;
        rows.clone().for_each(|row| known.note(RowNumber(row), "+12065550123", 1));
        for row in rows {
            assert_eq!(known.code_digits(RowNumber(row), "+12065550123"), Some(1), "{row}");
        }
        assert_eq!(known.parts.len(), 1);
        known.note(RowNumber(1), "+12065550123", 1);
        assert_eq!(known.code_digits(RowNumber(1), "+12065550123"), None);
    }
}
