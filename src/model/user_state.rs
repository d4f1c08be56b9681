//! What a user has, as far as rows depend on it and change it.

use super::method::Method;
use super::phone::{PhoneType, is_same_number};

/// Whether a phone can sign in by SMS (Graph v1.0, enum `authenticationMethodSignInState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum SmsSignIn {
    /// Nobody said, as of a number that is yet to be stored.
    #[default]
    Unknown,
    /// The type of the phone cannot.
    NotSupported,
    /// The policy does not let the user.
    NotAllowedByPolicy,
    /// Off.
    NotEnabled,
    /// Another user signs in with the number.
    PhoneNumberNotUnique,
    /// On.
    Ready,
    /// Allowed; the rest is up to the user.
    NotConfigured,
}

impl SmsSignIn {
    /// Those that Graph has words for.
    pub const NAMED: [Self; 6] = [
        Self::NotSupported,
        Self::NotAllowedByPolicy,
        Self::NotEnabled,
        Self::PhoneNumberNotUnique,
        Self::Ready,
        Self::NotConfigured,
    ];

    /// The state that Graph calls so; a word that is not known counts as unknown.
    #[must_use]
    pub fn named(word: &str) -> Self {
        Self::NAMED.into_iter().find(|state| state.name().eq_ignore_ascii_case(word)).unwrap_or_default()
    }

    /// Graph's word; empty for what nobody said.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::NotSupported => "notSupported",
            Self::NotAllowedByPolicy => "notAllowedByPolicy",
            Self::NotEnabled => "notEnabled",
            Self::PhoneNumberNotUnique => "phoneNumberNotUnique",
            Self::Ready => "ready",
            Self::NotConfigured => "notConfigured",
        }
    }

    /// Whether it is on. `notConfigured` counts as on: it is allowed, and the rest is up to the user.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::Ready | Self::NotConfigured)
    }
}

/// A phone that a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPhone {
    /// As Graph shows it; it may be masked.
    pub number: Box<str>,
    /// Whether it can sign in by SMS.
    pub sms: SmsSignIn,
}

/// What a user has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserState {
    /// In the order of [`PhoneType::ALL`].
    pub phones: [Option<HeldPhone>; 3],
    /// How many strong methods there are besides phones; `None` where only the phones could be read.
    pub other_strong: Option<u32>,
}

/// Methods that prove a second factor for longer than a day (Entra ID, "What authentication and verification methods are
/// available"): a password is none, an e-mail address only resets one, and a Temporary Access Pass runs out.
const STRONG: [&str; 8] = [
    "fido2",
    "microsoftAuthenticator",
    "softwareOath",
    "hardwareOath",
    "windowsHelloForBusiness",
    "platformCredential",
    "external",
    "passwordlessMicrosoftAuthenticator",
];

impl UserState {
    /// The state of a user whose methods, all of them, are these.
    #[must_use]
    pub fn of_methods(methods: &[Method]) -> Self {
        let strong = methods.iter().filter(|method| STRONG.contains(&method.method_type.as_str())).count();
        Self { other_strong: Some(u32::try_from(strong).unwrap_or(u32::MAX)), ..Self::of_phones(methods) }
    }

    /// The state of a user whose phones are among these.
    #[must_use]
    pub fn of_phones(methods: &[Method]) -> Self {
        let mut state = Self::default();
        for method in methods {
            let is_it = |phone_type: &PhoneType| {
                method.method_id.eq_ignore_ascii_case(phone_type.method_id())
                    || method.phone_type.eq_ignore_ascii_case(phone_type.name())
            };
            if let Some(phone_type) = PhoneType::ALL.into_iter().find(is_it) {
                let number = method.phone_number.as_str().into();
                state.set(
                    phone_type,
                    Some(HeldPhone { number, sms: SmsSignIn::named(&method.sms_sign_in_state) }),
                );
            }
        }
        state
    }

    /// The phone of a type.
    #[must_use]
    pub fn phone(&self, phone_type: PhoneType) -> Option<&HeldPhone> {
        self.phones[phone_type.index()].as_ref()
    }

    /// Puts a phone in the place of the one of its type, or takes that away.
    pub fn set(&mut self, phone_type: PhoneType, phone: Option<HeldPhone>) {
        self.phones[phone_type.index()] = phone;
    }

    /// How many phones there are.
    #[must_use]
    pub fn phone_count(&self) -> usize {
        self.phones.iter().flatten().count()
    }

