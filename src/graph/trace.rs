//! What happened in a conversation: what the results tell of a row besides its outcome.

use tokio::time::Instant;

use crate::model::event::Access;

/// What is remembered of one kind of call: the line in the results.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    /// How often a request was sent.
    pub attempts: u32,
    /// The status of the last answer.
    pub http_status: Option<u16>,
    /// Graph's id of the last answer.
    pub request_id: String,
    /// Our id of the last call.
    pub client_request_id: String,
}

/// What happened in a conversation so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// When the first request was made ready.
    pub started_at: Option<Instant>,
    /// GETs.
    pub reads: Traffic,
    /// All others.
    pub writes: Traffic,
    /// Whether a write was sent whose answer left open what it did, whatever a later sending was answered.
    pub has_doubtful_write: bool,
}

impl Trace {
    /// Before the first request.
    pub const NOTHING_SENT: Self =
        Self { started_at: None, reads: NO_TRAFFIC, writes: NO_TRAFFIC, has_doubtful_write: false };

    /// Before the first request of a conversation that goes on where an earlier one broke off after a write.
    pub const IN_DOUBT: Self =
        Self { started_at: None, reads: NO_TRAFFIC, writes: NO_TRAFFIC, has_doubtful_write: true };

    /// What the results tell: the writes, or the reads where there was no write.
    #[must_use]
    pub const fn told(&self) -> &Traffic {
        if self.writes.attempts > 0 { &self.writes } else { &self.reads }
    }

    pub(super) const fn of(&mut self, access: Access) -> &mut Traffic {
        match access {
            Access::Read => &mut self.reads,
            Access::Write => &mut self.writes,
        }
    }
}

const NO_TRAFFIC: Traffic =
    Traffic { attempts: 0, http_status: None, request_id: String::new(), client_request_id: String::new() };
