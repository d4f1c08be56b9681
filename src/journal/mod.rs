//! The durable record of a run: what it has not noted has not happened. The one door to SQLite.

mod digest;
mod ends;
mod inbox;
mod note;

pub mod record;
pub mod replay;
mod row_end;
pub mod schema;
pub mod standing;
pub mod store;
pub mod writer;

#[cfg(test)]
mod tests;
