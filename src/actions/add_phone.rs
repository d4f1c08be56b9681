//! Adds a phone; an answer in doubt, or one that says that the phone exists, is settled by reading back.

use super::phones::{Reading, Standing, read_back_patiently};
use super::update_phone::settle_not_unique;
use super::verdicts::{
    NewUserPatience, confirmed, hidden_number, in_doubt, is_not_unique, is_status, needs_mobile,
    other_number, refused, stopped, unknown_user,
};
use crate::graph::call::{CallError, create_phone};
use crate::graph::session::Session;
use crate::graph::wire::StoredPhone;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{Phone, PhoneType};
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::{Response, Transport};

/// Adds a phone. The same number there already is `unchanged`, another one is `failed`.
pub async fn add_phone<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    let mut lost_answers = u32::from(session.has_doubtful_write());
    loop {
        match session.call(create_phone(user, phone)).await {
            Ok(response) => return Outcome::new(Status::Succeeded, sms_state(phone, &response)),
            Err(CallError::Refused(failure)) if is_status(&failure, 404) => {
                if !new_user.waits(session).await {
                    return unknown_user(failure);
                }
            }
            Err(CallError::Refused(failure)) if is_not_unique(&failure) => {
                return settle_not_unique(session, user, phone, failure).await;
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 409) || is_status(&failure, 400) => {
                let refusal = Refusal { failure, lost_answers, new_user };
                return explain(session, user, phone, refusal).await;
            }
            Err(CallError::Refused(failure)) => return refused(failure),
            // Also after lost answers: what was sent before was read back, and had not been applied.
            Err(CallError::Stopped) => return stopped(),
            Err(CallError::Doubtful(failure)) => {
                lost_answers += 1;
                session.pause_in_doubt(lost_answers).await;
                if let Some(outcome) = settle(session, (user, phone), failure, &mut new_user).await {
                    return outcome;
                }
            }
        }
    }
}

/// Finds out what a sending without a clear answer did; `None` where it was not applied and may be repeated.
async fn settle<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    (user, phone): (&UserId, &Phone),
    failure: Failure,
    new_user: &mut NewUserPatience,
) -> Option<Outcome> {
    match read_back_patiently(session, user, new_user).await {
        Ok(Reading::Phones(phones)) => match phones.standing(phone) {
            Standing::Same => Some(confirmed(phone)),
            Standing::Other => Some(other_number(failure, phone.phone_type)),
            Standing::Masked => Some(in_doubt(failure)),
            Standing::Absent if session.has_time() => None,
            Standing::Absent => Some(refused(failure)),
        },
        Ok(Reading::UnknownUser(_)) | Err(_) => Some(in_doubt(failure)),
    }
}

struct Refusal {
    failure: Failure,
    lost_answers: u32,
    new_user: NewUserPatience,
}

/// The codes for "exists already" are not documented, so the user's phones tell why it was refused.
async fn explain<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone: &Phone,
    Refusal { failure, lost_answers, mut new_user }: Refusal,
) -> Outcome {
    let phones = match read_back_patiently(session, user, &mut new_user).await {
        Ok(Reading::Phones(phones)) => phones,
        Ok(Reading::UnknownUser(_)) | Err(_) if lost_answers > 0 => return in_doubt(failure),
        Ok(Reading::UnknownUser(failure)) => return unknown_user(failure),
        Err(_) => return refused(failure),
    };
    let lacks_mobile = phones.of(PhoneType::Mobile).is_none();
    match phones.standing(phone) {
        Standing::Same if lost_answers > 0 => confirmed(phone),
        Standing::Same => Outcome::new(Status::Unchanged, "the user has this number already"),
        Standing::Masked if lost_answers > 0 => in_doubt(failure),
        Standing::Masked => hidden_number(failure, phone.phone_type),
        Standing::Other => other_number(failure, phone.phone_type),
        Standing::Absent if phone.phone_type == PhoneType::AlternateMobile && lacks_mobile => {
            needs_mobile(failure)
        }
        Standing::Absent => refused(failure),
    }
}

/// What the answer says about the mobile's SMS sign-in.
pub(super) fn sms_state(phone: &Phone, response: &Response) -> String {
    if phone.phone_type != PhoneType::Mobile {
        return String::new();
    }
    let stored: StoredPhone = serde_json::from_slice(&response.body).unwrap_or_default();
    match stored.sms_sign_in_state.as_str() {
        "" => String::new(),
        state => format!("SMS sign-in: {state}"),
    }
}
