//! results.csv, summary.json and the run directory: one line for every row, and counts that agree.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::support::ended::Line;
use super::support::world::World;

/// The columns that scripts rely on.
const COLUMNS: &str = "row,user,action,phone_type,phone_number,status,detail,http_status,error_code,error_message,\
                       attempts,started_at,duration_ms,request_id,client_request_id,operation_id";

#[test]
fn the_results_carry_every_row_once_in_input_order_with_its_own_columns_behind() {
    let users: Vec<String> = (1..=40).map(|i| format!("u{i}@contoso.com")).collect();
    let mut text = "note,user,action,phone_number,Cost Center\n".to_owned();
    for (i, user) in users.iter().enumerate() {
        text += ["", "# a comment\n", "\n"][i % 3];
        writeln!(text, "\"a, \"\"{i}\"\"\",{user},add-phone,+1 20655501{i:02},cc-{i}").unwrap();
    }
    let world = World::new().file("in.csv", &text).simulator(&[
        "--seed",
        "3",
        "--fault",
        "slow=0.5",
        "--slow-by",
        "200ms",
    ]);
    let ended = world.run("in.csv", &[]).exits(0);

    let header = ended.text("results.csv").lines().next().unwrap().to_owned();
    assert_eq!(header, format!("{COLUMNS},note,Cost Center"));
    let numbers: Vec<String> = (1..=40).map(|row| row.to_string()).collect();
    assert_eq!(ended.column("row"), numbers);
    assert_eq!(ended.column("user"), users);
    let results = ended.results();
    for (i, line) in results.iter().enumerate() {
        assert_eq!(line["note"], format!("a, \"{i}\""));
        assert_eq!(line["Cost Center"], format!("cc-{i}"));
    }
    let ends: Vec<Timestamp> = results.iter().map(end).collect();
    assert!(!ends.is_sorted(), "no row ended before an earlier one");
}

/// When a row ended.
fn end(line: &Line) -> Timestamp {
    let duration = Duration::from_millis(line["duration_ms"].parse().unwrap());
    line["started_at"].parse::<Timestamp>().unwrap().checked_add(duration).unwrap()
}

const FIVE_KINDS: &str = "\
user,action,phone_type,phone_number,new_password
a@contoso.com,add-phone,mobile,+1 2065550101,
a@contoso.com,set-phone,mobile,+1 2065550101,
a@contoso.com,add-phone,mobile,+1 2065550109,
b@contoso.com,update-phone,office,+1 2065550102,
c@contoso.com,reset-password,,,Sum-0f-All-Rows
d@contoso.com,list-methods,,,
d@contoso.com,enable-sms-sign-in,,,
";

#[test]
fn the_summary_agrees_with_the_results_and_with_what_the_tenant_saw() {
    let world = World::new().file("in.csv", FIVE_KINDS).simulator(&["--reset-duration", "50ms"]);
    let ended = world
        .run("in.csv", &[])
        .exits(1)
        .stderr_has("7 rows in ")
        .stderr_has("3 succeeded, 1 unchanged, 3 failed");
    let statuses = ["succeeded", "unchanged", "failed", "failed", "succeeded", "succeeded", "failed"];
    assert_eq!(ended.column("status"), statuses);

    let (summary, ledger) = (ended.summary(), world.tenant().ledger());
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    let expected = [
        "api_version",
        "by_action",
        "desired_state",
        "duration_ms",
        "ended_at",
        "exit_code",
        "graph_root",
        "held_ms",
        "input",
        "numbers_taken",
        "operations",
        "pace",
        "passed_over",
        "plan_hash",
        "program_version",
        "rehearsal",
        "requests",
        "rows",
        "rows_per_second",
        "schema_version",
        "sessions",
        "started_at",
        "stop_reason",
    ];
    assert_eq!(keys, expected);
    let rows = json!({"total": 7, "succeeded": 3, "unchanged": 1, "failed": 3, "unknown": 0, "pending": 0, "unprocessed": 0});
    assert_eq!(summary["rows"], rows);
    assert_eq!(summary["by_action"]["add-phone"], json!({"succeeded": 1, "failed": 1}));
    assert_eq!(summary["operations"], json!({"accepted": 1, "succeeded": 1, "failed": 0, "timed_out": 0}));
    assert_eq!(summary["exit_code"], 1);
    assert_eq!(summary["rehearsal"], false);
    assert_eq!(summary["stop_reason"], Value::Null);
    assert_eq!(summary["graph_root"], world.tenant().root);
    assert_eq!(summary["input"], world.path("in.csv").canonicalize().unwrap().display().to_string());
    let requests = &summary["requests"];
    assert_eq!(requests["total"], ledger["requests"]);
    assert_eq!(requests["reads"], ledger["reads"]);
    assert_eq!(requests["writes"], ledger["writes"]);
    assert_eq!(requests["by_status"], ledger["by_status"]);
    assert_eq!(requests["throttled"], 0);
}

