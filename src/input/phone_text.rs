//! From a phone number as people write it to the one form that is sent. The one door to `rlibphonenumber`.
//!
//! Digits are never guessed: letters, masks and spreadsheets' rounded numbers are refused, not read. What a country's
//! own rules add or take away (a trunk zero, Argentina's mobile 9, San Marino's 0549) is left to libphonenumber.

use std::fmt::{self, Write as _};

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber as Parsed, PhoneNumberType, Region,
    ValidationError, get_national_significant_number_owned,
};
use thiserror::Error;

use crate::model::phone::{PhoneNumber, PhoneType};

use super::fiction::is_fiction;
use super::numbering::{Kind, Planned, planned};
use super::remarks::Cause;
use super::tidy::{is_date, tidy};

/// The longest extension that libphonenumber knows (RFC 3966 sets no bound).
const MAX_EXTENSION: usize = 20;

/// So many zeros at the end are hardly ever given out, and are what is left of a number that was rounded.
const MANY_ZEROS: &str = "000000";

/// The country whose numbers may stand without `+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    region: Region,
    letters: [u8; 2],
}

/// A text that names no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not a country: give its two letters (ISO 3166), for example US or DE")]
pub struct CountryError;

impl Country {
    /// A country by its two letters, in any case.
    ///
    /// # Errors
    /// When no country with telephone numbers has these letters.
    pub fn new(letters: &str) -> Result<Self, CountryError> {
        let region = Region::from_code(letters).map_err(|_| CountryError)?;
        let has_numbers = PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some();
        let letters = letters.to_ascii_uppercase().into_bytes().try_into().map_err(|_| CountryError)?;
        has_numbers.then_some(Self { region, letters }).ok_or(CountryError)
    }

    /// Its two letters, capitals.
    #[must_use]
    pub fn letters(&self) -> &str {
        str::from_utf8(&self.letters).unwrap_or_default()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letters())
    }
}

/// Why a text is not a phone number, as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhoneTextError {
    /// Nothing is there.
    #[error("is empty: write it as +{{country code}} {{number}}")]
    Empty,
    /// A character that belongs to no number.
    #[error(
        "holds {0:?}: write digits only, as +{{country code}} {{number}}, and x{{extension}} for an office"
    )]
    Character(char),
    /// A spreadsheet made a quantity of it.
    #[error("was rounded by a spreadsheet: format the column as text and enter the number again")]
    Rounded,
    /// What a spreadsheet made of something that it took for a date.
    #[error(
        "looks like a date: format the column as text and enter the number again, as +{{country code}} {{number}}"
    )]
    Date,
    /// A `+` that does not come first.
    #[error("has a + within: one number a row")]
    InnerPlus,
    /// Neither a `+` nor a country.
    #[error(
        "has no country code: write it as +{{country code}} {{number}} (spreadsheets take the + away), or give \
         --default-country XX or a column country"
    )]
    NoCountry,
    /// No number of the country, though without `+` it was read as one.
    #[error("is no number of the country {0}: write it as +{{country code}} {{number}}")]
    NotOfCountry(Country),
    /// No country has this code.
    #[error("begins with a country code that does not exist")]
    UnknownCountry,
    /// Too few digits for the country.
    #[error("is too short for its country: digits are missing")]
    TooShort,
    /// Too many digits for the country.
    #[error("is too long for its country: something is in it that does not belong to the number")]
    TooLong,
    /// A count of digits that the country does not use.
    #[error("has a number of digits that its country does not use")]
    Length,
    /// The right length, but no range of the country holds it.
    #[error("lies in no range that its country has given out")]
    NotInUse,
    /// Extensions are for offices only (GRAPH "concept-authentication-phone-options").
    #[error("has an extension, which only the office phone can have")]
    Extension,
    /// A mark of an extension without digits behind it, or with too many.
    #[error("has an extension that is not 1 to {MAX_EXTENSION} digits")]
    ExtensionDigits,
}

impl PhoneTextError {
    /// Under what it is counted.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Empty => Cause::NoPhone,
            Self::Character(_) => Cause::PhoneCharacter,
            Self::Rounded => Cause::Rounded,
            Self::Date => Cause::Date,
            Self::InnerPlus => Cause::SeveralNumbers,
            Self::NoCountry => Cause::NoCountry,
            Self::NotOfCountry(_)
            | Self::UnknownCountry
            | Self::TooShort
            | Self::TooLong
            | Self::Length
            | Self::NotInUse => Cause::Impossible,
            Self::Extension | Self::ExtensionDigits => Cause::Extension,
        }
    }
}

