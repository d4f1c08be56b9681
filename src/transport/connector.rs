//! How a connection is made: directly or through the system's proxy, with TLS, in bounded time.
//! The one door to rustls; it knows nothing of requests.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_platform_verifier::Verifier;
use thiserror::Error;
use tokio::net::TcpStream;
use tower_service::Service;

/// After so long without a sign of life a connection is probed, as often, so often.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_PROBES: u32 = 3;
/// Bytes that nobody has acknowledged for so long end the connection: TCP itself would try for a quarter of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Whose certificates are trusted.
#[derive(Debug)]
pub(super) enum Trust {
    /// The platform's and these.
    Platform(Vec<CertificateDer<'static>>),
    /// Only these.
    Only(Vec<CertificateDer<'static>>),
}

impl Trust {
    fn config(self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        match self {
            Self::Platform(extra) => {
                // Not what its name says: the platform's own verification takes the place of rustls's.
                let verifier = Verifier::new_with_extra_roots(extra, provider)?;
                Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
            }
            Self::Only(certificates) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates {
                    roots.add(certificate)?;
                }
                Ok(builder.with_root_certificates(roots))
            }
        }
    }
}

/// Which schemes are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schemes {
    /// TLS or nothing.
    HttpsOnly,
    /// Plain HTTP, too.
    HttpsOrHttp,
}

/// What a connector is made of.
#[derive(Debug)]
pub(super) struct ConnectorParts {
    pub(super) schemes: Schemes,
    pub(super) trust: Trust,
    /// Which hosts are reached through which proxy.
    pub(super) proxies: Matcher,
    /// Told to proxies, some of which let nobody through who is not named.
    pub(super) user_agent: HeaderValue,
    /// Longest wait for name, proxy, TCP and TLS together.
    pub(super) timeout: Duration,
}

/// Makes connections. Cheap to clone: the client does it for every request, though few need a connection.
#[derive(Clone)]
pub(super) struct Connector {
    https: Arc<HttpsConnector<Route>>,
    timeout: Duration,
}

/// The connection that was asked for was not there in time.
#[derive(Debug, Error)]
#[error("timed out")]
struct TimedOut;

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
/// Plain TCP, or TLS where the proxy itself is spoken to by https.
type Line = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Connector {
    /// Reads the platform's certificates; no connection is made yet.
    ///
    /// # Errors
    /// Most often: the platform has no certificates.
    pub(super) fn new(parts: ConnectorParts) -> Result<Self, rustls::Error> {
        let ConnectorParts { schemes, trust, proxies, user_agent, timeout } = parts;
        let config = trust.config()?.with_no_client_auth();
        let tcp = tcp(timeout);
        // To the proxy no HTTP/2: a tunnel begins with HTTP/1.1's CONNECT.
        let to_proxy = HttpsConnector::<HttpConnector>::builder()
            .with_tls_config(config.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp.clone());
        let builder = HttpsConnector::<Route>::builder().with_tls_config(config);
        let builder = match schemes {
            Schemes::HttpsOnly => builder.https_only(),
            Schemes::HttpsOrHttp => builder.https_or_http(),
        };
        let route = Route { direct: tcp, to_proxy, proxies: Arc::new(proxies), user_agent };
        Ok(Self { https: Arc::new(builder.enable_all_versions().wrap_connector(route)), timeout })
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Line>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // All of the parts are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let connecting = HttpsConnector::clone(&self.https).call(destination);
        let timeout = self.timeout;
        Box::pin(async move { tokio::time::timeout(timeout, connecting).await.map_err(|_| TimedOut)? })
    }
}

fn tcp(timeout: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // Shared out among the addresses of a name, so that a dead one does not eat the time of the others.
    tcp.set_connect_timeout(Some(timeout));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE));
    tcp.set_keepalive_retries(Some(KEEPALIVE_PROBES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    tcp
}

/// The way to a host: straight, or through a tunnel that a proxy opens.
#[derive(Clone)]
struct Route {
    direct: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
    proxies: Arc<Matcher>,
    user_agent: HeaderValue,
}

impl Route {
    fn tunnel(&self, proxy: &Intercept) -> Tunnel<HttpsConnector<HttpConnector>> {
        let headers = HeaderMap::from_iter([(USER_AGENT, self.user_agent.clone())]);
        let tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone()).with_headers(headers);
        match proxy.basic_auth() {
            Some(auth) => tunnel.with_auth(auth.clone()),
            None => tunnel,
        }
    }
}

impl Service<Uri> for Route {
    type Response = Line;
    type Error = BoxError;
    type Future = Connecting<Line>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        if let Some(proxy) = self.proxies.intercept(&destination) {
            let tunnelling = self.tunnel(&proxy).call(destination);
            Box::pin(async move { Ok(tunnelling.await?) })
        } else {
            let connecting = self.direct.call(destination);
            Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
        }
    }
}
