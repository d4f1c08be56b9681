//! Quotas, and users whom the tenant does not know yet. Faults of all kinds are the simulation's business
//! (`tests/simulation`).

use std::time::Duration;

use super::stage::{Stage, adds, phone, plain, rows, user};
use crate::model::action::Action;
use crate::model::outcome::Status;
use crate::model::phone::PhoneType::{AlternateMobile, Mobile, Office};
use crate::model::secret::Secret;
use crate::simulator::settings::TenantSettings;
use crate::simulator::throttle::{Quota, RetryAfterForm};
use crate::simulator::users::{Population, SeedUser};

#[tokio::test(start_paused = true)]
async fn under_quotas_every_row_gets_through_however_the_pause_is_told() {
    for retry_after in
        [RetryAfterForm::Seconds, RetryAfterForm::Fraction, RetryAfterForm::Date, RetryAfterForm::Absent]
    {
        let writes = Some(Quota::Window { requests: 15, span: Duration::from_secs(10) }.into());
        let stage = Stage::new(TenantSettings { writes, retry_after, ..plain() });
        let played = stage.play(rows(adds(100))).await;
        assert!(played.ledger().throttled > 0);
        assert_eq!(played.statuses(), vec![Status::Succeeded; 100], "{retry_after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_known_only_after_three_seconds_loses_no_row() {
    let all = [
        Action::ListMethods,
        Action::AddPhone(phone(AlternateMobile, 1)),
        Action::UpdatePhone(phone(Mobile, 2)),
        Action::SetPhone(phone(Office, 3)),
        Action::DeletePhone(Mobile),
        Action::EnableSmsSignIn,
        Action::DisableSmsSignIn,
        Action::ResetPassword(Some(Secret::new("password-1"))),
    ];
    let settings =
        TenantSettings { user_lag: Duration::from_secs(3), population: Population::Listed, ..plain() };
    let stage = Stage::new(settings);
    for at in 0..all.len() {
        let seed = SeedUser { phones: vec![phone(Mobile, 100 + at)], ..SeedUser::named(user(at)) };
        stage.tenant.lock().unwrap().add_user(seed);
    }
    let count = all.len();
    let played = stage.play(rows((0..count).map(user).zip(all))).await;
    played.assert_each_ended_once(count);
    assert_eq!(played.statuses(), vec![Status::Succeeded; count]);
}
