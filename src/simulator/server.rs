//! The tenant behind HTTP/1.1 and HTTP/2 without TLS. The one door to the HTTP server.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::model::secret::Secret;
use crate::transport::exchange::{Body, Method, Request, Response};

use super::tenant::Tenant;

/// Longer bodies are refused.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Serves until told to stop. The listener should be on loopback: whoever reaches it is let in.
///
/// Beside Graph's own paths there are `GET /simulator/ledger` and `GET /simulator/users/{name}`.
///
/// # Errors
/// When no connection can be accepted any more.
pub async fn serve(
    listener: TcpListener,
    tenant: Arc<Mutex<Tenant>>,
    stop: CancellationToken,
) -> io::Result<()> {
    let desk = Desk { tenant, began: Instant::now() };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                connections.spawn(converse(stream, desk.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

#[derive(Debug, Clone)]
struct Desk {
    tenant: Arc<Mutex<Tenant>>,
    began: Instant,
}

/// The connection is broken on purpose.
#[derive(Debug, thiserror::Error)]
#[error("broken on purpose")]
struct Broken;

async fn converse(stream: TcpStream, desk: Desk) {
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { desk.answer(request).await }
    });
    // Whatever ends a connection is its client's to find out.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

impl Desk {
    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> Result<hyper::Response<Full<Bytes>>, Broken> {
        let path = request.uri().path();
        if let Some(shown) = path.strip_prefix("/simulator/") {
            return Ok(self.show(shown));
        }
        let request = match understood(request).await {
            Ok(request) => request,
            Err(status) => return Ok(plain(status, Bytes::new())),
        };
        let now = self.began.elapsed();
        let delivery = self.tenant.lock().unwrap_or_else(PoisonError::into_inner).answer(now, &request);
        if delivery.delay > Duration::ZERO {
            sleep(delivery.delay).await;
        }
        delivery.answer.map(on_the_wire).ok_or(Broken)
    }

    fn show(&self, what: &str) -> hyper::Response<Full<Bytes>> {
        let tenant = self.tenant.lock().unwrap_or_else(PoisonError::into_inner);
        let json = match what.split_once('/') {
            None if what == "ledger" => serde_json::to_vec_pretty(tenant.ledger()).ok(),
            Some(("users", name)) => {
                let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
                tenant.user(&name).and_then(|user| serde_json::to_vec_pretty(&user).ok())
            }
            None | Some(_) => None,
        };
        json.map_or_else(|| plain(404, Bytes::new()), |json| plain(200, Bytes::from(json)))
    }
}

/// What identity endpoints insist on.
const IDENTITY_FIELDS: [&str; 2] = ["metadata", "x-identity-header"];

fn field(headers: &HeaderMap, name: &'static str) -> Option<(&'static str, Secret)> {
    Some((name, Secret::new(headers.get(name)?.to_str().ok()?)))
}

async fn understood(request: hyper::Request<Incoming>) -> Result<Request, u16> {
    let method = match *request.method() {
        hyper::Method::GET => Method::Get,
        hyper::Method::POST => Method::Post,
        hyper::Method::PATCH => Method::Patch,
        hyper::Method::DELETE => Method::Delete,
        _ => return Err(405),
    };
    let (parts, body) = request.into_parts();
    let bearer =
        parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let bytes = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(413),
    };
    let body = (!bytes.is_empty()).then_some(Body { content_type: "application/json", bytes });
    Ok(Request {
        method,
        url: target.to_owned(),
        bearer: bearer.map(Secret::new),
        client_request_id: String::new(),
        body,
        fields: IDENTITY_FIELDS.into_iter().filter_map(|name| field(&parts.headers, name)).collect(),
    })
}

fn plain(status: u16, body: Bytes) -> hyper::Response<Full<Bytes>> {
    on_the_wire(Response { status, body, ..Response::default() })
}

fn on_the_wire(response: Response) -> hyper::Response<Full<Bytes>> {
    let has_body = !response.body.is_empty();
    let mut answer = hyper::Response::new(Full::new(response.body));
    *answer.status_mut() = hyper::StatusCode::from_u16(response.status).unwrap_or_default();
    let headers = answer.headers_mut();
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let sent = response.headers;
    for (name, value) in [
        ("retry-after", sent.retry_after),
        ("location", sent.location),
        ("request-id", sent.request_id),
        ("date", sent.date),
        ("x-ms-throttle-scope", sent.throttle_scope),
        ("x-ms-throttle-limit-percentage", sent.throttle_limit_percentage),
        ("x-ms-throttle-information", sent.throttle_information),
        ("www-authenticate", sent.www_authenticate),
    ] {
        insert(headers, name, value);
    }
    answer
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
