//! When a request may leave. The one door to governor.

pub mod clock;
pub mod pacer;
pub mod shutdown;
