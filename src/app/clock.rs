//! What time it is.

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::timeline::Timeline;

/// The present time: the one place that reads the wall clock.
#[expect(clippy::disallowed_methods, reason = "the application may know what time it is")]
pub(super) fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// The present moment on both clocks.
pub(super) fn timeline_now() -> Timeline {
    Timeline::new(Instant::now(), wall_clock())
}
