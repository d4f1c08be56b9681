//! A password reset that Graph accepted and carries out in the background.

use std::time::Duration;

use tokio::time::Instant;

use super::row::RowNumber;
use super::user::UserId;

/// How far the operation is: as Graph spells it, or given up by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationStatus {
    /// Accepted.
    NotStarted,
    /// Under way, or in a state that this program does not know.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// It had not ended when the run stopped waiting.
    TimedOut,
}

impl OperationStatus {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NotStarted, Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut];

    /// The word in operations.csv.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotStarted => "notStarted",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timedOut",
        }
    }
}

/// One reset operation: a line of operations.csv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The row that asked for the reset.
    pub row: RowNumber,
    /// Whose password.
    pub user: UserId,
    /// Graph's id of the operation: the last path segment of its URL.
    pub id: String,
    /// The `Location`, verbatim: its query routes to the data centre that knows the operation. Valid for 24 h.
    pub url: String,
    /// The last status seen.
    pub status: OperationStatus,
    /// Graph's words about it, empty before the first poll.
    pub status_detail: String,
    /// Graph's `createdDateTime` as written, empty before the first poll.
    pub created_at: String,
    /// Graph's `lastActionDateTime` as written, empty before the first poll.
    pub last_action_at: String,
    /// When the 202 came.
    pub accepted_at: Instant,
    /// When it ended or was given up; `None` while it is open.
    pub finished_at: Option<Instant>,
    /// How often it was asked for.
    pub polls: u32,
    /// Whether an earlier sending of the same reset was not answered: it may have had an operation of its own, whose
    /// address nobody knows.
    pub follows_doubt: bool,
    /// Whether an earlier reset of the user was lost, which may end after this one and set another password.
    pub may_be_overtaken: bool,
    /// The pause that the 202 asked for.
    pub retry_after: Option<Duration>,
}
