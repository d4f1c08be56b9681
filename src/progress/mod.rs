//! The view of a run while it goes on. The one door to indicatif; hands out the writer that logs go through.

mod lines;
mod outlook;

pub mod screen;
pub mod view;
