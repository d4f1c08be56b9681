//! undo.csv, the rows that take a run back, as a run reads them; and not-undone.csv, the rows that stay as they are.

use std::path::Path;

use crate::model::event::{Ended, ObserverError};
use crate::model::header::Header;
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::policy::undo::Step;

use super::rows::Asked;
use super::whole_lines::{WholeLines, free_text, harmless};

/// Writes undo.csv.
#[derive(Debug)]
pub struct UndoRows {
    lines: WholeLines,
}

impl UndoRows {
    /// Makes the file, which must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path) -> Result<Self, ObserverError> {
        let columns = ["user", "action", "phone_type", "phone_number", "undoes_rows"];
        Ok(Self { lines: WholeLines::create(path, columns)? })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, user: &UserId, step: &Step) -> Result<(), ObserverError> {
        let phone_type = step.action.phone_type().map_or("", |phone_type| phone_type.name());
        let number = step.action.phone().map_or("", |phone| phone.number.as_str());
        let rows: Vec<String> = step.rows.iter().map(RowNumber::to_string).collect();
        self.lines.push([user.as_str(), step.action.name(), phone_type, number, &rows.join(" ")])
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<(), ObserverError> {
        self.lines.sync()
    }
}

/// Writes not-undone.csv.
#[derive(Debug)]
pub struct NotUndone {
    lines: WholeLines,
    header: Header,
}

impl NotUndone {
    /// Makes the file, which must not exist, for a run whose input has this header.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path, header: &Header) -> Result<Self, ObserverError> {
        let columns = ["row", "user", "action", "phone_type", "phone_number", "status", "reason"];
        Ok(Self { lines: WholeLines::create(path, columns)?, header: header.clone() })
    }

    /// Adds a row of the run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, ended: &Ended, reason: &str) -> Result<(), ObserverError> {
        let asked = Asked::of(&ended.work, &self.header);
        self.lines.push([
            ended.work.row().number.to_string().as_str(),
            &harmless(asked.user),
            &harmless(asked.action),
            &harmless(asked.phone_type),
            &harmless(asked.phone_number),
            ended.outcome.status.name(),
            &free_text(reason),
        ])
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<(), ObserverError> {
        self.lines.sync()
    }
}
