//! What an action would do to a user in a known state: pure, so that a plan and a run decide alike.

use std::fmt;

use super::action::Action;
use super::error_code::OwnCode;
use super::phone::{Comparison, Phone, PhoneChange, PhoneType};
use super::user_state::{HeldPhone, SmsSignIn, UserState};

/// One thing that would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A phone is added.
    Create(Phone),
    /// The number of a phone changes, in place.
    Change {
        /// The phone as it will be.
        phone: Phone,
        /// As it is.
        was: HeldPhone,
    },
    /// A phone is removed.
    Delete {
        /// Of this type.
        phone_type: PhoneType,
        /// As it is.
        was: HeldPhone,
    },
    /// The mobile's SMS sign-in is switched.
    Switch {
        /// Whether it will be on.
        on: bool,
        /// As it is.
        was: HeldPhone,
    },
    /// The password is reset.
    Reset,
    /// Methods are read.
    Read,
}

/// What kinds of deeds there are, and of rows: those that do nothing or cannot be done among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A phone is added.
    Create,
    /// A number changes.
    Change,
    /// A phone is removed.
    Delete,
    /// SMS sign-in is switched.
    Switch,
    /// A password is reset.
    Reset,
    /// Methods are read.
    Read,
    /// It is so already.
    Nothing,
    /// It cannot be done, or shall not be.
    Blocked,
}

impl Kind {
    /// All of them, in the order in which people are told.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Change,
        Self::Delete,
        Self::Switch,
        Self::Reset,
        Self::Read,
        Self::Nothing,
        Self::Blocked,
    ];

    /// The word in plan.csv.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Switch => "switch",
            Self::Reset => "reset",
            Self::Read => "read",
            Self::Nothing => "nothing",
            Self::Blocked => "blocked",
        }
    }

    /// Whether something is written.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Create | Self::Change | Self::Delete | Self::Switch | Self::Reset => true,
            Self::Read | Self::Nothing | Self::Blocked => false,
        }
    }
}

impl Deed {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Create(_) => Kind::Create,
            Self::Change { .. } => Kind::Change,
            Self::Delete { .. } => Kind::Delete,
            Self::Switch { .. } => Kind::Switch,
            Self::Reset => Kind::Reset,
            Self::Read => Kind::Read,
        }
    }

    /// The phone that it touches, and what is there before; `None` where it touches none.
    #[must_use]
    pub fn touches(&self) -> Option<(PhoneType, Option<&HeldPhone>)> {
        match self {
            Self::Create(phone) => Some((phone.phone_type, None)),
            Self::Change { phone, was } => Some((phone.phone_type, Some(was))),
            Self::Delete { phone_type, was } => Some((*phone_type, Some(was))),
            Self::Switch { was, .. } => Some((PhoneType::Mobile, Some(was))),
            Self::Reset | Self::Read => None,
        }
    }

    /// What the user has afterwards. Whether a new number signs in by SMS is up to Graph and its policy.
    pub fn apply(&self, state: &mut UserState) {
        let stored =
            |phone: &Phone| HeldPhone { number: phone.number.as_str().into(), sms: SmsSignIn::Unknown };
        match self {
            Self::Create(phone) | Self::Change { phone, .. } => {
                state.set(phone.phone_type, Some(stored(phone)));
            }
            Self::Delete { phone_type, .. } => state.set(*phone_type, None),
            Self::Switch { was, .. } => {
                state.set(PhoneType::Mobile, Some(HeldPhone { sms: SmsSignIn::Unknown, ..was.clone() }));
            }
            Self::Reset | Self::Read => {}
        }
    }
}

/// What a row as a whole is: its gravest deed.
#[must_use]
pub fn kind(deeds: &[Deed]) -> Kind {
    let gravest = [Kind::Delete, Kind::Change, Kind::Create, Kind::Switch, Kind::Reset, Kind::Read];
    gravest.into_iter().find(|kind| deeds.iter().any(|deed| deed.kind() == *kind)).unwrap_or(Kind::Nothing)
}

