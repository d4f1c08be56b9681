//! Reads a user's phones: what a permission for phones alone allows, too.

use super::phones::{Reading, read};
use super::verdicts::{ended, unknown_user};
use crate::graph::session::Session;
use crate::model::event::Event;
use crate::model::outcome::{Outcome, Status};
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// Reads them and tells the run.
pub async fn list_phones<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    row: RowNumber,
    user: &UserId,
) -> Outcome {
    let methods = match read(session, user).await {
        Ok(Reading::Phones(phones)) => phones.into_methods(),
        Ok(Reading::UnknownUser(failure)) => return unknown_user(failure),
        Err(error) => return ended(error),
    };
    session.graph().tell(Event::Listed { row, user: user.clone(), methods }).await;
    Outcome::new(Status::Succeeded, "")
}
