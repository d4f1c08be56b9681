//! `authwave plan`: what is told of live state, and that nothing is written for it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::support::scripted::Answer;
use super::support::simulator::AUTHWAVE;
use super::support::world::World;

const FILE: &str = "\
user,action,phone_type,phone_number,department
adele@contoso.com,add-phone,mobile,+1 4255550100,Retail
adele@contoso.com,add-phone,alternateMobile,+1 4255550101,Retail
alex@contoso.com,set-phone,mobile,+1 4255550102,Retail
avery@contoso.com,set-phone,mobile,+1 4255550103,Retail
christie@contoso.com,add-phone,mobile,+1 4255550104,Retail
diego@contoso.com,delete-phone,mobile,,Retail
grady@contoso.com,add-phone,alternateMobile,+1 4255550105,Retail
lidia_fabrikam.com#EXT#@contoso.com,add-phone,mobile,+1 4255550106,Retail
adele@contoso.com,list-methods,,,Retail
";

const BEFORE: &str = "\
user,action,phone_type,phone_number
alex@contoso.com,add-phone,mobile,+1 4255550199
avery@contoso.com,add-phone,mobile,+1 4255550103
christie@contoso.com,add-phone,mobile,+1 4255550198
diego@contoso.com,add-phone,mobile,+1 4255550197
";

/// A tenant in which some of the users have something already.
fn world(flags: &[&str]) -> World {
    let world = World::new().simulator(flags).file("before.csv", BEFORE).file("wave.csv", FILE);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    world
}

fn changes(ended: &super::support::ended::Ended) -> Vec<String> {
    ended.lines("plan.csv").iter().map(|line| format!("{} {}", line["change"], line["error_code"])).collect()
}

#[test]
fn a_plan_tells_of_each_row_what_a_run_would_do_and_writes_nothing() {
    let world = world(&["--disabled", "christie@contoso.com"]);
    let writes = world.tenant().count("writes");
    let ended = world.plan("wave.csv", &[]).exits(0);
    assert_eq!(world.tenant().count("writes"), writes);

    let wanted = [
        "create ",
        "create ",
        "change ",
        "nothing ",
        "blocked disabled",
        "blocked last-method",
        "blocked blocked",
        "blocked guest",
        "read ",
    ];
    assert_eq!(changes(&ended), wanted);
    let lines = ended.lines("plan.csv");
    assert_eq!((lines[2]["from"].as_str(), lines[2]["to"].as_str()), ("+1 4255550199", "+1 4255550102"));

    let plan: Value = serde_json::from_str(&ended.text("plan.json")).unwrap();
    assert_eq!(plan["rows"][2]["before"]["mobile"]["number"], "+1 4255550199");
    assert_eq!(plan["rows"][1]["before"]["mobile"]["number"], "+1 4255550100");
    assert_eq!(plan["hash"].as_str().unwrap().len(), 64);
    for told in ["create   2\n", "change   1\n", "nothing  1\n", "read     1\n"] {
        assert!(ended.stdout.contains(told), "{told:?} in {}", ended.stdout);
    }
    assert!(ended.stdout.contains("blocked  4 (1 blocked, 1 disabled, 1 guest, 1 last-method)"));
    let tries = "`authwave run FILE` does not look first, and tries them\n";
    assert!(ended.stdout.contains(tries), "{}", ended.stdout);
    assert!(ended.stdout.contains("next: authwave run --plan out/plan.json"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("row 1 "), "{}", ended.stdout);
}

#[test]
fn the_page_of_a_plan_tells_counts_reasons_and_hash_and_masks_numbers() {
    let world = world(&["--disabled", "christie@contoso.com"]);
    let ended = world.plan("wave.csv", &[]).exits(0);
    let (page, plan) = (ended.text("plan.html"), ended.text("plan.json"));
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert!(page.contains(plan["hash"].as_str().unwrap()));
    for told in [
        "3 of 9 rows would change something, and 4 rows cannot be done as things stand.",
        "<kbd>authwave run --plan out/plan.json</kbd>",
        "data-change=\"create\"",
        "<code>last-method</code>: 1 row",
        "+1 ******0199 → +1 ******0102",
    ] {
        assert!(page.contains(told), "{told:?} in {page}");
    }
    assert!(!page.contains("4255550102"), "{page}");
    let shown = world.plan("wave.csv", &["--show-numbers", "--run-dir", "shown"]).exits(0);
    assert!(shown.text("plan.html").contains("+1 4255550199 → +1 4255550102"));
}

#[test]
fn details_show_every_row() {
    let ended = world(&[]).plan("wave.csv", &["--details"]).exits(0);
    let line = "row 3     alex@contoso.com set-phone: change mobile +1 4255550199 → +1 4255550102\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("row 7     grady@contoso.com add-phone: blocked (blocked): an alternateMobile")
    );
}

