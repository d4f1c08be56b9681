//! Where log lines go: to standard error, above the bar.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, ParseError};

use crate::progress::screen::Screen;

/// Begins to log. Without a filter of its own (`AUTHWAVE_LOG`, in the syntax of tracing's `EnvFilter`) warnings are
/// shown, with `-v` what the program does, with `-vv` every attempt.
pub(super) fn begin(screen: &Screen, verbosity: u8, filter: Option<&str>) -> Result<(), ParseError> {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let filter = match filter {
        Some(text) => EnvFilter::try_new(text)?,
        // The libraries' own words are of no use to people, and could show what they send.
        None => EnvFilter::default().add_directive(LevelFilter::ERROR.into()).add_directive(own(level)?),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(screen.log_writer())
        .with_ansi(false)
        .with_target(false)
        .compact();
    // A second call, as in tests, keeps the first subscriber.
    let _ = subscriber.try_init();
    Ok(())
}

fn own(level: LevelFilter) -> Result<tracing_subscriber::filter::Directive, ParseError> {
    format!("authwave={level}").parse()
}
