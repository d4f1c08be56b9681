//! Rows end in any order; the files keep the input's.

use serde_json::{Value, json};

use super::support::ended::Ended;
use super::support::scripted::Answer;
use super::support::world::World;

/// The values of a CSV file's first column, without its header.
fn firsts(text: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().filter_map(|line| Some(line.ok()?.get(0)?.to_owned())).collect()
}

fn users(ended: &Ended, name: &str) -> Vec<String> {
    ended.lines(name).iter().map(|line| line["user"].clone()).collect()
}

#[test]
fn a_row_that_is_answered_last_stands_where_it_stood_in_the_input() {
    let text = "user,action,phone_number\n\
                a@contoso.com,add-phone,+1 2065550101\n\
                b@contoso.com,add-phone,+1 2065550102\n\
                c@contoso.com,add-phone,+1 2065550103\n\
                d@contoso.com,add-phone,+1 2065550104\n";
    let created = |number: u8| {
        Answer::json(201, &json!({"phoneNumber": format!("+1 206555010{number}"), "phoneType": "mobile"}))
    };
    let denied =
        |message: &str| Answer::json(403, &json!({"error": {"code": "accessDenied", "message": message}}));
    // One at a time: a user who is unknown is asked for again after 2 s, and the others go on meanwhile.
    let answers = [Answer::empty(404), created(2), denied("third"), created(4), denied("first")];
    let world = World::new().file("in.csv", text).answers(answers);
    let ended = world.run("in.csv", &["--in-flight", "1"]).exits(1);

    let asked: Vec<String> = world
        .server()
        .heard()
        .iter()
        .map(|heard| heard.target.chars().nth(12).unwrap().to_string())
        .collect();
    assert_eq!(asked, ["a", "b", "c", "d", "a"], "row 1 ended last, and row 3 before it");
    assert_eq!(ended.column("row"), ["1", "2", "3", "4"]);
    assert_eq!(ended.column("status"), ["failed", "succeeded", "failed", "succeeded"]);
    assert_eq!(ended.column("error_message"), ["first", "", "third", ""]);
    assert_eq!(users(&ended, "unfinished.csv"), ["a@contoso.com", "c@contoso.com"]);
}

#[test]
fn a_run_that_is_stopped_puts_its_files_into_input_order_too() {
    // Row 1 does not end before the run stops, and row 3 waits behind it.
    let text = "user,action,phone_number,new_password\n\
                a@contoso.com,reset-password,,Never-3nds-1\n\
                b@contoso.com,update-phone,+1 2065550102,\n\
                a@contoso.com,set-phone,+1 2065550103,\n\
                c@contoso.com,add-phone,+1 2065550104,\n\
                b@contoso.com,enable-sms-sign-in,,\n";
    let world = World::new().file("in.csv", text).simulator(&["--reset-never", "1"]);
    let running = world.begin("in.csv", &[]);
    // While the run is under way the lines come as rows end.
    let told = |name: &str, count: usize| loop {
        let lines = firsts(&running.text(name));
        if lines.len() >= count {
            break lines;
        }
    };
    let mut ended_first = told("results.csv", 3);
    ended_first.sort();
    assert_eq!(ended_first, ["2", "4", "5"]);
    assert_eq!(told("unfinished.csv", 2), ["b@contoso.com"; 2]);
    running.signal("-INT");
    let ended = running.end().exits(130);

    assert_eq!(ended.column("row"), ["1", "2", "3", "4", "5"]);
    assert_eq!(ended.column("status"), ["pending", "failed", "unprocessed", "succeeded", "failed"]);
    // The reset that is pending is followed, not run again.
    let expected = ["b@contoso.com", "a@contoso.com", "b@contoso.com"];
    assert_eq!(users(&ended, "unfinished.csv"), expected);
    let actions: Vec<String> =
        ended.lines("unfinished.csv").iter().map(|line| line["action"].clone()).collect();
    assert_eq!(actions, ["update-phone", "set-phone", "enable-sms-sign-in"]);
    assert_eq!(ended.summary()["operations"]["timed_out"], Value::from(1));
}