#[test]
fn dry_run_is_the_same_as_plan() {
    let world = world(&[]);
    let planned = world.plan("wave.csv", &[]).exits(0);
    let dry = world.run("wave.csv", &["--dry-run", "--run-dir", "dry"]).exits(0);
    assert_eq!(planned.text("plan.csv"), dry.text("plan.csv"));
}

#[test]
fn the_detailed_exit_code_is_6_only_where_there_are_changes_to_make() {
    let world = world(&[]);
    world.plan("wave.csv", &["--detailed-exit-code"]).exits(6);
    world.plan("before.csv", &["--detailed-exit-code", "--run-dir", "again"]).exits(0);
    world.plan("nobody.csv", &["--detailed-exit-code", "--run-dir", "none"]).exits(2);
}

#[test]
fn a_user_whom_nobody_knows_is_blocked_and_one_who_cannot_be_read_makes_exit_1() {
    let world = World::new().file("users.csv", "user\nadele@contoso.com\n").file("wave.csv", FILE);
    let users = world.path("users.csv").display().to_string();
    let world = world.simulator(&["--users", &users]);
    let ended = world.plan("wave.csv", &["--retry-budget", "8s"]).exits(0);
    assert_eq!(changes(&ended)[2], "blocked unknown-user");

    let file = "user,action,phone_type,phone_number\nadele@contoso.com,add-phone,mobile,+1 4255550100\n";
    let world = World::new().file("one.csv", file).simulator(&["--fault", "error-before=1"]);
    let ended = world.plan("one.csv", &["--retry-budget", "100ms"]).exits(1);
    assert_eq!(changes(&ended), ["blocked unread"]);
}

#[test]
fn where_the_directory_may_not_be_read_the_rest_is_planned() {
    let world = world(&["--directory", "refused", "--disabled", "christie@contoso.com"]);
    let ended = world.plan("wave.csv", &[]).exits(0);
    assert_eq!(changes(&ended)[4], "blocked blocked");
}

#[test]
fn masked_numbers_are_no_ground_for_a_plan() {
    let world = world(&["--masked-numbers"]);
    let ended = world.plan("wave.csv", &[]).exits(0);
    assert_eq!(changes(&ended)[2..4], ["blocked blocked", "blocked blocked"]);
    assert!(ended.lines("plan.csv")[2]["reason"].contains("hidden from this role"));
}

