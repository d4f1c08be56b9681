//! One process a run directory, and one run a tenant. The system takes a lock back when its process ends, however it
//! ends, so none is ever stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::warn;

use super::clock::wall_clock;
use super::state::state_file;

/// A lock could not be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process works on the run.
    #[error("{} is in use by {holder}", directory.display())]
    RunDirectory {
        /// The run directory.
        directory: PathBuf,
        /// Who has it.
        holder: String,
        /// What for.
        use_of_it: Use,
    },
    /// Another run works on the tenant.
    #[error(
        "another run works on this tenant: {holder}. Wait for its end, or add --share-tenant to go on beside it"
    )]
    Tenant {
        /// Who has it.
        holder: String,
    },
    /// The lock's file cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a run directory is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To go on with its run.
    Work,
    /// To read what its run did, which nobody goes on with meanwhile.
    Reading,
}

impl Use {
    /// As the lock's file tells it, behind the process.
    const fn told(self) -> &'static str {
        match self {
            Self::Work => "",
            Self::Reading => ", which reads it,",
        }
    }

    fn in_words_of(holder: &str) -> Self {
        if holder.contains(Self::Reading.told()) { Self::Reading } else { Self::Work }
    }
}

/// A lock, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Says to whoever comes next what this process works on.
    pub(super) fn tell(&mut self, directory: &Path) -> io::Result<()> {
        let directory = std::path::absolute(directory)?;
        self.write(&format!("process {}, which works on {}", std::process::id(), directory.display()))
    }

    fn write(&mut self, holder: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()?;
        writeln!(self.0, "{holder} since {:.0}", wall_clock())
    }
}

/// Takes a run directory for this process.
pub(super) fn lock_run_directory(directory: &Path, use_of_it: Use) -> Result<Lock, LockError> {
    let path = directory.join("lock");
    match take(&path, use_of_it).map_err(|source| LockError::File { path, source })? {
        Taken::Mine(lock) => Ok(lock),
        Taken::Theirs(holder) => {
            let use_of_it = Use::in_words_of(&holder);
            Err(LockError::RunDirectory { directory: directory.to_owned(), holder, use_of_it })
        }
    }
}

/// Takes a tenant for this process, as far as the user's other runs are concerned. `name` tells tenants and apps apart.
/// Where the user has no place for locks the run goes on without.
pub(super) fn lock_tenant(name: &str) -> Result<Option<Lock>, LockError> {
    match state_file("locks", name, "lock").and_then(|path| take(&path, Use::Work)) {
        Ok(Taken::Mine(lock)) => Ok(Some(lock)),
        Ok(Taken::Theirs(holder)) => Err(LockError::Tenant { holder }),
        Err(error) => {
            warn!("cannot tell whether another run works on this tenant: {error}");
            Ok(None)
        }
    }
}

enum Taken {
    Mine(Lock),
    /// Who has it, in words.
    Theirs(String),
}

fn take(path: &Path, use_of_it: Use) -> io::Result<Taken> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder)?;
            return Ok(Taken::Theirs(holder.trim().to_owned()));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut lock = Lock(file);
    lock.write(&format!("process {}{}", std::process::id(), use_of_it.told()))?;
    Ok(Taken::Mine(lock))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_second_taker_is_told_who_has_it_and_a_lock_that_was_left_behind_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("lock"), "process 1, which was killed long ago, and said more about it\n")
            .unwrap();
        for (use_of_it, which) in [(Use::Work, ""), (Use::Reading, ", which reads it,")] {
            let first = lock_run_directory(dir.path(), use_of_it).unwrap();
            let refused = lock_run_directory(dir.path(), Use::Work).unwrap_err();
            let told = refused.to_string();
            let me = format!("in use by process {}{which} since", std::process::id());
            assert!(told.contains(&me) && !told.contains("long ago"), "{told}");
            let LockError::RunDirectory { use_of_it: found, .. } = refused else { panic!("{refused:?}") };
            assert_eq!(found, use_of_it);
            drop(first);
        }
        lock_run_directory(dir.path(), Use::Work).unwrap();
    }
}
