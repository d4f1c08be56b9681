//! From a file to work: rows are read one by one and understood, or refused with a reason.

pub mod checks;
pub mod columns;
pub mod content;
pub mod dialect;
pub mod encoding;
mod fiction;
pub mod meanings;
pub mod moment_text;
mod neighbours;
pub mod numbering;
pub mod passwords;
pub mod phone_text;
pub mod records;
pub mod remarks;
pub mod rows;
mod shape;
pub mod source;
pub mod spelling;
mod tidy;
pub mod words;
pub mod workbook;
