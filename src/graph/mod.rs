//! The API in our words: paths, bodies, errors, and calls that are paced, retried and judged.

mod batch;
pub mod call;
pub mod client;
pub mod cloud;
mod departure;
pub mod error;
pub mod keeping;
mod line;
pub mod needs;
pub mod path;
mod patience;
mod pause;
pub mod session;
#[cfg(test)]
pub(crate) mod tests;
pub mod trace;
pub mod wire;
