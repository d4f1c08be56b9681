//! Looks before it lets a row write: is the user still as the plan says, does a strong method remain, and what is there
//! that the row will change.

use tokio::time::Instant;

use super::conduct::Conduct;
use super::reading::{Depth, Had, read_user};
use crate::graph::session::Session;
use crate::model::error_code::OwnCode;
use crate::model::event::BeforeImage;
use crate::model::foresight::{Block, Deed, LastMethod, foresee};
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::PhoneType;
use crate::model::row::RowNumber;
use crate::model::task::{Prior, Task};
use crate::model::user_state::{HeldPhone, Moved, UserState};
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// How a row ends that must not be done; `None` where nothing is known against it.
pub async fn guard<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    task: &Task,
    conduct: Conduct,
) -> Option<Outcome> {
    if !conduct.is_guarded(task) {
        return None;
    }
    let watches_last = conduct.watches_last_method(task);
    let depth = if watches_last { Depth::Methods } else { Depth::Phones };
    let state = match read_user(session, &task.user, depth).await {
        Ok(Had { state, .. }) => state,
        Err(outcome) => return Some(outcome),
    };
    if let Some(moved) = moved(task, &state) {
        return Some(state_moved(&moved));
    }
    let last_method = if watches_last { LastMethod::Kept } else { LastMethod::MayGo };
    let images: Vec<BeforeImage> = match (foresee(&task.action, &state, last_method), &task.expected) {
        (Err(block @ Block::LastMethod { .. }), _) | (Err(block), Some(_)) => return Some(blocked(block)),
        (Ok(deeds), Some(_)) if deeds.is_empty() => {
            return Some(Outcome::new(Status::Unchanged, "it is so already"));
        }
        (Ok(deeds), _) => {
            let touched = deeds.iter().filter_map(Deed::touches);
            touched.map(|(phone_type, was)| image(task.row.number, phone_type, was)).collect()
        }
        // The action itself says so in its own words, or finds a way.
        (Err(_), None) => {
            let touched = task.action.phone_types().into_iter();
            touched.map(|phone_type| image(task.row.number, phone_type, state.phone(phone_type))).collect()
        }
    };
    for image in images {
        session.tell_found(image).await;
    }
    None
}

/// A row in doubt may have moved its user itself: what it was to bring about is as good as what was there.
fn moved(task: &Task, state: &UserState) -> Option<Moved> {
    let expected = task.expected.as_ref()?;
    if !matches!(task.prior, Prior::InDoubt(_)) {
        return expected.moved(state);
    }
    let mut after = expected.imposed_on(state);
    for deed in foresee(&task.action, &after, LastMethod::MayGo).unwrap_or_default() {
        deed.apply(&mut after);
    }
    expected.moved_from_either(state, Some(&after))
}

fn state_moved(Moved { phone_type, before, now }: &Moved) -> Outcome {
    let detail = format!(
        "{phone_type} was {} when the plan was made, and is {} now; nothing was written: make a new plan",
        told(before.as_ref()),
        told(now.as_ref()),
    );
    Outcome::failed(Failure::own(OwnCode::StateMoved, None, "the user is no longer as the plan says"), detail)
}

fn told(phone: Option<&HeldPhone>) -> String {
    match phone {
        None => "absent".to_owned(),
        Some(HeldPhone { number, sms }) if sms.name().is_empty() => number.to_string(),
        Some(HeldPhone { number, sms }) => format!("{number} (SMS sign-in: {})", sms.name()),
    }
}

fn blocked(block: Block) -> Outcome {
    Outcome::failed(Failure::own(block.code(), None, block.to_string()), "")
}

fn image(row: RowNumber, phone_type: PhoneType, was: Option<&HeldPhone>) -> BeforeImage {
    BeforeImage {
        row,
        phone_type,
        phone_number: was.map(|phone| phone.number.to_string()),
        sms_sign_in_state: was.map_or_else(String::new, |phone| phone.sms.name().to_owned()),
        read_at: Instant::now(),
    }
}
