//! Reads what a user has, as a whole: what plans and guards judge by.

use super::list_methods::read_all;
use super::phones::{Reading, read};
use super::verdicts::{NewUserPatience, ended, is_status, unknown_user};
use crate::graph::call::CallError;
use crate::graph::session::Session;
use crate::model::method::Method;
use crate::model::outcome::{Failure, Outcome};
use crate::model::user::UserId;
use crate::model::user_state::UserState;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The phones.
    Phones,
    /// All methods; where that is not allowed, the phones.
    Methods,
}

/// What a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    /// As Graph tells it, the phones alone where no more may be read.
    pub methods: Vec<Method>,
    /// The same as rows depend on it.
    pub state: UserState,
}

/// Reads it, with patience for a user who was made a moment ago.
///
/// # Errors
/// The end of a row whose user cannot be read.
pub async fn read_user<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    depth: Depth,
) -> Result<Had, Outcome> {
    let mut new_user = NewUserPatience::default();
    loop {
        match read_once(session, user, depth).await {
            Ok(had) => return Ok(had),
            Err(CallError::Refused(failure)) if is_status(&failure, 404) => {
                if !new_user.waits(session).await {
                    return Err(unknown_user(failure));
                }
            }
            Err(error) => return Err(ended(error)),
        }
    }
}

async fn read_once<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    depth: Depth,
) -> Result<Had, CallError> {
    if depth == Depth::Methods {
        match read_all(session, user).await {
            Ok(methods) => return Ok(Had { state: UserState::of_methods(&methods), methods }),
            // 400 says that the cloud's Graph knows no such list (China has the phones only).
            Err(CallError::Refused(failure)) if may_see_less(&failure) => {}
            Err(error) => return Err(error),
        }
    }
    match read(session, user).await? {
        Reading::Phones(phones) => {
            let methods = phones.into_methods();
            Ok(Had { state: UserState::of_phones(&methods), methods })
        }
        Reading::UnknownUser(failure) => Err(CallError::Refused(failure)),
    }
}

fn may_see_less(failure: &Failure) -> bool {
    is_status(failure, 403) || is_status(failure, 400)
}
