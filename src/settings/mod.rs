//! What the user asked for, decided. Nobody but `app` imports it.

mod address;
pub mod args;
pub mod connection;
pub mod error;
pub mod file;
pub mod form;
pub mod guards;
pub mod plan;
pub mod prospect;
pub mod resolve;
pub mod secret_source;
pub mod sign_in;
pub mod simulator;
pub mod stored;
