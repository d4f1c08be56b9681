//! The brakes of a run: what must not be touched, how much may be, and who says yes; and a run that goes by a plan.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use serde_json::json;

use super::support::ended::Ended;
use super::support::scripted::Answer;
use super::support::simulator::AUTHWAVE;
use super::support::world::World;

const WAVE: &str = "\
user,action,phone_type,phone_number
adele@contoso.com,set-phone,mobile,+1 4255550100
alex@contoso.com,set-phone,mobile,+1 4255550101
avery@contoso.com,set-phone,mobile,+1 4255550102
diego@contoso.com,set-phone,mobile,+1 4255550103
";

fn world(flags: &[&str]) -> World {
    World::new().guarded().simulator(flags).file("wave.csv", WAVE)
}

fn codes(ended: &Ended) -> Vec<String> {
    ended.results().iter().map(|line| format!("{} {}", line["status"], line["error_code"])).collect()
}

const SETTINGS: &str = "[protected]\nusers = [\"alex@*\"]\nfile = \"protected.txt\"\n";

#[test]
fn protected_users_are_bad_rows_in_check_plan_and_run() {
    let world = world(&[]).file("authwave.toml", SETTINGS);
    world.file_again("protected.txt", "# break-glass\nDIEGO@contoso.com\n");
    let checked = world.authwave(&["check", "wave.csv"]).exits(2);
    assert!(checked.stdout.contains("bad protected (2)"), "{}", checked.stdout);
    assert!(checked.stdout.contains("row 2, user 'alex@contoso.com' is protected (alex@* in [protected])"));
    world.plan("wave.csv", &[]).exits(2);
    world.run("wave.csv", &["--yes"]).exits(2).stderr_has("2 of 4 rows cannot be done");
    assert_eq!(world.tenant().count("requests"), 0);

    let ended = world.run("wave.csv", &["--yes", "--skip-invalid"]).exits(1);
    assert_eq!(codes(&ended), ["succeeded ", "failed protected", "succeeded ", "failed protected"]);
    assert_eq!(world.tenant().user("alex@contoso.com"), None);
}

#[test]
fn the_signed_in_admin_is_a_bad_row_in_check_and_no_row_changes_him_in_plan_and_run() {
    let claims =
        r#"{"scp":"UserAuthenticationMethod.ReadWrite.All","upn":"Alex@contoso.com","oid":"5a3f6c1e"}"#;
    let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
    let world = world(&[]).variable("AUTHWAVE_ACCESS_TOKEN", &token);
    let checked = world.authwave(&["check", "wave.csv"]).exits(2);
    let told = "row 2, user 'alex@contoso.com' is the signed-in admin: let somebody else do this row";
    assert!(checked.stdout.contains(told), "{}", checked.stdout);

    let plan = world.plan("wave.csv", &["--details", "--run-dir", "planned"]).exits(0).stdout;
    assert!(plan.contains("alex@contoso.com set-phone: blocked (protected)"), "{plan}");
    let ended = world.run("wave.csv", &["--yes"]).exits(1);
    assert_eq!(codes(&ended), ["succeeded ", "failed protected", "succeeded ", "succeeded "]);
    assert!(world.tenant().user("alex@contoso.com").unwrap()["mobile"].is_null());

    // An app that has the same id protects nobody.
    let app = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.replace("scp", "roles_of")));
    world.variable("AUTHWAVE_ACCESS_TOKEN", &app).authwave(&["check", "wave.csv"]).exits(0);
}

