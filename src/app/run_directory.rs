//! The directory that keeps what a run did: made for it alone, and readable by its owner only.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::journal::schema::JournalError;

use super::error::AppError;

/// Where a run's files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunDirectory(PathBuf);

impl RunDirectory {
    /// Makes `runs_dir/<UTC start>-<stem of input>/`, with a number behind it where that is taken.
    pub(super) fn named_after(runs_dir: &Path, start: Timestamp, input: &Path) -> io::Result<Self> {
        Self::named_so(runs_dir, &name(start, input), &mut keep_entries)
    }

    /// The directory that was asked for; one that is there already must be empty.
    pub(super) fn at(directory: &Path) -> io::Result<Self> {
        Self::made_at(directory, &mut keep_entries)
    }

    /// `keep` is called for each directory with a new entry.
    fn named_so(runs_dir: &Path, name: &str, keep: &mut Keep<'_>) -> io::Result<Self> {
        make_all(runs_dir, keep)?;
        let mut directory = runs_dir.join(name);
        for number in 2..100 {
            match make(&directory, keep) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    directory = runs_dir.join(format!("{name}-{number}"));
                }
                made => return made.map(|()| Self(directory)),
            }
        }
        make(&directory, keep).map(|()| Self(directory))
    }

    fn made_at(directory: &Path, keep: &mut Keep<'_>) -> io::Result<Self> {
        if let Some(parent) = directory.parent() {
            make_all(parent, keep)?;
        }
        match make(directory, keep) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_dir(directory)?.next().is_some() {
                    let hint = "something is in it; name another one, or go on with `authwave resume`";
                    return Err(io::Error::new(error.kind(), hint));
                }
            }
            made => made?,
        }
        Ok(Self(directory.to_owned()))
    }

    /// One that is there.
    pub(super) fn existing(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The journal in it.
    ///
    /// # Errors
    /// When there is none, or it may not be read.
    pub(super) fn journal(&self) -> Result<PathBuf, AppError> {
        let path = self.file("journal.sqlite");
        match File::open(&path) {
            Ok(_) => Ok(path),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(JournalError::NoJournal(path).into())
            }
            Err(source) => Err(AppError::Unreadable { path, source }),
        }
    }

    /// Its path as it was asked for.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Keeps a directory's entries for good.
type Keep<'a> = dyn FnMut(&Path) -> io::Result<()> + 'a;

fn name(start: Timestamp, input: &Path) -> String {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    format!("{}-{stem}", start.strftime("%Y%m%dT%H%M%SZ"))
}

fn make(directory: &Path, keep: &mut Keep<'_>) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(directory)?;
    keep(parent(directory))
}

/// Makes a directory and those above it that are not there.
fn make_all(directory: &Path, keep: &mut Keep<'_>) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    make_all(parent(directory), keep)?;
    match fs::create_dir(directory) {
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => keep(parent(directory)),
    }
}

fn parent(directory: &Path) -> &Path {
    let parent = directory.parent().unwrap_or(directory);
    if parent.as_os_str().is_empty() { Path::new(".") } else { parent }
}

/// A journal that is on the disk is of no use in a directory whose name is not.
fn keep_entries(directory: &Path) -> io::Result<()> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Who may write into a directory may not read it, perhaps; and some file systems sync none.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => Ok(()),
        kept => kept,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_named_after_start_and_input_and_is_the_owner_s_alone() {
        let base = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-24T15:22:57Z".parse().unwrap();
        let input = Path::new("/data/wave 1.csv");
        let names: Vec<String> = (0..3)
            .map(|_| RunDirectory::named_after(&base.path().join("runs"), start, input).unwrap())
            .map(|made| made.path().file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        let first = "20261124T152257Z-wave 1";
        assert_eq!(names, [first.to_owned(), format!("{first}-2"), format!("{first}-3")]);
        let mode = fs::metadata(base.path().join("runs").join(first)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn every_directory_with_a_new_entry_is_kept_for_good() {
        let base = tempfile::tempdir().unwrap();
        let mut kept = Vec::new();
        let mut keep = |directory: &Path| {
            kept.push(directory.strip_prefix(base.path()).unwrap().to_owned());
            Ok(())
        };
        RunDirectory::made_at(&base.path().join("a/b"), &mut keep).unwrap();
        RunDirectory::named_so(&base.path().join("a"), "c", &mut keep).unwrap();
        RunDirectory::named_so(&base.path().join("a"), "c", &mut keep).unwrap();
        assert_eq!(kept, ["", "a", "a", "a"].map(PathBuf::from));
        keep_entries(base.path()).unwrap();
        assert!(keep_entries(&base.path().join("none")).is_err());
    }

    #[test]
    fn a_directory_with_something_in_it_is_not_taken() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("a/b");
        RunDirectory::at(&directory).unwrap();
        RunDirectory::at(&directory).unwrap();
        fs::write(directory.join("results.csv"), "").unwrap();
        assert_eq!(RunDirectory::at(&directory).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
