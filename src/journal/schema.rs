//! The tables of a journal, and their version.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use thiserror::Error;

/// The version of the tables below. A program refuses a journal with a higher one, since it could not keep its promises.
pub const VERSION: u32 = 2;

/// Says that a SQLite file is a journal of this program: "auth" in ASCII.
const APPLICATION_ID: i32 = 0x6175_7468;

/// Times are microseconds since 1970-01-01 UTC. No column holds a password, a token or a client secret.
const TABLES: &str = r"
-- The run: one row.
CREATE TABLE run (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    program_version TEXT NOT NULL,
    command         TEXT NOT NULL,     -- 'run' or 'snapshot'
    started_at      INTEGER NOT NULL,
    input_path      TEXT NOT NULL,     -- absolute
    input_bytes     INTEGER NOT NULL,
    input_sha256    TEXT NOT NULL,     -- hexadecimal
    header          TEXT NOT NULL,     -- JSON: the names of the input's columns and what they are for
    rows            INTEGER NOT NULL,  -- data rows in the input
    graph_root      TEXT NOT NULL,     -- without version
    api_version     TEXT NOT NULL,     -- 'v1.0' or 'beta'
    tenant          TEXT,              -- id or domain, where it is known
    is_rehearsal    INTEGER NOT NULL,
    settings        TEXT NOT NULL      -- JSON: what was asked for, without secrets
) STRICT;

-- One row for each process that worked on the run. What it sent is brought up to date about four times a second.
CREATE TABLE sessions (
    session         INTEGER PRIMARY KEY,
    program_version TEXT NOT NULL,
    process_id      INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER,           -- NULL while it works, and for one that was killed
    stop_reason     TEXT,
    exit_code       INTEGER,
    requests        INTEGER NOT NULL DEFAULT 0,
    reads           INTEGER NOT NULL DEFAULT 0,
    writes          INTEGER NOT NULL DEFAULT 0,
    retries         INTEGER NOT NULL DEFAULT 0,
    throttled       INTEGER NOT NULL DEFAULT 0,
    by_status       TEXT NOT NULL DEFAULT '{}',  -- JSON: answers by status, 'none' for no answer
    held            INTEGER NOT NULL DEFAULT 0,  -- microseconds
    early           INTEGER NOT NULL DEFAULT 0,
    throughput      TEXT NOT NULL DEFAULT '{}'   -- JSON: how it went over time
) STRICT;

-- Rows that began: kept before anything of theirs that may write is sent. Begun and not ended in the same session or a
-- later one means in doubt.
CREATE TABLE begun (
    id              INTEGER PRIMARY KEY,
    session         INTEGER NOT NULL,
    rows            TEXT NOT NULL      -- JSON: row numbers
) STRICT;

-- The last end of each row that ended.
CREATE TABLE rows (
    row             INTEGER PRIMARY KEY,
    session         INTEGER NOT NULL,
    user            TEXT,              -- NULL for a row that was not understood
    action          TEXT NOT NULL,
    phone_type      TEXT NOT NULL,
    phone_number    TEXT NOT NULL,
    fields          TEXT,              -- JSON: the input's own fields, '(hidden)' in a password's place; NULL where the
                                       -- row is done and the input has no columns of its own
    status          TEXT NOT NULL,
    detail          TEXT NOT NULL,
    http_status     INTEGER,           -- of the last answer
    failure_status  INTEGER,           -- of the answer that decided
    error_code      TEXT,
    error_message   TEXT,
    attempts        INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER NOT NULL,
    request_id      TEXT NOT NULL,
    client_request_id TEXT NOT NULL,
    operation_id    TEXT NOT NULL
) STRICT;

-- What a user had before a row changed it, as far as that was read.
CREATE TABLE before_images (
    row             INTEGER NOT NULL,
    phone_type      TEXT NOT NULL,
    phone_number    TEXT,              -- NULL: there was no such phone
    sms_sign_in_state TEXT NOT NULL,
    read_at         INTEGER NOT NULL,
    PRIMARY KEY (row, phone_type)
) STRICT, WITHOUT ROWID;

-- Password resets that were accepted.
CREATE TABLE operations (
    row             INTEGER NOT NULL,
    operation_id    TEXT NOT NULL,
    user            TEXT NOT NULL,
    url             TEXT NOT NULL,
    status          TEXT NOT NULL,
    status_detail   TEXT NOT NULL,
    created_at      TEXT NOT NULL,     -- as Graph wrote it
    last_action_at  TEXT NOT NULL,     -- as Graph wrote it
    accepted_at     INTEGER NOT NULL,
    finished_at     INTEGER,           -- NULL while it is open
    polls           INTEGER NOT NULL,
    follows_doubt   INTEGER NOT NULL,  -- 1: an earlier sending of the reset was not answered; 2: nor was one of an
                                       -- earlier reset of the user, which may end later; 3: both
    PRIMARY KEY (row, operation_id)
) STRICT, WITHOUT ROWID;