#[test]
fn a_protected_user_is_known_by_the_other_name_too() {
    let ids = |world: &World| {
        let id = |name: &str| world.tenant().user(name).unwrap()["object_id"].as_str().unwrap().to_owned();
        (id("alex@contoso.com"), id("diego@contoso.com"))
    };
    let world = world(&[]);
    world.run("wave.csv", &["--yes", "--run-dir", "first"]).exits(0);
    let (alex, diego) = ids(&world);
    // One is listed by name and stands in the file by id, the other the other way round.
    world.file_again("authwave.toml", &format!("[protected]\nusers = [\"Alex@contoso.com\", \"{diego}\"]\n"));
    let text = WAVE.replace("alex@contoso.com", &alex).replace("42555501", "42555502");
    world.file_again("wave.csv", &text);
    let ended = world.run("wave.csv", &["--yes", "--run-dir", "second"]).exits(1);
    assert_eq!(codes(&ended), ["succeeded ", "failed protected", "succeeded ", "failed protected"]);
    let told = &ended.results()[1]["error_message"];
    assert!(told.contains("is protected (alex@contoso.com in [protected])"), "{told}");
    let planned = world.plan("wave.csv", &["--run-dir", "planned"]).exits(0);
    assert!(planned.stdout.contains("blocked  2 (2 protected)"), "{}", planned.stdout);
    world.run("wave.csv", &["--yes", "--allow-privileged", "--run-dir", "third"]).exits(1);
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["mobile"], "+1 4255550101");
}

/// A world in which the users of the wave are known, and the object id of one of them.
fn known(name: &str) -> (World, String) {
    let world = world(&[]);
    world.run("wave.csv", &["--yes", "--run-dir", "first"]).exits(0);
    let id = world.tenant().user(name).unwrap()["object_id"].as_str().unwrap().to_owned();
    (world, id)
}

#[test]
fn a_pattern_guards_a_user_named_by_object_id_where_a_plan_reads_the_name() {
    let (world, alex) = known("alex@contoso.com");
    world.file_again("authwave.toml", "[protected]\nusers = [\"alex*\"]\n");
    let rows = format!(
        "user,action,phone_type,phone_number\n{alex},set-phone,mobile,+1 4255550177\n{alex},list-methods,,\n"
    );
    world.file_again("by-id.csv", &rows);
    let told = "warning: patterns in [protected] guard users by their names, and 1 of the rows have theirs by object id";
    world.authwave(&["check", "by-id.csv"]).exits(0).stderr_has(told);
    let planned = world.plan("by-id.csv", &["--details", "--run-dir", "planned"]).exits(0).stderr_lacks(told);
    let shown = &planned.stdout;
    assert!(shown.contains("blocked  1 (1 protected)"), "{shown}");
    assert!(shown.contains("is alex@contoso.com, who is protected (alex* in [protected])"), "{shown}");
    let ended =
        world.by_plan("planned/plan.json", &["--yes", "--run-dir", "by-plan"]).exits(1).stderr_lacks(told);
    assert_eq!(codes(&ended)[0], "failed protected");
    // What is not read is not known.
    world.run("by-id.csv", &["--yes", "--run-dir", "blind"]).exits(0).stderr_has(told);
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["mobile"], "+1 4255550177");
}

#[test]
fn rows_of_a_user_s_second_spelling_are_not_done() {
    let (world, alex) = known("alex@contoso.com");
    let set = |user: &str, last: u32| format!("{user},set-phone,mobile,+1 42555501{last}\n");
    let rows = [
        set(&alex, 71),
        set("adele@contoso.com", 72),
        set("Alex@contoso.com", 73),
        set("avery@contoso.com", 74),
    ];
    world.file_again("wave.csv", &format!("user,action,phone_type,phone_number\n{}", rows.concat()));
    let reads = world.tenant().count("reads");
    let ended = world.run("wave.csv", &["--yes", "--allow-privileged"]).exits(1);
    let ended =
        ended.stderr_has("the file has users by name and by object id: looks the 1 row of the rarer ones up");
    assert_eq!(codes(&ended), ["succeeded ", "succeeded ", "failed contradiction", "succeeded "]);
    let told = &ended.results()[2]["error_message"];
    assert!(told.contains("is the user of row 1, spelt in another way"), "{told}");
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["mobile"], "+1 4255550171");
    // One for the account, and one for each row that is done.
    assert_eq!(world.tenant().count("reads") - reads, 4);

    // Who falls under a pattern by the name that was read is guarded, too.
    world.file_again("authwave.toml", "[protected]\nusers = [\"ale*\"]\n");
    world.file_again(
        "wave.csv",
        &format!("user,action,phone_type,phone_number\n{}{}", set(&alex, 81), rows[1]),
    );
    let ended = world.run("wave.csv", &["--yes", "--run-dir", "out3"]).exits(1);
    assert_eq!(codes(&ended), ["failed protected", "unchanged "]);
}

