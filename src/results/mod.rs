//! The files that a run leaves behind, made from its events.

mod in_order;
mod names;
mod whole_lines;

pub mod checked;
pub mod excel;
pub mod methods;
pub mod numbers_taken;
pub mod operations;
pub mod plan_document;
pub mod plan_rows;
pub mod plan_stream;
pub mod readings;
pub mod rows;
pub mod summary;
pub mod undo_rows;
pub mod unfinished;
pub mod verified;
pub mod workbook;

#[cfg(test)]
mod samples;
