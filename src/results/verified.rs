//! verify.csv: what became of what each row of a run asked for.

use std::path::Path;

use crate::model::event::{Ended, ObserverError};
use crate::model::header::Header;
use crate::policy::verify::Finding;

use super::rows::Asked;
use super::whole_lines::{WholeLines, free_text, harmless};

const COLUMNS: [&str; 10] = [
    "row",
    "user",
    "action",
    "phone_type",
    "phone_number",
    "status",
    "verdict",
    "found",
    "detail",
    "read_at",
];

/// Writes a line for each row.
#[derive(Debug)]
pub struct Verified {
    lines: WholeLines,
    header: Header,
}

impl Verified {
    /// Makes the file, which must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path, header: &Header) -> Result<Self, ObserverError> {
        Ok(Self { lines: WholeLines::create(path, COLUMNS)?, header: header.clone() })
    }

    /// Adds the line of a row; `read_at` is empty where its user was not read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, ended: &Ended, finding: &Finding, read_at: &str) -> Result<(), ObserverError> {
        let asked = Asked::of(&ended.work, &self.header);
        let fields: [&str; COLUMNS.len()] = [
            &ended.work.row().number.to_string(),
            &harmless(asked.user),
            &harmless(asked.action),
            &harmless(asked.phone_type),
            &harmless(asked.phone_number),
            ended.outcome.status.name(),
            finding.verdict.name(),
            &free_text(&finding.found),
            &free_text(&finding.detail),
            read_at,
        ];
        self.lines.push(fields)
    }

    /// Puts the file in the place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be written or renamed.
    pub fn finish(mut self, path: &Path) -> Result<(), ObserverError> {
        self.lines.move_to(path)
    }
}
