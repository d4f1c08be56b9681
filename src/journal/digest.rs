//! A journal in short, read in passes that keep no row.

use std::collections::HashMap;

use rusqlite::Connection;
use tokio::time::Instant;

use super::record::timestamp;
use super::replay::{Unreadable, named, optional_text, row_number, span, text};
use super::schema::JournalError;
use super::standing::Failures;
use super::store::Store;
use crate::model::digest::{Counts, Digest, ErrorExample, ErrorGroup, PendingReset, SessionDigest};
use crate::model::error_code::OwnCode;
use crate::model::operation::OperationStatus;
use crate::model::outcome::Status;
use crate::model::row::RowNumber;
use crate::model::stats::{INVALID, RowCounts};
use crate::model::timeline::Timeline;

/// No more codes are told apart: Graph could make up one for each row.
const MOST_CODES: usize = 50;

/// So many rows stand for all with the same code.
const MOST_EXAMPLES: usize = 3;

/// So many pending resets are named.
const MOST_PENDING: i64 = 50;

/// So many sessions are named.
const MOST_SESSIONS: i64 = 20;

impl Store {
    /// The run in short. Another process may be at work on it: what is read was so at one moment.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn digest(&self) -> Result<Digest, JournalError> {
        let counts = self.understood(count_rows(&self.connection))?;
        self.digest_of(counts)
    }

    /// The run in short, where its rows have been counted: only those that did not succeed are read.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn digest_of(&self, counts: Counts) -> Result<Digest, JournalError> {
        let worked = self.working_time()?;
        let (rows, by_action) = counts;
        let counted = Digest { rows, by_action, worked, ..Digest::default() };
        let digest = self.understood(digest(&self.connection, counted))?;
        let is_open = digest.sessions.last().is_some_and(|session| session.ended_at.is_none());
        // A session behind the one that broke off may have followed operations only.
        let are_rows_left = digest.rows.total() - digest.rows.not_reached() < self.run.rows;
        if !is_open && !are_rows_left {
            return Ok(digest);
        }
        let timeline = Timeline::new(Instant::now(), self.run.started_at);
        let in_doubt = self.standing(Failures::Final, &timeline)?.in_doubt;
        let in_doubt = self.understood(without_end(&self.connection, in_doubt.into_keys()))?;
        Ok(Digest { in_doubt, ..digest })
    }
}

/// How many of these have no end yet: rows that are unknown have one, and are in doubt for a resume nevertheless.
fn without_end(
    connection: &Connection,
    rows: impl IntoIterator<Item = RowNumber>,
) -> Result<u64, Unreadable> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM rows WHERE row = ?1 AND status <> 'unprocessed')";
    let mut statement = connection.prepare(sql)?;
    let mut count = 0;
    for row in rows {
        count += u64::from(statement.query_row([row.0.cast_signed()], |record| record.get::<_, bool>(0))?);
    }
    Ok(count)
}

/// Adds to what has been counted.
fn digest(connection: &Connection, mut digest: Digest) -> Result<Digest, Unreadable> {
    let groups = group_errors(connection, &mut digest)?;
    for (code, group) in groups {
        let examples = group.rows.iter().map(|row| example(connection, *row)).collect::<Result<_, _>>()?;
        let Group { http_status, failed, unknown, rows: _ } = group;
        digest.errors.push(ErrorGroup { code, http_status, failed, unknown, examples });
    }
    digest.errors.sort_by(|one, other| other.rows().cmp(&one.rows()).then_with(|| one.code.cmp(&other.code)));
    count_operations(connection, &mut digest)?;
    digest.pending = pending(connection)?;
    digest.session_count = connection
        .query_row("SELECT count(*) FROM sessions", [], |record| record.get(0))
        .map(i64::cast_unsigned)?;
    digest.sessions = sessions(connection)?;
    Ok(digest)
}

/// Rows with the same code.
#[derive(Default)]
struct Group {
    http_status: Option<u16>,
    failed: u64,
    unknown: u64,
    /// The first few.
    rows: Vec<RowNumber>,
}

fn count_rows(connection: &Connection) -> Result<Counts, Unreadable> {
    let (mut rows, mut by_action) = Counts::default();
    let mut statement = connection.prepare("SELECT action, status, error_code, attempts FROM rows")?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        let status = named(Status::ALL, Status::name, text(record, 1)?)?;
        let code = optional_text(record, 2)?;
        let is_not_due = status == Status::Unprocessed && code == Some(OwnCode::NotDue.name());
        let is_done_already = status == Status::Unchanged && record.get::<_, i64>(3)? == 0;
        let count = |counts: &mut RowCounts| {
            counts.add(status);
            counts.done_already += u64::from(is_done_already);
            counts.not_due += u64::from(is_not_due);
        };
        count(&mut rows);
        let action = match text(record, 0)? {
            "" => INVALID,
            action => action,
        };
        match by_action.get_mut(action) {
            Some(counts) => count(counts),
            None => count(by_action.entry(action.to_owned()).or_default()),
        }
    }
    Ok((rows, by_action))
}

