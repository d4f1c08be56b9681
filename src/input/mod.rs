//! From a CSV file to work: rows are read one by one and understood, or refused with a reason.

pub mod checks;
pub mod columns;
mod known_numbers;
pub mod passwords;
pub mod phone_text;
pub mod records;
pub mod rows;
pub mod source;
pub mod spelling;
pub mod words;
