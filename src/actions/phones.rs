//! Reads a user's phones: what settles every doubt about them.

use super::verdicts::NewUserPatience;
use crate::graph::call::{CallError, list_phones};
use crate::graph::session::Session;
use crate::graph::wire::{Page, StoredPhone};
use crate::model::method::Method;
use crate::model::outcome::Failure;
use crate::model::phone::{Comparison, Phone, PhoneType};
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// The phones that a user has: at most one of each type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phones(Vec<StoredPhone>);

/// How a wanted phone stands to the stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The type has this number.
    Same,
    /// The type has another number.
    Other,
    /// The type has a number that this role may not see.
    Masked,
    /// The user has no phone of this type.
    Absent,
}

/// What reading told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The user's phones.
    Phones(Phones),
    /// Graph does not know the user.
    UnknownUser(Failure),
}

impl Phones {
    /// The phone of a type, told by its fixed id or its type's name.
    #[must_use]
    pub fn of(&self, phone_type: PhoneType) -> Option<&StoredPhone> {
        self.0.iter().find(|phone| {
            phone.id.eq_ignore_ascii_case(phone_type.method_id())
                || phone.phone_type.eq_ignore_ascii_case(phone_type.name())
        })
    }

    /// All of them, as methods.
    #[must_use]
    pub fn into_methods(self) -> Vec<Method> {
        self.0.into_iter().map(method).collect()
    }

    /// How `phone` stands to them.
    #[must_use]
    pub fn standing(&self, phone: &Phone) -> Standing {
        let Some(stored) = self.of(phone.phone_type) else { return Standing::Absent };
        match phone.number.compare(&stored.phone_number) {
            Comparison::Same => Standing::Same,
            Comparison::Different => Standing::Other,
            Comparison::Masked => Standing::Masked,
        }
    }
}

fn method(stored: StoredPhone) -> Method {
    Method {
        method_type: "phone".to_owned(),
        method_id: stored.id,
        phone_type: stored.phone_type,
        phone_number: stored.phone_number,
        sms_sign_in_state: stored.sms_sign_in_state,
        ..Method::default()
    }
}

/// Reads the phones before anything was written.
///
/// # Errors
/// As [`Session::fetch`]; 404 is a [`Reading`].
pub async fn read<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
) -> Result<Reading, CallError> {
    let answer = session.fetch(list_phones(user)).await;
    reading(answer)
}

/// Reads the phones after a write, to find out what it did: also while the run drains.
///
/// # Errors
/// As [`Session::fetch_to_settle`]; 404 is a [`Reading`].
pub async fn read_back<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
) -> Result<Reading, CallError> {
    let answer = session.fetch_to_settle(list_phones(user)).await;
    reading(answer)
}

/// Does what [`read_back`] does, and gives a user time who was made a moment ago: of one whom a replica does not know it
/// says nothing.
///
/// # Errors
/// As [`read_back`].
pub(super) async fn read_back_patiently<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    new_user: &mut NewUserPatience,
) -> Result<Reading, CallError> {
    loop {
        match read_back(session, user).await {
            Ok(Reading::UnknownUser(_)) if new_user.waits(session).await => {}
            told => return told,
        }
    }
}

fn reading(answer: Result<Page<StoredPhone>, CallError>) -> Result<Reading, CallError> {
    match answer {
        Ok(page) => Ok(Reading::Phones(Phones(page.value))),
        Err(CallError::Refused(failure)) if failure.http_status == Some(404) => {
            Ok(Reading::UnknownUser(failure))
        }
        Err(error) => Err(error),
    }
}
