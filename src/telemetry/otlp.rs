//! Traces and metrics for an `OpenTelemetry` collector (OTLP over HTTP, protobuf). Holds no user and no number.

use std::sync::Arc;

use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use thiserror::Error;
use tokio::time::Instant;
use tracing::warn;

use super::labels::{access, action, status};
use super::open_operations::OpenOperations;
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::latency::BOUNDS_MS;
use crate::transport::collector::{CollectorClient, CollectorClientError};

/// What is told goes to the collector in batches, from threads of its own.
#[derive(Debug, Clone)]
pub struct Otlp {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

/// A collector cannot be told anything.
#[derive(Debug, Error)]
pub enum OtlpError {
    /// No client.
    #[error("cannot speak to the collector")]
    Client(#[source] CollectorClientError),
    /// The OTEL_ variables cannot be used.
    #[error("cannot export to the collector")]
    Exporter(#[source] ExporterBuildError),
}

impl Otlp {
    /// Begins to tell the collector at `endpoint`, to which the paths of the signals are added. `service` is the name under
    /// which the program is known there. The variables of the `OpenTelemetry` specification are obeyed, as
    /// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_SCHEDULE_DELAY`.
    ///
    /// # Errors
    /// When no client can be set up, or a variable cannot be used.
    pub fn begin(endpoint: &str, service: String) -> Result<Self, OtlpError> {
        let scheme = endpoint.split(':').next().unwrap_or_default();
        let client: Arc<dyn HttpClient> = Arc::new(CollectorClient::new(scheme).map_err(OtlpError::Client)?);
        let resource = Resource::builder().with_service_name(service).build();
        let spans = SpanExporter::builder()
            .with_http()
            .with_shared_http_client(Arc::clone(&client))
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .map_err(OtlpError::Exporter)?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_shared_http_client(client)
            .with_endpoint(format!("{endpoint}/v1/metrics"))
            .build()
            .map_err(OtlpError::Exporter)?;
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_batch_exporter(spans)
                .build(),
            metrics: SdkMeterProvider::builder()
                .with_resource(resource)
                .with_periodic_exporter(metrics)
                .build(),
        })
    }

    /// Makes traces of the program's spans.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        self.traces.tracer_with_scope(scope())
    }

    /// Counts a run.
    #[must_use]
    pub fn metrics(&self) -> RunMetrics {
        RunMetrics::new(&self.metrics.meter_with_scope(scope()))
    }

    /// Sends what is left. A collector that cannot be reached is warned of: it is no reason to doubt a run.
    pub fn finish(&self) {
        for told in [self.traces.shutdown(), self.metrics.shutdown()] {
            if let Err(error) = told {
                warn!("the collector was not told everything: {error}");
            }
        }
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("authwave").with_version(env!("CARGO_PKG_VERSION")).build()
}

/// What is counted of a run.
#[derive(Debug)]
pub struct RunMetrics {
    rows: Counter<u64>,
    errors: Counter<u64>,
    requests: Counter<u64>,
    latency: Histogram<f64>,
    held: Counter<f64>,
    open: UpDownCounter<i64>,
    operations: OpenOperations,
}

impl RunMetrics {
    fn new(meter: &Meter) -> Self {
        let bounds = BOUNDS_MS.iter().map(|ms| *ms as f64 / 1e3).collect();
        Self {
            rows: meter.u64_counter("authwave.rows").with_description("Rows that ended").build(),
            errors: meter
                .u64_counter("authwave.errors")
                .with_description("Rows that failed or are unknown")
                .build(),
            requests: meter
                .u64_counter("authwave.requests")
                .with_description("Requests that came to their end")
                .build(),
            latency: meter
                .f64_histogram("authwave.request.latency")
                .with_unit("s")
                .with_description("How long answers took")
                .with_boundaries(bounds)
                .build(),
            held: meter
                .f64_counter("authwave.held")
                .with_unit("s")
                .with_description("For how long everybody paused because the tenant asked for it")
                .build(),
            open: meter
                .i64_up_down_counter("authwave.operations.open")
                .with_description("Password resets that have not ended")
                .build(),
            operations: OpenOperations::default(),
        }
    }
}

impl Observer for RunMetrics {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.open.add(self.operations.note(event), &[]);
        match event {
            Event::Answered(answered) => {
                let access = KeyValue::new("access", access(answered.access));
                self.requests.add(1, &[access.clone(), KeyValue::new("status", status(answered.status))]);
                if answered.status.is_some() {
                    self.latency.record(answered.latency.as_secs_f64(), &[access]);
                }
            }
            Event::Held { span, .. } => self.held.add(span.as_secs_f64(), &[]),
            Event::Ended(ended) => {
                let labels = [
                    KeyValue::new("action", action(&ended.work)),
                    KeyValue::new("status", ended.outcome.status.name()),
                ];
                self.rows.add(1, &labels);
                // The SDK bounds how many codes are told apart (2,000).
                if let Some(code) = ended.outcome.fault() {
                    self.errors.add(1, &[KeyValue::new("code", code.to_owned())]);
                }
            }
            Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Accepted(_)
            | Event::Polled(_)
            | Event::Closed(_)
            | Event::Listed { .. } => {}
        }
        Ok(())
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        Ok(())
    }
}
