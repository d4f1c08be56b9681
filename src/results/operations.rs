//! operations.csv: one line for every password-reset operation, written when it ends or is given up.

use std::path::Path;

use tokio::time::Instant;

use crate::model::event::{Event, Observer, ObserverError};
use crate::model::operation::Operation;
use crate::model::timeline::Timeline;

use super::whole_lines::{WholeLines, one_line};

const COLUMNS: [&str; 11] = [
    "row",
    "user",
    "operation_id",
    "status",
    "status_detail",
    "created_at",
    "last_action_at",
    "accepted_at",
    "finished_at",
    "polls",
    "url",
];

/// Writes a line whenever an operation is closed.
#[derive(Debug)]
pub struct Operations {
    lines: WholeLines,
    timeline: Timeline,
}

impl Operations {
    /// Makes the file, which must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path, timeline: Timeline) -> Result<Self, ObserverError> {
        Ok(Self { lines: WholeLines::create(path, COLUMNS)?, timeline })
    }

    /// Writes what was kept back. The lines stay in the order in which operations ended.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), ObserverError> {
        self.lines.sync()
    }

    /// Whether there is a line in it.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        self.lines.is_begun()
    }

    /// Gives the file another name, in the place of a file that has it. It goes on to grow under that name.
    ///
    /// # Errors
    /// When it cannot be written or renamed.
    pub fn move_to(&mut self, path: &Path) -> Result<(), ObserverError> {
        self.lines.move_to(path)
    }

    fn write(&mut self, operation: &Operation) -> Result<(), ObserverError> {
        let fields: [&str; COLUMNS.len()] = [
            &operation.row.to_string(),
            operation.user.as_str(),
            &operation.id,
            operation.status.name(),
            &one_line(&operation.status_detail),
            &operation.created_at,
            &operation.last_action_at,
            &self.timeline.rfc3339(operation.accepted_at),
            &operation.finished_at.map_or_else(String::new, |moment| self.timeline.rfc3339(moment)),
            &operation.polls.to_string(),
            &operation.url,
        ];
        self.lines.push(fields)
    }
}

impl Observer for Operations {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            Event::Closed(operation) => self.write(operation),
            Event::Answered(_)
            | Event::Held { .. }
            | Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Polled(_)
            | Event::Accepted(_)
            | Event::Listed { .. }
            | Event::Ended(_) => Ok(()),
        }
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        self.lines.write_out()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::super::samples;
    use super::*;
    use crate::model::operation::OperationStatus;
    use crate::model::row::RowNumber;
    use crate::model::user::UserId;

    #[test]
    fn an_operation_has_one_line_when_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("operations.csv");
        let timeline = samples::timeline();
        let mut operations = Operations::create(&path, timeline).unwrap();
        let open = Operation {
            row: RowNumber(7),
            user: UserId::new("A@b.c").unwrap(),
            id: "op".to_owned(),
            url: "https://g/operations/op?aadgdc=DUB02P&aadgsu=a,b".to_owned(),
            status: OperationStatus::NotStarted,
            status_detail: String::new(),
            created_at: "2026-01-02T03:04:05Z".to_owned(),
            last_action_at: String::new(),
            accepted_at: samples::start(),
            finished_at: None,
            polls: 0,
            follows_doubt: false,
            may_be_overtaken: false,
            retry_after: None,
        };
        operations.observe(&Event::Accepted(Box::new(open.clone()))).unwrap();
        let closed = Operation {
            status: OperationStatus::Succeeded,
            status_detail: "Reset\nSuccess".to_owned(),
            finished_at: Some(samples::start() + Duration::from_secs(2)),
            polls: 3,
            ..open.clone()
        };
        operations.observe(&Event::Closed(Box::new(closed))).unwrap();
        operations
            .observe(&Event::Closed(Box::new(Operation { status: OperationStatus::TimedOut, ..open })))
            .unwrap();
        operations.finish().unwrap();
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            "row,user,operation_id,status,status_detail,created_at,last_action_at,accepted_at,finished_at,polls,url\n\
             7,A@b.c,op,succeeded,Reset Success,2026-01-02T03:04:05Z,,2026-01-02T03:04:05.000Z,\
             2026-01-02T03:04:07.000Z,3,\"https://g/operations/op?aadgdc=DUB02P&aadgsu=a,b\"\n\
             7,A@b.c,op,timedOut,,2026-01-02T03:04:05Z,,2026-01-02T03:04:05.000Z,,0,\
             \"https://g/operations/op?aadgdc=DUB02P&aadgsu=a,b\"\n"
        );
    }
}
