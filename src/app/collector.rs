//! The collector of telemetry, where one is named: it is told of the whole process.

use std::sync::OnceLock;

use crate::settings::resolve::Settings;
use crate::telemetry::otlp::{Otlp, OtlpError};

use super::environment::text_from;

/// As the subscriber to the program's spans, which is one for the process.
static COLLECTOR: OnceLock<Otlp> = OnceLock::new();

/// Begins to tell it, where one is named: in the settings, or by the variable of the `OpenTelemetry` specification.
pub(super) fn begin(settings: &Settings) -> Result<Option<&'static Otlp>, OtlpError> {
    let named = settings.otlp_endpoint.clone().or_else(|| text_from("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let is_off = text_from("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let Some(endpoint) = named.filter(|_| !is_off) else { return Ok(None) };
    let service = text_from("OTEL_SERVICE_NAME").unwrap_or_else(|| "authwave".to_owned());
    let otlp = Otlp::begin(endpoint.trim_end_matches('/'), service)?;
    Ok(Some(COLLECTOR.get_or_init(|| otlp)))
}

/// The collector that is told.
pub(super) fn collector() -> Option<&'static Otlp> {
    COLLECTOR.get()
}

/// Sends what is left. To be called outside of a runtime.
pub(super) fn finish() {
    if let Some(otlp) = COLLECTOR.get() {
        otlp.finish();
    }
}
