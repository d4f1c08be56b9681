//! How the process ends, and what it says then.

use std::fmt::Write as _;

use serde_json::json;

use super::support::ended::Ended;
use super::support::scripted::Answer;
use super::support::world::{Running, World};

/// So many rows, each another user's first phone.
pub(crate) fn adds(rows: usize) -> String {
    let mut text = "user,action,phone_number\n".to_owned();
    for i in 0..rows {
        writeln!(text, "u{i}@contoso.com,add-phone,+1 2065550{i:03}").unwrap();
    }
    text
}

#[test]
fn an_unknown_user_fails_alone_and_the_run_exits_with_1() {
    let text =
        "user,action,phone\nknown@contoso.com,add,+1 2065550123\nnobody@contoso.com,add,+1 2065550124\n";
    let world = World::new()
        .file("in.csv", text)
        .file("users.csv", "user\nknown@contoso.com\n")
        .simulator(&["--users", "users.csv"]);
    let ended = world.run("in.csv", &[]).exits(1).stderr_has("out/unfinished.csv");
    assert_eq!(ended.column("status"), ["succeeded", "failed"]);
    assert_eq!(ended.column("http_status"), ["201", "404"]);
    assert_eq!(ended.column("error_code"), ["", "Request_ResourceNotFound"]);
    assert!(ended.column("detail")[1].contains("no such user"));
}

const THREE_BAD: &str = "\
user,action,phone_type,phone_number
a@contoso.com,add-phone,mobile,+1 2065550123
nobody,add-phone,mobile,+1 2065550123
# a comment
b@contoso.com,fly,mobile,+1 2065550123

c@contoso.com,add-phone,mobile,12
";

#[test]
fn bad_rows_are_told_with_row_column_value_and_reason_before_anything_is_sent() {
    let world = World::new().file("in.csv", THREE_BAD).simulator(&[]);
    let ended = world
        .run("in.csv", &[])
        .exits(2)
        .stderr_has("in.csv: row 2, user 'nobody' ")
        .stderr_has("in.csv: row 3, action 'fly' ")
        .stderr_has("in.csv: row 4, phone_number '12' ")
        .stderr_has("3 of 4 rows cannot be done; nothing was sent")
        .stderr_has("--skip-invalid");
    assert!(!ended.directory().exists());
    assert_eq!(world.tenant().count("requests"), 0);
}

#[test]
fn what_is_said_of_a_run_holds_no_number_whole_unless_that_is_asked_for_and_check_tells_cells_as_they_are() {
    let text = "user,action,phone_number\na@contoso.com,add,+1 2065550123\nb@contoso.com,add,+1 206555012345678\n\
                c@contoso.com,add,2065550124\n";
    let world = World::new().file("in.csv", text).simulator(&[]);
    let hidden = "in.csv: row 2, phone_number '+1 ***********5678' ";
    let without = "in.csv: row 3, phone_number '******0124' ";
    let refused = world.run("in.csv", &[]).exits(2).stderr_has(hidden).stderr_has(without);
    refused.stderr_lacks("206555");
    let shown = world.run("in.csv", &["--show-numbers"]).exits(2);
    shown
        .stderr_has("row 2, phone_number '+1 206555012345678' ")
        .stderr_has("row 3, phone_number '2065550124' ");
    let checked = world.authwave(&["check", "in.csv"]).exits(2);
    assert!(checked.stdout.contains("row 2, phone_number '+1 206555012345678'"), "{}", checked.stdout);
}

#[test]
fn of_many_bad_rows_fifty_are_told_and_the_others_counted() {
    let world = World::new().file("in.csv", &("user,action\n".to_owned() + &"nobody,list\n".repeat(60)));
    let ended = world.run("in.csv", &["--rehearse"]).exits(2).stderr_has("and 10 more bad rows");
    assert_eq!(ended.stderr.matches("user 'nobody'").count(), 50);
    ended.stderr_has("row 50,").stderr_lacks("row 51,");
}

#[test]
fn skip_invalid_does_the_good_rows_and_fails_the_bad_ones() {
    let world = World::new().file("in.csv", THREE_BAD).simulator(&[]);
    let ended = world.run("in.csv", &["--skip-invalid"]).exits(1).stderr_has("row 2, user 'nobody'");
    assert_eq!(ended.column("row"), ["1", "2", "3", "4"]);
    assert_eq!(ended.column("status"), ["succeeded", "failed", "failed", "failed"]);
    assert_eq!(ended.column("error_code"), ["", "invalid-row", "invalid-row", "invalid-row"]);
    assert_eq!(ended.column("attempts"), ["1", "0", "0", "0"]);
    assert_eq!(world.tenant().count("requests"), 1);
}

