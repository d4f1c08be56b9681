//! What `$batch` saves a plan, in virtual time: `cargo bench --bench batch` plays the real engine against the in-process
//! simulator, each read alone and reads together, and writes docs/batch.md's table anew.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

#[path = "../tests/batch/plan.rs"]
mod plan;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use authwave::simulator::faults::FaultRates;
use plan::{Cell, Fared, Sharing};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/batch.md");
/// The table begins behind this line.
const HEAD: &str = "| quota of reads | latency | alone: time | requests | 429 | together: time | requests | 429 | \
                    512 places, alone: time |\n|---|---|---|---|---|---|---|---|---|\n";

fn main() {
    let page = fs::read_to_string(PAGE).unwrap_or_default();
    let text = page.split_once(HEAD).map_or(page.as_str(), |(text, _)| text);
    let mut table = String::new();
    for per_second in [None, Some(20.0), Some(100.0), Some(800.0)] {
        for latency in [50, 200] {
            let users = per_second.map_or(100_000, |rate: f64| if rate < 50.0 { 2_000 } else { 20_000 });
            let cell = Cell {
                per_second,
                latency: Duration::from_millis(latency),
                users,
                in_flight: 64,
                faults: FaultRates::default(),
            };
            let quota = per_second.map_or("none".to_owned(), |rate| format!("{rate}/s"));
            let (alone, together) = (cell.play(Sharing::Alone), cell.play(Sharing::Together));
            let wide = Cell { in_flight: 512, ..cell }.play(Sharing::Alone);
            let mut row = format!("| {quota}, {users} users | {latency} ms ");
            for Fared { wall, sent, throttled, .. } in [alone, together] {
                let _ = write!(row, "| {:.1} s | {sent} | {throttled} ", wall.as_secs_f64());
            }
            let _ = writeln!(row, "| {:.1} s |", wide.wall.as_secs_f64());
            print!("{row}");
            table.push_str(&row);
        }
    }
    fs::write(PAGE, format!("{text}{HEAD}{table}")).unwrap();
}
