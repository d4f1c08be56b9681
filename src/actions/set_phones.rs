//! Brings several phones of one user to what one row says, one after the other; the row has one end.

use super::delete_phone::delete_phone;
use super::earlier::settle_earlier;
use super::set_phone::set_phone;
use crate::graph::session::Session;
use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{PhoneChange, PhoneType};
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// Makes the changes in their order. The first that is not done ends the row: those behind it may depend on it, and a
/// further run does the whole row again, in which what is done already is `unchanged`.
pub async fn set_phones<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    row: RowNumber,
    user: &UserId,
    changes: &[PhoneChange],
) -> Outcome {
    let was_in_doubt = session.has_doubtful_write();
    let mut done = Outcome::new(Status::Unchanged, "");
    let mut told = Vec::with_capacity(changes.len());
    for (change, rest) in changes.iter().zip((1..).map(|next| &changes[next..])) {
        let outcome = match change {
            PhoneChange::Set(phone) => set_phone(session, row, user, phone).await,
            PhoneChange::Delete(phone_type) => remove(session, user, *phone_type, was_in_doubt).await,
        };
        told.push(part(change, &outcome));
        if !outcome.status.is_done() {
            told.extend(rest.iter().map(|change| format!("{}: not tried", change.phone_type())));
            let outcome = match (done.status, outcome.status) {
                (Status::Succeeded, Status::Unprocessed) => Outcome::unknown(stopped_between(), ""),
                _ => outcome,
            };
            return Outcome { detail: told.join("; "), ..outcome };
        }
        if outcome.status == Status::Succeeded {
            done.status = Status::Succeeded;
        }
        if !was_in_doubt {
            // Reading back has settled it: the next phone's write is another one.
            session.settle_doubt();
        }
    }
    let detail = if told.is_empty() { "the row names no phone".to_owned() } else { told.join("; ") };
    Outcome { detail, ..done }
}

/// A phone that an earlier session may have removed already is not removed again.
async fn remove<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    phone_type: PhoneType,
    was_in_doubt: bool,
) -> Outcome {
    if was_in_doubt
        && let Some(outcome) = settle_earlier(session, user, &Action::DeletePhone(phone_type)).await
    {
        return outcome;
    }
    delete_phone(session, user, phone_type).await
}

/// The row was tried, so it is not `unprocessed`; a resumed run goes on with it.
fn stopped_between() -> Failure {
    Failure::own(OwnCode::Interrupted, None, "the run stopped between two of the row's phones")
}

fn part(change: &PhoneChange, outcome: &Outcome) -> String {
    let (phone_type, status) = (change.phone_type(), outcome.status);
    match outcome.detail.as_str() {
        "" => format!("{phone_type}: {status}"),
        detail => format!("{phone_type}: {status}, {detail}"),
    }
}
