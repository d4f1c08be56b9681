//! How the rows of a run stand when a process takes it up again.

use std::collections::{HashMap, HashSet};

use rusqlite::Row as Record;

use super::replay::{Unreadable, named, operation, row_number, work};
use super::schema::JournalError;
use super::store::Store;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::outcome::Status;
use crate::model::row::{RowNumber, RowSet};
use crate::model::task::{Prior, Task, Work};
use crate::model::timeline::Timeline;

/// How the rows stand. A row that is named nowhere was never tried.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Rows that have come to their end: they are never done again.
    pub done: RowSet,
    /// Rows that may have been written: they are read back first.
    pub in_doubt: HashSet<RowNumber>,
    /// Resets that were accepted and whose operations had not ended.
    pub open: HashMap<RowNumber, Operation>,
}

/// Which failures are an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    /// All.
    Final,
    /// All but those of rows that were refused for want of a sign-in or a permission: it was given since, perhaps.
    FinalButRefusals,
}

impl Standing {
    /// What an earlier session did about a row that is to be done.
    #[must_use]
    pub fn prior(&self, row: RowNumber) -> Prior {
        match self.open.get(&row) {
            Some(operation) => Prior::Accepted(Box::new(operation.clone())),
            None if self.in_doubt.contains(&row) => Prior::InDoubt,
            None => Prior::Untried,
        }
    }
}

impl Store {
    /// How the rows stand. The moments of open operations are on `timeline`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn standing(&self, failures: Failures, timeline: &Timeline) -> Result<Standing, JournalError> {
        self.understood(self.read_standing(failures, timeline))
    }

    /// Resets whose operations had not ended when nobody waited for them any longer, in the order of their rows.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pending(&self, timeline: &Timeline) -> Result<Vec<Task>, JournalError> {
        self.understood(self.read_pending(timeline))
    }

    /// The exit code of the last session that ended by itself.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_exit(&self) -> Result<Option<u8>, JournalError> {
        let sql = "SELECT (SELECT exit_code FROM sessions WHERE exit_code IS NOT NULL ORDER BY session DESC LIMIT 1)";
        let code = self.connection.query_row(sql, [], |record| record.get(0));
        self.understood(code.map_err(Unreadable::from))
    }

    fn read_standing(&self, failures: Failures, timeline: &Timeline) -> Result<Standing, Unreadable> {
        let mut standing = Standing { open: self.open_operations(timeline)?, ..Standing::default() };
        let mut begun = self.begun()?;
        let sql = "SELECT row, session, status, action, failure_status, error_code FROM rows";
        let mut statement = self.connection.prepare(sql)?;
        let mut records = statement.query([])?;
        while let Some(record) = records.next()? {
            let (row, session) = (row_number(record, 0)?, record.get::<_, i64>(1)?);
            for (_, rows) in begun.iter_mut().filter(|(begun_in, _)| *begun_in <= session) {
                rows.remove(row);
            }
            if begun.iter().any(|(_, rows)| rows.contains(row)) {
                continue;
            }
            let text = |at| Ok::<_, Unreadable>(record.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?);
            let is_end = match named(Status::ALL, Status::name, text(2)?)? {
                Status::Succeeded | Status::Unchanged => true,
                Status::Failed if failures == Failures::Final => true,
                Status::Failed => {
                    let status: Option<u16> = record.get(4)?;
                    let is_sign_in = record.get::<_, Option<String>>(5)?.as_deref() == Some("sign-in");
                    !(matches!(status, Some(401 | 403)) || is_sign_in)
                }
                // Only reading back can tell, and of a password nothing can be read back.
                Status::Unknown if text(3)? == "reset-password" && !is_interrupted(record)? => true,
                Status::Unknown => {
                    standing.in_doubt.insert(row);
                    false
                }
                Status::Pending => !standing.open.contains_key(&row),
                Status::Unprocessed => false,
            };
            if is_end {
                standing.done.insert(row);
            }
        }
        for (_, rows) in &begun {
            standing.in_doubt.extend(rows.iter().filter(|row| !standing.open.contains_key(row)));
        }
        Ok(standing)
    }

    /// The rows that began, by session.
    fn begun(&self) -> Result<Vec<(i64, RowSet)>, Unreadable> {
        let mut statement = self.connection.prepare("SELECT session, rows FROM begun ORDER BY session")?;
        let mut records = statement.query([])?;
        let mut begun: Vec<(i64, RowSet)> = Vec::new();
        while let Some(record) = records.next()? {
            let session = record.get(0)?;
            let rows: Vec<u64> =
                serde_json::from_str(record.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)
                    .map_err(|error| Unreadable::Content(format!("begun: {error}")))?;
            if begun.last().is_none_or(|(last, _)| *last != session) {
                begun.push((session, RowSet::default()));
            }
            if let Some((_, set)) = begun.last_mut() {
                for row in rows {
                    set.insert(RowNumber(row));
                }
            }
        }
        Ok(begun)
    }

    fn open_operations(&self, timeline: &Timeline) -> Result<HashMap<RowNumber, Operation>, Unreadable> {
        let sql = "SELECT operations.* FROM operations LEFT JOIN rows USING (row) \
                   WHERE operations.finished_at IS NULL AND (rows.status IS NULL OR rows.status IN ('unprocessed', 'pending')) \
                   OR operations.status = 'timedOut' AND rows.status = 'pending' ORDER BY operations.accepted_at";
        let mut statement = self.connection.prepare(sql)?;
        let mut records = statement.query([])?;
        let mut open = HashMap::new();
        while let Some(record) = records.next()? {
            let mut operation = operation(record, timeline)?;
            // Given up is not ended.
            (operation.status, operation.finished_at) = (OperationStatus::Running, None);
            open.insert(operation.row, operation);
        }
        Ok(open)
    }

    fn read_pending(&self, timeline: &Timeline) -> Result<Vec<Task>, Unreadable> {
        let mut open = self.open_operations(timeline)?;
        let mut statement =
            self.connection.prepare("SELECT * FROM rows WHERE status = 'pending' ORDER BY row")?;
        let mut records = statement.query([])?;
        let mut pending = Vec::new();
        while let Some(record) = records.next()? {
            let Work::Task(mut task) = work(record)? else { continue };
            if let Some(operation) = open.remove(&task.row.number) {
                task.prior = Prior::Accepted(Box::new(operation));
                pending.push(task);
            }
        }
        Ok(pending)
    }
}

/// Whether the row was in doubt when a session took it up that did not come to it.
fn is_interrupted(record: &Record<'_>) -> Result<bool, Unreadable> {
    Ok(record.get::<_, Option<String>>(5)?.as_deref() == Some("interrupted"))
}
