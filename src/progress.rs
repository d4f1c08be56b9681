//! The view of a run while it goes on. The one door to indicatif; hands out the writer that logs go through.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::model::demand::Demand;
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::stats::Stats;
use crate::pace::pacer::Pacer;
use crate::policy::forecast::{KnownPace, Pace, forecast};

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
    demand: Demand,
    /// What of it is done.
    done: Demand,
    speed: Speed,
    next_line_at: Instant,
}

impl Progress {
    /// Begins to show a run of rows that take so much.
    #[must_use]
    pub fn new(screen: Screen, demand: Demand, pacer: Arc<Pacer>) -> Self {
        let now = Instant::now();
        if screen.view == View::Bar {
            screen.bar.set_draw_target(ProgressDrawTarget::stderr());
            screen.bar.set_length(demand.rows);
            if let Ok(style) = ProgressStyle::with_template("{bar:10} {wide_msg}") {
                screen.bar.set_style(style);
            }
        }
        Self {
            screen,
            pacer,
            stats: Stats::default(),
            demand,
            done: Demand::default(),
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
            done: self.done.rows,
            total: self.demand.rows,
            rows_per_second: self.speed.rows_per_second(),
            failed: self.stats.rows.failed + self.stats.rows.unknown,
            throttled: self.stats.requests.throttled,
            in_flight: self.pacer.on_the_wire(),
            open_operations: self.stats.operations.open(),
            held: self.pacer.longest_hold_left(),
            left: self.time_left(),
        })
    }

    /// How long the rest will take; `None` where nothing is known or nothing is left.
    fn time_left(&self) -> Option<Duration> {
        let (requests, left) = (&self.stats.requests, self.demand.without(&self.done));
        let latency = requests.latency.checked_div(u32::try_from(requests.total).unwrap_or(u32::MAX));
        let (learned, limits) = (self.pacer.known(), self.pacer.limits());
        let outlook = Outlook {
            left,
            found: KnownPace { reads: limits.reads, writes: limits.writes, ..learned },
            learned,
            by_wire: latency.map(|latency| self.pacer.in_flight().get() as f64 / latency.as_secs_f64()),
            seen: self.speed.requests_per_second(),
        };
        let held = self.pacer.longest_hold_left().unwrap_or_default();
        time_left(&outlook).filter(|_| left.rows > 0).map(|left| left.saturating_add(held))
    }
}

/// What tells how long the rest takes. Rates are in requests a second.
struct Outlook {
    left: Demand,
    /// The limits that this run met.
    found: KnownPace,
    /// With those of an earlier run where this one met none.
    learned: KnownPace,
    /// What the places on the wire allow at the latency seen.
    by_wire: Option<f64>,
    /// What was sent over the last few seconds.
    seen: f64,
}

