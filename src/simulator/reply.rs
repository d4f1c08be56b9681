//! Answers in the shapes that Graph documents.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use crate::transport::exchange::{Headers, Response};

/// An answer with a JSON body.
pub(super) fn json(status: u16, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    Response { status, headers: Headers::default(), body: Bytes::from(bytes) }
}

/// The form of the field `Date`.
pub(super) fn date(time: Timestamp) -> String {
    httpdate::fmt_http_date(system_time(time))
}

pub(super) fn system_time(time: Timestamp) -> SystemTime {
    let since = time.duration_since(Timestamp::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + since.try_into().unwrap_or(Duration::ZERO)
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Response {
    Response { status, ..Response::default() }
}

/// An error in Graph's shape. Its spelling of `innerError` varies in reality, so here it does with the code's length.
pub(super) fn error(status: u16, code: &str, message: &str) -> Response {
    let inner = if code.len().is_multiple_of(2) { "innerError" } else { "innererror" };
    json(
        status,
        &serde_json::json!({"error": {
            "code": code,
            "message": message,
            inner: {"date": "2026-01-01T00:00:00", "request-id": "00000000-0000-0000-0000-000000000000"},
        }}),
    )
}

/// A user that the directory does not know. The code is an assumption: the documents name none for these paths.
pub(super) fn unknown_user(name: &str) -> Response {
    let message = format!(
        "Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    );
    error(404, "Request_ResourceNotFound", &message)
}

/// A method that the user does not have. The code is an assumption.
pub(super) fn not_registered() -> Response {
    error(404, "resourceNotFound", "The requested authentication method is not registered for this user.")
}

/// A path that Graph does not know.
pub(super) fn unknown_segment(segment: &str) -> Response {
    error(400, "BadRequest", &format!("Resource not found for the segment '{segment}'."))
}

/// A method that the path does not take.
pub(super) fn not_allowed() -> Response {
    error(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
}

/// A body that cannot be used. The code is an assumption.
pub(super) fn bad_request(message: &str) -> Response {
    error(400, "badRequest", message)
}

/// A missing permission or role.
pub(super) fn denied() -> Response {
    error(403, "accessDenied", "Request Authorization failed")
}

/// A gateway's page.
pub(super) fn web_page(status: u16) -> Response {
    let body = Bytes::from_static(
        b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
    );
    Response { status, body, ..Response::default() }
}

const PLAIN_CHALLENGE: &str =
    "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\"";

/// A token that is not taken.
pub(super) fn unauthorized(message: &str) -> Response {
    challenged(message, PLAIN_CHALLENGE.to_owned())
}

/// A token that was revoked: the next one must be newer than some moment (Microsoft identity platform, "Claims
/// challenges").
pub(super) fn revoked() -> Response {
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
    let claims = STANDARD.encode(claims);
    let challenge = format!("{PLAIN_CHALLENGE}, error=\"insufficient_claims\", claims=\"{claims}\"");
    challenged("TokenIssuedBeforeRevocationTimestamp", challenge)
}

fn challenged(message: &str, challenge: String) -> Response {
    let headers = Headers { www_authenticate: Some(challenge), ..Headers::default() };
    Response { headers, ..error(401, "InvalidAuthenticationToken", message) }
}
