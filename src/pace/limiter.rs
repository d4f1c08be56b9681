//! Lets requests pass one after the other at a rate that may change. The one door to governor.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::clock::TokioClock;

/// A rate: governor with cells of a microsecond, of which a request costs as many as its share of a second.
///
/// governor has no queue: thousands of waiters would wake each other and starve some. So one waits at the
/// limiter at a time, and the others stand in the fair line of the mutex. Nor can its quota change, but the cost can.
pub(super) struct Limiter {
    line: Mutex<()>,
    cells: RateLimiter<NotKeyed, InMemoryState, TokioClock>,
    /// 0 where there is no rate.
    cost_micros: AtomicU64,
}

/// How much unused time may be made up for: enough that late timers cost no throughput.
const BURST_MICROS: NonZeroU32 = NonZeroU32::new(25_000).unwrap();

impl Limiter {
    /// `requests_per_second` is above 0; `None` lets everybody pass.
    pub(super) fn new(requests_per_second: Option<f64>) -> Self {
        let quota = Quota::with_period(Duration::from_micros(1)).map(|quota| quota.allow_burst(BURST_MICROS));
        let Some(quota) = quota else { unreachable!("a microsecond is not zero") };
        let cells = RateLimiter::direct_with_clock(quota, TokioClock);
        let cost_micros = AtomicU64::new(cost(requests_per_second));
        Self { line: Mutex::new(()), cells, cost_micros }
    }

    /// Changes the rate for all that have not begun to pay.
    pub(super) fn set(&self, requests_per_second: Option<f64>) {
        self.cost_micros.store(cost(requests_per_second), Ordering::Relaxed);
    }

    /// Waits for its turn. Cancel-safe.
    pub(super) async fn take(&self) {
        if self.cost_micros.load(Ordering::Relaxed) == 0 {
            return;
        }
        let _first = self.line.lock().await;
        let cost = self.cost_micros.load(Ordering::Relaxed);
        // governor refuses to take more at once than the burst holds. What a dear request costs beyond is waited for, and
        // then what was saved up meanwhile is taken, too.
        let Some(first) = part(cost) else { return };
        self.pay(first).await;
        let rest = cost.saturating_sub(first.get().into());
        if let Some(last) = part(rest) {
            sleep(Duration::from_micros(rest)).await;
            self.pay(last).await;
        }
    }

    /// Whether somebody waits for a turn; `None` where there is no rate.
    pub(super) fn is_waited_for(&self) -> Option<bool> {
        (self.cost_micros.load(Ordering::Relaxed) > 0).then(|| self.line.try_lock().is_err())
    }

    /// Takes its turn where it need not wait for it.
    pub(super) fn try_take(&self) -> bool {
        let cost = self.cost_micros.load(Ordering::Relaxed);
        if cost == 0 {
            return true;
        }
        let Ok(_first) = self.line.try_lock() else { return false };
        let cost = u32::try_from(cost).ok().and_then(NonZeroU32::new);
        cost.is_some_and(|cost| matches!(self.cells.check_n(cost), Ok(Ok(()))))
    }

    async fn pay(&self, micros: NonZeroU32) {
        loop {
            match self.cells.check_n(micros) {
                Ok(Ok(())) => return,
                Ok(Err(not_until)) => sleep_until(Instant::from_std(not_until.earliest_possible())).await,
                Err(_) => unreachable!("a part is never over the burst"),
            }
        }
    }
}

/// As much of a cost as can be taken at once; `None` where it is nothing.
fn part(micros: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(micros.min(BURST_MICROS.get().into()).try_into().unwrap_or(BURST_MICROS.get()))
}

fn cost(requests_per_second: Option<f64>) -> u64 {
    requests_per_second.map_or(0, |rate| {
        let micros = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX).as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX).max(1)
    })
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cost_micros.load(Ordering::Relaxed) {
            0 => f.write_str("no rate"),
            cost => write!(f, "one request in {cost} µs"),
        }
    }
}