/// Why a row cannot be done to a user in this state, or shall not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Block {
    /// `add-phone`, where the type has another number.
    OtherNumber(PhoneType),
    /// The number of the type is hidden from this role.
    Masked(PhoneType),
    /// `update-phone`, where there is no such phone.
    NoPhone(PhoneType),
    /// An alternate mobile is set where there is no mobile.
    AlternateWithoutMobile,
    /// A mobile is removed where there is an alternate one.
    MobileBesideAlternate,
    /// SMS sign-in without a mobile.
    NoMobile,
    /// The policy does not let the user sign in by SMS.
    SmsNotAllowed,
    /// The user would be left without a strong method.
    LastMethod {
        /// Whether the user's other methods are known.
        others_known: bool,
    },
}

impl Block {
    /// The `error_code` of a row that ends for it.
    #[must_use]
    pub const fn code(self) -> OwnCode {
        match self {
            Self::LastMethod { .. } => OwnCode::LastMethod,
            Self::OtherNumber(_)
            | Self::Masked(_)
            | Self::NoPhone(_)
            | Self::AlternateWithoutMobile
            | Self::MobileBesideAlternate
            | Self::NoMobile
            | Self::SmsNotAllowed => OwnCode::Blocked,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherNumber(phone_type) => {
                write!(f, "the user has another {phone_type} number; use set-phone to change it")
            }
            Self::Masked(phone_type) => write!(
                f,
                "the {phone_type} number is hidden from this role; sign in as Privileged Authentication Administrator"
            ),
            Self::NoPhone(phone_type) => {
                write!(f, "the user has no {phone_type} phone to update; use add-phone or set-phone")
            }
            Self::AlternateWithoutMobile => f.write_str(
                "an alternateMobile phone needs a mobile phone: put a row before it that adds the mobile",
            ),
            Self::MobileBesideAlternate => f.write_str(
                "the mobile cannot go before the alternateMobile: put a row before it that deletes the alternateMobile",
            ),
            Self::NoMobile => {
                f.write_str("SMS sign-in needs a mobile phone: put an add-phone row before it")
            }
            Self::SmsNotAllowed => {
                f.write_str("the user is not in the SMS policy, or \"use for sign-in\" is off there")
            }
            Self::LastMethod { others_known: true } => f.write_str(
                "the user would be left without a strong method; give another one first, or add --allow-last-method",
            ),
            Self::LastMethod { others_known: false } => f.write_str(
                "the user would be left without a phone, and this sign-in may not read other methods \
                 (UserAuthenticationMethod.Read.All); grant it, or add --allow-last-method",
            ),
        }
    }
}

/// Whether a user may be left without a strong method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastMethod {
    /// No.
    #[default]
    Kept,
    /// Yes.
    MayGo,
}

/// What an action would do to a user in this state; nothing where it is so already.
///
/// # Errors
/// Why it cannot be done, or shall not be.
pub fn foresee(action: &Action, state: &UserState, last_method: LastMethod) -> Result<Vec<Deed>, Block> {
    let deeds = match action {
        Action::ListMethods | Action::ListPhones => vec![Deed::Read],
        Action::ResetPassword(_) | Action::SetPassword(_) => vec![Deed::Reset],
        Action::AddPhone(phone) => add(phone, state)?,
        Action::UpdatePhone(phone) => update(phone, state)?,
        Action::SetPhone(phone) => set(phone, state)?,
        Action::DeletePhone(phone_type) => delete(*phone_type, state)?,
        Action::EnableSmsSignIn => enable(state)?,
        Action::DisableSmsSignIn => disable(state),
        Action::SetPhones(changes) => set_all(changes, state)?,
    };
    if last_method == LastMethod::Kept && takes_the_last(&deeds, state) {
        return Err(Block::LastMethod { others_known: state.other_strong.is_some() });
    }
    Ok(deeds)
}

fn takes_the_last(deeds: &[Deed], state: &UserState) -> bool {
    let mut after = state.clone();
    // On the way, too: what comes behind it may fail.
    deeds.iter().any(|deed| {
        deed.apply(&mut after);
        deed.kind() == Kind::Delete && after.has_no_strong_method()
    })
}

fn set_all(changes: &[PhoneChange], state: &UserState) -> Result<Vec<Deed>, Block> {
    let (mut state, mut deeds) = (state.clone(), Vec::new());
    for change in changes {
        let next = match change {
            PhoneChange::Set(phone) => set(phone, &state)?,
            PhoneChange::Delete(phone_type) => delete(*phone_type, &state)?,
        };
        for deed in &next {
            deed.apply(&mut state);
        }
        deeds.extend(next);
    }
    Ok(deeds)
}

