//! A run's users are read again, and each row is told whether it still holds.

use serde_json::json;

use super::support::ended::Ended;
use super::support::scripted::Answer;
use super::support::world::World;

const ROWS: &str = "user,action,phone_type,phone_number,new_password,note\n\
    a@contoso.com,add,mobile,+1 2065550101,,\n\
    b@contoso.com,set,mobile,+1 2065550102,,\n\
    A@contoso.com,update,mobile,+1 2065550103,,\n\
    c@contoso.com,update,mobile,+1 2065550104,,\n\
    d@contoso.com,reset,,,Passw0rd-0ne,\n\
    e@contoso.com,list,,,,\n\
    f@contoso.com,delete,office,,,\n\
    b@contoso.com,enable-sms-sign-in,,,,\n";

fn verdicts(ended: &Ended) -> Vec<String> {
    ended.lines("verify.csv").iter().map(|line| line["verdict"].clone()).collect()
}

#[test]
fn every_row_is_told_and_a_number_that_somebody_changed_since_differs() {
    let world = World::new().file("in.csv", ROWS).simulator(&["--reset-duration", "10ms"]);
    world.run("in.csv", &[]).exits(1);
    let ended = world.verify(&[]).exits(0).stderr_has("verified: 4 holds, 1 superseded, 1 unseen");
    let all = ["superseded", "holds", "holds", "not-done", "unseen", "read-only", "holds", "holds"];
    assert_eq!(verdicts(&ended), all);
    let before = world.tenant().count("writes");
    // Somebody else changes one phone and takes another away.
    let others = "user,action,phone_type,phone_number\n\
                  b@contoso.com,set,mobile,+1 2065550999\na@contoso.com,delete,mobile,\n";
    world.file_again("others.csv", others);
    world.run("others.csv", &["--run-dir", "theirs", "--allow-last-method"]).exits(0);
    let ended = world.verify(&[]).exits(1);
    let all = ["superseded", "differs", "differs", "not-done", "unseen", "read-only", "holds", "holds"];
    assert_eq!(verdicts(&ended), all);
    let lines = ended.lines("verify.csv");
    assert_eq!(lines[0]["detail"], "mobile was set again by row 3");
    assert_eq!(
        (lines[1]["found"].as_str(), lines[2]["found"].as_str()),
        ("mobile +1 2065550999", "no mobile phone")
    );
    assert!(!lines[1]["read_at"].is_empty() && lines[3]["read_at"].is_empty());
    assert_eq!(world.tenant().count("writes"), before + 2, "verify itself writes nothing");
}

#[test]
fn rows_with_several_phones_are_verified_phone_by_phone() {
    let rows =
        "user,mobile,office\na@contoso.com,+1 2065550101,+1 2065550102\nb@contoso.com,+1 2065550103,\n";
    let world = World::new().file("in.csv", rows).simulator(&[]);
    world.run("in.csv", &[]).exits(0);
    assert_eq!(verdicts(&world.verify(&[]).exits(0)), ["holds", "holds"]);
    world.file_again("one.csv", "user,action,phone_type\na@contoso.com,delete,office\n");
    world.run("one.csv", &["--run-dir", "theirs"]).exits(0);
    let ended = world.verify(&[]).exits(1);
    assert_eq!(verdicts(&ended), ["differs", "holds"]);
    assert_eq!(ended.lines("verify.csv")[0]["found"], "mobile +1 2065550101; no office phone");
}

#[test]
fn what_cannot_be_read_is_not_said_to_hold() {
    let rows = "user,action,phone_number\na@contoso.com,add,+1 2065550101\nb@contoso.com,add,+1 2065550102\n\
                c@contoso.com,add,+1 2065550103\n";
    let created = || Answer::json(201, &json!({}));
    let refused = Answer::json(403, &json!({"error": {"code": "accessDenied", "message": "no"}}));
    let masked =
        json!({"value": [{"id": "3179e48a-750b-4051-897c-87b9720928f7", "phoneNumber": "+1 ******0103"}]});
    let gone = Answer::json(404, &json!({"error": {"code": "Request_ResourceNotFound", "message": "gone"}}));
    let world = World::new().file("in.csv", rows).answers([
        created(),
        created(),
        created(),
        refused,
        gone,
        Answer::json(200, &masked),
    ]);
    world.run("in.csv", &["--in-flight", "1"]).exits(0);
    let ended = world.verify(&[]).exits(1);
    assert_eq!(verdicts(&ended), ["unread", "differs", "hidden"]);
    let lines = ended.lines("verify.csv");
    assert!(lines[0]["detail"].contains("accessDenied"), "{lines:?}");
    assert_eq!(lines[1]["found"], "no such user");
    assert!(world.server().heard()[3..].iter().all(|heard| heard.target.ends_with("/phoneMethods")));
}

#[test]
fn a_rehearsal_and_a_directory_without_a_run_cannot_be_verified() {
    let world = World::new().file("in.csv", ROWS);
    world.verify(&[]).exits(2).stderr_has("is no journal");
    world.run("in.csv", &["--rehearse"]);
    world.verify(&[]).exits(2).stderr_has("was a rehearsal, whose tenant is gone");
}

#[test]
fn rows_that_a_killed_run_left_in_doubt_are_not_passed_over_in_silence() {
    let rows = (0..60).map(|i| format!("u{i}@contoso.com,set,+1 20655501{i:02}\n")).collect::<Vec<_>>();
    let text = "user,action,phone_number\n".to_owned() + &rows.concat();
    let world = World::new().file("in.csv", &text).simulator(&["--latency", "50ms"]);
    let running = world.begin("in.csv", &["--in-flight", "4"]);
    while world.tenant().count("requests") < 40 {}
    running.signal("-KILL");
    running.end();
    let ended = world.verify(&[]).exits(1).stderr_has("not looked at: ");
    let ended =
        ended.stderr_has("of which nobody knows what became of them").stderr_has("authwave resume out");
    assert!(verdicts(&ended).iter().all(|verdict| verdict == "holds"), "the others stand");
    // Resets alone were followed, and none is open: that makes no good run of it.
    world.operations(&[]).exits(1).stderr_has("next: authwave resume out");
    world.verify(&[]).exits(1);
    let report = std::fs::read_to_string(world.path("out/report.html")).unwrap();
    assert!(report.contains(" are in doubt, "), "also behind a session that followed resets alone");
    world.resume(&[]).exits(0);
    world.verify(&[]).exits(0).stderr_has("verified: 60 holds\n").stderr_lacks("not looked at");
}

#[test]
fn what_cannot_be_read_is_not_said_to_be_no_run() {
    let world = World::new();
    // As a directory that belongs to somebody else, but for the superuser, too.
    std::os::unix::fs::symlink("out", world.path("out")).unwrap();
    for command in ["report", "verify", "undo", "resume", "operations"] {
        let ended =
            world.authwave(&[command, "out"]).exits(2).stderr_has("error: cannot read out/journal.sqlite: ");
        ended.stderr_lacks("is no journal");
    }
    world
        .authwave(&["report", "nowhere"])
        .exits(2)
        .stderr_has("the run directory cannot be used: nowhere/journal.sqlite is no");
}
