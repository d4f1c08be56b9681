//! A journal on a disk: what is told to be kept stands there, also for those who look from outside.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::time::Instant;

use super::record::{RunRecord, SessionEnd, SessionStart, Traffic};
use super::schema::{self, JournalError};
use super::standing::{Failures, Standing};
use super::store::Store;
use super::writer::Journal;
use crate::model::action::Action;
use crate::model::event::{Access, Answered, BeforeImage, Ended, Event, Observer as _};
use crate::model::fingerprint::Fingerprint;
use crate::model::header::Header;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::PhoneType;
use crate::model::row::{Row, RowNumber};
use crate::model::stats::RowCounts;
use crate::model::task::{Prior, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;
use crate::pace::pacer::Limits;

const NAME: &str = "journal.sqlite";

fn run() -> RunRecord {
    RunRecord {
        program_version: "0.0.0".to_owned(),
        command: "run".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        input: "/in.csv".into(),
        fingerprint: Fingerprint { bytes: 0, sha256: String::new() },
        header: Header::default(),
        rows: 100,
        graph_root: "https://graph.test".to_owned(),
        api_version: "v1.0".to_owned(),
        tenant: None,
        is_rehearsal: false,
        settings: "{}".to_owned(),
    }
}

fn session() -> SessionStart {
    SessionStart { program_version: "0.0.0".to_owned(), process_id: 1, started_at: Timestamp::UNIX_EPOCH }
}

/// A journal with one session.
pub(super) fn store(dir: &TempDir) -> Store {
    let mut store = Store::create(&dir.path().join(NAME), run()).unwrap();
    store.begin_session(&session(), Instant::now()).unwrap();
    store
}

/// As somebody else sees it.
pub(super) fn reader(dir: &Path) -> Connection {
    Connection::open_with_flags(dir.join(NAME), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn ended(row: u64) -> Event {
    ended_so(row, "a", Outcome::new(Status::Succeeded, ""))
}

fn ended_so(row: u64, user: &str, outcome: Outcome) -> Event {
    end_of(row, user, Action::DeletePhone(PhoneType::Office), outcome)
}

pub(super) fn end_of(row: u64, user: &str, action: Action, outcome: Outcome) -> Event {
    let row = Row { number: RowNumber(row), fields: Box::default() };
    let user = UserId::new(&format!("{user}@contoso.com")).unwrap();
    let task = Task { row, user, action, not_before: None, prior: Prior::Untried, expected: None };
    Event::Ended(Arc::new(Ended {
        work: Work::Task(task),
        outcome,
        attempts: 1,
        http_status: Some(204),
        started_at: None,
        ended_at: Instant::now(),
        request_id: String::new(),
        client_request_id: String::new(),
        operation_id: String::new(),
    }))
}

#[test]
fn a_process_that_is_killed_while_it_makes_a_journal_leaves_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    fs::write(&path, "").unwrap();
    // What is not committed when the process ends is gone, however it ends.
    schema::create(&path, |_| Err(rusqlite::Error::InvalidQuery)).unwrap_err();
    assert!(matches!(Store::open(&path), Err(JournalError::NoJournal(_))));
    schema::create(&path, |_| Ok(())).unwrap();
}

#[tokio::test]
async fn what_is_told_to_be_kept_stands_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::start(store(&dir)).unwrap();
    let reader = reader(dir.path());
    for row in 1..=40 {
        journal.observe(&Event::Begun([RowNumber(row)].into())).unwrap();
        assert!(journal.kept(row).await.unwrap() >= row);
        let sql = "SELECT max(value) FROM begun, json_each(begun.rows)";
        let last: u32 = reader.query_row(sql, [], |record| record.get(0)).unwrap();
        assert_eq!(u64::from(last), row);
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_whoever_waits_and_to_whoever_comes_next() {
    let dir = tempfile::tempdir().unwrap();
    let broken = store(&dir);
    broken.connection.execute_batch("DROP TABLE begun").unwrap();
    let mut journal = Journal::start(broken).unwrap();
    journal.observe(&Event::Begun([RowNumber(1)].into())).unwrap();
    let told = journal.kept(1).await.unwrap_err();
    assert!(told.what.ends_with(NAME) && told.source.to_string().contains("begun"), "{told:?}");
    journal.observe(&Event::Begun([RowNumber(2)].into())).unwrap_err();
    journal.tick(Instant::now()).unwrap_err();
    journal.finish().1.unwrap_err();
}

#[test]
fn each_commit_is_synced_with_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(&dir));
    let made = Store::create(&dir.path().join("other.sqlite"), run()).unwrap();
    let opened = Store::open(&dir.path().join(NAME)).unwrap();
    for store in [made, opened] {
        let pragma = |name| store.connection.pragma_query_value(None, name, |record| record.get(0));
        assert_eq!(pragma("journal_mode"), Ok("wal".to_owned()));
        // FULL (SQLite, "PRAGMA synchronous").
        assert_eq!(store.connection.pragma_query_value(None, "synchronous", |r| r.get(0)), Ok(2));
    }
}

#[test]
fn a_journal_of_version_1_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let sql = "ALTER TABLE sessions DROP COLUMN early; ALTER TABLE sessions DROP COLUMN throughput; \
               PRAGMA user_version = 1";
    store(&dir).connection.execute_batch(sql).unwrap();
    let mut store = Store::open(&dir.path().join(NAME)).unwrap();
    assert_eq!(store.traffic().unwrap(), Traffic::default());
    store.begin_session(&session(), Instant::now()).unwrap();
    let (store, kept) = Journal::start(store).unwrap().finish();
    kept.unwrap();
    let version = store.unwrap().connection.pragma_query_value(None, "user_version", |record| record.get(0));
    assert_eq!(version, Ok(schema::VERSION));
}

