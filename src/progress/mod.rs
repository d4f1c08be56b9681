//! The view of a run while it goes on. The one door to the terminal; hands out the writer that logs go through.

mod canvas;
mod lines;
mod outlook;

pub mod screen;
pub mod view;
