//! The run: feeds tasks to workers, listens to what happens, and ends every row exactly once.

mod canary;
pub mod lost_resets;
pub mod operations;
pub mod queue;
pub mod run;
#[cfg(test)]
mod tests;
pub mod worker;
