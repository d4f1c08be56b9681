//! Rows that are read for a plan, held to one, or let go behind a canary.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::timeout;

use super::stage::{Rows, Stage, adds, phone, plain, resets, rows, user};
use crate::actions::conduct::{Asked, BeforeImages, Conduct, Look, Sight};
use crate::engine::run::Stop;
use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::event::Event;
use crate::model::foresight::LastMethod;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::PhoneType::Mobile;
use crate::model::row::RowNumber;
use crate::model::task::{PassedOver, Prior, Task, Work};
use crate::model::user_state::{Expectation, Expected, HeldPhone, SmsSignIn};
use crate::policy::failures::FailureLimit;
use crate::simulator::faults::FaultRates;
use crate::simulator::phones::Numbers;
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::TenantSettings;
use crate::simulator::users::SeedUser;
use crate::transport::exchange::Method;

/// What happened before the rows were handed out.
fn with(file: Rows, expected: impl Fn(&Task) -> Option<Expectation>, prior: &Prior) -> Rows {
    let held_to = |work| match work {
        Ok(Work::Task(task)) => {
            let expected = expected(&task).map(Box::new);
            Ok(Work::Task(Task { expected, prior: prior.clone(), ..task }))
        }
        other => other,
    };
    file.into_iter().map(held_to).collect()
}

fn absent() -> Expectation {
    Expectation { phones: [Expected::Absent, Expected::Absent, Expected::Absent] }
}

fn has_mobile(stage: &Stage, at: usize, last_digits: usize) {
    let phones = vec![phone(Mobile, last_digits)];
    stage.tenant.lock().unwrap().add_user(SeedUser { phones, ..SeedUser::named(user(at)) });
}

