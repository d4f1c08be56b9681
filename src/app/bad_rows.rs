//! Tells which rows of a file cannot be done.

use std::fmt::Write as _;
use std::path::Path;

use crate::input::checks::Findings;

/// A line for each bad row, at most fifty, and then the count.
pub(super) fn report(file: &Path, findings: &Findings) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    for invalid in &findings.examples {
        let (row, column, value, reason) =
            (invalid.row.number, &invalid.column, &invalid.value, &invalid.reason);
        let _ = writeln!(text, "{}: row {row}, {column} '{value}' {reason}", file.display());
    }
    let left = findings.invalid - findings.examples.len() as u64;
    if left > 0 {
        let _ = writeln!(text, "{}: and {left} more bad rows", file.display());
    }
    text
}
