//! Pure decisions: nothing here sleeps, sends or reads a clock.

pub mod backoff;
pub mod budget;
pub mod classify;
pub mod failures;
pub mod permission;
pub mod retry_after;
