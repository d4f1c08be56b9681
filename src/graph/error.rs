//! What Graph says when it refuses: tolerant of every shape seen, HTML and half a body included.

use std::iter::successors;

use serde_json::Value;

use crate::model::error_code::OwnCode;
use crate::model::outcome::{Failure, NUMBER_NOT_UNIQUE};
use crate::transport::exchange::{Body, Response, SendError};

/// Our code where the service named none.
const NO_CODE: &str = "http";

/// A message is cut here: a gateway's page is no message.
const MAX_MESSAGE_CHARS: usize = 500;

/// A code is cut here: it is a word, by which rows are counted.
const MAX_CODE_CHARS: usize = 100;

/// Stands in the place of a password that an answer repeats.
const HIDDEN: &str = "(hidden)";

/// The most specific code and the best message of the answer to a request with the body `sent`.
///
/// Codes are read from the outside in, `innerError` in either spelling, and an empty code counts as none
/// (Graph, "JSON batching" shows one). Without any, the code is `http-{status}`. A password that was sent is left out of
/// the message.
#[must_use]
pub fn failure(response: &Response, sent: Option<&Body>) -> Failure {
    let passwords = sent.map(passwords).unwrap_or_default();
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let error = &body["error"];
    // The token endpoint's and some gateways' form is {"error": "code", "error_description": "…"}.
    let code = text(error).or_else(|| most_specific_code(error));
    let message = first_text(&[
        &error["message"],
        &inner(error)["message"],
        &error["details"][0]["message"],
        &body["error_description"],
        &body["message"],
    ]);
    let message = message.unwrap_or_else(|| from_body(response));
    Failure {
        http_status: Some(response.status),
        code: code.map_or_else(|| format!("{NO_CODE}-{}", response.status), |code| word(&code)),
        message: cut(&without(&message, &passwords)),
    }
}

/// What to say where no answer came.
#[must_use]
pub fn no_answer(error: &SendError) -> Failure {
    let code = match error {
        SendError::NotSent(_) => OwnCode::NotSent,
        SendError::MaybeSent(_) => OwnCode::NoAnswer,
    };
    Failure::own(code, None, error.to_string())
}

/// The code that this program knows, wherever it stands; else the outermost one that is not generic, else the outermost.
fn most_specific_code(error: &Value) -> Option<String> {
    let nested = successors(Some(error), |error| Some(inner(error)).filter(|inner| inner.is_object()));
    let details = error["details"].as_array().into_iter().flatten();
    let codes: Vec<String> = nested.chain(details).filter_map(|error| text(&error["code"])).collect();
    let is_number = |code: &str| code.bytes().all(|byte| byte.is_ascii_digit());
    let known = codes.iter().find(|code| code.eq_ignore_ascii_case(NUMBER_NOT_UNIQUE));
    let says_something = || codes.iter().find(|code| !is_generic(code) && !is_number(code));
    known.or_else(says_something).or(codes.first()).cloned()
}

fn is_generic(code: &str) -> bool {
    ["UnknownError", "generalException", "BadRequest", "Request_BadRequest", "invalidRequest", "conflict"]
        .iter()
        .any(|generic| code.eq_ignore_ascii_case(generic))
}

fn inner(error: &Value) -> &Value {
    if error["innerError"].is_object() { &error["innerError"] } else { &error["innererror"] }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn first_text(values: &[&Value]) -> Option<String> {
    values.iter().find_map(|value| text(value))
}

fn from_body(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    let body = body.trim();
    if body.is_empty() {
        format!("the answer {} had no body", response.status)
    } else if body.starts_with('<') {
        format!("the answer {} was a web page, most likely from a gateway", response.status)
    } else {
        body.to_owned()
    }
}

/// The passwords in a request's body.
fn passwords(body: &Body) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            match value.as_str() {
                Some(text) if name.to_ascii_lowercase().contains("password") => found.push(text.to_owned()),
                Some(_) | None => collect(value, found),
            }
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_slice(&body.bytes).unwrap_or_default(), &mut found);
    found
}

