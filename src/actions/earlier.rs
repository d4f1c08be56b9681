//! Finds out what an earlier session of the run did about a row, before anything is sent for it again.

use super::phones::{Phones, Reading, Standing, read_back};
use super::sms_sign_in::{Wanted, holds, state_told};
use super::verdicts::{confirmed, in_doubt, interrupted, other_number};
use crate::graph::call::CallError;
use crate::graph::session::Session;
use crate::model::action::Action;
use crate::model::outcome::{Outcome, Status};
use crate::model::phone::{Phone, PhoneType};
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// How a row ends that may have been written by a session that broke off; `None` where it is still to be done.
pub async fn settle_earlier<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    action: &Action,
) -> Option<Outcome> {
    match action {
        // A second reset to the same password harms nobody, and there is nothing to be read back. Each of several
        // phones is looked at when its turn comes.
        Action::ListMethods
        | Action::ListPhones
        | Action::ResetPassword(Some(_))
        | Action::SetPassword(_)
        | Action::SetPhones(_) => None,
        Action::ResetPassword(None) => {
            let hint = "Graph may have made up a password that nobody has seen: reset it again";
            Some(Outcome::unknown(interrupted(), hint))
        }
        Action::AddPhone(phone) => {
            let is_judged = |phones: &Phones| match phones.standing(phone) {
                Standing::Same => Some(confirmed(phone)),
                Standing::Other => Some(other_number(interrupted(), phone.phone_type)),
                Standing::Masked => Some(in_doubt(interrupted())),
                Standing::Absent => None,
            };
            judged(read_back(session, user).await, is_judged)
        }
        Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
            judged(read_back(session, user).await, |phones| stands(phones, phone))
        }
        Action::DeletePhone(phone_type) => {
            judged(read_back(session, user).await, |phones| is_gone(phones, *phone_type))
        }
        Action::EnableSmsSignIn => {
            judged(read_back(session, user).await, |phones| is_switched(phones, Wanted::On))
        }
        Action::DisableSmsSignIn => {
            judged(read_back(session, user).await, |phones| is_switched(phones, Wanted::Off))
        }
    }
}

fn judged(
    reading: Result<Reading, CallError>,
    judge: impl FnOnce(&Phones) -> Option<Outcome>,
) -> Option<Outcome> {
    match reading {
        Ok(Reading::Phones(phones)) => judge(&phones),
        // A user who is not known yet: the action itself has patience.
        Ok(Reading::UnknownUser(_)) => None,
        Err(_) => Some(in_doubt(interrupted())),
    }
}

fn stands(phones: &Phones, phone: &Phone) -> Option<Outcome> {
    (phones.standing(phone) == Standing::Same).then(|| confirmed(phone))
}

fn is_gone(phones: &Phones, phone_type: PhoneType) -> Option<Outcome> {
    let gone = || Outcome::new(Status::Succeeded, "an answer was lost; reading back shows that it is gone");
    phones.of(phone_type).is_none().then(gone)
}

fn is_switched(phones: &Phones, wanted: Wanted) -> Option<Outcome> {
    let state = &phones.of(PhoneType::Mobile)?.sms_sign_in_state;
    holds(wanted, state).then(|| Outcome::new(Status::Succeeded, state_told(state)))
}
