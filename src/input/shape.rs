//! Whether a row has the shape of its header, or its cells are cut in the wrong places.

use std::fmt::Write as _;

use crate::model::header::Header;

use super::records::{Record, Span};
use super::remarks::{Cause, Remark};

/// Whether a row has as many fields as the header has names.
///
/// # Errors
/// When it has not.
pub(super) fn as_many_fields_as_names(record: &Record, header: &Header) -> Result<(), Remark> {
    let (fields, names) = (record.row.fields.len(), header.names.len());
    if fields == names {
        return Ok(());
    }
    let noun = if fields == 1 { "field" } else { "fields" };
    let mut text = format!("has {fields} {noun} where the header has {names}");
    if let Some((first, last)) = lines(record, 0..fields) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ", and goes from line {first} to line {last} of the file");
    }
    text.push_str(
        if record.span != Span::Line && record.row.fields.iter().any(|field| field.contains('\n')) {
            ": a double quote may not be closed"
        } else if fields > names {
            ": put a field that holds what cuts fields between double quotes"
        } else {
            ": fill the row up with commas"
        },
    );
    Err(Remark { cause: Cause::Fields, column: None, text })
}

/// A double quote that is not closed makes a cell of the rows behind it, which would be lost without a word.
///
/// # Errors
/// When a cell looks as if it did so.
pub(super) fn holds_no_other_row(record: &Record, header: &Header) -> Result<(), Remark> {
    if record.span == Span::Line {
        return Ok(());
    }
    let swallowed = |column: &usize| header.other_rows(&record.row, *column).next().is_some();
    let Some(column) = (0..record.row.fields.len()).find(swallowed) else { return Ok(()) };
    let rows = header.other_rows(&record.row, column).count();
    let like = if rows == 1 { "looks like another row" } else { "look like other rows" };
    let text = match lines(record, column..column + 1) {
        None if rows == 1 => format!("holds a line that {like}: give it a row of its own"),
        None => format!("holds {rows} lines that {like}: give each a row of its own"),
        Some((first, last)) if last == first + 1 => {
            format!("takes in line {last} of the file, which {like}: close the double quote in line {first}")
        }
        Some((first, last)) => {
            let to = if last == first + 2 { "and" } else { "to" };
            let lines = format!("lines {} {to} {last}", first + 1);
            format!(
                "takes in {lines} of the file, {rows} of which {like}: close the double quote in line {first}"
            )
        }
    };
    Err(Remark { cause: Cause::UnclosedQuote, column: Some(column), text })
}

/// The first and the last line of these cells in the file, where they go over several.
fn lines(record: &Record, columns: std::ops::Range<usize>) -> Option<(u64, u64)> {
    let Span::Lines { first, end } = record.span else { return None };
    let fields = &record.row.fields;
    let breaks = |text: &str| end.count(text.as_bytes());
    let first = first + fields.iter().take(columns.start).map(breaks).sum::<u64>();
    let within = columns.clone().filter_map(|column| fields.get(column)).map(breaks).sum::<u64>();
    // What the end of the file closes ends with an empty line, which is none.
    let last = fields.get(columns.end.checked_sub(1)?)?;
    let closing = breaks(&last[last.trim_end_matches(['\r', '\n']).len()..]);
    (within > 0).then(|| (first, first + within.saturating_sub(closing).max(1)))
}

#[cfg(test)]
mod tests {
    use super::super::dialect::LineEnd;
    use super::*;
    use crate::model::row::{Row, RowNumber};

    fn told(note: &str, span: Span) -> Option<String> {
        let header = Header {
            names: ["user", "note"].map(str::to_owned).to_vec(),
            user: Some(0),
            extra: vec![1],
            ..Header::default()
        };
        let fields = Box::new(["a@b.c", note].iter().collect());
        let record = Record { row: Row { number: RowNumber(1), fields }, is_readable: true, span };
        holds_no_other_row(&record, &header).err().map(|remark| remark.text)
    }

    #[test]
    fn lines_that_look_like_rows_are_told_with_their_place_where_they_have_one() {
        let lines = Span::Lines { first: 5, end: LineEnd::LineFeed };
        for (note, span, expected) in [
            ("two\nlines, and more", lines, None),
            ("\nb@b.c,x", lines, Some("takes in line 6 of the file, which looks like another row: close")),
            (
                "\nb@b.c,x\nc@b.c,x",
                lines,
                Some("takes in lines 6 and 7 of the file, 2 of which look like other rows: "),
            ),
            (
                "\n\n\nb@b.c,x\n",
                lines,
                Some("takes in lines 6 to 8 of the file, 1 of which looks like another row: "),
            ),
            ("\nb@b.c,x", Span::Unknown, Some("holds a line that looks like another row: give it a row")),
            ("\nb@b.c,x\nc@b.c,x", Span::Unknown, Some("holds 2 lines that look like other rows: give each")),
        ] {
            let told = told(note, span);
            let fits = match (&told, expected) {
                (Some(told), Some(expected)) => told.starts_with(expected),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            assert!(fits, "{note:?} {span:?}: {told:?}");
        }
    }
}
