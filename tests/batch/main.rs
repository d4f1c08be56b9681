//! What `$batch` does for a plan, in virtual time. `cargo bench --bench batch` compares more.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod plan;

use std::time::Duration;

use authwave::simulator::faults::FaultRates;
use plan::{Cell, Fared, Sharing};

fn cell(per_second: Option<f64>, users: u64) -> Cell {
    Cell {
        per_second,
        latency: Duration::from_millis(200),
        users,
        in_flight: 8,
        faults: FaultRates::default(),
    }
}

#[test]
fn reads_leave_together_where_the_wire_is_the_limit_and_each_place_on_it_is_one_batch() {
    let cell = cell(None, 4_000);
    let (alone, together) = (cell.play(Sharing::Alone), cell.play(Sharing::Together));
    assert_eq!((alone.sent, alone.reads, alone.read_users), (8_000, 8_000, 4_000));
    assert_eq!((together.reads, together.read_users, together.most_at_once), (8_000, 4_000, 8));
    assert!(together.sent < 8_000 / 4, "{together:?}");
    assert!(together.wall < alone.wall / 4, "{together:?} {alone:?}");
}

#[test]
fn reads_leave_alone_where_the_quota_is_the_limit() {
    let cell = cell(Some(20.0), 1_000);
    let (alone, together) = (cell.play(Sharing::Alone), cell.play(Sharing::Together));
    assert!(together.wall <= alone.wall.mul_f64(1.02), "{together:?} {alone:?}");
    assert!(together.sent * 10 >= together.reads * 9, "{together:?}");
}

#[test]
fn a_read_in_a_batch_that_is_throttled_holds_everybody_and_is_tried_again() {
    let Fared { reads, throttled, early, read_users, .. } = cell(Some(150.0), 6_000).play(Sharing::Together);
    assert!(throttled > 0);
    assert_eq!((reads - throttled, read_users, early), (12_000, 6_000, 0));
    assert!(throttled * 100 < reads * 3, "{throttled} of {reads}");
}

#[test]
fn no_user_is_lost_where_batches_are_refused_broken_off_or_cut_short() {
    let faults = FaultRates {
        error_after: 0.05,
        reset_before: 0.05,
        html: 0.05,
        half_json: 0.05,
        empty_body: 0.05,
        ..FaultRates::default()
    };
    let fared = Cell { faults, ..cell(None, 2_000) }.play(Sharing::Together);
    assert_eq!((fared.read_users, fared.early), (2_000, 0), "{fared:?}");
    assert!(fared.sent * 2 < fared.reads, "{fared:?}");
}
