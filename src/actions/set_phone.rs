//! Whatever it takes so that a type has a number: never delete and add, so the user is never without a phone.

use std::ops::ControlFlow;

use tokio::time::Instant;

use super::add_phone::sms_state;
use super::phones::{Phones, Reading, Standing, read, read_back};
use super::update_phone::{settle, settle_not_unique};
use super::verdicts::{
    NewUserPatience, confirmed, ended, in_doubt, interrupted, is_not_unique, is_status, needs_mobile,
    refused, still_in_doubt, stopped, stored_after_all, unknown_user,
};
use crate::graph::call::{CallError, create_phone, replace_number};
use crate::graph::session::Session;
use crate::model::event::BeforeImage;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{Phone, PhoneType};
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::{Response, Transport};

/// So many times the phones may change under our hands (404 for what was read, "exists" for what was not).
const MAX_SURPRISES: u32 = 3;

/// What went wrong so far.
#[derive(Default)]
struct SoFar {
    /// The last answer that left open what its write did.
    doubt: Option<Failure>,
    /// Whether reading back could not show what such a write did, since the number is hidden from this role.
    is_hidden: bool,
    lost_answers: u32,
    surprises: u32,
    /// Whether what is going to be changed was told.
    is_found: bool,
}

/// Reads first, so that a nightly run writes nothing where nothing drifted.
pub async fn set_phone<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    row: RowNumber,
    user: &UserId,
    phone: &Phone,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    let doubt = session.has_doubtful_write().then(interrupted);
    let mut so_far = SoFar { doubt, ..SoFar::default() };
    let mut reading = read(session, user).await;
    loop {
        let phones = match reading {
            Ok(Reading::Phones(phones)) => phones,
            Ok(Reading::UnknownUser(failure)) => {
                if !new_user.waits(session).await {
                    return so_far.doubt.map_or_else(|| unknown_user(failure), in_doubt);
                }
                reading = read_back(session, user).await;
                continue;
            }
            Err(error) => return so_far.doubt.map_or_else(|| ended(error), in_doubt),
        };
        if !so_far.is_found && phones.standing(phone) != Standing::Same {
            so_far.is_found = true;
            // Also behind a session that broke off: what it did not find it has not written.
            session.tell_found(before_image(row, phone, &phones)).await;
        }
        so_far.is_hidden = so_far.doubt.is_some() && phones.standing(phone) == Standing::Masked;
        let answer = match write(session, user, phone, &phones).await {
            None if so_far.doubt.is_some() => return confirmed(phone),
            None if so_far.is_found => return stored_after_all(phone),
            None => return Outcome::new(Status::Unchanged, "the user has this number already"),
            Some(answer) => answer,
        };
        let failure = match weigh(session, (user, phone), answer, &mut so_far).await {
            ControlFlow::Break(outcome) if so_far.is_hidden => return still_in_doubt(outcome),
            ControlFlow::Break(outcome) => return outcome,
            ControlFlow::Continue(failure) => failure,
        };
        reading = read_back(session, user).await;
        if let Ok(Reading::Phones(now)) = &reading
            && *now == phones
            && so_far.doubt.is_none()
        {
            // It is as it was: the refusal has another reason, and asking again would hear it again.
            return refusal(failure, phone, &phones);
        }
    }
}

fn before_image(row: RowNumber, phone: &Phone, phones: &Phones) -> BeforeImage {
    let stored = phones.of(phone.phone_type);
    BeforeImage {
        row,
        phone_type: phone.phone_type,
        phone_number: stored.map(|stored| stored.phone_number.clone()),
        sms_sign_in_state: stored.map_or_else(String::new, |stored| stored.sms_sign_in_state.clone()),
        read_at: Instant::now(),
    }
}

/// `Continue` where the phones have to be looked at once more.
async fn weigh<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    (user, phone): (&UserId, &Phone),
    answer: Result<Response, CallError>,
    so_far: &mut SoFar,
) -> ControlFlow<Outcome, Failure> {
    match answer {
        Ok(response) => ControlFlow::Break(Outcome::new(Status::Succeeded, sms_state(phone, &response))),
        // What was sent before was read back: it had not been applied, or its number is hidden.
        Err(CallError::Stopped) => ControlFlow::Break(stopped()),
        Err(CallError::Refused(failure)) if is_not_unique(&failure) => {
            ControlFlow::Break(settle_not_unique(session, user, phone, failure).await)
        }
        Err(CallError::Refused(failure)) => {
            so_far.surprises += 1;
            let may_be_surprise = [400, 404, 409].iter().any(|status| is_status(&failure, *status));
            if may_be_surprise && so_far.surprises <= MAX_SURPRISES {
                ControlFlow::Continue(failure)
            } else {
                ControlFlow::Break(refused(failure))
            }
        }
        Err(CallError::Doubtful(failure)) => {
            so_far.lost_answers += 1;
            session.pause_in_doubt(so_far.lost_answers).await;
            if !session.has_time() {
                return ControlFlow::Break(settle(session, user, phone, failure).await);
            }
            so_far.doubt = Some(failure.clone());
            ControlFlow::Continue(failure)
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
