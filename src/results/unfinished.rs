//! unfinished.csv: the rows that did not succeed, with the input's own columns: valid input for the next run.
//!
//! It holds no password. In a password's place stands `PATH#ROW`, which says where the input has it.

use std::path::{Path, PathBuf};

use tokio::time::Instant;

use crate::model::event::{Event, Observer, ObserverError};
use crate::model::header::Header;
use crate::model::row::Row;

use super::whole_lines::WholeLines;

/// The column that is added where passwords are pointed at for the first time.
const NEW_PASSWORD_FROM: &str = "new_password_from";

/// Writes a row's own fields whenever it ended and needs a further run.
#[derive(Debug)]
pub struct Unfinished {
    lines: WholeLines,
    header: Header,
    input: PathBuf,
}

impl Unfinished {
    /// Makes the file, which must not exist. `input` is where the rows come from, as a whole path.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path, header: &Header, input: &Path) -> Result<Self, ObserverError> {
        let added = adds_reference(header).then_some(NEW_PASSWORD_FROM);
        let lines = WholeLines::create(path, header.names.iter().map(String::as_str).chain(added))?;
        Ok(Self { lines, header: header.clone(), input: input.to_owned() })
    }

    /// Writes what was kept back. The rows stay in the order in which they were told.
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

    fn write(&mut self, row: &Row) -> Result<(), ObserverError> {
        if (0..row.fields.len()).any(|column| self.header.swallowed_passwords(row, column)) {
            // As a line of one field, so that it is refused again and not done without the rows in it.
            self.lines.push([self.place(row).as_str()])
        } else if row.fields.len() == self.header.names.len() {
            self.write_whole(row)
        } else {
            self.write_misplaced(row)
        }
    }

    /// Stands for a row that cannot be copied.
    fn place(&self, row: &Row) -> String {
        format!("(row {} of {})", row.number, self.input.display())
    }

    fn write_whole(&mut self, row: &Row) -> Result<(), ObserverError> {
        let has_password = self.header.new_password.is_some_and(|column| !row.field(column).is_empty());
        let reference = has_password.then(|| format!("{}#{}", self.input.display(), row.number));
        let field = |column: usize| match &reference {
            Some(_) if Some(column) == self.header.new_password => "",
            Some(reference) if Some(column) == self.header.new_password_from => reference,
            Some(_) | None => row.field(column),
        };
        let added = adds_reference(&self.header).then(|| reference.as_deref().unwrap_or_default());
        self.lines.push((0..row.fields.len()).map(field).chain(added))
    }

    /// A row with fields too few or too many stays so, without those that may be a password. It must not gain the
    /// right number of fields, or it would be done the next time.
    fn write_misplaced(&mut self, row: &Row) -> Result<(), ObserverError> {
        let certain = || row.fields.iter().take(self.header.certain(row));
        if certain().all(|field| field.trim().is_empty()) {
            // What is blank would be skipped as a blank line, and the row would be lost without a word.
            return self.lines.push([self.place(row).as_str()]);
        }
        self.lines.push(certain())
    }
}

impl Observer for Unfinished {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            Event::Ended(ended) if ended.outcome.status.needs_further_run() => self.write(ended.work.row()),
            Event::Ended(_)
            | Event::Answered(_)
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

/// Whether the input has passwords and no column yet that could point at them.
const fn adds_reference(header: &Header) -> bool {
    header.new_password.is_some() && header.new_password_from.is_none()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::samples::{self, ended, invalid, misplaced, row};
    use super::*;
    use crate::model::outcome::{Outcome, Status};

    fn written(header: &Header, rows: Vec<Row>, status: Status) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unfinished.csv");
        let mut unfinished = Unfinished::create(&path, header, Path::new("/in/wave 1.csv")).unwrap();
        for row in rows {
            let event = Event::Ended(Arc::new(ended(invalid(row), Outcome::new(status, ""))));
            unfinished.observe(&event).unwrap();
        }
        unfinished.finish().unwrap();
        fs::read_to_string(path).unwrap()
    }