/// A number as it is written: every character was looked at, but libphonenumber was not asked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `+`, if there is one, and digits.
    plain: String,
    extension: Option<Box<str>>,
    /// What was read otherwise than it is written.
    notes: Vec<Cause>,
}

/// A number that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The number.
    pub number: PhoneNumber,
    /// What is to be said of it.
    pub causes: Vec<Cause>,
}

impl Written {
    /// Reads the characters.
    ///
    /// # Errors
    /// When one belongs to no number, or there is an extension that `phone_type` cannot have.
    pub fn read(text: &str, phone_type: PhoneType) -> Result<Self, PhoneTextError> {
        if let Some(plain) = simple(text.trim_ascii()) {
            return Ok(Self { plain, extension: None, notes: Vec::new() });
        }
        let (text, mut notes) = tidy(text);
        let (number, extension) = split_extension(&text)?;
        let plain = plain(number)?;
        if extension.is_some() && phone_type != PhoneType::Office {
            return Err(PhoneTextError::Extension);
        }
        if plain.starts_with('+') && number.contains("(0)") {
            notes.push(Cause::TrunkZero);
        }
        Ok(Self { plain, extension: extension.map(Box::from), notes })
    }

    /// `+`, if there is one, and digits; without the extension.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// What was read otherwise than it is written.
    #[must_use]
    pub fn notes(&self) -> &[Cause] {
        &self.notes
    }

    /// The number as `+{country code} {number}`, with `x{extension}` where it has one.
    ///
    /// # Errors
    /// When it is not exactly one valid number.
    pub fn checked(
        &self,
        phone_type: PhoneType,
        default: Option<Country>,
    ) -> Result<Checked, PhoneTextError> {
        let mut causes = self.notes.clone();
        let found = if let Some(found) = self.planned() {
            found
        } else {
            let (found, read) = self.found(default)?;
            if !found.is_read_as_itself() {
                return Err(PhoneTextError::NotInUse);
            }
            causes.extend(read);
            causes.extend(self.lacks_digits_of(&found).then_some(Cause::PlanDigits));
            found
        };
        causes.extend(match found.kind {
            Kind::PremiumRate => Some(Cause::PremiumRate),
            Kind::NotMobile if phone_type == PhoneType::Mobile => Some(Cause::NotMobile),
            Kind::NotMobile | Kind::Mobile => None,
        });
        causes.extend(self.plain.ends_with(MANY_ZEROS).then_some(Cause::ManyZeros));
        Ok(Checked { number: self.formatted(found.formatted), causes })
    }

    /// The number, where it is certain without a question to libphonenumber: the same that it would say.
    fn planned(&self) -> Option<Found> {
        let Planned { code_digits, kind } = planned(self.plain.strip_prefix('+')?)?;
        let (code, national) = self.plain.split_at_checked(1 + usize::from(code_digits))?;
        // Room for an extension would be given back.
        let mut formatted = String::with_capacity(self.plain.len() + 1);
        formatted.push_str(code);
        formatted.push(' ');
        formatted.push_str(national);
        Some(Found { formatted, kind })
    }

    /// The number, and how it was read where it has no `+`.
    fn found(&self, default: Option<Country>) -> Result<(Found, Option<Cause>), PhoneTextError> {
        if self.plain.starts_with('+') {
            return Ok((Found::international(&self.plain)?, None));
        }
        let national = default.map(|country| (country, Found::in_country(&self.plain, country)));
        // No national number begins with 00, which is the international prefix wherever it is one (ITU-T E.164, E.123).
        let international = || {
            let rest = self.plain.strip_prefix("00")?;
            Found::international(&format!("+{rest}")).ok()
        };
        match national {
            Some((_, Ok(found))) => {
                let note = self.without_plus(&found);
                Ok((found, Some(note)))
            }
            Some((country, Err(_))) => international()
                .map(|found| (found, Some(Cause::InternationalPrefix)))
                .ok_or(PhoneTextError::NotOfCountry(country)),
            None => international()
                .map(|found| (found, Some(Cause::InternationalPrefix)))
                .ok_or(PhoneTextError::NoCountry),
        }
    }

    /// Whether a digit is sent that was not written, as San Marino's 0549.
    fn lacks_digits_of(&self, found: &Found) -> bool {
        let national = found.formatted.split_once(' ').map_or("", |(_, national)| national);
        let mut written = self.plain.chars();
        !self.plain.ends_with(national) && !national.chars().all(|digit| written.any(|other| other == digit))
    }

