//! The gate that every request passes: a place on the wire, no hold, and last a token of the rate.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::clock::TokioClock;

/// How fast requests may leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceSettings {
    /// Ceiling, in requests a second, above 0; `None` for none.
    pub requests_per_second: Option<f64>,
    /// How many requests may be on the wire at once.
    pub in_flight: NonZeroUsize,
}

/// Admits requests in the order in which they ask.
pub struct Pacer {
    started: Instant,
    in_flight: NonZeroUsize,
    places: Semaphore,
    /// Nobody leaves before this moment, in microseconds since `started`.
    held_until: AtomicU64,
    ceiling: Option<Ceiling>,
}

/// A place on the wire, given back when dropped.
#[derive(Debug)]
pub struct Permit<'pacer>(#[expect(dead_code, reason = "held for its drop")] SemaphorePermit<'pacer>);

impl Pacer {
    /// A pacer whose clock starts now.
    #[must_use]
    pub fn new(settings: PaceSettings) -> Self {
        Self {
            started: Instant::now(),
            in_flight: settings.in_flight,
            places: Semaphore::new(settings.in_flight.get()),
            held_until: AtomicU64::new(0),
            ceiling: settings.requests_per_second.map(Ceiling::new),
        }
    }

    /// Waits until a request may leave. Cancel-safe.
    pub async fn admit(&self) -> Permit<'_> {
        let Ok(place) = self.places.acquire().await else { unreachable!("the semaphore is never closed") };
        loop {
            self.wait_for_hold().await;
            let Some(ceiling) = &self.ceiling else { break };
            // Last, so that a crowd that was held is spaced again and does not stampede.
            ceiling.take().await;
            if self.hold_left().is_none() {
                break;
            }
        }
        Permit(place)
    }

    /// Lets nobody leave for `span` from now. Returns by how much that prolongs the pause:
    /// nothing where a longer hold runs already.
    pub fn hold(&self, span: Duration) -> Duration {
        let before = self.hold_left().unwrap_or_default();
        let until = self.started.elapsed().saturating_add(span).as_micros();
        self.held_until.fetch_max(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
        span.saturating_sub(before)
    }

    /// How many requests are on the wire or admitted to it.
    #[must_use]
    pub fn on_the_wire(&self) -> usize {
        self.in_flight.get() - self.places.available_permits()
    }

    /// How many requests may be on the wire at once.
    #[must_use]
    pub const fn in_flight(&self) -> NonZeroUsize {
        self.in_flight
    }

    /// How long the present hold still runs; `None` without one.
    #[must_use]
    pub fn hold_left(&self) -> Option<Duration> {
        let until = self.held_until.load(Ordering::Relaxed);
        if until == 0 {
            return None;
        }
        let left = Duration::from_micros(until).checked_sub(self.started.elapsed())?;
        (!left.is_zero()).then_some(left)
    }

    async fn wait_for_hold(&self) {
        // Read again after waking: the hold may have been prolonged meanwhile.
        while let Some(left) = self.hold_left() {
            sleep_until(Instant::now() + left).await;
        }
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pacer({} in flight, ceiling: {:?})", self.in_flight, self.ceiling)
    }
}

/// The rate ceiling: governor with cells of a microsecond, of which a request costs as many as its share of a second.
///
/// governor has no queue: thousands of waiters would wake each other and starve some. So one waits at the
/// limiter at a time, and the others stand in the fair line of the mutex.
struct Ceiling {
    line: Mutex<()>,
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock>,
    cost_micros: u64,
}

/// How much unused time may be made up for: enough that late timers cost no throughput.
const BURST_MICROS: NonZeroU32 = NonZeroU32::new(25_000).unwrap();

impl Ceiling {
    fn new(requests_per_second: f64) -> Self {
        let micros =
            Duration::try_from_secs_f64(1.0 / requests_per_second).unwrap_or(Duration::MAX).as_micros();
        let cells = Quota::with_period(Duration::from_micros(1)).map(|quota| quota.allow_burst(BURST_MICROS));
        let Some(quota) = cells else { unreachable!("a microsecond is not zero") };
        Self {
            line: Mutex::new(()),
            limiter: RateLimiter::direct_with_clock(quota, TokioClock),
            cost_micros: u64::try_from(micros).unwrap_or(u64::MAX),
        }
    }

