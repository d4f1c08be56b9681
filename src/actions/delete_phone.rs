//! Removes a phone; gone already is as good.

use super::phones::{Reading, read_back};
use super::verdicts::{NewUserPatience, in_doubt, is_status, refused, stopped, unknown_user};
use crate::graph::call::{CallError, delete_phone as removal};
use crate::graph::session::Session;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::PhoneType;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// Removes the phone of a type. One that is not there is `unchanged`, but an unknown user is `failed`.
pub async fn delete_phone<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone_type: PhoneType,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    loop {
        let (failure, was_lost) = match session.call(removal(user, phone_type)).await {
            Ok(_) => return Outcome::new(Status::Succeeded, ""),
            // Also where it was an earlier session's answer that was lost.
            Err(CallError::Refused(failure)) => (failure, session.has_doubtful_write()),
            Err(CallError::Doubtful(failure)) => (failure, true),
            Err(CallError::Stopped) => return stopped(),
        };
        let may_be_explained = [400, 404, 409].iter().any(|status| is_status(&failure, *status));
        if !was_lost && !may_be_explained {
            return refused(failure);
        }
        // 404 is said of an unknown user and of a missing phone alike; 400 and 409 do not say why.
        match read_back(session, user).await {
            Ok(Reading::UnknownUser(failure)) if !new_user.waits(session).await => {
                return unknown_user(failure);
            }
            Ok(Reading::UnknownUser(_)) => {}
            Ok(Reading::Phones(phones)) if phones.of(phone_type).is_some() => {
                let holds_alternate = phones.of(PhoneType::AlternateMobile).is_some();
                return still_there(failure, phone_type, holds_alternate);
            }
            Ok(Reading::Phones(_)) if was_lost => {
                return Outcome::new(
                    Status::Succeeded,
                    "an answer was lost; reading back shows that it is gone",
                );
            }
            Ok(Reading::Phones(_)) => {
                return Outcome::new(Status::Unchanged, format!("the user has no {phone_type} phone"));
            }
            Err(_) if was_lost => return in_doubt(failure),
            Err(_) => return refused(failure),
        }
    }
}

fn still_there(failure: Failure, phone_type: PhoneType, holds_alternate: bool) -> Outcome {
    if phone_type == PhoneType::Mobile && holds_alternate {
        let hint = "the mobile cannot go before the alternateMobile: put a row before it that deletes the alternateMobile";
        return Outcome::failed(failure, hint);
    }
    if is_status(&failure, 400) || is_status(&failure, 409) {
        let hint =
            "Graph keeps this phone; most often it is the user's default method, which has to change first";
        return Outcome::failed(failure, hint);
    }
    refused(failure)
}
