//! What goes over the wire, and how answers are understood: one rule a test, against a server with a script.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::ended::Line;
use super::support::scripted::{Answer, Heard, Scripted};
use super::support::world::{TOKEN, World};

const MOBILE_ID: &str = "3179e48a-750b-4051-897c-87b9720928f7";
const PHONES: &str = "/v1.0/users/a%40contoso.com/authentication/phoneMethods";
const ADD: &str = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n";
const RESET: &str = "user,action,new_password\na@contoso.com,reset-password,0ver-the-Wire\n";

fn phone() -> Value {
    json!({"id": MOBILE_ID, "phoneNumber": "+1 2065550123", "phoneType": "mobile", "smsSignInState": "ready"})
}

fn created() -> Answer {
    Answer::json(201, &phone())
}

fn phones(all: &[Value]) -> Answer {
    Answer::json(200, &json!({"value": all}))
}

/// One row against these answers: how it ended, and what the server heard.
#[track_caller]
fn row(text: &str, answers: impl IntoIterator<Item = Answer>, code: i32) -> (Line, Vec<Heard>) {
    let world = World::new().file("in.csv", text).answers(answers);
    let line = world.run("in.csv", &[]).exits(code).only_row();
    (line, world.server().heard())
}

fn lines(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(Heard::line).collect()
}

fn post() -> String {
    format!("POST {PHONES}")
}

fn get() -> String {
    format!("GET {PHONES}")
}

#[test]
fn a_request_says_who_sends_it_what_it_is_and_on_whose_behalf() {
    let answer = created().with("request-id", "0f0f0f0f-0000-4000-8000-000000000001");
    let (line, heard) = row(ADD, [answer], 0);
    assert_eq!(lines(&heard), [post()]);
    let request = &heard[0];
    assert_eq!(request.header("user-agent"), Some(concat!("authwave/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept"), Some("application/json"));
    let id = request.header("client-request-id").unwrap();
    assert!(uuid::Uuid::try_parse(id).is_ok() && id.len() == 36, "{id}");
    assert_eq!(line["client_request_id"], id);
    assert_eq!(line["request_id"], "0f0f0f0f-0000-4000-8000-000000000001");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({"phoneNumber": "+1 2065550123", "phoneType": "mobile"}));
}

#[test]
fn every_kind_of_user_name_arrives_as_one_segment() {
    for (name, segment) in [
        ("5a3f6c1e-52d2-4d0b-9a43-0c3f4d9b7a01", "/5a3f6c1e-52d2-4d0b-9a43-0c3f4d9b7a01"),
        ("lidia_fabrikam.com#EXT#@contoso.com", "/lidia_fabrikam.com%23EXT%23%40contoso.com"),
        ("o'neil@contoso.com", "/o%27neil%40contoso.com"),
        ("50%@contoso.com", "/50%25%40contoso.com"),
        ("50%25@contoso.com", "/50%2525%40contoso.com"),
        ("jürgen@contoso.com", "/j%C3%BCrgen%40contoso.com"),
        ("$x@contoso.com", "('%24x%40contoso.com')"),
        ("a+b@contoso.com", "/a%2Bb%40contoso.com"),
    ] {
        let text = format!("user,action,phone_number\n{name},add-phone,+1 2065550123\n");
        let (line, heard) = row(&text, [created()], 0);
        assert_eq!(line["user"], name);
        assert_eq!(lines(&heard), [format!("POST /v1.0/users{segment}/authentication/phoneMethods")]);
    }
}

#[test]
fn the_api_version_stands_before_the_user() {
    let world = World::new().file("in.csv", ADD).answers([created()]);
    world.run("in.csv", &["--api-version", "beta"]).exits(0);
    assert_eq!(world.server().heard_lines(), [post().replace("v1.0", "beta")]);
}

#[test]
fn a_phone_is_changed_in_place_and_an_answer_without_a_body_is_enough() {
    let text = "user,action,phone_number\na@contoso.com,update-phone,+1 2065550123\n";
    let (line, heard) = row(text, [Answer::empty(204)], 0);
    assert_eq!((line["status"].as_str(), line["http_status"].as_str()), ("succeeded", "204"));
    assert_eq!(lines(&heard), [format!("PATCH {PHONES}/{MOBILE_ID}")]);
    let body: Value = serde_json::from_slice(&heard[0].body).unwrap();
    assert_eq!(body["phoneNumber"], "+1 2065550123");
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Scripted::start([created(), created()]);
    let answer = Answer::empty(302).with("Location", &format!("{}/v1.0/users", other.root));
    let (line, heard) = row(ADD, [answer], 1);
    assert_eq!((line["status"].as_str(), line["http_status"].as_str()), ("failed", "302"));
    assert_eq!(lines(&heard), [post()]);
    assert_eq!(other.heard_lines(), [""; 0]);
}

