//! What is to be said of a row: why it cannot be done, what to look at, and what was read otherwise than it is written.

/// How much weight a remark has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The row cannot be done.
    Bad,
    /// The row can be done, and may not be what was meant.
    Warning,
    /// The row was read with certainty, though not as it is written.
    Note,
}

impl Severity {
    /// All of them, the gravest first.
    pub const ALL: [Self; 3] = [Self::Bad, Self::Warning, Self::Note];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Defines the causes: each with its stable name, its severity, and what it means for all rows that have it.
macro_rules! causes {
    ($($cause:ident $name:literal $severity:ident $told:literal;)*) => {
        /// Why something is said of a row. The names are stable: scripts may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $(#[doc = $told] $cause,)*
        }

        impl Cause {
            /// All of them, the gravest first.
            pub const ALL: &[Self] = &[$(Self::$cause,)*];

            /// Its stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$cause => $name,)* }
            }

            /// How much weight it has.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$cause => Severity::$severity,)* }
            }

            /// What it means, for all rows that have it.
            #[must_use]
            pub const fn told(self) -> &'static str {
                match self { $(Self::$cause => $told,)* }
            }
        }
    };
}

causes! {
    Fields "fields" Bad "the row has not as many fields as the header";
    UnclosedQuote "unclosed-quote" Bad "a double quote is not closed: other rows are part of the cell";
    Unreadable "unreadable" Bad "the row holds bytes that are no text";
    User "user" Bad "the user is none";
    Protected "protected" Bad "the user is protected: no row may change what there is";
    Action "action" Bad "the action is none";
    PhoneType "phone-type" Bad "the phone type is missing or does not fit";
    NoPhone "no-phone" Bad "the row needs a phone number";
    PhoneCharacter "phone-character" Bad "the number holds something that is no part of a number";
    SeveralNumbers "several-numbers" Bad "the cell holds more than one number";
    Rounded "rounded" Bad "a spreadsheet rounded the number: its digits are lost";
    Date "date" Bad "a spreadsheet took the number for a date";
    NoCountry "no-country" Bad "the number has no country code";
    Impossible "impossible" Bad "no such number can exist";
    Extension "extension" Bad "the extension does not fit";
    Country "country" Bad "the country is none";
    NotBefore "not-before" Bad "the time before which the row is not due is none";
    AlternateWithoutMobile "alternate-without-mobile" Bad "an alternate mobile needs a mobile";
    Password "password" Bad "the password is missing or cannot be used";
    SharedForSms "shared-for-sms" Bad "several users have this mobile, and one number can sign in one user only";
    SharedNumber "shared-number" Warning "several users have this number";
    TwoNumbers "two-numbers" Warning "one user gets two numbers for one phone type";
    DeleteThenUpdate "delete-then-update" Warning "the phone is deleted before it is to be updated";
    TwoPasswords "two-passwords" Warning "one user gets two passwords: the later row's stays";
    IgnoredNumber "ignored-number" Warning "the phone is deleted whatever its number is";
    DuplicateRow "duplicate-row" Warning "the row repeats an earlier one";
    NotMobile "not-mobile" Warning "the number of a mobile phone is none of a mobile";
    PremiumRate "premium-rate" Warning "calls to the number cost extra: it may be a fraud";
    ManyZeros "many-zeros" Warning "the number ends with many zeros: a spreadsheet may have rounded it";
    NationalNumber "national-number" Note "the country code was added";
    LostPlus "lost-plus" Note "the plus was added";
    InternationalPrefix "international-prefix" Note "00 was read as the plus";
    PlanDigits "plan-digits" Note "the country's numbering plan adds digits to numbers that are written so";
    TrunkZero "trunk-zero" Note "the zero in brackets, which is dialled at home only, was left out";
    TextMark "text-mark" Note "the apostrophe that makes a cell text was taken away";
    Formula "formula" Note "the formula that keeps a cell text was taken away";
    TelLink "tel-link" Note "the link tel: was taken away";
    WideDigits "wide-digits" Note "digits of another script were read as what they are";
    TypographicDash "typographic-dash" Note "dashes of word processors were taken away";
    HardSpace "hard-space" Note "spaces of word processors were taken away";
    Invisible "invisible" Note "characters that nobody sees were taken away";
}

/// Something that is to be said of one cell, or of a row as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Why.
    pub cause: Cause,
    /// The column's position; `None` where it is the row as a whole.
    pub column: Option<usize>,
    /// The end of the sentence "row 7, `phone_number` '123' …".
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_names_of_their_own_and_stand_in_order_of_weight() {
        for (i, cause) in Cause::ALL.iter().enumerate() {
            assert!(Cause::ALL[..i].iter().all(|other| other.name() != cause.name()), "{}", cause.name());
            assert!(Cause::ALL[..i].iter().all(|other| other.severity() <= cause.severity()));
        }
    }
}
