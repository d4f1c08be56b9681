//! What the user asked for, decided. Nobody but `app` imports it.

pub mod args;
pub mod connection;
pub mod error;
pub mod file;
pub mod form;
pub mod guards;
pub mod plan;
pub mod resolve;
pub mod sign_in;
pub mod simulator;
pub mod stored;