/// Works for three seconds: sends a write in each, one of them too early, and pauses for the last.
fn works_for_three_seconds(mut store: Store) -> Store {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    store.begin_session(&session(), start).unwrap();
    let mut journal = Journal::start(store).unwrap();
    for seconds in 0..3 {
        let (sent_at, latency) = (start + second * seconds, Duration::from_millis(10));
        let (access, status) = (Access::Write, Some(if seconds == 1 { 429 } else { 201 }));
        let early = seconds == 2;
        let answered = Answered { access, attempt: 1, status, sent_at, latency, early, used_percent: None };
        journal.observe(&Event::Answered(answered)).unwrap();
    }
    journal.observe(&Event::Held { span: second, until: start + second * 3 }).unwrap();
    journal.note_limits(start + second, Limits { reads: None, writes: Some(5.0) });
    let (store, kept) = journal.finish();
    kept.unwrap();
    let mut store = store.unwrap();
    let ended_at = Timestamp::UNIX_EPOCH + second * 3;
    store.end_session(&SessionEnd { ended_at, stop_reason: None, exit_code: 130 }).unwrap();
    store
}

#[test]
fn what_sessions_sent_is_told_one_behind_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    drop(works_for_three_seconds(Store::create(&path, run()).unwrap()));
    works_for_three_seconds(Store::open(&path).unwrap());
    let Traffic { requests, held, throughput } = Store::open(&path).unwrap().traffic().unwrap();
    assert_eq!((requests.total, requests.throttled, requests.early), (6, 2, 2));
    assert_eq!(held, Duration::from_secs(2));
    let told: Vec<_> = throughput
        .intervals
        .iter()
        .map(|interval| (interval.writes, interval.throttled, interval.held_ms, interval.write_limit))
        .collect();
    let session = [(1, 0, 0, None), (0, 1, 0, Some(5.0)), (1, 0, 1_000, None)];
    // A hold ends where an interval begins.
    assert_eq!(told, [&session[..], &session[..], &[(0, 0, 0, None)]].concat());
}

