//! Finds the action of a task.

use super::add_phone::add_phone;
use super::conduct::{Conduct, Confirmation, Look};
use super::confirm::confirm;
use super::delete_phone::delete_phone;
use super::earlier::settle_earlier;
use super::guard::guard;
use super::list_methods::list_methods;
use super::list_phones::list_phones;
use super::look::look;
use super::reset_password::begin_reset;
use super::set_password::set_password;
use super::set_phone::set_phone;
use super::set_phones::set_phones;
use super::sms_sign_in::{Wanted, switch_sms_sign_in};
use super::update_phone::update_phone;
use super::verdicts::still_in_doubt;
use crate::graph::session::Session;
use crate::model::action::Action;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::task::Task;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// How far a task came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To its end.
    Ended(Outcome),
    /// A reset was accepted; the row ends with its operation.
    Opened(Box<Operation>),
}

/// Does what the task asks for.
pub async fn perform<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    task: &Task,
    conduct: Conduct,
) -> Step {
    if session.has_doubtful_write()
        && let Some(outcome) = settle_earlier(session, &task.user, &task.action).await
    {
        return Step::Ended(outcome);
    }
    if let Some(outcome) = guard(session, task, conduct).await {
        // What the guard saw does not tell what an earlier sending did.
        let is_in_doubt = session.has_doubtful_write();
        return Step::Ended(if is_in_doubt { still_in_doubt(outcome) } else { outcome });
    }
    match (act(session, task, conduct.look).await, conduct.confirmation) {
        (Step::Ended(outcome), Confirmation::ReadBack) => Step::Ended(confirm(session, task, outcome).await),
        (step, _) => step,
    }
}

async fn act<T: Transport, C: Credential>(
    session: &mut Session<'_, T, C>,
    task: &Task,
    listing: Look,
) -> Step {
    let (row, user) = (task.row.number, &task.user);
    Step::Ended(match &task.action {
        Action::ListMethods => match listing {
            Look::Methods => list_methods(session, row, user).await,
            Look::ForPlan(sight) => look(session, (row, user), sight).await,
        },
        Action::ListPhones => list_phones(session, row, user).await,
        Action::AddPhone(phone) => add_phone(session, user, phone).await,
        Action::UpdatePhone(phone) => update_phone(session, user, phone).await,
        Action::SetPhone(phone) => set_phone(session, row, user, phone).await,
        Action::SetPhones(changes) => set_phones(session, row, user, changes).await,
        Action::DeletePhone(phone_type) => delete_phone(session, user, *phone_type).await,
        Action::EnableSmsSignIn => switch_sms_sign_in(session, user, Wanted::On).await,
        Action::DisableSmsSignIn => switch_sms_sign_in(session, user, Wanted::Off).await,
        Action::SetPassword(password) => set_password(session, user, password).await,
        Action::ResetPassword(password) => match begin_reset(session, row, user, password.as_ref()).await {
            Ok(operation) => return Step::Opened(Box::new(operation)),
            // No later answer, nor none, tells what became of an earlier sending.
            Err(outcome) if session.has_doubtful_write() => still_in_doubt(outcome),
            Err(outcome) => outcome,
        },
    })
}
