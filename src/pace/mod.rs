//! When a request may leave.

pub mod clock;
pub mod fellows;
mod lane;
mod limiter;
pub mod pacer;
pub mod shutdown;
