//! Every event as a line of JSON (NDJSON), in the order in which it happened. Holds no secret and no address of an operation.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::warn;

use crate::model::event::{Access, Answered, BeforeImage, Ended, Event, Observer, ObserverError};
use crate::model::numbers::Numbers;
use crate::model::operation::Operation;
use crate::model::stats::INVALID;
use crate::model::timeline::Timeline;

/// The version of the keys; each line has it.
const VERSION: u32 = 1;

/// A file that grows by a line for each event.
pub struct EventLog {
    path: PathBuf,
    file: BufWriter<File>,
    timeline: Timeline,
    numbers: Numbers,
    has_warned: bool,
}

impl EventLog {
    /// Goes on behind what stands in the file; makes it for its owner alone where it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, timeline: Timeline, numbers: Numbers) -> Result<Self, ObserverError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|source| fault(path, source))?;
        end_line(path, &mut file).map_err(|source| fault(path, source))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), timeline, numbers, has_warned: false })
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let (kind, at, fields) = self.told(event);
        let line =
            json!({"version": VERSION, "at": self.timeline.rfc3339(at), "event": kind, "data": fields});
        serde_json::to_writer(&mut self.file, &line)?;
        self.file.write_all(b"\n")
    }

    fn warn_once(&mut self, error: &io::Error) {
        if !self.has_warned {
            self.has_warned = true;
            warn!("events cannot be written to {}: {error}", self.path.display());
        }
    }

    fn told(&self, event: &Event) -> (&'static str, Instant, Value) {
        let now = Instant::now();
        match event {
            Event::Answered(answered) => ("answered", answered.sent_at + answered.latency, request(answered)),
            Event::Held { span, until } => {
                ("held", now, json!({"for_ms": ms(*span), "until": self.timeline.rfc3339(*until)}))
            }
            Event::SignInLost { reason } => ("sign-in-lost", now, json!({"reason": self.text(reason)})),
            Event::Begun(rows) => {
                ("begun", now, json!({"rows": rows.iter().map(|row| row.0).collect::<Vec<_>>()}))
            }
            Event::Found(image) => ("found", image.read_at, self.image(image)),
            Event::Accepted(operation) => ("accepted", operation.accepted_at, reset(operation)),
            Event::Polled(operation) => ("polled", now, reset(operation)),
            Event::Closed(operation) => ("closed", operation.finished_at.unwrap_or(now), reset(operation)),
            Event::Listed { row, user, methods } => {
                ("listed", now, json!({"row": row.0, "user": user.as_str(), "methods": methods.len()}))
            }
            Event::Ended(ended) => ("ended", ended.ended_at, self.end(ended)),
        }
    }

    fn image(&self, image: &BeforeImage) -> Value {
        let number = image.phone_number.as_deref().map(|number| self.text(number));
        json!({"row": image.row.0, "phone_type": image.phone_type.name(), "phone_number": number,
               "sms_sign_in_state": image.sms_sign_in_state})
    }

    fn end(&self, ended: &Ended) -> Value {
        let (user, action, number) = match ended.work.task() {
            Some(task) => {
                let number = task.action.phone().map(|phone| self.text(phone.number.as_str()));
                (task.user.as_str(), task.action.name(), number)
            }
            None => ("", INVALID, None),
        };
        let failure = ended.outcome.failure.as_ref();
        json!({
            "row": ended.work.row().number.0,
            "user": user,
            "action": action,
            "phone_number": number,
            "status": ended.outcome.status.name(),
            "detail": self.text(&ended.outcome.detail),
            "http_status": ended.http_status,
            "error_code": failure.map(|failure| failure.code.as_str()),
            "error_message": failure.map(|failure| self.text(&failure.message)),
            "attempts": ended.attempts,
            "duration_ms": ended.started_at.map(|started_at| ms(ended.ended_at.duration_since(started_at))),
            "request_id": ended.request_id,
            "client_request_id": ended.client_request_id,
            "operation_id": ended.operation_id,
        })
    }

    fn text(&self, text: &str) -> String {
        self.numbers.in_text(text).into_owned()
    }
}

fn request(answered: &Answered) -> Value {
    let access = match answered.access {
        Access::Read => "read",
        Access::Write => "write",
    };
    json!({"access": access, "attempt": answered.attempt, "status": answered.status,
           "latency_ms": ms(answered.latency), "early": answered.early, "quota_used_percent": answered.used_percent})
}

/// Without its address: who has that may ask for it.
fn reset(operation: &Operation) -> Value {
    json!({"row": operation.row.0, "user": operation.user.as_str(), "operation_id": operation.id,
           "status": operation.status.name(), "status_detail": operation.status_detail, "polls": operation.polls})
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A process that was killed may have left half a line.
fn end_line(path: &Path, file: &mut File) -> io::Result<()> {
    let mut last = [b'\n'];
    // What is no file of its own, as a pipe, cannot be looked at.
    if let Ok(mut written) = File::open(path)
        && file.metadata()?.is_file()
        && written.seek(SeekFrom::End(-1)).is_ok()
    {
        written.read_exact(&mut last)?;
    }
    if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
}

fn fault(path: &Path, source: io::Error) -> ObserverError {
    ObserverError { what: path.display().to_string(), source }
}

/// Events are no reason to stop a run: its journal is the record.
impl Observer for EventLog {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        if let Err(error) = self.write(event) {
            self.warn_once(&error);
        }
        Ok(())
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        if let Err(error) = self.file.flush() {
            self.warn_once(&error);
        }
        Ok(())
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog").field("path", &self.path).finish_non_exhaustive()
    }
}