    fn without_reference() -> Header {
        Header {
            names: ["user", "action", "new_password", "note"].map(str::to_owned).to_vec(),
            user: Some(0),
            action: Some(1),
            new_password: Some(2),
            extra: vec![3],
            ..Header::default()
        }
    }

    #[test]
    fn rows_that_are_done_need_no_further_run() {
        for status in Status::ALL {
            let text = written(&without_reference(), vec![row(1, &["a@b.c", "list", "", ""])], status);
            let is_left_out = status.is_done() || status == Status::Pending;
            assert_eq!(text.lines().count() == 1, is_left_out, "{status}");
        }
    }

    #[test]
    fn a_password_is_pointed_at_and_never_copied() {
        let rows = vec![
            row(1, &["a@b.c", "reset", "S3cret!!", " note "]),
            row(2, &["b@b.c", "reset", "S3c", "ret!!", "x"]),
            row(3, &["c@b.c", "add", "", "x"]),
        ];
        assert_eq!(
            written(&without_reference(), rows, Status::Failed),
            "user,action,new_password,note,new_password_from\n\
             a@b.c,reset,, note ,\"/in/wave 1.csv#1\"\nb@b.c\nc@b.c,add,,x,\n"
        );
    }

    #[test]
    fn a_reference_that_is_there_stays_unless_the_row_has_a_password() {
        let header = samples::header();
        let rows = vec![
            row(1, &["a@b.c", "reset", "", "", "", "/old.csv#9", "", ""]),
            row(2, &["a@b.c", "reset", "", "", "S3cret!!", "/old.csv#9", "", ""]),
        ];
        let text = written(&header, rows, Status::Unknown);
        assert!(
            text.ends_with("a@b.c,reset,,,,\"/old.csv#9\",,\na@b.c,reset,,,,\"/in/wave 1.csv#2\",,\n"),
            "{text}"
        );
    }

    #[test]
    fn a_misplaced_row_never_gains_the_right_number_of_fields() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("unfinished.csv");
        let header = Header { new_password: Some(0), user: Some(1), ..without_reference() };
        let mut unfinished = Unfinished::create(&path, &header, Path::new("/in.csv")).unwrap();
        unfinished.observe(&Event::Ended(Arc::new(ended(misplaced(4), samples::invalid_row())))).unwrap();
        unfinished.finish().unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with("\n(row 4 of /in.csv)\n"), "{text}");
    }

    #[test]
    fn rows_that_another_one_swallowed_are_not_copied_with_their_passwords() {
        let rows = vec![row(7, &["a@b.c", "list", "", "open\nb@b.c,reset,S3cret!!,x"])];
        let text = written(&without_reference(), rows, Status::Failed);
        assert!(
            text.ends_with("\n(row 7 of /in/wave 1.csv)\n")
                || text.ends_with("\n\"(row 7 of /in/wave 1.csv)\"\n"),
            "{text}"
        );
    }

    #[test]
    fn a_file_without_passwords_gets_no_column_and_keeps_misplaced_rows_as_they_are() {
        let header = Header { new_password: None, extra: vec![2, 3], ..without_reference() };
        let rows = vec![row(1, &["a@b.c", "list"]), row(2, &["#b@b.c", "list", "x", "y,z"])];
        let text = written(&header, rows, Status::Failed);
        assert_eq!(text, "user,action,new_password,note\na@b.c,list\n\"#b@b.c\",list,x,\"y,z\"\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn whatever_the_fields_hold_they_are_read_back_the_same(
            rows in prop::collection::vec(prop::collection::vec("[ -~\r\n\u{feff}\u{e4}]{0,12}|(?s).{0,5}", 4), 1..6),
        ) {
            let header = Header { new_password: None, extra: vec![2, 3], ..without_reference() };
            let given: Vec<_> = rows.iter().zip(1..).map(|(fields, number)| {
                row(number, &fields.iter().map(String::as_str).collect::<Vec<_>>())
            }).collect();
            let text = written(&header, given.clone(), Status::Failed);
            let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(text.as_bytes());
            let back: Vec<Vec<String>> = reader.deserialize().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(back, rows);
        }
    }
}
