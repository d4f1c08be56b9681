//! How resets are followed.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Played, Rows, Stage, adds, plain, reset_to, resets, rows};
use crate::engine::lost_resets::LostResets;
use crate::engine::worker::ended;
use crate::graph::trace::Trace;
use crate::model::action::Action;
use crate::model::event::{Ended, Event};
use crate::model::operation::OperationStatus;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::row::{Row, RowNumber};
use crate::model::task::{Task, Work};
use crate::simulator::faults::FaultRates;
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::TenantSettings;
use crate::transport::exchange::Method;

const NEVER_ENDING: f64 = 1.0;

fn tenant(resets: ResetSettings) -> TenantSettings {
    TenantSettings { resets, ..plain() }
}

/// Resets that take exactly so long.
fn taking(span: Duration) -> ResetSettings {
    ResetSettings { duration: (span, span), ..ResetSettings::default() }
}

fn never_ending() -> ResetSettings {
    ResetSettings { never_ending: NEVER_ENDING, ..ResetSettings::default() }
}

/// When operations were asked for, in milliseconds.
fn polls(played: &Played) -> Vec<u128> {
    let polls = played.sent.iter().filter(|sent| sent.method == Method::Get);
    polls.map(|sent| sent.left_at.as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reset_succeeds_with_its_operation() {
    let played = Stage::new(tenant(taking(Duration::from_secs(10)))).play(rows(resets(1))).await;
    let ended = played.by_row()[0];
    assert_eq!((ended.outcome.status, ended.outcome.detail.as_str()), (Status::Succeeded, "ResetSuccess"));
    assert_eq!((ended.attempts, ended.http_status), (1, Some(202)));
    let (at, operation) = played.closed()[0];
    assert_eq!(operation.status, OperationStatus::Succeeded);
    assert_eq!(operation.created_at, "2026-01-01T00:00:00Z");
    assert_eq!(operation.last_action_at, "2026-01-01T00:00:10Z");
    assert_eq!((ended.operation_id.as_str(), operation.polls), (operation.id.as_str(), 4));
    assert_eq!(at, Duration::from_millis(16_250));
    let password = played.tenant.lock().unwrap().user("reset0@contoso.com").unwrap().password;
    assert_eq!(password.as_deref(), Some("password-0"));
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_asked_for_at_2_s_then_half_as_long_again_up_to_every_30_s() {
    let played = Stage::new(tenant(never_ending())).play(rows(resets(1))).await;
    let polls = polls(&played);
    assert_eq!(polls[..9], [2_000, 5_000, 9_500, 16_250, 26_375, 41_563, 64_345, 94_345, 124_345]);
    let last = polls.len() - 1;
    assert!(polls[6..last].windows(2).all(|pair| pair[1] - pair[0] == 30_000), "{polls:?}");
    assert_eq!(polls[last], 600_000, "the last look is at the end of the time");
}

#[tokio::test(start_paused = true)]
async fn the_address_is_used_as_it_was_given() {
    let played = Stage::new(tenant(never_ending())).play(rows(resets(1))).await;
    let location = played.sent[0].answer.as_ref().unwrap().headers.location.clone().unwrap();
    assert!(played.sent[1..].iter().all(|sent| sent.url == location));
}

#[tokio::test(start_paused = true)]
async fn the_first_look_is_when_the_202_says() {
    // Nothing is no pause: then it is the usual one.
    for (seconds, first) in [(0, 2_000), (1, 1_000), (7, 7_000), (45, 45_000)] {
        let retry_after = Some(Duration::from_secs(seconds));
        let settings = ResetSettings { retry_after, ..never_ending() };
        let played = Stage::new(tenant(settings)).play(rows(resets(1))).await;
        assert_eq!(polls(&played)[..2], [first, first + 3_000], "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_has_not_ended_in_ten_minutes_is_pending() {
    let played = Stage::new(tenant(never_ending())).play(rows(resets(20))).await;
    played.assert_each_ended_once(20);
    assert_eq!(played.count(Status::Pending), 20);
    let closed = played.closed();
    assert_eq!(closed.len(), 20);
    for (at, operation) in closed {
        assert_eq!(operation.status, OperationStatus::TimedOut);
        assert_eq!(at, Duration::from_mins(10));
        assert_eq!(operation.finished_at.map(|at| at - operation.accepted_at), Some(Duration::from_mins(10)));
    }
    assert_eq!(played.took, Duration::from_mins(10));
    assert_eq!(played.end.stats.operations.timed_out, 20);
    assert!(played.end.stop.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_address_is_used_for_a_day_and_not_longer() {
    let day = Duration::from_hours(24);
    let mut stage = Stage::new(tenant(never_ending()));
    stage.settings.polls.timeout = 2 * day;
    let played = stage.play(rows(resets(1))).await;
    let ended = played.by_row()[0];
    let code = ended.outcome.failure.as_ref().map(|failure| failure.code.as_str());
    assert_eq!((ended.outcome.status, code), (Status::Unknown, Some("operation-expired")));
    let last = *polls(&played).last().unwrap();
    assert!((day.as_millis() - 30_000..=day.as_millis()).contains(&last), "{last}");
    assert!(played.took > day && played.took <= day + Duration::from_secs(30), "{:?}", played.took);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_ends_with_the_time_is_seen_by_the_last_look() {
    let played = Stage::new(tenant(taking(Duration::from_mins(10)))).play(rows(resets(1))).await;
    assert_eq!(played.statuses(), [Status::Succeeded]);
    assert_eq!(played.took, Duration::from_mins(10));
}

#[tokio::test(start_paused = true)]
async fn a_failed_operation_fails_its_row_in_graph_s_words() {
    let settings = ResetSettings { failures: 1.0, ..ResetSettings::default() };
    let played = Stage::new(tenant(settings)).play(rows(resets(3))).await;
    played.assert_each_ended_once(3);
    for ended in played.by_row() {
        assert_eq!(ended.outcome.status, Status::Failed);
        let failure = ended.outcome.failure.as_ref().unwrap();
        let told = (failure.code.as_str(), failure.message.as_str());
        assert_eq!(told, ("operation-failed", "OnPremisesPasswordPolicyViolation"));
        assert!(!ended.operation_id.is_empty());
    }
    assert_eq!(played.end.stats.operations.failed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_operation_leaves_a_reset_in_doubt_that_was_sent_before() {
    let mut settings = tenant(ResetSettings { failures: 1.0, ..ResetSettings::default() });
    settings.faults = FaultRates { reset_after: 0.3, ..FaultRates::default() };
    let played = Stage::new(settings).play(rows(resets(40))).await;
    played.assert_each_ended_once(40);
    for ended in played.by_row() {
        let expected = if ended.attempts == 1 { Status::Failed } else { Status::Unknown };
        assert_eq!(ended.outcome.status, expected, "{ended:?}");
        assert_eq!(ended.outcome.failure.as_ref().unwrap().code, "operation-failed");
    }
    assert!(played.count(Status::Failed) > 0 && played.count(Status::Unknown) > 0);
}

/// A user's two resets, for so many users.
fn twice(count: usize) -> Rows {
    let again = |(user, _): (String, Action)| {
        [1, 2].map(|time| (user.clone(), reset_to(&format!("password-{time}"))))
    };
    rows(resets(count).flat_map(again))
}

/// How the two ended.
fn pairs(played: &Played) -> Vec<(&Ended, &Ended)> {
    played.by_row().chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_not_sure_of_its_password_behind_one_that_was_lost() {
    let mut settings = tenant(ResetSettings::default());
    settings.faults = FaultRates { reset_after: 0.2, ..FaultRates::default() };
    let played = Stage::new(settings).play(twice(60)).await;
    played.assert_each_ended_once(120);
    let (mut lost, mut safe) = (0, 0);
    for (first, second) in pairs(&played) {
        assert_eq!(first.outcome.status, Status::Succeeded, "{first:?}");
        let code = second.outcome.failure.as_ref().map(|failure| failure.code.as_str());
        if first.attempts == 1 {
            assert_eq!((second.outcome.status, code), (Status::Succeeded, None), "{second:?}");
            safe += 1;
        } else {
            let expected = (Status::Unknown, Some("earlier-reset-lost"));
            assert_eq!((second.outcome.status, code), expected, "{second:?}");
            lost += 1;
        }
    }
    assert!(lost > 5 && safe > 5, "{lost} {safe}");
}

#[tokio::test(start_paused = true)]
async fn nor_behind_one_that_nobody_follows_any_longer() {
    // Most are given up before their operation has ended, some are not.
    let span = (Duration::from_mins(1), Duration::from_mins(20));
    let settings = tenant(ResetSettings { duration: span, ..ResetSettings::default() });
    let played = Stage::new(settings).play(twice(40)).await;
    let mut seen = 0;
    for (first, second) in pairs(&played) {
        if second.outcome.status == Status::Succeeded {
            assert_eq!(first.outcome.status, Status::Succeeded, "{first:?}");
        }
        let both = (first.outcome.status, second.outcome.status);
        seen += usize::from(both == (Status::Pending, Status::Unknown));
    }
    assert!(seen > 0);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_unknown_at_first_is_asked_for_again() {
    for (seconds, status) in [(26, Status::Succeeded), (41, Status::Succeeded), (42, Status::Unknown)] {
        let settings =
            ResetSettings { unknown_for: Duration::from_secs(seconds), ..ResetSettings::default() };
        let played = Stage::new(tenant(settings)).play(rows(resets(1))).await;
        assert_eq!(played.statuses(), [status], "{seconds}");
        assert_eq!(played.end.stats.operations.open(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_address_is_not_followed() {
    let foreign_origin = Some("https://evil.test".to_owned());
    let settings = ResetSettings { foreign_origin, ..ResetSettings::default() };
    let played = Stage::new(tenant(settings)).play(rows(resets(1))).await;
    assert_eq!(played.sent.len(), 1);
    let failure = played.by_row()[0].outcome.failure.clone().unwrap();
    assert_eq!(failure.code, "foreign-operation-url");
}

/// A row is sure only if its end cannot be undone by a reset of the same user that may still be carried out.
#[test]
fn a_reset_is_lost_with_every_end_that_leaves_its_operation_running() {
    let lost = |outcome: Outcome| {
        let (mut lost, mut tasks) =
            (LostResets::default(), rows(resets(1)).into_iter().chain(rows(resets(1))));
        let mut task = || match tasks.next() {
            Some(Ok(Work::Task(task))) => task,
            other => panic!("{other:?}"),
        };
        let (first, second) =
            (task(), Task { row: Row { number: RowNumber(2), fields: Box::default() }, ..task() });
        lost.note(&Event::Ended(Arc::new(ended(first.clone(), outcome, &Trace::NOTHING_SENT))));
        assert!(!lost.may_overtake(&first), "a row does not overtake itself");
        lost.may_overtake(&second)
    };
    let failure = |http_status| Failure { http_status, code: "no".to_owned(), message: String::new() };
    assert!(lost(Outcome::unknown(failure(Some(504)), "")));
    assert!(lost(Outcome::new(Status::Pending, "")));
    assert!(lost(Outcome::failed(failure(Some(202)), "accepted, and its address is not Graph's")));
    assert!(!lost(Outcome::failed(failure(Some(403)), "")));
    assert!(!lost(Outcome::failed(failure(None), "its operation failed")));
    assert!(!lost(Outcome::new(Status::Succeeded, "")));
    assert!(!lost(Outcome::new(Status::Unprocessed, "")));
}

/// From the first add-phone row's beginning to the last one's end.
fn span_of_adds(played: &Played) -> Duration {
    let ends: Vec<_> = played.by_row().into_iter().filter(|ended| ended.operation_id.is_empty()).collect();
    assert_eq!(ends.len(), 2_000);
    let first = ends.iter().filter_map(|ended| ended.started_at).min().unwrap();
    ends.iter().map(|ended| ended.ended_at).max().unwrap() - first
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_open_resets_slow_other_rows_by_no_more_than_the_share_of_their_polls() {
    let stage = || {
        let settings = TenantSettings { latency: Duration::from_millis(50), ..tenant(never_ending()) };
        let mut stage = Stage::new(settings).in_flight(16).window(64);
        stage.settings.polls.timeout = Duration::from_mins(1);
        stage
    };
    let without = span_of_adds(&stage().play(rows(adds(2_000))).await);
    let played = stage().play(rows(resets(10_000).chain(adds(2_000)))).await;
    played.assert_each_ended_once(12_000);
    assert_eq!((played.count(Status::Pending), played.count(Status::Succeeded)), (10_000, 2_000));
    let with = span_of_adds(&played);
    let last_add = played.by_row()[10_000..].iter().map(|ended| ended.ended_at).max().unwrap();
    assert!(played.closed()[0].0 > played.at(last_add), "all ten thousand were open");
    // In the line before the wire stand 64 rows and at most 4 polls.
    assert!(
        without < with && with <= without * (64 + 4) / 64 + Duration::from_millis(50),
        "{with:?} instead of {without:?}"
    );
    assert_eq!(without, Duration::from_millis(50) * 2_000 / 16);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_cut_short_by_the_end_of_the_time_is_counted_like_any_request() {
    let latency = Duration::from_secs(2);
    let mut stage = Stage::new(TenantSettings { latency, ..tenant(never_ending()) });
    stage.settings.polls.timeout = Duration::from_secs(3);
    let played = stage.play(rows(resets(1))).await;
    // Accepted at 2 s; asked for at 4 s, which is cut short at 5 s; and for the last time then.
    assert_eq!(played.statuses(), [Status::Pending]);
    assert_eq!(played.took, Duration::from_secs(7));
    let requests = &played.end.stats.requests;
    assert_eq!((requests.total, requests.reads, requests.writes), (3, 2, 1));
    assert_eq!(requests.total, played.ledger().requests);
}