    async fn take(&self) {
        let _first = self.line.lock().await;
        let mut left = self.cost_micros;
        // governor refuses to take more at once than the burst holds, so a dear request is paid in parts.
        while let Some(part) = NonZeroU32::new(left.min(BURST_MICROS.get().into()).try_into().unwrap_or(1)) {
            self.pay(part).await;
            left -= u64::from(part.get());
        }
    }

    async fn pay(&self, cells: NonZeroU32) {
        loop {
            match self.limiter.check_n(cells) {
                Ok(Ok(())) => return,
                Ok(Err(not_until)) => sleep_until(Instant::from_std(not_until.earliest_possible())).await,
                Err(_) => unreachable!("a part is never over the burst"),
            }
        }
    }
}

impl fmt::Debug for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one request in {} µs", self.cost_micros)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;

    fn pacer(requests_per_second: Option<f64>, in_flight: usize) -> Arc<Pacer> {
        let in_flight = NonZeroUsize::new(in_flight).unwrap();
        Arc::new(Pacer::new(PaceSettings { requests_per_second, in_flight }))
    }

    /// Starts `count` requests that are answered after `latency`; gives the moments at which they left.
    async fn departures(pacer: &Arc<Pacer>, count: usize, latency: Duration) -> Vec<Duration> {
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let pacer = Arc::clone(pacer);
            tasks.spawn(async move {
                let _permit = pacer.admit().await;
                let left_at = pacer.started.elapsed();
                tokio::time::sleep(latency).await;
                (number, left_at)
            });
        }
        let mut left: Vec<_> = tasks.join_all().await;
        left.sort_by_key(|(number, left_at)| (*left_at, *number));
        assert!(left.is_sorted_by_key(|(number, _)| *number), "served out of turn");
        left.into_iter().map(|(_, left_at)| left_at).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_in_flight_are_on_the_wire() {
        let left = departures(&pacer(None, 4), 12, Duration::from_secs(1)).await;
        let seconds: Vec<u64> = left.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_ceiling_holds_and_is_reached_whatever_its_size() {
        for (rate, count) in
            [(0.4, 10), (5.0, 100), (39.0, 800), (41.0, 800), (1_000.0, 20_000), (7_000.0, 70_000)]
        {
            let left = departures(&pacer(Some(rate), 64), count, Duration::ZERO).await;
            let span = left.last().unwrap().abs_diff(left[0]).as_secs_f64();
            let reached = (count - 1) as f64 / span;
            assert!(reached <= rate * 1.01 + 1.0, "{rate}: {reached}");
            assert!(reached >= rate * 0.95, "{rate}: {reached}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_waiters_are_served_in_turn_at_the_set_rate() {
        let left = departures(&pacer(Some(1_000.0), 64), 10_000, Duration::from_millis(10)).await;
        let span = left.last().unwrap().as_secs_f64();
        assert!((9.8..=10.3).contains(&span), "{span}");
        let longest_gap = left.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap();
        assert!(longest_gap <= Duration::from_millis(3), "{longest_gap:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_leaves_during_a_hold_even_one_that_was_prolonged() {
        for rate in [None, Some(50.0)] {
            let pacer = pacer(rate, 8);
            pacer.hold(Duration::from_secs(5));
            let prolong = async {
                tokio::time::sleep(Duration::from_secs(4)).await;
                pacer.hold(Duration::from_secs(6));
                pacer.hold(Duration::from_secs(1));
            };
            let (left, ()) = tokio::join!(departures(&pacer, 20, Duration::ZERO), prolong);
            assert!(left[0] >= Duration::from_secs(10), "{rate:?}: {left:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_crowd_is_spaced_again() {
        let pacer = pacer(Some(10.0), 64);
        pacer.hold(Duration::from_secs(30));
        let left = departures(&pacer, 40, Duration::ZERO).await;
        let in_first_second = left.iter().filter(|at| **at < Duration::from_secs(31)).count();
        assert!((9..=12).contains(&in_first_second), "{in_first_second}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_begins_while_one_waits_for_its_turn_is_obeyed() {
        let pacer = pacer(Some(1.0), 4);
        let begin = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            pacer.hold(Duration::from_secs(20));
        };
        let (left, ()) = tokio::join!(departures(&pacer, 4, Duration::ZERO), begin);
        let held = Duration::from_millis(1_501)..Duration::from_millis(21_499);
        assert!(left.iter().all(|at| !held.contains(at)), "{left:?}");
    }
}
