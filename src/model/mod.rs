//! The words of the house: plain values without I/O, clock or async.

pub mod action;
pub mod actor;
pub mod demand;
pub mod digest;
pub mod error_code;
pub mod event;
pub mod fingerprint;
pub mod foresight;
pub mod header;
pub mod latency;
pub mod method;
pub mod numbers;
pub mod operation;
pub mod outcome;
pub mod outlook;
pub mod phone;
pub mod row;
pub mod secret;
pub mod stats;
pub mod task;
pub mod throughput;
pub mod timeline;
pub mod user;
pub mod user_rows;
pub mod user_state;
pub mod wards;
