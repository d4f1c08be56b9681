//! How fast and how far abreast the requests of a job go.

use std::time::Duration;

use crate::actions::conduct::Conduct;
use crate::engine::operations::PollSettings;
use crate::engine::run::RunSettings;
use crate::model::demand::Demand;
use crate::model::event::Access;
use crate::pace::pacer::{Learned, PaceSettings, Pacer, Seek};
use crate::settings::resolve::Settings;

use super::memory::Found;
use super::purpose::StopRules;

/// How many rows that wait for an earlier row of their user are read ahead.
const LOOK_AHEAD: usize = 10_000;

/// One of so many places on the wire is for polls of resets while rows are still to be done.
const SHARE_OF_POLLS: usize = 8;

/// Each row takes a request at least.
pub(super) fn pace(settings: PaceSettings, demand: &Demand, learned: Learned) -> PaceSettings {
    let seek = settings.seek.map(|seek| Seek { expected: demand.rows, learned, ..seek });
    PaceSettings { seek, ..settings }
}

pub(super) fn found(pacer: &Pacer, time: Duration) -> Found {
    Found { reads: pacer.seen(Access::Read), writes: pacer.seen(Access::Write), time }
}

pub(super) fn run_settings(settings: &Settings, stops: StopRules, conduct: Conduct) -> RunSettings {
    let in_flight = settings.pace.in_flight.get();
    RunSettings {
        window: settings.window.get(),
        look_ahead: LOOK_AHEAD,
        polls: PollSettings {
            timeout: settings.operation_timeout,
            polls_beside_rows: (in_flight / SHARE_OF_POLLS).max(1),
            polls_alone: in_flight,
        },
        failures: stops.failures,
        max_duration: settings.max_duration,
        conduct,
        canary: stops.canary,
    }
}
