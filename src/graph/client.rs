//! Everything that calls to one tenant share.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;
use tracing::warn;
use url::{Origin, Url};

use super::call::Place;
use super::line::Line;
use super::pause::Pause;
use crate::model::event::{Access, Event};
use crate::pace::pacer::{Pacer, Refusal};
use crate::pace::shutdown::Shutdown;
use crate::policy::backoff::Backoff;
use crate::policy::retry_after::{self, RetryAfter};
use crate::policy::throttle_scope;
use crate::transport::exchange::Response;

/// When a call is tried again, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// What one row may spend on attempts and on the waits that answers to it caused.
    pub budget: Duration,
    /// Waits where the server names none.
    pub backoff: Backoff,
    /// A longer Retry-After counts as this.
    pub max_retry_after: Duration,
}

/// Where the API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    base: String,
    origin: Origin,
}

impl Root {
    /// `root` is a URL without version, as `https://graph.microsoft.com`; `version` is `v1.0` or `beta`.
    ///
    /// # Errors
    /// When `root` is not an absolute URL.
    pub fn new(root: &str, version: &str) -> Result<Self, url::ParseError> {
        let root = root.trim_end_matches('/');
        Ok(Self { base: format!("{root}/{version}"), origin: Url::parse(root)?.origin() })
    }

    /// Whether a URL that Graph gave is Graph's own: a bearer token never goes anywhere else.
    /// A URL with a user name or password in it is not.
    #[must_use]
    pub fn owns(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            url.origin() == self.origin
                && self.origin.is_tuple()
                && url.username().is_empty()
                && url.password().is_none()
        })
    }

    /// With version.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn url(&self, place: &Place) -> String {
        match place {
            Place::Path(path) => [&self.base, path.as_str()].concat(),
            Place::Verbatim(url) => url.clone(),
        }
    }
}

/// The Graph API of one tenant, shared by all tasks of a run.
pub struct Graph<T, C> {
    pub(super) transport: T,
    pub(super) credential: C,
    pub(super) pacer: Arc<Pacer>,
    pub(super) shutdown: Shutdown,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) retry: RetrySettings,
    /// Where reads wait that may leave together; `None` where each goes alone.
    pub(super) line: Option<Line>,
    root: Root,
    random: Mutex<Rng>,
    /// Throttled answers without Retry-After that came one after the other; the hold grows with them.
    bare_throttles: AtomicU32,
}

/// What a [`Graph`] is made of, besides its transport and credential.
#[derive(Debug)]
pub struct GraphParts {
    /// Where the API is.
    pub root: Root,
    /// The gate that every request passes.
    pub pacer: Arc<Pacer>,
    /// Ends waits.
    pub shutdown: Shutdown,
    /// Is told of every request.
    pub events: mpsc::Sender<Event>,
    /// When a call is tried again.
    pub retry: RetrySettings,
    /// Jitter and request ids come from it.
    pub random: Rng,
}

impl<T, C> Graph<T, C> {
    /// Puts it together; nothing is sent.
    #[must_use]
    pub fn new(transport: T, credential: C, parts: GraphParts) -> Self {
        let GraphParts { root, pacer, shutdown, events, retry, random } = parts;
        let bare_throttles = AtomicU32::new(0);
        let random = Mutex::new(random);
        let line = pacer.is_shared().then(Line::default);
        Self { transport, credential, pacer, shutdown, events, retry, line, root, random, bare_throttles }
    }

