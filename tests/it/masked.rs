//! A tenant that shows only the last digits of its numbers, as to an Authentication Administrator.

use serde_json::{Value, json};

use super::support::scripted::Answer;
use super::support::world::World;

const HAS: &str = "user,action,phone_type,phone_number\n\
                   a@contoso.com,add-phone,mobile,+1 2065550123\n\
                   b@contoso.com,add-phone,office,+1 2065550124\n";

/// A world whose users a and b have their phones already.
fn world() -> World {
    let world = World::new().file("has.csv", HAS).simulator(&["--masked-numbers"]);
    world.run("has.csv", &["--run-dir", "has"]).exits(0);
    world
}

fn by_status(world: &World) -> Value {
    world.tenant().ledger()["by_status"].clone()
}

#[test]
fn set_phone_writes_over_a_masked_number_since_it_cannot_be_told_whether_it_is_the_same() {
    // The same number, another with the same last digits, and one where nothing is.
    let text = "user,action,phone_type,phone_number\n\
                a@contoso.com,set-phone,mobile,+1 2065550123\n\
                b@contoso.com,set-phone,office,+1 4255550124\n\
                c@contoso.com,set-phone,mobile,+1 2065550125\n";
    let world = world().file("in.csv", text);
    assert_eq!(by_status(&world), json!({"201": 2}));
    let ended = world.run("in.csv", &[]).exits(0);
    assert_eq!(ended.column("status"), ["succeeded"; 3]);
    // Two were changed in place and one was added, each after a look.
    assert_eq!(ended.column("http_status"), ["204", "204", "201"]);
    assert_eq!(by_status(&world), json!({"200": 3, "201": 3, "204": 2}));
    let user = |name: &str| world.tenant().user(name).unwrap();
    assert_eq!(user("a@contoso.com")["mobile"], "+1 2065550123");
    assert_eq!(user("b@contoso.com")["office"], "+1 4255550124");
    assert_eq!(user("c@contoso.com")["mobile"], "+1 2065550125");
}

#[test]
fn add_phone_says_that_a_masked_number_cannot_be_compared() {
    let text = HAS.replace("+1 2065550124", "+1 4255550124");
    let world = world().file("in.csv", &text);
    let ended = world.run("in.csv", &[]).exits(1);
    assert_eq!(ended.column("status"), ["failed"; 2]);
    assert_eq!(ended.column("http_status"), ["409"; 2]);
    for (detail, phone_type) in ended.column("detail").iter().zip(["mobile", "office"]) {
        let hidden = format!("the user has a {phone_type} phone whose number is hidden from this role");
        assert!(detail.starts_with(&hidden) && detail.contains("use set-phone"), "{detail}");
    }
    assert_eq!(world.tenant().count("changes"), 2);
    assert_eq!(ended.lines("unfinished.csv").len(), 2);
}

#[test]
fn an_add_phone_whose_answer_was_lost_stays_in_doubt_where_the_number_is_masked() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n";
    let masked = json!({"id": "3179e48a-750b-4051-897c-87b9720928f7", "phoneType": "mobile", "phoneNumber": "+1 ******0123"});
    let answers = [Answer::Close, Answer::json(200, &json!({"value": [masked]}))];
    let world = World::new().file("in.csv", text).answers(answers);
    let row = world.run("in.csv", &[]).exits(1).only_row();
    assert_eq!(row["status"], "unknown");
    assert!(row["detail"].contains("it may have been done"), "{row:?}");
    assert_eq!(world.server().heard().len(), 2);
}

#[test]
fn what_is_read_of_a_masked_number_is_told_as_it_was_shown() {
    let world = world().file("in.csv", "user,action\na@contoso.com,list-methods\n");
    let ended = world.run("in.csv", &[]).exits(0);
    let numbers: Vec<String> =
        ended.lines("methods.csv").iter().map(|line| line["phone_number"].clone()).collect();
    assert_eq!(numbers, ["+1 ******0123", ""]);
}
