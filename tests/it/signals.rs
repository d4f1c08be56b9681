//! A second signal: nothing is waited for any more, and still every row has its line.

use serde_json::json;

use super::exit_codes::adds;
use super::support::world::World;

/// One row of each kind, by six users who are on the wire together, and others behind them.
const ON_THE_WIRE: &str = "\
user,action,phone_type,phone_number,new_password
a@contoso.com,add-phone,mobile,+1 2065550101,
b@contoso.com,list-methods,,,
c@contoso.com,update-phone,mobile,+1 2065550103,
d@contoso.com,delete-phone,office,,
e@contoso.com,reset-password,,,0n-the-Wire
f@contoso.com,set-phone,mobile,+1 2065550106,
a@contoso.com,set-phone,mobile,+1 2065550111,
g@contoso.com,add-phone,mobile,+1 2065550107,
h@contoso.com,delete-phone,office,,
";

/// Its number in Linux.
const SIGUSR1: u32 = 10;

/// No answer comes before the tests are through.
const SILENT: [&str; 2] = ["--latency", "1m"];

/// So many requests at once, and nobody gives up waiting for an answer.
fn at_once(requests: &str) -> [&str; 4] {
    ["--in-flight", requests, "--request-timeout", "10m"]
}

#[test]
fn a_second_signal_ends_the_run_at_once_and_every_row_says_what_is_known_of_it() {
    let world = World::new()
        .file("in.csv", ON_THE_WIRE)
        .variable("AUTHWAVE_ALLOW_LAST_METHOD", "true")
        .simulator(&SILENT);
    let mut running = world.begin("in.csv", &at_once("6"));
    while world.tenant().count("requests") < 6 {}
    running.signal("-INT");
    running.says("stopping: what is on the wire is finished; once more to stop at once");
    running.signal("-INT");
    // Only a process that still waited after the first signal can say so.
    running.says("stopping at once: what is on the wire is left in doubt");
    let ended = running.end().exits(130).stderr_has("next: authwave resume out");
    let ended = ended.stderr_has("stopped at once by a second signal").stderr_lacks("was finished, the rest");

    assert_eq!(ended.column("row"), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let (read, unbegun) = ("unprocessed", "unprocessed");
    let expected = ["unknown", read, "unknown", "unknown", "unknown", read, unbegun, unbegun, unbegun];
    assert_eq!(ended.column("status"), expected);
    assert_eq!(ended.column("attempts"), ["1", "1", "1", "1", "1", "1", "0", "0", "0"]);
    assert_eq!(ended.column("http_status"), [""; 9]);

    let summary = ended.summary();
    assert_eq!(summary["exit_code"], 130);
    let rows = json!({"total": 9, "succeeded": 0, "unchanged": 0, "failed": 0, "unknown": 4, "pending": 0, "unprocessed": 5});
    assert_eq!(summary["rows"], rows);
    assert_eq!(summary["requests"]["by_status"], json!({"none": 6}));
    assert_eq!(world.tenant().count("requests"), 6);

    // What is in doubt and what was not begun can both be done again, without a password in the file.
    let leftover = ended.lines("unfinished.csv");
    let users: Vec<String> = leftover.iter().map(|line| line["user"].clone()).collect();
    assert_eq!(users, ended.column("user"));
    assert!(!ended.everything().contains("0n-the-Wire"));
}

#[test]
fn a_request_to_terminate_after_an_interrupt_aborts_as_a_second_interrupt_does() {
    let world = World::new().file("in.csv", &adds(20)).simulator(&SILENT);
    let mut running = world.begin("in.csv", &at_once("4"));
    while world.tenant().count("requests") < 4 {}
    running.signal("-INT");
    running.says("once more to stop at once");
    running.signal("-TERM");
    let ended = running.end().exits(130).stderr_has("4 unknown, 16 unprocessed");
    let mut expected = vec!["unknown"; 4];
    expected.resize(20, "unprocessed");
    assert_eq!(ended.column("status"), expected);

    // The tenant did what was on the wire, which is why it is in doubt.
    assert_eq!(world.tenant().count("changes"), 4);
    assert_eq!(ended.lines("unfinished.csv").len(), 20);
}

#[test]
fn sigusr1_asks_how_far_the_run_is_in_every_view_and_does_not_disturb_it() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n\
                b@contoso.com,add-phone,+1 2065550124\nc@contoso.com,add-phone,+1 2065550125\n";
    let world = World::new().file("in.csv", text).simulator(&["--latency", "700ms"]);
    let mut running = world.begin("in.csv", &["--in-flight", "1", "--quiet"]);
    while world.tenant().count("changes") < 1 {}
    running.signal("-USR1");
    running.says("/3 rows, ");
    running.end().exits(0);
}

#[test]
fn sigusr1_is_answered_from_the_first_moment_and_ends_no_command() {
    let (world, told) = (World::new(), "authwave: checking -\n");
    let plan = ["plan", "-", "--rehearse", "--run-dir", "plan", "--quiet"];
    for arguments in [&["check", "-"][..], &["run", "-", "--rehearse"], &plan] {
        let mut running = world.begin_to_read(arguments);
        running.catches(SIGUSR1);
        running.signal("-USR1");
        // It may not have come to its file yet.
        while running.line() != told {
            running.signal("-USR1");
        }
        running.reads(&adds(2));
        running.end().exits(0);
    }
}

#[test]
fn sigusr1_while_a_question_is_open_tells_that_an_answer_is_waited_for_and_is_none() {
    let world = World::new().guarded().file("in.csv", &adds(2)).simulator(&[]);
    let root = world.tenant().root.clone();
    let mut terminal = world.in_a_terminal(&["run", "in.csv", "--graph-root", &root, "--run-dir", "out"]);
    terminal.says("go on? [y/N] ");
    terminal.signal("-USR1");
    terminal.says("authwave: waiting for an answer; nothing was sent\r\n2 of 2 rows may change something");
    terminal.says("go on? [y/N] ");
    assert_eq!(world.tenant().count("requests"), 0);
    terminal.types("y\n");
    let (code, seen) = terminal.end();
    assert_eq!((code, world.tenant().count("writes")), (Some(0), 2), "{seen}");
}

/// The lines of a screen that only the view has.
fn view_of(seen: &str) -> Vec<&str> {
    let of_the_view = ["[", "no pause", "no errors so far", "^C"];
    seen.lines().filter(|line| of_the_view.iter().any(|begin| line.starts_with(begin))).collect()
}

#[test]
fn ctrl_c_leaves_nothing_of_the_view_behind() {
    let world = World::new().file("in.csv", &adds(40)).simulator(&["--latency", "1500ms"]);
    let root = world.tenant().root.clone();
    let flags = ["--in-flight", "1", "--run-dir", "out", "--graph-root", &root];
    let mut terminal = world.in_a_terminal(&[&["run", "in.csv"][..], &flags].concat());
    terminal.says("no errors so far");
    while world.tenant().count("requests") < 1 {}
    terminal.types("\u{3}");
    terminal.says("once more to stop at once");
    terminal.says("no errors so far");
    terminal.says("no errors so far");
    let seen = terminal.seen();
    assert_eq!(view_of(&seen).len(), 3, "{seen}");
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(130), "{seen}");
    assert!(seen.contains("next: authwave resume out"), "{seen}");
    assert_eq!(view_of(&seen), [""; 0], "{seen}");
}
