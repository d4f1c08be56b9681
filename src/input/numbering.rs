//! Which numbers are certain to be valid just as they are written, and of which kind, told by their leading digits.
//!
//! The numbering plans of libphonenumber, worked out for numbers that begin with `+`: of a length and with leading digits for
//! which all its patterns have one answer, whatever the other digits are. A look at some digits then says what libphonenumber
//! needs a microsecond for. What it does not say is left to libphonenumber: numbers that are not valid, or of which it takes
//! digits away or adds some. `tests/it/numbering.rs` makes the table from the metadata of the libphonenumber in use.

/// Little-endian numbers of 16 bits: how many country codes there are; for each number up to 999 its country code's place in
/// the list that follows, from 1 on, or 0; in this list what each length of the national number leads to; and then, ten by
/// ten, what each next digit leads to. 0 leads to nothing that is certain, 1 to 3 to a [`Kind`], all others to the ten with
/// that number, counted from 4 on.
static PLANS: &[u8] = include_bytes!("numbering.bin");

/// The first number that is none of a country code's.
const CODES: usize = 1000;

/// National numbers have fewer digits (libphonenumber's `kMaxLengthForNsn` is 17).
const LENGTHS: usize = 18;

/// What leads further counts from here.
const FIRST: usize = 4;

/// What there is to say of a valid number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It can be a mobile's.
    Mobile,
    /// It is certain to be none of a mobile.
    NotMobile,
    /// Calls to it cost extra.
    PremiumRate,
}

/// A number that is valid as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// How many digits its country code has, 1 to 3.
    pub code_digits: u8,
    /// Its kind.
    pub kind: Kind,
}

/// What is certain of a number, given by its digits from the country code on; `None` where nothing is.
#[must_use]
pub fn planned(digits: &str) -> Option<Planned> {
    let mut code = 0;
    for (digit, code_digits) in digits.bytes().zip(1..=3) {
        code = code * 10 + usize::from(digit.wrapping_sub(b'0'));
        if code == 0 {
            // No country code begins so.
            return None;
        }
        let place = at(1 + code)?;
        if place > 0 {
            let national = &digits[usize::from(code_digits)..];
            let kind = kind(place - 1, national.as_bytes())?;
            return Some(Planned { code_digits, kind });
        }
    }
    None
}

fn kind(place: usize, national: &[u8]) -> Option<Kind> {
    if national.len() >= LENGTHS {
        return None;
    }
    let tens = 1 + CODES + at(0)? * LENGTHS;
    let mut leads_to = at(1 + CODES + place * LENGTHS + national.len())?;
    let mut rest = national.iter();
    loop {
        match leads_to {
            0 => return None,
            1 => return Some(Kind::Mobile),
            2 => return Some(Kind::NotMobile),
            3 => return Some(Kind::PremiumRate),
            further => {
                let digit = rest.next().filter(|digit| digit.is_ascii_digit())?;
                leads_to = at(tens + (further - FIRST) * 10 + usize::from(digit - b'0'))?;
            }
        }
    }
}

/// The number at a place of the table.
fn at(place: usize) -> Option<usize> {
    let bytes = PLANS.get(2 * place..2 * place + 2)?;
    Some(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_digits_tell_the_kind_of_a_number() {
        let planned = |digits| planned(digits).map(|Planned { code_digits, kind }| (code_digits, kind));
        for (digits, told) in [
            ("12065550123", Some((1, Kind::Mobile))),
            ("447911123456", Some((2, Kind::Mobile))),
            ("442079460958", Some((2, Kind::NotMobile))),
            ("353861234567", Some((3, Kind::Mobile))),
            ("19005550123", Some((1, Kind::PremiumRate))),
            ("4402079460958", None),
            ("012065550123", None),
            ("0012065550123", None),
            ("447700900123", None),
            ("1206555012", None),
            ("99912345678", None),
            ("123456789012345678901234567890", None),
            ("4", None),
            ("", None),
        ] {
            assert_eq!(planned(digits), told, "{digits}");
        }
    }
}
