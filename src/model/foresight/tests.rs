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
    let swap = [PhoneChange::Delete(Mobile), PhoneChange::Set(phone(Office, NEW))];
    let deeds =
        foresee(&Action::SetPhones(swap.into()), &only_phones(&[(Mobile, OLD)]), LastMethod::Kept).unwrap();
    assert_eq!(deeds.iter().map(Deed::kind).collect::<Vec<_>>(), [Kind::Delete, Kind::Create]);
    assert_eq!(kind(&deeds), Kind::Delete);

    let both = [PhoneChange::Delete(AlternateMobile), PhoneChange::Delete(Mobile)];
    let had = only_phones(&[(Mobile, OLD), (AlternateMobile, NEW)]);
    assert_eq!(
        foresee(&Action::SetPhones(both.into()), &had, LastMethod::Kept),
        Err(Block::LastMethod { others_known: true })
    );

    let pair = [PhoneChange::Set(phone(Mobile, NEW)), PhoneChange::Set(phone(AlternateMobile, OLD))];
    let deeds = foresee(&Action::SetPhones(pair.into()), &state(&[]), LastMethod::Kept).unwrap();
    assert_eq!(deeds.len(), 2);
    assert_eq!(foresee(&Action::SetPhones(Box::default()), &state(&[]), LastMethod::Kept), Ok(Vec::new()));
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
    for (action, before) in actions.iter().flat_map(|action| states.iter().map(move |state| (action, state)))
    {
        let Ok(deeds) = foresee(action, before, LastMethod::Kept) else { continue };
        let mut after = before.clone();
        deeds.iter().for_each(|deed| deed.apply(&mut after));
        assert_eq!(foresee(action, &after, LastMethod::Kept), Ok(Vec::new()), "{action:?} {before:?}");
        done += 1;
    }
    assert!(done > 8, "{done}");
}
