//! Metrics in `OpenMetrics` text, for `node_exporter`'s textfile collector. The one door to prometheus-client.
//! Counts only: no user and no number.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;
use tracing::warn;

use super::labels::{access, action, status};
use super::open_operations::OpenOperations;
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::latency::BOUNDS_MS;

/// How often the file is written.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// No more error codes are told apart: a service could make up one for each row.
const MOST_CODES: usize = 100;

type Labels = Vec<(&'static str, String)>;

/// What is counted, and the file that it is written to.
pub struct Metrics {
    path: PathBuf,
    registry: Registry,
    rows: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    requests: Family<Labels, Counter>,
    latency: Family<Labels, Histogram, fn() -> Histogram>,
    held: Counter<f64, AtomicU64>,
    open: Gauge,
    operations: OpenOperations,
    /// Those that are told apart.
    codes: BTreeSet<String>,
    next_write_at: Instant,
    has_warned: bool,
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS_MS.iter().map(|ms| *ms as f64 / 1e3))
}

impl Metrics {
    /// Begins to count a run of so many rows, and writes the file for the first time.
    #[must_use]
    pub fn new(path: &Path, rows: u64) -> Self {
        let mut metrics = Self {
            path: path.to_owned(),
            registry: Registry::with_prefix("authwave"),
            rows: Family::default(),
            errors: Family::default(),
            requests: Family::default(),
            latency: Family::new_with_constructor(histogram),
            held: Counter::default(),
            open: Gauge::default(),
            operations: OpenOperations::default(),
            codes: BTreeSet::new(),
            next_write_at: Instant::now(),
            has_warned: false,
        };
        let wanted: Gauge = Gauge::default();
        wanted.set(i64::try_from(rows).unwrap_or(i64::MAX));
        let registry = &mut metrics.registry;
        registry.register("rows_wanted", "Rows that are to be done", wanted);
        registry.register("rows", "Rows that ended", metrics.rows.clone());
        registry.register("errors", "Rows that failed or are unknown", metrics.errors.clone());
        registry.register("requests", "Requests that came to their end", metrics.requests.clone());
        registry.register_with_unit(
            "request_latency",
            "How long answers took",
            Unit::Seconds,
            metrics.latency.clone(),
        );
        let help = "For how long everybody paused because the tenant asked for it";
        registry.register_with_unit("held", help, Unit::Seconds, metrics.held.clone());
        registry.register("operations_open", "Password resets that have not ended", metrics.open.clone());
        metrics.write();
        metrics
    }

    /// Writes the file for the last time.
    pub fn finish(&mut self) {
        self.write();
    }

    fn count_error(&mut self, code: &str) {
        let is_told = self.codes.contains(code) || self.codes.len() < MOST_CODES;
        let code = if is_told { code } else { "other" };
        self.codes.insert(code.to_owned());
        self.errors.get_or_create(&vec![("code", code.to_owned())]).inc();
    }

    /// In one step: a collector never reads half a file. Metrics are no reason to stop a run.
    fn write(&mut self) {
        if let Err(error) = self.replace()
            && !self.has_warned
        {
            self.has_warned = true;
            warn!("the metrics cannot be written to {}: {error}", self.path.display());
        }
    }

    fn replace(&self) -> io::Result<()> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(io::Error::other)?;
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        // The collector is another user.
        #[cfg(unix)]
        file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.persist(&self.path).map_err(|error| error.error).map(|_| ())
    }
}

impl Observer for Metrics {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.open.inc_by(self.operations.note(event));
        match event {
            Event::Answered(answered) => {
                let access = access(answered.access).to_owned();
                let labels = vec![("access", access.clone()), ("status", status(answered.status))];
                self.requests.get_or_create(&labels).inc();
                if answered.status.is_some() {
                    let seconds = answered.latency.as_secs_f64();
                    self.latency.get_or_create(&vec![("access", access)]).observe(seconds);
                }
            }
            Event::Held { span, .. } => {
                self.held.inc_by(span.as_secs_f64());
            }
            Event::Ended(ended) => {
                let status = ended.outcome.status.name().to_owned();
                let labels = vec![("action", action(&ended.work).to_owned()), ("status", status)];
                self.rows.get_or_create(&labels).inc();
                if let Some(code) = ended.outcome.fault() {
                    self.count_error(code);
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

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        if now >= self.next_write_at {
            self.next_write_at = now + WRITE_EVERY;
            self.write();
        }
        Ok(())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_makes_up_codes_fills_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authwave.prom");
        let mut metrics = Metrics::new(&path, 1_000);
        (0..1_000).for_each(|number| metrics.count_error(&format!("code-{number}")));
        metrics.finish();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.matches("authwave_errors_total{").count(), MOST_CODES + 1);
        assert!(text.contains("authwave_errors_total{code=\"other\"} 900\n"), "{text}");
    }
}
