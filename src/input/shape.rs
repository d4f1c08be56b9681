//! Whether a row has the shape of its header, or its cells are cut in the wrong places.

use crate::model::header::Header;
use crate::model::row::Row;

use super::remarks::{Cause, Remark};

/// Whether a row has as many fields as the header has names.
///
/// # Errors
/// When it has not.
pub(super) fn as_many_fields_as_names(row: &Row, header: &Header) -> Result<(), Remark> {
    let (fields, names) = (row.fields.len(), header.names.len());
    if fields == names {
        return Ok(());
    }
    let cure = if row.fields.iter().any(|field| field.contains('\n')) {
        "a double quote may not be closed"
    } else if fields > names {
        "put a field that holds what cuts fields between double quotes"
    } else {
        "fill the row up with commas"
    };
    let reason = format!("has {fields} fields where the header has {names}: {cure}");
    Err(Remark { cause: Cause::Fields, column: None, text: reason })
}

/// A double quote that is not closed makes a cell of the rows behind it, which would be lost without a word.
///
/// # Errors
/// When a cell looks as if it did so.
pub(super) fn holds_no_other_row(row: &Row, header: &Header) -> Result<(), Remark> {
    let swallowed = (0..row.fields.len()).find(|column| header.holds_other_rows(row, *column));
    swallowed.map_or(Ok(()), |column| {
        let text = "holds a line that looks like another row: close the double quote before it".to_owned();
        Err(Remark { cause: Cause::UnclosedQuote, column: Some(column), text })
    })
}
