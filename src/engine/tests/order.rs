//! What runs beside what, and what waits.

use std::collections::HashMap;
use std::time::Duration;

use super::stage::{Played, Sent, Stage, adds, invalid, phone, plain, resets, rows, user};
use crate::model::action::Action;
use crate::model::event::Ended;
use crate::model::outcome::Status;
use crate::model::phone::{PhoneChange, PhoneType};
use crate::model::task::Work;
use crate::simulator::settings::TenantSettings;
use crate::simulator::throttle::Quota;
use crate::transport::exchange::Method;

const LATENCY: Duration = Duration::from_millis(100);

fn slow() -> TenantSettings {
    TenantSettings { latency: LATENCY, ..plain() }
}

/// The ends of each user's rows, in the order of the file.
fn by_user(played: &Played) -> HashMap<String, Vec<&Ended>> {
    let mut users: HashMap<String, Vec<&Ended>> = HashMap::new();
    for ended in played.by_row() {
        let Work::Task(task) = &ended.work else { continue };
        users.entry(task.user.as_str().to_lowercase()).or_default().push(ended);
    }
    users
}

#[tokio::test(start_paused = true)]
async fn a_user_s_rows_run_one_after_the_other_in_the_order_of_the_file() {
    // Rows of ten users in turn, under names that differ in case.
    let tasks = (0..60).map(|at| {
        let name = if at % 4 < 2 { user(at % 10) } else { user(at % 10).to_uppercase() };
        (name, Action::SetPhone(phone(PhoneType::Office, at)))
    });
    let played = Stage::new(slow()).play(rows(tasks)).await;
    played.assert_each_ended_once(60);
    assert_eq!(played.count(Status::Succeeded), 60);
    let users = by_user(&played);
    assert_eq!(users.len(), 10);
    for (name, ends) in users {
        for pair in ends.windows(2) {
            assert!(pair[0].ended_at <= pair[1].started_at.unwrap(), "{name}");
        }
    }
    // Each row reads and writes, and the users run side by side: six rows take as long as one user's.
    assert_eq!(played.took, LATENCY * 2 * 6);
    for at in 50..60 {
        let office = played.tenant.lock().unwrap().user(&user(at % 10)).unwrap().office;
        assert_eq!(
            office.as_deref(),
            Some(phone(PhoneType::Office, at).number.as_str()),
            "the last row wins"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_mobile_is_added_before_the_alternate_mobile_that_stands_behind_it() {
    let tasks = (0..50).flat_map(|at| {
        PhoneType::ALL.map(|phone_type| (user(at), Action::AddPhone(phone(phone_type, at * 3))))
    });
    let played = Stage::new(slow()).play(rows(tasks)).await;
    played.assert_each_ended_once(150);
    assert_eq!(played.count(Status::Succeeded), 150);
    assert_eq!(played.ledger().order_violations, 0);
}

#[tokio::test(start_paused = true)]
async fn a_user_s_next_row_waits_until_the_reset_before_it_has_ended() {
    let reset = resets(1).next().unwrap();
    let name = reset.0.clone();
    let tasks = [reset, (name, Action::AddPhone(phone(PhoneType::Office, 1)))];
    let played = Stage::new(slow()).play(rows(tasks)).await;
    assert_eq!(played.statuses(), [Status::Succeeded, Status::Succeeded]);
    let ends = played.by_row();
    assert!(ends[0].ended_at <= ends[1].started_at.unwrap());
    assert!(
        played.at(ends[0].ended_at) >= Duration::from_secs(2),
        "the first look at an operation is after 2 s"
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_than_in_flight_requests_are_on_the_wire() {
    for in_flight in [1, 3, 20] {
        let played = Stage::new(slow()).in_flight(in_flight).window(50).play(rows(adds(100))).await;
        played.assert_each_ended_once(100);
        assert_eq!(played.most_on_the_wire, in_flight);
        let rounds = u32::try_from(100_usize.div_ceil(in_flight)).unwrap();
        assert_eq!(played.took, LATENCY * rounds, "and no fewer");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_take_part_in_the_same_in_flight() {
    let mut stage = Stage::new(slow()).in_flight(5);
    stage.settings.polls.polls_beside_rows = 50;
    let played = stage.play(rows(resets(200).chain(adds(400)))).await;
    played.assert_each_ended_once(600);
    assert_eq!(played.most_on_the_wire, 5);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_window_of_rows_is_begun() {
    for window in [1, 7, 40] {
        let played = Stage::new(slow()).window(window).play(rows(adds(120))).await;
        played.assert_each_ended_once(120);
        assert_eq!(played.most_begun, window);
        assert_eq!(played.most_on_the_wire, window.min(32));
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_wait_for_their_user_are_read_ahead_no_further_than_allowed() {
    let mut stage = Stage::new(slow()).window(10);
    stage.settings.look_ahead = 20;
    let tasks = (0..200).map(|at| (user(0), Action::SetPhone(phone(PhoneType::Office, at))));
    let played = stage.play(rows(tasks)).await;
    played.assert_each_ended_once(200);
    assert_eq!(played.most_begun, 21, "one that runs, and twenty behind it");
}

#[tokio::test(start_paused = true)]
async fn an_open_reset_holds_no_place_in_the_window() {
    let played = Stage::new(slow()).window(1).play(rows(resets(10).chain(adds(10)))).await;
    played.assert_each_ended_once(20);
    let last_add = played.by_row()[19].ended_at;
    assert_eq!(played.at(last_add), LATENCY * 20, "all began before the first operation was due");
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_a_ceiling_for_all_requests_together() {
    let mut stage = Stage::new(plain());
    stage.pace.requests_per_second = Some(20.0);
    let played = stage.play(rows(adds(101))).await;
    played.assert_each_ended_once(101);
    let times: Vec<u128> = played.sent.iter().map(|sent| sent.left_at.as_millis()).collect();
    // Half of the first one's cost may be made up for.
    assert_eq!(times, (0..101).map(|at| 25 + 50 * at).collect::<Vec<u128>>());
}

#[tokio::test(start_paused = true)]
async fn one_429_holds_everybody_but_what_is_on_the_wire() {
    let writes = Some(Quota::Window { requests: 20, span: Duration::from_secs(10) }.into());
    let played = Stage::new(TenantSettings { writes, ..slow() }).in_flight(8).play(rows(adds(100))).await;
    played.assert_each_ended_once(100);
    assert_eq!(played.count(Status::Succeeded), 100);
    let mut throttled = 0;
    for sent in &played.sent {
        let Ok(answer) = &sent.answer else { unreachable!("there are no faults") };
        let Some(pause) = &answer.headers.retry_after else { continue };
        throttled += 1;
        let until = sent.came_back_at + Duration::from_secs(pause.parse().unwrap());
        let meanwhile = |other: &&Sent| (sent.came_back_at..until).contains(&other.left_at);
        assert_eq!(played.sent.iter().filter(meanwhile).count(), 0, "{sent:?}");
    }
    let ledger = played.ledger();
    // Of the four that met the full quota together, the first was told to wait, and three were on the wire.
    assert_eq!((throttled, ledger.throttled, ledger.early), (16, 16, 12));
    assert!(played.end.stats.held >= Duration::from_secs(36), "{:?}", played.end.stats.held);
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_understood_fail_without_a_request() {
    let mut file = rows(adds(3));
    file.insert(1, Ok(invalid(90)));
    file.push(Ok(invalid(91)));
    let played = Stage::new(slow()).play(file).await;
    let ends = played.by_row();
    assert_eq!(ends.len(), 5);
    for ended in &ends[3..] {
        assert_eq!(ended.outcome.status, Status::Failed);
        assert_eq!(ended.outcome.failure.as_ref().unwrap().code, "invalid-row");
        assert_eq!((ended.attempts, ended.started_at), (0, None));
    }
    assert_eq!(played.ledger().requests, 3);
    assert!(played.end.stop.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_row_that_reads_first_waits_once_for_its_beginning_and_for_what_it_found() {
    let tasks = || {
        let gone = PhoneChange::Delete(PhoneType::Office);
        [
            (user(1), Action::SetPhone(phone(PhoneType::Mobile, 1))),
            (user(2), Action::SetPhones([gone].into())),
            (user(3), Action::AddPhone(phone(PhoneType::Mobile, 3))),
        ]
    };
    // A commit holds all that was told until then, so what is found before it needs none of its own.
    for (commit, set_at) in [(LATENCY * 3, LATENCY * 3), (LATENCY / 2, LATENCY * 3 / 2)] {
        let stage = Stage { commit, ..Stage::new(slow()) };
        let played = stage.play(rows(tasks())).await;
        played.assert_each_ended_once(3);
        let left = |user: &str| -> Vec<(Method, Duration)> {
            let theirs = played.sent.iter().filter(|sent| sent.url.contains(user));
            theirs.map(|sent| (sent.method, sent.left_at)).collect()
        };
        assert_eq!(left("user1"), [(Method::Get, Duration::ZERO), (Method::Post, set_at)]);
        // Nothing was read: the beginning alone is waited for.
        assert_eq!(left("user2")[0], (Method::Delete, commit));
        assert_eq!(left("user3"), [(Method::Post, commit)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_ends_at_once() {
    let played = Stage::new(slow()).play(rows([])).await;
    played.assert_each_ended_once(0);
    assert_eq!(played.took, Duration::ZERO);
    assert!(played.end.stop.is_none());
}
