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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http_body_util::Full;
    use hyper::Version;
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    use super::*;

    /// A server on loopback with TLS: its root, its certificate as PEM, and the HTTP versions that it was asked in.
    struct TlsServer {
        root: String,
        pem: Vec<u8>,
        versions: Arc<Mutex<Vec<Version>>>,
        _serving: JoinSet<()>,
    }

    async fn tls_server() -> TlsServer {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let versions = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&versions);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that does not trust the certificate breaks off here.
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let seen = Arc::clone(&seen);
                let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    seen.lock().unwrap().push(request.version());
                    async {
                        Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(Bytes::from("{}"))))
                    }
                });
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            }
        });
        TlsServer { root, pem: cert.pem().into_bytes(), versions, _serving: serving }
    }

    fn client(reach: Reach, extra_roots: Option<Vec<u8>>) -> Http {
        let timeout = Duration::from_secs(20);
        Http::new(&HttpSettings { timeout, extra_roots, idle_connections: 4, reach }).unwrap()
    }

    fn get(url: &str) -> Request {
        Request {
            method: Method::Get,
            url: url.to_owned(),
            bearer: None,
            client_request_id: String::new(),
            body: None,
        }
    }

    #[tokio::test]
    async fn http_2_is_spoken_over_tls_and_extra_roots_are_trusted() {
        let server = tls_server().await;
        let http = client(Reach::Internet, Some(server.pem.clone()));
        for _ in 0..2 {
            let response = http.send(get(&server.root)).await.unwrap();
            assert_eq!((response.status, response.body.as_ref()), (200, b"{}".as_slice()));
        }
        assert_eq!(*server.versions.lock().unwrap(), [Version::HTTP_2, Version::HTTP_2]);
    }

    #[tokio::test]
    async fn a_server_that_is_not_trusted_is_sent_nothing() {
        let server = tls_server().await;
        let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem().into_bytes();
        let told = client(Reach::Internet, Some(other)).send(get(&server.root)).await;
        assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
        assert!(server.versions.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn plain_http_is_for_loopback_only() {
        let told =
            client(Reach::Internet, Some(tls_server().await.pem)).send(get("http://localhost:1/")).await;
        assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let told = client(Reach::Loopback, None).send(get(&root)).await;
        assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
    }
}
