//! methods.csv: what list-methods rows found, a line for each method.

use std::path::Path;

use tokio::time::Instant;

use crate::model::event::{Event, Observer, ObserverError};
use crate::model::method::Method;
use crate::model::row::RowNumber;
use crate::model::user::UserId;

use super::whole_lines::{WholeLines, free_text};

const COLUMNS: [&str; 9] = [
    "row",
    "user",
    "method_type",
    "method_id",
    "phone_type",
    "phone_number",
    "sms_sign_in_state",
    "created_at",
    "detail",
];

/// Writes a line for each method whenever a row has listed them.
#[derive(Debug)]
pub struct Methods {
    lines: WholeLines,
}

impl Methods {
    /// Makes the file, which must not exist.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &Path) -> Result<Self, ObserverError> {
        Ok(Self { lines: WholeLines::create(path, COLUMNS)? })
    }

    /// Writes what was kept back. The lines stay in the order in which rows were listed.
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

    fn write(&mut self, row: RowNumber, user: &UserId, method: &Method) -> Result<(), ObserverError> {
        let fields: [&str; COLUMNS.len()] = [
            &row.to_string(),
            user.as_str(),
            &method.method_type,
            &method.method_id,
            &method.phone_type,
            &method.phone_number,
            &method.sms_sign_in_state,
            &method.created_at,
            &free_text(&method.detail),
        ];
        self.lines.push(fields)
    }
}

impl Observer for Methods {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            Event::Listed { row, user, methods } => {
                methods.iter().try_for_each(|method| self.write(*row, user, method))
            }
            Event::Answered(_)
            | Event::Held { .. }
            | Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Polled(_)
            | Event::Accepted(_)
            | Event::Closed(_)
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

    use super::*;

    #[test]
    fn every_method_has_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("methods.csv");
        let mut file = Methods::create(&path).unwrap();
        let phone = Method {
            method_type: "phone".to_owned(),
            method_id: "3179".to_owned(),
            phone_type: "mobile".to_owned(),
            phone_number: "+1 2065550123".to_owned(),
            sms_sign_in_state: "ready".to_owned(),
            ..Method::default()
        };
        let key =
            Method { method_type: "fido2".to_owned(), detail: "my, key".to_owned(), ..Method::default() };
        let user = UserId::new("a@b.c").unwrap();
        file.observe(&Event::Listed { row: RowNumber(2), user, methods: vec![phone, key] }).unwrap();
        file.finish().unwrap();
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            "row,user,method_type,method_id,phone_type,phone_number,sms_sign_in_state,created_at,detail\n\
             2,a@b.c,phone,3179,mobile,+1 2065550123,ready,,\n2,a@b.c,fido2,,,,,,\"my, key\"\n"
        );
    }
}