-- What list-methods rows found.
CREATE TABLE methods (
    row             INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    user            TEXT NOT NULL,
    method_type     TEXT NOT NULL,
    method_id       TEXT NOT NULL,
    phone_type      TEXT NOT NULL,
    phone_number    TEXT NOT NULL,
    sms_sign_in_state TEXT NOT NULL,
    created_at      TEXT NOT NULL,     -- as Graph wrote it
    detail          TEXT NOT NULL,
    PRIMARY KEY (row, position)
) STRICT, WITHOUT ROWID;
";

/// What makes version 2 of version 1.
const FROM_1: &str = "
ALTER TABLE sessions ADD COLUMN early INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN throughput TEXT NOT NULL DEFAULT '{}';
PRAGMA user_version = 2;
";

/// A journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// There is none, or it is no journal.
    #[error("{0} is no journal of authwave; name a run directory, as runs/20260102T030405Z-wave")]
    NoJournal(PathBuf),
    /// A later program made it.
    #[error(
        "{path} has version {found}, and this authwave knows {VERSION} at most: use the newer authwave that made it"
    )]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// SQLite says no.
    #[error("the journal {path} cannot be used")]
    Database {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// What stands in it makes no sense to this program.
    #[error("the journal {path} holds something that cannot be understood: {what}")]
    Content {
        /// The journal.
        path: PathBuf,
        /// What.
        what: String,
    },
}

/// One process has a run directory at a time, so the connection is not shared.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_EXRESCODE)
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Makes the tables in an empty file, and `fill`s them.
pub(super) fn create(
    path: &Path,
    fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(path, FLAGS)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    settle(&connection)?;
    make_tables(&mut connection, fill)?;
    Ok(connection)
}

/// Makes the tables in memory, and `fill`s them.
pub(super) fn in_memory(
    fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    make_tables(&mut connection, fill)?;
    Ok(connection)
}

/// All or nothing: a process that is killed here leaves no half journal behind.
fn make_tables(
    connection: &mut Connection,
    fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; {TABLES}"
    ))?;
    fill(&transaction)?;
    transaction.commit()
}

/// How many statements are kept ready.
const STATEMENTS: usize = 32;

/// Opens a journal that is there; what a power cut left in its write-ahead log is taken up or thrown away by SQLite.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let database = |source| JournalError::Database { path: path.to_owned(), source };
    let opened = Connection::open_with_flags(path, FLAGS);
    let known = opened.and_then(|connection| {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let (id, version) = (pragma("application_id")?, pragma("user_version")?);
        Ok((connection, id, version))
    });
    let (mut connection, id, version) = match known {
        Ok(known) => known,
        Err(error) if is_no_database(&error) => return Err(JournalError::NoJournal(path.to_owned())),
        Err(error) => return Err(database(error)),
    };
    if id != APPLICATION_ID {
        return Err(JournalError::NoJournal(path.to_owned()));
    }
    let steps = match u32::try_from(version) {
        Ok(VERSION) => None,
        Ok(1) => Some(FROM_1),
        Ok(found) => return Err(JournalError::Newer { path: path.to_owned(), found }),
        Err(_) => return Err(JournalError::NoJournal(path.to_owned())),
    };
    settle(&connection).map_err(database)?;
    if let Some(steps) = steps {
        upgrade(&mut connection, steps).map_err(database)?;
    }
    Ok(connection)
}

/// All or nothing: a process that is killed here leaves the earlier version.
fn upgrade(connection: &mut Connection, steps: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(steps)?;
    transaction.commit()
}

fn is_no_database(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase))
}

/// A commit that was told is on the disk: the log is synced with each of them.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Two system calls write a page into the log, so large ones cost less; but each commit writes the last page of each table
/// anew.
const PAGE_BYTES: i32 = 8_192;

/// The log is moved into the tables at 8 MiB: seldom enough that it costs little, and soon enough that most commits write
/// over what is there, since a sync of a file that has grown takes twice the time.
const CHECKPOINT_PAGES: i32 = 1_024;

/// Negative: kibibytes (SQLite, "PRAGMA `cache_size`").
const CACHE_KIB: i32 = -4_096;
