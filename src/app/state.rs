//! Where what outlives a run is kept: the user's state directory.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The file for a tenant in one part of the directory, which is made. `name` tells tenants and apps apart.
pub(super) fn state_file(part: &str, name: &str, extension: &str) -> io::Result<PathBuf> {
    Ok(made(state()?.join(part))?.join(format!("{}.{extension}", encoded(name))))
}

/// The directory for a tenant in one part of it, which is made.
pub(super) fn state_directory(part: &str, name: &str) -> io::Result<PathBuf> {
    made(state()?.join(part).join(encoded(name)))
}

fn state() -> io::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("authwave"))
}

fn made(directory: PathBuf) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    Ok(directory)
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}