#[test]
fn the_first_image_of_what_a_row_changes_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let found = |number: Option<&str>| {
        Event::Found(Box::new(BeforeImage {
            row: RowNumber(7),
            phone_type: PhoneType::Mobile,
            phone_number: number.map(str::to_owned),
            sms_sign_in_state: "ready".to_owned(),
            read_at: Instant::now(),
        }))
    };
    store.keep_events(&[found(Some("+1 2065550100"))]).unwrap();
    store.keep_events(&[found(None)]).unwrap();
    let sql = "SELECT row || ' ' || phone_type || ' ' || phone_number || ' ' || sms_sign_in_state FROM before_images";
    let image: String = reader(dir.path()).query_row(sql, [], |record| record.get(0)).unwrap();
    assert_eq!(image, "7 mobile +1 2065550100 ready");

    // A row that ended untried changed nothing: what it finds when it is done is what there was before.
    store.keep_events(&[ended_so(7, "a", Outcome::new(Status::Unprocessed, ""))]).unwrap();
    assert_eq!(store.before(RowNumber(7)).unwrap(), []);
    store.keep_events(&[found(Some("+1 2065550109"))]).unwrap();
    let image: String = reader(dir.path()).query_row(sql, [], |record| record.get(0)).unwrap();
    assert_eq!(image, "7 mobile +1 2065550109 ready");
}

fn operation() -> Operation {
    Operation {
        row: RowNumber(7),
        user: UserId::new("a@contoso.com").unwrap(),
        id: "1".to_owned(),
        url: "https://graph.test/v1.0/operations/1?aadgdc=A".to_owned(),
        status: OperationStatus::NotStarted,
        status_detail: String::new(),
        created_at: String::new(),
        last_action_at: String::new(),
        accepted_at: Instant::now(),
        finished_at: None,
        polls: 0,
        follows_doubt: false,
        may_be_overtaken: false,
        retry_after: None,
    }
}

#[test]
fn each_look_at_an_operation_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let sql = "SELECT url || ' ' || status || ' ' || polls FROM operations";
    let mut kept = |event: Event| {
        store.keep_events(&[event]).unwrap();
        reader(dir.path()).query_row(sql, [], |record| record.get::<_, String>(0)).unwrap()
    };
    let mut operation = operation();
    let url = operation.url.clone();
    assert_eq!(kept(Event::Accepted(Box::new(operation.clone()))), format!("{url} notStarted 0"));
    (operation.status, operation.polls) = (OperationStatus::Running, 1);
    assert_eq!(kept(Event::Polled(Box::new(operation.clone()))), format!("{url} running 1"));
    (operation.status, operation.polls) = (OperationStatus::Succeeded, 2);
    assert_eq!(kept(Event::Closed(Box::new(operation))), format!("{url} succeeded 2"));
}

/// Each session reads both clocks anew, a little apart.
#[test]
fn when_a_reset_was_accepted_stays_as_it_was_first_noted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let first = operation();
    let later =
        Operation { accepted_at: first.accepted_at + Duration::from_millis(3), polls: 9, ..first.clone() };
    let sql = "SELECT accepted_at FROM operations";
    let mut kept = |event: Event| {
        store.keep_events(&[event]).unwrap();
        reader(dir.path()).query_row(sql, [], |record| record.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(kept(Event::Accepted(Box::new(first))), kept(Event::Polled(Box::new(later))));
}

#[test]
fn a_reset_whose_operation_has_ended_and_whose_row_has_not_is_followed_and_not_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let accepted = operation();
    let closed = Operation {
        status: OperationStatus::Succeeded,
        finished_at: Some(accepted.accepted_at),
        ..accepted.clone()
    };
    let told = [
        Event::Begun([accepted.row].into()),
        Event::Accepted(Box::new(accepted)),
        Event::Closed(Box::new(closed)),
    ];
    store.keep_events(&told).unwrap();
    let timeline = Timeline::new(Instant::now(), Timestamp::UNIX_EPOCH);
    let standing = store.standing(Failures::Final, &timeline).unwrap();
    assert!(matches!(standing.prior(RowNumber(7)), Prior::Accepted(operation) if operation.id == "1"));
    assert!(standing.in_doubt.is_empty() && standing.done.is_empty(), "{standing:?}");
}

