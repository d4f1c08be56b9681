//! How a run fares with quotas that it does not know, in virtual time: the tenants of the grid that are quick to play.
//! `cargo bench --bench pace` plays all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cell;
mod grid;

use std::time::Duration;

use authwave::pace::pacer::{Learned, Limits};

use cell::{Bond, Cell, Fared, Shares};

fn cell(name: &str) -> Cell {
    grid::grid().into_iter().find(|cell| cell.name == name).unwrap_or_else(|| panic!("{name}"))
}

#[track_caller]
fn assert_fared(cell: &Cell, fared: &Fared, (slowest, most_throttled): (f64, f64)) {
    let name = &cell.name;
    let ratio = fared.wall.as_secs_f64() / cell.ideal().as_secs_f64();
    assert!(ratio <= slowest, "{name}: {ratio:.3} of the ideal time");
    assert!(fared.throttled_share() <= most_throttled, "{name}: {:.2} % throttled", fared.throttled_share());
    assert_eq!((fared.early, fared.lost), (0, 0), "{name}: early, lost");
}

/// A run that knows nothing, and one that knows what it found.
fn play(name: &str) {
    let cell = cell(name);
    let blind = cell.play(Learned::default());
    assert_fared(&cell, &blind, (1.15, 3.0));
    assert_fared(&cell, &cell.play(blind.found), (1.05, 1.0));
}

#[test]
fn a_bucket_is_used_up_and_hardly_ever_overdrawn() {
    play("bucket 20/s, burst 20, 50 ms");
    play("bucket 50/s, burst 50, 1 ms");
}

#[test]
fn what_a_large_bucket_saved_up_is_used_at_once() {
    play("bucket 200/s, burst 2000, 5 ms");
    play("bucket 50/s, burst 500, 50 ms");
}

#[test]
fn a_large_bucket_is_used_up_as_fast_as_by_those_who_run_into_its_end() {
    for latency in ["50 ms", "5 ms"] {
        let cell = cell(&format!("bucket 200/s, burst 2000, {latency}"));
        assert_fared(&cell, &cell.play(Learned::default()), (15.4 / 15.0, 1.0));
    }
}

#[test]
fn where_there_is_no_limit_a_large_job_fills_the_wire_and_a_small_one_when_the_last_one_met_none() {
    for (rows, slowest) in [("20000", [1.02, 1.02]), ("5000", [1.8, 1.05]), ("1000", [3.8, 2.8])] {
        let cell = cell(&format!("no limit, {rows} rows, 50 ms"));
        let blind = cell.play(Learned::default());
        assert_fared(&cell, &blind, (slowest[0], 0.0));
        assert_fared(&cell, &cell.play(blind.found), (slowest[1], 0.0));
    }
}

#[test]
fn a_limit_that_the_last_run_did_not_meet_costs_no_more_than_one_that_nobody_knows() {
    let cell = Cell { rows: 1_000, ..cell("bucket 50/s, burst 50, 50 ms") };
    let unrefused = Limits { reads: None, writes: Some(1_280.0) };
    assert_fared(&cell, &cell.play(Learned { unrefused, ..Learned::default() }), (1.15, 3.0));
}

#[test]
fn a_window_is_used_up_and_hardly_ever_overdrawn() {
    play("window 50/1 s, 50 ms");
    play("window 500/10 s, 50 ms");
}

#[test]
fn a_quota_whose_use_is_told_is_used_up_without_meeting_its_end() {
    play("window 500/10 s, usage told, 50 ms");
    play("bucket 200/s, burst 2000, usage told, 50 ms");
}

#[test]
fn the_pace_is_found_without_a_retry_after_and_with_one_that_is_always_the_same() {
    play("bucket 50/s, burst 50, Retry-After absent, 50 ms");
    play("bucket 50/s, burst 50, Retry-After always 1, 50 ms");
}

#[test]
fn another_client_gets_its_part() {
    play("bucket 50/s, burst 50, another client takes 25/s, 50 ms");
}

#[test]
fn a_quota_that_shrinks_on_the_way_is_found_again() {
    let cell = cell("bucket 50/s, from 100 s on 10/s, 50 ms");
    assert_fared(&cell, &cell.play(Learned::default()), (1.15, 3.0));
}

#[test]
fn refusals_that_come_whatever_the_rate_do_not_bring_a_run_to_a_stop() {
    for name in ["1 %", "4 %", "30 %"] {
        let cell = cell(&format!("bucket 50/s, burst 50, {name} refused at any rate, 50 ms"));
        assert_fared(&cell, &cell.play(Learned::default()), (8.0, 40.0));
    }
}

#[test]
fn several_runs_use_what_there_is() {
    let cell = Cell { rows: 1_000_000, ..cell("bucket 20/s, burst 20, 50 ms") };
    let done = cell.share(3, Duration::from_millis(700), Duration::from_mins(5), Bond::Strangers).total();
    assert!((5_400.0..=6_020.0).contains(&done), "{done} of 6,020");
}

/// A quota that several runs share, and what it gives in a second.
fn shared(name: &str) -> (Cell, f64) {
    grid::shared().into_iter().find(|(cell, _)| cell.name == name).unwrap_or_else(|| panic!("{name}"))
}

/// How strangers share a quota that begin so long after one another, in ten minutes.
fn shares(name: &str, after: u64) -> Shares {
    let (cell, _) = shared(name);
    cell.share(4, Duration::from_millis(after), Duration::from_mins(10), Bond::Strangers)
}

#[test]
fn runs_that_know_of_each_other_have_level_shares_of_all_there_is() {
    let plays = [
        ("bucket 20/s, burst 20", 300),
        ("window 1000/10 s", 300),
        ("window 200/1 s", 0),
        ("window 200/1 s", 300),
    ];
    for (name, after) in plays {
        let (cell, rate) = shared(name);
        let time = Duration::from_mins(2);
        let shares = cell.share(4, Duration::from_millis(after), time, Bond::Fellows);
        let used = shares.total() / (rate * time.as_secs_f64());
        assert!(shares.widest() <= 0.2, "{name}, {after} ms: {shares:.2?}");
        assert!(used >= 0.88, "{name}, {after} ms: {used:.3} of it used");
        assert!(shares.throttled <= 2.0, "{name}, {after} ms: {shares:.2?}");
    }
}

#[test]
fn several_runs_have_level_shares() {
    let plays = [
        ("bucket 100/s, burst 100", 2_300, 1.0),
        ("bucket 20/s, burst 20", 700, 6.0),
        ("bucket 20/s, burst 20", 2_300, 6.0),
    ];
    for (name, after, most_throttled) in plays {
        let shares = shares(name, after);
        assert!(shares.widest() <= 0.25, "{name}, {after} ms: {shares:.2?}");
        assert!(shares.throttled <= most_throttled, "{name}, {after} ms: {shares:.2?}");
    }
}

#[test]
fn several_runs_share_a_window_although_the_first_had_all_of_it() {
    for after in [1_100, 2_900] {
        let shares = shares("window 1000/10 s", after);
        assert!(shares.widest() <= 0.4, "{shares:.2?}");
    }
}
