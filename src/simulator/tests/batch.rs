//! `$batch`.

use serde_json::{Value, json};

use super::client::{Client, Told, settings};
use crate::model::phone::PhoneType::Mobile;
use crate::simulator::settings::TenantSettings;
use crate::simulator::throttle::Quota;

fn add(id: &str, user: &str, depends_on: &[&str]) -> Value {
    json!({
        "id": id,
        "method": "POST",
        "url": format!("/users/{user}/authentication/phoneMethods"),
        "headers": {"Content-Type": "application/json"},
        "body": {"phoneNumber": format!("+1 206555{:0>4}", id.len()), "phoneType": "office"},
        "dependsOn": depends_on,
    })
}

fn read(id: &str) -> Value {
    json!({"id": id, "method": "GET", "url": "users/avery@contoso.com/authentication/phoneMethods"})
}

fn send(client: &mut Client, requests: &[Value]) -> Told {
    client.post("/$batch", &json!({"requests": requests}))
}

fn statuses(told: &Told) -> Vec<(&str, u64)> {
    let responses = told.body["responses"].as_array().unwrap();
    let one = |response: &'_ Value| response["status"].as_u64().unwrap();
    responses.iter().map(|response| (response["id"].as_str().unwrap(), one(response))).collect()
}

#[test]
fn every_item_is_answered_under_its_id_in_another_order() {
    let mut client = Client::plain();
    let told = send(
        &mut client,
        &[add("a", "avery@contoso.com", &[]), read("B"), add("c", "blake@contoso.com", &[])],
    );
    assert_eq!(told.status, 200);
    assert_eq!(statuses(&told), [("c", 201), ("B", 200), ("a", 201)]);
    assert_eq!(told.body["responses"][1]["body"]["value"][0]["phoneType"], "office");
    let ledger = client.tenant.ledger();
    assert_eq!((ledger.requests, ledger.reads, ledger.writes, ledger.changes), (3, 1, 2, 2));
}

#[test]
fn twenty_requests_are_taken_and_more_are_refused_whole() {
    for (count, status) in [(0, 200), (20, 200), (21, 400)] {
        let mut client = Client::plain();
        let items: Vec<Value> =
            (0..count).map(|at| add(&at.to_string(), &format!("user{at}@contoso.com"), &[])).collect();
        assert_eq!(send(&mut client, &items).status, status, "{count}");
        assert_eq!(client.tenant.ledger().changes, if status == 200 { count } else { 0 });
    }
}

#[test]
fn ids_are_unique_whatever_their_case() {
    let mut client = Client::plain();
    let told = send(&mut client, &[read("a"), read("A")]);
    assert_eq!(told.refusal(), (400, "BadRequest"));
}

#[test]
fn what_is_no_batch_is_refused() {
    let mut client = Client::plain();
    for body in [json!({}), json!({"requests": 1}), json!({"requests": [{"id": 1}]}), json!([])] {
        assert_eq!(client.post("/$batch", &body).refusal(), (400, "BadRequest"), "{body}");
    }
    assert_eq!(client.act("/$batch").refusal(), (400, "BadRequest"));
}

#[test]
fn a_request_whose_forerunner_failed_is_424_and_so_are_those_behind_it() {
    let mut client = Client::plain();
    let told = send(
        &mut client,
        &[
            add("1", "avery@contoso.com", &[]),
            add("2", "avery@contoso.com", &["1"]),
            add("3", "blake@contoso.com", &["2"]),
            add("4", "casey@contoso.com", &["3"]),
            add("5", "drew@contoso.com", &["1"]),
            add("6", "ellis@contoso.com", &["nobody"]),
            add("7", "frankie@contoso.com", &["1", "2"]),
        ],
    );
    let expected = [("7", 424), ("6", 424), ("5", 201), ("4", 424), ("3", 424), ("2", 409), ("1", 201)];
    assert_eq!(statuses(&told), expected);
    assert_eq!(told.body["responses"][0]["body"]["error"]["code"], "FailedDependency");
    assert_eq!(client.tenant.user_count(), 2, "what waits in vain is not done");
}

#[test]
fn items_count_one_by_one_and_a_429_tells_its_own_pause() {
    let writes = Some(Quota::Bucket { per_second: 0.5, burst: 2.0 }.into());
    let mut client = Client::new(TenantSettings { writes, ..settings() });
    let items: Vec<Value> =
        (0..4).map(|at| add(&at.to_string(), &format!("user{at}@contoso.com"), &[])).collect();
    let told = send(&mut client, &items);
    assert_eq!((told.status, told.headers.retry_after.as_deref()), (200, None));
    assert_eq!(statuses(&told), [("3", 429), ("2", 429), ("1", 201), ("0", 201)]);
    for item in 0..2 {
        let response = &told.body["responses"][item];
        assert_eq!(response["headers"]["Retry-After"], "2");
        assert_eq!(response["body"]["error"]["code"], "TooManyRequests");
    }
    assert_eq!(client.tenant.ledger().throttled, 2);
}

#[test]
fn an_item_s_reset_has_its_address_among_its_headers() {
    let mut client = Client::plain();
    let reset = json!({
        "id": "1",
        "method": "post",
        "url": "/users/avery@contoso.com/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword",
        "body": {},
    });
    let told = send(&mut client, &[reset]);
    let response = &told.body["responses"][0];
    assert_eq!(response["status"], 202);
    let location = response["headers"]["Location"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&location).status, 200);
}

#[test]
fn a_batch_holds_no_batch_and_no_unknown_method() {
    let mut client = Client::plain();
    let nested = json!({"id": "1", "method": "POST", "url": "/$batch", "body": {"requests": []}});
    let put = json!({"id": "2", "method": "PUT", "url": "/users/avery@contoso.com"});
    assert_eq!(statuses(&send(&mut client, &[nested, put])), [("2", 405), ("1", 405)]);
}

#[test]
fn a_batch_goes_to_the_version_that_it_was_sent_to() {
    let mut client = Client::plain();
    let beta = format!("{}/beta/$batch", super::client::ORIGIN);
    assert_eq!(client.post(&beta, &json!({"requests": [read("1")]})).status, 200);
    client.bearer = None;
    client.add(Mobile, "+1 2065550123");
    assert_eq!(statuses(&client.post(&beta, &json!({"requests": [read("1")]}))), [("1", 401)]);
}