#[test]
fn a_resume_knows_the_spelling_of_rows_that_are_done() {
    let world = World::new().guarded().simulator(&["--latency", "100ms"]).file("wave.csv", WAVE);
    world.run("wave.csv", &["--yes", "--allow-privileged", "--run-dir", "first"]).exits(0);
    let alex = world.tenant().user("alex@contoso.com").unwrap()["object_id"].as_str().unwrap().to_owned();
    let set = |user: &str| format!("{user},set-phone,mobile,+1 4255550177\n");
    let rows = [alex.as_str(), "adele@contoso.com", "avery@contoso.com", "alex@contoso.com"].map(set);
    world.file_again("wave.csv", &format!("user,action,phone_type,phone_number\n{}", rows.concat()));
    let changes = world.tenant().count("changes");
    let flags = ["--yes", "--allow-privileged", "--in-flight", "1", "--window", "1"];
    let running = world.begin("wave.csv", &flags);
    while world.tenant().count("changes") < changes + 2 {}
    running.signal("-KILL");
    running.end();
    let ended = world.resume(&[]).exits(1);
    assert_eq!(ended.results()[0]["status"], "succeeded");
    assert_eq!(codes(&ended)[3], "failed contradiction");
}

#[test]
fn where_accounts_may_not_be_read_a_file_of_both_spellings_is_not_begun() {
    let (world, alex) = known("alex@contoso.com");
    drop(world);
    let text = WAVE.replace("alex@contoso.com", &alex);
    let world = World::new().answers([Answer::empty(403)]).file("wave.csv", &text);
    let ended = world.run("wave.csv", &[]).exits(4);
    let ended = ended
        .stderr_has("users of a file that has both names and object ids could not be read; use one spelling");
    assert!(!ended.directory().exists());
    assert_eq!(
        world.server().heard_lines(),
        [format!("GET /v1.0/users/{alex}?$select=id,userPrincipalName")]
    );
}

#[test]
fn where_protected_users_may_not_be_looked_up_or_are_unknown_that_is_said_once() {
    let list = "[protected]\nusers = [\"bg@contoso.com\", \"svc-*@contoso.com\", \"bg2@contoso.com\"]\n";
    let look = |name: &str| format!("GET /v1.0/users/{name}%40contoso.com?$select=id,userPrincipalName");
    for (status, told, looks) in [
        (
            403,
            "could not be looked up, and are guarded in that spelling alone: refused (http-403)",
            vec![look("bg")],
        ),
        (
            404,
            "are unknown to the tenant, and are guarded in that spelling alone: bg@contoso.com, bg2@contoso.com",
            vec![look("bg"), look("bg2")],
        ),
    ] {
        let world = World::new().answers(vec![Answer::empty(status); looks.len()]);
        let world = world.file("wave.csv", WAVE).file("authwave.toml", list);
        let ended = world.run("wave.csv", &[]).exits(1).stderr_has(told);
        assert_eq!(ended.stderr.matches("warning: users in [protected]").count(), 1, "{}", ended.stderr);
        assert_eq!(world.server().heard_lines()[..looks.len()], looks);
    }
    let world = World::new().answers(vec![Answer::empty(503); 500]);
    let world = world.file("wave.csv", WAVE).file("authwave.toml", list);
    let ended = world.run("wave.csv", &["--retry-budget", "1s"]).exits(4);
    ended.stderr_has("nothing was written: protected users could not be read; try again: refused (http-503)");
}

#[test]
fn a_list_of_protected_users_that_cannot_be_read_stops_everything() {
    let world = world(&[]).file("authwave.toml", SETTINGS);
    world.run("wave.csv", &["--yes"]).exits(2).stderr_has("protected.txt");
}

