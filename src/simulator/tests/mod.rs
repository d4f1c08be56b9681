//! The tenant answers as the documents say.

mod addresses;
mod batch;
mod client;
mod ledger;
mod phones;
mod quotas;
mod resets;
mod server;
mod tokens;
mod tutorial;
