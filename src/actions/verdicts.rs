//! Outcomes and hints that several actions share.

use std::time::Duration;

use crate::graph::call::CallError;
use crate::graph::session::Session;
use crate::model::error_code::OwnCode;
use crate::model::outcome::{Failure, NUMBER_NOT_UNIQUE, Outcome, Status};
use crate::model::phone::{Phone, PhoneType};
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// What people are told of a number that is not unique.
pub(super) const STORED_WITHOUT_SMS: &str = "the number was stored; SMS sign-in was not registered (phoneNumberNotUnique): another user signs in with this number";

/// How long to wait before a stored number is looked for again (as production runbooks do).
pub(super) const LATE_STORE: Duration = Duration::from_secs(5);

/// A user who was made a moment ago may be unknown to some replicas: wait so long before each further try.
const NEW_USER_WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

pub(super) fn is_not_unique(failure: &Failure) -> bool {
    failure.code.eq_ignore_ascii_case(NUMBER_NOT_UNIQUE)
}

pub(super) const fn is_status(failure: &Failure, status: u16) -> bool {
    matches!(failure.http_status, Some(code) if code == status)
}

/// The row's end for a call that needs no reading back.
pub(super) fn ended(error: CallError) -> Outcome {
    match error {
        CallError::Refused(failure) => refused(failure),
        CallError::Doubtful(failure) => in_doubt(failure),
        CallError::Stopped => stopped(),
    }
}

pub(super) fn refused(failure: Failure) -> Outcome {
    let hint = hint(&failure);
    Outcome::failed(failure, hint)
}

pub(crate) fn stopped() -> Outcome {
    Outcome::new(Status::Unprocessed, "the run stopped first")
}

pub(crate) fn in_doubt(failure: Failure) -> Outcome {
    Outcome::unknown(failure, "it may have been done; run this row again, or look at the user")
}

/// The end of a row that may have been done by a sending that nothing can be read back of, however a later one ended.
pub(super) fn still_in_doubt(outcome: Outcome) -> Outcome {
    match outcome.status {
        Status::Failed | Status::Unprocessed => in_doubt(outcome.failure.unwrap_or_else(interrupted)),
        Status::Succeeded | Status::Unchanged | Status::Unknown | Status::Pending => outcome,
    }
}

/// What is said where an earlier session of the run broke off between a write and its answer.
pub(crate) fn interrupted() -> Failure {
    let message = "an earlier session of the run ended before the answer to a write was noted";
    Failure::own(OwnCode::Interrupted, None, message)
}

pub(super) fn unknown_user(failure: Failure) -> Outcome {
    Outcome::failed(failure, "no such user in this tenant: check the spelling, or use the object id")
}

pub(super) fn other_number(failure: Failure, phone_type: PhoneType) -> Outcome {
    Outcome::failed(failure, format!("the user has another {phone_type} number; use set-phone to change it"))
}

pub(super) fn hidden_number(failure: Failure, phone_type: PhoneType) -> Outcome {
    let hint = format!(
        "the user has a {phone_type} phone whose number is hidden from this role; use set-phone, \
         or sign in as Privileged Authentication Administrator"
    );
    Outcome::failed(failure, hint)
}

pub(super) fn needs_mobile(failure: Failure) -> Outcome {
    Outcome::failed(
        failure,
        "an alternateMobile phone needs a mobile phone: put a row before it that adds the mobile",
    )
}

pub(super) fn confirmed(phone: &Phone) -> Outcome {
    Outcome::new(
        Status::Succeeded,
        format!("the answer was lost; reading back shows that {} is stored", phone.phone_type),
    )
}

/// A write was refused, and yet what it asked for stands.
pub(super) fn stored_after_all(phone: &Phone) -> Outcome {
    Outcome::new(
        Status::Succeeded,
        format!("the write was refused, and yet reading back shows that {} is stored", phone.phone_type),
    )
}

fn hint(failure: &Failure) -> &'static str {
    match failure.http_status {
        Some(403) => {
            "not allowed: needs the permission UserAuthMethod-Phone.ReadWrite.All or \
             UserAuthenticationMethod.ReadWrite.All and, when signed in as a person, the role Authentication \
             Administrator (Privileged Authentication Administrator for admins)"
        }
        Some(429) => "the tenant asked for less until this row's time was used up; run it again later",
        None if failure.code == OwnCode::NotSent.name() => {
            "no connection could be made until this row's time was used up"
        }
        _ => "",
    }
}

/// Tries again where Graph does not know the user: one who was made a moment ago may be known in a moment.
#[derive(Debug, Default)]
pub(super) struct NewUserPatience {
    tried: usize,
}

impl NewUserPatience {
    /// Waits; `false` where the user has been given enough time, or the run stops.
    pub(super) async fn waits<T: Transport, C: Credential>(
        &mut self,
        session: &mut Session<'_, T, C>,
    ) -> bool {
        let Some(wait) = NEW_USER_WAITS.get(self.tried) else { return false };
        self.tried += 1;
        session.pause(*wait).await
    }
}
