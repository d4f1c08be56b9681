//! A journal read back: the run as a whole, and its events once more, so that every file can be made again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Row as Record};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::record::{RunRecord, Traffic, timestamp};
use super::schema::JournalError;
use super::store::{NO_ANSWER, Store};
use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::event::{Ended, Event};
use crate::model::method::Method;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{Phone, PhoneNumber, PhoneType};
use crate::model::row::{Row, RowNumber};
use crate::model::stats::RequestCounts;
use crate::model::task::{InvalidRow, Prior, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;
use crate::model::user_state::{HeldPhone, SmsSignIn};

/// Why reading stops: SQLite, or a text that means nothing to this program.
#[derive(Debug)]
pub(super) enum Unreadable {
    Database(rusqlite::Error),
    Content(String),
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Store {
    /// Shows the events that files are made of: methods, operations, and the rows' ends, each in the order of the rows.
    /// The times are moments of `timeline`. A password does not stand in a journal, so resets come without theirs.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn replay(&self, timeline: &Timeline, mut show: impl FnMut(Event)) -> Result<(), JournalError> {
        let mut replay = || {
            replay_methods(&self.connection, &mut show)?;
            replay_operations(&self.connection, timeline, &mut show)?;
            replay_rows(&self.connection, timeline, &mut show)
        };
        self.understood(replay())
    }

    /// How one row ended; `None` where it has not. What [`Store::replay`] says of times and passwords holds here, too.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn end_of(&self, row: RowNumber, timeline: &Timeline) -> Result<Option<Ended>, JournalError> {
        let read = || {
            let mut statement = self.connection.prepare_cached("SELECT * FROM rows WHERE row = ?1")?;
            let mut records = statement.query([row.0.cast_signed()])?;
            records.next()?.map(|record| ended(record, timeline)).transpose()
        };
        self.understood(read())
    }

    /// What a row that lists methods listed; nothing for one that has not ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn methods_of(&self, row: RowNumber) -> Result<Vec<Method>, JournalError> {
        let read = || {
            let sql = "SELECT * FROM methods WHERE row = ?1 ORDER BY position";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut records = statement.query([row.0.cast_signed()])?;
            let mut methods = Vec::new();
            while let Some(record) = records.next()? {
                methods.push(method(record)?);
            }
            Ok(methods)
        };
        self.understood(read())
    }

    /// What a user had before a row changed it, as far as that was read; `None` for no such phone.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn before(&self, row: RowNumber) -> Result<Vec<(PhoneType, Option<HeldPhone>)>, JournalError> {
        let read = || {
            let sql = "SELECT phone_type, phone_number, sms_sign_in_state FROM before_images WHERE row = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut records = statement.query([row.0.cast_signed()])?;
            let mut before = Vec::new();
            while let Some(record) = records.next()? {
                let phone_type = named(PhoneType::ALL, PhoneType::name, text(record, 0)?)?;
                let sms = SmsSignIn::named(text(record, 2)?);
                let phone = optional_text(record, 1)?.map(|number| HeldPhone { number: number.into(), sms });
                before.push((phone_type, phone));
            }
            Ok(before)
        };
        self.understood(read())
    }

    /// What all sessions sent together, as far as it was noted.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn traffic(&self) -> Result<Traffic, JournalError> {
        self.understood(traffic(&self.connection))
    }

    /// For how long sessions worked that ended; and of those that were killed, up to the last end of a row.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn working_time(&self) -> Result<Duration, JournalError> {
        let sql = format!("SELECT coalesce(sum({WORKED}), 0) FROM sessions");
        let micros: Result<i64, _> = self.connection.query_row(&sql, [], |record| record.get(0));
        self.understood(micros.map(span).map_err(Unreadable::from))
    }

    /// How many processes worked on the run.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn sessions(&self) -> Result<u64, JournalError> {
        let count = self.connection.query_row("SELECT count(*) FROM sessions", [], |record| record.get(0));
        self.understood(count.map(i64::cast_unsigned).map_err(Unreadable::from))
    }

    pub(super) fn understood<T>(&self, read: Result<T, Unreadable>) -> Result<T, JournalError> {
        let path = self.path.clone();
        read.map_err(|error| match error {
            Unreadable::Database(source) => JournalError::Database { path, source },
            Unreadable::Content(what) => JournalError::Content { path, what },
        })
    }
}

