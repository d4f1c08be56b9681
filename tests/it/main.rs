//! The program as its users meet it: the real binary, real files, and sockets on this machine only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod check;
mod corpus;
mod dialects;
mod doctor;
mod exit_codes;
mod faults;
mod files;
mod holders;
mod kills;
mod kinds;
mod leaks;
mod masked;
mod numbering;
mod order;
mod pace;
mod results;
mod resume;
mod samples;
mod secrets;
mod sign_in;
mod signals;
mod support;
mod transport;
mod unfinished_is_input;
mod verify;
