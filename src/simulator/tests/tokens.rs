//! Who is let in, and for what.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::client::{Client, ORIGIN, Told, avery, new_password, reset_path, settings};
use crate::model::phone::PhoneType::Mobile;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tokens::{TokenKind, TokenSettings};
use crate::transport::exchange::{Body, Method, Request};

const FORM: &str = "client_id=app&client_secret=s%26cret&grant_type=client_credentials\
                    &scope=https%3A%2F%2Fgraph.test%2F.default";

fn client(kind: TokenKind) -> Client {
    let tokens =
        TokenSettings { lifetime: Duration::from_mins(10), kind, client_secret: Some("s&cret".to_owned()) };
    Client::new(TenantSettings { tokens, ..settings() })
}

fn grant(client: &mut Client, form: &str) -> Told {
    let body = Body {
        content_type: "application/x-www-form-urlencoded",
        bytes: Bytes::copy_from_slice(form.as_bytes()),
    };
    let request = Request {
        method: Method::Post,
        url: format!("{ORIGIN}/contoso.com/oauth2/v2.0/token"),
        bearer: None,
        client_request_id: String::new(),
        body: Some(body),
        fields: Vec::new(),
    };
    client.tenant.answer(client.now, &request).answer.unwrap().into()
}

#[test]
fn nobody_is_let_in_without_a_token() {
    let mut client = Client::plain();
    for bearer in [None, Some("")] {
        client.bearer = bearer;
        let told = client.get(&avery("methods"));
        assert_eq!(told.refusal(), (401, "InvalidAuthenticationToken"));
        assert_eq!(told.message(), "Access token is empty.");
        let challenge = told.headers.www_authenticate.unwrap();
        assert!(challenge.starts_with("Bearer realm=\"\", authorization_uri="), "{challenge}");
        assert_eq!(client.add(Mobile, "+1 2065550123").refusal(), (401, "InvalidAuthenticationToken"));
    }
    assert_eq!(client.tenant.user_count(), 0);
}

#[test]
fn a_granted_token_is_taken_until_its_lifetime_is_over() {
    let mut client = client(TokenKind::AppOnly);
    client.after(5_000);
    let told = grant(&mut client, FORM);
    let token = told.body["access_token"].as_str().unwrap();
    assert!(token.ends_with(".simulated-token-1"), "{token}");
    assert_eq!((told.status, &told.body["expires_in"]), (200, &json!(600)));
    client.bearer = Some("simulated-token-1");
    for (wait, status) in [(0, 200), (599_999, 200), (1, 401), (1_000_000, 401)] {
        assert_eq!(client.after(wait).get(&avery("methods")).status, status, "{wait}");
    }
    let told = client.get(&avery("methods"));
    assert_eq!(told.message(), "Lifetime validation failed, the token is expired.");
    // The next one is another, and is taken.
    assert!(grant(&mut client, FORM).body["access_token"].as_str().unwrap().ends_with(".simulated-token-2"));
    client.bearer = Some("simulated-token-2");
    assert_eq!(client.get(&avery("methods")).status, 200);
    assert_eq!(client.tenant.ledger().tokens, 2);
    assert_eq!(client.tenant.ledger().requests, 6, "the token endpoint is not the API");
}

#[test]
fn an_app_alone_can_neither_reset_a_password_nor_follow_an_operation() {
    let mut client = client(TokenKind::AppOnly);
    // Somebody who signed in elsewhere can.
    let location = client.post(&reset_path(), &new_password()).location();
    grant(&mut client, FORM);
    client.bearer = Some("simulated-token-1");
    assert_eq!(client.post(&reset_path(), &new_password()).refusal(), (403, "accessDenied"));
    assert_eq!(client.get(&location).refusal(), (403, "accessDenied"));
    assert_eq!(client.add(Mobile, "+1 2065550123").status, 201, "phones are free to it");
    assert_eq!(client.tenant.ledger().resets, 1);
}

#[test]
fn a_signed_in_admin_can_do_both() {
    let mut client = client(TokenKind::Delegated);
    grant(&mut client, FORM);
    client.bearer = Some("simulated-token-1");
    let told = client.post(&reset_path(), &new_password());
    assert_eq!(told.status, 202);
    assert_eq!(client.get(&told.location()).status, 200);
}

#[test]
fn the_token_endpoint_says_what_is_wrong() {
    for (form, status, error, code) in [
        (FORM.replace("client_credentials", "password"), 400, "unsupported_grant_type", "AADSTS70003"),
        (FORM.replace("grant_type", "grant"), 400, "unsupported_grant_type", "AADSTS70003"),
        (FORM.replace(".default", "User.Read"), 400, "invalid_scope", "AADSTS70011"),
        (FORM.replace("s%26cret", "secret"), 401, "invalid_client", "AADSTS7000215"),
        (FORM.replace("s%26cret", ""), 401, "invalid_client", "AADSTS7000215"),
        (FORM.replace("client_id=app", "client_id="), 401, "invalid_client", "AADSTS7000215"),
        (String::new(), 400, "unsupported_grant_type", "AADSTS70003"),
    ] {
        let mut client = client(TokenKind::AppOnly);
        let told = grant(&mut client, &form);
        assert_eq!((told.status, &told.body["error"]), (status, &json!(error)), "{form}");
        let description = told.body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("{code}: ")), "{description}");
    }
}

#[test]
fn without_a_set_secret_any_is_taken_but_none_is_not() {
    let mut client = Client::plain();
    assert_eq!(grant(&mut client, FORM).status, 200);
    assert_eq!(grant(&mut client, &FORM.replace("s%26cret", "")).status, 401);
}
