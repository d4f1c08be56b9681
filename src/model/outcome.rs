//! How a row ended.

use std::fmt;

use super::error_code::OwnCode;

/// The six ways in which a row can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Done now.
    Succeeded,
    /// It was so already; nothing was written.
    Unchanged,
    /// It is known not to have been done.
    Failed,
    /// It may have been done, and could not be found out.
    Unknown,
    /// A reset was accepted, and its operation had not ended when the run stopped waiting.
    Pending,
    /// Never tried: the run stopped first.
    Unprocessed,
}

impl Status {
    /// All of them, in the order in which people are told.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Unchanged, Self::Failed, Self::Unknown, Self::Pending, Self::Unprocessed];

    /// The word in results.csv.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Unprocessed => "unprocessed",
        }
    }

    /// Whether what was asked for holds.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Unchanged)
    }

    /// Whether the row has to be run again to be done. A reset that is pending has to be followed instead.
    #[must_use]
    pub const fn needs_further_run(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::Unprocessed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Graph's word for a mobile that cannot sign in by SMS because its number signs in another user: an error code (observed
/// with HTTP 409 in production runbooks; not documented), and a state (Graph v1.0, enum
/// `authenticationMethodSignInState`).
pub const NUMBER_NOT_UNIQUE: &str = "phoneNumberNotUnique";

/// Why a row failed, in the service's words or ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The status of the answer that decided; `None` where none came.
    pub http_status: Option<u16>,
    /// Graph's error code, or one of ours (`invalid-row`, `no-answer`, …). Never empty.
    pub code: String,
    /// Graph's message or ours, never with a secret in it.
    pub message: String,
}

impl Failure {
    /// A failure that Graph has no code for. `http_status` is that of the answer that decided, `None` where none came.
    #[must_use]
    pub fn own(code: OwnCode, http_status: Option<u16>, message: impl Into<String>) -> Self {
        Self { http_status, code: code.name().to_owned(), message: message.into() }
    }
}

/// How a row ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which of the six.
    pub status: Status,
    /// What a person should know beside the status; may be empty.
    pub detail: String,
    /// Why not: always there for `failed` and `unknown`.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// An end without anything that went wrong.
    #[must_use]
    pub fn new(status: Status, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), failure: None }
    }

    /// Whether the number signs in another user, whatever became of the row: it may have been stored all the same.
    #[must_use]
    pub fn is_number_taken(&self) -> bool {
        let code = self.failure.as_ref().map_or("", |failure| &failure.code);
        code.eq_ignore_ascii_case(NUMBER_NOT_UNIQUE) || self.detail.contains(NUMBER_NOT_UNIQUE)
    }

    /// Not done before its time: `until` says what it waits for, as the end of the sentence "is not done until …".
    #[must_use]
    pub fn not_due(until: &str) -> Self {
        let failure = Failure::own(OwnCode::NotDue, None, format!("not done until {until}"));
        let detail = format!("not due: waits until {until}");
        Self { status: Status::Unprocessed, detail, failure: Some(failure) }
    }

    /// Whether the row's time had not come.
    #[must_use]
    pub fn is_not_due(&self) -> bool {
        let code = self.failure.as_ref().map_or("", |failure| &failure.code);
        self.status == Status::Unprocessed && code == OwnCode::NotDue.name()
    }

    /// The code by which the row counts among those that went wrong; `None` for one that was never tried, and that has a
    /// code only to say why.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        let failure = self.failure.as_ref().filter(|_| self.status != Status::Unprocessed);
        failure.map(|failure| failure.code.as_str())
    }

    /// Known not to have been done.
    #[must_use]
    pub fn failed(failure: Failure, hint: impl Into<String>) -> Self {
        Self { status: Status::Failed, detail: hint.into(), failure: Some(failure) }
    }

    /// May have been done.
    #[must_use]
    pub fn unknown(failure: Failure, hint: impl Into<String>) -> Self {
        Self { status: Status::Unknown, detail: hint.into(), failure: Some(failure) }
    }
}
