//! `$batch` (Graph, "JSON batching"): at most 20 requests in one, answered one by one.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::transport::exchange::{Body, Method, Request, Response};

use super::reply;

/// More are refused.
const MAX_REQUESTS: usize = 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    method: String,
    url: String,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Answered {
    id: String,
    status: u16,
    headers: HashMap<&'static str, String>,
    body: Value,
}

/// Answers a batch. `base` is origin and version.
/// `answer_one` answers each item as if it had come alone.
pub(super) fn answer(
    base: &str,
    outer: &Request,
    mut answer_one: impl FnMut(&Request) -> Response,
) -> Response {
    let body = outer.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
    let Ok(batch) = serde_json::from_slice::<Batch>(&body) else {
        return reply::error(400, "BadRequest", "Invalid batch payload format.");
    };
    if batch.requests.len() > MAX_REQUESTS {
        return reply::error(400, "BadRequest", "Number of batch request steps exceeds max value of 20.");
    }
    let mut failed: HashMap<String, bool> = HashMap::new();
    let mut responses = Vec::new();
    for item in batch.requests {
        let id = item.id.to_lowercase();
        if failed.contains_key(&id) {
            return reply::error(400, "BadRequest", "Request ids must be unique.");
        }
        let waits_in_vain =
            item.depends_on.iter().any(|other| failed.get(&other.to_lowercase()) != Some(&false));
        let response = if waits_in_vain {
            reply::error(424, "FailedDependency", "A request that this one depends on failed.")
        } else {
            one_request(base, outer, &item).map_or_else(reply::not_allowed, |request| answer_one(&request))
        };
        failed.insert(id, !(200..300).contains(&response.status));
        responses.push(answered(item.id, response));
    }
    // In any order: clients must go by id.
    responses.reverse();
    reply::json(200, &serde_json::json!({"responses": responses}))
}

fn one_request(base: &str, outer: &Request, item: &Item) -> Option<Request> {
    let method = match item.method.to_ascii_uppercase().as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    };
    let body = item
        .body
        .as_ref()
        .map(|body| Body { content_type: "application/json", bytes: Bytes::from(body.to_string()) });
    let url = format!("{base}/{}", item.url.trim_start_matches('/'));
    Some(Request { method, url, body, ..outer.clone() })
}

fn answered(id: String, response: Response) -> Answered {
    let headers = response.headers;
    let named = [("Retry-After", headers.retry_after), ("Location", headers.location)];
    Answered {
        id,
        status: response.status,
        headers: named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        body: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
    }
}