    /// Where the API is.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The gate that every request passes.
    #[must_use]
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Ends waits.
    #[must_use]
    pub const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Tells the run what happened.
    pub async fn tell(&self, event: Event) {
        // The listener outlives all senders, but for an abort, when nobody needs to know.
        if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            let _ = self.events.send(event).await;
        }
    }

    /// A number in `0.0..1.0` to spread waits with.
    pub(super) fn jitter(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }

    /// A GUID by which Microsoft's support finds a request.
    pub(super) fn client_request_id(&self) -> String {
        let bits = self.random.lock().unwrap_or_else(PoisonError::into_inner).u128(..);
        uuid::Builder::from_random_bytes(bits.to_ne_bytes()).into_uuid().to_string()
    }

    /// The pause that an answer asks for, at most the longest that the settings allow.
    #[must_use]
    pub fn asked_pause(&self, response: &Response) -> Option<Duration> {
        let value = response.headers.retry_after.as_deref()?;
        let date = response.headers.date.as_deref();
        let RetryAfter { wait, capped_from } = retry_after::parse(value, date, self.retry.max_retry_after)?;
        if let Some(asked) = capped_from {
            warn!(
                "the server asked for a pause of {asked:?}; waiting {wait:?}, the longest that the settings allow"
            );
        }
        Some(wait)
    }

    /// Does what an answer says about pace at once, before anybody else may leave. Gives the pause that it means for
    /// everybody, if it does.
    pub(super) fn heed(&self, access: Access, sent_at: Instant, response: &Response) -> Option<Pause> {
        let asked = self.asked_pause(response);
        match response.status {
            429 => Some(self.throttle(access, sent_at, (response, asked))),
            // A server that says when to come back means everybody.
            408 | 500..=599 => {
                let span = asked.filter(|span| *span >= SHORTEST_PAUSE)?;
                Some(self.pause(span, self.pacer.hold(span)))
            }
            _ => {
                self.pacer.passed(access, sent_at, used(response));
                None
            }
        }
    }

    fn throttle(
        &self,
        access: Access,
        sent_at: Instant,
        (response, asked): (&Response, Option<Duration>),
    ) -> Pause {
        // "Come back at once" to a crowd that is too much is no answer to it.
        let named = asked.filter(|span| *span >= SHORTEST_PAUSE);
        let span = named.unwrap_or_else(|| self.bare_throttle_hold(access));
        let hold_is_told = named.is_some_and(|span| span < self.retry.max_retry_after);
        let scope = throttle_scope::parse(response.headers.throttle_scope.as_deref());
        let prolonged = self.pacer.throttled(&Refusal { sent_at, hold: span, hold_is_told, scope });
        self.pause(span, prolonged)
    }

    fn pause(&self, span: Duration, prolonged: Duration) -> Pause {
        let now = Instant::now();
        let left = self.pacer.longest_hold_left().unwrap_or_default();
        Pause { span, prolonged, until: now.checked_add(left).unwrap_or(now) }
    }

    /// How long everybody waits after a 429 that names no time. Those that come during a hold were already
    /// on the wire when it began, and prolong nothing.
    fn bare_throttle_hold(&self, access: Access) -> Duration {
        if let Some(left) = self.pacer.hold_left(access) {
            return left;
        }
        let in_a_row = self.bare_throttles.fetch_add(1, Ordering::Relaxed) + 1;
        self.retry.backoff.hold(in_a_row, self.jitter())
    }

    pub(super) fn note_acceptance(&self) {
        if self.bare_throttles.load(Ordering::Relaxed) != 0 {
            self.bare_throttles.store(0, Ordering::Relaxed);
        }
    }
}

/// The share of the quota that is used, where the answer tells.
pub(super) fn used(response: &Response) -> Option<f64> {
    response.headers.throttle_limit_percentage.as_deref()?.trim().parse().ok()
}

/// An answer that asks for less than this counts as one that names no time: else nothing would hold back who asks again.
pub const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

impl<T, C> fmt::Debug for Graph<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph({})", self.root.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_the_graph_root_and_nowhere_else() {
        let root = Root::new("https://graph.microsoft.com/", "v1.0").unwrap();
        assert!(root.owns("https://graph.microsoft.com/v1.0/users/1/authentication/operations/2?aadgdc=A"));
        assert!(root.owns("https://graph.microsoft.com:443/beta/x"));
        for foreign in [
            "http://graph.microsoft.com/v1.0/x",
            "https://graph.microsoft.com:8443/v1.0/x",
            "https://graph.microsoft.com.evil.example/x",
            "https://graph.microsoft.com@evil.example/x",
            "https://user@graph.microsoft.com/x",
            "https://evil.example/graph.microsoft.com",
            "https://graph.microsoft.us/v1.0/x",
            "//graph.microsoft.com/x",
            "/v1.0/users",
            "data:text/plain,x",
            "",
        ] {
            assert!(!root.owns(foreign), "{foreign}");
        }
        let loopback = Root::new("http://127.0.0.1:8080", "beta").unwrap();
        assert!(loopback.owns("http://127.0.0.1:8080/beta/x"));
        assert!(!loopback.owns("http://127.0.0.1:8081/beta/x"));
        assert!(!loopback.owns("http://localhost:8080/beta/x"));
    }
}
