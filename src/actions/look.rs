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

/// What a look told besides the methods. It stands in the row's detail, where a plan that is concluded later finds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Graph's id of the user; `None` where accounts may not be read.
    pub object_id: Option<String>,
    /// The user principal name; `None` where the row has it, or accounts may not be read.
    pub name: Option<String>,
    /// How much was read.
    pub extent: Extent,
}

/// How much of a user was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// All methods.
    #[default]
    Methods,
    /// The phones alone: the others may not be read.
    Phones,
}

const OBJECT_ID: &str = "object id ";
const NAME: &str = "named ";
const PHONES_ONLY: &str = "only the phones may be read";

impl Seen {
    /// As a detail, for people.
    #[must_use]
    pub fn detail(&self) -> String {
        let id = self.object_id.as_ref().map(|id| format!("{OBJECT_ID}{id}"));
        let name = self.name.as_ref().map(|name| format!("{NAME}{name}"));
        let extent = match self.extent {
            Extent::Methods => None,
            Extent::Phones => Some(PHONES_ONLY.to_owned()),
        };
        id.into_iter().chain(name).chain(extent).collect::<Vec<_>>().join("; ")
    }

    /// Reads what [`Seen::detail`] gave.
    #[must_use]
    pub fn of(detail: &str) -> Self {
        let part = |begin| detail.split("; ").find_map(|part| part.strip_prefix(begin)).map(str::to_owned);
        let extent = if detail.ends_with(PHONES_ONLY) { Extent::Phones } else { Extent::Methods };
        Self { object_id: part(OBJECT_ID), name: part(NAME), extent }
    }
}

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
    let extent = if state.other_strong.is_some() { Extent::Methods } else { Extent::Phones };
    let mut seen = Seen { extent, ..Seen::default() };
    if sight.account == Asked::Yes {
        // Behind the methods, whose reading has patience for a user who was made a moment ago.
        match session.fetch::<StoredAccount>(look_at_account(user)).await {
            Ok(account) => {
                if let Some(failure) = unfit(&account) {
                    return Outcome::failed(failure, "");
                }
                // A name that none can be would not be found again in the detail.
                let name = UserId::new(&account.user_principal_name).ok();
                seen.name =
                    name.filter(|name| name.order_key() != user.order_key()).map(|name| name.to_string());
                seen.object_id = Some(account.id).filter(|id| !id.is_empty());
            }
            Err(CallError::Refused(failure)) if is_status(&failure, 403) => {}
            Err(error) => return ended(error),
        }
    }
    session.graph().tell(Event::Listed { row, user: user.clone(), methods }).await;
    Outcome::new(Status::Succeeded, seen.detail())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_from_the_detail_as_it_was_told() {
        for object_id in [None, Some("ed178e23-7447-4892-baf8-fc46f8af26ce".to_owned())] {
            for name in [None, Some("adele@contoso.com".to_owned())] {
                for extent in [Extent::Methods, Extent::Phones] {
                    let seen = Seen { object_id: object_id.clone(), name: name.clone(), extent };
                    assert_eq!(Seen::of(&seen.detail()), seen);
                }
            }
        }
        assert_eq!(Seen::default().detail(), "");
    }
}
