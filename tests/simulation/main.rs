//! Deterministic simulation: one seed makes the rows, the tenant's faults and quotas, the moments at which the program
//! crashes, drains or aborts, and how long it lies still; the run is the real engine, actions, pacer, policy, sign-in and
//! journal. Only the wire is the in-process tenant, and time is tokio's paused clock. A reference model says what must be
//! true at the end, and the wire watches what must never happen on the way.
//!
//! `AUTHWAVE_SEEDS=20000 cargo test --release --test simulation` plays more seeds than the default;
//! `AUTHWAVE_SEED=7 cargo test --test simulation` plays one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "a seed that fails says how to repeat it")]

mod keeper;
mod life;
mod model;
mod plan;
mod planned;
mod safety;
mod told;
mod undo;
mod wire;

use std::env;

use life::play;
use plan::Plan;

/// How many seeds a test run plays, unless it is told otherwise.
const SEEDS: u64 = 500;

/// As many tests share the seeds, so that they use as many cores.
const SHARES: u64 = 4;

fn number(variable: &str) -> Option<u64> {
    env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Prints how to repeat a seed that fails.
struct Repeat(u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat: AUTHWAVE_SEED={} cargo test --test simulation", self.0);
        }
    }
}

fn play_seed(seed: u64) -> life::Played {
    let _repeat = Repeat(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(Plan::new(seed)))
}

fn play_share(share: u64) {
    if let Some(seed) = number("AUTHWAVE_SEED") {
        if share == seed % SHARES {
            play_seed(seed);
        }
        return;
    }
    let mut seen = life::Played::default();
    for seed in (1..=number("AUTHWAVE_SEEDS").unwrap_or(SEEDS)).filter(|seed| seed % SHARES == share) {
        seen.add(&play_seed(seed));
    }
    // What is never met proves nothing.
    let met = [seen.crashes, seen.settled, seen.followed, seen.unknown, seen.taken, seen.restored];
    let met = met.into_iter().chain([seen.waited, seen.warned, seen.moved, seen.batches, seen.capped]);
    assert!(!met.into_iter().any(|count| count == 0), "{seen:?}");
}

#[test]
fn whatever_breaks_every_row_ends_once_in_a_state_that_holds_first_share() {
    play_share(0);
}

#[test]
fn whatever_breaks_every_row_ends_once_in_a_state_that_holds_second_share() {
    play_share(1);
}

#[test]
fn whatever_breaks_every_row_ends_once_in_a_state_that_holds_third_share() {
    play_share(2);
}

#[test]
fn whatever_breaks_every_row_ends_once_in_a_state_that_holds_fourth_share() {
    play_share(3);
}

#[test]
fn the_same_seed_gives_the_same_life() {
    for seed in [3, 14, 159, 265] {
        assert_eq!(play_seed(seed), play_seed(seed), "seed {seed}");
    }
}
