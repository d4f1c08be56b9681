//! Rows whose number signs in another user: who in the file has it, on the terminal and in summary.json.

use serde_json::{Value, json};

use super::support::scripted::Answer;
use super::support::world::World;

/// One request at a time, so that rows are done in the order of the file.
const IN_ORDER: [&str; 2] = ["--in-flight", "1"];

#[test]
fn who_in_the_file_has_a_number_that_was_taken_is_told() {
    let world = World::new()
        .file("theirs.csv", "user,action,phone_number\nz@contoso.com,add,+1 2065550109\n")
        .file(
            "in.csv",
            "user,action,phone_number\na@contoso.com,add,+1 2065550101\nb@contoso.com,set,+1 (206) 555-0101\n\
             c@contoso.com,set,+1 2065550109\nc@contoso.com,enable-sms-sign-in,\n",
        )
        .simulator(&[]);
    world.run("theirs.csv", &["--run-dir", "theirs"]).exits(0).stderr_lacks("signs in another user");
    let ended = world.run("in.csv", &IN_ORDER).exits(1);
    let statuses: Vec<String> = ended.column("status");
    assert_eq!(statuses, ["succeeded", "succeeded", "succeeded", "failed"]);
    let ended = ended
        .stderr_has("3 rows have a mobile whose number signs in another user (phoneNumberNotUnique)")
        .stderr_has("  row 2, b@contoso.com: +1 ******0101: a@contoso.com (row 1, mobile, succeeded)\n")
        .stderr_has("  row 3, c@contoso.com: +1 ******0109: nobody else in the file;")
        .stderr_has("  row 4, c@contoso.com: +1 ******0109: nobody else in the file;")
        .stderr_has("  authwave resume out --find-holders looks in the tenant");
    let (page, summary) = (ended.text("report.html"), ended.summary());
    assert!(page.contains("3 rows with a mobile whose number signs in another user"), "{page}");
    assert!(page.contains(
        "<td>b@contoso.com</td><td>+1 ******0101</td><td>a@contoso.com (row 1, mobile, succeeded)"
    ));
    assert!(page.contains("<td>+1 ******0109</td><td>nobody else</td></tr>") && !page.contains("2065550101"));
    // The journal alone tells the same.
    std::fs::remove_file(ended.directory().join("summary.json")).unwrap();
    assert_eq!(world.authwave(&["report", "out"]).exits(0).text("report.html"), page);
    let in_file = json!([{"row": 1, "user": "a@contoso.com", "phone_type": "mobile", "status": "succeeded"}]);
    let nobody = |row| {
        json!({"row": row, "user": "c@contoso.com", "phone_number": "+1 2065550109", "in_file": [], "more_in_file": 0,
        "in_tenant": [], "more_in_tenant": 0})
    };
    let first = json!({
        "row": 2, "user": "b@contoso.com", "phone_number": "+1 2065550101", "in_file": in_file, "more_in_file": 0,
        "in_tenant": [], "more_in_tenant": 0
    });
    let told = json!({"rows": 3, "listed": [first, nobody(3), nobody(4)], "searched": null});
    assert_eq!(summary["numbers_taken"], told);
    // A later session tells the rows of earlier ones.
    assert_eq!(world.resume(&[]).exits(1).summary()["numbers_taken"], told);
}

#[test]
fn a_row_with_several_phones_is_a_holder_like_any_other() {
    let rows = "user,mobile,alternate_mobile\na@contoso.com,+1 2065550101,+1 2065550102\n\
                b@contoso.com,+1 2065550101,\nc@contoso.com,+1 2065550103,+1 2065550101\n";
    let world = World::new().file("in.csv", rows).simulator(&[]);
    let ended = world.run("in.csv", &IN_ORDER).exits(0);
    let told = ended.summary()["numbers_taken"].clone();
    assert_eq!((&told["rows"], &told["listed"][0]["row"]), (&json!(1), &json!(2)));
    let holder = |row, user, phone_type| json!({"row": row, "user": user, "phone_type": phone_type, "status": "succeeded"});
    let holders = [holder(1, "a@contoso.com", "mobile"), holder(3, "c@contoso.com", "alternateMobile")];
    assert_eq!(told["listed"][0]["in_file"], json!(holders));
}

/// A tenant in which `z` has the number that `c` wants, and so many others have some number.
fn tenant(others: usize, flags: &[&str]) -> World {
    let header = "user,action,phone_number\n";
    let others: Vec<String> =
        (0..others).map(|at| format!("u{at}@contoso.com,add,+1 206555{}", 1000 + at)).collect();
    let world = World::new()
        .file("theirs.csv", &format!("{header}z@contoso.com,add,+1 2065550109\n{}\n", others.join("\n")))
        .file("in.csv", &format!("{header}c@contoso.com,set,+1 2065550109\n"))
        .simulator(flags);
    // So that z is the first whom the tenant knows, and the first in its list.
    world.run("theirs.csv", &["--run-dir", "theirs", "--in-flight", "1"]).exits(0);
    world
}

