//! Password resets and their operations.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, ORIGIN, PASSWORD, avery, new_password, of, reset_path, settings};
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::TenantSettings;

fn client(resets: ResetSettings) -> Client {
    Client::new(TenantSettings { resets, ..settings() })
}

/// Resets that take exactly so long.
fn taking(span: Duration) -> ResetSettings {
    ResetSettings { duration: (span, span), ..ResetSettings::default() }
}

fn status(client: &mut Client, location: &str) -> (Value, Value) {
    let told = client.get(location);
    assert_eq!(told.status, 200);
    (told.body["status"].clone(), told.body["statusDetail"].clone())
}

#[test]
fn a_reset_is_accepted_with_the_address_of_its_operation() {
    let mut client = Client::plain();
    for collection in ["methods", "passwordMethods"] {
        for action in ["resetPassword", "microsoft.graph.resetPassword"] {
            let path = avery(&format!("{collection}/{PASSWORD}/{action}"));
            let told = client.post(&path, &new_password());
            assert_eq!((told.status, &told.body), (202, &json!({})), "{path}");
            assert_eq!(told.headers.retry_after, None);
            assert_eq!(client.get(&told.location()).status, 200);
        }
    }
    assert_eq!(client.tenant.ledger().resets, 4);
}

#[test]
fn an_operation_is_not_started_then_running_then_at_its_end() {
    let mut client = client(taking(Duration::from_secs(3)));
    client.after(7_000);
    let location = client.post(&reset_path(), &new_password()).location();
    for (wait, expected, detail) in [
        (0, "notStarted", ""),
        (499, "notStarted", ""),
        (1, "running", ""),
        (2_499, "running", ""),
        (1, "succeeded", "ResetSuccess"),
        (86_000_000, "succeeded", "ResetSuccess"),
    ] {
        assert_eq!(status(client.after(wait), &location), (json!(expected), json!(detail)), "{wait}");
    }
    let told = client.get(&location).body;
    assert_eq!(told["createdDateTime"], "2026-01-01T00:00:07Z");
    assert_eq!(told["lastActionDateTime"], "2026-01-01T00:00:10Z");
}

#[test]
fn the_address_is_valid_for_a_day() {
    let mut client = client(taking(Duration::from_secs(1)));
    let location = client.post(&reset_path(), &new_password()).location();
    assert_eq!(client.after(86_400_000).get(&location).status, 200);
    assert_eq!(client.after(1).get(&location).refusal(), (404, "resourceNotFound"));
}

#[test]
fn the_address_works_as_it_was_given_only() {
    let mut client = Client::plain();
    let location = client.post(&reset_path(), &new_password()).location();
    let object_id = client.tenant.user("avery@contoso.com").unwrap().object_id;
    let (path, query) = location.split_once('?').unwrap();
    for wrong in [
        path.to_owned(),
        format!("{path}?{}", query.to_uppercase()),
        format!("{path}?{query}&x=1"),
        format!("{path}?aadgdc=SIM01P"),
        format!("{path}?aadgsu=ssprprod-a&aadgdc=SIM01P"),
        location.replace(&object_id, "blake@contoso.com"),
        format!("{ORIGIN}/v1.0{}?{query}", of(&object_id, "operations/no-uuid")),
    ] {
        assert_eq!(client.get(&wrong).refusal(), (404, "resourceNotFound"), "{wrong}");
    }
    assert_eq!(client.get(&location).status, 200);
    let by_name = location.replace(&object_id, "avery@contoso.com");
    assert_eq!(client.get(&by_name).status, 200, "it is the same user");
}

#[test]
fn an_operation_may_never_end() {
    let mut client = client(ResetSettings { never_ending: 1.0, ..taking(Duration::from_secs(1)) });
    let location = client.post(&reset_path(), &new_password()).location();
    for wait in [1_000, 60_000, 80_000_000] {
        assert_eq!(status(client.after(wait), &location).0, "running", "{wait}");
    }
}

