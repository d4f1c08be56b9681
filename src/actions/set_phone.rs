//! Whatever it takes so that a type has a number: never delete and add, so the user is never without a phone.

use super::add_phone::sms_state;
use super::phones::{Phones, Reading, Standing, read, read_back};
use super::update_phone::{settle, settle_not_unique};
use super::verdicts::{
    NewUserPatience, confirmed, in_doubt, is_not_unique, is_status, needs_mobile, refused, stopped,
    unknown_user,
};
use crate::graph::call::{CallError, create_phone, replace_number};
use crate::graph::session::Session;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{Phone, PhoneType};
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::{Response, Transport};

/// So many times the phones may change under our hands (404 for what was read, "exists" for what was not).
const MAX_SURPRISES: u32 = 3;

/// Reads first, so that a nightly run writes nothing where nothing drifted.
pub async fn set_phone<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    let mut reading = read(session, user).await;
    let mut lost_answers = 0;
    let mut surprises = 0;
    loop {
        let phones = match reading {
            Ok(Reading::Phones(phones)) => phones,
            Ok(Reading::UnknownUser(failure)) => {
                if !new_user.waits(session).await {
                    return unknown_user(failure);
                }
                reading = read(session, user).await;
                continue;
            }
            Err(CallError::Refused(failure)) if lost_answers == 0 => return refused(failure),
            Err(CallError::Refused(failure) | CallError::Doubtful(failure)) => return in_doubt(failure),
            Err(CallError::Stopped) => return stopped(),
        };
        let failure = match write(session, user, phone, &phones).await {
            None if lost_answers > 0 => return confirmed(phone),
            None => return Outcome::new(Status::Unchanged, "the user has this number already"),
            Some(Ok(response)) => return Outcome::new(Status::Succeeded, sms_state(phone, &response)),
            Some(Err(CallError::Stopped)) => return stopped(),
            Some(Err(CallError::Refused(failure))) => {
                surprises += 1;
                let by_surprise =
                    is_status(&failure, 404) || is_status(&failure, 409) || is_status(&failure, 400);
                if is_not_unique(&failure) {
                    return settle_not_unique(session, user, phone, failure).await;
                } else if !by_surprise || surprises > MAX_SURPRISES {
                    return refusal(failure, phone, &phones);
                }
                failure
            }
            Some(Err(CallError::Doubtful(failure))) => {
                lost_answers += 1;
                session.pause_in_doubt(lost_answers).await;
                if !session.has_time() {
                    return settle(session, user, phone, failure).await;
                }
                failure
            }
        };
        reading = read_back(session, user).await;
        if let Ok(Reading::Phones(now)) = &reading
            && *now == phones
            && lost_answers == 0
        {
            // It is as it was: the refusal has another reason, and asking again would hear it again.
            return refusal(failure, phone, &phones);
        }
    }
}

/// Writes what is missing; `None` where nothing is.
async fn write<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
    phones: &Phones,
) -> Option<Result<Response, CallError>> {
    match phones.standing(phone) {
        Standing::Same => None,
        Standing::Absent => Some(session.call(create_phone(user, phone)).await),
        Standing::Other | Standing::Masked => Some(session.call(replace_number(user, phone)).await),
    }
}

fn refusal(failure: Failure, phone: &Phone, phones: &Phones) -> Outcome {
    if phone.phone_type == PhoneType::AlternateMobile && phones.of(PhoneType::Mobile).is_none() {
        needs_mobile(failure)
    } else {
        refused(failure)
    }
}
