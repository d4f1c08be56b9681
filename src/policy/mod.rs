//! Pure decisions: nothing here sleeps, sends or reads a clock.

pub mod backoff;
pub mod budget;
pub mod caps;
pub mod challenge;
pub mod classify;
mod company;
mod cruise;
mod descent;
pub mod earlier;
pub mod failures;
pub mod forecast;
mod growth;
pub mod holders;
pub mod permission;
mod ramp;
pub mod rate;
pub mod recall;
mod renewal;
pub mod retry_after;
pub mod search;
pub mod skew;
pub mod throttle_scope;
pub mod undo;
pub mod verify;
pub mod waves;
