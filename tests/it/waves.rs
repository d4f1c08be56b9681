//! Rows that are not due: they wait in the file, and a later run of the same file does them.

use super::support::world::World;

const WAVES: &str = "\
user,action,phone_number,not_before,city
adele@contoso.com,set-phone,+1 2065550101,,Oslo
alex@contoso.com,set-phone,+1 2065550102,2020-03-01T08:00:00+01:00,Rome
avery@contoso.com,set-phone,+1 2065550103,9990-03-01T08:00:00+01:00,Paris
avery@contoso.com,enable-sms-sign-in,,,Paris
avery@contoso.com,list-methods,,,Paris
diego@contoso.com,set-phone,+1 2065550104,9990-03-01,Wien
";

const ZONE: [&str; 2] = ["--time-zone", "Europe/Berlin"];

fn world() -> World {
    World::new().file("waves.csv", WAVES).simulator(&[])
}

#[test]
fn rows_that_are_not_due_are_unprocessed_with_the_reason_and_do_not_count_against_the_run() {
    let world = world();
    let flags = [&ZONE[..], &["--metrics-file", "run.prom"]].concat();
    let ended = world.run("waves.csv", &flags).exits(0).stderr_lacks("next:").stderr_lacks("errors:");
    let metrics = std::fs::read_to_string(world.path("run.prom")).unwrap();
    let waiting = "authwave_rows_total{action=\"set-phone\",status=\"unprocessed\"} 2";
    assert!(metrics.contains(waiting) && !metrics.contains("authwave_errors_total{"), "{metrics}");
    let ended = ended.stderr_has("\nnot due yet: 3 of the unprocessed rows; run the same file again later\n");
    let statuses = ended.column("status");
    let waits = "unprocessed";
    assert_eq!(statuses, ["succeeded", "succeeded", waits, waits, "succeeded", waits]);
    let results = ended.results();
    assert_eq!(results[2]["detail"], "not due: waits until 9990-03-01T07:00:00Z");
    assert_eq!(results[3]["detail"], "not due: waits until an earlier row of this user is due");
    assert_eq!(results[5]["detail"], "not due: waits until 9990-02-28T23:00:00Z");
    for row in [2, 3, 5] {
        assert_eq!(
            (results[row]["error_code"].as_str(), results[row]["attempts"].as_str()),
            ("not-due", "0")
        );
    }
    assert_eq!(results[2]["not_before"], "9990-03-01T08:00:00+01:00");
    let summary = ended.summary();
    assert_eq!(summary["rows"]["unprocessed"].as_u64(), Some(3));
    assert_eq!(summary["passed_over"]["not_due"].as_u64(), Some(3));
    assert!(ended.text("report.html").contains("3 are not due yet"));
    assert_eq!(world.tenant().count("writes"), 2);

    let unfinished = ended.text("unfinished.csv");
    let head = "user,action,phone_number,not_before,city\navery@contoso.com,set-phone,+1 2065550103,9990-";
    assert!(unfinished.starts_with(head), "{unfinished}");
    assert_eq!(unfinished.lines().count(), 4);
    // It is input again, and nothing in it is due.
    world.run("out/unfinished.csv", &[&ZONE[..], &["--run-dir", "again"]].concat()).exits(0);
    assert_eq!(world.tenant().count("writes"), 2);
}

#[test]
fn a_run_that_is_taken_up_again_decides_anew_with_the_zone_that_it_had() {
    let world = world();
    world.run("waves.csv", &ZONE).exits(0);
    let reads = world.tenant().count("reads");
    let ended = world.resume(&[]).exits(0);
    assert_eq!(ended.column("status")[5], "unprocessed");
    assert_eq!(ended.results()[5]["detail"], "not due: waits until 9990-02-28T23:00:00Z");
    assert_eq!((world.tenant().count("writes"), world.tenant().count("reads")), (2, reads));
}

#[test]
fn a_plan_tells_which_rows_wait_and_a_run_of_it_lets_them() {
    let world = world();
    let ended = world.plan("waves.csv", &[&ZONE[..], &["--run-dir", "plan"]].concat()).exits(0);
    let lines = ended.lines("plan.csv");
    let told: Vec<_> =
        lines.iter().map(|line| (line["change"].as_str(), line["error_code"].as_str())).collect();
    let waits = ("blocked", "not-due");
    assert_eq!(told, [("create", ""), ("create", ""), waits, waits, ("read", ""), waits]);
    assert_eq!(lines[5]["reason"], "not due: waits until 9990-02-28T23:00:00Z");
    // Nobody is read for whom nothing is due.
    assert!(!ended.text("results.csv").contains("diego"), "{}", ended.text("results.csv"));

    let ended = world.by_plan("plan/plan.json", &[]).exits(0);
    let waits = "unprocessed";
    assert_eq!(ended.column("status"), ["succeeded", "succeeded", waits, waits, "succeeded", waits]);
    assert_eq!(world.tenant().count("writes"), 2);
}

