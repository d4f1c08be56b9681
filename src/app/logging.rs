//! Where log lines go: to standard error, above the bar.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::progress::screen::{Screen, TOLD};
use crate::settings::resolve::{LogFormat, Settings};

use super::error::AppError;

/// Begins to log. Without a filter of its own (`AUTHWAVE_LOG`, in the syntax of tracing's `EnvFilter`) warnings are
/// shown, with `-v` what the program does, with `-vv` every attempt.
pub(super) fn begin(screen: &Screen, settings: &Settings, filter: Option<&str>) -> Result<(), AppError> {
    let level = match settings.verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let filter = match filter {
        Some(text) => EnvFilter::try_new(text)?,
        // The libraries' own words are of no use to people, and could show what they send.
        None => EnvFilter::default().add_directive(LevelFilter::ERROR.into()).add_directive(own(level)?),
    };
    // What is said to people is said whatever is logged.
    let filter = filter.add_directive(format!("{TOLD}=info").parse()?);
    let lines = fmt::layer().with_writer(screen.log_writer()).with_ansi(false);
    let lines = match settings.log_format {
        LogFormat::Text => lines.with_target(false).compact().boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let subscriber = registry().with(lines.with_filter(filter));
    #[cfg(feature = "otlp")]
    let subscriber = subscriber.with(traces(settings)?);
    // A second call, as in tests, keeps the first subscriber.
    let _ = subscriber.try_init();
    Ok(())
}

fn own(level: LevelFilter) -> Result<tracing_subscriber::filter::Directive, ParseError> {
    format!("authwave={level}").parse()
}

/// Shows the collector the program's own spans, whatever is logged.
#[cfg(feature = "otlp")]
fn traces<S>(settings: &Settings) -> Result<Option<impl tracing_subscriber::Layer<S> + use<S>>, AppError>
where
    S: tracing::Subscriber + for<'span> registry::LookupSpan<'span> + Send + Sync,
{
    let own_spans =
        |settings: &tracing::Metadata<'_>| settings.is_span() && settings.target().starts_with("authwave");
    let layer = |otlp: &crate::telemetry::otlp::Otlp| {
        tracing_opentelemetry::layer()
            .with_tracer(otlp.tracer())
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(tracing_subscriber::filter::filter_fn(own_spans))
    };
    Ok(super::collector::begin(settings)?.map(layer))
}
