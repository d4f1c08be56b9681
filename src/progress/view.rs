//! Follows a run and shows how far it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lines::{Glance, Pause, block, line};
use super::outlook::{Outlook, Speed, time_left};
use super::screen::{Screen, View};
use crate::model::demand::Demand;
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::stats::Stats;
use crate::pace::pacer::Pacer;

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// So many error codes are shown.
const SHOWN_ERRORS: usize = 3;

/// No more are told apart: a service could make up one for each row.
const MOST_ERRORS: usize = 100;

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
    /// How long the last pause is that was asked for.
    pause: Option<Duration>,
    /// Rows that did not succeed, by error code.
    errors: BTreeMap<String, u64>,
}

impl Progress {
    /// Begins to show a run of rows that take so much.
    #[must_use]
    pub fn new(screen: Screen, demand: Demand, pacer: Arc<Pacer>) -> Self {
        let now = Instant::now();
        Self {
            screen,
            pacer,
            stats: Stats::default(),
            demand,
            done: Demand::default(),
            speed: Speed::new(now),
            next_line_at: now + LINE_EVERY,
            pause: None,
            errors: BTreeMap::new(),
        }
    }

    /// Takes the view away.
    pub fn finish(&self) {
        self.screen.close();
    }

    fn glance(&self) -> Glance {
        let limits = self.pacer.limits();
        let mut errors: Vec<(String, u64)> =
            self.errors.iter().map(|(code, count)| (code.clone(), *count)).collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        errors.truncate(SHOWN_ERRORS);
        Glance {
            rows: self.stats.rows,
            total: self.demand.rows,
            rows_per_second: self.speed.rows_per_second(),
            read_limit: limits.reads,
            write_limit: limits.writes,
            throttled: self.stats.requests.throttled,
            unanswered: self.stats.requests.by_status.get(&None).copied().unwrap_or(0),
            in_flight: self.pacer.on_the_wire(),
            open_operations: self.stats.operations.open(),
            pause: self
                .pacer
                .longest_hold_left()
                .map(|left| Pause { asked: self.pause.unwrap_or(left).max(left), left }),
            left: self.time_left(),
            errors,
        }
    }

    /// How long the rest will take; `None` where nothing is known or nothing is left.
    fn time_left(&self) -> Option<Duration> {
        let (requests, left) = (&self.stats.requests, self.demand.without(&self.done));
        let latency = requests.latency.checked_div(u32::try_from(requests.total).unwrap_or(u32::MAX));
        let outlook = Outlook {
            left,
            found: self.pacer.found(),
            learned: self.pacer.known(),
            by_wire: latency.map(|latency| self.pacer.in_flight().get() as f64 / latency.as_secs_f64()),
            seen: self.speed.requests_per_second(),
        };
        let held = self.pacer.longest_hold_left().unwrap_or_default();
        time_left(&outlook).filter(|_| left.rows > 0).map(|left| left.saturating_add(held))
    }

    fn count_error(&mut self, code: &str) {
        if let Some(count) = self.errors.get_mut(code) {
            *count += 1;
        } else if self.errors.len() < MOST_ERRORS {
            self.errors.insert(code.to_owned(), 1);
        }
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.stats.add(event);
        match event {
            Event::Ended(ended) => {
                self.done += Demand::of(&ended.work);
                if let Some(code) = ended.outcome.fault() {
                    self.count_error(code);
                }
            }
            Event::Held { until, .. } => {
                self.pause = Some(until.saturating_duration_since(Instant::now()));
            }
            Event::Answered(_)
            | Event::SignInLost { .. }
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
        self.speed.note(now, self.done);
        if self.screen.asked().take() {
            self.screen.say(&(line(&self.glance()) + "\n"));
        }
        match self.screen.view {
            View::Block(paint) => self.screen.draw(&block(&self.glance(), Screen::width(), paint)),
            View::Lines if now >= self.next_line_at => {
                self.next_line_at = now + LINE_EVERY;
                self.screen.say(&(line(&self.glance()) + "\n"));
            }
            View::Lines | View::Silent => {}
        }
        Ok(())
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({})", line(&self.glance()))
    }
}