#[test]
fn only_the_owner_may_look_into_a_run_directory() {
    let world = World::new().file("in.csv", FIVE_KINDS);
    let ended = world.run("in.csv", &["--rehearse"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(ended.directory()), 0o700);
    let entries = fs::read_dir(ended.directory()).unwrap().map(|entry| entry.unwrap());
    let mut names = Vec::new();
    for entry in entries {
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "journal.sqlite",
            "lock",
            "methods.csv",
            "operations.csv",
            "report.html",
            "results.csv",
            "summary.json",
            "unfinished.csv",
        ]
    );
}

#[test]
fn a_run_directory_is_named_after_its_start_and_its_file_unless_one_is_given() {
    let world = World::new().file("my wave.csv", "user,action\na@contoso.com,list\n");
    world
        .authwave(&["run", "my wave.csv", "--rehearse", "--runs-dir", "kept"])
        .exits(0)
        .stderr_has("files: kept/");
    let made: Vec<_> = fs::read_dir(world.path("kept")).unwrap().collect();
    assert_eq!(made.len(), 1);
    let name = made[0].as_ref().unwrap().file_name().into_string().unwrap();
    assert!(name.ends_with("Z-my wave"), "{name}");
}

#[test]
fn a_run_directory_with_something_in_it_is_left_alone() {
    let world = World::new().file("in.csv", FIVE_KINDS).simulator(&[]);
    fs::create_dir(world.path("out")).unwrap();
    let world = world.file("out/results.csv", "mine");
    let ended = world.run("in.csv", &[]).exits(2).stderr_has("cannot make the run directory");
    assert_eq!(ended.text("results.csv"), "mine");
    assert_eq!(world.tenant().count("requests"), 0);
}

#[test]
fn a_snapshot_reads_every_user_once() {
    let text = "user,action,phone_number\na@contoso.com,add,+1 2065550101\nb@contoso.com,add,+1 2065550102\n\
                A@CONTOSO.com,set,+1 2065550103\n";
    let world = World::new().file("in.csv", text).simulator(&[]);
    world.run("in.csv", &[]).exits(0);
    let before = world.tenant().ledger();
    let ended = world.snapshot("in.csv", &["--run-dir", "seen"]).exits(0);
    let methods = ended.lines("methods.csv");
    let found: Vec<_> =
        methods.iter().map(|line| (line["user"].as_str(), line["phone_number"].as_str())).collect();
    let expected = [
        ("a@contoso.com", "+1 2065550103"),
        ("a@contoso.com", ""),
        ("b@contoso.com", "+1 2065550102"),
        ("b@contoso.com", ""),
    ];
    let mut sorted = found.clone();
    sorted.sort_by_key(|(user, _)| *user);
    assert_eq!(sorted, expected);
    assert_eq!(world.tenant().count("writes"), before["writes"].as_u64().unwrap());
    assert_eq!(world.tenant().count("reads"), before["reads"].as_u64().unwrap() + 2);
}

#[test]
fn without_a_terminal_there_are_no_escape_codes() {
    let world = World::new().file("in.csv", FIVE_KINDS);
    let ended = world.run("in.csv", &["--rehearse", "-vv"]).stderr_has("REHEARSAL").stderr_lacks("\u{1b}");
    assert_eq!(ended.stdout, "");
    assert!(!ended.stderr.contains('\r'), "{}", ended.stderr);
}

#[test]
fn quiet_means_not_a_word_where_all_went_well() {
    // What would be warned of, too.
    let text = "user,action,phone\na@contoso.com,set,+1 2065550123\nb@contoso.com,set,+1 2065550123\n";
    let world = World::new().file("in.csv", text);
    let ended = world.run("in.csv", &["--rehearse", "--quiet"]).exits(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[test]
fn quiet_does_not_hide_that_something_failed() {
    let world = World::new().file("in.csv", FIVE_KINDS).simulator(&["--reset-duration", "50ms"]);
    world.run("in.csv", &["--quiet"]).exits(1).stderr_has("3 failed").stderr_has("next: ");
}