fn add(phone: &Phone, state: &UserState) -> Result<Vec<Deed>, Block> {
    let Some(held) = state.phone(phone.phone_type) else { return create(phone, state) };
    match phone.number.compare(&held.number) {
        Comparison::Same => Ok(Vec::new()),
        Comparison::Different => Err(Block::OtherNumber(phone.phone_type)),
        Comparison::Masked => Err(Block::Masked(phone.phone_type)),
    }
}

fn update(phone: &Phone, state: &UserState) -> Result<Vec<Deed>, Block> {
    let held = state.phone(phone.phone_type).ok_or(Block::NoPhone(phone.phone_type))?;
    change(phone, held)
}

fn set(phone: &Phone, state: &UserState) -> Result<Vec<Deed>, Block> {
    match state.phone(phone.phone_type) {
        Some(held) => change(phone, held),
        None => create(phone, state),
    }
}

fn create(phone: &Phone, state: &UserState) -> Result<Vec<Deed>, Block> {
    if phone.phone_type == PhoneType::AlternateMobile && state.phone(PhoneType::Mobile).is_none() {
        return Err(Block::AlternateWithoutMobile);
    }
    Ok(vec![Deed::Create(phone.clone())])
}

fn change(phone: &Phone, held: &HeldPhone) -> Result<Vec<Deed>, Block> {
    match phone.number.compare(&held.number) {
        Comparison::Same => Ok(Vec::new()),
        Comparison::Different => Ok(vec![Deed::Change { phone: phone.clone(), was: held.clone() }]),
        Comparison::Masked => Err(Block::Masked(phone.phone_type)),
    }
}

fn delete(phone_type: PhoneType, state: &UserState) -> Result<Vec<Deed>, Block> {
    let Some(held) = state.phone(phone_type) else { return Ok(Vec::new()) };
    if phone_type == PhoneType::Mobile && state.phone(PhoneType::AlternateMobile).is_some() {
        return Err(Block::MobileBesideAlternate);
    }
    Ok(vec![Deed::Delete { phone_type, was: held.clone() }])
}

fn enable(state: &UserState) -> Result<Vec<Deed>, Block> {
    let held = state.phone(PhoneType::Mobile).ok_or(Block::NoMobile)?;
    match held.sms {
        SmsSignIn::Ready | SmsSignIn::NotConfigured => Ok(Vec::new()),
        SmsSignIn::NotAllowedByPolicy => Err(Block::SmsNotAllowed),
        SmsSignIn::Unknown
        | SmsSignIn::NotSupported
        | SmsSignIn::NotEnabled
        | SmsSignIn::PhoneNumberNotUnique => Ok(vec![Deed::Switch { on: true, was: held.clone() }]),
    }
}