/// From the limits that were found, or else from those of an earlier run, unless this one is faster, or from the present
/// speed alone.
fn time_left(outlook: &Outlook) -> Option<Duration> {
    let by_wire = outlook.by_wire.filter(|rate| rate.is_finite());
    let at_pace = |known: KnownPace| {
        let ceiling = known.ceiling.into_iter().chain(by_wire).reduce(f64::min);
        match forecast(outlook.left, &KnownPace { ceiling, ..known }).pace {
            Pace::Learned { time, .. } | Pace::Ceiling { time, .. } => Some(time),
            Pace::AtMost { .. } | Pace::Unknown => None,
        }
    };
    let at_speed = Duration::try_from_secs_f64(outlook.left.requests() as f64 / outlook.seen).ok();
    at_pace(outlook.found).or_else(|| at_pace(outlook.learned).into_iter().chain(at_speed).min())
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.stats.add(event);
        if let Event::Ended(ended) = event {
            self.done += Demand::of(&ended.work);
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        self.speed.note(now, self.done);
        match self.screen.view {
            View::Bar => {
                self.screen.bar.set_position(self.done.rows);
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

/// What was done over the last few seconds.
struct Speed {
    /// The moments that are still of interest, the oldest first, with what was done by then.
    seen: VecDeque<(Instant, Demand)>,
}

impl Speed {
    fn new(now: Instant) -> Self {
        Self { seen: [(now, Demand::default())].into() }
    }

    fn note(&mut self, now: Instant, done: Demand) {
        self.seen.push_back((now, done));
        // The oldest that is kept is the first at least that old.
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= SPEED_OVER) {
            self.seen.pop_front();
        }
    }

    fn rows_per_second(&self) -> f64 {
        self.per_second(|done| done.rows)
    }

    /// As many as the rows took that were done, where nothing goes wrong: retries bring nobody nearer to the end.
    fn requests_per_second(&self) -> f64 {
        self.per_second(Demand::requests)
    }

    fn per_second(&self, count: impl Fn(&Demand) -> u64) -> f64 {
        let (Some((since, before)), Some((now, done))) = (self.seen.front(), self.seen.back()) else {
            return 0.0;
        };
        let seconds = now.duration_since(*since).as_secs_f64();
        if seconds > 0.0 { (count(done) - count(before)) as f64 / seconds } else { 0.0 }
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
    /// Until the end, as far as can be told.
    left: Option<Duration>,
}

/// What matters most comes first, since a narrow terminal cuts the end off.
fn line(glance: &Glance) -> String {
    let held = glance.held.map_or_else(String::new, |left| {
        let seconds = left.as_secs() + 1;
        format!(", paused for {seconds} s by the tenant")
    });
    let eta = glance.left.map_or_else(String::new, |left| format!(", ETA {:#}", HumanDuration(left)));
    let open = match glance.open_operations {
        0 => String::new(),
        open => format!(", {} resets open", HumanCount(open)),
    };
    format!(
        "{}/{} rows, {:.1}/s{held}{eta}, {} failed, {} throttled{open}, {} in flight",
        HumanCount(glance.done),
        HumanCount(glance.total),
        glance.rows_per_second,
        HumanCount(glance.failed),
        HumanCount(glance.throttled),
        glance.in_flight,
    )
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
            left: Some(Duration::from_mins(13)),
        }
    }

    #[test]
    fn a_line_tells_all_that_matters() {
        assert_eq!(line(&glance()), "1,234/12,000 rows, 14.2/s, ETA 13m, 3 failed, 2 throttled, 8 in flight");
        let held =
            Glance { held: Some(Duration::from_millis(11_400)), open_operations: 5, left: None, ..glance() };
        assert_eq!(
            line(&held),
            "1,234/12,000 rows, 14.2/s, paused for 12 s by the tenant, 3 failed, 2 throttled, 5 resets open, 8 in flight"
        );
    }

    const UNKNOWN: KnownPace = KnownPace { reads: None, writes: None, share: 1.0, ceiling: None };

    fn outlook() -> Outlook {
        let left = Demand { rows: 100, reads: 100, writes: 100 };
        Outlook { left, found: UNKNOWN, learned: UNKNOWN, by_wire: None, seen: 4.0 }
    }

    #[test]
    fn the_rest_is_told_from_the_pace_found_and_the_work_left() {
        let told = |outlook: Outlook| time_left(&outlook).map(|left| left.as_secs_f64());
        let found = KnownPace { writes: Some(10.0), ..UNKNOWN };
        assert_eq!(told(outlook()), Some(50.0), "nothing is known but the present speed");
        assert_eq!(told(Outlook { found, ..outlook() }), Some(10.0));
        assert_eq!(told(Outlook { found, seen: 400.0, ..outlook() }), Some(10.0), "a burst does not last");
        // Neither the ceiling nor the wire lets it go faster.
        let ceiling = KnownPace { ceiling: Some(5.0), ..found };
        assert_eq!(told(Outlook { found: ceiling, ..outlook() }), Some(40.0));
        assert_eq!(told(Outlook { found, by_wire: Some(2.0), ..outlook() }), Some(100.0));
        assert_eq!(told(Outlook { found, by_wire: Some(f64::INFINITY), ..outlook() }), Some(10.0));
        let ceiling_alone = KnownPace { ceiling: Some(5.0), ..UNKNOWN };
        assert_eq!(told(Outlook { found: ceiling_alone, ..outlook() }), Some(50.0));
    }

    #[test]
    fn what_an_earlier_run_found_counts_until_this_one_is_faster() {
        let told = |seen| {
            let learned = KnownPace { writes: Some(10.0), ..UNKNOWN };
            time_left(&Outlook { learned, seen, ..outlook() }).map(|left| left.as_secs_f64())
        };
        assert_eq!((told(0.0), told(4.0), told(40.0)), (Some(10.0), Some(10.0), Some(5.0)));
    }

    #[test]
    fn without_speed_or_a_known_pace_the_rest_is_not_told() {
        assert_eq!(time_left(&Outlook { seen: 0.0, ..outlook() }), None);
    }

    #[tokio::test(start_paused = true)]
    async fn speed_is_told_over_the_last_seconds() {
        let start = Instant::now();
        let mut speed = Speed::new(start);
        for second in 1..=20 {
            let rows = if second <= 10 { 100 * second } else { 1_000 + 10 * (second - 10) };
            speed.note(start + Duration::from_secs(second), Demand { rows, reads: rows, writes: rows });
        }
        let told = (speed.rows_per_second(), speed.requests_per_second());
        assert!((told.0 - 10.0).abs() < 1e-9 && (told.1 - 20.0).abs() < 1e-9, "{told:?}");
    }
}
