//! The tenants that a run must fare well with.

use std::time::Duration;

use authwave::simulator::settings::Usage;
use authwave::simulator::throttle::{Allowance, Quota, RetryAfterForm};

use super::cell::Cell;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A quota of so many requests a second, all at once, is none.
const FREE: f64 = 1e6;

fn bucket(per_second: f64, burst: f64) -> Quota {
    Quota::Bucket { per_second, burst }
}

fn window(requests: u32, seconds: u64) -> Quota {
    Quota::Window { requests, span: Duration::from_secs(seconds) }
}

fn cell(name: impl Into<String>, quota: Quota, latency: Duration, rows: u64) -> Cell {
    Cell {
        name: name.into(),
        allowance: quota.into(),
        retry_after: RetryAfterForm::Seconds,
        usage: Usage::Silent,
        latency,
        refused: 0.0,
        rows,
    }
}

/// Some that several runs share, each with more to do than there is time for, and the requests that they give in a second.
pub(crate) fn shared() -> Vec<(Cell, f64)> {
    let of = |name: &str, quota, rate| (cell(name, quota, MS(50), 1_000_000), rate);
    vec![
        of("bucket 100/s, burst 100", bucket(100.0, 100.0), 100.0),
        of("bucket 20/s, burst 20", bucket(20.0, 20.0), 20.0),
        of("bucket 100/s, burst 1000", bucket(100.0, 1_000.0), 100.0),
        of("window 1000/10 s", window(1_000, 10), 100.0),
        of("window 200/1 s", window(200, 1), 200.0),
    ]
}

/// All of them.
pub(crate) fn grid() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (rate, rows) in
        [(0.4, 400), (5.0, 2_000), (20.0, 5_000), (50.0, 10_000), (200.0, 30_000), (800.0, 100_000)]
    {
        for latency in [1, 50] {
            let burst = f64::max(1.0, rate);
            let name = format!("bucket {rate}/s, burst {burst}, {latency} ms");
            cells.push(cell(name, bucket(rate, burst), MS(latency), rows));
        }
    }
    // Of these nobody ever meets the limit.
    for rows in [1_000, 5_000, 20_000] {
        cells.push(cell(format!("no limit, {rows} rows, 50 ms"), bucket(FREE, FREE), MS(50), rows));
    }
    for (rate, rows) in [(0.4, 400), (5.0, 2_000), (20.0, 4_000)] {
        cells.push(cell(
            format!("bucket {rate}/s, burst {}, 2 s", f64::max(1.0, rate)),
            bucket(rate, f64::max(1.0, rate)),
            MS(2_000),
            rows,
        ));
    }
    // At least a hundred windows: a job that ends in its first ones is late by up to one, since it is spread.
    for (requests, seconds, rows) in [
        (50, 1, 10_000),
        (4, 10, 400),
        (50, 10, 5_000),
        (500, 10, 50_000),
        (2_000, 10, 200_000),
        (60, 150, 6_000),
        (3_000, 150, 300_000),
    ] {
        let name = format!("window {requests}/{seconds} s, 50 ms");
        cells.push(cell(name, window(requests, seconds), MS(50), rows));
    }
    cells.push(cell("bucket 200/s, burst 2000, 50 ms", bucket(200.0, 2_000.0), MS(50), 5_000));
    cells.push(cell("bucket 200/s, burst 2000, 5 ms", bucket(200.0, 2_000.0), MS(5), 5_000));
    cells.push(cell("bucket 50/s, burst 500, 50 ms", bucket(50.0, 500.0), MS(50), 5_000));
    for (form, name) in [
        (RetryAfterForm::Absent, "absent"),
        (RetryAfterForm::Fraction, "fraction"),
        (RetryAfterForm::Date, "date"),
        (RetryAfterForm::One, "always 1"),
        (RetryAfterForm::Absurd, "absurd"),
    ] {
        let one = |quota, shape: &str, rows| Cell {
            retry_after: form,
            ..cell(format!("{shape}, Retry-After {name}, 50 ms"), quota, MS(50), rows)
        };
        cells.push(one(
            bucket(50.0, 50.0),
            "bucket 50/s, burst 50",
            if form == RetryAfterForm::Absurd { 30_000 } else { 10_000 },
        ));
        if form != RetryAfterForm::Absurd {
            cells.push(one(window(3_000, 150), "window 3000/150 s", 300_000));
        }
    }
    for quota in [bucket(50.0, 50.0), window(500, 10), bucket(200.0, 2_000.0)] {
        let (name, rows) = match quota {
            Quota::Bucket { per_second, burst } => (format!("bucket {per_second}/s, burst {burst}"), 10_000),
            Quota::Window { requests, span } => (format!("window {requests}/{} s", span.as_secs()), 50_000),
        };
        cells.push(Cell {
            usage: Usage::Told,
            ..cell(format!("{name}, usage told, 50 ms"), quota, MS(50), rows)
        });
    }
    let shared = Allowance { rival_per_second: 25.0, ..bucket(50.0, 50.0).into() };
    cells.push(Cell {
        allowance: shared,
        ..cell("bucket 50/s, burst 50, another client takes 25/s, 50 ms", bucket(50.0, 50.0), MS(50), 6_000)
    });
    let shared = Allowance { rival_per_second: 25.0, ..window(500, 10).into() };
    cells.push(Cell {
        allowance: shared,
        ..cell("window 500/10 s, another client takes 25/s, 50 ms", window(500, 10), MS(50), 25_000)
    });
    for (later, rows) in [(10.0, 10_000), (200.0, 60_000)] {
        let quota = bucket(50.0, 50.0);
        let allowance =
            Allowance { later: Some((Duration::from_secs(100), bucket(later, later))), ..quota.into() };
        let name = format!("bucket 50/s, from 100 s on {later}/s, 50 ms");
        cells.push(Cell { allowance, ..cell(name, quota, MS(50), rows) });
    }
    for (refused, rows) in [(0.01, 10_000), (0.04, 5_000), (0.3, 1_000)] {
        let name = format!("bucket 50/s, burst 50, {} % refused at any rate, 50 ms", refused * 100.0);
        cells.push(Cell { refused, ..cell(name, bucket(50.0, 50.0), MS(50), rows) });
    }
    cells
}
