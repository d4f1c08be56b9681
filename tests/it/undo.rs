//! A run is taken back: from what it found, only where it still stands, as a plan and a run of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::support::ended::Ended;
use super::support::scripted::Answer;
use super::support::world::World;

const BEFORE: &str = "\
user,action,phone_type,phone_number
adele@contoso.com,add-phone,mobile,+1 4255550100
alex@contoso.com,add-phone,mobile,+1 4255550101
alex@contoso.com,add-phone,alternateMobile,+1 4255550102
diego@contoso.com,add-phone,mobile,+1 4255550103
diego@contoso.com,disable-sms-sign-in,,
grady@contoso.com,add-phone,mobile,+1 4255550104
grady@contoso.com,add-phone,office,+1 4255550105
lidia@contoso.com,add-phone,mobile,+1 4255550106
";

const WAVE: &str = "\
user,action,phone_type,phone_number,new_password
adele@contoso.com,set-phone,mobile,+1 4255550150,
adele@contoso.com,add-phone,office,+1 4255550151,
alex@contoso.com,delete-phone,alternateMobile,,
alex@contoso.com,delete-phone,mobile,,
diego@contoso.com,update-phone,mobile,+1 4255550152,
diego@contoso.com,enable-sms-sign-in,,,
grady@contoso.com,disable-sms-sign-in,,,
grady@contoso.com,reset-password,,,S4mple-Pass
lidia@contoso.com,set-phone,mobile,+1 4255550106,
nestor@contoso.com,add-phone,mobile,+1 4255550153,
";

const USERS: [&str; 6] = ["adele", "alex", "diego", "grady", "lidia", "nestor"];

/// A tenant before the wave, and behind it; every user has an authenticator app besides.
fn world(flags: &[&str]) -> World {
    let flags =
        [&["--authenticators", "1", "--reset-duration", "10ms", "--delegated-tokens"], flags].concat();
    let world = World::new().guarded().variable("AUTHWAVE_YES", "true").simulator(&flags);
    world.file("before.csv", BEFORE).file("wave.csv", WAVE)
}

fn phones(world: &World) -> BTreeMap<&'static str, Value> {
    let has = |name: &str| {
        let user = world.tenant().user(&format!("{name}@contoso.com")).unwrap_or_default();
        let told = ["mobile", "alternateMobile", "office"].map(|phone| user[phone].clone());
        let signs_in = user["mobile"].is_string().then(|| user["sms_sign_in_state"].clone());
        Value::from([told.to_vec(), vec![signs_in.unwrap_or_default()]].concat())
    };
    USERS.map(|name| (name, has(name))).into()
}

fn undone(world: &World, flags: &[&str]) -> Ended {
    world.authwave(&[&["undo", "out", "--run-dir", "undone"], flags].concat())
}

fn statuses(ended: &Ended) -> Vec<String> {
    let told = |line: &super::support::ended::Line| {
        format!("{} {} {} {}", line["action"], line["phone_type"], line["status"], line["error_code"])
    };
    ended.results().iter().map(told).collect()
}