#[tokio::test(start_paused = true)]
async fn reading_for_a_plan_keeps_the_wire_full() {
    let latency = Duration::from_millis(50);
    let mut stage = Stage::new(TenantSettings { latency, ..plain() }).in_flight(64).window(512);
    let sight = Sight { methods: Asked::Yes, account: Asked::Yes };
    stage.settings.conduct = Conduct { look: Look::ForPlan(sight), ..Conduct::PLAIN };
    let users = 3_200;
    let played = stage.play(rows((0..users).map(|at| (user(at), Action::ListMethods)))).await;
    assert_eq!(played.statuses(), vec![Status::Succeeded; users]);
    // Two reads a user, 64 at once.
    let ideal = latency.as_secs_f64() * 2.0 * 3_200.0 / 64.0;
    assert!(ideal / played.took.as_secs_f64() >= 0.9, "{:?}", played.took);
    assert_eq!(played.ledger().writes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_is_done_only_where_its_user_is_as_expected() {
    let stage = Stage::new(plain());
    has_mobile(&stage, 1, 77);
    let set = |at| (user(at), Action::SetPhone(phone(Mobile, at)));
    let file = with(rows((0..3).map(set)), |_| Some(absent()), &Prior::Untried);
    let played = stage.play(file).await;
    assert_eq!(played.statuses(), [Status::Succeeded, Status::Failed, Status::Succeeded]);
    assert_eq!(played.by_row()[1].outcome.failure.as_ref().unwrap().code, "state-moved");
    assert_eq!(played.ledger().writes, 2);
}

#[tokio::test(start_paused = true)]
async fn a_row_in_doubt_is_not_taken_for_somebody_else_s_change() {
    // What the row was to bring about stands, and reading back says so; what was not applied is done.
    let stage = Stage::new(plain());
    has_mobile(&stage, 0, 0);
    let set = |at| (user(at), Action::SetPhone(phone(Mobile, at)));
    let file = with(rows((0..2).map(set)), |_| Some(absent()), &Prior::InDoubt(None));
    let played = stage.play(file).await;
    assert_eq!(played.statuses(), [Status::Succeeded, Status::Succeeded]);
    assert_eq!(played.ledger().writes, 1);

    // Somebody else's change is none of the row's.
    let stage = Stage::new(plain());
    has_mobile(&stage, 0, 77);
    let file = with(rows([set(0)]), |_| Some(absent()), &Prior::InDoubt(None));
    let played = stage.play(file).await;
    assert_eq!(played.by_row()[0].outcome.failure.as_ref().unwrap().code, "state-moved");
    assert_eq!(played.ledger().writes, 0);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_lost_on_the_way_a_row_of_a_plan_is_done_once_or_known_not_to_be() {
    let faults =
        FaultRates { error_after: 0.2, reset_after: 0.2, error_before: 0.1, ..FaultRates::default() };
    let stage = Stage::new(TenantSettings { faults, ..plain() });
    let held = HeldPhone { number: phone(Mobile, 900).number.as_str().into(), sms: SmsSignIn::Unknown };
    for at in 0..60 {
        has_mobile(&stage, at, if at % 3 == 0 { 800 + at } else { 900 });
    }
    let expected = Expectation { phones: [Expected::Phone(held), Expected::Absent, Expected::Absent] };
    let set = |at| (user(at), Action::SetPhone(phone(Mobile, at)));
    let file = with(rows((0..60).map(set)), |_| Some(expected.clone()), &Prior::Untried);
    let played = stage.play(file).await;
    for (ended, at) in played.by_row().into_iter().zip(0..) {
        let now = played.tenant.lock().unwrap().user(&user(at)).unwrap().mobile.unwrap();
        let wanted = if at % 3 == 0 { phone(Mobile, 800 + at) } else { phone(Mobile, at) };
        let status = if at % 3 == 0 { Status::Failed } else { Status::Succeeded };
        assert_eq!((ended.outcome.status, now.as_str()), (status, wanted.number.as_str()), "row {}", at + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_strong_method_is_looked_for_before_a_phone_goes() {
    let mut stage = Stage::new(plain());
    stage.settings.conduct = Conduct { last_method: LastMethod::Kept, ..Conduct::PLAIN };
    for (at, authenticators) in [(0, 0), (1, 1)] {
        let phones = vec![phone(Mobile, at)];
        let seed = SeedUser { phones, authenticators, ..SeedUser::named(user(at)) };
        stage.tenant.lock().unwrap().add_user(seed);
    }
    let file = rows((0..2).map(|at| (user(at), Action::DeletePhone(Mobile))));
    let played = stage.play(file).await;
    assert_eq!(played.statuses(), [Status::Failed, Status::Succeeded]);
    assert_eq!(played.by_row()[0].outcome.failure.as_ref().unwrap().code, "last-method");
    assert!(played.tenant.lock().unwrap().user(&user(0)).unwrap().mobile.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_guard_found_is_kept_before_a_row_changes_it() {
    let (latency, commit) = (Duration::from_millis(100), Duration::from_millis(50));
    let mut stage = Stage { commit, ..Stage::new(TenantSettings { latency, ..plain() }) };
    stage.settings.conduct = Conduct { last_method: LastMethod::Kept, ..Conduct::PLAIN };
    let seed = SeedUser { phones: vec![phone(Mobile, 0)], authenticators: 1, ..SeedUser::named(user(0)) };
    stage.tenant.lock().unwrap().add_user(seed);
    let add = (user(1), Action::AddPhone(phone(Mobile, 1)));
    let file = rows([(user(0), Action::DeletePhone(Mobile)), add]);
    let is_planned = |task: &Task| (task.row.number == RowNumber(2)).then(absent);
    let played = stage.play(with(file, is_planned, &Prior::Untried)).await;
    assert_eq!(played.statuses(), [Status::Succeeded; 2]);
    let writes = played.sent.iter().filter(|sent| sent.method != Method::Get);
    let left: Vec<Duration> = writes.map(|sent| sent.left_at).collect();
    // The look comes back after one latency; the commit takes what it found with it.
    assert_eq!(left, [latency + commit; 2]);
    let found = played.told.iter().filter(|(_, event)| matches!(event, Event::Found(_)));
    assert_eq!(found.count(), 2);
}

/// A row that changes nothing is looked at first, too, and leaves nothing that would have to be kept.
#[tokio::test(start_paused = true)]
async fn a_row_of_a_plan_that_only_reads_keeps_no_other_from_writing() {
    let mut stage = Stage::new(plain()).window(1);
    stage.settings.conduct = Conduct { before: BeforeImages::Kept, ..Conduct::PLAIN };
    has_mobile(&stage, 1, 5);
    let update = (user(1), Action::UpdatePhone(phone(Mobile, 6)));
    let file = rows([(user(0), Action::ListMethods), update]);
    let is_planned = |task: &Task| (!task.action.writes()).then(absent);
    let played = stage.play(with(file, is_planned, &Prior::Untried));
    let played = timeout(Duration::from_hours(1), played).await.expect("nothing waits for ever");
    assert_eq!(played.statuses(), [Status::Succeeded; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_row_keeps_what_it_changes_also_where_that_is_hidden_and_nothing_where_it_changes_nothing() {
    let update = |at, number| (user(at), Action::UpdatePhone(phone(Mobile, number)));
    let file = || rows([update(0, 9), update(1, 1), (user(2), Action::EnableSmsSignIn)]);
    for (numbers, shown) in [(Numbers::Whole, "+1 2060000000"), (Numbers::Masked, "+1 ******0000")] {
        let mut stage = Stage::new(TenantSettings { numbers, ..plain() });
        stage.settings.conduct = Conduct { before: BeforeImages::Kept, ..Conduct::PLAIN };
        (0..3).for_each(|at| has_mobile(&stage, at, at));
        let played = stage.play(file()).await;
        let images = played.told.iter().filter_map(|(_, event)| match event {
            Event::Found(image) => Some((image.row.0, image.phone_number.clone().unwrap())),
            _ => None,
        });
        let images: Vec<_> = images.collect();
        assert!(images.contains(&(1, shown.to_owned())), "{images:?}");
        assert_eq!(images.iter().any(|(row, _)| *row == 2), numbers == Numbers::Masked, "{images:?}");
        assert!(images.iter().any(|(row, _)| *row == 3), "{images:?}");
        assert_eq!(played.statuses()[0], Status::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_else_is_touched_before_the_first_users_are_read_back() {
    let latency = Duration::from_millis(50);
    let mut stage = Stage::new(TenantSettings { latency, ..plain() });
    stage.settings.canary = NonZeroU64::new(2);
    let more = [(user(0), Action::AddPhone(phone(Mobile, 50)))];
    let file = rows(adds(2).chain(more).chain(adds(12).skip(2)));
    let played = stage.play(file).await;
    played.assert_each_ended_once(13);
    assert_eq!(played.statuses(), vec![Status::Succeeded; 13]);
    let of_the_first = |url: &str| url.contains("user0%40") || url.contains("user1%40");
    let (first, others): (Vec<_>, Vec<_>) = played.sent.iter().partition(|sent| of_the_first(&sent.url));
    let back = first.iter().map(|sent| sent.came_back_at).max().unwrap();
    assert!(others.iter().all(|sent| sent.left_at >= back));
    assert_eq!(first.iter().filter(|sent| sent.method == Method::Get).count(), 3, "each is read back");
    assert!(others.iter().all(|sent| sent.method == Method::Post), "the others are not");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_fails_stops_the_run_before_the_others() {
    let mut stage = Stage::new(plain());
    stage.settings.canary = NonZeroU64::new(1);
    has_mobile(&stage, 0, 77);
    let file = rows((0..5).map(|at| (user(at), Action::AddPhone(phone(Mobile, at)))));
    let played = stage.play(file).await;
    played.assert_each_ended_once(5);
    assert!(matches!(played.end.stop, Some(Stop::Canary { row: RowNumber(1) })), "{:?}", played.end.stop);
    let mut statuses = vec![Status::Unprocessed; 5];
    statuses[0] = Status::Failed;
    assert_eq!(played.statuses(), statuses);
    assert_eq!(played.end.stood, 0);
}

#[tokio::test(start_paused = true)]
async fn a_user_with_nothing_to_write_is_no_canary_and_the_next_one_goes_first() {
    let latency = Duration::from_millis(50);
    let mut stage = Stage::new(TenantSettings { latency, ..plain() });
    stage.settings.canary = NonZeroU64::new(2);
    // Users 0, 1, 2 and 4 have their numbers already, and reading a user tests nothing.
    for at in [0, 1, 2, 4] {
        has_mobile(&stage, at, at);
    }
    let reads = [(user(0), Action::ListMethods), (user(1), Action::ListPhones)];
    let sets = (0..12).map(|at| (user(at), Action::SetPhone(phone(Mobile, at))));
    let played = stage.play(rows(reads.into_iter().chain(sets))).await;
    played.assert_each_ended_once(14);
    assert_eq!((played.count(Status::Succeeded), played.count(Status::Unchanged)), (10, 4));
    assert_eq!(played.end.stood, 2);
    // Users 3 and 5 are the first who are written to; both are read back before anybody behind them is touched.
    let of = |at: usize| format!("user{at}%40");
    let of_the_canaries =
        played.sent.iter().filter(|sent| [3, 5].iter().any(|at| sent.url.contains(&of(*at))));
    let back = of_the_canaries.map(|sent| sent.came_back_at).max().unwrap();
    let others = played.sent.iter().filter(|sent| (6..12).any(|at| sent.url.contains(&of(at))));
    assert!(others.into_iter().all(|sent| sent.left_at >= back));
}

#[tokio::test(start_paused = true)]
async fn a_canary_whose_reset_is_pending_has_not_stood() {
    let duration = (Duration::from_hours(1), Duration::from_hours(1));
    let never = ResetSettings { duration, ..ResetSettings::default() };
    let mut stage = Stage::new(TenantSettings { resets: never, ..plain() });
    stage.settings.canary = NonZeroU64::new(1);
    let played = stage.play(rows(resets(1).chain(adds(3)))).await;
    played.assert_each_ended_once(4);
    assert!(matches!(played.end.stop, Some(Stop::Canary { row: RowNumber(1) })), "{:?}", played.end.stop);
    assert_eq!((played.count(Status::Pending), played.count(Status::Unprocessed)), (1, 3));
    assert_eq!(played.end.stood, 0);
}

#[tokio::test(start_paused = true)]
async fn a_canary_stands_where_what_is_shown_of_a_hidden_number_agrees() {
    let mut stage = Stage::new(TenantSettings { numbers: Numbers::Masked, ..plain() });
    stage.settings.canary = NonZeroU64::new(1);
    let played = stage.play(rows(adds(5))).await;
    assert_eq!(played.statuses(), vec![Status::Succeeded; 5]);
    assert_eq!(played.end.stood, 1);
    let detail = &played.by_row()[0].outcome.detail;
    assert!(detail.contains("part of the number is hidden from this role"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn a_file_with_fewer_users_than_go_first_is_done_as_a_whole() {
    let mut stage = Stage::new(plain());
    stage.settings.canary = NonZeroU64::new(50);
    let played = stage.play(rows(adds(5))).await;
    assert_eq!(played.statuses(), vec![Status::Succeeded; 5]);
    assert_eq!(played.ledger().reads, 5);
}

/// Neither the error budget nor those who go first have anything to do with rows for which nothing was sent.
#[tokio::test(start_paused = true)]
async fn rows_that_a_guard_leaves_out_stop_nothing() {
    let mut stage = Stage::new(plain());
    stage.settings.failures = Some(FailureLimit::Count(3));
    stage.settings.canary = NonZeroU64::new(2);
    let left = |work| match work {
        Ok(Work::Task(task)) if task.row.number.0 % 2 == 1 => {
            let outcome = Outcome::failed(Failure::own(OwnCode::Privileged, None, "holds a role"), "");
            Ok(Work::PassedOver(Box::new(PassedOver { task, outcome })))
        }
        other => other,
    };
    let played = stage.play(rows(adds(60)).into_iter().map(left).collect()).await;
    played.assert_each_ended_once(60);
    assert!(played.end.stop.is_none(), "{:?}", played.end.stop);
    assert_eq!((played.end.stats.rows.succeeded, played.end.stats.rows.failed), (30, 30));
    assert_eq!(played.end.stats.by_action["add-phone"].failed, 30);
}