#[test]
fn resets_that_may_still_set_a_password_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let failure = |status| Failure { http_status: status, code: "no".to_owned(), message: String::new() };
    let accepted = |row, user: &str, doubts: (bool, bool)| {
        let (follows_doubt, may_be_overtaken) = doubts;
        let user = UserId::new(&format!("{user}@contoso.com")).unwrap();
        let operation =
            Operation { row: RowNumber(row), user, follows_doubt, may_be_overtaken, ..operation() };
        Event::Accepted(Box::new(operation))
    };
    let reset = |row, user: &str, outcome: Outcome| end_of(row, user, Action::ResetPassword(None), outcome);
    let told = [
        accepted(1, "answered", (false, false)),
        accepted(2, "asked-twice", (true, false)),
        accepted(3, "behind-another", (false, true)),
        accepted(4, "both", (true, true)),
        reset(5, "unknown", Outcome::unknown(failure(Some(504)), "")),
        reset(6, "unknown", Outcome::unknown(failure(Some(504)), "")),
        reset(7, "refused", Outcome::failed(failure(Some(403)), "")),
        reset(8, "failed", Outcome::failed(failure(None), "")),
        reset(9, "foreign", Outcome::failed(failure(Some(202)), "")),
        reset(10, "done", Outcome::new(Status::Succeeded, "")),
        ended_so(11, "no-reset", Outcome::unknown(failure(Some(504)), "")),
    ];
    store.keep_events(&told).unwrap();
    let lost = store.lost_resets().unwrap();
    let row = |user: &str| lost.get(&UserId::new(&format!("{user}@contoso.com")).unwrap().order_key());
    for (user, expected) in [("asked-twice", 2), ("both", 4), ("unknown", 5), ("foreign", 9)] {
        assert_eq!(row(user), Some(&RowNumber(expected)), "{user}");
    }
    assert_eq!(lost.len(), 4);
    let timeline = Timeline::new(Instant::now(), Timestamp::UNIX_EPOCH);
    let Standing { open, .. } = store.standing(Failures::Final, &timeline).unwrap();
    let doubts = |row| {
        let operation: &Operation = &open[&RowNumber(row)];
        (operation.follows_doubt, operation.may_be_overtaken)
    };
    assert_eq!([1, 2, 3, 4].map(doubts), [(false, false), (true, false), (false, true), (true, true)]);
}

/// Else a number that an earlier row asked for would take the place of the one that a later row has set.
#[test]
fn a_row_that_may_be_written_is_done_again_only_where_no_later_row_of_its_user_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let failure = |status| Failure { http_status: status, code: "no".to_owned(), message: String::new() };
    let unknown = || Outcome::unknown(failure(Some(504)), "");
    let refused = || Outcome::failed(failure(Some(403)), "");
    let no_address = Failure { code: "no-operation-url".to_owned(), ..failure(Some(202)) };
    let done = || Outcome::new(Status::Succeeded, "");
    let unprocessed = || Outcome::new(Status::Unprocessed, "");
    let told = [
        ended_so(1, "a", unknown()),
        ended_so(2, "a", done()),
        ended_so(3, "b", refused()),
        ended_so(4, "b", refused()),
        ended_so(5, "a", unknown()),
        ended_so(6, "c", unknown()),
        ended_so(7, "c", unprocessed()),
        ended_so(8, "d", refused()),
        ended_so(9, "d", done()),
        // Its reset was accepted, and nobody knows where its operation is.
        ended_so(10, "e", Outcome::unknown(no_address, "")),
    ];
    store.keep_events(&told).unwrap();
    let timeline = Timeline::new(Instant::now(), Timestamp::UNIX_EPOCH);
    let stands = |failures| {
        let Standing { done, in_doubt, .. } = store.standing(failures, &timeline).unwrap();
        let mut in_doubt: Vec<u64> = in_doubt.keys().map(|row| row.0).collect();
        in_doubt.sort_unstable();
        (done.iter().map(|row| row.0).collect::<Vec<_>>(), in_doubt)
    };
    assert_eq!(stands(Failures::Final), (vec![1, 2, 3, 4, 8, 9, 10], vec![5, 6]));
    assert_eq!(stands(Failures::FinalButRefusals(3)), stands(Failures::Final), "the session did not end so");
    end(&mut store, 3);
    let stands = |failures| {
        let Standing { done, .. } = store.standing(failures, &timeline).unwrap();
        done.iter().map(|row| row.0).collect::<Vec<_>>()
    };
    assert_eq!(stands(Failures::FinalButRefusals(3)), [1, 2, 8, 9, 10]);
    // The one of d stands before a row that was done.
    assert_eq!([3, 4].map(|exit_code| store.refused(exit_code, &timeline).unwrap()), [2, 0]);
}

