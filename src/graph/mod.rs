//! The API in our words: paths, bodies, errors, and calls that are paced, retried and judged.

pub mod call;
pub mod client;
pub mod cloud;
pub mod error;
pub mod keeping;
pub mod needs;
pub mod path;
mod patience;
pub mod session;
#[cfg(test)]
pub(crate) mod tests;
pub mod trace;
pub mod wire;
