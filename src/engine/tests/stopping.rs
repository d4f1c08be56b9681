//! Runs that stop before their rows are done.

use std::time::Duration;

use tokio::time::sleep;

use super::stage::{Played, Rows, Stage, Token, adds, phone, plain, resets, rows, user};
use crate::engine::run::Stop;
use crate::model::action::Action;
use crate::model::event::Event;
use crate::model::operation::OperationStatus;
use crate::model::outcome::{Failure, Status};
use crate::model::phone::PhoneType;
use crate::model::task::{Prior, Work};
use crate::policy::failures::FailureLimit;
use crate::simulator::faults::FaultRates;
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::{Permission, TenantSettings};
use crate::simulator::throttle::Quota;
use crate::transport::exchange::Method;

const LATENCY: Duration = Duration::from_secs(10);

fn slow() -> TenantSettings {
    TenantSettings { latency: LATENCY, ..plain() }
}

fn forgetful() -> TenantSettings {
    TenantSettings { resets: ResetSettings { never_ending: 1.0, ..ResetSettings::default() }, ..slow() }
}

async fn drained(stage: Stage, after: Duration, file: Rows) -> Played {
    let shutdown = stage.shutdown.clone();
    let drain = async {
        sleep(after).await;
        shutdown.drain();
    };
    tokio::join!(stage.play(file), drain).0
}

async fn aborted(stage: Stage, after: Duration, file: Rows) -> Played {
    let shutdown = stage.shutdown.clone();
    let abort = async {
        sleep(after).await;
        shutdown.abort();
    };
    tokio::join!(stage.play(file), abort).0
}

#[tokio::test(start_paused = true)]
async fn draining_finishes_what_is_on_the_wire_and_begins_nothing() {
    let stage = Stage::new(slow()).in_flight(4).window(8);
    let played = drained(stage, Duration::from_secs(25), rows(adds(100))).await;
    played.assert_each_ended_once(100);
    assert!(matches!(played.end.stop, Some(Stop::Interrupted)));
    // Four at a time: at 0 s, 10 s and 20 s.
    assert_eq!(played.count(Status::Succeeded), 12);
    assert_eq!(played.count(Status::Unprocessed), 88);
    assert_eq!(played.ledger().changes, 12);
    assert_eq!(played.took, Duration::from_secs(30));
    assert!(played.by_row()[12..].iter().all(|ended| ended.attempts == 0));
}