#[test]
fn an_unknown_key_in_the_settings_names_the_nearest_known_one() {
    let world =
        World::new().file("in.csv", &adds(1)).file("authwave.toml", "[pace]\nin_flihgt = 3\n").simulator(&[]);
    world
        .run("in.csv", &[])
        .exits(2)
        .stderr_has("authwave.toml:2")
        .stderr_has("`in_flihgt`")
        .stderr_has("`in_flight`");
    assert_eq!(world.tenant().count("requests"), 0);
}

#[test]
fn wrong_settings_and_wrong_usage_exit_with_2() {
    let world = World::new().file("in.csv", &adds(1));
    world.run("in.csv", &["--in-flight", "0", "--rehearse"]).exits(2).stderr_has("must be from 1 to 1024");
    world.run("in.csv", &["--backoff-base", "soon", "--rehearse"]).exits(2).stderr_has("--backoff-base");
    world.run("in.csv", &["--graph-root", "http://graph.example"]).exits(2).stderr_has("--graph-root");
    world.run("in.csv", &["--in-fligth", "3"]).exits(2).stderr_has("--in-flight");
    world.run("none.csv", &["--rehearse"]).exits(2).stderr_has("none.csv");
    world
        .variable("AUTHWAVE_ACCESS_TOKEN", "")
        .run("in.csv", &[])
        .exits(2)
        .stderr_has("AUTHWAVE_ACCESS_TOKEN");
}

#[test]
fn a_missing_permission_stops_the_run_and_says_which_permission_and_role_are_needed() {
    let world = World::new().file("in.csv", &adds(25)).simulator(&["--refuse-writes"]);
    let ended = world
        .run("in.csv", &["--in-flight", "1"])
        .exits(3)
        .stderr_has("permission")
        .stderr_has("UserAuthenticationMethod.ReadWrite.All")
        .stderr_has("role Authentication Administrator")
        .stderr_has("next: authwave resume out");
    // One more may have been on the wire when the twentieth was refused.
    let writes = world.tenant().count("writes");
    assert!((20..=21).contains(&writes), "{writes}");
    let statuses = ended.column("status");
    assert_eq!(statuses.iter().filter(|status| *status == "failed").count() as u64, writes);
    assert_eq!(statuses.iter().filter(|status| *status == "unprocessed").count() as u64, 25 - writes);
    assert_eq!(ended.summary()["exit_code"], 3);
    assert_eq!(ended.lines("unfinished.csv").len(), 25);
}

#[test]
fn a_token_that_is_refused_stops_the_run_at_once() {
    let refused =
        json!({"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed."}});
    let refused = Answer::json(401, &refused).with("WWW-Authenticate", "Bearer error=\"invalid_token\"");
    let world = World::new().file("in.csv", &adds(5)).answers([refused.clone(), refused]);
    let ended = world.run("in.csv", &["--in-flight", "1"]).exits(3).stderr_has("next: authwave resume out");
    // One more may have been on the wire when the first was refused.
    let heard = world.server().heard().len();
    assert!((1..=2).contains(&heard), "{heard}");
    let mut statuses = vec!["failed"; heard];
    statuses.resize(5, "unprocessed");
    assert_eq!(ended.column("status"), statuses);
    assert_eq!(ended.column("http_status")[0], "401");
    assert_eq!(ended.lines("unfinished.csv").len(), 5);
}

#[test]
fn resets_that_never_end_leave_the_row_pending_and_exit_with_5() {
    let text = "user,action,new_password\na@contoso.com,reset,Never-3nds-1\n";
    let world = World::new().file("in.csv", text).simulator(&["--reset-never", "1"]);
    let ended = world
        .run("in.csv", &["--operation-timeout", "1s"])
        .exits(5)
        .stderr_has("1 pending")
        .stderr_has("next: authwave operations out");
    let row = ended.only_row();
    assert_eq!(row["status"], "pending");
    let operations = ended.lines("operations.csv");
    assert_eq!(operations.len(), 1);
    assert_eq!(operations[0]["status"], "timedOut");
    assert_eq!(operations[0]["operation_id"], row["operation_id"]);
    assert_eq!(ended.summary()["operations"]["timed_out"], 1);
}

#[test]
fn a_reset_that_fails_says_why() {
    let text = "user,action,new_password\na@contoso.com,reset,N0t-this-time\n";
    let world =
        World::new().file("in.csv", text).simulator(&["--reset-failures", "1", "--reset-duration", "50ms"]);
    let row = world.run("in.csv", &[]).exits(1).only_row();
    assert_eq!(row["status"], "failed");
    assert_eq!(row["error_message"], "OnPremisesPasswordPolicyViolation");
}

