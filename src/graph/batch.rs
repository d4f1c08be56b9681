//! `$batch` (Graph, "JSON batching"): several reads in one request, and each one's own answer out of the one that comes.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::json;
use crate::model::secret::Secret;
use crate::transport::exchange::{Headers, Method, Request, Response, SendError};

/// Graph takes no more in one (Graph, "JSON batching").
pub(super) const MOST: usize = 20;

#[derive(Serialize)]
struct Batch<'a> {
    requests: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
    headers: ItemHeaders<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ItemHeaders<'a> {
    client_request_id: &'a str,
}

#[derive(Deserialize)]
struct Answers<'a> {
    #[serde(borrow)]
    responses: Vec<Answer<'a>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    status: u16,
    #[serde(default)]
    headers: Option<HashMap<String, Value>>,
    #[serde(default)]
    body: Value,
}

/// Whether a request may go into a batch below `base`, the URL of root and version.
pub(super) fn may_hold(request: &Request, base: &str) -> bool {
    request.method == Method::Get && request.body.is_none() && inner_url(request, base).is_some()
}

/// Without root and version.
fn inner_url<'request>(request: &'request Request, base: &str) -> Option<&'request str> {
    request.url.strip_prefix(base).filter(|path| path.starts_with('/'))
}

/// One request for all of them. It goes by the first one's id, each in it by its own.
pub(super) fn compose(requests: &[Request], base: &str, bearer: Secret) -> Request {
    let item = |(at, request)| {
        let request: &Request = request;
        Item {
            id: usize::to_string(&at),
            method: request.method.name(),
            url: inner_url(request, base).unwrap_or_default(),
            headers: ItemHeaders { client_request_id: &request.client_request_id },
        }
    };
    let batch = Batch { requests: requests.iter().enumerate().map(item).collect() };
    Request {
        method: Method::Post,
        url: [base, "/$batch"].concat(),
        bearer: Some(bearer),
        client_request_id: requests.first().map(|first| first.client_request_id.clone()).unwrap_or_default(),
        body: Some(json(&batch)),
        fields: Vec::new(),
    }
}

/// Whether the service does not know what to do with a batch: then each request is to go alone.
pub(super) const fn is_unknown(response: &Response) -> bool {
    !matches!(response.status, 200..=299 | 401 | 408 | 424 | 429 | 500..)
}

/// The answers to so many requests, in their order. Where the whole was not carried out all of them have its answer.
pub(super) fn split(result: &Result<Response, SendError>, count: usize) -> Vec<Result<Response, SendError>> {
    let whole = match result {
        // The whole may be 424 where parts of it failed (Graph, "Throttling guidance").
        Ok(whole) if matches!(whole.status, 200..=299 | 424) => whole,
        Ok(whole) if is_unknown(whole) => {
            return vec![Err(SendError::NotSent("the service takes no batches".to_owned())); count];
        }
        Ok(whole) => return vec![Ok(of_whole(whole)); count],
        Err(error) => return vec![Err(error.clone()); count],
    };
    let missing = || Err(SendError::MaybeSent("the batch's answer says nothing of this request".to_owned()));
    let mut answers: Vec<_> = std::iter::repeat_with(missing).take(count).collect();
    let Ok(Answers { responses }) = serde_json::from_slice(&whole.body) else { return answers };
    for answer in responses {
        let place = answer.id.parse().ok().and_then(|at: usize| answers.get_mut(at));
        if let Some(place) = place {
            *place = Ok(single(answer, whole));
        }
    }
    answers
}

/// The answer to the whole as one to a read. Whom it throttles it says of a POST, so that is left out.
fn of_whole(whole: &Response) -> Response {
    Response { headers: Headers { throttle_scope: None, ..whole.headers.clone() }, ..whole.clone() }
}