fn searched(summary: &Value) -> Value {
    summary["numbers_taken"]["searched"].clone()
}

#[test]
fn who_in_the_tenant_has_a_number_is_told_where_that_is_asked_for() {
    let world = tenant(3, &[]);
    let before = world.tenant().count("reads");
    let ended = world.run("in.csv", &["--find-holders"]).exits(0);
    let id = world.tenant().user("z@contoso.com").unwrap()["object_id"].clone();
    let z = json!({"id": id, "user": "z@contoso.com", "phone_type": "mobile", "sms_sign_in_state": "ready",
        "certainty": "same"});
    let ended = ended
        .stderr_has("--find-holders: where rows meet numbers of others, the phones of every user")
        .stderr_has("searching the tenant for who has 1 number: reads the phones of 5 users, a request each")
        .stderr_has("nobody else in the file; in the tenant z@contoso.com (mobile, signs in with it)\n")
        .stderr_has("; all are found\n");
    let summary = ended.summary();
    assert_eq!(summary["numbers_taken"]["listed"][0]["in_tenant"], json!([z]));
    let told = searched(&summary);
    assert_eq!(
        (&told["users"], &told["ended"], &told["reason"]),
        (&json!(5), &json!("all-found"), &Value::Null)
    );
    let page = ended.text("report.html");
    assert!(page.contains("<td>nobody else</td><td>z@contoso.com (mobile, signs in with it)</td>"), "{page}");
    // It stands in the summary alone, which is of this end.
    assert_eq!(world.authwave(&["report", "out"]).exits(0).text("report.html"), page);
    // The requests of the rows stay what they were.
    let (rows, search) = (summary["requests"]["reads"].as_u64().unwrap(), told["requests"].as_u64().unwrap());
    assert_eq!(world.tenant().count("reads") - before, rows + search);
    assert_eq!(ended.column("status"), ["succeeded"]);
    // Each time it has to be asked for, since it costs so much.
    let reads = world.tenant().count("reads");
    let of_search = ended.text("summary.json");
    let ended = world.resume(&[]).exits(0).stderr_lacks("searching the tenant");
    assert_eq!(world.tenant().count("reads"), reads);
    // A summary of another end tells nothing.
    std::fs::write(ended.directory().join("summary.json"), of_search).unwrap();
    let page = world.authwave(&["report", "out"]).exits(0).text("report.html");
    assert!(page.contains("The tenant was not searched for them"), "{page}");
}

#[test]
fn a_run_that_was_stopped_is_not_searched_for() {
    let rows = "user,action,phone_type,phone_number\nc@contoso.com,set,mobile,+1 2065550109\n\
                c@contoso.com,update,office,+1 2065550100\nd@contoso.com,add,office,+1 2065550101\n";
    let world = tenant(3, &[]).file("stops.csv", rows);
    let flags = ["--find-holders", "--max-failures", "0", "--in-flight", "1", "--window", "1"];
    let ended = world.run("stops.csv", &flags).exits(4).stderr_lacks("searching the tenant");
    let summary = ended.summary();
    assert_eq!((&summary["numbers_taken"]["rows"], searched(&summary)), (&json!(1), Value::Null));
}

#[test]
fn a_run_that_has_ended_is_searched_for_later_and_no_row_is_sent_again() {
    let world = tenant(3, &[]);
    let ended = world.run("in.csv", &[]).exits(0);
    assert_eq!(searched(&ended.summary()), Value::Null);
    let writes = world.tenant().count("writes");
    let ended = world.resume(&["--find-holders"]).exits(0).stderr_has("in the tenant z@contoso.com");
    assert_eq!(world.tenant().count("writes"), writes);
    assert_eq!(searched(&ended.summary())["ended"], "all-found");
}

#[test]
fn without_a_number_that_is_taken_nobody_is_searched_for() {
    let world =
        tenant(3, &[]).file("free.csv", "user,action,phone_number\nd@contoso.com,add,+1 2065550108\n");
    let reads = world.tenant().count("reads");
    let ended = world.run("free.csv", &["--find-holders"]).exits(0).stderr_lacks("searching the tenant");
    assert_eq!((searched(&ended.summary()), world.tenant().count("reads")), (Value::Null, reads));
}

#[test]
fn the_search_ends_as_soon_as_all_numbers_are_found_and_reads_leave_together() {
    let world = tenant(400, &["--latency", "5ms"]);
    let batches = world.tenant().count("batches");
    let told = searched(&world.run("in.csv", &["--find-holders", "--in-flight", "2"]).exits(0).summary());
    assert_eq!((&told["users"], &told["ended"]), (&json!(402), &json!("all-found")));
    // What was on the wire when z was found is read to its end.
    assert!(told["read"].as_u64().unwrap() < 100, "{told}");
    assert!(world.tenant().count("batches") > batches);
}