#[test]
fn a_run_is_taken_back_as_a_plan_and_a_run_of_its_own_and_passwords_stay() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    let before = phones(&world);
    world.run("wave.csv", &[]).exits(0);
    assert_ne!(phones(&world), before);

    let ended = undone(&world, &["--details"]).exits(1);
    assert_eq!(phones(&world), before);
    let wanted = [
        "set-phone mobile succeeded ",
        "delete-phone office succeeded ",
        "enable-sms-sign-in mobile unchanged ",
        "set-phone mobile succeeded ",
        "set-phone alternateMobile succeeded ",
        "enable-sms-sign-in mobile unchanged ",
        "set-phone mobile succeeded ",
        "disable-sms-sign-in mobile succeeded ",
        "enable-sms-sign-in mobile succeeded ",
        "delete-phone mobile succeeded ",
    ];
    assert_eq!(statuses(&ended), wanted);
    assert_eq!(ended.column("undoes_rows")[..3], ["1", "2", "1"]);
    let told = "undo of out: 10 rows for 5 users\n";
    assert!(ended.stdout.starts_with(told), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("  1 row stays as it is: passwords cannot be taken back"),
        "{}",
        ended.stdout
    );
    let line = "row 1     adele@contoso.com set-phone: change mobile +1 4255550150 → +1 4255550100\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    let left = ended.lines("not-undone.csv");
    assert_eq!((left.len(), left[0]["row"].as_str(), left[0]["action"].as_str()), (1, "8", "reset-password"));
    assert!(!ended.text("not-undone.csv").contains("S4mple-Pass"));

    // It is a plan and a run like any other: verified, and taken back itself.
    assert!(ended.text("plan.html").contains("10 of 10 rows would change something."));
    let plan: Value = serde_json::from_str(&ended.text("plan.json")).unwrap();
    assert_eq!(ended.summary()["plan_hash"], plan["hash"]);
    world.authwave(&["verify", "undone"]).exits(0);
    world.authwave(&["undo", "undone", "--run-dir", "again"]).exits(0);
    assert_eq!(phones(&world)["alex"], Value::from(vec![Value::Null; 4]));
    assert_eq!(phones(&world)["adele"][0], "+1 4255550150");
}

#[test]
fn whoever_was_changed_since_is_told_and_not_touched() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    let before = phones(&world);
    world.run("wave.csv", &[]).exits(0);
    // One phone of two, one that came since, and one that somebody put back already.
    let since = "user,action,phone_type,phone_number\n\
        adele@contoso.com,set-phone,office,+1 4255550199\n\
        alex@contoso.com,set-phone,mobile,+1 4255550198\n\
        nestor@contoso.com,add-phone,office,+1 4255550197\n\
        diego@contoso.com,set-phone,mobile,+1 4255550103\n\
        diego@contoso.com,disable-sms-sign-in,,\n";
    world.file_again("since.csv", since);
    world.run("since.csv", &["--run-dir", "since"]).exits(0);
    let (now, writes) = (phones(&world), world.tenant().count("writes"));
    let ended = undone(&world, &[]).exits(1);
    let after = phones(&world);
    for name in ["adele", "alex"] {
        assert_eq!(after[name], now[name], "{name} was changed by others");
    }
    assert_eq!(after["grady"], before["grady"]);
    assert_eq!(after["nestor"][0], Value::Null, "another phone is no matter");
    assert_eq!(after["nestor"][2], "+1 4255550197");
    let codes = ended.column("error_code");
    assert_eq!(codes[..6], ["state-moved"; 6]);
    let detail = &ended.results()[0]["detail"];
    assert!(detail.contains("office was +1 4255550151") && detail.contains("is +1 4255550199"), "{detail}");
    assert_eq!(
        statuses(&ended)[6..8],
        ["set-phone mobile unchanged ", "disable-sms-sign-in mobile unchanged "]
    );
    assert_eq!(world.tenant().count("writes"), writes + 2, "the switch of one, the phone of another");
}

#[test]
fn only_some_users_or_rows_that_ended_so_are_taken_back() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    let before = phones(&world);
    world.run("wave.csv", &[]).exits(0);
    let now = phones(&world);
    let ended = undone(&world, &["--only-user", "ADELE@contoso.com,nest*"]).exits(0);
    assert_eq!(ended.results().len(), 4);
    let after = phones(&world);
    for name in USERS {
        let wanted = if ["adele", "nestor"].contains(&name) { &before } else { &now };
        assert_eq!(after[name], wanted[name], "{name}");
    }
    let ended = world.authwave(&["undo", "out", "--run-dir", "none", "--only-status", "unknown"]).exits(0);
    assert!(ended.stdout.contains("undo of out: nothing to take back"), "{}", ended.stdout);
    let quiet =
        world.authwave(&["undo", "out", "--run-dir", "looked-at", "--dry-run", "--details", "--quiet"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    assert!(!world.path("none").exists());
    undone(&world, &["--only-status", "done"])
        .exits(2)
        .stderr_has("rows do not end as 'done', but as succeeded");
}

#[test]
fn what_is_to_be_taken_back_can_be_looked_at_and_carried_out_later() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    let before = phones(&world);
    world.run("wave.csv", &[]).exits(0);
    let requests = world.tenant().count("requests");
    let flags = ["--dry-run", "--only-user", "alex@contoso.com", "--detailed-exit-code"];
    let ended = undone(&world, &flags).exits(6);
    assert_eq!(world.tenant().count("requests"), requests, "it is made of the journal alone");
    assert!(ended.stdout.contains("next: authwave run --plan undone/plan.json\n"), "{}", ended.stdout);
    world.by_plan("undone/plan.json", &["--run-dir", "later"]).exits(0);
    assert_eq!(phones(&world)["alex"], before["alex"]);
    // Where nobody is to lose a phone, nobody signs in for it.
    let world = world.variable("AUTHWAVE_ACCESS_TOKEN", "");
    let flags = ["--dry-run", "--only-user", "alex@contoso.com", "--run-dir", "blind"];
    let told = world.authwave(&[&["undo", "out"], &flags[..]].concat()).exits(0).stdout;
    assert!(told.contains("plan: ") && !told.contains("not looked up"), "{told}");
}

