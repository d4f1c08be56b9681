//! What a machine or a pipeline finds around itself: the metadata service of virtual machines (IMDS), the identity
//! endpoint of App Service, and the token endpoints of GitHub Actions and Azure Pipelines.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::model::secret::Secret;
use crate::transport::exchange::{Method, Request, Response};

use super::reply;

/// What App Service's endpoint and the pipelines' insist on.
pub const IDENTITY_HEADER: &str = "simulated-identity-header";

/// What the pipelines' endpoints insist on.
pub const PIPELINE_TOKEN: &str = "simulated-pipeline-token";

/// A federated token of another provider begins so; one in a file may go on as it likes.
pub const FEDERATED: &str = "simulated-federated-token-";

/// Another provider of tokens.
#[derive(Debug, Default)]
pub(super) struct Issuer {
    issued: HashSet<String>,
}

impl Issuer {
    fn issue(&mut self) -> String {
        let token = format!("{FEDERATED}{}", self.issued.len() + 1);
        self.issued.insert(token.clone());
        token
    }

    /// Whether an assertion is the other provider's, through its endpoint or a file.
    pub(super) fn has_issued(&self, assertion: &str) -> bool {
        self.issued.contains(assertion) || assertion.starts_with(FEDERATED)
    }
}

/// What is found at a path.
pub(super) enum Found {
    /// A managed identity, by its client id, that is granted a token.
    Identity(String),
    /// Something else, or a refusal.
    Other(Box<Response>),
}

/// What is found at a path; `None` for paths of others.
pub(super) fn answer(
    path: &str,
    request: &Request,
    (managed, issuer): (Option<&str>, &mut Issuer),
) -> Option<Found> {
    match (request.method, path) {
        (Method::Get, "/metadata/identity/oauth2/token") => {
            Some(resource(request, managed, ("metadata", "true")))
        }
        (Method::Get, "/msi/token") => {
            Some(resource(request, managed, ("x-identity-header", IDENTITY_HEADER)))
        }
        (Method::Get, "/github/oidc") if is_for_entra(request) => {
            Some(Found::Other(Box::new(issued(request, "value", issuer))))
        }
        (Method::Post, "/pipelines/oidc") if query(request, "serviceConnectionId").is_some() => {
            Some(Found::Other(Box::new(issued(request, "oidcToken", issuer))))
        }
        (_, "/github/oidc" | "/pipelines/oidc") => Some(Found::Other(Box::new(reply::empty(400)))),
        _ => None,
    }
}

fn is_for_entra(request: &Request) -> bool {
    query(request, "audience").as_deref() == Some("api://AzureADTokenExchange")
}

fn issued(request: &Request, field: &str, issuer: &mut Issuer) -> Response {
    if request.bearer.as_ref().map(Secret::expose) == Some(PIPELINE_TOKEN) {
        reply::json(200, &json!({field: issuer.issue()}))
    } else {
        reply::empty(401)
    }
}

fn resource(request: &Request, managed: Option<&str>, (name, value): (&str, &str)) -> Found {
    let is_sent = request.fields.iter().any(|(known, sent)| *known == name && sent.expose() == value);
    if !is_sent || query(request, "resource").is_none() {
        let told = json!({"error": "invalid_request", "error_description": "Required header or parameter is missing."});
        return Found::Other(Box::new(reply::json(400, &told)));
    }
    let asked = query(request, "client_id");
    if asked.as_deref() == managed {
        return Found::Identity(managed.unwrap_or("simulated-system-identity").to_owned());
    }
    let told = json!({"error": "invalid_request", "error_description": "Identity not found"});
    Found::Other(Box::new(reply::json(400, &told)))
}

/// These endpoints send numbers as text, and say when the token runs out.
pub(super) fn granted(grant: &Value, wall: Timestamp) -> Response {
    let life = grant["expires_in"].as_u64().unwrap_or_default();
    let expires_on = wall.as_second().saturating_add_unsigned(life);
    reply::json(
        200,
        &json!({
            "access_token": grant["access_token"],
            "expires_in": life.to_string(),
            "expires_on": expires_on.to_string(),
            "token_type": "Bearer",
        }),
    )
}

fn query(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.url.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}
