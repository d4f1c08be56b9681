//! The files in samples/: each works as the README says.

use super::support::ended::{Ended, Line};
use super::support::world::{World, of_the_project};

fn rehearse(sample: &str) -> Ended {
    let ended = World::new().run(&of_the_project(sample), &["--rehearse"]);
    ended
        .exits(0)
        .stderr_has("REHEARSAL: nothing real was touched")
        .stderr_has("0 double writes, 0 blind repeats")
}

#[test]
fn the_onboarding_sample_rehearses_without_a_failure() {
    rehearse("samples/onboarding.csv");
}

#[test]
fn the_migration_sample_rehearses_without_a_failure() {
    rehearse("samples/migration.csv");
}

#[test]
fn the_phones_sample_rehearses_without_a_failure() {
    rehearse("samples/phones.csv");
}

#[test]
fn the_resets_sample_rehearses_without_a_failure() {
    rehearse("samples/resets.csv");
}

#[test]
fn the_tutorial_sample_rehearses_without_a_failure() {
    rehearse("samples/tutorial.csv");
}

const AVERY: &str = "avery.howard@wingtiptoysonline.com";

/// Method type, phone type, number and SMS state of what a list-methods row found.
fn found(methods: &[Line], row: &str) -> Vec<[String; 4]> {
    let of_row = methods.iter().filter(|line| line["row"] == row);
    of_row
        .map(|line| {
            assert_eq!(line["user"], AVERY);
            ["method_type", "phone_type", "phone_number", "sms_sign_in_state"].map(|name| line[name].clone())
        })
        .collect()
}

#[test]
fn the_tutorial_ends_as_its_story_says() {
    let world = World::new().simulator(&["--reset-duration", "100ms"]);
    let ended = world.run(&of_the_project("samples/tutorial.csv"), &[]).exits(0);

    assert_eq!(ended.column("status"), ["succeeded"; 7]);
    let user = world.tenant().user(AVERY).unwrap();
    assert_eq!(user["mobile"], "+1 2065550123");
    assert_eq!(user["alternateMobile"], serde_json::Value::Null);
    assert_eq!(user["office"], serde_json::Value::Null);
    assert_eq!(user["sms_sign_in_state"], "ready");
    assert_eq!(user["password"], "29sdjfw#fajsdA_a_3an3223");

    let methods = ended.lines("methods.csv");
    let password = ["password", "", "", ""];
    let mobile = ["phone", "mobile", "+1 2065550123", "ready"];
    let office = ["phone", "office", "+1 4255550199", "notSupported"];
    assert_eq!(found(&methods, "1"), [password]);
    assert_eq!(found(&methods, "4"), [mobile, office, password]);
    assert_eq!(found(&methods, "6"), [mobile, password]);
    assert_eq!(methods.len(), 6);

    let operations = ended.lines("operations.csv");
    assert_eq!(operations.len(), 1);
    assert_eq!(operations[0]["row"], "7");
    assert_eq!(operations[0]["user"], AVERY);
    assert_eq!(operations[0]["status"], "succeeded");
    assert_eq!(operations[0]["status_detail"], "ResetSuccess");
    assert_eq!(operations[0]["operation_id"], ended.results()[6]["operation_id"]);
}