#[test]
fn rows_that_are_not_due_count_against_no_cap_and_need_no_question() {
    let rows = "user,action,phone_type,not_before\na@contoso.com,delete,mobile,9990-01-01T00:00:00Z\n";
    let world = World::new().guarded().file("in.csv", rows).simulator(&[]);
    let ended = world.run("in.csv", &["--max-deletes", "0"]).exits(0);
    assert_eq!(ended.only_row()["status"], "unprocessed");
}

const TWO: &str = "\
user,action,phone_type,phone_number,new_password
adele@contoso.com,set-phone,mobile,+1 2065550101,
adele@contoso.com,reset-password,,,Spring-2026-abc
alex@contoso.com,add-phone,mobile,+1 2065550102,
avery@contoso.com,delete-phone,office,,
";

/// A night that did the rows of `TWO` into `night-1`.
fn after_a_night() -> World {
    let world = World::new().file("in.csv", TWO).simulator(&[]);
    world.run("in.csv", &["--run-dir", "night-1"]).exits(0);
    world
}

fn mobile(world: &World, user: &str) -> String {
    world.tenant().user(user).unwrap()["mobile"].as_str().unwrap().to_owned()
}

fn requests(world: &World) -> u64 {
    world.tenant().count("reads") + world.tenant().count("writes")
}

#[test]
fn rows_that_an_earlier_run_has_done_are_not_sent_again_wherever_they_stand() {
    let world = after_a_night();
    let before = requests(&world);
    let rows: Vec<&str> = TWO.lines().collect();
    let new = "diego@contoso.com,set-phone,mobile,+1 2065550109,";
    let moved =
        [rows[0], rows[4], new, rows[3], rows[1], "adele@contoso.com,reset-password,,,Summer-2026-abc"];
    world.file_again("in.csv", &(moved.join("\n") + "\n"));
    let ended = world.run("in.csv", &["--since-run", "night-1", "--run-dir", "night-2"]).exits(0);
    assert_eq!(ended.column("status"), ["unchanged", "succeeded", "unchanged", "unchanged", "unchanged"]);
    let details = ended.column("detail");
    for (detail, row) in [(0, 4), (2, 3), (3, 1), (4, 2)].map(|(at, row)| (&details[at], row)) {
        assert!(detail.starts_with(&format!("done already: row {row} of ")), "{detail}");
        assert!(detail.ends_with("/night-1"), "{detail}");
    }
    let summary = ended.summary();
    assert_eq!(summary["passed_over"]["done_already"].as_u64(), Some(4));
    let (held, mended) = (&summary["desired_state"]["held"], &summary["desired_state"]["mended"]);
    assert_eq!((held.as_u64(), mended.as_u64()), (Some(0), Some(1)), "nobody looked at the others");
    // The new row alone: a read and a write.
    assert_eq!(requests(&world), before + 2);
    // The next night needs the last one alone.
    world.run("in.csv", &["--since-run", "night-2", "--run-dir", "night-3"]).exits(0);
    assert_eq!(requests(&world), before + 2);
}

#[test]
fn what_a_later_run_changed_or_an_earlier_row_changes_now_is_sent_again() {
    let world = after_a_night();
    let head = TWO.lines().next().unwrap();
    let other = format!("{head}\nadele@contoso.com,set-phone,mobile,+1 2065550199,\n");
    world.file_again("other.csv", &other);
    world.run("other.csv", &["--run-dir", "other"]).exits(0);
    let since = ["--since-run", "night-1", "--since-run", "other", "--run-dir", "again"];
    let ended = world.run("in.csv", &since).exits(0);
    assert_eq!(ended.column("status"), ["succeeded", "unchanged", "unchanged", "unchanged"]);
    assert_eq!(mobile(&world, "adele@contoso.com"), "+1 2065550101");

    let behind = TWO.replacen("alex@", "alex@contoso.com,delete-phone,mobile,,\nalex@", 1);
    world.file_again("in.csv", &behind);
    let flags = ["--since-run", "night-1", "--run-dir", "behind", "--allow-last-method"];
    let ended = world.run("in.csv", &flags).exits(0);
    assert_eq!(ended.column("status"), ["unchanged", "unchanged", "succeeded", "succeeded", "unchanged"]);
    assert_eq!(mobile(&world, "alex@contoso.com"), "+1 2065550102");
}

