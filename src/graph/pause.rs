//! What an answer asked for.

use std::time::Duration;

use tokio::time::Instant;

/// A pause that an answer asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    /// How long.
    pub(super) span: Duration,
    /// By how much that prolongs the pause of everybody.
    pub(super) prolonged: Duration,
    /// When everybody's pause ends.
    pub(super) until: Instant,
}
