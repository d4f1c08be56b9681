//! Sets a password in the user's profile: the way for an app alone, which Graph gives no reset.

use super::verdicts::{NewUserPatience, ended, is_status, unknown_user};
use crate::graph::call::{self, CallError};
use crate::graph::session::Session;
use crate::model::outcome::{Outcome, Status};
use crate::model::secret::Secret;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// Sets the password, which the user must change at the next sign-in, as after a reset. There is no operation to follow.
pub async fn set_password<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    password: &Secret,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    loop {
        match session.call(call::set_password(user, password)).await {
            Ok(_) => return Outcome::new(Status::Succeeded, "set in the user's profile"),
            Err(CallError::Refused(failure)) if is_status(&failure, 404) => {
                if !new_user.waits(session).await {
                    return unknown_user(failure);
                }
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 403) => {
                let hint = "a password in the profile needs the permission User-PasswordProfile.ReadWrite.All and the \
                            role User Administrator, for an app on its service principal; more for holders of admin roles";
                return Outcome::failed(failure, hint);
            }
            Err(error) => return ended(error),
        }
    }
}