    /// How a number without `+` was read.
    fn without_plus(&self, found: &Found) -> Cause {
        let digits: String = found.formatted.chars().filter(char::is_ascii_digit).collect();
        if digits == self.plain {
            Cause::LostPlus
        } else if self.plain.strip_prefix("00") == Some(&digits) {
            Cause::InternationalPrefix
        } else {
            Cause::NationalNumber
        }
    }

    fn formatted(&self, mut number: String) -> PhoneNumber {
        if let Some(extension) = &self.extension {
            number.push('x');
            number.push_str(extension);
        }
        PhoneNumber::from_formatted(number)
    }
}

/// What libphonenumber makes of digits.
struct Found {
    /// `+{country code} {number}`.
    formatted: String,
    kind: Kind,
}

impl Found {
    fn international(number: &str) -> Result<Self, PhoneTextError> {
        Self::parse(number, None)
    }

    fn in_country(number: &str, country: Country) -> Result<Self, PhoneTextError> {
        Self::parse(number, Some(country.region))
    }

    fn parse(number: &str, region: Option<Region>) -> Result<Self, PhoneTextError> {
        let parsed = PHONE_NUMBER_UTIL.parse(number, region).map_err(|error| reason(&error))?;
        let mut formatted = String::with_capacity(24);
        let national = get_national_significant_number_owned(&parsed);
        // Writing to a String cannot fail.
        let _ = write!(formatted, "+{} {national}", parsed.country_code);
        // What is valid is possible too; the second check is needed only to say what is wrong.
        if let Some(kind) = kind(PHONE_NUMBER_UTIL.get_number_type(&parsed)) {
            return Ok(Self { formatted, kind });
        }
        possible(&parsed)?;
        let kind = Kind::Mobile;
        if is_fiction(&formatted) { Ok(Self { formatted, kind }) } else { Err(PhoneTextError::NotInUse) }
    }

    /// libphonenumber takes one leading zero away; what had several would be another number at each reading.
    fn is_read_as_itself(&self) -> bool {
        let digits: String = self.formatted.chars().filter(char::is_ascii_digit).collect();
        planned(&digits).is_some()
            || Self::international(&self.formatted).is_ok_and(|again| again.formatted == self.formatted)
    }
}

/// What is to be known of a number's type; `None` where it is not valid.
const fn kind(kind: PhoneNumberType) -> Option<Kind> {
    match kind {
        PhoneNumberType::Unknown => None,
        PhoneNumberType::PremiumRate => Some(Kind::PremiumRate),
        PhoneNumberType::FixedLine
        | PhoneNumberType::TollFree
        | PhoneNumberType::SharedCost
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail => Some(Kind::NotMobile),
        PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::Mobile
        | PhoneNumberType::VoIP
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::Pager => Some(Kind::Mobile),
    }
}

/// Whether the country has numbers of this length.
fn possible(parsed: &Parsed) -> Result<(), PhoneTextError> {
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(parsed) {
        Ok(NumberLengthType::IsPossible) => Ok(()),
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
            Err(PhoneTextError::TooShort)
        }
        Err(ValidationError::TooLong) => Err(PhoneTextError::TooLong),
        Err(ValidationError::InvalidLength) => Err(PhoneTextError::Length),
        Err(ValidationError::InvalidCountryCode) => Err(PhoneTextError::UnknownCountry),
    }
}

const fn reason(error: &ParseError) -> PhoneTextError {
    match error {
        ParseError::InvalidCountryCode => PhoneTextError::UnknownCountry,
        ParseError::NotANumber(_) | ParseError::TooShortAfterIdd | ParseError::TooShortNsn => {
            PhoneTextError::TooShort
        }
        ParseError::TooLongNsn => PhoneTextError::TooLong,
    }
}

/// Splits at the mark of an extension. libphonenumber could do it, but it also reads vanity letters as digits.
fn split_extension(text: &str) -> Result<(&str, Option<&str>), PhoneTextError> {
    let Some(start) = text.find(|c: char| c.is_alphabetic() || matches!(c, ';' | '#')) else {
        return Ok((text, None));
    };
    let (number, rest) = text.split_at(start);
    let first = rest.chars().next().unwrap_or_default();
    let digits = [";ext", "extension", "ext", "x", "#"]
        .iter()
        .find_map(|mark| rest.get(..mark.len()).filter(|head| head.eq_ignore_ascii_case(mark)))
        .map(|head| &rest[head.len()..])
        .ok_or(if matches!(first, 'e' | 'E') {
            PhoneTextError::Rounded
        } else {
            PhoneTextError::Character(first)
        })?;
    let digits = digits.trim_start_matches(['.', ':', '=', ' ']).trim_end();
    if let Some(other) = digits.chars().find(|c| !c.is_ascii_digit()) {
        return Err(PhoneTextError::Character(other));
    }
    if digits.is_empty() || digits.len() > MAX_EXTENSION {
        return Err(PhoneTextError::ExtensionDigits);
    }
    Ok((number, Some(digits)))
}

