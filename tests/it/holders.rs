//! Rows whose number signs in another user: who in the file has it, on the terminal and in summary.json.

use serde_json::json;

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
        .stderr_has("  row 4, c@contoso.com: +1 ******0109: nobody else in the file;");
    let in_file = json!([{"row": 1, "user": "a@contoso.com", "phone_type": "mobile", "status": "succeeded"}]);
    let nobody = |row| json!({"row": row, "user": "c@contoso.com", "phone_number": "+1 2065550109", "in_file": [], "more_in_file": 0});
    let first = json!({
        "row": 2, "user": "b@contoso.com", "phone_number": "+1 2065550101", "in_file": in_file, "more_in_file": 0
    });
    let told = json!({"rows": 3, "listed": [first, nobody(3), nobody(4)]});
    assert_eq!(ended.summary()["numbers_taken"], told);
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
