//! Writes the ends of rows: many at a time where they are alike, which takes a third less than one by one.

use std::fmt::Write as _;
use std::sync::LazyLock;

use rusqlite::{CachedStatement, Connection, ToSql, params};

use super::record::Session;
use super::row_end::{RowEnd, Text};
use crate::model::outcome::Status;

/// Notes the end of a row of which there is something to say.
const ENDED: &str = "INSERT OR REPLACE INTO rows VALUES \
                     (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

/// Notes the end of a reset that was sent earlier: what is known of the sending stays.
const FOLLOWED: &str = "UPDATE rows SET session = ?3, status = ?4, detail = ?5, failure_status = ?6, error_code = ?7, \
                        error_message = ?8, ended_at = ?9 WHERE row = ?1 AND operation_id = ?2";

/// So many rows that are alike are noted by one statement.
const MANY: usize = 16;

/// Note the ends of rows of which there is nothing to say and which are alike.
static ONE_DONE: LazyLock<String> = LazyLock::new(|| done(1));
static MANY_DONE: LazyLock<String> = LazyLock::new(|| done(MANY));

/// What rows that are alike share: `session`, `action`, `phone_type`, `status`, `http_status`, `attempts`.
const SHARED: usize = 6;

/// What each of them has of its own: `row`, `user`, `phone_number`, `started_at`, `ended_at`, `request_id`,
/// `client_request_id`.
const OWN: usize = 7;

fn done(rows: usize) -> String {
    let mut sql = "INSERT OR REPLACE INTO rows VALUES ".to_owned();
    for (row, comma) in (0..rows).zip(std::iter::once("").chain(std::iter::repeat(", "))) {
        let own: [usize; OWN] = std::array::from_fn(|value| SHARED + row * OWN + value + 1);
        let [row, user, number, started, ended, request, client_request] = own;
        let written = write!(
            sql,
            "{comma}(?{row}, ?1, ?{user}, ?2, ?3, ?{number}, NULL, ?4, '', ?5, NULL, NULL, NULL, ?6, ?{started}, ?{ended}, \
             ?{request}, ?{client_request}, '')"
        );
        debug_assert!(written.is_ok(), "a text takes all");
    }
    sql
}

/// Writes the ends of rows within one transaction.
pub(super) struct Ends<'a> {
    connection: &'a Connection,
    session: Session,
}

impl<'a> Ends<'a> {
    pub(super) const fn new(connection: &'a Connection, session: Session) -> Self {
        Self { connection, session }
    }

    /// In the order of the rows, since a table grows most cheaply at its end.
    pub(super) fn keep(&self, mut ends: Vec<&RowEnd>) -> rusqlite::Result<()> {
        ends.sort_by_key(|end| end.row);
        for alike in ends.chunk_by(|one, next| are_alike(one, next)) {
            match alike {
                [end] if !is_plain(end) => self.ended(end)?,
                _ => self.done(alike)?,
            }
        }
        Ok(())
    }

    fn done(&self, alike: &[&RowEnd]) -> rusqlite::Result<()> {
        let many = alike.chunks_exact(MANY);
        let rest = many.remainder().chunks_exact(1);
        for (sql, parts) in [(&*MANY_DONE, many), (&*ONE_DONE, rest)] {
            if parts.len() > 0 {
                let mut statement = self.connection.prepare_cached(sql)?;
                parts.into_iter().try_for_each(|part| self.done_at_once(&mut statement, part))?;
            }
        }
        Ok(())
    }

    fn done_at_once(&self, statement: &mut CachedStatement<'_>, alike: &[&RowEnd]) -> rusqlite::Result<()> {
        let Some(first) = alike.first() else { return Ok(()) };
        let mut values = Values { statement, bound: 0 };
        values.bind(self.session.id)?;
        values.bind(first.action)?;
        values.bind(first.phone_type)?;
        values.bind(first.status.name())?;
        values.bind(first.http_status)?;
        values.bind(first.attempts)?;
        for end in alike {
            values.bind(end.row)?;
            values.bind(end.text(Text::User))?;
            values.bind(end.text(Text::PhoneNumber))?;
            values.bind(end.started_at.map(|moment| self.session.time(moment)))?;
            values.bind(self.session.time(end.ended_at))?;
            values.bind(end.text(Text::RequestId))?;
            values.bind(end.text(Text::ClientRequestId))?;
        }
        statement.raw_execute().map(|_| ())
    }

    fn ended(&self, end: &RowEnd) -> rusqlite::Result<()> {
        let ended_at = self.session.time(end.ended_at);
        if end.attempts == 0 && !end.text(Text::OperationId).is_empty() && self.followed(end, ended_at)? {
            return Ok(());
        }
        if end.status == Status::Unprocessed {
            // It changed nothing: what it found may be another thing by the time it is done.
            let sql = "DELETE FROM before_images WHERE row = ?1";
            self.connection.prepare_cached(sql)?.execute([end.row])?;
        }
        self.connection.prepare_cached(ENDED)?.execute(params![
            end.row,
            self.session.id,
            end.optional(Text::User),
            end.action,
            end.phone_type,
            end.text(Text::PhoneNumber),
            end.optional(Text::Fields),
            end.status.name(),
            end.text(Text::Detail),
            end.http_status,
            end.failure_status,
            end.optional(Text::ErrorCode),
            end.optional(Text::ErrorMessage),
            end.attempts,
            end.started_at.map(|moment| self.session.time(moment)),
            ended_at,
            end.text(Text::RequestId),
            end.text(Text::ClientRequestId),
            end.text(Text::OperationId),
        ])?;
        Ok(())
    }