fn group_errors(connection: &Connection, digest: &mut Digest) -> Result<HashMap<String, Group>, Unreadable> {
    let mut groups: HashMap<String, Group> = HashMap::new();
    let mut statement = connection.prepare(
        "SELECT row, status, error_code, failure_status FROM rows WHERE error_code IS NOT NULL \
         AND status <> 'unprocessed' ORDER BY row",
    )?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        let code = text(record, 2)?;
        if !groups.contains_key(code) {
            if groups.len() == MOST_CODES {
                digest.further_errors += 1;
                continue;
            }
            groups.insert(code.to_owned(), Group { http_status: record.get(3)?, ..Group::default() });
        }
        let Some(group) = groups.get_mut(code) else { continue };
        match named(Status::ALL, Status::name, text(record, 1)?)? {
            Status::Unknown => group.unknown += 1,
            Status::Failed
            | Status::Succeeded
            | Status::Unchanged
            | Status::Pending
            | Status::Unprocessed => {
                group.failed += 1;
            }
        }
        if group.rows.len() < MOST_EXAMPLES {
            group.rows.push(row_number(record, 0)?);
        }
    }
    Ok(groups)
}

fn example(connection: &Connection, row: RowNumber) -> Result<ErrorExample, Unreadable> {
    let sql = "SELECT user, action, phone_number, status, error_message, detail, request_id FROM rows WHERE row = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut records = statement.query([row.0.cast_signed()])?;
    let Some(record) = records.next()? else { return Err(Unreadable::Content(format!("no row {row}"))) };
    Ok(ErrorExample {
        row,
        user: record.get::<_, Option<String>>(0)?.unwrap_or_default(),
        action: record.get(1)?,
        phone_number: record.get(2)?,
        status: named(Status::ALL, Status::name, text(record, 3)?)?,
        message: record.get::<_, Option<String>>(4)?.unwrap_or_default(),
        detail: record.get(5)?,
        request_id: record.get(6)?,
    })
}

fn count_operations(connection: &Connection, digest: &mut Digest) -> Result<(), Unreadable> {
    let mut statement = connection.prepare("SELECT status, accepted_at, finished_at FROM operations")?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        digest.operations.accepted += 1;
        let Some(finished_at) = record.get::<_, Option<i64>>(2)? else { continue };
        let status = named(OperationStatus::ALL, OperationStatus::name, text(record, 0)?)?;
        digest.operations.close(status);
        if matches!(status, OperationStatus::Succeeded | OperationStatus::Failed) {
            digest.operation_times.add(span(finished_at.saturating_sub(record.get(1)?)));
        }
    }
    Ok(())
}

fn pending(connection: &Connection) -> Result<Vec<PendingReset>, Unreadable> {
    let sql = "SELECT operations.row, operations.user, accepted_at, polls FROM operations LEFT JOIN rows USING (row) \
               WHERE rows.row IS NULL OR rows.status = 'pending' ORDER BY operations.row LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let mut records = statement.query([MOST_PENDING])?;
    let mut pending = Vec::new();
    while let Some(record) = records.next()? {
        pending.push(PendingReset {
            row: row_number(record, 0)?,
            user: record.get(1)?,
            accepted_at: timestamp(record.get(2)?),
            polls: record.get::<_, i64>(3)?.cast_unsigned(),
        });
    }
    Ok(pending)
}

fn sessions(connection: &Connection) -> Result<Vec<SessionDigest>, Unreadable> {
    let sql = "SELECT session, started_at, ended_at, stop_reason, exit_code, requests, throttled FROM sessions \
               ORDER BY session DESC LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let mut records = statement.query([MOST_SESSIONS])?;
    let mut sessions = Vec::new();
    while let Some(record) = records.next()? {
        let count = |at| record.get::<_, i64>(at).map(i64::cast_unsigned);
        sessions.push(SessionDigest {
            number: count(0)?,
            started_at: timestamp(record.get(1)?),
            ended_at: record.get::<_, Option<i64>>(2)?.map(timestamp),
            stop_reason: record.get(3)?,
            exit_code: record.get(4)?,
            requests: count(5)?,
            throttled: count(6)?,
        });
    }
    sessions.reverse();
    Ok(sessions)
}
