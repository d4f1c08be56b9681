//! Requests over the network. The one door to the HTTP client.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::Uri;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper_util::client::legacy::{self, Client};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::connector::{Connector, ConnectorParts, Schemes, Trust};
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
    /// What is shed first.
    pub priority: Priority,
}

/// Which requests the service is to shed first when it has too many: `x-ms-throttle-priority`
/// (Microsoft Graph, "Microsoft Graph throttling guidance").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Nothing is said.
    Normal,
    /// These.
    Low,
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
    /// The PEM text is none, or holds no certificate.
    #[error("the extra certificates are not PEM")]
    ExtraRoots(#[source] pem::Error),
    /// Most often: the platform has no certificates.
    #[error(
        "the HTTP client could not be set up; on a machine without certificates install them or name a PEM file with --ca-file"
    )]
    Client(#[source] rustls::Error),
}

/// No answer of Graph's is near this; more is not read.
const MAX_BODY_BYTES: usize = 8 << 20;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) const PRODUCT: HeaderValue =
    HeaderValue::from_static(concat!("authwave/", env!("CARGO_PKG_VERSION")));

/// A pooled client: keep-alive, HTTP/2 over TLS, no redirects, no retries of its own.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<Connector, Full<Bytes>>,
    timeout: Duration,
    priority: Priority,
}

impl Http {
    /// Sets the client up; no connection is made yet.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let proxies = match settings.reach {
            Reach::Internet => Matcher::from_system(),
            Reach::Loopback => Matcher::builder().build(),
        };
        Self::through(proxies, settings)
    }

    pub(super) fn through(proxies: Matcher, settings: &HttpSettings) -> Result<Self, HttpError> {
        let extra_roots = settings.extra_roots.as_deref().map_or(Ok(Vec::new()), certificates)?;
        let (schemes, trust) = match settings.reach {
            Reach::Internet => (Schemes::HttpsOnly, Trust::Platform(extra_roots)),
            Reach::Loopback => (Schemes::HttpsOrHttp, Trust::Only(extra_roots)),
        };
        let timeout = settings.timeout.min(CONNECT_TIMEOUT);
        let parts = ConnectorParts { schemes, trust, proxies, user_agent: PRODUCT, timeout };
        let client = Client::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            // Bodies here are small: copying one behind its head costs less than telling the system of two parts.
            .http1_writev(false)
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(settings.idle_connections)
            .build(Connector::new(parts).map_err(HttpError::Client)?);
        Ok(Self { client, timeout: settings.timeout, priority: settings.priority })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(HttpError::ExtraRoots)?;
    if certificates.is_empty() {
        Err(HttpError::ExtraRoots(pem::Error::NoItemsFound))
    } else {
        Ok(certificates)
    }
}

impl Transport for Http {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let mut prepared = prepare(request)?;
        if self.priority == Priority::Low {
            prepared.headers_mut().insert(THROTTLE_PRIORITY, HeaderValue::from_static("low"));
        }
        let deadline = Instant::now() + self.timeout;
        let answer = timeout_at(deadline, self.client.request(prepared))
            .await
            .map_err(|_| SendError::MaybeSent("timed out".to_owned()))?
            .map_err(|error| consequence(&error))?;
        let (status, headers) = (answer.status().as_u16(), read(answer.headers()));
        Ok(Response { status, headers, body: whole(answer.into_body(), deadline).await })
    }
}

/// The status decides; a body that breaks off or takes too long leaves what came of it.
async fn whole(mut body: Incoming, deadline: Instant) -> Bytes {
    let mut whole = BytesMut::new();
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        let Ok(data) = frame.into_data() else { continue };
        if whole.is_empty() && body.is_end_stream() {
            return data;
        }
        whole.extend_from_slice(&data);
        if whole.len() > MAX_BODY_BYTES {
            break;
        }
    }
    whole.freeze()
}

