//! Whole runs against the simulated tenant, in virtual time.

mod demand;
mod faults;
mod guarded;
mod order;
mod resets;
mod stage;
mod stopping;