    /// Whether an earlier end of the row is there whose operation was only followed since.
    fn followed(&self, end: &RowEnd, ended_at: i64) -> rusqlite::Result<bool> {
        let changed = self.connection.prepare_cached(FOLLOWED)?.execute(params![
            end.row,
            end.text(Text::OperationId),
            self.session.id,
            end.status.name(),
            end.text(Text::Detail),
            end.failure_status,
            end.optional(Text::ErrorCode),
            end.optional(Text::ErrorMessage),
            ended_at,
        ])?;
        Ok(changed > 0)
    }
}

/// A statement's values, one behind the other.
struct Values<'a, 'b> {
    statement: &'a mut CachedStatement<'b>,
    bound: usize,
}

impl Values<'_, '_> {
    fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.bound += 1;
        self.statement.raw_bind_parameter(self.bound, value)
    }
}

/// Whether there is nothing to say of a row but that it was done. Where it was not, its fields are kept.
fn is_plain(end: &RowEnd) -> bool {
    end.optional(Text::User).is_some()
        && end.optional(Text::Fields).is_none()
        && end.optional(Text::ErrorCode).is_none()
        && end.text(Text::Detail).is_empty()
        && end.text(Text::OperationId).is_empty()
}

/// Whether two rows differ in nothing but what [`OWN`] tells of.
fn are_alike(one: &RowEnd, other: &RowEnd) -> bool {
    let shared = |end: &RowEnd| (end.action, end.phone_type, end.status, end.http_status, end.attempts);
    is_plain(one) && is_plain(other) && shared(one) == shared(other)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::journal::tests::{end_of, reader, store};
    use crate::model::action::Action;
    use crate::model::event::{Ended, Event};
    use crate::model::outcome::Outcome;
    use crate::model::phone::PhoneType;

    /// A row whose end is unlike its neighbour's in one of the things that many may share, for every other `span` of rows.
    fn end(row: u64, span: u64, unlike: usize) -> Event {
        let is_unlike = (row / span).is_multiple_of(2);
        let is = |what| is_unlike && unlike == what;
        let phone_type = if is(0) { PhoneType::Mobile } else { PhoneType::Office };
        let action = if is(1) { Action::ListMethods } else { Action::DeletePhone(phone_type) };
        let status = if is(2) { Status::Unchanged } else { Status::Succeeded };
        let detail = if is(3) { "noted" } else { "" };
        let Event::Ended(plain) = end_of(row, &format!("user{row}"), action, Outcome::new(status, detail))
        else {
            unreachable!("it ends")
        };
        let (attempts, http_status) = (1 + u32::from(is(4)), Some(204 + u16::from(is(5))));
        let (request_id, client_request_id) = (format!("r{row}"), format!("c{row}"));
        let ended = (*plain).clone();
        Event::Ended(Arc::new(Ended { attempts, http_status, request_id, client_request_id, ..ended }))
    }

    #[test]
    fn rows_that_are_written_together_keep_what_each_has_of_its_own_and_what_only_some_share() {
        for (span, unlike) in
            [1, 7, 16, 40].into_iter().flat_map(|span| (0..=6).map(move |unlike| (span, unlike)))
        {
            let dir = tempfile::tempdir().unwrap();
            // Rows end in another order than they begin.
            let events: Vec<Event> = (1..=100).map(|at| end(at * 37 % 101, span, unlike)).collect();
            store(&dir).keep_events(&events).unwrap();
            let reader = reader(dir.path());
            let mut kept = reader.prepare("SELECT * FROM rows ORDER BY row").unwrap();
            let kept = kept.query_map([], |record| {
                let texts =
                    ["user", "action", "phone_type", "status", "detail", "request_id", "client_request_id"];
                let texts = texts.map(|name| record.get::<_, String>(name).unwrap());
                Ok((
                    record.get::<_, u32>("row")?.into(),
                    texts,
                    record.get("attempts")?,
                    record.get("http_status")?,
                ))
            });
            let mut kept = kept.unwrap();
            for row in 1..=100 {
                let Event::Ended(ended) = end(row, span, unlike) else { unreachable!("it ends") };
                let task = ended.work.task().unwrap();
                let texts = [
                    task.user.as_str(),
                    task.action.name(),
                    task.action.phone_type().map_or("", PhoneType::name),
                    ended.outcome.status.name(),
                    &ended.outcome.detail,
                    &ended.request_id,
                    &ended.client_request_id,
                ];
                let wanted = (row, texts.map(str::to_owned), ended.attempts, ended.http_status);
                assert_eq!(kept.next().unwrap().unwrap(), wanted, "{span} {unlike}");
            }
            assert!(kept.next().is_none());
        }
    }
}
