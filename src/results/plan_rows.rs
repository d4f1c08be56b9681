//! plan.csv: what a run would do, a line for each row.

use std::path::Path;

use crate::model::event::ObserverError;

use super::plan_document::PlanRow;
use super::whole_lines::{WholeLines, free_text};

const COLUMNS: [&str; 9] =
    ["row", "user", "action", "change", "phone_type", "from", "to", "error_code", "reason"];

/// Writes a line for each step of a row, and one for a row without any.
#[derive(Debug)]
pub struct PlanRows {
    lines: WholeLines,
}

impl PlanRows {
    /// Makes the file, in the place of one that is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self, ObserverError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(super::whole_lines::fault(path)(error))
            }
            Ok(()) | Err(_) => Ok(Self { lines: WholeLines::create(path, COLUMNS)? }),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, row: &PlanRow) -> Result<(), ObserverError> {
        let number = row.row.to_string();
        let reason = free_text(&row.reason);
        let mut line = |change: &str, phone_type: &str, from: &str, to: &str| {
            let fields = [&number, &row.user, &row.action, change, phone_type, from, to, &row.code, &reason];
            self.lines.push(fields)
        };
        if row.steps.is_empty() {
            return line(&row.change, "", "", "");
        }
        row.steps.iter().try_for_each(|step| line(&step.change, &step.phone_type, &step.from, &step.to))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<(), ObserverError> {
        self.lines.sync()
    }
}
