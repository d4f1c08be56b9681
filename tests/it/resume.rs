//! A run that stopped is taken up again: nothing is lost, nothing is done twice.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::support::scripted::Answer;
use super::support::world::{Running, TOKEN, World};

fn adds(count: usize) -> String {
    let rows = (0..count).map(|i| format!("u{i}@contoso.com,add,mobile,+1 2065550{i:03},n{i}\n"));
    "user,action,phone_type,phone_number,note\n".to_owned() + &rows.collect::<String>()
}

const RESET: &str = "user,action,new_password\na@contoso.com,reset,Slow-0ne-1\n";

/// A run of [`adds`] that is stopped by Ctrl-C once some rows are done.
fn interrupted(rows: usize, flags: &[&str]) -> World {
    let world = World::new().file("in.csv", &adds(rows)).simulator(&["--latency", "100ms"]);
    let running = world.begin("in.csv", &[&["--in-flight", "4"], flags].concat());
    wait_for_requests(&world, 12);
    running.signal("-INT");
    running.end().exits(130).stderr_has("next: authwave resume out");
    world
}

fn wait_for_requests(world: &World, count: u64) {
    while world.tenant().count("requests") < count {}
}

#[test]
fn an_interrupted_run_is_finished_and_every_row_is_written_once() {
    let world = interrupted(60, &[]);
    let ended = world.resume(&["--in-flight", "32"]).exits(0).stderr_has("and 2 sessions: 60 succeeded");
    let numbers: Vec<String> = (1..=60).map(|row| row.to_string()).collect();
    assert_eq!(ended.column("row"), numbers);
    assert_eq!(ended.column("status"), vec!["succeeded"; 60]);
    assert_eq!(ended.lines("unfinished.csv").len(), 0);
    let (ledger, summary) = (world.tenant().ledger(), ended.summary());
    assert_eq!((&ledger["writes"], &ledger["changes"]), (&json!(60), &json!(60)));
    assert_eq!((&summary["requests"]["total"], &summary["sessions"]), (&ledger["requests"], &json!(2)));
    assert_eq!(summary["requests"]["by_status"], ledger["by_status"]);
    assert_eq!((&summary["rows"]["total"], &summary["exit_code"]), (&json!(60), &json!(0)));
}

#[test]
fn a_run_that_is_done_is_not_done_again_and_its_files_can_be_made_again() {
    let world = World::new().file("in.csv", &adds(5)).simulator(&[]);
    let ended = world.run("in.csv", &[]).exits(0);
    let read = |name: &str| fs::read_to_string(ended.directory().join(name)).unwrap();
    let names = ["results.csv", "operations.csv", "methods.csv", "unfinished.csv"];
    let before = names.map(read);
    for name in names {
        fs::remove_file(ended.directory().join(name)).unwrap();
        // As a process leaves it that is killed while it makes the file.
        fs::write(ended.directory().join(format!("{name}.new")), "row,us").unwrap();
    }
    world.resume(&[]).exits(0).stderr_has("5 rows are done, 0 in doubt, 0 resets open, 0 untouched");
    assert_eq!(names.map(read), before);
    assert_eq!(world.tenant().count("requests"), 5);
}

#[test]
fn rows_that_failed_stay_failed_and_those_in_the_leftover_are_for_the_next_run() {
    let text = "user,action,phone_type,phone_number\na@contoso.com,update,mobile,+1 2065550100\n";
    let world = World::new().file("in.csv", text).simulator(&[]);
    world.run("in.csv", &[]).exits(1);
    let requests = world.tenant().count("requests");
    world.resume(&[]).exits(1).stderr_has("authwave run out/unfinished.csv");
    assert_eq!(world.tenant().count("requests"), requests);
}

