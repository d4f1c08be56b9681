//! Everything that can go wrong at once, for several seeds: what the results say is what the tenant holds.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::support::ended::Line;
use super::support::world::World;

const FAULTS: &str = "throttle=0.005,error-before=0.02,error-after=0.02,reset-before=0.02,reset-after=0.02,\
                      half-json=0.02,empty-body=0.02";

/// A hundred users with three rows each, of every action.
fn wave() -> String {
    let mut text = "user,action,phone_type,phone_number,new_password\n".to_owned();
    for i in 0..100 {
        let user = format!("u{i}@contoso.com");
        writeln!(text, "{user},add-phone,mobile,+1 2065550{i:03},").unwrap();
        let rest = match i % 5 {
            0 => [format!("set-phone,mobile,+1 4255550{i:03},"), "delete-phone,office,,".to_owned()],
            1 => [format!("add-phone,office,+1 4255550{i:03},"), "list-methods,,,".to_owned()],
            2 => [format!("update-phone,mobile,+1 4255550{i:03},"), "disable-sms-sign-in,,,".to_owned()],
            3 => [format!("set-phone,alternateMobile,+1 4255550{i:03},"), "enable-sms-sign-in,,,".to_owned()],
            _ => [format!("reset-password,,,Fault-Pr00f-{i}"), "delete-phone,mobile,,".to_owned()],
        };
        for rest in rest {
            writeln!(text, "{user},{rest}").unwrap();
        }
    }
    text
}

/// What a user must have once all three rows are done.
fn expected(i: usize) -> Value {
    let (first, second) = (format!("+1 2065550{i:03}"), format!("+1 4255550{i:03}"));
    match i % 5 {
        1 => json!({"mobile": first, "alternateMobile": null, "office": second, "password": null}),
        0 | 2 => json!({"mobile": second, "alternateMobile": null, "office": null, "password": null}),
        3 => json!({"mobile": first, "alternateMobile": second, "office": null, "password": null}),
        _ => {
            let password = format!("Fault-Pr00f-{i}");
            json!({"mobile": null, "alternateMobile": null, "office": null, "password": password})
        }
    }
}

fn is_done(line: &Line) -> bool {
    ["succeeded", "unchanged"].contains(&line["status"].as_str())
}

fn every_row_can_be_trusted(seed: &str) {
    let world = World::new().file("in.csv", &wave()).simulator(&[
        "--seed",
        seed,
        "--fault",
        FAULTS,
        "--reset-duration",
        "100ms..300ms",
        "--authenticators",
        "1",
    ]);
    let ended = world.run("in.csv", &["--retry-budget", "1m"]);
    let results = ended.results();
    let numbers: Vec<String> = (1..=300).map(|row| row.to_string()).collect();
    assert_eq!(ended.column("row"), numbers);

    for (i, rows) in results.chunks(3).enumerate() {
        let not_done: Vec<&Line> = rows.iter().filter(|line| !is_done(line)).collect();
        assert!(not_done.is_empty(), "{not_done:#?}");
        let user = world.tenant().user(&format!("u{i}@contoso.com")).unwrap();
        for (name, value) in expected(i).as_object().unwrap() {
            assert_eq!(user[name], *value, "{name} of {user}");
        }
        match i % 5 {
            2 => assert_eq!(user["sms_sign_in_state"], "notEnabled"),
            3 => assert_eq!(user["sms_sign_in_state"], "ready"),
            _ => {}
        }
    }
    let ledger = world.tenant().ledger();
    assert!(ledger["by_status"]["none"].as_u64().unwrap() > 0, "no faults: {ledger}");
    assert_eq!(ledger["double_writes"], 0, "{ledger}");
    assert_eq!(ledger["blind_repeats"], 0, "{ledger}");
    assert_eq!(ledger["order_violations"], 0, "{ledger}");
    let summary = ended.exits(0).summary();
    assert_eq!(summary["requests"]["total"], ledger["requests"]);
    assert_eq!(summary["requests"]["by_status"], ledger["by_status"]);
}

#[test]
fn whatever_goes_wrong_every_row_can_be_trusted_first_seed() {
    every_row_can_be_trusted("1");
}

#[test]
fn whatever_goes_wrong_every_row_can_be_trusted_second_seed() {
    every_row_can_be_trusted("2");
}

#[test]
fn whatever_goes_wrong_every_row_can_be_trusted_third_seed() {
    every_row_can_be_trusted("3");
}
