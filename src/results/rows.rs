//! results.csv: one line for every row, in input order once the run has ended.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::event::{Ended, Event, Observer, ObserverError};
use crate::model::header::Header;
use crate::model::phone::PhoneType;
use crate::model::row::Row;
use crate::model::task::Work;
use crate::model::timeline::Timeline;

use super::names::beside;
use super::whole_lines::{WholeLines, free_text, harmless};

/// The columns before the input's extra ones.
pub(super) const COLUMNS: [&str; 16] = [
    "row",
    "user",
    "action",
    "phone_type",
    "phone_number",
    "status",
    "detail",
    "http_status",
    "error_code",
    "error_message",
    "attempts",
    "started_at",
    "duration_ms",
    "request_id",
    "client_request_id",
    "operation_id",
];

/// Writes a line whenever a row ends.
#[derive(Debug)]
pub struct Results {
    lines: WholeLines,
    header: Header,
    timeline: Timeline,
    clock: Clock,
}

impl Results {
    /// Makes the file, which must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path, header: &Header, timeline: Timeline) -> Result<Self, ObserverError> {
        let extra: Vec<_> = header.extra.iter().map(|column| header.names[*column].as_str()).collect();
        let extra = beside(&COLUMNS, &extra);
        let lines = WholeLines::create(path, COLUMNS.into_iter().chain(extra.iter().map(String::as_str)))?;
        Ok(Self { lines, header: header.clone(), timeline, clock: Clock::default() })
    }

    /// Writes what was kept back. The lines stay in the order in which rows were told.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), ObserverError> {
        self.lines.sync()
    }

    /// Whether a row has ended in it.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        self.lines.is_begun()
    }

    /// Writes what was kept back and brings the lines into the order of the rows, none of which may stand there twice.
    ///
    /// # Errors
    /// When the file cannot be written, and when a row ended so late that its line stands too far behind its place.
    pub fn finish_in_order(self) -> Result<(), ObserverError> {
        self.lines.finish_in_order()
    }

    /// Gives the file another name, in the place of a file that has it. It goes on to grow under that name.
    ///
    /// # Errors
    /// When it cannot be written or renamed.
    pub fn move_to(&mut self, path: &Path) -> Result<(), ObserverError> {
        self.lines.move_to(path)
    }

    fn write(&mut self, ended: &Ended) -> Result<(), ObserverError> {
        let row = ended.work.row();
        let asked = Asked::of(&ended.work, &self.header);
        let failure = ended.outcome.failure.as_ref();
        let http_status = failure.and_then(|failure| failure.http_status).or(ended.http_status);
        let mut numbers = [itoa::Buffer::new(); 4];
        let [number, status, attempts, duration_ms] = &mut numbers;
        let took = ended.started_at.map(|moment| ended.ended_at.saturating_duration_since(moment));
        let started_at = ended.started_at.map(|moment| self.clock.rfc3339(self.timeline.at(moment)));
        let fields: [&str; COLUMNS.len()] = [
            number.format(row.number.0),
            &harmless(asked.user),
            &harmless(asked.action),
            &harmless(asked.phone_type),
            &harmless(asked.phone_number),
            ended.outcome.status.name(),
            &free_text(&ended.outcome.detail),
            http_status.map_or("", |code| status.format(code)),
            failure.map_or("", |failure| failure.code.as_str()),
            &free_text(failure.map_or("", |failure| failure.message.as_str())),
            attempts.format(ended.attempts),
            started_at.unwrap_or_default(),
            duration_ms.format(took.unwrap_or_default().as_millis()),
            &ended.request_id,
            &ended.client_request_id,
            &ended.operation_id,
        ];
        let extra = self.header.extra.iter().map(|column| self.header.shown(row, *column));
        self.lines.push(fields.into_iter().chain(extra))
    }
}

impl Observer for Results {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            Event::Ended(ended) => self.write(ended),
            Event::Answered(_)
            | Event::Held { .. }
            | Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Polled(_)
            | Event::Accepted(_)
            | Event::Closed(_)
            | Event::Listed { .. } => Ok(()),
        }
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        self.lines.write_out()
    }
}

/// What was asked for: as it was understood, or, where it was not, as the row says it.
pub(super) struct Asked<'a> {
    pub(super) user: &'a str,
    pub(super) action: &'a str,
    pub(super) phone_type: &'a str,
    pub(super) phone_number: &'a str,
}

impl<'a> Asked<'a> {
    pub(super) fn of(work: &'a Work, header: &Header) -> Self {
        match work.task() {
            Some(task) => Self {
                user: task.user.as_str(),
                action: task.action.name(),
                phone_type: task.action.phone_type().map_or("", PhoneType::name),
                phone_number: task.action.phone().map_or("", |phone| phone.number.as_str()),
            },
            None => Self::raw(work.row(), header),
        }
    }

    fn raw(row: &'a Row, header: &Header) -> Self {
        let field = |column: Option<usize>| column.map_or("", |column| header.shown(row, column));
        Self {
            user: field(header.user),
            action: field(header.action),
            phone_type: field(header.phone_type),
            phone_number: field(header.phone_number),
        }
    }
}

/// Writes times: thousands of rows begin in the same second, and most of the work is the second.
#[derive(Debug, Default)]
struct Clock {
    second: Option<i64>,
    /// The last time written, and how much of it is the second.
    text: String,
    second_bytes: usize,
}