#[test]
fn a_plan_leaves_out_what_is_done_and_so_does_a_run_of_it() {
    let world = after_a_night();
    let before = requests(&world);
    let flags = ["--since-run", "night-1", "--run-dir", "plan", "--detailed-exit-code"];
    let ended = world.plan("in.csv", &flags).exits(0);
    for line in ended.lines("plan.csv") {
        assert_eq!(
            (line["change"].as_str(), line["error_code"].as_str()),
            ("nothing", "done-already"),
            "{line:?}"
        );
    }
    let ended = world.by_plan("plan/plan.json", &[]).exits(0);
    assert_eq!(ended.column("status"), ["unchanged"; 4]);
    assert_eq!(requests(&world), before);
}

#[test]
fn a_run_that_stops_goes_on_by_the_same_earlier_runs() {
    let world = after_a_night();
    let rows: Vec<&str> = TWO.lines().collect();
    let first = "adele@contoso.com,set-phone,mobile,,";
    world.file_again("in.csv", &[rows[0], first, rows[2], rows[3], rows[4]].join("\n"));
    let flags = ["--since-run", "night-1", "--skip-invalid", "--max-failures", "0"];
    let before = requests(&world);
    world.run("in.csv", &flags).exits(1);
    std::fs::rename(world.path("night-1"), world.path("elsewhere")).unwrap();
    world.resume(&[]).exits(2).stderr_has("night-1/journal.sqlite");
    std::fs::rename(world.path("elsewhere"), world.path("night-1")).unwrap();
    let ended = world.resume(&[]).exits(1);
    assert_eq!(ended.column("status"), ["failed", "unchanged", "unchanged", "unchanged"]);
    assert_eq!(requests(&world), before);
}

#[test]
fn only_a_run_that_was_real_here_and_is_known_to_its_end_counts() {
    let world = after_a_night();
    let since = |run: &str| world.run("in.csv", &["--since-run", run, "--run-dir", &format!("since-{run}")]);
    since("nowhere").exits(2).stderr_has("nowhere/journal.sqlite");
    world.plan("in.csv", &["--run-dir", "plan"]);
    since("plan").exits(2).stderr_has("is no run: plans and snapshots change nothing");
    world.authwave(&["run", "in.csv", "--rehearse", "--run-dir", "rehearsal"]).exits(0);
    since("rehearsal")
        .exits(2)
        .stderr_has("was a rehearsal, or of another tenant: here nothing of it is done");
    world.authwave(&["run", "in.csv", "--rehearse", "--since-run", "night-1", "--run-dir", "r2"]).exits(0);
}

#[test]
fn a_reset_that_is_pending_is_followed_before_a_later_run_goes_by_it() {
    let rows = "user,action,new_password\nadele@contoso.com,reset,Spring-2026-abc\n";
    let world = World::new().file("in.csv", rows).simulator(&["--reset-duration", "1h"]);
    world.run("in.csv", &["--run-dir", "night-1", "--operation-timeout", "10ms"]).exits(5);
    world
        .run("in.csv", &["--since-run", "night-1"])
        .exits(2)
        .stderr_has("1 rows of the run are in doubt: `authwave operations ");
}

#[test]
fn a_time_that_is_none_is_a_bad_row_with_its_column_and_cure() {
    let rows = "user,action,Not Before\na@contoso.com,list,01.03.2026\nb@contoso.com,list,2026-03-01 08:00\n\
                c@contoso.com,list,2026-03-29 02:30\n";
    let world = World::new().file("in.csv", rows);
    let told = |flags: &[&str]| {
        let checked = world.authwave(&[&["check", "in.csv"], flags].concat()).exits(2);
        checked.stdout + &checked.stderr
    };
    let without = told(&[]);
    for told in [
        "bad not-before (3): the time before which the row is not due is none",
        "row 1, Not Before '01.03.2026' is no time: write it as 2026-03-01T08:00:00+01:00",
        "row 2, Not Before '2026-03-01 08:00' is a local time: say where with --time-zone, as Europe/Berlin",
    ] {
        assert!(without.contains(told), "{told} in {without}");
    }
    let with = told(&ZONE);
    assert!(with.contains("bad not-before (2)"), "{with}");
    assert!(with.contains("row 3, Not Before '2026-03-29 02:30' does not exist in Europe/Berlin"), "{with}");
    world.run("in.csv", &["--graph-root", "http://127.0.0.1:9"]).exits(2);
}

#[test]
fn a_time_zone_stands_in_the_settings_file_too_and_must_be_one() {
    let rows = "user,action,not_before\na@contoso.com,list,2026-03-01\n";
    let world =
        World::new().file("in.csv", rows).file("authwave.toml", "[input]\ntime_zone = \"Asia/Tokyo\"\n");
    world.authwave(&["check", "in.csv"]).exits(0);
    world
        .authwave(&["check", "in.csv", "--time-zone", "Asia/Tokio"])
        .exits(2)
        .stderr_has("no such time zone; write an IANA name, as Europe/Berlin or UTC");
}
