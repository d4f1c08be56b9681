//! The commands: wiring, exit codes, all printing, wall-clock time and the environment.

mod check;
mod checkup;
mod clock;
mod closing;
mod connect;
mod credential;
mod doctor;
mod environment;
pub mod error;
pub mod exit;
mod files;
mod findings;
mod job;
pub mod locks;
mod logging;
mod memory;
mod rehearsal;
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
