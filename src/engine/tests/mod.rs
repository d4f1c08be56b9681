//! Whole runs against the simulated tenant, in virtual time.

mod faults;
mod faults_and_stops;
mod order;
mod resets;
mod stage;
mod stopping;
mod trial;
