//! Where log lines go: to standard error, above the bar.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, ParseError};

use crate::progress::screen::Screen;
use crate::settings::resolve::LogFormat;

/// Begins to log. Without a filter of its own (`AUTHWAVE_LOG`, in the syntax of tracing's `EnvFilter`) warnings are
/// shown, with `-v` what the program does, with `-vv` every attempt.
pub(super) fn begin(
    screen: &Screen,
    (format, verbosity): (LogFormat, u8),
    filter: Option<&str>,
) -> Result<(), ParseError> {
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
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(screen.log_writer()).with_ansi(false);
    // A second call, as in tests, keeps the first subscriber.
    let _ = match format {
        LogFormat::Text => subscriber.with_target(false).compact().try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_current_span(false).try_init(),
    };
    Ok(())
}

fn own(level: LevelFilter) -> Result<tracing_subscriber::filter::Directive, ParseError> {
    format!("authwave={level}").parse()
}
