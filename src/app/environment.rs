//! What the process is given from outside: standard streams, environment, settings file, runtime.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use etcetera::BaseStrategy as _;

use crate::model::secret::Secret;
use crate::progress::screen::{Paint, Screen, harmless};
use crate::settings::error::SettingsError;
use crate::settings::file::{self, File};
use crate::settings::sign_in::{Platform, Secrets};

use super::error::AppError;

/// Where the process says something, once that is decided: standard error is the process's, too.
static SCREEN: OnceLock<Screen> = OnceLock::new();

/// From here on what is said goes this way.
pub(super) fn say_on(screen: &Screen) {
    // A second one, as in tests, says nothing that the first would not.
    let _ = SCREEN.set(screen.clone());
}

/// Writes lines to standard error. Where that is closed nobody listens.
pub(super) fn say(text: &str) {
    match SCREEN.get() {
        Some(screen) => screen.say(text),
        None => ask(text),
    }
}

/// Says what a command came to grief by.
pub(super) fn say_error(text: &str) {
    match SCREEN.get() {
        Some(screen) => screen.say_error(text),
        None => ask(&format!("error: {text}\n")),
    }
}

/// Writes to standard error, for somebody who sits there.
pub(super) fn ask(text: &str) {
    let _ = io::stderr().write_all(harmless(text).as_bytes());
}

/// Writes to standard output. Where that is closed nobody listens.
pub(super) fn print(text: &str) {
    print_as_it_is(&harmless(text));
}

/// The same as it is, for colours and for machines: what is not ours in it has been made harmless, or is escaped.
pub(super) fn print_as_it_is(text: &str) {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    let mut output = io::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
        && !HAS_WARNED.swap(true, Ordering::Relaxed)
    {
        say(&format!("warning: not everything could be written to standard output: {error}\n"));
    }
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
        client_certificate_password: secret_from("AUTHWAVE_CLIENT_CERTIFICATE_PASSWORD"),
        platform: platform(),
    }
}

fn platform() -> Platform {
    let pair = |url: &str, secret: &str| text_from(url).zip(secret_from(secret));
    Platform {
        app_service: pair("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
        federated_token_file: text_from("AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from),
        client_id: text_from("AZURE_CLIENT_ID"),
        tenant: text_from("AZURE_TENANT_ID"),
        github: pair("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        azure_pipelines: pair("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"),
        service_connection: text_from("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"),
    }
}

pub(super) fn text_from(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|text| !text.trim().is_empty())
}

/// The user's directory for `name`, which holds what outlives a run; made where it is not there, for nobody else to read.
pub(super) fn state_directory(name: &str) -> io::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    let directory = state.join("authwave").join(name);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    Ok(directory)
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

/// Whether the terminal cannot draw anything anew.
pub(super) fn is_dumb() -> bool {
    env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Colour, unless somebody wants none (no-color.org: a variable that is there and not empty).
pub(super) fn paint() -> Paint {
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) { Paint::Plain } else { Paint::Colour }
}