/// One answer as if it had come alone.
fn single(answer: Answer<'_>, whole: &Response) -> Response {
    let mut headers = Headers::default();
    for (name, value) in answer.headers.unwrap_or_default() {
        headers.note(&name.to_lowercase(), || match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
    }
    // What support finds it by, where it has none of its own.
    headers.request_id = headers.request_id.or_else(|| whole.headers.request_id.clone());
    headers.date = headers.date.or_else(|| whole.headers.date.clone());
    let body = match answer.body {
        Value::Null => Bytes::new(),
        body => json(&body).bytes,
    };
    Response { status: answer.status, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://graph.microsoft.com/v1.0";

    fn get(path: &str, id: &str) -> Request {
        Request {
            method: Method::Get,
            url: format!("{BASE}{path}"),
            bearer: None,
            client_request_id: id.to_owned(),
            body: None,
            fields: Vec::new(),
        }
    }

    fn answered(status: u16, body: &str) -> Response {
        let scope = Some("Tenant_Application/Write/app/tenant".to_owned());
        let headers =
            Headers { request_id: Some("outer".to_owned()), throttle_scope: scope, ..Headers::default() };
        Response { status, headers, body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn reads_below_the_root_may_go_together_and_nothing_else() {
        assert!(may_hold(&get("/users/avery%40contoso.com", "a"), BASE));
        assert!(!may_hold(&Request { method: Method::Delete, ..get("/users/x", "a") }, BASE));
        assert!(!may_hold(&Request { url: format!("{BASE}0/users"), ..get("", "a") }, BASE));
        assert!(!may_hold(
            &Request { url: "https://graph.microsoft.com/beta/x".to_owned(), ..get("", "a") },
            BASE
        ));
    }

    #[test]
    fn each_request_in_a_batch_has_a_name_of_its_own() {
        let whole =
            compose(&[get("/users/a", "id-a"), get("/users/b?$select=id", "id-b")], BASE, Secret::new("t"));
        assert_eq!(
            (whole.url.as_str(), whole.method),
            ("https://graph.microsoft.com/v1.0/$batch", Method::Post)
        );
        let body = String::from_utf8(whole.body.unwrap().bytes.to_vec()).unwrap();
        let expected = r#"{"requests":[{"id":"0","method":"GET","url":"/users/a","headers":{"client-request-id":"id-a"}},{"id":"1","method":"GET","url":"/users/b?$select=id","headers":{"client-request-id":"id-b"}}]}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn answers_are_found_by_id_whatever_their_order() {
        let body = r#"{"responses":[
            {"id":"1","status":429,"headers":{"retry-After":"2.5","request-id":"inner"},"body":{"error":{}}},
            {"id":"0","status":200,"body":{"value":[]}},
            {"id":"7","status":200},{"id":"x","status":200}]}"#;
        for status in [200, 424] {
            let told = split(&Ok(answered(status, body)), 3);
            let [Ok(first), Ok(second), Err(SendError::MaybeSent(_))] = &told[..] else { panic!("{told:?}") };
            assert_eq!((first.status, first.body.as_ref()), (200, &br#"{"value":[]}"#[..]));
            assert_eq!(first.headers.request_id.as_deref(), Some("outer"));
            assert_eq!((second.status, second.headers.retry_after.as_deref()), (429, Some("2.5")));
            assert_eq!(second.headers.request_id.as_deref(), Some("inner"));
        }
    }

    #[test]
    fn a_batch_that_fails_whole_fails_each_and_one_that_is_unknown_was_not_sent() {
        for status in [401, 408, 429, 500, 503, 504] {
            let told = split(&Ok(answered(status, "<html>")), 2);
            assert!(
                told.iter().all(|told| matches!(told, Ok(answer) if answer.status == status)),
                "{status}"
            );
        }
        for status in [301, 400, 403, 404, 405, 413] {
            let told = split(&Ok(answered(status, "{}")), 2);
            assert!(told.iter().all(|told| matches!(told, Err(SendError::NotSent(_)))), "{status}");
        }
        let lost = Err(SendError::MaybeSent("reset".to_owned()));
        assert_eq!(split(&lost, 2), [lost.clone(), lost]);
        for body in ["", "{", "[]", r#"{"responses":[{"id":0}]}"#] {
            let told = split(&Ok(answered(200, body)), 1);
            assert!(matches!(told[..], [Err(SendError::MaybeSent(_))]), "{body}");
        }
    }
}
