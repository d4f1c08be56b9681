//! Reads back what a row wrote, although its answer was clear: what a canary is for.

use std::time::Duration;

use super::reading::{Depth, read_user};
use crate::graph::session::Session;
use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::foresight::{LastMethod, foresee};
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::task::Task;
use crate::model::user_state::{HeldPhone, UserState};
use crate::policy::verify::is_visible;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// What was stored may show a little late: wait so long before each further look.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// The row's end once it was read back. It stands where nothing would be left to do for the same row.
pub async fn confirm<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    task: &Task,
    outcome: Outcome,
) -> Outcome {
    if outcome.status != Status::Succeeded || !is_visible(&task.action) {
        return outcome;
    }
    let mut waits = WAITS.into_iter();
    loop {
        let state = match read_user(session, &task.user, Depth::Phones).await {
            Ok(had) => had.state,
            Err(_) => return not_confirmed("the user could not be read back"),
        };
        if is_done(&task.action, &state) {
            return outcome;
        }
        if is_done(&task.action, &revealed(&task.action, state)) {
            return Outcome { detail: told_of_hidden(&outcome.detail), ..outcome };
        }
        match waits.next() {
            Some(wait) if session.pause(wait).await => {}
            Some(_) | None => {
                return not_confirmed("Graph accepted the row, and reading back shows something else");
            }
        }
    }
}

fn is_done(action: &Action, state: &UserState) -> bool {
    foresee(action, state, LastMethod::MayGo).is_ok_and(|deeds| deeds.is_empty())
}

/// What the user has if numbers of which part is hidden from this role are what was written, where they may be.
fn revealed(action: &Action, mut state: UserState) -> UserState {
    for phone in action.phones() {
        let Some(HeldPhone { number, sms }) = state.phone(phone.phone_type) else { continue };
        if phone.number.may_be(number) {
            let held = HeldPhone { number: phone.number.as_str().into(), sms: *sms };
            state.set(phone.phone_type, Some(held));
        }
    }
    state
}

fn told_of_hidden(detail: &str) -> String {
    let told = "read back: part of the number is hidden from this role, and what is shown of it is as it was written";
    if detail.is_empty() { told.to_owned() } else { format!("{detail}; {told}") }
}

fn not_confirmed(message: &str) -> Outcome {
    Outcome::unknown(Failure::own(OwnCode::NotConfirmed, None, message), "look at the user")
}
