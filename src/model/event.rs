//! What happens during a run, and who wants to know.

use std::future::{Future, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::method::Method;
use super::operation::Operation;
use super::outcome::Outcome;
use super::phone::PhoneType;
use super::row::RowNumber;
use super::task::Work;
use super::user::UserId;

/// Whether a request may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// GET.
    Read,
    /// POST, PATCH, DELETE.
    Write,
}

/// One request came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Read or write.
    pub access: Access,
    /// Which sending of the same call this was; the first is 1.
    pub attempt: u32,
    /// The answer's status; `None` where none came.
    pub status: Option<u16>,
    /// When it left.
    pub sent_at: Instant,
    /// From the first byte sent to the answer read.
    pub latency: Duration,
    /// Whether it left although everybody was to pause. What was on the wire already when the pause began did not.
    pub early: bool,
    /// How much of the quota is used, in percent, where the answer tells (`x-ms-throttle-limit-percentage`).
    pub used_percent: Option<u8>,
}

/// What a user had before a row changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeImage {
    /// The row that is going to change it.
    pub row: RowNumber,
    /// Of which phone.
    pub phone_type: PhoneType,
    /// The number as Graph showed it (it may be masked); `None` where there was no such phone.
    pub phone_number: Option<String>,
    /// Whether the phone could sign in by SMS, in Graph's words; empty where it does not say.
    pub sms_sign_in_state: String,
    /// When it was read.
    pub read_at: Instant,
}

/// A row came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What was asked for.
    pub work: Work,
    /// How it ended.
    pub outcome: Outcome,
    /// How often its request was sent: its writes, or its reads where it wrote nothing.
    pub attempts: u32,
    /// The status of the last answer to a write, or to a read where it wrote nothing; `None` where none came.
    pub http_status: Option<u16>,
    /// When its first request was made ready; `None` where it was never tried.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Instant,
    /// Graph's `request-id` of the same answer, empty where none came.
    pub request_id: String,
    /// Our `client-request-id` of the same call, empty where none was made.
    pub client_request_id: String,
    /// The reset operation's id, empty where there is none.
    pub operation_id: String,
}

/// What happens during a run, told in one order by one loop. Small, since every waiting task has room for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A request was answered, or failed without an answer.
    Answered(Answered),
    /// Everybody pauses, or goes on pausing.
    Held {
        /// By how much this prolongs the pause, so that the sum is the time held.
        span: Duration,
        /// When it ends.
        until: Instant,
    },
    /// Graph takes no token of ours any more: the run must stop.
    SignInLost {
        /// Why, for people; no secret in it.
        reason: String,
    },
    /// Rows that may write begin. They send nothing before this is kept for good ([`Observer::kept`]).
    Begun(Box<[RowNumber]>),
    /// What is going to be changed was read.
    Found(Box<BeforeImage>),
    /// A reset was accepted; its operation is open.
    Accepted(Box<Operation>),
    /// An operation was asked for, and has not ended.
    Polled(Box<Operation>),
    /// An operation ended or was given up.
    Closed(Box<Operation>),
    /// A list-methods row found these.
    Listed {
        /// The row that asked.
        row: RowNumber,
        /// Whose methods.
        user: UserId,
        /// All of them, in Graph's order.
        methods: Vec<Method>,
    },
    /// A row ended. Comes exactly once for each row.
    Ended(Arc<Ended>),
}

/// An observer could not note what it was shown, so the run must not go on.
#[derive(Debug, Error)]
#[error("cannot write {what}")]
pub struct ObserverError {
    /// The file.
    pub what: String,
    /// Why.
    pub source: io::Error,
}

/// Is shown every event, in order.
pub trait Observer {
    /// Notes one event.
    ///
    /// # Errors
    /// When it could not be noted; the run then drains.
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError>;

    /// Comes about four times a second, also while nothing happens: the moment to flush and to redraw.
    ///
    /// # Errors
    /// As [`Observer::observe`].
    fn tick(&mut self, now: Instant) -> Result<(), ObserverError>;

    /// Waits until the first `count` events that were shown are kept for good, whatever happens to the process, and
    /// tells how many are. Cancel-safe. Who keeps nothing for good says at once that all are.
    ///
    /// # Errors
    /// When they will never be kept.
    fn kept(&mut self, count: u64) -> impl Future<Output = Result<u64, ObserverError>> {
        ready(Ok(count))
    }
}

/// Who is not there sees nothing.
impl<O: Observer> Observer for Option<O> {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.as_mut().map_or(Ok(()), |observer| observer.observe(event))
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        self.as_mut().map_or(Ok(()), |observer| observer.tick(now))
    }
}
