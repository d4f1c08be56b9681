//! What users have, as it was read: kept in a file without a name, so that memory holds eight bytes a row of it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::model::event::{Ended, Event, Observer, ObserverError};
use crate::model::method::Method;
use crate::model::row::RowNumber;
use crate::model::timeline::Timeline;

use super::whole_lines::fault;

/// How a user was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When; RFC 3339.
    pub read_at: String,
    /// What the user has, or why nobody knows.
    pub methods: Result<Vec<Method>, Unread>,
}

/// Why a user was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The answer's status; `None` where none came.
    pub http_status: Option<u16>,
    /// Why, and what to do.
    pub reason: String,
}

/// Readings by the row that asked.
#[derive(Debug)]
pub struct Readings {
    file: File,
    length: u64,
    /// Where the reading of a row ends, by row; 0 where there is none.
    ends: Vec<u64>,
    timeline: Timeline,
    /// Rows that have read and not ended.
    listed: HashMap<RowNumber, Vec<Method>>,
}

impl Readings {
    /// Room for readings.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn new(timeline: Timeline) -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self { file, length: 0, ends: Vec::new(), timeline, listed: HashMap::new() })
    }

    /// What the row read; `None` where it did not come to it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(&self, row: RowNumber) -> io::Result<Option<Reading>> {
        let end = self.ends.get(index(row)).copied().unwrap_or_default();
        if end == 0 {
            return Ok(None);
        }
        let mut size = [0; SIZE];
        self.file.read_exact_at(&mut size, end - SIZE as u64)?;
        let mut text = vec![0; u32::from_le_bytes(size) as usize];
        let start = end - (SIZE + text.len()) as u64;
        self.file.read_exact_at(&mut text, start)?;
        Ok(Some(serde_json::from_slice(&text)?))
    }

    fn keep(&mut self, ended: &Ended) -> io::Result<()> {
        let row = ended.work.row().number;
        let methods = match self.listed.remove(&row) {
            Some(methods) => Ok(methods),
            // The run stopped first: nobody looked.
            None if ended.started_at.is_none() => return Ok(()),
            None => Err(unread(ended)),
        };
        let mut text =
            serde_json::to_vec(&Reading { read_at: self.timeline.rfc3339(ended.ended_at), methods })?;
        let size = u32::try_from(text.len()).map_err(io::Error::other)?;
        text.extend(size.to_le_bytes());
        self.file.write_all(&text)?;
        self.length += text.len() as u64;
        let at = index(row);
        if self.ends.len() <= at {
            self.ends.resize(at + 1, 0);
        }
        self.ends[at] = self.length;
        Ok(())
    }
}

/// The length of a reading's text stands behind it.
const SIZE: usize = size_of::<u32>();

fn unread(ended: &Ended) -> Unread {
    let detail = ended.outcome.detail.as_str();
    let Some(failure) = &ended.outcome.failure else {
        return Unread { http_status: None, reason: detail.to_owned() };
    };
    let reason = [failure.code.as_str(), failure.message.as_str(), detail];
    let reason: Vec<&str> = reason.into_iter().filter(|part| !part.is_empty()).collect();
    Unread { http_status: failure.http_status, reason: reason.join(": ") }
}

fn index(row: RowNumber) -> usize {
    usize::try_from(row.0).unwrap_or(usize::MAX)
}

impl Observer for Readings {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            Event::Listed { row, methods, .. } => {
                self.listed.insert(*row, methods.clone());
                Ok(())
            }
            Event::Ended(ended) => self.keep(ended).map_err(fault("what was read".as_ref())),
            Event::Answered(_)
            | Event::Held { .. }
            | Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Polled(_)
            | Event::Accepted(_)
            | Event::Closed(_) => Ok(()),
        }
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::samples;
    use super::*;
    use crate::model::action::Action;
    use crate::model::outcome::{Failure, Outcome, Status};
    use crate::model::user::UserId;

    #[test]
    fn what_was_read_is_found_again_by_its_row() {
        let mut readings = Readings::new(samples::timeline()).unwrap();
        let methods =
            |count: usize| vec![Method { phone_number: "+1 2065550123".into(), ..Method::default() }; count];
        let user = || UserId::new("a@b.c").unwrap();
        for (row, count) in [(9, 1), (2, 0), (7, 300)] {
            readings
                .observe(&Event::Listed { row: RowNumber(row), user: user(), methods: methods(count) })
                .unwrap();
            let ended =
                samples::ended(samples::task(row, Action::ListPhones), Outcome::new(Status::Succeeded, ""));
            readings.observe(&Event::Ended(Arc::new(ended))).unwrap();
        }
        let failure = Failure { http_status: Some(404), code: "gone".into(), message: "no".into() };
        let refused = samples::ended(samples::task(3, Action::ListPhones), Outcome::failed(failure, "hint"));
        readings.observe(&Event::Ended(Arc::new(refused))).unwrap();
        let stopped = Outcome::new(Status::Unprocessed, "the run stopped first");
        let stopped =
            Ended { started_at: None, ..samples::ended(samples::task(4, Action::ListPhones), stopped) };
        readings.observe(&Event::Ended(Arc::new(stopped))).unwrap();
        let read = |row| readings.of(RowNumber(row)).unwrap().map(|reading| reading.methods);
        assert_eq!([9, 2, 7].map(read), [1, 0, 300].map(|count| Some(Ok(methods(count)))));
        let unread = Unread { http_status: Some(404), reason: "gone: no: hint".into() };
        assert_eq!([3, 4, 5].map(read), [Some(Err(unread)), None, None]);
    }
}