#[test]
fn holders_of_roles_and_members_of_role_assignable_groups_are_not_touched_unless_that_is_allowed() {
    let flags = [
        "--role-holders",
        "Global Administrator=alex@contoso.com,User Administrator=nobody@contoso.com",
        "--group-members",
        "Helpdesk=diego@contoso.com",
        "--page-size",
        "1",
    ];
    let world = world(&flags);
    let planned = world.plan("wave.csv", &["--run-dir", "planned"]).exits(0);
    assert!(planned.stdout.contains("blocked  2 (2 privileged)"), "{}", planned.stdout);
    let ended = world.run("wave.csv", &["--yes"]).exits(1);
    assert_eq!(codes(&ended), ["succeeded ", "failed privileged", "succeeded ", "failed privileged"]);
    let told = &ended.results()[1]["error_message"];
    assert!(told.contains("holds the directory role Global Administrator"), "{told}");
    // They are rows of an action all the same, and whoever reads the report sees whose.
    let summary = ended.summary();
    assert_eq!(summary["by_action"]["set-phone"]["failed"], 2, "{summary}");
    assert_eq!(summary["desired_state"]["not_mended"], 2, "{summary}");
    let report = ended.text("report.html");
    let of_alex = |row: &&str| row.contains("alex@contoso.com") && row.contains("set-phone");
    assert!(report.split("<tr").any(|row| of_alex(&row)), "no row of his in the report");
    // Reading them does no harm.
    world.snapshot("wave.csv", &["--run-dir", "seen"]).exits(0);
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["mobile"], serde_json::Value::Null);

    let ended = world.run("wave.csv", &["--yes", "--allow-privileged", "--run-dir", "all"]).exits(0);
    assert_eq!(codes(&ended), ["unchanged ", "succeeded ", "unchanged ", "succeeded "]);
}

#[test]
fn a_privileged_user_is_known_by_the_object_id_too() {
    let world = world(&["--role-holders", "Global Administrator=alex@contoso.com"]);
    world.snapshot("wave.csv", &["--run-dir", "seen"]).exits(0);
    let id = world.tenant().user("alex@contoso.com").unwrap()["object_id"].as_str().unwrap().to_owned();
    world.file_again(
        "by-id.csv",
        &format!("user,action,phone_type,phone_number\n{id},set-phone,mobile,+1 4255550101\n"),
    );
    let ended = world.run("by-id.csv", &["--yes"]).exits(1);
    assert_eq!(codes(&ended), ["failed privileged"]);
}

#[test]
fn where_roles_may_not_be_read_that_is_said_and_the_rows_are_done() {
    let world = world(&["--directory", "refused", "--role-holders", "Global Administrator=alex@contoso.com"]);
    let ended = world.run("wave.csv", &["--yes"]).exits(0);
    ended.stderr_has("warning: holders of directory roles could not be found, and are not guarded");
}

#[test]
fn a_census_that_breaks_off_stops_everything_before_the_first_row() {
    let page = |next: &str| Answer::json(200, &json!({"value": [], "@odata.nextLink": next}));
    let cases = [
        (vec![Answer::empty(503); 500], "refused (http-503)"),
        (vec![Answer::Close; 500], "refused (no-answer)"),
        (vec![page("https://graph.example/v1.0/directoryRoles?$skip=1")], "foreign-next-link"),
    ];
    for (answers, told) in cases {
        let world = World::new().guarded().answers(answers).file("wave.csv", WAVE);
        let ended = world.run("wave.csv", &["--yes", "--retry-budget", "1s"]).exits(4);
        let ended =
            ended.stderr_has("nothing was written: role holders could not be read; try again, or add");
        let ended = ended.stderr_has(told).stderr_lacks("warning");
        assert!(!ended.directory().exists());
        let heard = world.server().heard_lines();
        assert!(heard.iter().all(|line| line == "GET /v1.0/directoryRoles"), "{heard:?}");
    }
    // A token that is refused is told as what it is.
    let world = World::new().guarded().answers(vec![Answer::empty(401); 3]).file("wave.csv", WAVE);
    world.run("wave.csv", &["--yes"]).exits(3).stderr_has("cannot sign in");
    // Rows that only read need no census.
    let world = World::new().guarded().answers([Answer::json(200, &json!({"value": []}))]);
    world.file("list.csv", "user,action\nadele@contoso.com,list-methods\n").run("list.csv", &[]).exits(0);
}