    /// Whether no strong method is known to be there.
    #[must_use]
    pub fn has_no_strong_method(&self) -> bool {
        self.phone_count() == 0 && self.other_strong.unwrap_or_default() == 0
    }
}

/// What is expected of one phone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Expected {
    /// Nothing is said of it.
    #[default]
    Anything,
    /// There is none.
    Absent,
    /// It is this one.
    Phone(HeldPhone),
    /// It is any of these, where `None` is no phone; the first most likely. There is one at least.
    OneOf(Vec<Option<HeldPhone>>),
}

impl Expected {
    /// What it may be; empty where that is anything.
    fn any(&self) -> Vec<Option<&HeldPhone>> {
        match self {
            Self::Anything => Vec::new(),
            Self::Absent => vec![None],
            Self::Phone(phone) => vec![Some(phone)],
            Self::OneOf(phones) => phones.iter().map(Option::as_ref).collect(),
        }
    }
}

/// What a user is expected to have before a row changes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// In the order of [`PhoneType::ALL`].
    pub phones: [Expected; 3],
}

/// A phone that is not what it is expected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Of which type.
    pub phone_type: PhoneType,
    /// What was expected; `None` where that is no phone.
    pub before: Option<HeldPhone>,
    /// What is there.
    pub now: Option<HeldPhone>,
}

impl Expectation {
    /// Everything is as in this state.
    #[must_use]
    pub fn of(state: &UserState) -> Self {
        Self { phones: state.phones.clone().map(|phone| phone.map_or(Expected::Absent, Expected::Phone)) }
    }

    /// A state with what is expected, and with what `now` has where nothing is.
    #[must_use]
    pub fn imposed_on(&self, now: &UserState) -> UserState {
        let mut state = now.clone();
        for (phone, expected) in state.phones.iter_mut().zip(&self.phones) {
            match expected {
                Expected::Anything => {}
                Expected::Absent => *phone = None,
                Expected::Phone(expected) => *phone = Some(expected.clone()),
                Expected::OneOf(expected) => *phone = expected.first().cloned().flatten(),
            }
        }
        state
    }

    /// The first phone that is not what it is expected to be.
    #[must_use]
    pub fn moved(&self, now: &UserState) -> Option<Moved> {
        self.moved_from_either(now, None)
    }

    /// The first phone that is neither what it is expected to be nor has the number that it has in `after`: a row in doubt
    /// may have moved its user itself.
    #[must_use]
    pub fn moved_from_either(&self, now: &UserState, after: Option<&UserState>) -> Option<Moved> {
        PhoneType::ALL.into_iter().find_map(|phone_type| {
            let phone = now.phone(phone_type);
            let before = self.phones[phone_type.index()].any();
            let is_expected = before.is_empty() || before.iter().any(|before| is_as(*before, phone));
            let is_ours = after.is_some_and(|after| has_same_number(after.phone(phone_type), phone));
            (!is_expected && !is_ours).then(|| Moved {
                phone_type,
                before: before.first().copied().flatten().cloned(),
                now: phone.cloned(),
            })
        })
    }
}