#[test]
fn a_search_that_finds_nobody_reads_everybody_once() {
    let world = tenant(1_200, &["--masked-numbers"]);
    // Who sees hidden numbers only cannot tell what became of the row.
    let ended = world.run("in.csv", &["--find-holders"]).exits(1);
    let ended = ended.stderr_has("z@contoso.com (mobile, perhaps: the number is hidden in part)");
    let told = searched(&ended.summary());
    assert_eq!(
        (&told["ended"], &told["read"], &told["unread"]),
        (&json!("whole-tenant"), &json!(1_202), &json!(0))
    );
    // Two pages of users, and each of them.
    assert_eq!((&told["requests"], &told["hidden"]), (&json!(1_204), &json!(1_202)));
}

#[test]
fn a_search_that_is_not_allowed_or_goes_astray_changes_nothing_of_the_run() {
    let world = tenant(3, &["--directory", "refused"]);
    let ended = world.run("in.csv", &["--find-holders"]).exits(0);
    let ended =
        ended.stderr_has("the sign-in may not list users (refused (").stderr_has("User.ReadBasic.All");
    assert_eq!(ended.column("status"), ["succeeded"]);
    assert_eq!(searched(&ended.summary())["ended"], "stopped");

    let taken = json!({"phoneNumber": "+1 2065550109", "smsSignInState": "phoneNumberNotUnique"});
    let page = |value: Value, next: Option<&str>| {
        Answer::json(200, &json!({"value": value, "@odata.nextLink": next}))
    };
    let world = |search: Vec<Answer>| {
        World::new()
            .file("in.csv", "user,action,phone_number\nc@contoso.com,add,+1 2065550109\n")
            .answers([vec![Answer::json(201, &taken)], search].concat())
    };
    let astray = world(vec![page(json!([]), Some("http://127.0.0.1:9/v1.0/users?$skiptoken=1"))]);
    let ended = astray.run("in.csv", &["--find-holders"]).exits(0);
    let reason = searched(&ended.summary())["reason"].to_string();
    assert!(reason.contains("is not on the Graph root"), "{reason}");
    assert_eq!(astray.server().heard().len(), 2);

    let id = |at: u32| json!({"id": format!("ed178e23-7447-4892-baf8-{at:012}"), "userPrincipalName": null});
    let refused = json!({"error": {"code": "accessDenied", "message": "Request Authorization failed"}});
    let users = page((0..40).map(id).collect(), None);
    let denied = world([vec![users], vec![Answer::json(403, &refused); 40]].concat());
    let ended = denied.run("in.csv", &["--find-holders", "--in-flight", "1", "--no-batch"]).exits(0);
    let ended = ended.stderr_has("the first 20 reads of phones were all refused with 403: the sign-in needs");
    let told = searched(&ended.summary());
    assert_eq!((&told["users"], &told["read"]), (&json!(40), &json!(0)));
    assert!(told["requests"].as_u64().unwrap() < 30, "{told}");

    // Who may read one user may read users: the others are refused each for itself.
    let users = page((0..40).map(id).collect(), None);
    let nothing = Answer::json(200, &json!({"value": []}));
    let denied = world([vec![users, nothing], vec![Answer::json(403, &refused); 39]].concat());
    let ended = denied.run("in.csv", &["--find-holders", "--in-flight", "1", "--no-batch"]).exits(0);
    let told = searched(&ended.summary());
    assert_eq!(
        (&told["ended"], &told["read"], &told["unread"]),
        (&json!("whole-tenant"), &json!(1), &json!(39))
    );
}

#[test]
fn a_signal_ends_the_search_and_nothing_of_the_run() {
    let world = tenant(400, &["--latency", "20ms", "--masked-numbers"]);
    let flags = ["--find-holders", "--in-flight", "1", "--no-batch", "--no-progress"];
    let mut run = world.begin("in.csv", &flags);
    run.says("searching the tenant for who has 1 number");
    // All files of the run are there before it is searched.
    assert!(run.text("summary.json").contains("\"exit_code\": 1"));
    assert!(!run.text("report.html").is_empty());
    run.signal("-INT");
    let ended = run.end().exits(1).stderr_has("it stopped before its end: a signal came\n");
    let told = searched(&ended.summary());
    assert!(told["read"].as_u64().unwrap() < 400, "{told}");
    let ended =
        world.resume(&["--find-holders", "--max-duration", "300ms", "--in-flight", "1", "--no-batch"]);
    ended.exits(1).stderr_has("it stopped before its end: the time was over (--max-duration)\n");
}
