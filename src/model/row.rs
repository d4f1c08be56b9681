//! One line of the input as it was written.

use std::fmt;

/// The number of a data row. The first row after the header is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowNumber(pub u64);

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One data row: its number, and its fields in the order of the header.
///
/// The fields may hold a password; [`Header::new_password`](super::header::Header::new_password) says where.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Results are told apart by this number, never by position.
    pub number: RowNumber,
    /// Every field as written, kept so that results can carry them through.
    pub fields: Box<[Box<str>]>,
}

impl Row {
    /// The field at `column`, or the empty text where the row is too short.
    #[must_use]
    pub fn field(&self, column: usize) -> &str {
        self.fields.get(column).map_or("", |field| field)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The fields stay out: one of them may be a password.
        write!(f, "Row({}, {} fields)", self.number, self.fields.len())
    }
}
