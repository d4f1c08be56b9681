//! What a row is said to take is what it sends.

use std::time::Duration;

use super::stage::{Stage, phone, plain, rows, user};
use crate::model::action::Action;
use crate::model::demand::Demand;
use crate::model::outcome::Status;
use crate::model::phone::{PhoneChange, PhoneType};
use crate::model::secret::Secret;
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tokens::{TokenKind, TokenSettings};

/// Does these actions to one user; gives what the tenant saw of the last.
async fn seen(actions: &[Action]) -> Demand {
    let ledger = async |actions: &[Action]| {
        let quick = Duration::from_secs(1);
        let tenant = TenantSettings {
            resets: ResetSettings { duration: (quick, quick), ..ResetSettings::default() },
            tokens: TokenSettings { kind: TokenKind::Delegated, ..plain().tokens },
            ..plain()
        };
        let played =
            Stage::new(tenant).play(rows(actions.iter().map(|action| (user(1), action.clone())))).await;
        assert_eq!(played.count(Status::Succeeded), actions.len(), "{actions:?}");
        played.ledger()
    };
    let (before, after) = (ledger(&actions[..actions.len() - 1]).await, ledger(actions).await);
    Demand { rows: 1, reads: after.reads - before.reads, writes: after.writes - before.writes }
}

#[tokio::test(start_paused = true)]
async fn each_action_sends_as_many_requests_as_are_foretold() {
    let add = || Action::AddPhone(phone(PhoneType::Mobile, 1));
    for before_and_action in [
        vec![Action::ListMethods],
        vec![add()],
        vec![add(), Action::UpdatePhone(phone(PhoneType::Mobile, 2))],
        vec![Action::SetPhone(phone(PhoneType::Mobile, 1))],
        vec![add(), Action::SetPhone(phone(PhoneType::Mobile, 2))],
        vec![add(), Action::DeletePhone(PhoneType::Mobile)],
        vec![
            add(),
            Action::SetPhones(
                [PhoneChange::Set(phone(PhoneType::Office, 2)), PhoneChange::Delete(PhoneType::Mobile)]
                    .into(),
            ),
        ],
        vec![add(), Action::EnableSmsSignIn],
        vec![add(), Action::DisableSmsSignIn],
        vec![Action::ResetPassword(Some(Secret::new("Sample-4Test")))],
        vec![Action::ResetPassword(None)],
    ] {
        let action = before_and_action.last().unwrap();
        assert_eq!(seen(&before_and_action).await, Demand::of_action(action), "{}", action.name());
    }
}
