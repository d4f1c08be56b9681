//! Where a bearer token comes from and when it is renewed: one file a kind.

pub mod access_token;
pub mod advice;
mod asking;
pub mod authority;
pub mod cache;
pub mod certificate;
pub mod claims;
pub mod client_certificate;
pub mod client_secret;
pub mod command;
pub mod demand;
pub mod device_code;
pub mod granted;
pub mod keyring;
pub mod kind;
pub mod managed_identity;
pub mod renewal;
pub mod sealing;
pub mod signed_in;
pub mod workload_identity;
