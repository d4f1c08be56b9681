//! Looks at a user for a plan: who it is, and what there is already. Reads only.

use super::conduct::{Asked, Sight};
use super::reading::{Depth, Had, read_user};
use super::verdicts::{ended, is_status};
use crate::graph::call::{CallError, look_at_account};
use crate::graph::session::Session;
use crate::graph::wire::StoredAccount;
use crate::model::error_code::OwnCode;
use crate::model::event::Event;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// The detail of a row whose user's other methods may not be read.
pub const PHONES_ONLY: &str = "only the phones may be read";

/// Tells the run what the user has. A user who is disabled or a guest is `failed`: nothing is planned for those.
pub async fn look<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    (row, user): (RowNumber, &UserId),
    sight: Sight,
) -> Outcome {
    let depth = match sight.methods {
        Asked::Yes => Depth::Methods,
        Asked::No => Depth::Phones,
    };
    let Had { methods, state } = match read_user(session, user, depth).await {
        Ok(had) => had,
        Err(outcome) => return outcome,
    };
    if sight.account == Asked::Yes {
        // Behind the methods, whose reading has patience for a user who was made a moment ago.
        match session.fetch::<StoredAccount>(look_at_account(user)).await {
            Ok(account) => {
                if let Some(failure) = unfit(&account) {
                    return Outcome::failed(failure, "");
                }
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 403) => {}
            Err(error) => return ended(error),
        }
    }
    session.graph().tell(Event::Listed { row, user: user.clone(), methods }).await;
    Outcome::new(Status::Succeeded, if state.other_strong.is_some() { "" } else { PHONES_ONLY })
}

/// Why nothing is planned for an account.
fn unfit(account: &StoredAccount) -> Option<Failure> {
    let (code, message) = if account.account_enabled == Some(false) {
        (OwnCode::Disabled, "the account is disabled")
    } else if account.user_type.eq_ignore_ascii_case("guest") {
        (OwnCode::Guest, "the user is a guest, whose methods are those of the home tenant")
    } else {
        return None;
    };
    Some(Failure::own(code, None, message))
}
