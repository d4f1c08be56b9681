//! The token endpoint, and which tokens are taken.

use std::collections::HashMap;
use std::time::Duration;

use url::form_urlencoded;

use crate::transport::exchange::{Request, Response};

use super::reply;

/// For whom a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An app alone: it can do all but resets.
    AppOnly,
    /// A signed-in admin.
    Delegated,
}

/// What the token endpoint grants.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// How long a token lives.
    pub lifetime: Duration,
    /// For whom the granted ones stand.
    pub kind: TokenKind,
    /// The secret that the app must send; `None` for any.
    pub client_secret: Option<String>,
}

#[derive(Debug)]
pub(super) struct Tokens {
    settings: TokenSettings,
    granted: HashMap<String, Duration>,
}

/// What a bearer token is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Taken(TokenKind),
    Refused(&'static str),
}

impl Tokens {
    pub(super) fn new(settings: TokenSettings) -> Self {
        Self { settings, granted: HashMap::new() }
    }

    /// A token that we did not grant is somebody's who signed in elsewhere.
    pub(super) fn worth(&self, bearer: Option<&str>, now: Duration) -> Worth {
        match bearer {
            None | Some("") => Worth::Refused("Access token is empty."),
            Some(token) => match self.granted.get(token) {
                None => Worth::Taken(TokenKind::Delegated),
                Some(expires_at) if now < *expires_at => Worth::Taken(self.settings.kind),
                Some(_) => Worth::Refused("Lifetime validation failed, the token is expired."),
            },
        }
    }

    /// Answers `POST /{tenant}/oauth2/v2.0/token`.
    pub(super) fn grant(&mut self, request: &Request, now: Duration) -> Response {
        let body = request.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if field("grant_type") != "client_credentials" {
            return refusal(
                400,
                "unsupported_grant_type",
                "AADSTS70003: The app requested an unsupported grant type.",
            );
        }
        if !field("scope").ends_with("/.default") {
            return refusal(400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid.");
        }
        let is_right = match &self.settings.client_secret {
            Some(secret) => field("client_secret") == secret,
            None => !field("client_secret").is_empty(),
        };
        if field("client_id").is_empty() || !is_right {
            return refusal(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
        }
        let token = format!("simulated-token-{}", self.granted.len() + 1);
        self.granted.insert(token.clone(), now + self.settings.lifetime);
        reply::json(
            200,
            &serde_json::json!({
                "token_type": "Bearer",
                "expires_in": self.settings.lifetime.as_secs(),
                "access_token": token,
            }),
        )
    }
}

fn refusal(status: u16, error: &str, description: &str) -> Response {
    let description = format!("{description}\r\nTrace ID: 0\r\nCorrelation ID: 0");
    reply::json(
        status,
        &serde_json::json!({"error": error, "error_description": description, "error_codes": []}),
    )
}