#[test]
fn a_cloud_without_lists_of_roles_is_done_with_a_warning() {
    for status in [400, 403, 404] {
        let answers = vec![Answer::empty(status); 2];
        let world = World::new().guarded().answers(answers).file("wave.csv", WAVE);
        let ended = world.run("wave.csv", &["--yes"]).exits(1);
        let told = "could not be found, and are not guarded: refused";
        let ended = ended.stderr_has(&format!("warning: holders of directory roles {told}"));
        ended.stderr_has(&format!("warning: members of role-assignable groups {told}"));
    }
}

#[test]
fn where_one_role_s_members_may_not_be_read_the_others_are_guarded_and_where_one_is_gone_nothing_starts() {
    let list = |value: serde_json::Value| Answer::json(200, &json!({"value": value}));
    let named = |name: &str| json!({"id": format!("id-of-{name}"), "displayName": name});
    let admin = || list(json!([{"id": "5a3f6c1e", "userPrincipalName": "alex@contoso.com"}]));
    let roles = || list(json!([named("Helpdesk"), named("Admins")]));

    let answers = [roles(), Answer::empty(403), admin(), list(json!([]))];
    let world = World::new().guarded().answers(answers).file("wave.csv", WAVE);
    let ended = world.run("wave.csv", &["--yes"]).exits(1);
    assert_eq!(ended.results()[1]["error_code"], "privileged");
    let told = "warning: holders of directory roles (Helpdesk) could not be found, and are not guarded: refused (http-403)";
    let ended = ended.stderr_has(told);
    assert_eq!(ended.stderr.matches("warning: holders").count(), 1, "{}", ended.stderr);

    let answers = [roles(), Answer::empty(404), admin(), list(json!([]))];
    let world = World::new().guarded().answers(answers).file("wave.csv", WAVE);
    let ended = world.run("wave.csv", &["--yes"]).exits(4).stderr_lacks("warning");
    let ended = ended.stderr_has("nothing was written: role holders could not be read; try again, or add");
    assert!(!ended.directory().exists());
    assert_eq!(
        world.server().heard_lines(),
        [
            "GET /v1.0/directoryRoles",
            "GET /v1.0/directoryRoles/id-of-Helpdesk/members?$select=id,userPrincipalName"
        ]
    );
}

#[test]
fn without_a_terminal_nothing_is_written_before_somebody_says_yes() {
    let world = world(&["--latency", "10ms"]);
    let ended = world.run("wave.csv", &[]).exits(2).stderr_has("add --yes (AUTHWAVE_YES=true)");
    assert_eq!(world.tenant().count("requests"), 0);
    assert!(!ended.directory().exists());
    world.file_again("list.csv", "user,action\nadele@contoso.com,list-methods\n");
    world.run("list.csv", &["--run-dir", "list"]).exits(0);
    world.run("wave.csv", &["--rehearse", "--run-dir", "rehearsed"]).exits(0);
    let slow = ["--yes", "--max-duration", "1ms", "--requests-per-second", "4"];
    world.run("wave.csv", &slow).exits(130);
    world.resume(&["--max-duration", "1h", "--requests-per-second", "1000"]).exits(0);
}

#[test]
fn a_terminal_is_asked_and_hears_the_numbers() {
    let world = world(&[]);
    let root = world.tenant().root.clone();
    for (answer, code, writes) in [("n", 2, 0), ("y", 0, 4)] {
        // util-linux's `script` gives the program a terminal.
        let command = format!("{AUTHWAVE} run wave.csv --graph-root {root} --run-dir out-{answer}");
        let script = format!("echo {answer} | script -qec '{command}' /dev/null");
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .current_dir(world.path("."))
            .env("AUTHWAVE_ACCESS_TOKEN", "token")
            .env("HOME", world.path("."))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("4 of 4 rows may change something"), "{said}");
        assert_eq!(world.tenant().count("writes"), writes, "{said}");
    }
}