fn prepare(request: Request) -> Result<hyper::Request<Full<Bytes>>, SendError> {
    let is_bare_post = request.body.is_none() && request.method == Method::Post;
    let (content_type, body) = match request.body {
        Some(body) => (Some(body.content_type), body.bytes),
        None => (None, Bytes::new()),
    };
    let mut prepared = hyper::Request::new(Full::new(body));
    *prepared.method_mut() = method(request.method);
    *prepared.uri_mut() = uri(request.url)?;
    let headers = prepared.headers_mut();
    // Room for all of them at once, and for the host, which the client adds.
    headers.reserve(8);
    headers.insert(USER_AGENT, PRODUCT);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(bearer) = request.bearer {
        headers.insert(AUTHORIZATION, bearer_value(bearer.expose())?);
    }
    if !request.client_request_id.is_empty() {
        let id = HeaderValue::try_from(request.client_request_id);
        headers.insert(CLIENT_REQUEST_ID, id.map_err(|_| not_sent("bad client-request-id"))?);
    }
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in request.fields {
        // The error is dropped: it must not carry the value along.
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| not_sent("bad header field"))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    if is_bare_post {
        // RFC 9110 §8.6: a POST without a body should say so; some gateways answer 411 otherwise.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(prepared)
}

const THROTTLE_PRIORITY: HeaderName = HeaderName::from_static("x-ms-throttle-priority");

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// What this program writes is taken as it is; a link that Graph gave may hold what must be percent-encoded first.
fn uri(url: String) -> Result<Uri, SendError> {
    let url = if url.bytes().all(may_stand_in_a_uri) {
        url
    } else {
        Url::parse(&url).map_err(|error| not_sent(format!("bad URL: {error}")))?.into()
    };
    let uri = Uri::try_from(url).map_err(|error| not_sent(format!("bad URL: {error}")))?;
    if uri.scheme().is_some() { Ok(uri) } else { Err(not_sent("bad URL: it is not absolute")) }
}

/// The characters of RFC 3986 §2.
const fn may_stand_in_a_uri(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

const fn method(method: Method) -> hyper::Method {
    match method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
        Method::Patch => hyper::Method::PATCH,
        Method::Delete => hyper::Method::DELETE,
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
        read.note(name.as_str(), || value.to_str().ok().map(str::to_owned));
    }
    read
}

fn not_sent(reason: impl Into<String>) -> SendError {
    SendError::NotSent(reason.into())
}

/// Without a connection nothing was sent, nor where the connection ended before it took the request up:
/// hyper then hands the request back and calls it canceled. After any other error it may have arrived.
fn consequence(error: &legacy::Error) -> SendError {
    let cause = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    let is_untouched = cause.is_some_and(hyper::Error::is_canceled);
    if error.is_connect() || is_untouched {
        SendError::NotSent(innermost(error))
    } else {
        SendError::MaybeSent(innermost(error))
    }
}

/// The cause says most ("connection refused"); the outer layers only say that sending failed.
fn innermost(error: &legacy::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_sent_as_it_is_written_where_it_may_stand_so() {
        for url in [
            "https://graph.microsoft.com/v1.0/users/o%27neil%40contoso.com/authentication/methods",
            "https://graph.microsoft.com/v1.0/users('%24x%40contoso.com')/authentication/methods",
            "http://[::1]:8080/beta/users/1/authentication/operations/2?aadgdc=DUB02P&aadgsu=a%2Cb",
        ] {
            assert_eq!(uri(url.to_owned()).unwrap().to_string(), url);
        }
    }

    #[test]
    fn what_may_not_stand_in_a_url_is_percent_encoded() {
        for (url, sent) in [
            ("https://h/v1.0/a b?$filter=id eq \"1\"", "https://h/v1.0/a%20b?$filter=id%20eq%20%221%22"),
            ("https://h/j\u{fc}rgen", "https://h/j%C3%BCrgen"),
            ("https://h/a\\b", "https://h/a/b"),
        ] {
            assert_eq!(uri(url.to_owned()).unwrap().to_string(), sent);
        }
    }

    #[test]
    fn what_is_no_url_is_not_sent_and_not_repeated_in_the_reason() {
        for url in ["", "/v1.0/users", "secret", "https://", "graph.microsoft.com", "https://a b/"] {
            let Err(SendError::NotSent(reason)) = uri(url.to_owned()) else { panic!("{url}") };
            assert!(url.is_empty() || !reason.contains(url), "{reason}");
        }
    }
}
