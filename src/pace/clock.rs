//! tokio's clock in governor's form, so that rate limits obey a paused clock.

use governor::clock::Clock;
use tokio::time::Instant;

/// Reads [`tokio::time::Instant`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}