#[test]
fn another_file_is_refused_and_one_that_was_moved_is_named() {
    let world = interrupted(20, &[]);
    let requests = world.tenant().count("requests");
    fs::rename(world.path("in.csv"), world.path("moved.csv")).unwrap();
    world.resume(&[]).exits(2).stderr_has("name it with --input FILE");
    fs::write(world.path("changed.csv"), adds(21)).unwrap();
    world
        .resume(&["--input", "changed.csv"])
        .exits(2)
        .stderr_has("changed.csv is not what the run began with: it was")
        .stderr_has("bytes, SHA-256");
    assert_eq!(world.tenant().count("requests"), requests);
    let ended = world.resume(&["--input", "moved.csv"]).exits(0);
    assert_eq!(ended.column("status"), vec!["succeeded"; 20]);
    assert_eq!(world.tenant().count("writes"), 20);
    // The journal knows by now where the file is.
    world.resume(&[]).exits(0).stderr_has("20 rows are done");
}

#[test]
fn a_file_of_passwords_that_was_changed_is_refused_while_a_row_that_is_left_points_into_it() {
    let passwords =
        "user,action,new_password\na@contoso.com,reset,Slow-0ne-1\nb@contoso.com,reset,Slow-0ne-2\n";
    let world = World::new().file("passwords.csv", passwords).simulator(&["--latency", "200ms"]);
    let from = world.path("passwords.csv").display().to_string();
    let rows = format!(
        "user,action,new_password,new_password_from\na@contoso.com,reset,,{from}#1\nb@contoso.com,reset,,{from}#2\n"
    );
    world.file_again("in.csv", &rows);
    let running = world.begin("in.csv", &["--in-flight", "1"]);
    wait_for_requests(&world, 1);
    running.signal("-INT");
    running.end().exits(130);
    let requests = world.tenant().count("requests");
    world.file_again("passwords.csv", &passwords.replace("0ne-2", "0ne-3"));
    world
        .resume(&[])
        .exits(2)
        .stderr_has("passwords.csv is not what the run began with: it was")
        .stderr_has("Put the file back");
    fs::remove_file(world.path("passwords.csv")).unwrap();
    world.resume(&[]).exits(2).stderr_has("passwords.csv: No such file");
    assert_eq!(world.tenant().count("requests"), requests);
    world.file_again("passwords.csv", passwords);
    world.resume(&[]).exits(0);
    // Nobody needs it any more.
    fs::remove_file(world.path("passwords.csv")).unwrap();
    world.resume(&[]).exits(0).stderr_has("2 rows are done");
}

#[test]
fn a_run_does_not_move_to_another_tenant() {
    let world = interrupted(20, &[]);
    world
        .resume(&["--graph-root", "http://127.0.0.1:9"])
        .exits(2)
        .stderr_has("the Graph root is not what the run began with");
    world.resume(&["--api-version", "beta"]).exits(2).stderr_has("the Graph version is not");
}

#[test]
fn a_directory_without_a_journal_and_a_journal_of_a_later_program_are_refused() {
    let world = World::new().file("in.csv", &adds(1)).simulator(&[]);
    world.authwave(&["resume", "nowhere"]).exits(2).stderr_has("nowhere/journal.sqlite is no journal");
    assert!(!world.path("nowhere").exists());
    world.run("in.csv", &[]).exits(0);
    let journal = Connection::open(world.path("out/journal.sqlite")).unwrap();
    journal.pragma_update(None, "user_version", 99).unwrap();
    drop(journal);
    for refused in [world.resume(&[]), world.operations(&[])] {
        refused.exits(2).stderr_has("version 99").stderr_has("use the newer authwave");
    }
    fs::write(world.path("out/journal.sqlite"), "not a database, but long enough to look at").unwrap();
    world.resume(&[]).exits(2).stderr_has("is no journal");
}

#[test]
fn rows_that_were_refused_for_want_of_a_sign_in_are_done_once_there_is_one() {
    let body =
        json!({"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed."}});
    let refused = || Answer::json(401, &body).with("WWW-Authenticate", "Bearer error=\"invalid_token\"");
    let added = || Answer::json(201, &json!({}));
    let answers = std::iter::repeat_with(refused).take(2).chain(std::iter::repeat_with(added).take(5));
    let world = World::new().file("in.csv", &adds(5)).answers(answers.collect::<Vec<_>>());
    world.run("in.csv", &["--in-flight", "1"]).exits(3).stderr_has("next: authwave resume out");
    if world.server().heard().len() == 1 {
        // The run heard of the first refusal before a second row left.
        world.resume(&["--in-flight", "1"]).exits(3);
    }
    let ended = world.resume(&["--in-flight", "1"]).exits(0);
    assert_eq!(ended.column("status"), vec!["succeeded"; 5]);
}

