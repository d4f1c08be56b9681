//! What is sent and what comes back, and the seam at which the network is replaced by a simulated one.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use thiserror::Error;

use crate::model::event::Access;
use crate::model::secret::Secret;

/// The request methods that this program uses (RFC 9110).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or starts an action.
    Post,
    /// Changes in place.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the method may change something.
    #[must_use]
    pub const fn access(self) -> Access {
        match self {
            Self::Get => Access::Read,
            Self::Post | Self::Patch | Self::Delete => Access::Write,
        }
    }
}

/// A body with its media type. `Debug` shows its length only: it may hold a password or a client secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// `application/json` or `application/x-www-form-urlencoded`.
    pub content_type: &'static str,
    /// The body as sent.
    pub bytes: Bytes,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

/// One request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// The absolute URL, every part already percent-encoded.
    pub url: String,
    /// Sent as `Authorization: Bearer …`; `None` at the token endpoint.
    pub bearer: Option<Secret>,
    /// Sent as `client-request-id`, a GUID; empty for none.
    pub client_request_id: String,
    /// `None` for a request without a body.
    pub body: Option<Body>,
    /// Further header fields, by name in lower case: what an identity endpoint insists on. Empty for Graph.
    pub fields: Vec<(&'static str, Secret)>,
}

/// One answer. Its status counts even where its body was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields that decide something, as written.
    pub headers: Headers,
    /// What arrived of the body.
    pub body: Bytes,
}

/// The header fields that decide something; `None` where absent or not readable as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers {
    /// `Retry-After`: seconds (Graph sends fractions, too) or an HTTP date.
    pub retry_after: Option<String>,
    /// `Location`: where a reset's operation is.
    pub location: Option<String>,
    /// `request-id`: what Microsoft's support asks for.
    pub request_id: Option<String>,
    /// `Date`: tells the server's clock.
    pub date: Option<String>,
    /// `x-ms-throttle-scope`: who is throttled, and for reads or writes.
    pub throttle_scope: Option<String>,
    /// `x-ms-throttle-limit-percentage`: share of the quota used, sent from 0.8.
    pub throttle_limit_percentage: Option<String>,
    /// `x-ms-throttle-information`: why.
    pub throttle_information: Option<String>,
    /// `WWW-Authenticate`: why a token was refused.
    pub www_authenticate: Option<String>,
}

impl Headers {
    /// Notes a field by its name in lower case. One that decides nothing is passed over; of one that comes twice the
    /// first counts.
    pub fn note(&mut self, name: &str, value: impl FnOnce() -> Option<String>) {
        let slot = match name {
            "retry-after" => &mut self.retry_after,
            "location" => &mut self.location,
            "request-id" => &mut self.request_id,
            "date" => &mut self.date,
            "x-ms-throttle-scope" => &mut self.throttle_scope,
            "x-ms-throttle-limit-percentage" => &mut self.throttle_limit_percentage,
            "x-ms-throttle-information" => &mut self.throttle_information,
            "www-authenticate" => &mut self.www_authenticate,
            _ => return,
        };
        if slot.is_none() {
            *slot = value();
        }
    }
}

/// No answer came. The kinds tell the consequence, not the cause.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// No byte of it can have reached the server: no connection could be made.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The connection broke or the wait ended after sending may have begun.
    #[error("no answer: {0}")]
    MaybeSent(String),
}

/// Sends one request, once: no retry, no redirect, no pace.
pub trait Transport: Send + Sync + 'static {
    /// Sends and waits for the whole answer.
    ///
    /// # Errors
    /// When no status line came back.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, SendError>> + Send;
}
