//! Changes the number of a phone in place.

use super::phones::{Reading, Standing, read_back, read_back_patiently};
use super::verdicts::{
    LATE_STORE, NewUserPatience, STORED_WITHOUT_SMS, confirmed, in_doubt, is_not_unique, is_status, refused,
    stopped, stored_after_all, unknown_user,
};
use crate::graph::call::{CallError, replace_number};
use crate::graph::session::Session;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{Phone, PhoneType};
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// Changes the number of a type that the user has; a type that is not there is `failed`.
pub async fn update_phone<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    loop {
        let failure = match session.call(replace_number(user, phone)).await {
            Ok(_) => return Outcome::new(Status::Succeeded, ""),
            Err(CallError::Refused(failure)) if is_not_unique(&failure) => {
                return settle_not_unique(session, user, phone, failure).await;
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 409) => {
                return explain_conflict(session, user, phone, failure).await;
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 404) => failure,
            Err(CallError::Refused(failure)) => return refused(failure),
            Err(CallError::Doubtful(failure)) => return settle(session, user, phone, failure).await,
            Err(CallError::Stopped) => return stopped(),
        };
        // 404 is said of an unknown user and of a missing phone alike.
        match read_back(session, user).await {
            Ok(Reading::UnknownUser(failure)) if !new_user.waits(session).await => {
                return unknown_user(failure);
            }
            Ok(Reading::UnknownUser(_)) => {}
            Ok(Reading::Phones(_)) => return no_phone(failure, phone.phone_type),
            Err(_) => return refused(failure),
        }
    }
}

/// A conflict may be about SMS sign-in alone, whatever its code: then the number stands.
async fn explain_conflict<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
    failure: Failure,
) -> Outcome {
    match read_back(session, user).await {
        Ok(Reading::Phones(phones)) if phones.standing(phone) == Standing::Same => stored_after_all(phone),
        Ok(_) | Err(_) => refused(failure),
    }
}

/// The number was stored, as a rule: only its registration for SMS sign-in was refused.
pub(super) async fn settle_not_unique<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
    failure: Failure,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    for wait in [None, Some(LATE_STORE)] {
        if let Some(wait) = wait {
            session.pause_to_settle(wait).await;
        }
        match read_back_patiently(session, user, &mut new_user).await {
            Ok(Reading::Phones(phones)) => match phones.standing(phone) {
                Standing::Same => return Outcome::new(Status::Succeeded, STORED_WITHOUT_SMS),
                Standing::Masked => return in_doubt(failure),
                Standing::Other | Standing::Absent => {}
            },
            Ok(Reading::UnknownUser(_)) | Err(_) => return in_doubt(failure),
        }
    }
    refused(failure)
}

/// Finds out what lost answers did, once the row's time to ask again is used up.
pub(super) async fn settle<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
    failure: Failure,
) -> Outcome {
    match read_back_patiently(session, user, &mut NewUserPatience::default()).await {
        Ok(Reading::Phones(phones)) => match phones.standing(phone) {
            Standing::Same => confirmed(phone),
            Standing::Masked => in_doubt(failure),
            Standing::Other | Standing::Absent => refused(failure),
        },
        Ok(Reading::UnknownUser(_)) | Err(_) => in_doubt(failure),
    }
}

fn no_phone(failure: Failure, phone_type: PhoneType) -> Outcome {
    Outcome::failed(
        failure,
        format!("the user has no {phone_type} phone to update; use add-phone or set-phone"),
    )
}
