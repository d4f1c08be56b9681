//! A user's phones: their types with Graph's fixed ids, and numbers that are compared by their digits.

use std::fmt;

/// What a phone is for. A user has at most one phone of each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhoneType {
    /// SMS and voice; the only type that can sign in by SMS.
    Mobile,
    /// Voice only; exists only beside a mobile.
    AlternateMobile,
    /// Voice only; the only type that may have an extension.
    Office,
}

impl PhoneType {
    /// All types, the mobile first because the alternate depends on it.
    pub const ALL: [Self; 3] = [Self::Mobile, Self::AlternateMobile, Self::Office];

    /// Where it stands in a list of all.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Mobile => 0,
            Self::AlternateMobile => 1,
            Self::Office => 2,
        }
    }

    /// The name that Graph and the `phone_type` column use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::AlternateMobile => "alternateMobile",
            Self::Office => "office",
        }
    }

    /// The method id, the same in every tenant (Graph v1.0, resource `phoneAuthenticationMethod`).
    #[must_use]
    pub const fn method_id(self) -> &'static str {
        match self {
            Self::Mobile => "3179e48a-750b-4051-897c-87b9720928f7",
            Self::AlternateMobile => "b6332ec1-7057-4abe-9331-3d72feddfe41",
            Self::Office => "e37fc753-ff3b-4958-9484-eaa9425c82bc",
        }
    }
}

impl fmt::Display for PhoneType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number in the form that Graph documents: `+{country code} {number}`, or with `x{extension}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(Box<str>);

/// How a number of ours stands to one that Graph shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The same digits and the same extension.
    Same,
    /// Other digits.
    Different,
    /// Part of the number is hidden (the role Authentication Administrator sees it so): nothing can be said.
    Masked,
}

impl PhoneNumber {
    /// Takes over a number that was checked and formatted by `input::phone_text`.
    #[must_use]
    pub fn from_formatted(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The number as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a number of which part is hidden may be this one: what is shown of it, the first digits and the last, is
    /// the same. `false` where nothing is hidden, or nothing shown behind it.
    #[must_use]
    pub fn may_be(&self, shown: &str) -> bool {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let is_hidden = |c: char| !c.is_ascii_digit() && !is_separator(c);
        let mut parts = shown.split(is_hidden).map(digits);
        let (Some(first), Some(last)) = (parts.next(), parts.next_back()) else { return false };
        let ours = digits(&self.0);
        let is_masked = self.compare(shown) == Comparison::Masked;
        let is_long_enough = ours.len() > first.len() + last.len();
        is_masked && !last.is_empty() && is_long_enough && ours.starts_with(&first) && ours.ends_with(&last)
    }

    /// Compares digits only, since the service may store another spacing than it was sent.
    #[must_use]
    pub fn compare(&self, stored: &str) -> Comparison {
        match (digits(&self.0), digits(stored)) {
            (Some(ours), Some(theirs)) if ours == theirs => Comparison::Same,
            (Some(_), Some(_)) => Comparison::Different,
            (None, _) | (_, None) => Comparison::Masked,
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether two numbers are the same, however they are spaced. Masked ones are where they are written alike.
#[must_use]
pub fn is_same_number(one: &str, other: &str) -> bool {
    match (digits(one), digits(other)) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => one == other,
    }
}

/// Digits of the number and of its extension, which tell numbers apart; `None` where a character hides something.
#[must_use]
pub fn digits(text: &str) -> Option<(String, String)> {
    let (number, extension) = text.split_once(['x', 'X']).unwrap_or((text, ""));
    Some((only_digits(number)?, only_digits(extension)?)).filter(|(number, _)| !number.is_empty())
}

const fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '+' | '-' | '(' | ')' | '.' | '/')
}

fn only_digits(text: &str) -> Option<String> {
    text.chars().filter(|c| !is_separator(*c)).map(|c| c.is_ascii_digit().then_some(c)).collect()
}

/// Whether a state of SMS sign-in lets the phone sign in. `notConfigured` counts as on: it is allowed, and the rest is up to
/// the user (Graph v1.0, enum `authenticationMethodSignInState`).
#[must_use]
pub fn signs_in(state: &str) -> bool {
    state.eq_ignore_ascii_case("ready") || state.eq_ignore_ascii_case("notConfigured")
}

/// A phone that a user has or shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// Which of the user's three phones.
    pub phone_type: PhoneType,
    /// Its number.
    pub number: PhoneNumber,
}

/// What shall become of one of a user's phones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneChange {
    /// Its type has this number.
    Set(Phone),
    /// There is none of this type.
    Delete(PhoneType),
}

impl PhoneChange {
    /// Which of the user's three phones.
    #[must_use]
    pub const fn phone_type(&self) -> PhoneType {
        match self {
            Self::Set(phone) => phone.phone_type,
            Self::Delete(phone_type) => *phone_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(ours: &str, stored: &str) -> Comparison {
        PhoneNumber::from_formatted(ours).compare(stored)
    }

    #[test]
    fn numbers_are_compared_by_digits_and_extension() {
        assert_eq!(compare("+1 2065550123", "+12065550123"), Comparison::Same);
        assert_eq!(compare("+1 2065550123", "+1 (206) 555-0123"), Comparison::Same);
        assert_eq!(compare("+1 2065550123x12", "+1 2065550123 X12"), Comparison::Same);
        assert_eq!(compare("+1 2065550123", "+1 2065550124"), Comparison::Different);
        assert_eq!(compare("+1 2065550123x1", "+1 2065550123"), Comparison::Different);
        assert_eq!(compare("+1 206555012x3", "+1 2065550123"), Comparison::Different);
    }

    #[test]
    fn a_masked_number_is_never_the_same() {
        for stored in ["+1 ******0123", "+1 XXXXXXX23", "+1 xxxxxx0123", "", "…0123", "+1 206555•123", "x12"]
        {
            assert_eq!(compare("+1 2065550123", stored), Comparison::Masked, "{stored:?}");
        }
    }

    #[test]
    fn a_masked_number_may_be_ours_where_all_that_is_shown_agrees() {
        let cases = [
            ("+1 ******0123", true),
            ("+1 XXXXXXXX23", true),
            ("*********123", true),
            ("+1 206•••0123", true),
            ("+1 ******0124", false),
            ("+44 *****0123", false),
            ("+1 2065550123", false),
            ("+1 2065550x123", false),
            ("+1 20655501*23 4", false),
            ("**********", false),
            ("", false),
        ];
        let ours = PhoneNumber::from_formatted("+1 2065550123");
        for (shown, may_be) in cases {
            assert_eq!(ours.may_be(shown), may_be, "{shown:?}");
        }
    }
}