fn replay_methods(connection: &Connection, show: &mut impl FnMut(Event)) -> Result<(), Unreadable> {
    let mut statement = connection.prepare("SELECT * FROM methods ORDER BY row, position")?;
    let mut records = statement.query([])?;
    let mut listed: Option<(RowNumber, UserId, Vec<Method>)> = None;
    while let Some(record) = records.next()? {
        let row = row_number(record, 0)?;
        let method = method(record)?;
        match &mut listed {
            Some((last, _, methods)) if *last == row => methods.push(method),
            _ => {
                let next = (row, user(&record.get::<_, String>(2)?)?, vec![method]);
                show_listed(listed.replace(next), show);
            }
        }
    }
    show_listed(listed, show);
    Ok(())
}

/// A record of the table `methods`.
fn method(record: &Record<'_>) -> Result<Method, Unreadable> {
    Ok(Method {
        method_type: record.get(3)?,
        method_id: record.get(4)?,
        phone_type: record.get(5)?,
        phone_number: record.get(6)?,
        sms_sign_in_state: record.get(7)?,
        created_at: record.get(8)?,
        detail: record.get(9)?,
    })
}

fn show_listed(listed: Option<(RowNumber, UserId, Vec<Method>)>, show: &mut impl FnMut(Event)) {
    if let Some((row, user, methods)) = listed {
        show(Event::Listed { row, user, methods });
    }
}

fn replay_operations(
    connection: &Connection,
    timeline: &Timeline,
    show: &mut impl FnMut(Event),
) -> Result<(), Unreadable> {
    let mut statement = connection.prepare("SELECT * FROM operations ORDER BY row, accepted_at")?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        let operation = Box::new(operation(record, timeline)?);
        show(Event::Accepted(operation.clone()));
        if operation.finished_at.is_some() {
            show(Event::Closed(operation));
        }
    }
    Ok(())
}

/// A record of the table `operations`.
pub(super) fn operation(record: &Record<'_>, timeline: &Timeline) -> Result<Operation, Unreadable> {
    let finished_at: Option<i64> = record.get(9)?;
    let doubt: i64 = record.get(11)?;
    Ok(Operation {
        row: row_number(record, 0)?,
        id: record.get(1)?,
        user: user(&record.get::<_, String>(2)?)?,
        url: record.get(3)?,
        status: named(OperationStatus::ALL, OperationStatus::name, &record.get::<_, String>(4)?)?,
        status_detail: record.get(5)?,
        created_at: record.get(6)?,
        last_action_at: record.get(7)?,
        accepted_at: timeline.moment(timestamp(record.get(8)?)),
        finished_at: finished_at.map(|micros| timeline.moment(timestamp(micros))),
        polls: record.get(10)?,
        follows_doubt: doubt & 1 != 0,
        may_be_overtaken: doubt & 2 != 0,
        retry_after: None,
    })
}

fn replay_rows(
    connection: &Connection,
    timeline: &Timeline,
    show: &mut impl FnMut(Event),
) -> Result<(), Unreadable> {
    let mut statement = connection.prepare("SELECT * FROM rows ORDER BY row")?;
    let mut records = statement.query([])?;
    while let Some(record) = records.next()? {
        show(Event::Ended(Arc::new(ended(record, timeline)?)));
    }
    Ok(())
}

/// A record of the table `rows`.
fn ended(record: &Record<'_>, timeline: &Timeline) -> Result<Ended, Unreadable> {
    let moment = |micros: i64| timeline.moment(timestamp(micros));
    Ok(Ended {
        work: work(record)?,
        outcome: Outcome {
            status: named(Status::ALL, Status::name, text(record, 7)?)?,
            detail: record.get(8)?,
            failure: failure(record)?,
        },
        attempts: record.get(13)?,
        http_status: record.get(9)?,
        started_at: record.get::<_, Option<i64>>(14)?.map(moment),
        ended_at: moment(record.get(15)?),
        request_id: record.get(16)?,
        client_request_id: record.get(17)?,
        operation_id: record.get(18)?,
    })
}

fn failure(record: &Record<'_>) -> Result<Option<Failure>, Unreadable> {
    let Some(code) = record.get(11)? else { return Ok(None) };
    let message = record.get::<_, Option<String>>(12)?.unwrap_or_default();
    Ok(Some(Failure { http_status: record.get(10)?, code, message }))
}

/// What a record of the table `rows` had asked for.
pub(super) fn work(record: &Record<'_>) -> Result<Work, Unreadable> {
    let fields = match optional_text(record, 6)? {
        Some(fields) => {
            serde_json::from_str(fields).map_err(|error| Unreadable::Content(format!("fields: {error}")))?
        }
        None => Box::default(),
    };
    let row = Row { number: row_number(record, 0)?, fields };
    let Some(name) = optional_text(record, 2)? else {
        // Its failure says what was wrong with it.
        return Ok(Work::Invalid(InvalidRow {
            row,
            column: String::new(),
            value: String::new(),
            reason: String::new(),
            code: OwnCode::InvalidRow,
            may_be_done: false,
        }));
    };
    let action = action(text(record, 3)?, text(record, 4)?, record.get(5)?)?;
    Ok(Work::Task(Task {
        row,
        user: user(name)?,
        action,
        not_before: None,
        prior: Prior::Untried,
        expected: None,
    }))
}

