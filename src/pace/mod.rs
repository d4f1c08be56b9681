//! When a request may leave.

pub mod clock;
mod lane;
mod limiter;
pub mod pacer;
pub mod shutdown;
