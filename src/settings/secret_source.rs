//! Where secrets come from, and how they are fetched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use zeroize::Zeroizing;

use crate::model::secret::Secret;

use super::error::SettingsError;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// It was in the environment.
    Given(Secret),
    /// It is what a file holds.
    File(PathBuf),
    /// It is what a program prints.
    Command(Vec<String>),
}

impl SecretSource {
    /// Fetches the secret; white space around it is not part of it.
    ///
    /// # Errors
    /// When the file cannot be read or others may read it, the program fails, or nothing is there.
    pub fn fetch(&self) -> Result<Secret, SettingsError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => from_file(path),
            Self::Command(words) => from_command(words),
        }
    }
}

/// What a file holds that nobody but its owner may read.
///
/// # Errors
/// When it cannot be read, or others may read it.
pub fn private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    let refuse = |reason: String| SettingsError::SecretFile { path: path.to_owned(), reason };
    let mode = fs::metadata(path).map_err(|error| refuse(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(refuse(format!("others may read it (mode {:o}); chmod 600 it", mode & 0o777)));
    }
    fs::read(path).map(Zeroizing::new).map_err(|error| refuse(error.to_string()))
}

fn from_file(path: &Path) -> Result<Secret, SettingsError> {
    let refuse =
        |reason: &str| SettingsError::SecretFile { path: path.to_owned(), reason: reason.to_owned() };
    let bytes = private_file(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("it is not UTF-8"))?;
    if text.trim().is_empty() { Err(refuse("it is empty")) } else { Ok(Secret::new(text.trim())) }
}

fn from_command(words: &[String]) -> Result<Secret, SettingsError> {
    let fail = |reason: String| SettingsError::SecretCommand(reason);
    let Some((program, arguments)) = words.split_first() else { return Err(fail("it is empty".to_owned())) };
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| fail(format!("{program}: {error}")))?;
    if !output.status.success() {
        return Err(fail(format!("{program} ended with {}", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| fail(format!("{program} printed no UTF-8")))?;
    if text.trim().is_empty() {
        return Err(fail(format!("{program} printed nothing")));
    }
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_s_file_must_be_its_owner_s_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, " s3cret\n").unwrap();
        for (mode, is_taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let fetched = SecretSource::File(path.clone()).fetch();
            assert_eq!(fetched.is_ok_and(|secret| secret.expose() == "s3cret"), is_taken, "{mode:o}");
        }
    }

    #[test]
    fn a_secret_s_command_must_print_it_and_succeed() {
        let fetch =
            |script: &str| SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec()).fetch();
        assert_eq!(fetch("echo s3cret").unwrap().expose(), "s3cret");
        for script in ["exit 3", "echo s3cret; exit 1", "true", "printf '\\377'"] {
            let told = fetch(script).unwrap_err().to_string();
            assert!(!told.contains("s3cret"), "{told}");
        }
        assert!(SecretSource::Command(Vec::new()).fetch().is_err());
    }
}
