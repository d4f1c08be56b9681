//! Finds the password that a row only points at: `PATH#ROW`, as unfinished.csv has it in the password's place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::header::Header;
use crate::model::row::RowNumber;
use crate::model::secret::Secret;
use crate::model::user::UserId;

use super::columns::{self, HeaderError, Needed};
use super::content::Form;
use super::meanings::Mapping;
use super::records::{InputError, Records};

/// How many files are kept open. A file of unfinished rows points into few others, mostly into one.
const MAX_OPEN: usize = 8;

/// Why no password was found, as the end of a sentence.
#[derive(Debug, Error)]
pub enum PasswordFromError {
    /// It is no reference.
    #[error("is not of the form PATH#ROW, with a whole path")]
    Form,
    /// The file cannot be read.
    #[error("points into a file that cannot be read: {0}{because}", because = source_of(.0))]
    File(#[from] InputError),
    /// The file has no such columns.
    #[error("points into a file that has no passwords: {0}")]
    Header(#[from] HeaderError),
    /// The file has no column `new_password`.
    #[error("points into a file without a column new_password")]
    NoColumn,
    /// The file is shorter.
    #[error("points at a row that is not there")]
    NoRow,
    /// The row cannot be understood.
    #[error("points at a row that has not as many fields as its header, or cannot be read")]
    Unreadable,
    /// The row is about somebody else: the file was changed, or the reference is wrong.
    #[error("points at a row of another user")]
    OtherUser,
    /// The row has none.
    #[error("points at a row without a password")]
    NoPassword,
}

fn source_of(error: &InputError) -> String {
    std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"))
}

/// Files that passwords are looked up in, each kept open at its place, so that rising row numbers cost one pass.
#[derive(Debug, Default)]
pub struct Passwords {
    form: Form,
    mapping: Mapping,
    open: Vec<Referenced>,
    asked: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Referenced {
    path: PathBuf,
    records: Records,
    header: Header,
}

impl Passwords {
    /// Passwords in files of this form, whose columns have these names.
    #[must_use]
    pub const fn in_files(form: Form, mapping: Mapping) -> Self {
        Self { form, mapping, open: Vec::new(), asked: BTreeSet::new() }
    }

    /// All files in which a password was looked for.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.asked.iter().map(PathBuf::as_path)
    }

    /// The password that `reference` points at, if it is this user's.
    ///
    /// # Errors
    /// When there is none, or it is another user's.
    pub fn find(&mut self, reference: &str, user: &UserId) -> Result<Secret, PasswordFromError> {
        let (path, row) = split(reference).ok_or(PasswordFromError::Form)?;
        self.at(path, row)?.password_of(row, user)
    }

    /// The file, open at `row` or before it.
    fn at(&mut self, path: &Path, row: RowNumber) -> Result<&mut Referenced, PasswordFromError> {
        if let Some(position) = self.open.iter().position(|file| file.path == path) {
            // The one used last stands last; the first is closed when there are too many.
            self.open[position..].rotate_left(1);
        } else {
            self.asked.insert(path.to_owned());
            let file = Referenced::open(path, &self.form, &self.mapping)?;
            if self.open.len() == MAX_OPEN {
                self.open.remove(0);
            }
            self.open.push(file);
        }
        let file = self.open.last_mut().ok_or(PasswordFromError::NoRow)?;
        if file.records.number() >= row {
            file.records.rewind()?;
        }
        Ok(file)
    }
}

impl Referenced {
    fn open(path: &Path, form: &Form, mapping: &Mapping) -> Result<Self, PasswordFromError> {
        let records = Records::open(path, form, |name| mapping.meaning(name).is_some())?;
        let header = columns::header(records.names().to_vec(), Needed::User, mapping)?;
        Ok(Self { path: path.to_owned(), records, header })
    }

    fn password_of(&mut self, row: RowNumber, user: &UserId) -> Result<Secret, PasswordFromError> {
        let column = self.header.new_password.ok_or(PasswordFromError::NoColumn)?;
        self.records.skip_to(row)?;
        let record = self.records.read()?.ok_or(PasswordFromError::NoRow)?;
        if !record.is_readable || record.row.fields.len() != self.header.names.len() {
            return Err(PasswordFromError::Unreadable);
        }
        let whose = self.header.user.map_or("", |column| record.row.field(column).trim());
        if whose.to_lowercase() != user.as_str().to_lowercase() {
            return Err(PasswordFromError::OtherUser);
        }
        match record.row.field(column) {
            "" => Err(PasswordFromError::NoPassword),
            password => Ok(Secret::new(password)),
        }
    }
}

fn split(reference: &str) -> Option<(&Path, RowNumber)> {
    let (path, row) = reference.rsplit_once('#')?;
    let path = Path::new(path);
    let row = row.parse().ok().filter(|row| *row > 0)?;
    path.is_absolute().then_some((path, RowNumber(row)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn find(passwords: &mut Passwords, reference: &str, user: &str) -> Result<String, String> {
        let found = passwords.find(reference, &UserId::new(user).unwrap());
        found.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_reference_yields_the_password_of_that_row_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("with # sign.csv");
        fs::write(&path, "upn,new_password\na@b.c,first pw \nb@b.c,second\nc@b.c,third\n").unwrap();
        let mut passwords = Passwords::default();
        let at = |row| format!("{}#{row}", path.display());
        assert_eq!(find(&mut passwords, &at(1), "A@B.C"), Ok("first pw ".to_owned()));
        assert_eq!(find(&mut passwords, &at(3), "c@b.c"), Ok("third".to_owned()));
        assert_eq!(find(&mut passwords, &at(2), "b@b.c"), Ok("second".to_owned()));
        assert_eq!(find(&mut passwords, &at(2), "b@b.c"), Ok("second".to_owned()));
    }

    #[test]
    fn more_files_than_are_kept_open_can_be_pointed_at() {
        let dir = tempfile::tempdir().unwrap();
        let mut passwords = Passwords::default();
        let paths: Vec<_> = (0..12).map(|n| dir.path().join(format!("{n}.csv"))).collect();
        for path in &paths {
            fs::write(path, "user,new_password\na@b.c,secret\n").unwrap();
        }
        for path in paths.iter().chain(&paths) {
            let reference = format!("{}#1", path.display());
            assert_eq!(find(&mut passwords, &reference, "a@b.c"), Ok("secret".to_owned()));
        }
        assert_eq!(passwords.open.len(), MAX_OPEN);
    }

    #[test]
    fn a_reference_that_leads_nowhere_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        let other = dir.path().join("other.csv");
        fs::write(&path, "user,new_password\na@b.c,secret\nb@b.c,\nc@b.c,x,y\n").unwrap();
        fs::write(&other, "user,action\na@b.c,list\n").unwrap();
        let (path, other) = (path.display().to_string(), other.display().to_string());
        let mut passwords = Passwords::default();
        for (reference, reason) in [
            ("in.csv#1".to_owned(), "PATH#ROW"),
            (path.clone(), "PATH#ROW"),
            (format!("{path}#0"), "PATH#ROW"),
            (format!("{path}#x"), "PATH#ROW"),
            (format!("{path}.gone#1"), "cannot be read: cannot open"),
            (format!("{other}#1"), "without a column new_password"),
            (format!("{path}#9"), "not there"),
            (format!("{path}#3"), "not as many fields"),
            (format!("{path}#2"), "another user"),
        ] {
            let error = find(&mut passwords, &reference, "a@b.c").unwrap_err();
            assert!(error.contains(reason), "{reference}: {error}");
        }
        let error = find(&mut passwords, &format!("{path}#2"), "b@b.c").unwrap_err();
        assert_eq!(error, "points at a row without a password");
    }
}