fn action(verb: &str, phone_type: &str, number: String) -> Result<Action, Unreadable> {
    let phone_type = || named(PhoneType::ALL, PhoneType::name, phone_type);
    let phone = |number| {
        Ok::<_, Unreadable>(Phone { phone_type: phone_type()?, number: PhoneNumber::from_formatted(number) })
    };
    Ok(match verb {
        "list-methods" => Action::ListMethods,
        "add-phone" => Action::AddPhone(phone(number)?),
        "update-phone" => Action::UpdatePhone(phone(number)?),
        "set-phone" => Action::SetPhone(phone(number)?),
        // What it asked for stands in the row's own fields.
        "set-phones" => Action::SetPhones(Box::default()),
        "delete-phone" => Action::DeletePhone(phone_type()?),
        "enable-sms-sign-in" => Action::EnableSmsSignIn,
        "disable-sms-sign-in" => Action::DisableSmsSignIn,
        "reset-password" => Action::ResetPassword(None),
        other => return Err(Unreadable::Content(format!("the action '{other}'"))),
    })
}

fn traffic(connection: &Connection) -> Result<Traffic, Unreadable> {
    let sql = format!(
        "SELECT requests, reads, writes, retries, throttled, by_status, held, early, throughput, {WORKED} \
         FROM sessions ORDER BY session"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut records = statement.query([])?;
    let (mut all, mut worked) = (Traffic::default(), Duration::ZERO);
    while let Some(record) = records.next()? {
        let count = |at| record.get::<_, i64>(at).map(i64::cast_unsigned);
        let RequestCounts { total, reads, writes, by_status, retries, throttled, early, latency: _ } =
            &mut all.requests;
        *total += count(0)?;
        *reads += count(1)?;
        *writes += count(2)?;
        *retries += count(3)?;
        *throttled += count(4)?;
        *early += count(7)?;
        let counts: BTreeMap<String, u64> = json(record, "by_status")?;
        for (status, count) in counts {
            let status = if status == NO_ANSWER { None } else { status.parse().ok() };
            *by_status.entry(status).or_default() += count;
        }
        all.held += span(record.get(6)?);
        all.throughput.append(worked, &json(record, "throughput")?);
        worked += span(record.get(9)?);
    }
    Ok(all)
}

/// For how long a session worked, in microseconds: one that was killed up to the last end of a row.
const WORKED: &str = "max(0, coalesce(ended_at, (SELECT max(ended_at) FROM rows \
                      WHERE rows.session = sessions.session), started_at) - started_at)";

fn json<T: DeserializeOwned>(record: &Record<'_>, column: &str) -> Result<T, Unreadable> {
    serde_json::from_str(&record.get::<_, String>(column)?)
        .map_err(|error| Unreadable::Content(format!("{column}: {error}")))
}

pub(super) fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// A text that is looked at where it lies.
pub(super) fn text<'record>(record: &'record Record<'_>, column: usize) -> Result<&'record str, Unreadable> {
    Ok(record.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

pub(super) fn optional_text<'record>(
    record: &'record Record<'_>,
    column: usize,
) -> Result<Option<&'record str>, Unreadable> {
    Ok(record.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

pub(super) fn row_number(record: &Record<'_>, column: usize) -> Result<RowNumber, Unreadable> {
    Ok(RowNumber(record.get::<_, i64>(column)?.cast_unsigned()))
}

fn user(name: &str) -> Result<UserId, Unreadable> {
    UserId::new(name).map_err(|error| Unreadable::Content(format!("the user '{name}' {error}")))
}

/// The one of `all` that has this name.
pub(super) fn named<T: Copy, const N: usize>(
    all: [T; N],
    name_of: impl Fn(T) -> &'static str,
    name: &str,
) -> Result<T, Unreadable> {
    let found = all.into_iter().find(|one| name_of(*one) == name);
    found.ok_or_else(|| Unreadable::Content(format!("the word '{name}'")))
}

/// A timeline on which the journal's times keep their distances: the run's start is now.
#[must_use]
pub fn retold(run: &RunRecord) -> Timeline {
    Timeline::new(Instant::now(), run.started_at)
}
