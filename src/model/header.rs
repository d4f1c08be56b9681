//! The header of an input file: its names, and what each column is for.

use serde::{Deserialize, Serialize};

use super::row::Row;
use super::user::UserId;

/// The columns that have a meaning, and the extra ones that are carried through.
///
/// Each `Option` is the position of the column, `None` where the file has no such column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Every name as written, in file order.
    pub names: Vec<String>,
    /// Who.
    pub user: Option<usize>,
    /// What to do.
    pub action: Option<usize>,
    /// Which phone.
    pub phone_type: Option<usize>,
    /// The number to set.
    pub phone_number: Option<usize>,
    /// The password of a reset: never copied into a file of ours.
    pub new_password: Option<usize>,
    /// `FILE#ROW`: where the password of a reset stands (written by us into unfinished.csv in the password's place).
    pub new_password_from: Option<usize>,
    /// The country of numbers without `+`. Carried through, too.
    #[serde(default)]
    pub country: Option<usize>,
    /// The numbers that a user shall have, in the order of [`PhoneType::ALL`](super::phone::PhoneType::ALL). Carried
    /// through, too.
    #[serde(default)]
    pub phones: [Option<usize>; 3],
    /// The moment before which a row is not due. Carried through, too.
    #[serde(default)]
    pub not_before: Option<usize>,
    /// All columns that are carried through to the results, in file order.
    pub extra: Vec<usize>,
}

/// Stands for a field that must not be shown because it holds several lines.
const SEVERAL_LINES: &str = "(text of several lines)";

impl Header {
    /// What of a field may stand in a message or in a file of ours: never a password, nor what could be one.
    ///
    /// A row with another number of fields than the header has its fields in the wrong places, so what may be
    /// the password's place is left empty. A line break in a user, an action or a phone comes from a double quote
    /// that was not closed: then whole rows, with their passwords, stand in the one field.
    #[must_use]
    pub fn shown<'a>(&self, row: &'a Row, column: usize) -> &'a str {
        let field = row.field(column);
        if Some(column) == self.new_password || column >= self.certain(row) {
            ""
        } else if self.has_meaning(column) && field.trim().contains(['\n', '\r'])
            || self.swallowed_passwords(row, column)
        {
            SEVERAL_LINES
        } else {
            field
        }
    }

    /// The other rows that a field seems to hold, because a double quote was not closed: further lines that have several
    /// fields, where the file has several columns, and a user where users stand.
    pub fn other_rows<'a>(&self, row: &'a Row, column: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let (user, second) = (self.user.unwrap_or_default(), self.names.len().clamp(1, 2) - 1);
        let is_a_row = move |line: &&str| {
            let fields = line.split([',', ';', '\t', '|']);
            let names_a_user = |field: &str| UserId::new(field.trim()).is_ok();
            fields.clone().nth(second).is_some() && fields.clone().nth(user).is_some_and(names_a_user)
        };
        row.field(column).split(['\n', '\r']).skip(1).filter(is_a_row)
    }

    /// Whether a field seems to hold other rows with their passwords.
    #[must_use]
    pub fn swallowed_passwords(&self, row: &Row, column: usize) -> bool {
        self.new_password.is_some() && self.other_rows(row, column).next().is_some()
    }

    /// How many fields, from the first, are certain to stand in their own columns, where it matters.
    ///
    /// It matters only in a file with a password column: in others everything may be shown.
    #[must_use]
    pub fn certain(&self, row: &Row) -> usize {
        let misplaced = row.fields.len().abs_diff(self.names.len());
        match self.new_password {
            Some(password) if misplaced > 0 => password.saturating_sub(misplaced),
            Some(_) | None => row.fields.len(),
        }
    }

    fn has_meaning(&self, column: usize) -> bool {
        let [mobile, alternate, office] = self.phones;
        let not_before = self.not_before;
        [self.user, self.action, self.phone_type, self.phone_number, mobile, alternate, office, not_before]
            .contains(&Some(column))
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::RowNumber;
    use super::*;

    fn header() -> Header {
        let names = ["user", "action", "new_password", "note"].map(str::to_owned).to_vec();
        Header {
            names,
            user: Some(0),
            action: Some(1),
            new_password: Some(2),
            extra: vec![3],
            ..Header::default()
        }
    }

    fn shown(header: &Header, fields: &[&str]) -> Vec<String> {
        let row = Row { number: RowNumber(1), fields: Box::new(fields.iter().collect()) };
        (0..5).map(|column| header.shown(&row, column).to_owned()).collect()
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown(&header(), &["a@b.c", "reset", "S3cret!!", "x"]), ["a@b.c", "reset", "", "x", ""]);
    }

    #[test]
    fn a_row_with_misplaced_fields_shows_only_those_that_cannot_be_the_password() {
        assert_eq!(shown(&header(), &["a@b.c", "reset", "S3c", "ret!!", "x"]), ["a@b.c", "", "", "", ""]);
        assert_eq!(shown(&header(), &["a@b.c", "S3cret!!", "x"]), ["a@b.c", "", "", "", ""]);
        assert_eq!(shown(&header(), &["S3cret!!"]), ["", "", "", "", ""]);
        let without_passwords = Header { new_password: None, ..header() };
        assert_eq!(shown(&without_passwords, &["a@b.c", "add", "y"]), ["a@b.c", "add", "y", "", ""]);
    }

    #[test]
    fn a_field_that_swallowed_other_rows_is_not_shown() {
        let fields = ["a@b.c", "reset,S3cret!!\nb@b.c,reset", "", "two\nlines"];
        assert_eq!(shown(&header(), &fields), ["a@b.c", SEVERAL_LINES, "", "two\nlines", ""]);
        let fields = ["a@b.c", "list", "", "open\nb@b.c,reset,S3cret!!,x"];
        assert_eq!(shown(&header(), &fields), ["a@b.c", "list", "", SEVERAL_LINES, ""]);
        let without_passwords = Header { new_password: None, ..header() };
        assert_eq!(shown(&without_passwords, &fields)[3], fields[3]);
    }
}
