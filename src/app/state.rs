//! Where what outlives a run is kept: the user's state directory.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The file for a tenant in one part of the directory, which is made. `name` tells tenants and apps apart.
pub(super) fn state_file(part: &str, name: &str, extension: &str) -> io::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    let directory = state.join("authwave").join(part);
    DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    Ok(directory.join(format!("{}.{extension}", utf8_percent_encode(name, NON_ALPHANUMERIC))))
}
