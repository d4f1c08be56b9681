//! Runs in which all goes wrong that can, and which are stopped at any moment besides.

use std::collections::HashSet;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::sleep;

use super::stage::Played;
use super::trial::{Trial, everything, troubled};
use crate::engine::run::Stop;
use crate::model::outcome::Status;
use crate::simulator::settings::TenantSettings;

/// How a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum How {
    Drained,
    Aborted,
    /// The second signal comes while the first is obeyed.
    DrainedThenAborted,
}

fn settings(seed: u64) -> TenantSettings {
    troubled(seed, everything(0.08))
}

/// Plays the run of a seed and stops it at a moment that the seed chooses, within `took`, what it takes to its end.
async fn stopped(seed: u64, how: How, took: Duration) -> Played {
    let trial = Trial::new(settings(seed));
    let shutdown = trial.stage.shutdown.clone();
    let mut random = Rng::with_seed(seed);
    // Most rows end early and a few late, so early moments are chosen more often. The clock knows whole milliseconds.
    let early = took.mul_f64(random.f64().powi(3)).as_millis();
    let moment = Duration::from_millis(early.try_into().unwrap());
    let later = Duration::from_millis(random.u64(..20_000));
    let stop = async {
        sleep(moment).await;
        match how {
            How::Drained => shutdown.drain(),
            How::Aborted => shutdown.abort(),
            How::DrainedThenAborted => {
                shutdown.drain();
                sleep(later).await;
                shutdown.abort();
            }
        }
    };
    let played = tokio::join!(trial.play(), stop).0;
    assert!(
        matches!(played.end.stop, Some(Stop::Interrupted)),
        "seed {seed}, {how:?}: {:?}",
        played.end.stop
    );
    let latest = match how {
        How::Drained => Duration::MAX,
        How::Aborted => moment,
        How::DrainedThenAborted => moment + later,
    };
    assert!(played.took <= latest, "seed {seed}, {how:?} at {moment:?}: {:?}", played.took);
    played
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_and_whenever_it_is_stopped_the_tenant_holds_what_the_rows_were_told() {
    let mut seen = HashSet::new();
    for seed in 1..=20 {
        let took = Trial::new(settings(seed)).play().await.took;
        for how in [How::Drained, How::Aborted, How::DrainedThenAborted] {
            for status in stopped(seed, how, took).await.statuses() {
                seen.insert((how, status));
            }
        }
    }
    // All that can become of a row became of some.
    for how in [How::Drained, How::Aborted, How::DrainedThenAborted] {
        for status in Status::ALL {
            assert!(seen.contains(&(how, status)), "no row {status} when {how:?}");
        }
    }
}
