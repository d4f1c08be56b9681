//! A journal's file: notes are kept in it, all or none of a commit.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, named_params, params};
use tokio::time::Instant;

use super::ends::Ends;
use super::note::Note;
use super::record::{RunRecord, Session, SessionEnd, SessionStart, Traffic, run_record};
use super::row_end::json;
use super::schema::{self, JournalError};
use crate::model::event::{BeforeImage, Event, ObserverError};
use crate::model::method::Method;
use crate::model::operation::Operation;
use crate::model::row::RowNumber;
use crate::model::timeline::Timeline;
use crate::model::user::UserId;

/// A journal that one process has open.
#[derive(Debug)]
pub struct Store {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    pub(super) run: RunRecord,
    session: Option<Session>,
}

impl Store {
    /// Makes a journal, readable by its owner only; the file must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn create(path: &Path, run: RunRecord) -> Result<Self, ObserverError> {
        private(path).map_err(|source| ObserverError { what: path.display().to_string(), source })?;
        let made = schema::create(path, |connection| insert_run(connection, &run));
        let connection = made.map_err(|error| fault(path, &error))?;
        Ok(Self { path: path.to_owned(), connection, run, session: None })
    }

    /// A journal in memory: it lasts as long as this value, and a commit costs no disk.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn in_memory(run: RunRecord) -> Result<Self, ObserverError> {
        let path = PathBuf::from(":memory:");
        let made = schema::in_memory(|connection| insert_run(connection, &run));
        let connection = made.map_err(|error| fault(&path, &error))?;
        Ok(Self { path, connection, run, session: None })
    }

    /// Opens a journal that is there.
    ///
    /// # Errors
    /// When it is none, a later program made it, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let connection = schema::open(path)?;
        let run = run_record(&connection)
            .map_err(|source| JournalError::Database { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), connection, run, session: None })
    }

    /// What is known of the run as a whole.
    #[must_use]
    pub const fn run(&self) -> &RunRecord {
        &self.run
    }

    /// Notes where the rows' file is now.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn move_input(&mut self, path: &Path) -> Result<(), ObserverError> {
        if self.run.input != path {
            let updated =
                self.connection.execute("UPDATE run SET input_path = ?1", [path.display().to_string()]);
            updated.map_err(|error| fault(&self.path, &error))?;
            path.clone_into(&mut self.run.input);
        }
        Ok(())
    }

    /// Notes that this process works on the run from now on. `start` is the moment of `session.started_at`.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn begin_session(&mut self, session: &SessionStart, start: Instant) -> Result<(), ObserverError> {
        let inserted = self.connection.execute(
            "INSERT INTO sessions (program_version, process_id, started_at) VALUES (?1, ?2, ?3)",
            params![session.program_version, session.process_id, session.started_at.as_microsecond()],
        );
        inserted.map_err(|error| fault(&self.path, &error))?;
        let id = self.connection.last_insert_rowid();
        let timeline = Timeline::new(start, session.started_at);
        self.session = Some(Session { id, timeline });
        Ok(())
    }

    /// When this process's work on the run began; `None` where it has not.
    pub(super) fn session_start(&self) -> Option<Instant> {
        self.session.map(|session| session.timeline.start())
    }

    /// Notes how this process's work ended, and what it sent.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn end_session(&mut self, end: &SessionEnd) -> Result<(), ObserverError> {
        let Some(session) = self.session else { return Ok(()) };
        let updated = self.connection.execute(
            "UPDATE sessions SET ended_at = ?2, stop_reason = ?3, exit_code = ?4 WHERE session = ?1",
            params![session.id, end.ended_at.as_microsecond(), end.stop_reason, end.exit_code],
        );
        updated.map(|_| ()).map_err(|error| fault(&self.path, &error))
    }

    /// Keeps what happened, for good, all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn keep_events<'a>(
        &mut self,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<(), ObserverError> {
        let notes: Vec<Note> =
            events.into_iter().filter_map(|event| Note::of(event, &self.run.header)).collect();
        self.keep(&notes).map_err(|error| fault(&self.path, &error))
    }

    /// Keeps, for good, what this process has sent so far, in the place of what was kept of it before.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn keep_traffic(&mut self, traffic: &Traffic) -> Result<(), ObserverError> {
        self.keep(&[Note::Traffic(Box::new(traffic.clone()))]).map_err(|error| fault(&self.path, &error))
    }

    pub(super) fn keep(&mut self, notes: &[Note]) -> rusqlite::Result<()> {
        let Some(session) = self.session else { return Err(rusqlite::Error::InvalidQuery) };
        let transaction = self.connection.transaction()?;
        let keeper = Keeper { transaction: &transaction, session };
        let (mut begun, mut ends) = (Vec::new(), Vec::new());
        for note in notes {
            match note {
                Note::Begun(rows) => begun.extend(rows.iter().map(|row| row.0)),
                Note::Found(image) => keeper.found(image)?,
                Note::Operation(operation) => keeper.operation(operation)?,
                Note::Listed { row, user, methods } => keeper.listed(*row, user, methods)?,
                Note::Ended(end) => ends.push(end),
                Note::Traffic(traffic) => keeper.traffic(traffic)?,
            }
        }
        keeper.begun(&begun)?;
        Ends::new(&transaction, session).keep(ends)?;
        transaction.commit()
    }
}