#[test]
fn over_a_cap_nothing_starts() {
    let world = world(&["--authenticators", "1"]);
    world
        .run("wave.csv", &["--yes", "--max-changes", "3"])
        .exits(2)
        .stderr_has("4 rows would change something");
    world.file_again(
        "more.csv",
        "user,action,phone_type,new_password\na@contoso.com,delete-phone,office,\nb@contoso.com,reset-password,,S4mple-Pass\n",
    );
    world.run("more.csv", &["--yes", "--max-deletes", "0"]).exits(2).stderr_has("(--max-deletes)");
    world.run("more.csv", &["--yes", "--max-resets", "10%"]).exits(2).stderr_has("(--max-resets)");
    assert_eq!(world.tenant().count("requests"), 0);
    world.run("wave.csv", &["--yes", "--max-changes", "100%"]).exits(0);
}

#[test]
fn a_canary_that_stands_lets_the_others_go_and_one_that_does_not_keeps_them_untouched() {
    let world = world(&[]);
    let ended = world.run("wave.csv", &["--yes", "--canary", "2"]).exits(0);
    let ended = ended.stderr_has("canary: 2 users went first, were read back, and stood\n");
    assert_eq!(codes(&ended), ["succeeded "; 4]);
    // Two users were read back beside the reads of set-phone and the census of roles and groups.
    assert_eq!(world.tenant().count("reads"), 4 + 2 + 2);

    // What is shown of the number is not what was written.
    let other = json!({"value": [{"phoneType": "mobile", "phoneNumber": "+1 ******0177"}]});
    let none = Answer::json(200, &json!({"value": []}));
    let answers = [none, Answer::empty(201), Answer::json(200, &other)];
    let world = World::new().answers(answers).file("wave.csv", WAVE);
    let ended = world.run("wave.csv", &["--canary", "1", "--retry-budget", "1s"]).exits(4);
    assert_eq!(codes(&ended), ["unknown not-confirmed", "unprocessed ", "unprocessed ", "unprocessed "],);
    let ended = ended.stderr_has("row 1 is of the users who went first (--canary)");
    ended.stderr_has("next: authwave resume out").stderr_lacks("and stood");
    assert_eq!(world.server().heard().len(), 3);
}

#[test]
fn a_canary_stands_also_in_a_role_from_which_numbers_are_hidden_but_not_where_nothing_was_to_be_done() {
    let world = World::new().guarded().simulator(&["--masked-numbers"]).file("wave.csv", WAVE);
    let ended = world.run("wave.csv", &["--yes", "--canary", "1"]).exits(0);
    let ended = ended.stderr_has("canary: 1 user went first, was read back, and stood\n");
    assert!(ended.results()[0]["detail"].contains("part of the number is hidden from this role"));
    assert!(!ended.results()[1]["detail"].contains("hidden"), "the others are not read back");

    let world = self::world(&[]);
    world.run("wave.csv", &["--yes", "--run-dir", "first"]).exits(0);
    world.run("wave.csv", &["--yes", "--canary", "2"]).exits(0).stderr_lacks("canary:");
}

#[test]
fn the_last_strong_method_stays_unless_that_is_allowed() {
    let world = world(&[]).file("wave.csv", WAVE);
    world.run("wave.csv", &["--yes", "--run-dir", "first"]).exits(0);
    world.file_again("away.csv", "user,action,phone_type\nadele@contoso.com,delete-phone,mobile\n");
    let ended = world.run("away.csv", &["--yes"]).exits(1);
    assert_eq!(codes(&ended), ["failed last-method"]);
    let ended = world.run("away.csv", &["--yes", "--allow-last-method", "--run-dir", "gone"]).exits(0);
    assert_eq!(codes(&ended), ["succeeded "]);
}

fn planned(world: &World) -> String {
    world.plan("wave.csv", &["--run-dir", "planned"]).exits(0);
    world.path("planned/plan.json").display().to_string()
}