#[tokio::test(start_paused = true)]
async fn draining_does_not_wait_for_open_resets() {
    let stage = Stage::new(forgetful()).in_flight(4).window(8);
    let played = drained(stage, Duration::from_secs(25), rows(resets(40))).await;
    played.assert_each_ended_once(40);
    // Accepted at 10 s, at 20 s, and those on the wire at 30 s.
    assert_eq!((played.count(Status::Pending), played.count(Status::Unprocessed)), (12, 28));
    let operations = played.end.stats.operations;
    assert_eq!((operations.accepted, operations.timed_out, operations.open()), (12, 12, 0));
    assert_eq!(played.ledger().resets, 12);
    assert_eq!(played.took, Duration::from_secs(30));
    assert!(played.sent.iter().all(|sent| sent.left_at < Duration::from_secs(25)));
    for (_, operation) in played.closed() {
        assert_eq!(operation.status, OperationStatus::TimedOut);
        assert!(operation.url.contains("/operations/"), "its address is told");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_resets_are_pending_the_moment_that_the_run_drains() {
    let stage = Stage::new(forgetful());
    let played = drained(stage, Duration::from_secs(11), rows(resets(20))).await;
    assert_eq!(played.count(Status::Pending), 20);
    assert_eq!(played.took, Duration::from_secs(11));
    assert!(played.closed().iter().all(|(at, _)| *at == Duration::from_secs(11)));
}

#[tokio::test(start_paused = true)]
async fn rows_behind_an_open_reset_are_unprocessed() {
    let mut tasks: Vec<_> = resets(1).collect();
    let name = tasks[0].0.clone();
    tasks.extend((0..5).map(|at| (name.clone(), Action::SetPhone(phone(PhoneType::Office, at)))));
    let played = drained(Stage::new(forgetful()), Duration::from_mins(1), rows(tasks)).await;
    played.assert_each_ended_once(6);
    assert_eq!((played.count(Status::Pending), played.count(Status::Unprocessed)), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_drained_before_it_begins_does_nothing() {
    let stage = Stage::new(slow());
    stage.shutdown.drain();
    let played = stage.play(rows(adds(10))).await;
    played.assert_each_ended_once(10);
    assert_eq!(played.count(Status::Unprocessed), 10);
    assert_eq!((played.ledger().requests, played.took), (0, Duration::ZERO));
    assert!(matches!(played.end.stop, Some(Stop::Interrupted)));
}

#[tokio::test(start_paused = true)]
async fn a_row_in_doubt_that_a_run_does_not_come_to_keeps_the_first_cause_of_the_doubt() {
    let lost = Failure { http_status: Some(504), code: "http-504".to_owned(), message: "late".to_owned() };
    let mut file = rows(adds(2));
    for (work, cause) in file.iter_mut().zip([Some(Box::new(lost.clone())), None]) {
        let Ok(Work::Task(task)) = work else { unreachable!() };
        task.prior = Prior::InDoubt(cause);
    }
    let drained = Stage::new(slow());
    drained.shutdown.drain();
    // The other begins, and comes no further: its read-back is refused.
    let refused = Stage::new(slow());
    let refused = Stage { token: Token(""), ..refused };
    for played in [drained.play(copy(&file)).await, refused.play(file).await] {
        played.assert_each_ended_once(2);
        assert_eq!(played.count(Status::Unknown), 2);
        let causes = played.by_row().into_iter().map(|ended| ended.outcome.failure.clone().unwrap());
        let causes: Vec<Failure> = causes.collect();
        assert_eq!((&causes[0], causes[1].code.as_str()), (&lost, "interrupted"));
    }
}

fn copy(file: &Rows) -> Rows {
    file.iter().map(|work| Ok(work.as_ref().unwrap().clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_not_waited_for_while_the_run_drains() {
    let writes = Some(Quota::Window { requests: 4, span: Duration::from_mins(5) }.into());
    let stage = Stage::new(TenantSettings { writes, ..slow() }).in_flight(8);
    let played = drained(stage, Duration::from_mins(1), rows(adds(50))).await;
    played.assert_each_ended_once(50);
    assert_eq!((played.count(Status::Succeeded), played.count(Status::Unprocessed)), (4, 46));
    assert_eq!(played.took, Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ended_before_the_signal_was_not_stopped() {
    let played = drained(Stage::new(slow()), Duration::from_hours(1), rows(adds(10))).await;
    assert_eq!(played.count(Status::Succeeded), 10);
    assert!(played.end.stop.is_none());
}

#[tokio::test(start_paused = true)]
async fn aborting_ends_the_run_at_once_and_leaves_what_is_on_the_wire_in_doubt() {
    let stage = Stage::new(slow()).in_flight(4).window(8);
    let played = aborted(stage, Duration::from_secs(25), rows(adds(100))).await;
    played.assert_each_ended_once(100);
    assert_eq!(played.took, Duration::from_secs(25));
    assert_eq!(played.count(Status::Succeeded), 8);
    assert_eq!(played.count(Status::Unknown), 4, "they were on the wire");
    assert_eq!(played.count(Status::Unprocessed), 88);
    assert!(matches!(played.end.stop, Some(Stop::Aborted)));
    assert_eq!(played.ledger().changes, 12);
}

#[tokio::test(start_paused = true)]
async fn aborting_does_not_wait_for_a_look_at_an_operation() {
    let stage = Stage::new(forgetful());
    // The first look leaves at 12 s and is on the wire until 22 s.
    let played = aborted(stage, Duration::from_secs(15), rows(resets(20))).await;
    played.assert_each_ended_once(20);
    assert_eq!(played.took, Duration::from_secs(15));
    assert_eq!(played.count(Status::Pending), 20);
    assert_eq!(played.end.stats.operations.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn twenty_writes_refused_alike_at_the_start_stop_the_run() {
    for (window, most) in [(1, 20), (8, 27)] {
        let stage = Stage::new(TenantSettings { permission: Permission::ReadOnly, ..slow() });
        let played = stage.window(window).play(rows(adds(100))).await;
        played.assert_each_ended_once(100);
        assert!(matches!(played.end.stop, Some(Stop::Permission)));
        let failed = played.count(Status::Failed);
        assert!((20..=most).contains(&failed), "{failed}");
        assert_eq!(played.count(Status::Unprocessed), 100 - failed);
        assert_eq!(played.ledger().requests, failed as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_the_tenant_had_no_room_for_do_not_count_as_failures_and_others_do() {
    for (fault, stops) in [
        (FaultRates { throttle: 1.0, ..FaultRates::default() }, false),
        (FaultRates { error_before: 1.0, ..FaultRates::default() }, true),
    ] {
        let mut stage = Stage::new(TenantSettings { faults: fault, ..plain() }).window(2);
        stage.settings.failures = Some(FailureLimit::Count(3));
        let played = stage.play(rows(adds(20))).await;
        played.assert_each_ended_once(20);
        let is_told = matches!(played.end.stop, Some(Stop::Failures { failed: 4, ended: 4, .. }));
        assert_eq!(is_told, stops, "{:?}", played.end.stop);
        assert_eq!(played.count(Status::Unprocessed) > 0, stops);
    }
}

#[tokio::test(start_paused = true)]
async fn nineteen_refusals_and_any_number_of_reads_stop_nothing() {
    let settings = TenantSettings { permission: Permission::ReadOnly, ..plain() };
    let reads = (0..100).map(|at| (user(at), Action::ListMethods));
    let played = Stage::new(settings).play(rows(adds(19).chain(reads))).await;
    played.assert_each_ended_once(119);
    assert!(played.end.stop.is_none());
    assert_eq!((played.count(Status::Failed), played.count(Status::Succeeded)), (19, 100));
}

#[tokio::test(start_paused = true)]
async fn a_lost_sign_in_stops_the_run() {
    let mut stage = Stage::new(slow()).in_flight(4).window(8);
    stage.token = Token("");
    let played = stage.play(rows(adds(100))).await;
    played.assert_each_ended_once(100);
    let Some(Stop::SignIn(reason)) = &played.end.stop else { panic!("{:?}", played.end.stop) };
    assert!(reason.contains("no other token"), "{reason}");
    // Four were on the wire, and four took their places before the run heard of it.
    assert_eq!((played.count(Status::Failed), played.count(Status::Unprocessed)), (8, 92));
    assert_eq!((played.ledger().requests, played.took), (8, LATENCY * 2));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_cannot_write_stops_the_run_and_every_row_is_still_told() {
    for breaks_at in [0, 1, 30, 59] {
        let mut stage = Stage::new(slow()).in_flight(4).window(8);
        stage.breaks_at = Some(breaks_at);
        let played = stage.play(rows(adds(100))).await;
        played.assert_each_ended_once(100);
        let Some(Stop::Observer(error)) = &played.end.stop else { panic!("{:?}", played.end.stop) };
        assert_eq!(error.what, "results.csv");
        // An answer and an end for each row, and a beginning for one or more; those on the wire are finished.
        let done = played.count(Status::Succeeded);
        assert!((breaks_at.saturating_sub(8) / 3..=breaks_at / 2 + 8).contains(&done), "{breaks_at}: {done}");
        assert_eq!(done == 0, breaks_at == 0, "what could not be noted must not be sent");
        assert_eq!(played.count(Status::Unprocessed), 100 - done);
    }
}

#[tokio::test(start_paused = true)]
async fn an_input_that_cannot_be_read_further_stops_the_run() {
    let mut file: Rows = rows(adds(30));
    file[10] = Err("stream did not contain valid UTF-8".into());
    let played = Stage::new(slow()).play(file).await;
    let Some(Stop::Rows(error)) = &played.end.stop else { panic!("{:?}", played.end.stop) };
    assert_eq!(error.to_string(), "stream did not contain valid UTF-8");
    let numbers: Vec<u64> = played.by_row().iter().map(|ended| ended.work.row().number.0).collect();
    assert_eq!(numbers, (1..=30).filter(|number| *number != 11).collect::<Vec<_>>());
    // What had begun goes on to its first request at most.
    let (begun, rest) =
        played.statuses().split_at_checked(10).map(|(a, b)| (a.to_vec(), b.to_vec())).unwrap();
    assert!(
        begun.iter().all(|status| matches!(status, Status::Succeeded | Status::Unprocessed)),
        "{begun:?}"
    );
    assert!(rest.iter().all(|status| *status == Status::Unprocessed), "{rest:?}");
    assert_eq!(played.end.stats.rows.total(), 29);
}

#[tokio::test(start_paused = true)]
async fn an_input_error_after_the_first_rows_were_done_keeps_them() {
    let mut file: Rows = rows(adds(30));
    file[10] = Err("disk gone".into());
    file.truncate(11);
    let played = Stage::new(slow()).in_flight(1).window(1).play(file).await;
    played.assert_each_ended_once(10);
    assert_eq!(played.count(Status::Succeeded), 10);
    assert!(matches!(played.end.stop, Some(Stop::Rows(_))));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_for_a_reason_tells_the_first_one() {
    let mut file: Rows = rows(adds(30));
    file.push(Err("disk gone".into()));
    let played = drained(Stage::new(slow()).in_flight(2).window(2), Duration::from_secs(15), file).await;
    played.assert_each_ended_once(30);
    assert!(matches!(played.end.stop, Some(Stop::Interrupted)));
}

#[tokio::test(start_paused = true)]
async fn in_a_run_that_drains_a_lost_answer_is_still_settled_by_reading_back() {
    let mut settings = slow();
    settings.faults.reset_after = 0.5;
    settings.seed = 3;
    let stage = Stage::new(settings).in_flight(8).window(8);
    let played = drained(stage, Duration::from_secs(5), rows(adds(100))).await;
    played.assert_each_ended_once(100);
    let writes = played.sent.iter().filter(|sent| sent.method == Method::Post);
    assert!(writes.clone().all(|sent| sent.left_at < Duration::from_secs(5)));
    assert_eq!(writes.count(), 8);
    assert!(
        played.sent.iter().any(|sent| sent.method == Method::Get && sent.left_at > Duration::from_secs(5))
    );
    assert_eq!((played.count(Status::Succeeded), played.count(Status::Unprocessed)), (8, 92));
    assert!(!played.told.iter().any(|(_, event)| matches!(event, Event::Held { .. })));
}
