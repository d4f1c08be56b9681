//! Requests over the network. The one door to reqwest.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Url};
use thiserror::Error;

use super::exchange::{Headers, Method, Request, Response, SendError, Transport};

/// What the client needs to know.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Longest wait for a whole answer. Graph itself gives up after 60 s
    /// (Graph, "Authentication methods API overview"), so less would turn its answers into doubt.
    pub timeout: Duration,
    /// PEM certificates to trust besides the platform's.
    pub extra_roots: Option<Vec<u8>>,
    /// How many idle connections are kept.
    pub idle_connections: usize,
    /// Whom the client talks to.
    pub reach: Reach,
}

/// Whom the client talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Servers on the internet: TLS, and the system's proxy.
    Internet,
    /// A server on this machine by plain HTTP: no proxy, and no need for the platform's certificates.
    Loopback,
}

/// The client could not be made.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The PEM text is none.
    #[error("the extra certificates are not PEM")]
    ExtraRoots(#[source] reqwest::Error),
    /// Most often: the platform has no certificates.
    #[error(
        "the HTTP client could not be set up; on a machine without certificates install them or name a PEM file with --ca-file"
    )]
    Client(#[source] reqwest::Error),
}

/// No answer of Graph's is near this; more is not read.
const MAX_BODY_BYTES: usize = 8 << 20;

/// A pooled client: keep-alive, HTTP/2 over TLS, no redirects, no retries of its own.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
}

impl Http {
    /// Sets the client up; no connection is made yet.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let extra_roots = match &settings.extra_roots {
            Some(pem) => Certificate::from_pem_bundle(pem).map_err(HttpError::ExtraRoots)?,
            None => Vec::new(),
        };
        let builder = reach(Client::builder(), settings.reach, extra_roots)
            .user_agent(concat!("authwave/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout.min(Duration::from_secs(20)))
            .pool_max_idle_per_host(settings.idle_connections)
            .tcp_nodelay(true);
        Ok(Self { client: builder.build().map_err(HttpError::Client)? })
    }
}

impl Transport for Http {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let prepared = prepare(request)?;
        let mut answer = self.client.execute(prepared).await.map_err(|error| consequence(&error))?;
        let mut response = Response {
            status: answer.status().as_u16(),
            headers: read(answer.headers()),
            body: Bytes::new(),
        };
        // The status decides; a body that breaks off leaves what came of it.
        let mut body = BytesMut::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            if body.is_empty() && answer.content_length() == Some(chunk.len() as u64) {
                response.body = chunk;
                return Ok(response);
            }
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY_BYTES {
                break;
            }
        }
        response.body = body.freeze();
        Ok(response)
    }
}

fn prepare(request: Request) -> Result<reqwest::Request, SendError> {
    let url = Url::parse(&request.url).map_err(|error| not_sent(format!("bad URL: {error}")))?;
    let mut prepared = reqwest::Request::new(method(request.method), url);
    let headers = prepared.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(bearer) = request.bearer {
        headers.insert(AUTHORIZATION, bearer_value(bearer.expose())?);
    }
    if !request.client_request_id.is_empty() {
        let id = HeaderValue::try_from(request.client_request_id);
        headers.insert(CLIENT_REQUEST_ID, id.map_err(|_| not_sent("bad client-request-id"))?);
    }
    if let Some(body) = request.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
        *prepared.body_mut() = Some(body.bytes.into());
    } else if request.method == Method::Post {
        // RFC 9110 §8.6: a POST without a body should say so; some gateways answer 411 otherwise.
        *prepared.body_mut() = Some(Bytes::new().into());
    }
    Ok(prepared)
}

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

fn reach(builder: ClientBuilder, reach: Reach, extra_roots: Vec<Certificate>) -> ClientBuilder {
    match reach {
        Reach::Internet if extra_roots.is_empty() => builder.https_only(true),
        Reach::Internet => builder.https_only(true).tls_certs_merge(extra_roots),
        Reach::Loopback => builder.no_proxy().tls_certs_only(extra_roots),
    }
}

const fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn bearer_value(token: &str) -> Result<HeaderValue, SendError> {
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    // The error is dropped: it must not carry the token along.
    let mut value =
        value.map_err(|_| not_sent("the bearer token holds a character that no token can have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// One pass over what is there: looking each name up costs more than all the rest of an answer.
fn read(headers: &HeaderMap) -> Headers {
    let mut read = Headers::default();
    for (name, value) in headers {
        let slot = match name.as_str() {
            "retry-after" => &mut read.retry_after,
            "location" => &mut read.location,
            "request-id" => &mut read.request_id,
            "date" => &mut read.date,
            "x-ms-throttle-scope" => &mut read.throttle_scope,
            "x-ms-throttle-limit-percentage" => &mut read.throttle_limit_percentage,
            "x-ms-throttle-information" => &mut read.throttle_information,
            "www-authenticate" => &mut read.www_authenticate,
            _ => continue,
        };
        // Of a field that comes twice the first counts.
        if slot.is_none() {
            *slot = value.to_str().ok().map(str::to_owned);
        }
    }
    read
}

fn not_sent(reason: impl Into<String>) -> SendError {
    SendError::NotSent(reason.into())
}

/// A connection that could not be made sent nothing; after any other error the request may have arrived.
fn consequence(error: &reqwest::Error) -> SendError {
    let reason = innermost(error);
    if error.is_connect() || error.is_builder() {
        SendError::NotSent(reason)
    } else {
        SendError::MaybeSent(reason)
    }
}

/// The cause says most ("connection refused"); the outer layers repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