#[test]
fn the_guards_of_every_run_hold() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    world.run("wave.csv", &[]).exits(0);
    let (now, requests) = (phones(&world), world.tenant().count("requests"));
    undone(&world, &["--max-deletes", "1"]).exits(2).stderr_has("(--max-deletes)");
    assert_eq!((phones(&world), world.tenant().count("requests")), (now.clone(), requests));
    // What was made for it stays, as a plan.
    let world = world.variable("AUTHWAVE_YES", "false");
    let refused = world.authwave(&["undo", "out", "--run-dir", "asked"]).exits(2);
    refused.stderr_has("--yes");
    world.file_again("authwave.toml", "[protected]\nusers = [\"alex@*\"]\n");
    let ended = world.authwave(&["undo", "out", "--run-dir", "guarded", "--yes"]).exits(1);
    assert_eq!(phones(&world)["alex"], now["alex"]);
    assert_eq!(ended.column("error_code")[3..6], ["protected"; 3]);
}

#[test]
fn what_the_settings_file_says_of_the_rows_files_is_no_matter_to_the_undo_s_own() {
    let columns = "[input]\ndelimiter = \";\"\n[input.columns]\nuser = \"mail\"\n";
    let world = world(&["--latency", "10ms"]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    let before = phones(&world);
    world.file_again("authwave.toml", columns);
    world.file_again("wave.csv", &WAVE.replacen("user", "mail", 1).replace(',', ";"));
    world.run("wave.csv", &[]).exits(0);
    let now = phones(&world);
    let slow = ["--max-duration", "1ms", "--requests-per-second", "4"];
    undone(&world, &slow).exits(130);
    let quick = ["resume", "undone", "--max-duration", "1h", "--requests-per-second", "1000"];
    world.authwave(&quick).exits(0);
    assert_eq!(phones(&world), before);
    // And taken back itself, and once more by its plan alone.
    world.authwave(&["undo", "undone", "--run-dir", "again"]).exits(0);
    assert_eq!(phones(&world)["diego"][0], now["diego"][0]);
    let flags = ["undo", "again", "--run-dir", "planned", "--dry-run"];
    world.authwave(&flags).exits(0);
    world.by_plan("planned/plan.json", &["--run-dir", "later"]).exits(0);
    assert_eq!(phones(&world)["diego"][0], before["diego"][0]);
}

#[test]
fn a_number_that_undo_csv_would_give_as_another_is_left_and_told() {
    let held = json!({"id": "3179e48a-750b-4051-897c-87b9720928f7", "phoneType": "mobile",
        "phoneNumber": "+44 07777777778"});
    let rows = "user,action,phone_type,phone_number\na@contoso.com,set-phone,mobile,+1 4255550100\n";
    let answers = [Answer::json(200, &json!({"value": [held]})), Answer::empty(204)];
    let world = World::new().file("wave.csv", rows).answers(answers);
    world.run("wave.csv", &[]).exits(0);
    let told = world.authwave(&["undo", "out", "--run-dir", "undone"]).exits(1).stdout;
    assert!(
        told.contains("1 row stays as it is: the number that the user had before the row is none"),
        "{told}"
    );
}

#[test]
fn whatever_an_undo_may_write_is_counted_asked_for_and_capped() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    // The mobile, which an alternate one needs, is no business of this run.
    world.file_again("gone.csv", "user,action,phone_type\nalex@contoso.com,delete-phone,alternateMobile\n");
    world.run("gone.csv", &[]).exits(0);
    let requests = world.tenant().count("requests");
    let world = world.variable("AUTHWAVE_YES", "false");
    let asked = world.authwave(&["undo", "out", "--run-dir", "asked"]).exits(2).stderr_has("--yes");
    assert!(asked.stdout.ends_with("next: authwave run --plan asked/plan.json\n"), "{}", asked.stdout);
    let steps: Vec<_> = asked.lines("plan.csv").iter().map(|line| line["change"].clone()).collect();
    assert_eq!(steps, ["create"]);
    let capped = ["undo", "out", "--run-dir", "capped", "--yes", "--max-changes", "0"];
    world.authwave(&capped).exits(2).stderr_has("--max-changes");
    assert_eq!(world.tenant().count("requests"), requests);
    world.by_plan("asked/plan.json", &["--run-dir", "later", "--yes"]).exits(0);
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["alternateMobile"], "+1 4255550102");
}

