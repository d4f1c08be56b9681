//! What machines are told of a run while it goes on: every event, and metrics.

pub mod event_log;
pub mod metrics;
