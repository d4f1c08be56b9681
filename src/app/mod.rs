//! The commands: wiring, exit codes, all printing, wall-clock time and the environment.

mod asked;
mod check;
mod checkup;
mod clock;
mod closing;
#[cfg(feature = "otlp")]
mod collector;
mod connect;
mod credential;
mod doctor;
mod environment;
pub mod error;
pub mod exit;
mod explain;
mod files;
mod findings;
mod holders;
mod job;
pub mod locks;
mod logging;
mod memory;
mod next;
mod rehearsal;
mod report;
mod resume;
mod run;
mod run_directory;
mod sign_in;
mod signals;
mod simulator;
mod sinks;
pub mod start;
mod state;
mod template;
mod verify;