#[test]
fn a_run_stops_when_more_rows_fail_than_may_and_goes_on_when_told() {
    let updates = adds(40).replace(",add,", ",update,");
    let world = World::new().file("in.csv", &updates).simulator(&[]);
    let flags = ["--max-failures", "3", "--in-flight", "1"];
    let ended = world
        .run("in.csv", &flags)
        .exits(4)
        .stderr_has("4 of 4 rows failed, and 3 may (--max-failures)")
        .stderr_has("next: authwave resume out");
    let count = |ended: &super::support::ended::Ended, status| {
        ended.column("status").iter().filter(|other| *other == status).count()
    };
    let failed = count(&ended, "failed");
    assert!((4..12).contains(&failed), "{failed}");
    assert_eq!(count(&ended, "unprocessed"), 40 - failed);
    assert_eq!(ended.summary()["exit_code"], 4);
    let again = world.resume(&["--max-failures", "100%"]).exits(1);
    assert_eq!(again.column("status"), vec!["failed"; 40]);
}

#[test]
fn a_run_that_takes_as_long_as_it_may_drains_and_can_be_taken_up() {
    let world = World::new().file("in.csv", &adds(40)).simulator(&["--latency", "100ms"]);
    let ended = world
        .run("in.csv", &["--max-duration", "500ms", "--in-flight", "2"])
        .exits(130)
        .stderr_has("--max-duration")
        .stderr_has("next: authwave resume out");
    assert!(ended.column("status").contains(&"unprocessed".to_owned()));
    let ended = world.resume(&["--max-duration", "1h", "--in-flight", "32"]).exits(0);
    assert_eq!(ended.column("status"), vec!["succeeded"; 40]);
    assert_eq!(world.tenant().count("writes"), 40);
}

#[test]
fn resets_that_were_pending_are_followed_to_their_end_and_not_sent_again() {
    let world = World::new().file("in.csv", RESET).simulator(&["--reset-duration", "2s"]);
    let first = world.run("in.csv", &["--operation-timeout", "300ms"]).exits(5);
    assert_eq!(first.lines("unfinished.csv").len(), 0, "it would be reset once more");
    let (pending, accepted) = (first.only_row(), first.lines("operations.csv"));
    world.operations(&["--operation-timeout", "100ms"]).exits(5).stderr_has("next: authwave operations out");
    let ended = world.operations(&["--operation-timeout", "1m"]).exits(0);
    let done = ended.only_row();
    assert_eq!(done["status"], "succeeded");
    // What is known of its sending is still known.
    for column in ["attempts", "http_status", "started_at", "request_id", "client_request_id", "operation_id"]
    {
        assert!(!pending[column].is_empty() && done[column] == pending[column], "{column}: {done:?}");
    }
    let operations = ended.lines("operations.csv");
    assert_eq!((operations.len(), operations[0]["status"].as_str()), (1, "succeeded"));
    assert_eq!(operations[0]["accepted_at"], accepted[0]["accepted_at"]);
    assert!(operations[0]["polls"].parse::<u32>().unwrap() > 1);
    assert_eq!(world.tenant().count("resets"), 1);
    assert_eq!(
        ended.summary()["operations"],
        json!({"accepted": 1, "succeeded": 1, "failed": 0, "timed_out": 0})
    );
}

#[test]
fn a_reset_that_fails_after_all_exits_with_1() {
    let world =
        World::new().file("in.csv", RESET).simulator(&["--reset-duration", "1s", "--reset-failures", "1"]);
    world.run("in.csv", &["--operation-timeout", "100ms"]).exits(5);
    let ended = world.operations(&["--operation-timeout", "1m"]).exits(1);
    assert_eq!(ended.only_row()["status"], "failed");
    assert_eq!(ended.lines("unfinished.csv").len(), 1);
}

