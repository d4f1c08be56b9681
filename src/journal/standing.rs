//! How the rows of a run stand when a process takes it up again.

use std::collections::HashMap;

use rusqlite::Row as Record;

use super::replay::{Unreadable, named, operation, row_number, work};
use super::schema::JournalError;
use super::store::Store;
use crate::model::error_code::OwnCode;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::outcome::{Failure, Status};
use crate::model::row::{RowNumber, RowSet};
use crate::model::task::{Prior, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;

/// How the rows stand. A row that is named nowhere was never tried.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Rows that have come to their end: they are never done again.
    pub done: RowSet,
    /// Rows that may have been written: they are read back first. With each goes why that is not known, where that was
    /// noted.
    pub in_doubt: HashMap<RowNumber, Option<Box<Failure>>>,
    /// Resets that were accepted and whose operations had not ended.
    pub open: HashMap<RowNumber, Operation>,
}

/// Which failures are an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    /// All.
    Final,
    /// All but those of rows that were refused for want of a sign-in or a permission in a session that ended with this
    /// exit code: it was given since, perhaps.
    FinalButRefusals(u8),
}

impl Standing {
    /// What an earlier session did about a row that is to be done.
    #[must_use]
    pub fn prior(&self, row: RowNumber) -> Prior {
        match (self.open.get(&row), self.in_doubt.get(&row)) {
            (Some(operation), _) => Prior::Accepted(Box::new(operation.clone())),
            (None, Some(cause)) => Prior::InDoubt(cause.clone()),
            (None, None) => Prior::Untried,
        }
    }
}

/// What the end of a row in the journal means for the next session.
enum Meaning {
    /// It has come to its end.
    Final,
    /// It was never tried, or its reset is followed.
    Open,
    /// It can be tried once more, unless a later row of its user has come to its end: a user's rows are done in order.
    Retry,
    /// As above, and it may have been written.
    ReadBack,
}

/// A row that can be tried once more, if no later row of its user stands against it.
struct Candidate {
    row: RowNumber,
    user: u64,
    may_be_written: bool,
    /// Why it is not known whether it was.
    cause: Option<Box<Failure>>,
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