#[test]
fn more_changes_than_the_cap_are_shown_and_refused() {
    let world = world(&["--authenticators", "1"]);
    let ended = world.plan("wave.csv", &["--max-changes", "3"]).exits(2);
    assert!(
        ended.stderr.contains("4 rows would change something, and 3 may (--max-changes)"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("delete   1\n"), "{}", ended.stdout);
    world.plan("wave.csv", &["--max-changes", "4", "--max-deletes", "1", "--run-dir", "fits"]).exits(0);
    world.plan("wave.csv", &["--max-deletes", "10%", "--run-dir", "over"]).exits(2);
}

#[test]
fn a_plan_that_was_interrupted_is_taken_up_again() {
    let world = world(&["--latency", "20ms"]);
    let ended = world.plan("wave.csv", &["--max-duration", "1ms", "--requests-per-second", "4"]).exits(130);
    assert!(!ended.directory().join("plan.json").exists());
    let resumed = world.resume(&["--max-duration", "1h", "--requests-per-second", "1000"]).exits(0);
    assert_eq!(changes(&resumed)[0..4], ["create ", "create ", "change ", "nothing "]);
}

#[test]
fn reads_leave_together_where_the_wire_is_full_unless_that_is_switched_off() {
    let rows = (0..60).map(|at| format!("user{at}@contoso.com,add-phone,mobile,+1 42555501{at:02}\n"));
    let file = format!("user,action,phone_type,phone_number\n{}", rows.collect::<String>());
    let world = World::new().simulator(&["--latency", "20ms"]).file("wave.csv", &file);
    let count = |name| world.tenant().count(name);

    let alone = world.plan("wave.csv", &["--in-flight", "2", "--no-batch"]).exits(0);
    assert_eq!((count("batches"), count("reads")), (0, 120));
    let together = world.plan("wave.csv", &["--in-flight", "2", "--run-dir", "together"]).exits(0);
    assert!(count("batches") > 0);
    assert_eq!((count("reads"), count("writes")), (240, 0));
    assert_eq!(together.text("plan.csv"), alone.text("plan.csv"));
    let attempts = |ended: &super::support::ended::Ended| ended.column("attempts");
    assert_eq!(attempts(&together), attempts(&alone));
    let ids: std::collections::HashSet<String> = together.column("client_request_id").into_iter().collect();
    assert_eq!(ids.len(), 60);
}

#[test]
fn a_rehearsal_can_be_planned() {
    let world = World::new().file("wave.csv", FILE);
    let ended = world.plan("wave.csv", &["--rehearse"]).exits(0);
    assert_eq!(changes(&ended)[5], "delete ");
}

#[test]
fn a_plan_of_rows_that_came_through_a_pipe_is_carried_out_with_the_rows_once_more() {
    let world = World::new();
    let piped = |arguments: &[&str]| {
        let mut command = Command::new(AUTHWAVE);
        command.args(arguments).current_dir(world.path(".")).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(FILE.as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    };
    let planned = piped(&["plan", "-", "--rehearse", "--run-dir", "out"]);
    let told = String::from_utf8(planned.stdout).unwrap();
    let next = told.lines().last().unwrap().strip_prefix("next: authwave ").unwrap();
    assert_eq!(next, "run - --plan out/plan.json --rehearse");
    let page = std::fs::read_to_string(world.path("out/plan.html")).unwrap();
    assert!(page.contains("<kbd>authwave run - --plan out/plan.json --rehearse</kbd>"), "{page}");
    let words: Vec<&str> = next.split(' ').chain(["--run-dir", "done"]).collect();
    assert_eq!(piped(&words).status.code(), Some(1), "some of its rows are blocked");
}

#[test]
fn rows_of_a_user_s_second_spelling_are_blocked() {
    for (flags, wanted) in [
        (&[][..], ["delete ", "nothing ", "blocked contradiction", "blocked contradiction", "read "]),
        // Who may not read accounts cannot tell, and nor can who reads the other user alone.
        (&["--directory", "refused"][..], ["delete ", "nothing ", "delete ", "change ", "read "]),
    ] {
        let header = "user,action,phone_type,phone_number\n";
        let before = "alex@contoso.com,add,mobile,+1 4255550199\nalex@contoso.com,add,office,+1 4255550198\n\
                      avery@contoso.com,add,mobile,+1 4255550103\n";
        let world = World::new().simulator(flags).file("before.csv", &format!("{header}{before}"));
        world.run("before.csv", &["--run-dir", "before"]).exits(0);
        let id = world.tenant().user("alex@contoso.com").unwrap()["object_id"].as_str().unwrap().to_owned();
        world.file_again(
            "in.csv",
            &format!(
                "{header}ALEX@contoso.com,delete,mobile,\navery@contoso.com,set,mobile,+1 4255550103\n\
                 {id},delete,office,\n{id},set,mobile,+1 4255550197\n{id},list,,\n"
            ),
        );
        let ended = world.plan("in.csv", &["--run-dir", "plan"]).exits(0);
        assert_eq!(changes(&ended), wanted, "{flags:?}");
        if flags.is_empty() {
            let reason = &ended.lines("plan.csv")[2]["reason"];
            assert!(reason.starts_with("is the user of row 1, spelt in another way"), "{reason}");
            let ended = world.by_plan("plan/plan.json", &[]).exits(1);
            let codes = ["", "", "contradiction", "contradiction", ""];
            assert_eq!(ended.column("error_code"), codes);
            // The last strong method of the user stays.
            assert_eq!(world.tenant().user(&id).unwrap()["office"], "+1 4255550198");
        }
    }
}

#[test]
fn what_graph_says_of_a_user_neither_moves_the_terminal_nor_passes_for_a_line_of_the_plan() {
    let message =
        "\u{1b}]0;title\u{7}\u{1b}[2Jno\nhash: f0f0\nrow 2     b@contoso.com set-phone: nothing\u{202e}";
    let refused = json!({"error": {"code": "b\u{1b}[31mad\nhash: f1f1", "message": message}});
    let world = World::new()
        .file("in.csv", "user,action,phone_number\na@contoso.com,set,+1 2065550101\n")
        .answers((0..4).map(|_| Answer::json(400, &refused)));
    let ended = world.plan("in.csv", &["--details", "--no-batch"]).exits(1);
    for (name, said) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        let is_obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!said.contains(is_obeyed), "{name}: {said:?}");
        assert_eq!(said.lines().filter(|line| line.starts_with("row 2")).count(), 0, "{said}");
    }
    let hashes: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("hash: ")).collect();
    assert!(matches!(hashes[..], [hash] if hash.len() == "hash: ".len() + 64), "{hashes:?}");
    assert!(ended.stdout.contains("a@contoso.com set-phone: blocked (unread): b"), "{}", ended.stdout);
}