#[test]
fn an_address_that_has_run_out_ends_the_row_as_unknown() {
    let world = World::new().file("in.csv", RESET).simulator(&["--reset-never", "1"]);
    world.run("in.csv", &["--operation-timeout", "100ms"]).exits(5);
    let journal = Connection::open(world.path("out/journal.sqlite")).unwrap();
    let day = 25_i64 * 3_600 * 1_000_000;
    journal.execute("UPDATE operations SET accepted_at = accepted_at - ?1", [day]).unwrap();
    drop(journal);
    let row = world.operations(&[]).exits(1).only_row();
    assert_eq!((row["status"].as_str(), row["error_code"].as_str()), ("unknown", "operation-expired"));
    assert!(row["error_message"].contains("24 hours"), "{row:?}");
}

fn begun(world: &World) -> Running {
    let running = world.begin("in.csv", &["--in-flight", "1"]);
    wait_for_requests(world, 1);
    running
}

#[test]
fn one_process_has_a_run_directory_and_one_run_a_tenant() {
    let world = World::new().file("in.csv", &adds(100)).simulator(&["--latency", "200ms"]);
    let running = begun(&world);
    let holder = format!("process {}", running.id());
    world.resume(&[]).exits(2).stderr_has("out is in use by").stderr_has(&holder);
    let aside = ["--run-dir", "aside"];
    let refused = world.run("in.csv", &aside).exits(2);
    refused.stderr_has("another run works on this tenant").stderr_has(&holder).stderr_has("--share-tenant");
    assert!(!world.path("aside").exists(), "nothing is left of a run that did not begin");
    world.file_again("one.csv", &adds(1));
    world.run("one.csv", &["--run-dir", "aside", "--share-tenant"]).exits(0);
    running.signal("-KILL");
    running.end();
    // A lock that was left behind blocks nobody.
    world.resume(&["--in-flight", "64"]).exits(0);
}

/// A token that says whose it is, as far as the program looks.
fn token(tenant: &str, app: &str) -> String {
    let claims = json!({"tid": tenant, "appid": app}).to_string();
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn runs_on_other_tenants_or_as_other_apps_are_not_in_each_other_s_way() {
    let mut world = World::new().file("in.csv", &adds(100)).simulator(&["--latency", "200ms"]);
    world.file_again("one.csv", &adds(1));
    world = world.variable("AUTHWAVE_ACCESS_TOKEN", &token("one-tenant", "one-app"));
    let running = begun(&world);
    for same in [token("one-tenant", "one-app"), token("One-Tenant", "ONE-app")] {
        world = world.variable("AUTHWAVE_ACCESS_TOKEN", &same);
        world.run("one.csv", &["--run-dir", "a"]).exits(2).stderr_has("another run works on this tenant");
    }
    world = world.variable("AUTHWAVE_ACCESS_TOKEN", &token("other-tenant", "one-app"));
    world.run("one.csv", &["--run-dir", "b"]).exits(0);
    world = world.variable("AUTHWAVE_ACCESS_TOKEN", &token("one-tenant", "other-app"));
    world.run("one.csv", &["--run-dir", "c"]).exits(0);
    running.signal("-KILL");
    running.end();
    // And what was begun on one tenant does not go on on another.
    world = world.variable("AUTHWAVE_ACCESS_TOKEN", &token("other-tenant", "one-app"));
    world.resume(&[]).exits(2).stderr_has("the tenant is not what the run began with");
}

#[test]
fn a_journal_says_what_was_asked_and_holds_no_secret() {
    let text = "user,action,new_password,note\na@contoso.com,reset,Jour-N4l-1,kept\nb@contoso.com,reset,Jour-N4l-2,\"x\ny\"\n";
    let world = World::new().file("in.csv", text).simulator(&["--reset-duration", "50ms"]);
    let ended = world.run("in.csv", &[]).exits(0);
    let bytes = fs::read(ended.directory().join("journal.sqlite")).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds("Jour-N4l") && !holds(TOKEN));
    assert!(holds("kept") && holds("127.0.0.1"));
    let journal = Connection::open(ended.directory().join("journal.sqlite")).unwrap();
    let text = |sql: &str| journal.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(
        text("SELECT input_path FROM run"),
        world.path("in.csv").canonicalize().unwrap().display().to_string()
    );
    assert_eq!(text("SELECT input_sha256 FROM run").len(), 64);
    let settings: Value = serde_json::from_str(&text("SELECT settings FROM run")).unwrap();
    assert_eq!(settings["pace"]["backoff_base"], "10ms");
    assert_eq!(text("PRAGMA integrity_check"), "ok");
}