    /// The first reset of each user, by the user's order key, that may still set a password without anybody following it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn lost_resets(&self) -> Result<HashMap<u64, RowNumber>, JournalError> {
        self.understood(self.read_lost_resets())
    }

    /// How many rows failed that are tried again where a session that ended with this exit code was refused for want of a
    /// sign-in or a permission.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn refused(&self, exit_code: u8, timeline: &Timeline) -> Result<u64, JournalError> {
        self.understood(self.read_refused(exit_code, timeline))
    }

    fn read_refused(&self, exit_code: u8, timeline: &Timeline) -> Result<u64, Unreadable> {
        let sql =
            "SELECT row FROM rows JOIN sessions USING (session) WHERE status = 'failed' AND exit_code = ?1";
        let mut statement = self.connection.prepare(sql)?;
        let records = statement.query_map([exit_code], |record| record.get::<_, i64>(0))?;
        let rows = records.collect::<rusqlite::Result<Vec<_>>>()?;
        if rows.is_empty() {
            return Ok(0);
        }
        let done = self.read_standing(Failures::FinalButRefusals(exit_code), timeline)?.done;
        Ok(rows.into_iter().filter(|row| !done.contains(RowNumber(row.cast_unsigned()))).count() as u64)
    }

    fn read_lost_resets(&self) -> Result<HashMap<u64, RowNumber>, Unreadable> {
        // The last word on each user is the first row.
        let sql = "SELECT row, user FROM operations WHERE follows_doubt & 1 UNION \
                   SELECT row, user FROM rows WHERE action = 'reset-password' AND (status = 'unknown' \
                   OR status = 'failed' AND failure_status BETWEEN 200 AND 299) ORDER BY row DESC";
        let mut statement = self.connection.prepare(sql)?;
        let mut records = statement.query([])?;
        let mut lost = HashMap::new();
        while let Some(record) = records.next()? {
            if let Ok(user) = UserId::new(text(record, 1)?) {
                lost.insert(user.order_key(), row_number(record, 0)?);
            }
        }
        Ok(lost)
    }

    fn read_standing(&self, failures: Failures, timeline: &Timeline) -> Result<Standing, Unreadable> {
        let mut standing = Standing { open: self.open_operations(timeline)?, ..Standing::default() };
        let (mut begun, mut candidates, mut earlier_doubts) = (self.begun()?, Vec::new(), HashMap::new());
        let mut statement = self.connection.prepare(ENDS)?;
        let mut records = statement.query([])?;
        while let Some(record) = records.next()? {
            let (row, session) = (row_number(record, 0)?, record.get::<_, i64>(1)?);
            for (_, rows) in begun.iter_mut().filter(|(begun_in, _)| *begun_in <= session) {
                rows.remove(row);
            }
            if begun.iter().any(|(_, rows)| rows.contains(row)) {
                earlier_doubts.insert(row, doubt(record)?);
                continue;
            }
            let meaning = meaning(record, failures)?;
            match meaning {
                Meaning::Final => standing.done.insert(row),
                Meaning::Open if is_pending(record)? && !standing.open.contains_key(&row) => {
                    standing.done.insert(row);
                }
                Meaning::Open => {}
                Meaning::Retry | Meaning::ReadBack => candidates.push(Candidate {
                    row,
                    user: user_key(record)?.unwrap_or_default(),
                    may_be_written: matches!(meaning, Meaning::ReadBack),
                    cause: doubt(record)?,
                }),
            }
        }
        self.judge(candidates, failures, &mut standing)?;
        for (_, rows) in &begun {
            let in_doubt = rows.iter().filter(|row| !standing.open.contains_key(row));
            standing.in_doubt.extend(in_doubt.map(|row| (row, earlier_doubts.remove(&row).flatten())));
        }
        Ok(standing)
    }

    /// Lets those be tried once more behind which no row of their user has come to its end.
    fn judge(
        &self,
        candidates: Vec<Candidate>,
        failures: Failures,
        standing: &mut Standing,
    ) -> Result<(), Unreadable> {
        if candidates.is_empty() {
            return Ok(());
        }
        let mut last_final: HashMap<u64, RowNumber> =
            candidates.iter().map(|candidate| (candidate.user, RowNumber(0))).collect();
        let mut statement = self.connection.prepare(ENDS)?;
        let mut records = statement.query([])?;
        while let Some(record) = records.next()? {
            let Some(last) = user_key(record)?.and_then(|user| last_final.get_mut(&user)) else { continue };
            if matches!(meaning(record, failures)?, Meaning::Final) || is_pending(record)? {
                *last = row_number(record, 0)?;
            }
        }
        for Candidate { row, user, may_be_written, cause } in candidates {
            if last_final.get(&user).is_some_and(|last| *last > row) {
                standing.done.insert(row);
            } else if may_be_written {
                standing.in_doubt.insert(row, cause);
            }
        }
        Ok(())
    }

    /// The rows that began, by session.
    fn begun(&self) -> Result<Vec<(i64, RowSet)>, Unreadable> {
        let mut statement = self.connection.prepare("SELECT session, rows FROM begun ORDER BY session")?;
        let mut records = statement.query([])?;
        let mut begun: Vec<(i64, RowSet)> = Vec::new();
        while let Some(record) = records.next()? {
            let session = record.get(0)?;
            let rows: Vec<u64> = serde_json::from_str(text(record, 1)?)
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
        // Also one that is known to have ended, where its row's end was lost: it is asked for once more, not sent again.
        let sql = "SELECT operations.* FROM operations LEFT JOIN rows USING (row) WHERE rows.row IS NULL \
                   OR rows.operation_id <> operations.operation_id OR rows.status = 'pending' \
                   ORDER BY operations.accepted_at";
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

/// What is read of each end, in the order of the rows.
const ENDS: &str = "SELECT row, session, status, failure_status, error_code, user, operation_id, exit_code, \
                    error_message FROM rows LEFT JOIN sessions USING (session) ORDER BY row";

/// Why it is not known whether a row was written that ended as `unknown`.
fn doubt(record: &Record<'_>) -> Result<Option<Box<Failure>>, Unreadable> {
    if text(record, 2)? != Status::Unknown.name() {
        return Ok(None);
    }
    let message = record.get::<_, Option<String>>(8)?.unwrap_or_default();
    let code = error_code(record)?.to_owned();
    Ok(Some(Box::new(Failure { http_status: record.get(3)?, code, message })))
}

fn meaning(record: &Record<'_>, failures: Failures) -> Result<Meaning, Unreadable> {
    Ok(match named(Status::ALL, Status::name, text(record, 2)?)? {
        Status::Failed if was_refused(record, failures)? => Meaning::Retry,
        // An unknown reset that was accepted, and is not to be followed any longer, was done, most likely.
        Status::Unknown
            if text(record, 6)?.is_empty() && error_code(record)? != OwnCode::NoOperationUrl.name() =>
        {
            Meaning::ReadBack
        }
        Status::Succeeded | Status::Unchanged | Status::Failed | Status::Unknown => Meaning::Final,
        Status::Pending | Status::Unprocessed => Meaning::Open,
    })
}

/// For want of a sign-in or a permission.
fn was_refused(record: &Record<'_>, failures: Failures) -> Result<bool, Unreadable> {
    match failures {
        Failures::FinalButRefusals(code) if record.get::<_, Option<u8>>(7)? == Some(code) => {}
        Failures::FinalButRefusals(_) | Failures::Final => return Ok(false),
    }
    let status: Option<u16> = record.get(3)?;
    Ok(matches!(status, Some(401 | 403)) || error_code(record)? == OwnCode::SignIn.name())
}

fn is_pending(record: &Record<'_>) -> Result<bool, Unreadable> {
    Ok(text(record, 2)? == Status::Pending.name())
}

fn error_code<'record>(record: &'record Record<'_>) -> Result<&'record str, Unreadable> {
    Ok(record.get_ref(4)?.as_str_or_null().map_err(rusqlite::Error::from)?.unwrap_or_default())
}

/// What makes two rows wait for each other; `None` for a row that was not understood.
fn user_key(record: &Record<'_>) -> Result<Option<u64>, Unreadable> {
    let name = record.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(name.and_then(|name| UserId::new(name).ok()).map(|user| user.order_key()))
}

fn text<'record>(record: &'record Record<'_>, column: usize) -> Result<&'record str, Unreadable> {
    Ok(record.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}
