//! What the tenant notes of its clients, and what goes wrong on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, Told, avery, new_password, phone_path, reset_path, seed, settings};
use crate::model::phone::PhoneType::{Mobile, Office};
use crate::simulator::faults::FaultRates;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tenant::Delivery;
use crate::transport::exchange::Method;

const NUMBER: &str = "+1 2065550123";

fn faulty(faults: FaultRates) -> Client {
    Client::new(TenantSettings { faults, ..settings() })
}

/// A tenant whose every answer is lost after the request was done.
fn losing() -> Client {
    faulty(FaultRates { reset_after: 1.0, ..FaultRates::default() })
}

fn phone() -> Value {
    json!({"phoneNumber": NUMBER, "phoneType": "office"})
}

fn lost(client: &mut Client, method: Method, path: &str, body: Option<&Value>) {
    assert_eq!(client.deliver(method, path, body).answer, None);
}

#[test]
fn a_write_that_was_done_and_told_and_comes_again_is_a_double_write() {
    let mut client = Client::with([seed("avery@contoso.com", &[(Mobile, NUMBER)])]);
    let number = json!({"phoneNumber": NUMBER});
    client.patch(&phone_path(Mobile), &number);
    assert_eq!(client.tenant.ledger().double_writes, 0);
    client.patch(&phone_path(Mobile), &number);
    assert_eq!(client.tenant.ledger().double_writes, 1);
    client.get(&avery("phoneMethods"));
    client.patch(&phone_path(Mobile), &number);
    assert_eq!(client.tenant.ledger().double_writes, 2, "a look does not excuse it");
    client.patch(&phone_path(Mobile), &json!({"phoneNumber": "+1 2065550199"}));
    client.patch(&phone_path(Mobile), &number);
    assert_eq!(client.tenant.ledger().double_writes, 2, "another write came between");
}

#[test]
fn a_double_write_counts_also_where_it_is_refused() {
    let mut client = Client::plain();
    assert_eq!(client.post(&avery("phoneMethods"), &phone()).status, 201);
    assert_eq!(client.post(&avery("phoneMethods"), &phone()).status, 409);
    assert_eq!(client.tenant.ledger().double_writes, 1);
}

#[test]
fn a_write_that_was_refused_may_come_again() {
    let mut client = Client::with([seed("avery@contoso.com", &[(Office, NUMBER)])]);
    for _ in 0..3 {
        assert_eq!(client.post(&avery("phoneMethods"), &phone()).status, 409);
    }
    assert_eq!(client.tenant.ledger().double_writes, 0);
}

#[test]
fn a_phone_that_is_posted_again_after_a_lost_answer_without_a_look_is_a_blind_repeat() {
    let mut client = losing();
    lost(&mut client, Method::Post, &avery("phoneMethods"), Some(&phone()));
    lost(&mut client, Method::Get, &avery("phoneMethods"), None);
    lost(&mut client, Method::Post, &avery("phoneMethods"), Some(&phone()));
    assert_eq!(client.tenant.ledger().blind_repeats, 0, "it was looked at");
    let mut client = losing();
    lost(&mut client, Method::Post, &avery("phoneMethods"), Some(&phone()));
    lost(&mut client, Method::Post, &avery("phoneMethods"), Some(&phone()));
    let ledger = client.tenant.ledger();
    assert_eq!((ledger.blind_repeats, ledger.double_writes), (1, 0));
}

#[test]
fn a_patch_or_delete_may_be_repeated_after_a_lost_answer() {
    let mut client = losing();
    client.tenant.add_user(seed("avery@contoso.com", &[(Office, NUMBER)]));
    let number = json!({"phoneNumber": NUMBER});
    lost(&mut client, Method::Patch, &phone_path(Office), Some(&number));
    lost(&mut client, Method::Patch, &phone_path(Office), Some(&number));
    lost(&mut client, Method::Delete, &phone_path(Office), None);
    lost(&mut client, Method::Delete, &phone_path(Office), None);
    let ledger = client.tenant.ledger();
    assert_eq!((ledger.blind_repeats, ledger.double_writes), (0, 0));
}

#[test]
fn a_reset_that_is_sent_again_after_a_lost_answer_is_a_repeated_reset() {
    let mut client = losing();
    lost(&mut client, Method::Post, &reset_path(), Some(&new_password()));
    assert_eq!(client.tenant.ledger().repeated_resets, 0);
    lost(&mut client, Method::Post, &reset_path(), Some(&new_password()));
    lost(&mut client, Method::Post, &reset_path(), Some(&json!({"newPassword": "another-one"})));
    let ledger = client.tenant.ledger();
    assert_eq!((ledger.repeated_resets, ledger.resets, ledger.double_writes), (1, 3, 0));
    let mut client = Client::plain();
    client.post(&reset_path(), &new_password());
    client.post(&reset_path(), &new_password());
    assert_eq!(client.tenant.ledger().double_writes, 1, "its client had been told");
}

