//! Requests to a collector of telemetry, from threads of their own: they wait for nothing of the run, and it for nothing
//! of theirs.

use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::connector::{Connector, ConnectorParts, Schemes, Trust};
use super::http::PRODUCT;

/// Longest wait for an answer (OpenTelemetry, "OTLP Exporter Configuration": 10 s).
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector answers with a few bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A client for a collector, by HTTP or HTTPS, through the system's proxy.
pub struct CollectorClient {
    client: Client<Connector, Full<Bytes>>,
    runtime: Runtime,
}

/// The client could not be made.
#[derive(Debug, Error)]
pub enum CollectorClientError {
    /// Most often: the platform has no certificates.
    #[error("the platform's certificates cannot be used")]
    Certificates(#[source] rustls::Error),
    /// The system gave no runtime.
    #[error("no runtime for telemetry")]
    Runtime(#[source] io::Error),
}

impl CollectorClient {
    /// Sets the client up; no connection is made yet.
    ///
    /// # Errors
    /// When the platform's certificates cannot be read.
    pub fn new(scheme: &str) -> Result<Self, CollectorClientError> {
        // A collector beside the program needs no certificates, so the platform need not have any.
        let trust = if scheme == "https" { Trust::Platform(Vec::new()) } else { Trust::Only(Vec::new()) };
        let parts = ConnectorParts {
            schemes: Schemes::HttpsOrHttp,
            trust,
            proxies: Matcher::from_system(),
            user_agent: PRODUCT,
            timeout: TIMEOUT,
        };
        let connector = Connector::new(parts).map_err(CollectorClientError::Certificates)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: runtime.map_err(CollectorClientError::Runtime)?,
        })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = self.client.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    /// Blocks the exporter's thread, which has nothing else to do and no runtime.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.block_on(async { timeout(TIMEOUT, self.exchange(request)).await? })
    }
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorClient").finish_non_exhaustive()
    }
}
