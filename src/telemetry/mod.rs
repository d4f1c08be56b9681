//! What machines are told of a run while it goes on: every event, and metrics.

pub mod event_log;
mod labels;
pub mod metrics;
mod open_operations;
#[cfg(feature = "otlp")]
pub mod otlp;