#[test]
fn a_row_in_doubt_comes_with_what_was_first_noted_of_its_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let lost = || Failure { http_status: Some(504), code: "late".to_owned(), message: "why".to_owned() };
    let told = [1, 2]
        .map(|row| ended_so(row, "a", Outcome::unknown(lost(), "")))
        .into_iter()
        .chain([Event::Begun([RowNumber(3)].into())]);
    store.keep_events(&told.collect::<Vec<_>>()).unwrap();
    // The next session breaks off in the middle of the second row.
    store.begin_session(&session(), Instant::now()).unwrap();
    store.keep_events(&[Event::Begun([RowNumber(2)].into())]).unwrap();
    let timeline = Timeline::new(Instant::now(), Timestamp::UNIX_EPOCH);
    let standing = store.standing(Failures::Final, &timeline).unwrap();
    let known = || Prior::InDoubt(Some(Box::new(lost())));
    let rows = [1, 2, 3].map(|row| standing.prior(RowNumber(row)));
    assert_eq!(rows, [known(), known(), Prior::InDoubt(None)]);
}

fn end(store: &mut Store, exit_code: u8) {
    let end = SessionEnd { ended_at: Timestamp::UNIX_EPOCH, stop_reason: None, exit_code };
    store.end_session(&end).unwrap();
}

/// What a session that stopped for want of a sign-in left behind stays to be done, whatever later ones came to.
#[test]
fn rows_that_were_refused_are_tried_again_only_where_their_own_session_stopped_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    for (row, user, exit_code) in [(1, "a", 3), (2, "b", 1), (3, "c", 130)] {
        let failure = Failure { http_status: Some(403), code: "no".to_owned(), message: String::new() };
        store.keep_events(&[ended_so(row, user, Outcome::failed(failure, ""))]).unwrap();
        end(&mut store, exit_code);
        store.begin_session(&session(), Instant::now()).unwrap();
    }
    let timeline = Timeline::new(Instant::now(), Timestamp::UNIX_EPOCH);
    let standing = store.standing(Failures::FinalButRefusals(3), &timeline).unwrap();
    assert_eq!(standing.done.iter().map(|row| row.0).collect::<Vec<_>>(), [2, 3]);
}