#[test]
fn a_user_is_not_left_without_a_strong_method_by_an_undo_either() {
    let world = World::new().guarded().variable("AUTHWAVE_YES", "true").simulator(&[]);
    world.file_again(
        "in.csv",
        "user,action,phone_type,phone_number\na@contoso.com,add,mobile,+1 4255550100\n",
    );
    world.run("in.csv", &[]).exits(0);
    let foreseen =
        "row 1, a@contoso.com: would be blocked (last-method); --allow-last-method does it still\nplan: ";
    let preview = |flags: &[&str]| {
        world.authwave(&[&["undo", "out", "--dry-run", "--run-dir"], flags].concat()).exits(0).stdout
    };
    let counts = || ["requests", "writes"].map(|what| world.tenant().count(what));
    let [requests, writes] = counts();
    assert!(!preview(&["allowed-for", "--allow-last-method"]).contains("would be blocked"));
    assert_eq!(counts(), [requests, writes]);
    assert!(preview(&["seen"]).contains(foreseen));
    assert_eq!(counts(), [requests + 1, writes]);
    let ended = undone(&world, &[]).exits(1);
    assert_eq!(ended.column("error_code"), ["last-method"]);
    world.authwave(&["undo", "out", "--run-dir", "allowed", "--allow-last-method"]).exits(0);
    assert_eq!(world.tenant().user("a@contoso.com").unwrap()["mobile"], Value::Null);
    // Where nobody can sign in, the rest is told all the same.
    let world = world.variable("AUTHWAVE_ACCESS_TOKEN", "");
    let told = world.authwave(&["undo", "out", "--dry-run", "--run-dir", "blind"]).exits(0).stdout;
    assert!(
        told.contains("not looked up: which rows would leave their users without a strong method"),
        "{told}"
    );
    assert!(told.contains("next: authwave run --plan blind/plan.json"), "{told}");
}

#[test]
fn what_a_run_did_not_look_at_is_left_and_said() {
    let world = world(&[]);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    world.run("wave.csv", &["--no-before-images", "--allow-last-method"]).exits(0);
    let ended = undone(&world, &[]).exits(1);
    let told = "  5 rows stay as they are: what the user had before the row was not read\n";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert_eq!(ended.results().len(), 4);
    let rows: Vec<_> = ended.lines("not-undone.csv").iter().map(|line| line["row"].clone()).collect();
    assert_eq!(rows, ["3", "4", "5", "6", "7", "8"]);
}

