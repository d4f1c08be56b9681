//! What the process is given from outside: standard streams, environment, settings file, runtime.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use crate::model::secret::Secret;
use crate::settings::error::SettingsError;
use crate::settings::file::{self, File};
use crate::settings::resolve::Secrets;

use super::error::AppError;

/// Writes to standard error. Where that is closed nobody listens.
pub(super) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes to standard output. Where that is closed nobody listens.
pub(super) fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// A secret in the environment; an empty variable counts as none.
pub(super) fn secret_from(variable: &str) -> Option<Secret> {
    let text = env::var(variable).unwrap_or_default();
    (!text.trim().is_empty()).then(|| Secret::new(text.trim()))
}

/// The secrets that the environment holds.
pub(super) fn secrets() -> Secrets {
    Secrets {
        access_token: secret_from("AUTHWAVE_ACCESS_TOKEN"),
        client_secret: secret_from("AUTHWAVE_CLIENT_SECRET"),
    }
}

/// The settings file that was named, or that is found in one of its places.
pub(super) fn settings_file(named: Option<PathBuf>) -> Result<File, AppError> {
    let Some(path) = named.or_else(found_settings_file) else { return Ok(File::default()) };
    let text = std::fs::read_to_string(&path)
        .map_err(|source| SettingsError::Read { path: path.clone(), source })?;
    Ok(file::parse(&text, &path)?)
}

fn found_settings_file() -> Option<PathBuf> {
    let here = PathBuf::from("authwave.toml");
    let users = || Some(etcetera::choose_base_strategy().ok()?.config_dir().join("authwave/authwave.toml"));
    Some(here).filter(|path| path.exists()).or_else(|| users().filter(|path| path.exists()))
}

/// The runtime of a command: one thread carries more requests than any tenant allows.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, AppError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| AppError::System { what: "start the runtime", source })
}
