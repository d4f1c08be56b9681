//! The view of a run while it goes on. The one door to indicatif; hands out the writer that logs go through.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::model::event::{Event, Observer, ObserverError};
use crate::model::stats::Stats;
use crate::pace::pacer::Pacer;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A bar that is drawn anew.
    Bar,
    /// A plain line every ten seconds: for files, pipes and screen readers.
    Lines,
    /// Nothing.
    Silent,
}

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The span over which the present speed is told.
const SPEED_OVER: Duration = Duration::from_secs(5);

/// Writes logs to standard error, above the bar where there is one, so that they never tear it.
#[derive(Debug, Clone)]
pub struct LogWriter {
    bar: ProgressBar,
}

/// Where a run's bar is drawn and its logs go: made before logging begins, used by the run later.
#[derive(Debug, Clone)]
pub struct Screen {
    bar: ProgressBar,
    view: View,
}

impl Screen {
    /// A screen on which nothing is drawn yet.
    #[must_use]
    pub fn new(view: View) -> Self {
        Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), view }
    }

    /// The writer for logs.
    #[must_use]
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { bar: self.bar.clone() }
    }

    /// Writes a line to standard error, above the bar where there is one; nothing where the view is silent.
    fn write_line(&self, line: &str) {
        if self.view != View::Silent {
            // A closed standard error is no reason to stop a run.
            let _ = self.bar.suspend(|| writeln!(io::stderr(), "{line}"));
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bar.suspend(|| io::stderr().write_all(text))?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'writer> MakeWriter<'writer> for LogWriter {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

/// Shows how far a run is.
pub struct Progress {
    screen: Screen,
    pacer: Arc<Pacer>,
    stats: Stats,
    total: u64,
    speed: Speed,
    next_line_at: Instant,
}

impl Progress {
    /// Begins to show a run of `total` rows.
    #[must_use]
    pub fn new(screen: Screen, total: u64, pacer: Arc<Pacer>) -> Self {
        let now = Instant::now();
        if screen.view == View::Bar {
            screen.bar.set_draw_target(ProgressDrawTarget::stderr());
            screen.bar.set_length(total);
            if let Ok(style) = ProgressStyle::with_template("{bar:10} {wide_msg}") {
                screen.bar.set_style(style);
            }
        }
        Self {
            screen,
            pacer,
            stats: Stats::default(),
            total,
            speed: Speed::new(now),
            next_line_at: now + LINE_EVERY,
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.screen.bar.finish_and_clear();
        self.screen.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn line(&self) -> String {
        line(&Glance {
            done: self.stats.rows.total(),
            total: self.total,
            rows_per_second: self.speed.rows_per_second,
            failed: self.stats.rows.failed + self.stats.rows.unknown,
            throttled: self.stats.requests.throttled,
            in_flight: self.pacer.on_the_wire(),
            open_operations: self.stats.operations.open(),
            held: self.pacer.longest_hold_left(),
        })
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.stats.add(event);
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        let done = self.stats.rows.total();
        self.speed.note(now, done);
        match self.screen.view {
            View::Bar => {
                self.screen.bar.set_position(done);
                self.screen.bar.set_message(self.line());
            }
            View::Lines if now >= self.next_line_at => {
                self.next_line_at = now + LINE_EVERY;
                self.screen.write_line(&self.line());
            }
            View::Lines | View::Silent => {}
        }
        Ok(())
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({})", self.line())
    }
}

/// Rows a second over the last few seconds.
struct Speed {
    /// The moments that are still of interest, the oldest first, with the rows done by then.
    seen: VecDeque<(Instant, u64)>,
    rows_per_second: f64,
}

impl Speed {
    fn new(now: Instant) -> Self {
        Self { seen: [(now, 0)].into(), rows_per_second: 0.0 }
    }

    fn note(&mut self, now: Instant, done: u64) {
        self.seen.push_back((now, done));
        // The oldest that is kept is the first at least that old.
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= SPEED_OVER) {
            self.seen.pop_front();
        }
        if let Some((since, before)) = self.seen.front() {
            let seconds = now.duration_since(*since).as_secs_f64();
            if seconds > 0.0 {
                self.rows_per_second = done.saturating_sub(*before) as f64 / seconds;
            }
        }
    }
}

/// What is shown at one moment.
struct Glance {
    done: u64,
    total: u64,
    rows_per_second: f64,
    failed: u64,
    throttled: u64,
    in_flight: usize,
    open_operations: u64,
    held: Option<Duration>,
}

/// What matters most comes first, since a narrow terminal cuts the end off.
fn line(glance: &Glance) -> String {
    let pace = match (glance.held, eta(glance)) {
        (Some(left), _) => format!(", paused for {} s by the tenant", left.as_secs() + 1),
        (None, Some(left)) => format!(", ETA {:#}", HumanDuration(left)),
        (None, None) => String::new(),
    };
    let open = match glance.open_operations {
        0 => String::new(),
        open => format!(", {} resets open", HumanCount(open)),
    };
    format!(
        "{}/{} rows, {:.1}/s{pace}, {} failed, {} throttled{open}, {} in flight",
        HumanCount(glance.done),
        HumanCount(glance.total),
        glance.rows_per_second,
        HumanCount(glance.failed),
        HumanCount(glance.throttled),
        glance.in_flight,
    )
}

fn eta(glance: &Glance) -> Option<Duration> {
    let left = glance.total.checked_sub(glance.done).filter(|left| *left > 0)?;
    Duration::try_from_secs_f64(left as f64 / glance.rows_per_second).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance() -> Glance {
        Glance {
            done: 1_234,
            total: 12_000,
            rows_per_second: 14.25,
            failed: 3,
            throttled: 2,
            in_flight: 8,
            open_operations: 0,
            held: None,
        }
    }

    #[test]
    fn a_line_tells_all_that_matters() {
        assert_eq!(line(&glance()), "1,234/12,000 rows, 14.2/s, ETA 13m, 3 failed, 2 throttled, 8 in flight");
        let held = Glance { held: Some(Duration::from_millis(11_400)), open_operations: 5, ..glance() };
        assert_eq!(
            line(&held),
            "1,234/12,000 rows, 14.2/s, paused for 12 s by the tenant, 3 failed, 2 throttled, 5 resets open, 8 in flight"
        );
    }

    #[test]
    fn without_speed_or_work_left_there_is_no_eta() {
        assert_eq!(eta(&Glance { rows_per_second: 0.0, ..glance() }), None);
        assert_eq!(eta(&Glance { done: 12_000, ..glance() }), None);
    }

    #[tokio::test(start_paused = true)]
    async fn speed_is_told_over_the_last_seconds() {
        let start = Instant::now();
        let mut speed = Speed::new(start);
        for second in 1..=20 {
            let done = if second <= 10 { 100 * second } else { 1_000 + 10 * (second - 10) };
            speed.note(start + Duration::from_secs(second), done);
        }
        assert!((speed.rows_per_second - 10.0).abs() < 1e-9, "{}", speed.rows_per_second);
    }
}