fn disable(state: &UserState) -> Vec<Deed> {
    let held = state.phone(PhoneType::Mobile);
    let on = held.filter(|held| held.sms.is_on() || held.sms == SmsSignIn::Unknown);
    on.map(|held| Deed::Switch { on: false, was: held.clone() }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    //! Every action against every state that matters to it.

    use super::*;
    use crate::model::phone::PhoneNumber;
    use crate::model::secret::Secret;

    const OLD: &str = "+1 4255550100";
    const NEW: &str = "+1 4255550101";
    const MASKED: &str = "+1 ******0100";

    fn held(number: &str) -> HeldPhone {
        HeldPhone { number: number.into(), sms: SmsSignIn::Ready }
    }

    fn phone(phone_type: PhoneType, number: &str) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(number) }
    }

    /// A user with these phones and an authenticator.
    fn state(phones: &[(PhoneType, &str)]) -> UserState {
        let mut state = UserState { other_strong: Some(1), ..UserState::default() };
        for (phone_type, number) in phones {
            state.set(*phone_type, Some(held(number)));
        }
        state
    }

    fn switched(sms: SmsSignIn) -> UserState {
        let mut state = UserState { other_strong: Some(1), ..UserState::default() };
        state.set(PhoneType::Mobile, Some(HeldPhone { sms, ..held(OLD) }));
        state
    }

    fn seen(action: &Action, state: &UserState) -> Result<Kind, Block> {
        foresee(action, state, LastMethod::Kept).map(|deeds| kind(&deeds))
    }

    use PhoneType::{AlternateMobile, Mobile, Office};

    #[test]
    fn each_phone_action_does_what_the_state_leaves_to_do_or_says_why_it_cannot() {
        let new = |phone_type| phone(phone_type, NEW);
        let (add, update, set) = (Action::AddPhone, Action::UpdatePhone, Action::SetPhone);
        let cases = [
            (add(new(Mobile)), state(&[]), Ok(Kind::Create)),
            (add(new(Mobile)), state(&[(Mobile, NEW)]), Ok(Kind::Nothing)),
            (add(new(Mobile)), state(&[(Mobile, OLD)]), Err(Block::OtherNumber(Mobile))),
            (add(new(Mobile)), state(&[(Mobile, MASKED)]), Err(Block::Masked(Mobile))),
            (add(new(AlternateMobile)), state(&[]), Err(Block::AlternateWithoutMobile)),
            (add(new(AlternateMobile)), state(&[(Mobile, OLD)]), Ok(Kind::Create)),
            (update(new(Mobile)), state(&[]), Err(Block::NoPhone(Mobile))),
            (update(new(Mobile)), state(&[(Mobile, OLD)]), Ok(Kind::Change)),
            (update(new(Mobile)), state(&[(Mobile, NEW)]), Ok(Kind::Nothing)),
            (update(new(Mobile)), state(&[(Mobile, MASKED)]), Err(Block::Masked(Mobile))),
            (set(new(Office)), state(&[]), Ok(Kind::Create)),
            (set(new(Office)), state(&[(Office, OLD)]), Ok(Kind::Change)),
            (set(new(Office)), state(&[(Office, NEW)]), Ok(Kind::Nothing)),
            (set(new(Office)), state(&[(Office, MASKED)]), Err(Block::Masked(Office))),
            (set(new(AlternateMobile)), state(&[]), Err(Block::AlternateWithoutMobile)),
            (Action::DeletePhone(Mobile), state(&[]), Ok(Kind::Nothing)),
            (Action::DeletePhone(Mobile), state(&[(Mobile, MASKED)]), Ok(Kind::Delete)),
            (
                Action::DeletePhone(Mobile),
                state(&[(Mobile, OLD), (AlternateMobile, NEW)]),
                Err(Block::MobileBesideAlternate),
            ),
            (
                Action::DeletePhone(AlternateMobile),
                state(&[(Mobile, OLD), (AlternateMobile, NEW)]),
                Ok(Kind::Delete),
            ),
            (Action::ListMethods, state(&[]), Ok(Kind::Read)),
            (Action::ResetPassword(None), state(&[]), Ok(Kind::Reset)),
            (Action::SetPassword(Secret::new("Sample-4Rehearsal-1")), state(&[]), Ok(Kind::Reset)),
        ];
        for (action, state, wanted) in cases {
            assert_eq!(seen(&action, &state), wanted, "{action:?} {state:?}");
        }
    }

    #[test]
    fn sms_sign_in_is_switched_where_it_is_not_as_it_shall_be() {
        let cases = [
            (SmsSignIn::Ready, Ok(Kind::Nothing), Kind::Switch),
            (SmsSignIn::NotConfigured, Ok(Kind::Nothing), Kind::Switch),
            (SmsSignIn::NotEnabled, Ok(Kind::Switch), Kind::Nothing),
            (SmsSignIn::PhoneNumberNotUnique, Ok(Kind::Switch), Kind::Nothing),
            (SmsSignIn::NotAllowedByPolicy, Err(Block::SmsNotAllowed), Kind::Nothing),
            (SmsSignIn::NotSupported, Ok(Kind::Switch), Kind::Nothing),
            (SmsSignIn::Unknown, Ok(Kind::Switch), Kind::Switch),
        ];
        for (sms, enabled, disabled) in cases {
            assert_eq!(seen(&Action::EnableSmsSignIn, &switched(sms)), enabled, "{sms:?}");
            assert_eq!(seen(&Action::DisableSmsSignIn, &switched(sms)), Ok(disabled), "{sms:?}");
        }
        assert_eq!(seen(&Action::EnableSmsSignIn, &state(&[])), Err(Block::NoMobile));
        assert_eq!(seen(&Action::DisableSmsSignIn, &state(&[])), Ok(Kind::Nothing));
    }

    #[test]
    fn a_user_is_not_left_without_a_strong_method_unless_that_is_allowed() {
        let delete = Action::DeletePhone(Mobile);
        let alone = |other_strong| UserState { other_strong, ..state(&[(Mobile, OLD)]) };
        let beside = |other_strong| UserState { other_strong, ..state(&[(Mobile, OLD), (Office, NEW)]) };
        assert_eq!(seen(&delete, &alone(Some(0))), Err(Block::LastMethod { others_known: true }));
        assert_eq!(seen(&delete, &alone(None)), Err(Block::LastMethod { others_known: false }));
        assert_eq!(seen(&delete, &alone(Some(1))), Ok(Kind::Delete));
        assert_eq!(seen(&delete, &beside(Some(0))), Ok(Kind::Delete));
        assert_eq!(seen(&delete, &beside(None)), Ok(Kind::Delete));
        let allowed = foresee(&delete, &alone(Some(0)), LastMethod::MayGo).unwrap();
        assert_eq!(kind(&allowed), Kind::Delete);
        // One that deletes nothing takes nothing.
        let nobody = UserState { other_strong: Some(0), ..UserState::default() };
        assert_eq!(seen(&delete, &nobody), Ok(Kind::Nothing));
    }

    #[test]
    fn several_phones_of_a_row_are_foreseen_one_after_the_other_and_judged_by_what_is_left() {
        let only_phones = |phones| UserState { other_strong: Some(0), ..state(phones) };
        let swap = |changes: [PhoneChange; 2]| {
            foresee(&Action::SetPhones(changes.into()), &only_phones(&[(Mobile, OLD)]), LastMethod::Kept)
        };
        let (set, delete) = (PhoneChange::Set(phone(Office, NEW)), PhoneChange::Delete(Mobile));
        let deeds = swap([set.clone(), delete.clone()]).unwrap();
        assert_eq!(deeds.iter().map(Deed::kind).collect::<Vec<_>>(), [Kind::Create, Kind::Delete]);
        assert_eq!(kind(&deeds), Kind::Delete);
        // What comes behind may fail: nobody is without a method on the way either.
        assert_eq!(swap([delete, set]), Err(Block::LastMethod { others_known: true }));

        let both = [PhoneChange::Delete(AlternateMobile), PhoneChange::Delete(Mobile)];
        let had = only_phones(&[(Mobile, OLD), (AlternateMobile, NEW)]);
        assert_eq!(
            foresee(&Action::SetPhones(both.into()), &had, LastMethod::Kept),
            Err(Block::LastMethod { others_known: true })
        );

        let pair = [PhoneChange::Set(phone(Mobile, NEW)), PhoneChange::Set(phone(AlternateMobile, OLD))];
        let deeds = foresee(&Action::SetPhones(pair.into()), &state(&[]), LastMethod::Kept).unwrap();
        assert_eq!(deeds.len(), 2);
        assert_eq!(
            foresee(&Action::SetPhones(Box::default()), &state(&[]), LastMethod::Kept),
            Ok(Vec::new())
        );
    }

    #[test]
    fn what_was_foreseen_leaves_nothing_to_do_for_the_same_row() {
        let actions = [
            Action::AddPhone(phone(Mobile, NEW)),
            Action::SetPhone(phone(Mobile, NEW)),
            Action::SetPhone(phone(AlternateMobile, NEW)),
            Action::UpdatePhone(phone(Office, NEW)),
            Action::DeletePhone(Office),
        ];
        let states = [state(&[]), state(&[(Mobile, OLD)]), state(&[(Mobile, OLD), (Office, OLD)])];
        let mut done = 0;
        for (action, before) in
            actions.iter().flat_map(|action| states.iter().map(move |state| (action, state)))
        {
            let Ok(deeds) = foresee(action, before, LastMethod::Kept) else { continue };
            let mut after = before.clone();
            for deed in &deeds {
                deed.apply(&mut after);
            }
            assert_eq!(foresee(action, &after, LastMethod::Kept), Ok(Vec::new()), "{action:?} {before:?}");
            done += 1;
        }
        assert!(done > 8, "{done}");
    }
}