/// Up to so many bytes a number is read the short way.
const SIMPLE: usize = 32;

/// The same as [`plain`] for what most numbers are, a `+` and digits with spaces and hyphens between them; `None` for all
/// else.
fn simple(text: &str) -> Option<String> {
    let rest = text.strip_prefix('+').filter(|rest| rest.len() < SIMPLE)?;
    let (mut plain, mut length, mut is_simple) = ([b'+'; SIMPLE], 1, true);
    for byte in rest.bytes() {
        plain[length] = byte;
        length += usize::from(byte.is_ascii_digit());
        is_simple &= byte.is_ascii_digit() | matches!(byte, b' ' | b'-');
    }
    str::from_utf8(&plain[..length]).ok().filter(|_| is_simple).map(str::to_owned)
}

/// Checks every character and leaves only `+` and digits.
fn plain(text: &str) -> Result<String, PhoneTextError> {
    let text = text.trim();
    // "12065550123.0" is what data tools make of a number: the zero is no digit of it.
    if text.ends_with(".0") || text.ends_with(",0") {
        return Err(PhoneTextError::Rounded);
    }
    if is_date(text) {
        return Err(PhoneTextError::Date);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' => plain.push(c),
            '+' if plain.is_empty() => plain.push(c),
            '+' => return Err(PhoneTextError::InnerPlus),
            c if is_separator(c) => {}
            c => return Err(PhoneTextError::Character(c)),
        }
    }
    // "+44 (0)20 …": the zero in brackets is dialled at home only. libphonenumber takes it away.
    if plain.is_empty() { Err(PhoneTextError::Empty) } else { Ok(plain) }
}

