//! The program as its users meet it: the real binary, real files, and sockets on this machine only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod check;
mod corpus;
mod dialects;
mod doctor;
mod error_guide;
mod exit_codes;
mod faults;
mod files;
mod guard;
mod holders;
mod kills;
mod kinds;
mod leaks;
mod machines;
mod masked;
mod nightly;
mod numbering;
mod order;
#[cfg(feature = "otlp")]
mod otlp;
mod pace;
mod plan;
mod report;
mod results;
mod resume;
mod samples;
mod secrets;
mod sign_in;
mod signals;
mod story;
mod support;
mod transport;
mod undo;
mod unfinished_is_input;
mod verify;
mod waves;
