//! Resets a password: begins it here; `follow` asks how its operation stands.

use std::time::Duration;

use tokio::time::Instant;

use super::verdicts::{NewUserPatience, ended, is_status, unknown_user};
use crate::graph::call::{self, CallError};
use crate::graph::session::Session;
use crate::graph::wire::StoredOperation;
use crate::model::error_code::OwnCode;
use crate::model::event::Event;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::row::RowNumber;
use crate::model::secret::Secret;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::{Response, Transport};

/// Right after a reset its operation may be unknown for a moment; so many 404s in a row are borne.
pub const TOLERATED_UNKNOWN: u32 = 5;

/// Begins a reset. Its end is the operation's; an `Err` is a row that has ended already.
///
/// # Errors
/// The outcome of a reset that was not accepted, or whose operation cannot be followed.
pub async fn begin_reset<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    row: RowNumber,
    user: &UserId,
    password: Option<&Secret>,
) -> Result<Operation, Outcome> {
    let mut new_user = NewUserPatience::default();
    loop {
        match session.call(call::reset_password(user, password)).await {
            Ok(response) => return accepted(session, row, user, &response).await,
            Err(CallError::Refused(failure)) if is_status(&failure, 404) => {
                if !new_user.waits(session).await {
                    return Err(unknown_user(failure));
                }
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 403) => return Err(not_allowed(failure)),
            Err(CallError::Doubtful(failure)) if password.is_none() => {
                let hint = "Graph may have made up a password that nobody has seen: reset it again";
                return Err(Outcome::unknown(failure, hint));
            }
            Err(error) => return Err(ended(error)),
        }
    }
}

fn not_allowed(failure: Failure) -> Outcome {
    let hint = "a password reset needs a signed-in admin (a delegated token) with the permission \
                UserAuthenticationMethod.ReadWrite.All and the role Authentication Administrator, or Privileged \
                Authentication Administrator for admins; an app alone cannot do it";
    Outcome::failed(failure, hint)
}

async fn accepted<T: Transport, C: Credential>(
    session: &Session<'_, T, C>,
    row: RowNumber,
    user: &UserId,
    response: &Response,
) -> Result<Operation, Outcome> {
    let url = response.headers.location.clone().unwrap_or_default();
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let id = path.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or_default().to_owned();
    let operation = Operation {
        row,
        user: user.clone(),
        id,
        url,
        status: OperationStatus::NotStarted,
        status_detail: String::new(),
        created_at: String::new(),
        last_action_at: String::new(),
        accepted_at: Instant::now(),
        finished_at: None,
        polls: 0,
        follows_doubt: session.has_doubtful_write(),
        may_be_overtaken: false,
        retry_after: session.graph().asked_pause(response),
    };
    let hint = "the password was most likely set; it could not be followed";
    let end = if operation.url.is_empty() {
        let message = "the reset was accepted without the address of its operation";
        Outcome::unknown(ours(response.status, OwnCode::NoOperationUrl, message), hint)
    } else if session.graph().root().owns(&operation.url) {
        return Ok(operation);
    } else {
        Outcome::failed(Failure { http_status: Some(response.status), ..foreign() }, hint)
    };
    unfollowable(session, operation).await;
    Err(end)
}

/// Tells of an operation that begins and is given up at once.
async fn unfollowable<T: Transport, C: Credential>(session: &Session<'_, T, C>, operation: Operation) {
    session.graph().tell(Event::Accepted(Box::new(operation.clone()))).await;
    let finished_at = Some(operation.accepted_at);
    let given_up = Operation { status: OperationStatus::TimedOut, finished_at, ..operation };
    session.graph().tell(Event::Closed(Box::new(given_up))).await;
}

/// How one look at an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It was seen; its status is noted in the operation.
    Seen {
        /// The pause that the answer asked for.
        retry_after: Option<Duration>,
    },
    /// Graph does not know it: at first, that passes.
    NotFound(Failure),
    /// It could not be seen this time.
    Unseen(Failure),
    /// Graph will not show it.
    Refused(Failure),
    /// The run stops.
    Stopped,
}

/// Looks at the operation once and notes in it what Graph says. The status decides, not the HTTP status:
/// Graph's own sample answers 202 for a finished one.
pub async fn look<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    operation: &mut Operation,
) -> Look {
    // Also one that a journal kept: whoever was killed right after the reset could not say what to think of it.
    if !session.graph().root().owns(&operation.url) {
        return Look::Refused(foreign());
    }
    operation.polls += 1;
    let response = match session.call(call::follow(operation.url.clone())).await {
        Ok(response) => response,
        Err(CallError::Refused(failure)) => {
            return match failure.http_status {
                Some(404) => Look::NotFound(failure),
                Some(429) | None => Look::Unseen(failure),
                Some(_) => Look::Refused(failure),
            };
        }
        Err(CallError::Doubtful(failure)) => return Look::Unseen(failure),
        Err(CallError::Stopped) => return Look::Stopped,
    };
    let Ok(stored) = serde_json::from_slice::<StoredOperation>(&response.body) else {
        return Look::Unseen(ours(
            response.status,
            OwnCode::UnreadableAnswer,
            "the operation could not be understood",
        ));
    };
    operation.status = status(&stored.status);
    operation.status_detail = stored.status_detail;
    operation.created_at = stored.created_date_time;
    operation.last_action_at = stored.last_action_date_time;
    Look::Seen { retry_after: session.graph().asked_pause(&response) }
}

/// Older pages write the status with a capital. What is not known is not an end.
fn status(text: &str) -> OperationStatus {
    let known = [
        OperationStatus::NotStarted,
        OperationStatus::Running,
        OperationStatus::Succeeded,
        OperationStatus::Failed,
    ];
    known
        .into_iter()
        .find(|status| text.eq_ignore_ascii_case(status.name()))
        .unwrap_or(OperationStatus::Running)
}

/// How the row ends with its operation.
#[must_use]
pub fn outcome(operation: &Operation) -> Outcome {
    match operation.status {
        OperationStatus::Succeeded => Outcome::new(Status::Succeeded, operation.status_detail.clone()),
        OperationStatus::Failed => {
            let detail = &operation.status_detail;
            let message = if detail.is_empty() { "the reset failed; Graph does not say why" } else { detail };
            Outcome::failed(Failure::own(OwnCode::OperationFailed, None, message), "")
        }
        OperationStatus::NotStarted | OperationStatus::Running | OperationStatus::TimedOut => {
            Outcome::new(Status::Pending, "accepted, but not ended when the run stopped waiting")
        }
    }
}

fn foreign() -> Failure {
    let message = "the address of the reset's operation is not on the Graph root; no token was sent there";
    Failure::own(OwnCode::ForeignOperationUrl, None, message)
}

fn ours(http_status: u16, code: OwnCode, message: &str) -> Failure {
    Failure::own(code, Some(http_status), message)
}