#[test]
fn requests_are_counted_by_kind_and_answer() {
    let mut client = Client::plain();
    client.add(Mobile, NUMBER);
    client.add(Mobile, "+1 2065550199");
    client.get(&avery("phoneMethods"));
    client.delete(&phone_path(Mobile));
    let ledger = client.tenant.ledger();
    assert_eq!((ledger.requests, ledger.reads, ledger.writes, ledger.changes), (4, 1, 3, 2));
    let by_status = [("200", 1), ("201", 1), ("204", 1), ("409", 1)];
    assert_eq!(ledger.by_status, BTreeMap::from(by_status.map(|(status, count)| (status.to_owned(), count))));
    assert_eq!(
        ledger.to_string(),
        "the simulated tenant saw 4 requests (200: 1, 201: 1, 204: 1, 409: 1)\n  \
         0 throttled, 0 early, 0 double writes, 0 blind repeats, 0 repeated resets, 0 order violations"
    );
}

#[test]
fn what_goes_wrong_before_a_write_leaves_it_undone_and_after_it_done() {
    let rates = FaultRates::default();
    for (faults, statuses, is_done) in [
        (FaultRates { throttle: 1.0, ..rates }, vec![Some(429)], false),
        (FaultRates { throttle_bare: 1.0, ..rates }, vec![Some(429)], false),
        (FaultRates { error_before: 1.0, ..rates }, vec![Some(500), Some(503), Some(504)], false),
        (FaultRates { reset_before: 1.0, ..rates }, vec![None], false),
        (FaultRates { html: 1.0, ..rates }, vec![Some(502)], false),
        (FaultRates { error_after: 1.0, ..rates }, vec![Some(500), Some(503), Some(504)], true),
        (FaultRates { reset_after: 1.0, ..rates }, vec![None], true),
        (FaultRates { half_json: 1.0, ..rates }, vec![Some(201)], true),
        (FaultRates { empty_body: 1.0, ..rates }, vec![Some(201)], true),
    ] {
        let mut client = faulty(faults);
        let told = client.deliver(Method::Post, &avery("phoneMethods"), Some(&phone())).answer;
        let status = told.as_ref().map(|told| told.status);
        assert!(statuses.contains(&status), "{faults:?}: {status:?}");
        let office = client.tenant.user("avery@contoso.com").and_then(|user| user.office);
        assert_eq!(office.is_some(), is_done, "{faults:?}");
        assert_eq!(client.tenant.ledger().changes, u64::from(is_done), "{faults:?}");
        assert_eq!((client.tenant.ledger().requests, client.tenant.ledger().writes), (1, 1), "{faults:?}");
        let key = status.map_or("none".to_owned(), |status| status.to_string());
        assert_eq!(client.tenant.ledger().by_status, BTreeMap::from([(key, 1)]), "{faults:?}");
    }
}

#[test]
fn a_broken_body_is_half_of_it_or_nothing_and_a_gateway_s_is_a_web_page() {
    let body = |faults| {
        let told = faulty(faults).deliver(Method::Get, &avery("methods"), None).answer.unwrap();
        String::from_utf8(told.body.to_vec()).unwrap()
    };
    let whole = body(FaultRates::default());
    assert!(whole.starts_with("{\"value\":[{"));
    let rates = FaultRates::default();
    assert_eq!(body(FaultRates { half_json: 1.0, ..rates }), whole[..whole.len() / 2]);
    assert_eq!(body(FaultRates { empty_body: 1.0, ..rates }), "");
    assert!(body(FaultRates { html: 1.0, ..rates }).starts_with("<html>"));
}

#[test]
fn an_answer_takes_the_latency_and_a_slow_one_longer() {
    let latency = Duration::from_millis(80);
    for (slow, delay) in [(0.0, 80), (1.0, 5_080)] {
        let faults = FaultRates { slow, slow_by: Duration::from_secs(5), ..FaultRates::default() };
        let mut client = Client::new(TenantSettings { latency, faults, ..settings() });
        let told = client.deliver(Method::Get, &avery("methods"), None);
        assert_eq!(told.delay, Duration::from_millis(delay));
    }
}

#[test]
fn the_same_seed_gives_the_same_answers_and_another_one_others() {
    let told = |seed| {
        let faults = FaultRates {
            throttle: 0.1,
            error_before: 0.1,
            error_after: 0.1,
            reset_after: 0.1,
            half_json: 0.1,
            slow: 0.2,
            slow_by: Duration::from_secs(1),
            ..FaultRates::default()
        };
        let mut client = Client::new(TenantSettings { seed, faults, ..settings() });
        let mut deliveries: Vec<Delivery> = Vec::new();
        for at in 0..100 {
            let user = format!("/users/user{}@contoso.com/authentication", at % 7);
            client.after(300);
            deliveries.push(client.deliver(Method::Post, &format!("{user}/phoneMethods"), Some(&phone())));
            deliveries.push(client.deliver(
                Method::Post,
                &format!("{user}/methods/{}/resetPassword", super::client::PASSWORD),
                None,
            ));
            deliveries.push(client.deliver(Method::Get, &format!("{user}/methods"), None));
        }
        (deliveries, client.tenant.ledger().clone())
    };
    assert_eq!(told(5), told(5));
    assert_ne!(told(5).0, told(6).0);
}

#[test]
fn every_answer_has_an_id_of_its_own() {
    let mut client = Client::plain();
    let mut ids: Vec<String> = (0..20)
        .filter_map(|_| {
            Told::from(client.deliver(Method::Get, &avery("methods"), None).answer?).headers.request_id
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}