fn has_same_number(one: Option<&HeldPhone>, other: Option<&HeldPhone>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => is_same_number(&one.number, &other.number),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn is_as(before: Option<&HeldPhone>, now: Option<&HeldPhone>) -> bool {
    let sms = |phone: Option<&HeldPhone>| phone.map_or(SmsSignIn::Unknown, |phone| phone.sms);
    let is_unsaid = sms(before) == SmsSignIn::Unknown || sms(now) == SmsSignIn::Unknown;
    has_same_number(before, now) && (is_unsaid || sms(before) == sms(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(number: &str, sms: SmsSignIn) -> HeldPhone {
        HeldPhone { number: number.into(), sms }
    }

    fn mobile(phone: Option<HeldPhone>) -> UserState {
        let mut state = UserState::default();
        state.set(PhoneType::Mobile, phone);
        state
    }

    #[test]
    fn every_state_of_sms_sign_in_is_known_by_its_word() {
        for state in SmsSignIn::NAMED {
            assert_eq!(SmsSignIn::named(&state.name().to_uppercase()), state);
        }
        assert_eq!(SmsSignIn::named("unknownFutureValue"), SmsSignIn::Unknown);
    }

    #[test]
    fn strong_methods_are_counted_and_phones_are_told_by_id_or_type() {
        let method = |method_type: &str, id: &str, phone_type: &str| Method {
            method_type: method_type.to_owned(),
            method_id: id.to_owned(),
            phone_type: phone_type.to_owned(),
            phone_number: "+1 4255550100".to_owned(),
            ..Method::default()
        };
        let methods = [
            method("password", "28c10230-6103-485e-b985-444c60001490", ""),
            method("phone", PhoneType::Office.method_id(), ""),
            method("phone", "", "mobile"),
            method("fido2", "x", ""),
            method("email", "y", ""),
            method("temporaryAccessPass", "z", ""),
        ];
        let state = UserState::of_methods(&methods);
        assert_eq!((state.other_strong, state.phone_count()), (Some(1), 2));
        assert!(state.phone(PhoneType::Office).is_some() && state.phone(PhoneType::Mobile).is_some());
        assert_eq!(UserState::of_phones(&methods).other_strong, None);
    }

    #[test]
    fn a_user_has_moved_where_a_phone_came_went_changed_or_switched() {
        let ready = || phone("+1 4255550100", SmsSignIn::Ready);
        let cases = [
            (Some(ready()), Some(ready()), false),
            (Some(ready()), Some(phone("+14255550100", SmsSignIn::Ready)), false),
            (Some(ready()), Some(phone("+1 4255550100", SmsSignIn::Unknown)), false),
            (Some(ready()), Some(phone("+1 4255550100", SmsSignIn::NotEnabled)), true),
            (Some(ready()), Some(phone("+1 4255550101", SmsSignIn::Ready)), true),
            (
                Some(phone("+1 ******0100", SmsSignIn::Ready)),
                Some(phone("+1 ******0100", SmsSignIn::Ready)),
                false,
            ),
            (
                Some(phone("+1 ******0100", SmsSignIn::Ready)),
                Some(phone("+1 ******0101", SmsSignIn::Ready)),
                true,
            ),
            (None, Some(ready()), true),
            (Some(ready()), None, true),
            (None, None, false),
        ];
        for (before, now, is_moved) in cases {
            let moved = Expectation::of(&mobile(before.clone())).moved(&mobile(now.clone()));
            assert_eq!(moved.is_some(), is_moved, "{before:?} {now:?}");
        }
    }

    #[test]
    fn nothing_is_expected_of_types_that_are_not_named() {
        let mut expectation = Expectation::default();
        assert_eq!(expectation.moved(&mobile(Some(phone("+1 4255550100", SmsSignIn::Ready)))), None);
        expectation.phones[PhoneType::Office.index()] = Expected::Absent;
        assert_eq!(expectation.moved(&mobile(None)), None);
        expectation.phones[PhoneType::Mobile.index()] = Expected::Absent;
        let moved = expectation.moved(&mobile(Some(phone("+1 4255550100", SmsSignIn::Ready)))).unwrap();
        assert_eq!((moved.phone_type, moved.before), (PhoneType::Mobile, None));
    }

    #[test]
    fn one_of_several_is_enough_and_the_first_is_told() {
        let [first, other] =
            ["+1 4255550100", "+1 4255550101"].map(|number| phone(number, SmsSignIn::Unknown));
        let one_of = Expected::OneOf(vec![Some(first.clone()), Some(other.clone()), None]);
        let expectation = Expectation { phones: [one_of, Expected::Anything, Expected::Anything] };
        for now in [Some(first.clone()), Some(other), None] {
            assert_eq!(expectation.moved(&mobile(now)), None);
        }
        let moved = expectation.moved(&mobile(Some(phone("+1 4255550102", SmsSignIn::Ready)))).unwrap();
        assert_eq!(moved.before.as_ref(), Some(&first));
        assert_eq!(expectation.imposed_on(&UserState::default()), mobile(Some(first)));
    }

    #[test]
    fn what_a_row_in_doubt_was_to_bring_about_is_no_move_of_others() {
        let number = |number| mobile(Some(phone(number, SmsSignIn::Ready)));
        let expectation = Expectation::of(&number("+1 4255550100"));
        let after = number("+1 4255550101");
        assert_eq!(expectation.moved_from_either(&after, Some(&after)), None);
        assert_eq!(expectation.moved_from_either(&number("+1 4255550100"), Some(&after)), None);
        assert!(expectation.moved_from_either(&number("+1 4255550102"), Some(&after)).is_some());
        assert_eq!(expectation.imposed_on(&after), number("+1 4255550100"));
    }
}
