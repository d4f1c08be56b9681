//! Sending one request, once. Knows HTTP, but neither Graph, pace nor retries.

pub mod bearer;
#[cfg(feature = "otlp")]
pub mod collector;
mod connector;
pub mod exchange;
pub mod http;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;
