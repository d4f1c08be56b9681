//! What can be wrong with the settings: where it stands, what is wrong, and how to mend it.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The settings cannot be used. Nothing was sent.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A settings file, or one that it names, could not be read.
    #[error("cannot read the settings file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A settings file is not what it should be.
    #[error("{}:{line}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The first line is 1.
        line: usize,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// A value cannot be used.
    #[error("{name} = '{value}': {reason}")]
    Value {
        /// The flag, variable and key, as people find them.
        name: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// Something that is needed is not there.
    #[error("{what} is missing: {cure}")]
    Missing {
        /// What.
        what: &'static str,
        /// How to give it.
        cure: &'static str,
    },
    /// A file with a secret could not be read, or may be read by others.
    #[error("cannot use the secret in {}: {reason}", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// What a journal keeps of the settings cannot be understood.
    #[error("the settings in the journal cannot be understood: {0}")]
    Stored(String),
    /// The command that prints the secret failed.
    #[error("client_secret_command failed: {0}")]
    SecretCommand(String),
}

/// A value that cannot be used.
pub(super) fn value(name: &'static str, value: impl Display, reason: impl Into<String>) -> SettingsError {
    SettingsError::Value { name, value: value.to_string(), reason: reason.into() }
}