#[test]
fn a_rehearsal_a_plan_and_a_run_in_doubt_are_not_taken_back() {
    let world = world(&["--latency", "200ms"]);
    undone(&world, &[]).exits(2).stderr_has("is no journal");
    world.plan("wave.csv", &["--run-dir", "planned"]).exits(0);
    let told = world.authwave(&["undo", "planned", "--run-dir", "undone"]).exits(0).stdout;
    assert!(told.contains("nothing to take back"), "{told}");
    world.run("wave.csv", &["--rehearse", "--run-dir", "rehearsed"]).exits(0);
    let refused = world.authwave(&["undo", "rehearsed", "--run-dir", "undone"]).exits(2);
    refused.stderr_has("was a rehearsal, whose tenant is gone");

    let running = world.begin("wave.csv", &[]);
    while world.tenant().count("writes") == 0 {}
    running.signal("-KILL");
    running.end();
    undone(&world, &[]).exits(2).stderr_has("in doubt: `authwave resume out` finds out");
    world.resume(&[]).exits(1);
    undone(&world, &[]);
}

/// Rows that change each user's phones so that taking them back is of every kind.
fn wave(users: usize) -> [String; 2] {
    let mut files = ["user,action,phone_type,phone_number\n"; 2].map(str::to_owned);
    for i in 0..users {
        let user = format!("u{i}@contoso.com");
        let number = |area: u16| format!("+1 {area}555{i:04}");
        let (first, second) = (number(206), number(425));
        let (before, rows) = match i % 4 {
            0 => (vec![format!("add,mobile,{first}")], vec![format!("set,mobile,{second}")]),
            1 => (vec![], vec![format!("add,mobile,{first}"), format!("add,alternateMobile,{second}")]),
            2 => (
                vec![format!("add,mobile,{first}"), format!("add,office,{second}")],
                vec!["delete,office,".to_owned(), "delete,mobile,".to_owned()],
            ),
            _ => (vec![format!("add,mobile,{first}")], vec!["disable-sms-sign-in,,".to_owned()]),
        };
        for (file, rows) in files.iter_mut().zip([before, rows]) {
            for row in rows {
                writeln!(file, "{user},{row}").unwrap();
            }
        }
    }
    files
}

#[test]
fn killed_in_the_midst_of_it_an_undo_goes_on_and_no_phone_is_put_back_twice() {
    const USERS: usize = 160;
    let [before, rows] = wave(USERS);
    let world = World::new().guarded().variable("AUTHWAVE_YES", "true");
    let world = world.simulator(&["--authenticators", "1", "--latency", "4ms"]);
    let world = world.file("before.csv", &before).file("wave.csv", &rows);
    world.run("before.csv", &["--run-dir", "before"]).exits(0);
    let users = || (0..USERS).map(|i| world.tenant().user(&format!("u{i}@contoso.com")).unwrap_or_default());
    let seen = |user: Value| {
        ["mobile", "alternateMobile", "office", "sms_sign_in_state"].map(|key| user[key].clone())
    };
    let had: Vec<_> = users().map(seen).collect();
    world.run("wave.csv", &["--run-dir", "wave"]).exits(0);
    let done = world.tenant().count("changes");

    let mut random = fastrand::Rng::with_seed(11);
    let mut running = world.begin_undo("wave", &["--in-flight", "8", "--window", "20"]);
    for _ in 0..8 {
        let seen = world.tenant().count("requests");
        let requests = random.u64(20..120);
        while world.tenant().count("requests") < seen + requests {}
        running.signal("-KILL");
        running.end();
        running = world.begin_to_resume(&[]);
    }
    let ended = running.end().exits(0);
    assert!(ended.summary()["sessions"].as_u64().unwrap() > 4);
    let has: Vec<_> = users().map(seen).collect();
    for (i, (has, had)) in has.iter().zip(&had).enumerate() {
        // Whoever had nothing is known by now.
        let is_new = i % 4 == 1;
        assert!(
            if is_new { has[..3].iter().all(Value::is_null) } else { has == had },
            "u{i}: {has:?}, {had:?}"
        );
    }
    let ledger = world.tenant().ledger();
    assert_eq!((&ledger["blind_repeats"], &ledger["double_writes"]), (&0.into(), &0.into()), "{ledger}");
    // Each change was taken back once: numbers, additions of two, deletions of two, switches.
    let changes = world.tenant().count("changes") - done;
    assert_eq!(changes, USERS as u64 / 4 * (1 + 2 + 2 + 1), "{ledger}");
}
