//! The end of a row as it is kept: as little as that takes, in one piece. Events that waited for their commit would keep a
//! dozen pieces of memory each from the rows that come next.

use tokio::time::Instant;

use crate::model::event::Ended;
use crate::model::header::Header;
use crate::model::outcome::Status;
use crate::model::phone::PhoneType;
use crate::model::row::Row;
use crate::model::task::Task;

/// Stands in a password's place.
const HIDDEN: &str = "(hidden)";

/// How a row ended.
#[derive(Debug, Clone)]
pub(super) struct RowEnd {
    pub(super) row: i64,
    pub(super) action: &'static str,
    pub(super) phone_type: &'static str,
    pub(super) status: Status,
    /// Of the last answer.
    pub(super) http_status: Option<u16>,
    /// Of the answer that decided.
    pub(super) failure_status: Option<u16>,
    pub(super) attempts: u32,
    pub(super) started_at: Option<Instant>,
    pub(super) ended_at: Instant,
    texts: Box<str>,
    /// Where each of the texts ends; [`NONE`] for one that is not there.
    ends: [u32; TEXTS],
}

/// The texts that are kept of a row's end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text {
    /// Not there where the row was not understood.
    User,
    PhoneNumber,
    /// As JSON; not there where no file needs them.
    Fields,
    Detail,
    /// Not there where nothing failed.
    ErrorCode,
    /// As above.
    ErrorMessage,
    RequestId,
    ClientRequestId,
    OperationId,
}

const TEXTS: usize = Text::OperationId as usize + 1;

/// No text ends there.
const NONE: u32 = u32::MAX;

impl RowEnd {
    pub(super) fn of(ended: &Ended, header: &Header) -> Self {
        let Ended { work, outcome, .. } = ended;
        let (row, task, failure) = (work.row(), work.task(), outcome.failure.as_ref());
        let fields = needs_fields(header, ended).then(|| json(&fields(header, row)));
        // In the order of `Text`.
        let (texts, ends) = joined([
            task.map(|task| task.user.as_str()),
            task.and_then(|task| task.action.phone()).map(|phone| phone.number.as_str()),
            fields.as_deref(),
            Some(&outcome.detail),
            failure.map(|failure| failure.code.as_str()),
            failure.map(|failure| failure.message.as_str()),
            Some(&ended.request_id),
            Some(&ended.client_request_id),
            Some(&ended.operation_id),
        ]);
        Self {
            row: row.number.0.cast_signed(),
            action: task.map_or("", |task| task.action.name()),
            phone_type: task.map_or("", phone_type),
            status: outcome.status,
            http_status: ended.http_status,
            failure_status: failure.and_then(|failure| failure.http_status),
            attempts: ended.attempts,
            started_at: ended.started_at,
            ended_at: ended.ended_at,
            texts,
            ends,
        }
    }

    /// `None` where it is not there.
    pub(super) fn optional(&self, text: Text) -> Option<&str> {
        let place = text as usize;
        let end = Some(self.ends[place]).filter(|end| *end != NONE)? as usize;
        let start = self.ends[..place].iter().rev().find(|end| **end != NONE).map_or(0, |end| *end as usize);
        self.texts.get(start..end)
    }

    /// Empty where it is not there.
    pub(super) fn text(&self, text: Text) -> &str {
        self.optional(text).unwrap_or_default()
    }
}

/// All texts in one, and where each of them ends.
fn joined(texts: [Option<&str>; TEXTS]) -> (Box<str>, [u32; TEXTS]) {
    let mut all = String::with_capacity(texts.iter().flatten().map(|text| text.len()).sum());
    let mut ends = [NONE; TEXTS];
    for (text, end) in texts.into_iter().zip(&mut ends) {
        if let Some(text) = text {
            all.push_str(text);
            *end = u32::try_from(all.len()).unwrap_or(NONE);
        }
    }
    (all.into_boxed_str(), ends)
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    let Ok(text) = serde_json::to_string(value) else {
        unreachable!("lists and maps of texts always serialize")
    };
    text
}

fn phone_type(task: &Task) -> &'static str {
    task.action.phone_type().map_or("", PhoneType::name)
}

/// Whether a file has to be made of the row as it was written.
const fn needs_fields(header: &Header, ended: &Ended) -> bool {
    !ended.outcome.status.is_done() || !header.extra.is_empty()
}

/// A row's fields without what is, or could be, a password.
fn fields<'a>(header: &Header, row: &'a Row) -> Vec<&'a str> {
    let certain = header.certain(row);
    let field = |column| {
        let may_be_password = column >= certain || Some(column) == header.new_password;
        match row.field(column) {
            "" => "",
            _ if may_be_password => HIDDEN,
            _ => header.shown(row, column),
        }
    };
    (0..row.fields.len()).map(field).collect()
}