#[test]
fn a_rehearsal_that_was_stopped_goes_on_with_what_it_had_done() {
    let rows = (0..200).flat_map(|i| {
        let user = format!("u{i}@contoso.com");
        [format!("{user},add,mobile,+1 2065550{i:03}\n"), format!("{user},update,mobile,+1 4255550{i:03}\n")]
    });
    let text = "user,action,phone_type,phone_number\n".to_owned() + &rows.collect::<String>();
    let world = World::new().file("in.csv", &text);
    let ended = world.run("in.csv", &["--rehearse", "--max-duration", "250ms", "--in-flight", "4"]);
    ended.exits(130).stderr_has("next: authwave resume out");
    let ended = world.resume(&["--max-duration", "1h", "--in-flight", "64"]).exits(0).stderr_has("REHEARSAL");
    assert_eq!(ended.column("status"), vec!["succeeded"; 400]);
}

#[test]
fn a_snapshot_goes_on_where_it_stopped_and_reads_every_user_once() {
    let users = (0..80).map(|i| format!("u{}@contoso.com\n", i % 40)).collect::<Vec<_>>();
    let world =
        World::new().file("in.csv", &format!("user\n{}", users.concat())).simulator(&["--latency", "100ms"]);
    let running = world.begin_snapshot("in.csv", &["--in-flight", "4"]);
    wait_for_requests(&world, 8);
    running.signal("-INT");
    running.end().exits(130);
    let ended = world.resume(&[]).exits(0);
    let numbers: Vec<String> = (1..=40).map(|row| row.to_string()).collect();
    assert_eq!(ended.column("row"), numbers);
    assert_eq!(world.tenant().count("requests"), 40);
    assert_eq!(ended.lines("methods.csv").len(), 40, "the password of each");
}

#[test]
fn an_app_alone_is_told_before_it_takes_up_resets() {
    let rows =
        (0..20).map(|i| format!("u{i}@contoso.com,add,+1 20655501{i:02},")).collect::<Vec<_>>().join("\n");
    let text = format!("user,action,phone_number,new_password\n{rows}\na@contoso.com,reset,,N0t-by-an-app\n");
    let world = World::new().file("in.csv", &text).simulator(&["--latency", "200ms", "--delegated-tokens"]);
    let running = begun(&world);
    running.signal("-KILL");
    running.end();
    let before = world.tenant().count("requests");
    let app = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(json!({"idtyp": "app"}).to_string()));
    let world = world.variable("AUTHWAVE_ACCESS_TOKEN", &app);
    world.resume(&[]).exits(2).stderr_has("1 row wants to reset passwords").stderr_has("authwave sign-in");
    assert_eq!(world.tenant().count("requests"), before, "nothing was sent");
}

#[test]
fn a_row_in_doubt_that_is_refused_by_now_is_not_said_to_have_failed() {
    let world = World::new()
        .guarded()
        .file("in.csv", "user,action,phone_number\na@contoso.com,set-phone,+1 2065550123\n");
    let world = world.simulator(&["--latency", "700ms"]);
    let running = world.begin("in.csv", &["--yes"]);
    while world.tenant().count("writes") == 0 {}
    running.signal("-KILL");
    running.end();
    assert_eq!(world.tenant().user("a@contoso.com").unwrap()["mobile"], "+1 2065550123");
    world.file_again("authwave.toml", "[protected]\nusers = [\"a@*\"]\n");
    let ended = world.resume(&[]).exits(1);
    assert_eq!(
        (ended.column("status"), ended.column("error_code")),
        (vec!["unknown".into()], vec!["protected".into()])
    );
}