/// Carries a plan out, whose file is named in it.
fn carry_out(world: &World, plan: &str, flags: &[&str]) -> Ended {
    world.by_plan(plan, flags)
}

#[test]
fn a_plan_is_carried_out_and_its_hash_is_told() {
    let world = world(&[]);
    let plan = planned(&world);
    let ended = carry_out(&world, &plan, &["--yes"]).exits(0);
    assert_eq!(codes(&ended), ["succeeded "; 4]);
    let document: serde_json::Value = serde_json::from_str(&ended.text("plan.json")).unwrap();
    let hash = document["hash"].as_str().unwrap().to_owned();
    assert_eq!(ended.summary()["plan_hash"], hash.as_str());
    ended.stderr_has(&format!("by the plan {hash}"));
}

#[test]
fn a_user_whose_state_has_moved_since_is_left_alone_and_both_states_are_told() {
    let world = world(&[]);
    world.file_again(
        "since.csv",
        "user,action,phone_type,phone_number\nalex@contoso.com,add-phone,mobile,+1 4255550177\n",
    );
    let plan = planned(&world);
    world.run("since.csv", &["--yes", "--run-dir", "since"]).exits(0);
    let ended = carry_out(&world, &plan, &["--yes"]).exits(1);
    assert_eq!(codes(&ended), ["succeeded ", "failed state-moved", "succeeded ", "succeeded "]);
    let detail = &ended.results()[1]["detail"];
    assert!(detail.contains("mobile was absent") && detail.contains("is +1 4255550177"), "{detail}");
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["mobile"], "+1 4255550177");
    // Nor is it undone: whoever runs the plan again writes nothing at all.
    let writes = world.tenant().count("writes");
    carry_out(&world, &plan, &["--yes", "--run-dir", "again"]).exits(1);
    assert_eq!(world.tenant().count("writes"), writes);
}

#[test]
fn blocked_rows_of_a_plan_stay_blocked_and_rows_of_one_user_follow_each_other() {
    let world = World::new().guarded().simulator(&["--disabled", "alex@contoso.com"]).file(
        "wave.csv",
        "user,action,phone_type,phone_number\n\
         adele@contoso.com,add-phone,mobile,+1 4255550100\n\
         adele@contoso.com,add-phone,alternateMobile,+1 4255550101\n\
         adele@contoso.com,enable-sms-sign-in,,\n\
         alex@contoso.com,add-phone,mobile,+1 4255550102\n",
    );
    let plan = planned(&world);
    let ended = carry_out(&world, &plan, &["--yes"]).exits(1);
    // Graph registers a new mobile for SMS sign-in by itself, so that nothing is left to do.
    assert_eq!(codes(&ended), ["succeeded ", "succeeded ", "unchanged ", "failed disabled"]);
    assert_eq!(world.tenant().user("alex@contoso.com").unwrap()["mobile"], serde_json::Value::Null);
}

#[test]
fn a_plan_of_another_file_tenant_or_hash_is_refused() {
    let world = world(&[]);
    let plan = planned(&world);
    let requests = world.tenant().count("requests");
    let text = std::fs::read_to_string(&plan).unwrap();
    world.file_again("forged.json", &text.replace("4255550103", "9005550103"));
    carry_out(&world, "forged.json", &["--yes"]).exits(2).stderr_has("it was changed after it was made");
    carry_out(&world, &plan, &["--rehearse"])
        .exits(2)
        .stderr_has("the tenant is not what the run began with");
    carry_out(&world, &plan, &[]).exits(2).stderr_has("--yes");
    carry_out(&world, &plan, &["--yes", "--max-changes", "3"]).exits(2).stderr_has("--max-changes");
    world.file_again("wave.csv", &WAVE.replace("0103", "0104"));
    carry_out(&world, &plan, &["--yes"]).exits(2).stderr_has("the rows' file is not what the run began with");
    assert_eq!(world.tenant().count("requests"), requests);
}