/// A power cut leaves the log's last pages out, or half of one, or nonsense in its place.
#[test]
fn of_a_log_that_a_power_cut_tore_whole_commits_are_taken_up_from_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    for row in 1..=20 {
        store.keep_events(&[Event::Begun([RowNumber(row)].into()), ended(row)]).unwrap();
    }
    let wal = format!("{NAME}-wal");
    let log = fs::read(dir.path().join(&wal)).unwrap();
    let mut seen = 0;
    for at in (0..=60).map(|part| log.len() * part / 60) {
        let torn = tempfile::tempdir().unwrap();
        fs::copy(dir.path().join(NAME), torn.path().join(NAME)).unwrap();
        let nonsense = vec![0xa5; (log.len() - at).min(3_000)];
        fs::write(torn.path().join(&wal), [&log[..at], &nonsense].concat()).unwrap();
        let Ok(taken_up) = Store::open(&torn.path().join(NAME)) else {
            assert_eq!(seen, 0, "only a journal that was never whole may be refused");
            continue;
        };
        let timeline = Timeline::new(Instant::now(), Timestamp::UNIX_EPOCH);
        let standing = taken_up.standing(Failures::Final, &timeline).unwrap();
        let (done, rows) = (standing.done.len(), standing.done.iter().map(|row| row.0));
        assert!(rows.eq(1..=done) && standing.in_doubt.is_empty(), "{standing:?}");
        assert!(done >= seen, "more of the log holds no less");
        seen = done;
        let sound = "PRAGMA integrity_check";
        assert_eq!(taken_up.connection.query_row(sound, [], |r| r.get(0)), Ok("ok".to_owned()));
    }
    assert_eq!(seen, 20);
}

#[test]
fn a_digest_counts_by_status_action_and_code_and_names_the_first_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let failure =
        |code: &str| Failure { http_status: Some(409), code: code.to_owned(), message: "m".to_owned() };
    let done = |row| ended_so(row, "a", Outcome::new(Status::Succeeded, ""));
    let failed = |row| ended_so(row, "a", Outcome::failed(failure("taken"), "d"));
    let unknown = ended_so(9, "b", Outcome::unknown(failure("taken"), ""));
    let other = ended_so(2, "b", Outcome::failed(failure("other"), ""));
    let begun = Event::Begun(vec![RowNumber(20), RowNumber(1)].into());
    let told = [begun, done(1), other, failed(3), failed(4), failed(5), failed(6), unknown];
    store.keep_events(&told).unwrap();
    let open = Event::Accepted(Box::new(Operation { row: RowNumber(7), ..operation() }));
    store.keep_events([&open]).unwrap();

    let digest = store.digest().unwrap();
    assert_eq!((digest.rows.succeeded, digest.rows.failed, digest.rows.unknown), (1, 5, 1));
    assert_eq!(digest.by_action.values().map(RowCounts::total).sum::<u64>(), 7);
    let groups: Vec<_> =
        digest.errors.iter().map(|group| (group.code.as_str(), group.failed, group.unknown)).collect();
    assert_eq!(groups, [("taken", 4, 1), ("other", 1, 0)]);
    let rows: Vec<u64> = digest.errors[0].examples.iter().map(|example| example.row.0).collect();
    assert_eq!(rows, [3, 4, 5]);
    assert_eq!(
        (digest.errors[0].examples[0].detail.as_str(), digest.errors[0].http_status),
        ("d", Some(409))
    );
    assert_eq!((digest.operations.accepted, digest.operations.open()), (1, 1));
    assert_eq!(digest.pending.iter().map(|reset| reset.row.0).collect::<Vec<_>>(), [7]);
    assert_eq!((digest.session_count, digest.in_doubt), (1, 1), "row 20 began, and its end is not known");

    let end = SessionEnd { ended_at: Timestamp::UNIX_EPOCH, stop_reason: None, exit_code: 1 };
    store.end_session(&end).unwrap();
    assert_eq!(store.digest().unwrap().sessions[0].exit_code, Some(1));
}

#[test]
fn a_digest_tells_so_many_codes_apart_and_counts_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir);
    let told: Vec<Event> = (1..=60)
        .map(|row| {
            let code = format!("code-{row}");
            let failure = Failure { http_status: None, code, message: String::new() };
            ended_so(row, "a", Outcome::failed(failure, ""))
        })
        .collect();
    store.keep_events(&told).unwrap();
    let digest = store.digest().unwrap();
    assert_eq!((digest.errors.len(), digest.further_errors), (50, 10));
}
