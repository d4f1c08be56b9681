//! What Graph says when it refuses: tolerant of every shape seen, HTML and half a body included.

use serde_json::Value;

use crate::model::error_code::OwnCode;
use crate::model::outcome::Failure;
use crate::transport::exchange::{Response, SendError};

/// Our code where the service named none.
const NO_CODE: &str = "http";

/// A message is cut here: a gateway's page is no message.
const MAX_MESSAGE_CHARS: usize = 500;

/// The most specific code and the best message of an error answer.
///
/// Codes are read from the outside in, `innerError` in either spelling, and an empty code counts as none
/// (Graph, "JSON batching" shows one). Without any, the code is `http-{status}`.
#[must_use]
pub fn failure(response: &Response) -> Failure {
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
    Failure {
        http_status: Some(response.status),
        code: code.unwrap_or_else(|| format!("{NO_CODE}-{}", response.status)),
        message: message.map_or_else(|| from_body(response), |text| cut(&text)),
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

/// The outermost code that says something; the inner one where the outer is generic.
fn most_specific_code(error: &Value) -> Option<String> {
    let outer = text(&error["code"]);
    let nested = text(&inner(error)["code"]).filter(|code| !code.bytes().all(|b| b.is_ascii_digit()));
    match outer {
        Some(code) if !is_generic(&code) => Some(code),
        outer => nested.or(outer),
    }
}

fn is_generic(code: &str) -> bool {
    ["UnknownError", "generalException", "BadRequest", "Request_BadRequest", "badRequest", "conflict"]
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
        cut(body)
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn told(status: u16, body: &'static str) -> (String, String) {
        let response = Response { status, body: Bytes::from_static(body.as_bytes()), ..Response::default() };
        let failure = failure(&response);
        assert_eq!(failure.http_status, Some(status));
        (failure.code, failure.message)
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
    fn a_long_page_is_cut() {
        let response =
            Response { status: 500, body: Bytes::from("é".repeat(10_000)), ..Response::default() };
        assert_eq!(failure(&response).message.chars().count(), MAX_MESSAGE_CHARS);
    }
}
