//! The directory that keeps what a run did: made for it alone, and readable by its owner only.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Where a run's files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunDirectory(PathBuf);

impl RunDirectory {
    /// Makes `runs_dir/<UTC start>-<stem of input>/`, with a number behind it where that is taken.
    pub(super) fn named_after(runs_dir: &Path, start: Timestamp, input: &Path) -> io::Result<Self> {
        fs::create_dir_all(runs_dir)?;
        let stem = input.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{}-{stem}", start.strftime("%Y%m%dT%H%M%SZ"));
        let mut directory = runs_dir.join(&name);
        for number in 2..100 {
            match make(&directory) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    directory = runs_dir.join(format!("{name}-{number}"));
                }
                made => return made.map(|()| Self(directory)),
            }
        }
        make(&directory).map(|()| Self(directory))
    }

    /// Makes the directory that was asked for; one that is there already must be empty.
    pub(super) fn at(directory: &Path) -> io::Result<Self> {
        if let Some(parent) = directory.parent() {
            fs::create_dir_all(parent)?;
        }
        match make(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_dir(directory)?.next().is_some() {
                    return Err(error);
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

    /// Its path as it was asked for.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(directory)
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
    fn a_directory_with_something_in_it_is_not_taken() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("a/b");
        RunDirectory::at(&directory).unwrap();
        RunDirectory::at(&directory).unwrap();
        fs::write(directory.join("results.csv"), "").unwrap();
        assert_eq!(RunDirectory::at(&directory).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