/// The text without these passwords, as they are and as they stand in JSON.
fn without(text: &str, passwords: &[String]) -> String {
    passwords.iter().fold(text.to_owned(), |text, password| {
        let in_json = Value::from(password.as_str()).to_string();
        text.replace(in_json.trim_matches('"'), HIDDEN).replace(password, HIDDEN)
    })
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// A code in one line: it stands between others.
fn word(code: &str) -> String {
    code.chars().take(MAX_CODE_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn told(status: u16, body: &'static str) -> (String, String) {
        let response = Response { status, body: Bytes::from_static(body.as_bytes()), ..Response::default() };
        let failure = failure(&response, None);
        assert_eq!(failure.http_status, Some(status));
        (failure.code, failure.message)
    }

    #[test]
    fn a_code_is_a_word_whatever_the_service_makes_of_it() {
        let code = format!("a\nb\u{1b}[31m{}", "c".repeat(100_000));
        let body = serde_json::json!({"error": {"code": code}}).to_string();
        let response = Response { status: 400, body: Bytes::from(body), ..Response::default() };
        let told = failure(&response, None).code;
        assert!(told.starts_with("a\u{fffd}b\u{fffd}[31mccc"), "{told}");
        assert_eq!(told.chars().count(), MAX_CODE_CHARS);
    }

    #[test]
    fn every_shape_of_error_gives_a_code_and_a_message() {
        for (body, code, message) in [
            (
                r#"{"error":{"code":"accessDenied","message":"Request Authorization failed"}}"#,
                "accessDenied",
                "Request Authorization failed",
            ),
            (
                r#"{"error":{"code":"","message":"m","innerError":{"code":"phoneNumberNotUnique"}}}"#,
                "phoneNumberNotUnique",
                "m",
            ),
            (
                r#"{"error":{"code":"conflict","message":"m","innererror":{"code":"phoneNumberNotUnique"}}}"#,
                "phoneNumberNotUnique",
                "m",
            ),
            (
                r#"{"error":{"code":"","message":"m","innerError":{"innerError":{"code":"phoneNumberNotUnique"}}}}"#,
                "phoneNumberNotUnique",
                "m",
            ),
            (
                r#"{"error":{"code":"accessDenied","message":"m","details":[{},{"code":"phoneNumberNotUnique"}]}}"#,
                "phoneNumberNotUnique",
                "m",
            ),
            (
                r#"{"error":{"code":"invalidRequest","message":"m","innerError":{"code":"tooShort"}}}"#,
                "tooShort",
                "m",
            ),
            (
                r#"{"error":{"code":"TooManyRequests","message":"m","innerError":{"code":"429"}}}"#,
                "TooManyRequests",
                "m",
            ),
            (
                r#"{"error":{"code":"UnknownError","message":"","innerError":{"message":"inner"}}}"#,
                "UnknownError",
                "inner",
            ),
            (r#"{"error":{"code":"BadRequest","details":[{"message":"detail"}]}}"#, "BadRequest", "detail"),
            (r#"{"error":{"code":"","message":""}}"#, "http-409", r#"{"error":{"code":"","message":""}}"#),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: no"}"#,
                "invalid_client",
                "AADSTS7000215: no",
            ),
            ("", "http-409", "the answer 409 had no body"),
            (
                "<html><body>Bad Gateway</body></html>",
                "http-409",
                "the answer 409 was a web page, most likely from a gateway",
            ),
            (r#"{"error":{"code":"acc"#, "http-409", r#"{"error":{"code":"acc"#),
            ("[1]", "http-409", "[1]"),
            ("null", "http-409", "null"),
        ] {
            assert_eq!(told(409, body), (code.to_owned(), message.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_password_that_is_repeated_is_left_out_wherever_it_stands() {
        let password = r#"S3"cret,pw"#;
        let body = serde_json::json!({ "newPassword": password }).to_string();
        let sent = Body { content_type: "application/json", bytes: Bytes::from(body.clone()) };
        for answer in [
            serde_json::json!({ "error": { "message": format!("bad: {password}") } }).to_string(),
            serde_json::json!({ "error": { "message": format!("bad: {body}") } }).to_string(),
            format!("{}{body}", "é".repeat(MAX_MESSAGE_CHARS - 20)),
        ] {
            let response = Response { status: 400, body: Bytes::from(answer), ..Response::default() };
            let message = failure(&response, Some(&sent)).message;
            assert!(!message.contains("S3") && message.contains("(hid"), "{message}");
        }
    }

    #[test]
    fn a_long_page_is_cut() {
        let response =
            Response { status: 500, body: Bytes::from("é".repeat(10_000)), ..Response::default() };
        assert_eq!(failure(&response, None).message.chars().count(), MAX_MESSAGE_CHARS);
    }
}