#[test]
fn an_operation_may_fail_and_then_the_password_is_the_old_one() {
    let mut client = client(ResetSettings { failures: 1.0, ..taking(Duration::from_secs(1)) });
    let location = client.post(&reset_path(), &new_password()).location();
    let failed = (json!("failed"), json!("OnPremisesPasswordPolicyViolation"));
    assert_eq!(status(client.after(1_000), &location), failed);
    assert_eq!(client.tenant.user("avery@contoso.com").unwrap().password, None);
}

#[test]
fn an_operation_may_be_unknown_at_first() {
    let unknown_for = Duration::from_secs(2);
    let mut client = client(ResetSettings { unknown_for, ..taking(Duration::from_secs(1)) });
    let location = client.post(&reset_path(), &new_password()).location();
    assert_eq!(client.get(&location).refusal(), (404, "resourceNotFound"));
    assert_eq!(client.after(1_999).get(&location).refusal(), (404, "resourceNotFound"));
    assert_eq!(status(client.after(1), &location).0, "succeeded");
}

#[test]
fn operations_take_between_the_shortest_and_the_longest_time() {
    let duration = (Duration::from_secs(1), Duration::from_secs(3));
    let mut client = client(ResetSettings { duration, ..ResetSettings::default() });
    let locations: Vec<String> =
        (0..50).map(|_| client.post(&reset_path(), &new_password()).location()).collect();
    client.after(999);
    assert!(locations.iter().all(|location| status(&mut client, location).0 == "running"));
    client.after(1_001);
    let done = locations.iter().filter(|location| status(&mut client, location).0 == "succeeded").count();
    assert!((1..50).contains(&done), "{done}");
    client.after(1_000);
    assert!(locations.iter().all(|location| status(&mut client, location).0 == "succeeded"));
}

#[test]
fn a_password_that_was_not_given_is_generated_and_told_once() {
    let mut client = Client::plain();
    let mut told: Vec<String> = Vec::new();
    for body in [None, Some(json!({})), Some(json!({"newPassword": null}))] {
        let answer = match &body {
            Some(body) => client.post(&reset_path(), body),
            None => client.act(&reset_path()),
        };
        assert_eq!(answer.status, 202);
        let password = answer.body["newPassword"].as_str().unwrap().to_owned();
        assert_eq!(client.tenant.user("avery@contoso.com").unwrap().password.as_ref(), Some(&password));
        told.push(password);
    }
    assert_ne!(told[0], told[1]);
    assert_ne!(told[1], told[2]);
}

#[test]
fn a_short_password_is_refused_at_once() {
    let mut client = Client::plain();
    for (password, status) in [("", 400), ("short12", 400), ("éééé123", 400), ("long1234", 202)] {
        let told = client.post(&reset_path(), &json!({"newPassword": password}));
        assert_eq!(told.status, status, "{password}");
    }
    assert_eq!(client.tenant.ledger().resets, 1);
    assert_eq!(client.tenant.user("avery@contoso.com").unwrap().password.as_deref(), Some("long1234"));
}

#[test]
fn a_pause_and_a_foreign_address_can_be_asked_for() {
    let mut client = client(ResetSettings {
        retry_after: Some(Duration::from_secs(7)),
        foreign_origin: Some("https://evil.test".to_owned()),
        ..ResetSettings::default()
    });
    let told = client.post(&reset_path(), &new_password());
    assert_eq!(told.headers.retry_after.as_deref(), Some("7"));
    assert!(told.location().starts_with("https://evil.test/v1.0/users/"));
}

#[test]
fn the_address_keeps_the_version_that_was_asked() {
    let mut client = Client::plain();
    for version in ["v1.0", "beta"] {
        let location = client.act(&format!("{ORIGIN}/{version}{}", reset_path())).location();
        assert!(location.starts_with(&format!("{ORIGIN}/{version}/users/")), "{location}");
    }
}
