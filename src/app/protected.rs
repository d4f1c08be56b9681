//! Looks protected users up, since a row may have another name for one than the list has: the object id for the user
//! principal name, or the other way round.

use crate::graph::call::{CallError, find_user};
use crate::graph::session::Session;
use crate::model::error_code::OwnCode;
use crate::model::outlook::Why;
use crate::model::user::UserId;
use crate::model::wards::{Protected, Wards};

use super::desk::{Desk, Member};
use super::environment::say;
use super::error::AppError;

/// No more are looked up, since each takes a request before the first row.
const MAX_LOOK_UPS: usize = 200;

/// So many are told by name.
const MAX_TOLD: usize = 5;

/// Notes all names of those who are listed one by one. Patterns guard the spelling that they are written for.
///
/// # Errors
/// When one cannot be looked up, but for those that the tenant does not know, and where nobody may be.
pub(super) async fn note_protected(
    graph: &Desk,
    protected: &Protected,
    wards: &mut Wards,
) -> Result<(), AppError> {
    let listed: Vec<UserId> = protected.users().filter_map(|user| UserId::new(user).ok()).collect();
    let mut unknown = Vec::new();
    for user in listed.iter().take(MAX_LOOK_UPS) {
        match Session::new(graph).fetch::<Member>(find_user(user)).await {
            Ok(found) => {
                let reason = format!("is protected ({user} in [protected])");
                wards.add(found.names(), &Why { code: OwnCode::Protected, reason });
            }
            Err(CallError::Refused(failure)) if failure.http_status == Some(403) => {
                let error = CallError::Refused(failure);
                let cure = "The permission User.ReadBasic.All lets them be found";
                warn("could not be looked up", &format!(": {error}. {cure}"));
                return Ok(());
            }
            Err(CallError::Refused(failure)) if matches!(failure.http_status, Some(400 | 404)) => {
                unknown.push(user.as_str());
            }
            Err(error) => return Err(AppError::census("protected users", "try again", error)),
        }
    }
    if let Some(others) = unknown.len().checked_sub(MAX_TOLD) {
        unknown.truncate(MAX_TOLD);
        unknown.extend((others > 0).then_some("others"));
    }
    if !unknown.is_empty() {
        warn("are unknown to the tenant", &format!(": {}", unknown.join(", ")));
    }
    if listed.len() > MAX_LOOK_UPS {
        warn(&format!("behind the first {MAX_LOOK_UPS} were not looked up"), "");
    }
    Ok(())
}

/// Says whose other names are not known, and why.
fn warn(which: &str, why: &str) {
    say(&format!("warning: users in [protected] {which}, and are guarded in that spelling alone{why}\n"));
}