/// Begins a long run and sends the signal once some rows are done.
fn interrupted(world: &World, signal: &str) -> Ended {
    let running: Running = world.begin("in.csv", &["--in-flight", "4"]);
    while world.tenant().count("requests") < 12 {}
    running.signal(signal);
    running.end()
}

#[test]
fn an_interrupted_run_accounts_for_every_row_and_its_leftover_finishes_the_job() {
    let world = World::new().file("in.csv", &adds(100)).simulator(&["--latency", "200ms"]);
    let ended = interrupted(&world, "-INT")
        .exits(130)
        .stderr_has("stopped by a signal")
        .stderr_has("next: authwave resume out");
    let results = ended.results();
    assert_eq!(results.len(), 100);
    let numbers: Vec<String> = (1..=100).map(|row| row.to_string()).collect();
    assert_eq!(ended.column("row"), numbers);
    let of = |status: &str| -> Vec<String> {
        results.iter().filter(|line| line["status"] == status).map(|line| line["user"].clone()).collect()
    };
    let (done, left) = (of("succeeded"), of("unprocessed"));
    assert!(!done.is_empty() && !left.is_empty());
    assert_eq!(done.len() + left.len(), 100);
    let unfinished: Vec<String> =
        ended.lines("unfinished.csv").iter().map(|line| line["user"].clone()).collect();
    assert_eq!(unfinished, left);
    assert_eq!(world.tenant().count("changes"), done.len() as u64);

    let second = world.run("out/unfinished.csv", &["--run-dir", "again"]).exits(0);
    assert_eq!(second.column("user"), left);
    assert_eq!(second.lines("unfinished.csv").len(), 0);
    let ledger = world.tenant().ledger();
    assert_eq!((&ledger["writes"], &ledger["changes"]), (&json!(100), &json!(100)));
    assert_eq!(ledger["double_writes"], 0);
}

#[test]
fn a_run_that_is_asked_to_terminate_ends_as_an_interrupted_one() {
    let world = World::new().file("in.csv", &adds(100)).simulator(&["--latency", "200ms"]);
    let ended = interrupted(&world, "-TERM").exits(130);
    assert_eq!(ended.results().len(), 100);
    assert_eq!(ended.summary()["exit_code"], 130);
}

#[test]
fn a_disk_that_is_full_stops_the_run_with_4_and_it_can_be_taken_up() {
    let world = World::new().file("in.csv", &adds(600)).simulator(&[]);
    let ended = world
        .run_in_little_space(200, "in.csv", &["--requests-per-second", "800"])
        .exits(4)
        .stderr_has("cannot write out/journal.sqlite")
        .stderr_has("next: authwave resume out");
    assert_eq!(ended.summary()["exit_code"], 4);
    let sent = world.tenant().count("writes");
    assert!((1..600).contains(&sent), "{sent}");
    let ended = world.resume(&[]).exits(0);
    assert_eq!(ended.column("status"), vec!["succeeded"; 600]);
    let ledger = world.tenant().ledger();
    assert_eq!((&ledger["writes"], &ledger["changes"]), (&json!(600), &json!(600)));
}

#[test]
fn on_a_disk_that_is_full_no_file_ends_in_half_a_line() {
    let wide = adds(1_000).replace('\n', &format!(",{}\n", "x".repeat(300)));
    let world = World::new().file("in.csv", &wide).simulator(&[]);
    let ended = world.run_in_little_space(200, "in.csv", &[]).exits(4);
    for name in ["results.csv", "unfinished.csv"] {
        let text = ended.text(name);
        assert!(text.lines().count() > 20 && text.ends_with('\n'), "{name}: {:?}", text.lines().last());
    }
}

#[test]
fn a_run_directory_that_cannot_be_written_is_found_before_anything_is_sent() {
    let world = World::new().file("in.csv", &adds(300)).simulator(&[]);
    world.run_in_little_space(2, "in.csv", &[]).exits(4).stderr_has("cannot write out/journal.sqlite");
    assert_eq!(world.tenant().count("requests"), 0);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let world = World::new()
        .file("in.csv", &adds(1))
        .file("authwave.toml", "[pace]\nin_flight = 0\n\n[tenant]\napi_version = \"v0\"\n")
        .variable("AUTHWAVE_API_VERSION", "v7")
        .simulator(&[]);
    world.run("in.csv", &[]).exits(2).stderr_has("pace.in_flight) = '0'");
    world.run("in.csv", &["--in-flight", "1"]).exits(2).stderr_has("tenant.api_version) = 'v7'");
    world.run("in.csv", &["--in-flight", "1", "--api-version", "beta"]).exits(0);
}
