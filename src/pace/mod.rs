//! When a request may leave.

pub mod clock;
mod limiter;
pub mod pacer;
pub mod shutdown;
