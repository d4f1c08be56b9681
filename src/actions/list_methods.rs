//! Reads a user's methods.

use super::verdicts::{NewUserPatience, ended, is_status, unknown_user};
use crate::graph::call::{CallError, follow, list_methods as first_page};
use crate::graph::session::Session;
use crate::graph::wire::{Page, StoredMethod};
use crate::model::error_code::OwnCode;
use crate::model::event::Event;
use crate::model::method::Method;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// A user has a dozen methods at most; a list that goes on longer goes in a circle.
const MAX_PAGES: usize = 100;

/// Reads all pages and tells the run what they hold.
pub async fn list_methods<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    row: RowNumber,
    user: &UserId,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    let methods = loop {
        match read_all(session, user).await {
            Ok(methods) => break methods,
            Err(CallError::Refused(failure)) if is_status(&failure, 404) => {
                if !new_user.waits(session).await {
                    return unknown_user(failure);
                }
            }
            Err(error) => return ended(error),
        }
    };
    let detail = format!("{} method{}", methods.len(), if methods.len() == 1 { "" } else { "s" });
    session.graph().tell(Event::Listed { row, user: user.clone(), methods }).await;
    Outcome::new(Status::Succeeded, detail)
}

/// Reads all pages.
pub(super) async fn read_all<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
) -> Result<Vec<Method>, CallError> {
    let mut methods = Vec::new();
    let mut call = first_page(user);
    for _ in 0..MAX_PAGES {
        let page: Page<StoredMethod> = session.fetch(call).await?;
        methods.extend(page.value.into_iter().map(in_our_words));
        match page.next_link {
            None => return Ok(methods),
            Some(link) if !session.graph().root().owns(&link) => {
                return Err(unusable(OwnCode::ForeignNextLink, "the next page is not on the Graph root"));
            }
            Some(link) => call = follow(link),
        }
    }
    Err(unusable(OwnCode::EndlessList, "the list of methods does not end"))
}

fn unusable(code: OwnCode, message: &str) -> CallError {
    CallError::Refused(Failure::own(code, Some(200), message))
}

fn in_our_words(stored: StoredMethod) -> Method {
    let name = stored.odata_type.trim_start_matches("#microsoft.graph.");
    let detail = [stored.display_name, stored.model, stored.email_address];
    Method {
        method_type: name.strip_suffix("AuthenticationMethod").unwrap_or(name).to_owned(),
        method_id: stored.id,
        phone_type: stored.phone_type,
        phone_number: stored.phone_number,
        sms_sign_in_state: stored.sms_sign_in_state,
        created_at: stored.created_date_time,
        detail: detail.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
    }
}
