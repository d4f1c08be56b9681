//! Runs in which all goes wrong that can, to their end.

use std::time::Duration;

use super::stage::{Played, Stage, phone, plain, rows, user};
use super::trial::{Trial, everything, troubled};
use crate::model::action::Action;
use crate::model::event::Ended;
use crate::model::outcome::Status;
use crate::model::phone::PhoneType::{AlternateMobile, Mobile, Office};
use crate::model::secret::Secret;
use crate::simulator::faults::FaultRates;
use crate::simulator::settings::TenantSettings;
use crate::simulator::throttle::{Quota, RetryAfterForm};
use crate::simulator::users::{Population, SeedUser};

/// Plays a run to its end and checks it against the model.
async fn checked(settings: TenantSettings) -> Played {
    let played = Trial::new(settings).play().await;
    assert!(played.end.stop.is_none(), "{:?}", played.end.stop);
    played
}

#[tokio::test(start_paused = true)]
async fn without_faults_the_tenant_holds_what_the_rows_asked_for() {
    for seed in 1..=10 {
        let played = checked(troubled(seed, FaultRates::default())).await;
        assert_eq!(played.count(Status::Unknown), 0, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_faults_of_all_kinds_the_tenant_holds_what_the_rows_were_told() {
    for seed in 1..=20 {
        let played = checked(troubled(seed, everything(0.04))).await;
        assert!(played.end.stats.requests.retries > 0, "seed {seed}");
        let in_doubt = played.count(Status::Unknown);
        assert!(
            in_doubt * 20 < played.statuses().len(),
            "more than one row in twenty: {in_doubt}, seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn with_faults_everywhere_the_tenant_holds_what_the_rows_were_told() {
    for seed in 1..=10 {
        checked(troubled(seed, everything(0.1))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_fault_alone_leaves_no_row_behind() {
    let rates = FaultRates::default();
    let alone = [
        FaultRates { throttle: 0.3, ..rates },
        FaultRates { throttle_bare: 0.3, ..rates },
        FaultRates { error_before: 0.3, ..rates },
        FaultRates { error_after: 0.3, ..rates },
        FaultRates { reset_before: 0.3, ..rates },
        FaultRates { reset_after: 0.3, ..rates },
        FaultRates { html: 0.3, ..rates },
        FaultRates { half_json: 0.3, ..rates },
        FaultRates { empty_body: 0.3, ..rates },
        FaultRates { slow: 0.3, slow_by: Duration::from_secs(70), ..rates },
    ];
    for (faults, seed) in alone.into_iter().zip(1..) {
        checked(troubled(seed, faults)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn under_quotas_every_row_gets_through_however_the_pause_is_told() {
    for (seed, retry_after) in [
        (1, RetryAfterForm::Seconds),
        (2, RetryAfterForm::Fraction),
        (3, RetryAfterForm::Date),
        (4, RetryAfterForm::Absent),
    ] {
        let played = checked(TenantSettings {
            reads: Some(Quota::Bucket { per_second: 10.0, burst: 10.0 }),
            writes: Some(Quota::Window { requests: 15, span: Duration::from_secs(10) }),
            retry_after,
            ..troubled(seed, FaultRates::default())
        })
        .await;
        assert!(played.ledger().throttled > 0);
        let throttled = |ended: &&&Ended| ended.http_status == Some(429);
        assert_eq!(played.by_row().iter().filter(throttled).count(), 0, "{retry_after:?}");
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

#[tokio::test(start_paused = true)]
async fn the_same_seeds_give_the_same_run() {
    let run = async || {
        let played = checked(troubled(11, everything(0.05))).await;
        (played.statuses(), played.took, played.ledger())
    };
    assert_eq!(run().await, run().await);
}
