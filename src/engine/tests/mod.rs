//! Whole runs against the simulated tenant, in virtual time.

mod order;
mod resets;
mod stage;
