//! Switches the mobile's SMS sign-in on or off and tells the state that came of it.

use super::phones::{Reading, read_back};
use super::verdicts::{NewUserPatience, in_doubt, is_status, refused, stopped, unknown_user};
use crate::graph::call::{CallError, disable_sms_sign_in, enable_sms_sign_in};
use crate::graph::session::Session;
use crate::model::error_code::OwnCode;
use crate::model::outcome::{Failure, NUMBER_NOT_UNIQUE, Outcome, Status};
use crate::model::phone::{PhoneType, signs_in};
use crate::model::user::UserId;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// What SMS sign-in shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Allowed.
    On,
    /// Not allowed.
    Off,
}

/// How the call itself went.
enum Said {
    Done,
    Refused(Failure),
    Lost(Failure),
}

/// Switches, then reads the state back and puts it into the detail.
pub async fn switch_sms_sign_in<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    user: &UserId,
    wanted: Wanted,
) -> Outcome {
    let mut new_user = NewUserPatience::default();
    loop {
        let call = match wanted {
            Wanted::On => enable_sms_sign_in(user),
            Wanted::Off => disable_sms_sign_in(user),
        };
        let said = match session.call(call).await {
            Ok(_) => Said::Done,
            Err(CallError::Refused(failure))
                if [400, 403, 404, 409].iter().any(|s| is_status(&failure, *s)) =>
            {
                Said::Refused(failure)
            }
            Err(CallError::Refused(failure)) => return refused(failure),
            Err(CallError::Doubtful(failure)) => Said::Lost(failure),
            Err(CallError::Stopped) => return stopped(),
        };
        match (read_back(session, user).await, said) {
            (Ok(Reading::UnknownUser(failure)), _) => {
                if !new_user.waits(session).await {
                    return unknown_user(failure);
                }
            }
            (Ok(Reading::Phones(phones)), said) => {
                let state = phones.of(PhoneType::Mobile).map(|phone| phone.sms_sign_in_state.as_str());
                return judge(said, wanted, state);
            }
            (Err(_), Said::Done) => {
                return Outcome::new(
                    Status::Succeeded,
                    "Graph accepted it; the state could not be read back",
                );
            }
            (Err(_), Said::Refused(failure)) => return refused(failure),
            (Err(_), Said::Lost(failure)) => return in_doubt(failure),
        }
    }
}

fn judge(said: Said, wanted: Wanted, state: Option<&str>) -> Outcome {
    let Some(state) = state else {
        let failure = match said {
            Said::Refused(failure) | Said::Lost(failure) => failure,
            Said::Done => Failure::own(OwnCode::NoMobile, None, "the user has no mobile phone"),
        };
        return match wanted {
            Wanted::On => {
                Outcome::failed(failure, "SMS sign-in needs a mobile phone: put an add-phone row before it")
            }
            Wanted::Off => Outcome::new(Status::Unchanged, "the user has no mobile phone, so no SMS sign-in"),
        };
    };
    let told = state_told(state);
    match (said, holds(wanted, state)) {
        (Said::Done | Said::Lost(_), true) => Outcome::new(Status::Succeeded, told),
        (Said::Refused(_), true) => Outcome::new(Status::Unchanged, told),
        (Said::Done, false) => Outcome::failed(did_not_follow(state), told),
        (Said::Refused(failure) | Said::Lost(failure), false) => {
            Outcome::failed(failure, with_cure(&told, state))
        }
    }
}

pub(super) fn holds(wanted: Wanted, state: &str) -> bool {
    signs_in(state) == (wanted == Wanted::On)
}

pub(super) fn state_told(state: &str) -> String {
    format!("SMS sign-in: {state}")
}

fn with_cure(told: &str, state: &str) -> String {
    let cure = if state.eq_ignore_ascii_case("notAllowedByPolicy") {
        "; the user is not in the SMS policy, or \"use for sign-in\" is off there"
    } else if state.eq_ignore_ascii_case(NUMBER_NOT_UNIQUE) {
        "; another user signs in with this number"
    } else {
        ""
    };
    format!("{told}{cure}")
}

/// The state itself says why, where Graph tells it.
fn did_not_follow(state: &str) -> Failure {
    let own = Failure::own(
        OwnCode::StateDidNotFollow,
        None,
        "Graph accepted the request, but the state did not follow",
    );
    if state.is_empty() { own } else { Failure { code: state.to_owned(), ..own } }
}