impl Clock {
    /// RFC 3339 in UTC with milliseconds.
    fn rfc3339(&mut self, time: Timestamp) -> &str {
        // Rounded down, also before 1970.
        let (second, millisecond) =
            (time.as_millisecond().div_euclid(1_000), time.as_millisecond().rem_euclid(1_000));
        if self.second.replace(second) != Some(second) {
            self.text = format!("{:.0}", Timestamp::from_second(second).unwrap_or_default());
            self.second_bytes = self.text.len() - "Z".len();
        }
        self.text.truncate(self.second_bytes);
        // Writing to a String cannot fail.
        let _ = write!(self.text, ".{millisecond:03}Z");
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::samples::{self, ended, header, invalid, misplaced, reset, row, task};
    use super::*;
    use crate::model::action::Action;
    use crate::model::outcome::{Failure, Outcome, Status};
    use crate::model::phone::{Phone, PhoneNumber};

    fn lines(events: &[Ended]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.csv");
        let mut results = Results::create(&path, &header(), samples::timeline()).unwrap();
        for ended in events {
            results.observe(&Event::Ended(Arc::new(ended.clone()))).unwrap();
        }
        results.finish().unwrap();
        fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_header_is_the_contract_and_then_the_extra_columns() {
        let expected = "row,user,action,phone_type,phone_number,status,detail,http_status,error_code,\
                        error_message,attempts,started_at,duration_ms,request_id,client_request_id,\
                        operation_id,note,city";
        assert_eq!(lines(&[]), [expected]);
    }

    #[test]
    fn a_line_tells_what_was_asked_for_and_what_came_of_it() {
        let number = PhoneNumber::from_formatted("+1 4255550199x42");
        let phone = Phone { phone_type: PhoneType::Office, number };
        let mut done = ended(task(1, Action::SetPhone(phone)), Outcome::new(Status::Succeeded, "changed"));
        done.http_status = Some(204);
        done.request_id = "req".to_owned();
        done.client_request_id = "own".to_owned();
        let failure = Failure {
            http_status: Some(404),
            code: "notFound".to_owned(),
            message: "no such\r\nuser, \"a\"".to_owned(),
        };
        let mut failed =
            ended(task(2, Action::DeletePhone(PhoneType::Mobile)), Outcome::failed(failure, "x\ny"));
        failed.http_status = Some(200);
        failed.operation_id = "op".to_owned();
        let mut never = ended(reset(3), Outcome::new(Status::Unprocessed, ""));
        never.started_at = None;
        never.attempts = 0;
        let lines = lines(&[done, failed, never]);
        assert_eq!(
            lines[1..],
            [
                "1,A@b.c,set-phone,office,+1 4255550199x42,succeeded,changed,204,,,2,\
                 2026-01-02T03:04:06.500Z,250,req,own,,a note,\"x, y\"",
                "2,A@b.c,delete-phone,mobile,,failed,x y,404,notFound,\"no such user, \"\"a\"\"\",2,\
                 2026-01-02T03:04:06.500Z,250,,,op,a note,\"x, y\"",
                "3,A@b.c,reset-password,,,unprocessed,,,,,0,,0,,,,a note,\"x, y\"",
            ]
        );
    }

    #[test]
    fn an_invalid_row_is_told_as_it_stands_but_for_passwords() {
        let bad = row(1, &[" nobody ", "ad phone", "fax", "12", "S3cret!!", "", "a note", "x"]);
        let bad = ended(invalid(bad), samples::invalid_row());
        let short = ended(misplaced(2), samples::invalid_row());
        let lines = lines(&[bad, short]);
        assert_eq!(
            lines[1],
            "1, nobody ,ad phone,fax,12,failed,,,invalid-row,is wrong,2,2026-01-02T03:04:06.500Z,250,,,,a note,x"
        );
        assert!(lines[2].starts_with("2,a@b.c,reset,,,failed,"), "{}", lines[2]);
        assert!(!lines.concat().contains("S3cret"));
    }

    #[test]
    fn free_text_is_no_formula_and_numbers_and_the_input_s_own_columns_stay_exact() {
        let number = PhoneNumber::from_formatted("+1 2065550123");
        let phone = Phone { phone_type: PhoneType::Mobile, number };
        let mut done = ended(task(1, Action::SetPhone(phone)), Outcome::new(Status::Succeeded, "=1+1"));
        if let Work::Task(task) = &mut done.work {
            *task.row.fields = ["", "", "", "", "", "", "@SUM(A1)", "x, y"].iter().collect();
        }
        let line = lines(&[done]).remove(1);
        assert!(line.starts_with("1,A@b.c,set-phone,mobile,+1 2065550123,succeeded,'=1+1,"), "{line}");
        assert!(line.ends_with(",@SUM(A1),\"x, y\""), "{line}");
    }

    #[test]
    fn a_column_of_the_input_never_has_the_name_of_one_of_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.csv");
        let mut header = header();
        header.names[6] = "Status".to_owned();
        Results::create(&path, &header, samples::timeline()).unwrap().finish().unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with(",operation_id,input_Status,city\n"), "{text}");
    }

    #[tokio::test]
    async fn a_tick_shows_every_row_that_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results.csv");
        let mut results = Results::create(&path, &header(), samples::timeline()).unwrap();
        let end = ended(task(1, Action::ListMethods), Outcome::new(Status::Unchanged, ""));
        results.observe(&Event::Ended(Arc::new(end))).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        results.tick(Instant::now() + Duration::from_secs(1)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        drop(results);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    proptest! {
        #[test]
        fn times_are_written_as_elsewhere(steps in proptest::collection::vec(-3_000_000_i64..3_000_000, 1..20)) {
            let mut clock = Clock::default();
            let mut micros = 1_767_225_600_000_000;
            for step in steps {
                micros += step;
                let time = Timestamp::from_microsecond(micros).unwrap();
                prop_assert_eq!(clock.rfc3339(time), format!("{time:.3}"));
            }
        }
    }
}