/// What is said of a journal that could not be written.
pub(super) fn fault(path: &Path, error: &rusqlite::Error) -> ObserverError {
    // SQLite names its codes behind the words; one line tells both.
    ObserverError { what: path.display().to_string(), source: io::Error::other(error.to_string()) }
}

fn private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

fn insert_run(connection: &Connection, run: &RunRecord) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO run VALUES (1, :program_version, :command, :started_at, :input_path, :input_bytes, :input_sha256, \
         :header, :rows, :graph_root, :api_version, :tenant, :is_rehearsal, :settings)",
        named_params! {
            ":program_version": run.program_version,
            ":command": run.command,
            ":started_at": run.started_at.as_microsecond(),
            ":input_path": run.input.display().to_string(),
            ":input_bytes": run.fingerprint.bytes.cast_signed(),
            ":input_sha256": run.fingerprint.sha256,
            ":header": json(&run.header),
            ":rows": run.rows.cast_signed(),
            ":graph_root": run.graph_root,
            ":api_version": run.api_version,
            ":tenant": run.tenant,
            ":is_rehearsal": run.is_rehearsal,
            ":settings": run.settings,
        },
    )?;
    Ok(())
}

/// Writes notes within one transaction.
struct Keeper<'a> {
    transaction: &'a Transaction<'a>,
    session: Session,
}

impl Keeper<'_> {
    fn begun(&self, rows: &[u64]) -> rusqlite::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO begun (session, rows) VALUES (?1, ?2)";
        self.transaction.prepare_cached(sql)?.execute(params![self.session.id, json(&rows)])?;
        Ok(())
    }

    /// The first image counts: a later one shows what an earlier session of the run had written.
    fn found(&self, image: &BeforeImage) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO before_images VALUES (?1, ?2, ?3, ?4, ?5)";
        self.transaction.prepare_cached(sql)?.execute(params![
            image.row.0.cast_signed(),
            image.phone_type.name(),
            image.phone_number,
            image.sms_sign_in_state,
            self.session.time(image.read_at),
        ])?;
        Ok(())
    }

    fn operation(&self, operation: &Operation) -> rusqlite::Result<()> {
        // When it was accepted stays as it was first noted: each session reads the clocks anew.
        let sql = "INSERT INTO operations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
                   ON CONFLICT DO UPDATE SET url = ?4, status = ?5, status_detail = ?6, created_at = ?7, \
                   last_action_at = ?8, finished_at = ?10, polls = ?11, follows_doubt = ?12";
        self.transaction.prepare_cached(sql)?.execute(params![
            operation.row.0.cast_signed(),
            operation.id,
            operation.user.as_str(),
            operation.url,
            operation.status.name(),
            operation.status_detail,
            operation.created_at,
            operation.last_action_at,
            self.session.time(operation.accepted_at),
            operation.finished_at.map(|moment| self.session.time(moment)),
            operation.polls,
            i64::from(operation.follows_doubt) | (i64::from(operation.may_be_overtaken) << 1),
        ])?;
        Ok(())
    }

    fn listed(&self, row: RowNumber, user: &UserId, methods: &[Method]) -> rusqlite::Result<()> {
        let row = row.0.cast_signed();
        self.transaction.prepare_cached("DELETE FROM methods WHERE row = ?1")?.execute([row])?;
        let sql = "INSERT INTO methods VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let mut statement = self.transaction.prepare_cached(sql)?;
        for (method, position) in methods.iter().zip(1_i64..) {
            statement.execute(params![
                row,
                position,
                user.as_str(),
                method.method_type,
                method.method_id,
                method.phone_type,
                method.phone_number,
                method.sms_sign_in_state,
                method.created_at,
                method.detail,
            ])?;
        }
        Ok(())
    }

    fn traffic(&self, traffic: &Traffic) -> rusqlite::Result<()> {
        let sql = "UPDATE sessions SET requests = ?2, reads = ?3, writes = ?4, retries = ?5, throttled = ?6, \
                   by_status = ?7, held = ?8, early = ?9, throughput = ?10 WHERE session = ?1";
        let requests = &traffic.requests;
        self.transaction.prepare_cached(sql)?.execute(params![
            self.session.id,
            requests.total.cast_signed(),
            requests.reads.cast_signed(),
            requests.writes.cast_signed(),
            requests.retries.cast_signed(),
            requests.throttled.cast_signed(),
            json(&by_status(&requests.by_status)),
            micros(traffic.held),
            requests.early.cast_signed(),
            json(&traffic.throughput),
        ])?;
        Ok(())
    }
}

fn by_status(counts: &BTreeMap<Option<u16>, u64>) -> BTreeMap<String, u64> {
    let name = |status: &Option<u16>| status.map_or_else(|| NO_ANSWER.to_owned(), |code| code.to_string());
    counts.iter().map(|(status, count)| (name(status), *count)).collect()
}

/// The key for requests that no answer came to.
pub(super) const NO_ANSWER: &str = "none";

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