#[test]
fn a_run_by_a_plan_that_was_interrupted_goes_on_by_the_same_plan() {
    let world = world(&["--latency", "10ms"]);
    let plan = planned(&world);
    world.file_again(
        "since.csv",
        "user,action,phone_type,phone_number\ndiego@contoso.com,add-phone,mobile,+1 4255550177\n",
    );
    let slow = ["--yes", "--max-duration", "1ms", "--requests-per-second", "4"];
    carry_out(&world, &plan, &slow).exits(130);
    world.run("since.csv", &["--yes", "--run-dir", "since"]).exits(0);
    std::fs::remove_file(&plan).unwrap();
    let ended = world.resume(&["--max-duration", "1h", "--requests-per-second", "1000"]).exits(1);
    assert_eq!(codes(&ended)[3], "failed state-moved");
    assert_eq!(codes(&ended)[..3], ["succeeded "; 3]);
}

/// What a settings file said of the columns that somebody else's file has.
const OTHER_COLUMNS: &str = "[input]\nencoding = \"utf-16\"\ndelimiter = \"|\"\n\
    [input.columns]\nuser = \"mail\"\n[run]\ndefault_country = \"DE\"\n";

/// Rows that name a user, and somebody else in a column that nobody was told of.
const TWO_NAMES: &str = "\
user,mail,action,phone_type,phone_number
adele@contoso.com,evil1@contoso.com,set-phone,mobile,+1 4255550100
alex@contoso.com,evil2@contoso.com,set-phone,mobile,+1 4255550101
avery@contoso.com,evil3@contoso.com,set-phone,mobile,+1 4255550102
diego@contoso.com,evil4@contoso.com,set-phone,mobile,+1 4255550103
";

#[test]
fn a_settings_file_that_came_later_does_not_say_how_a_plan_or_a_begun_run_reads_its_rows() {
    let world = World::new().guarded().simulator(&["--latency", "10ms"]).file("wave.csv", TWO_NAMES);
    let plan = planned(&world);
    world.run("wave.csv", &["--yes", "--max-duration", "1ms", "--requests-per-second", "4"]).exits(130);
    world.file_again("authwave.toml", OTHER_COLUMNS);
    let resumed = world.resume(&["--max-duration", "1h", "--requests-per-second", "1000"]).exits(0);
    assert_eq!(codes(&resumed), ["succeeded "; 4]);
    let ended = carry_out(&world, &plan, &["--yes", "--run-dir", "by-plan"]).exits(1);
    assert_eq!(codes(&ended), ["failed state-moved"; 4], "the same users, who were done by now");
    for evil in 1..=4 {
        let user = world.tenant().user(&format!("evil{evil}@contoso.com")).unwrap_or_default();
        assert_eq!(user["mobile"], serde_json::Value::Null, "evil{evil}");
    }
}

#[test]
fn a_plan_is_of_the_passwords_that_its_rows_point_at() {
    let world = World::new().guarded().simulator(&["--delegated-tokens", "--reset-duration", "10ms"]);
    let passwords = |password: &str| format!("user,new_password\nadele@contoso.com,{password}\n");
    world.file_again("passwords.csv", &passwords("S4mple-Pass"));
    let rows = format!(
        "user,action,new_password_from\nadele@contoso.com,reset-password,{}#1\n",
        world.path("passwords.csv").display()
    );
    world.file_again("wave.csv", &rows);
    let plan = planned(&world);
    let requests = world.tenant().count("requests");
    world.file_again("passwords.csv", &passwords("An0ther-Pass"));
    let refused = carry_out(&world, &plan, &["--yes"]).exits(2);
    refused.stderr_has("the passwords' file").stderr_has("passwords.csv");
    assert_eq!(world.tenant().count("requests"), requests);
    world.file_again("passwords.csv", &passwords("S4mple-Pass"));
    assert_eq!(codes(&carry_out(&world, &plan, &["--yes"]).exits(0)), ["succeeded "]);
}

#[test]
fn the_run_s_copy_of_its_plan_is_its_owner_s_alone() {
    let world = world(&[]);
    let plan = planned(&world);
    std::fs::set_permissions(&plan, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = carry_out(&world, &plan, &["--yes"]).exits(0);
    let copy = ended.directory().join("plan.json");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&plan).unwrap());
}
