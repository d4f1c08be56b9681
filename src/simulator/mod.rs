//! A local tenant that speaks Graph: a pure state machine, an HTTP server and an in-process transport for it.
//!
//! Built from Microsoft's documentation and from what others observed. Where neither says what Graph answers, it does
//! what clients must expect at worst, and the comment says that it is an assumption.

pub mod assertion;
pub mod authority;
pub mod batch;
pub mod directory;
pub mod faults;
pub mod identity;
pub mod ledger;
pub mod link;
mod pages;
pub mod phones;
pub mod reply;
pub mod resets;
pub mod route;
pub mod server;
pub mod settings;
pub mod tenant;
#[cfg(test)]
mod tests;
pub mod throttle;
pub mod tokens;
pub mod users;