#[test]
fn an_operation_on_another_origin_is_never_asked_for() {
    let other = Scripted::start([Answer::json(200, &json!({"status": "succeeded"}))]);
    let location = format!("{}/v1.0/users/1/authentication/operations/2", other.root);
    let (line, heard) = row(RESET, [Answer::json(202, &json!({})).with("Location", &location)], 1);
    assert_eq!((line["status"].as_str(), line["error_code"].as_str()), ("failed", "foreign-operation-url"));
    assert_eq!(heard.len(), 1);
    assert_eq!(other.heard_lines(), [""; 0]);
}

#[test]
fn a_next_page_on_another_origin_is_never_asked_for() {
    let other = Scripted::start([phones(&[])]);
    let page = json!({"value": [], "@odata.nextLink": format!("{}/v1.0/more", other.root)});
    let (line, heard) = row("user,action\na@contoso.com,list\n", [Answer::json(200, &page)], 1);
    assert_eq!(line["status"], "failed");
    assert_eq!(heard.len(), 1);
    assert_eq!(other.heard_lines(), [""; 0]);
}

#[test]
fn an_operation_is_followed_at_the_very_address_that_was_given() {
    let world = World::new().file("in.csv", RESET).answers([]);
    let server = world.server();
    let target = "/v1.0/users/1/authentication/operations/op-7?aadgdc=DUB02P&aadgsu=ssprprod-a%2Cb";
    server.then(Answer::json(202, &json!({})).with("Location", &format!("{}{target}", server.root)));
    // Graph's own sample answers 202 for an operation that has ended.
    server.then(Answer::json(
        202,
        &json!({"id": "op-7", "status": "succeeded", "statusDetail": "ResetSuccess"}),
    ));
    let ended = world.run("in.csv", &[]).exits(0);
    let line = ended.only_row();
    assert_eq!((line["status"].as_str(), line["detail"].as_str()), ("succeeded", "ResetSuccess"));
    assert_eq!(line["operation_id"], "op-7");
    let heard = server.heard();
    assert_eq!(heard[1].line(), format!("GET {target}"));
    assert_eq!(heard[1].header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(heard[0].body, br#"{"newPassword":"0ver-the-Wire"}"#);
}

/// Answers 429 once; nothing may come before `pause` is over.
#[track_caller]
fn obeys(throttled: Answer, pause: Duration) {
    let (line, heard) = row(ADD, [throttled, created()], 0);
    assert_eq!(line["attempts"], "2");
    assert_eq!(lines(&heard), [post(), post()]);
    let waited = heard[1].arrived - heard[0].answered;
    assert!(waited >= pause, "{waited:?}");
}

#[test]
fn a_retry_after_in_seconds_is_obeyed() {
    obeys(Answer::empty(429).with("Retry-After", "1"), Duration::from_secs(1));
}

#[test]
fn a_retry_after_in_fractions_of_a_second_is_obeyed() {
    obeys(Answer::empty(429).with("Retry-After", "0.35"), Duration::from_millis(350));
}

#[test]
fn a_retry_after_as_a_date_is_obeyed() {
    let answer = Answer::empty(429)
        .with("Date", "Wed, 21 Oct 2026 07:28:00 GMT")
        .with("Retry-After", "Wed, 21 Oct 2026 07:28:01 GMT");
    obeys(answer, Duration::from_secs(1));
}

#[test]
fn a_retry_after_beyond_the_longest_pause_is_cut_short_and_the_log_says_so() {
    let answers = [Answer::empty(429).with("Retry-After", "86400"), created()];
    let world = World::new().file("in.csv", ADD).answers(answers);
    let ended = world.run("in.csv", &["--max-retry-after", "400ms"]).exits(0).stderr_has(
        "WARN the server asked for a pause of 86400s; waiting 400ms, the longest that the settings allow",
    );
    assert_eq!(ended.only_row()["attempts"], "2");
    let heard = world.server().heard();
    let waited = heard[1].arrived - heard[0].answered;
    assert!(waited >= Duration::from_millis(400), "{waited:?}");
    assert!(ended.summary()["held_ms"].as_u64().unwrap() >= 400);
}

#[test]
fn a_retry_after_of_just_the_longest_pause_is_obeyed_without_a_word() {
    let answers = [Answer::empty(429).with("Retry-After", "0.4"), created()];
    let world = World::new().file("in.csv", ADD).answers(answers);
    world.run("in.csv", &["--max-retry-after", "400ms"]).exits(0).stderr_lacks("asked for a pause");
    let heard = world.server().heard();
    assert!(heard[1].arrived - heard[0].answered >= Duration::from_millis(400));
}

#[test]
fn a_429_holds_everybody_and_not_just_its_own_row() {
    let text = "user,action,phone_number\na@contoso.com,add,+1 2065550101\nb@contoso.com,add,+1 2065550102\n\
                c@contoso.com,add,+1 2065550103\n";
    let answers = [Answer::empty(429).with("Retry-After", "1"), created(), created(), created()];
    let world = World::new().file("in.csv", text).answers(answers);
    world.run("in.csv", &["--in-flight", "1"]).exits(0);
    let heard = world.server().heard();
    assert_eq!(heard.len(), 4);
    for later in &heard[1..] {
        assert!(later.arrived - heard[0].answered >= Duration::from_secs(1));
    }
}

#[test]
fn a_429_that_names_no_time_is_tried_again() {
    let (line, heard) = row(ADD, [Answer::empty(429), Answer::empty(429), created()], 0);
    assert_eq!((line["status"].as_str(), line["attempts"].as_str()), ("succeeded", "3"));
    assert_eq!(lines(&heard), [post(), post(), post()]);
}

#[test]
fn a_number_that_is_stored_although_sms_sign_in_was_refused_counts_as_done() {
    let refused = json!({"error": {"code": "phoneNumberNotUnique", "message": "Taken."}});
    let (line, heard) = row(ADD, [Answer::json(409, &refused), phones(&[phone()])], 0);
    assert_eq!(line["status"], "succeeded");
    assert!(line["detail"].contains("SMS sign-in was not registered"), "{line:?}");
    assert_eq!(lines(&heard), [post(), get()]);
}

#[test]
fn a_phone_whose_answer_was_lost_is_read_back_and_not_added_twice() {
    let (line, heard) = row(ADD, [Answer::Close, phones(&[phone()])], 0);
    assert_eq!((line["status"].as_str(), line["attempts"].as_str()), ("succeeded", "1"));
    assert_eq!(lines(&heard), [post(), get()]);
}

#[test]
fn a_phone_that_never_arrived_is_added_after_a_look() {
    let (line, heard) = row(ADD, [Answer::Close, phones(&[]), created()], 0);
    assert_eq!((line["status"].as_str(), line["attempts"].as_str()), ("succeeded", "2"));
    assert_eq!(lines(&heard), [post(), get(), post()]);
}

#[test]
fn a_gateways_page_is_doubt_and_is_settled_by_reading_back() {
    let page = Answer::text(502, "<html><body>Bad Gateway</body></html>").with("Content-Type", "text/html");
    let (line, heard) = row(ADD, [page.clone(), phones(&[phone()])], 0);
    assert_eq!(line["status"], "succeeded");
    assert_eq!(lines(&heard), [post(), get()]);
    let (line, heard) = row(ADD, [page, phones(&[]), created()], 0);
    assert_eq!(line["status"], "succeeded");
    assert_eq!(lines(&heard), [post(), get(), post()]);
}

#[test]
fn another_number_found_after_a_lost_answer_is_a_failure() {
    let mut other = phone();
    other["phoneNumber"] = "+1 2065559999".into();
    let (line, heard) = row(ADD, [Answer::Close, phones(&[other])], 1);
    assert_eq!(line["status"], "failed");
    assert!(line["detail"].contains("set-phone"), "{line:?}");
    assert_eq!(lines(&heard), [post(), get()]);
}

#[test]
fn a_success_whose_body_broke_off_is_a_success() {
    let (line, heard) = row(ADD, [Answer::text(201, "{\"id\": \"3179e4")], 0);
    assert_eq!((line["status"].as_str(), line["http_status"].as_str()), ("succeeded", "201"));
    assert_eq!(heard.len(), 1);
}

#[test]
fn an_error_is_told_in_graphs_words_on_one_line() {
    let error = json!({"error": {"code": "badRequest", "message": "No,\r\nnot \"this\" one."}});
    let (line, heard) = row(ADD, [Answer::json(400, &error), phones(&[])], 1);
    assert_eq!(line["error_code"], "badRequest");
    assert_eq!(line["error_message"].lines().count(), 1);
    assert!(line["error_message"].starts_with("No,") && line["error_message"].ends_with("not \"this\" one."));
    assert_eq!(heard[0].line(), post());
}

#[test]
fn where_nobody_listens_nothing_was_done_and_the_row_says_so() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n";
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = format!("http://{closed}");
    let world = World::new().file("in.csv", text);
    let line = world.run("in.csv", &["--graph-root", &root, "--retry-budget", "200ms"]).exits(1).only_row();
    assert_eq!((line["status"].as_str(), line["error_code"].as_str()), ("failed", "not-sent"));
    assert_eq!(line["http_status"], "");
}