/// What people put between digits; what word processors and address books do is gone already.
const fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '-' | '(' | ')' | '.' | '/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phone_number(
        text: &str,
        phone_type: PhoneType,
        default: Option<Country>,
    ) -> Result<PhoneNumber, PhoneTextError> {
        Ok(Written::read(text, phone_type)?.checked(phone_type, default)?.number)
    }

    fn office(text: &str) -> Result<String, PhoneTextError> {
        phone_number(text, PhoneType::Office, None).map(|number| number.as_str().to_owned())
    }

    fn in_country(text: &str, country: &str) -> Result<String, PhoneTextError> {
        let country = Country::new(country).unwrap();
        phone_number(text, PhoneType::Mobile, Some(country)).map(|number| number.as_str().to_owned())
    }

    #[test]
    fn a_number_is_sent_with_one_space_behind_the_country_code() {
        for (text, sent) in [
            ("+1 2065550123", "+1 2065550123"),
            ("+12065550123", "+1 2065550123"),
            ("+1 (206) 555-0123", "+1 2065550123"),
            ("+1.206.555.0123", "+1 2065550123"),
            ("  +1 206 555 0123 ", "+1 2065550123"),
            ("+1\u{a0}206\u{2011}555\u{2011}0123", "+1 2065550123"),
            ("\u{202a}+1 2065550123\u{202c}", "+1 2065550123"),
            ("+49 (0)30 123456", "+49 30123456"),
            ("+49 030 123456", "+49 30123456"),
        ] {
            assert_eq!(office(text), Ok(sent.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_numbers_kept_for_fiction_are_accepted() {
        for text in [
            "+1 2065550123",
            "+1 4255550199",
            "+1 5555551234",
            "+44 7700900123",
            "+44 1632960001",
            "+44 2079460958",
            "+61 491570156",
            "+33 639981234",
        ] {
            assert_eq!(office(text), Ok(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_leading_zero_that_belongs_to_the_number_stays() {
        assert_eq!(office("+39 06 698 83712"), Ok("+39 0669883712".to_owned()));
        assert_eq!(office("+39 347 1234567"), Ok("+39 3471234567".to_owned()));
    }

    #[test]
    fn an_extension_is_kept_for_an_office_and_refused_elsewhere() {
        for mark in ["x", " X", " ext. ", " ext ", ";ext=", " extension ", " #", " x. "] {
            assert_eq!(
                office(&format!("+1 4255550199{mark}042")),
                Ok("+1 4255550199x042".to_owned()),
                "{mark}"
            );
        }
        for phone_type in [PhoneType::Mobile, PhoneType::AlternateMobile] {
            let refused = phone_number("+1 4255550199x42", phone_type, None);
            assert_eq!(refused, Err(PhoneTextError::Extension));
        }
        assert_eq!(office("+1 4255550199x"), Err(PhoneTextError::ExtensionDigits));
        assert_eq!(office("+1 4255550199x1x2"), Err(PhoneTextError::Character('x')));
    }

    #[test]
    fn digits_are_never_guessed() {
        for (text, error) in [
            ("", PhoneTextError::Empty),
            ("-", PhoneTextError::Empty),
            ("+1 206 FLOWERS", PhoneTextError::Character('F')),
            ("+1 XXXXXXX23", PhoneTextError::Character('X')),
            ("+1 206555xxxx", PhoneTextError::Character('x')),
            ("+1 ******0123", PhoneTextError::Character('*')),
            ("+1 206555•123", PhoneTextError::Character('•')),
            ("4.47E+11", PhoneTextError::Rounded),
            ("+4,47e+11", PhoneTextError::Rounded),
            ("+49301234567.0", PhoneTextError::Rounded),
            ("+1 2065550123 or +1 4255550199", PhoneTextError::Character('o')),
            ("+1 2065550123 / +1 4255550199", PhoneTextError::InnerPlus),
            ("+1 2065550123, 4255550199", PhoneTextError::Character(',')),
            ("Tel. +12065550123", PhoneTextError::Character('T')),
            ("=1+2065550123", PhoneTextError::Character('=')),
            ("12.05.2026", PhoneTextError::Date),
            ("5/12/2026", PhoneTextError::Date),
            ("2026-05-12", PhoneTextError::Date),
            ("2026-01-02T00:00:00", PhoneTextError::Character('T')),
            ("++1 2065550123", PhoneTextError::InnerPlus),
        ] {
            assert_eq!(office(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_number_that_no_country_can_have_is_refused() {
        for (text, error) in [
            ("+1 206555", PhoneTextError::TooShort),
            ("+1 5550123", PhoneTextError::TooShort),
            ("+1 206555012345", PhoneTextError::TooLong),
            ("+999 12345678", PhoneTextError::UnknownCountry),
            ("+0 2065550123", PhoneTextError::UnknownCountry),
            ("+1 0005550123", PhoneTextError::NotInUse),
            ("+44 7999990000123", PhoneTextError::TooLong),
            ("+", PhoneTextError::TooShort),
        ] {
            assert_eq!(office(text), Err(error), "{text}");
        }
    }

    #[test]
    fn without_a_plus_a_default_country_is_needed() {
        assert_eq!(office("2065550123"), Err(PhoneTextError::NoCountry));
        assert_eq!(office("447700900123"), Err(PhoneTextError::NoCountry));
        assert_eq!(office("00 0700 900123"), Err(PhoneTextError::NoCountry));
        assert_eq!(in_country("(206) 555-0123", "us"), Ok("+1 2065550123".to_owned()));
        assert_eq!(in_country("07700 900123", "GB"), Ok("+44 7700900123".to_owned()));
        assert_eq!(in_country("0044 7700 900123", "DE"), Ok("+44 7700900123".to_owned()));
        assert_eq!(in_country("+1 2065550123", "GB"), Ok("+1 2065550123".to_owned()));
        let us = Country::new("US").unwrap();
        assert_eq!(in_country("447700900123", "US"), Err(PhoneTextError::NotOfCountry(us)));
    }

    #[test]
    fn a_default_country_is_two_letters_of_a_country_with_phones() {
        for letters in ["", "USA", "XX", "u", "1!", "001"] {
            assert!(Country::new(letters).is_err(), "{letters}");
        }
    }

    #[test]
    fn what_a_spreadsheet_or_an_address_book_did_is_undone_with_certainty_and_told() {
        let gb = Country::new("GB").ok();
        let us = Country::new("US").ok();
        for (text, country, sent, cause) in [
            ("'+44 7700 900123", None, "+44 7700900123", Cause::TextMark),
            ("=\"+44 7700 900123\"", None, "+44 7700900123", Cause::Formula),
            ("tel:+44-7700-900123", None, "+44 7700900123", Cause::TelLink),
            ("+44 ７７００900123", None, "+44 7700900123", Cause::WideDigits),
            ("+44\u{2011}7700\u{2011}900123", None, "+44 7700900123", Cause::TypographicDash),
            ("+44\u{a0}7700\u{a0}900123", None, "+44 7700900123", Cause::HardSpace),
            ("\u{202a}+44 7700 900123\u{202c}", None, "+44 7700900123", Cause::Invisible),
            ("+44 (0)20 7946 0958", None, "+44 2079460958", Cause::TrunkZero),
            ("0044 7700 900123", None, "+44 7700900123", Cause::InternationalPrefix),
            ("0044 7700 900123", us, "+44 7700900123", Cause::InternationalPrefix),
            ("0044 7700 900123", gb, "+44 7700900123", Cause::InternationalPrefix),
            ("020 7946 0958", gb, "+44 2079460958", Cause::NationalNumber),
            ("2079460958", gb, "+44 2079460958", Cause::NationalNumber),
            ("442079460958", gb, "+44 2079460958", Cause::LostPlus),
            ("12065550123", us, "+1 2065550123", Cause::LostPlus),
            ("+672 81667", None, "+672 381667", Cause::PlanDigits),
            ("+378 882345", None, "+378 0549882345", Cause::PlanDigits),
        ] {
            let written = Written::read(text, PhoneType::Office).unwrap();
            let Checked { number, causes } = written.checked(PhoneType::Office, country).unwrap();
            assert_eq!((number.as_str(), causes.as_slice()), (sent, [cause].as_slice()), "{text}");
        }
    }

    #[test]
    fn a_number_that_would_be_another_one_when_it_is_read_again_is_refused() {
        // Of Japan's zeros libphonenumber takes one away, and again one from what it has made.
        for text in ["+810003768170034558", "+81 0 003768 170034558"] {
            let written = Written::read(text, PhoneType::Office).unwrap();
            assert_eq!(written.checked(PhoneType::Office, None), Err(PhoneTextError::NotInUse), "{text}");
        }
    }

    #[test]
    fn a_number_that_may_not_be_what_was_meant_is_told() {
        for (text, phone_type, causes) in [
            ("+44 20 7946 0958", PhoneType::Mobile, vec![Cause::NotMobile]),
            ("+44 20 7946 0958", PhoneType::AlternateMobile, vec![]),
            ("+44 20 7946 0958", PhoneType::Office, vec![]),
            ("+44 7911 123456", PhoneType::Mobile, vec![]),
            ("+1 206 555 0123", PhoneType::Mobile, vec![]),
            ("+1 800 555 0123", PhoneType::Mobile, vec![Cause::NotMobile]),
            ("+1 900 555 0123", PhoneType::Office, vec![Cause::PremiumRate]),
            ("+44 7911 000000", PhoneType::Mobile, vec![Cause::ManyZeros]),
        ] {
            let checked = Written::read(text, phone_type).unwrap().checked(phone_type, None).unwrap();
            assert_eq!(checked.causes, causes, "{text} as {phone_type}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_the_short_way_is_read_the_long_way_too(
            text in "[ +]?\\+[0-9 -]{0,20}[ \t]?|[+0-9 ./()-]{0,20}|\\+[0-9]{1,12}[x ]?[0-9]{0,3}",
        ) {
            if let Some(plain) = simple(text.trim_ascii()) {
                let (tidied, notes) = tidy(&text);
                prop_assert_eq!((notes, split_extension(&tidied)), (vec![], Ok((&*tidied, None))));
                prop_assert_eq!(super::plain(&tidied), Ok(plain));
            }
        }

        #[test]
        fn every_digit_that_is_sent_was_written_and_what_is_sent_can_be_read_again(
            text in "\\+(1|44|49|39|33|7|34|46|61|81|86|91|380)[ 0-9().-]{4,16}( ?(x|ext\\.?|#) ?[0-9]{1,6})?",
        ) {
            if let Ok(sent) = office(&text) {
                let mut written = text.chars();
                let was_written = |digit: char| written.any(|c| c == digit);
                prop_assert!(sent.chars().filter(char::is_ascii_digit).all(was_written), "{sent}");
                prop_assert_eq!(office(&sent), Ok(sent));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s).{0,24}|[+0-9x#;ext. ()*~/-]{0,30}") {
            let _ = office(&text);
            let _ = in_country(&text, "DE");
        }
    }
}
