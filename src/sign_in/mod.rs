//! Where a bearer token comes from and when it is renewed: one file a kind.

pub mod access_token;
pub mod claims;
pub mod client_secret;
pub mod kind;
