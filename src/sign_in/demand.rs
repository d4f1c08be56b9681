//! What is asked of a kind of sign-in.

use std::time::Duration;

/// Why a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// There is none, or the last one has run out or will.
    Needed,
    /// Graph refused the last one.
    Rejected,
}

/// What is asked of a kind of sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand<'challenge> {
    /// Why.
    pub occasion: Occasion,
    /// What the token must prove, as JSON, where Graph said so.
    pub claims: Option<&'challenge str>,
    /// How long a busy or unreachable service is asked again.
    pub patience: Duration,
}
