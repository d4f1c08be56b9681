//! The tenant answers as the documents say.

mod client;
mod phones;
mod tutorial;
