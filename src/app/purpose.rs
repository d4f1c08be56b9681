//! What a run does with its rows, and what follows from that: what is sent, how rows are done, what stops it.

use std::num::{NonZeroU64, NonZeroUsize};

use crate::actions::conduct::{Asked, Conduct, Look, Sight};
use crate::graph::needs::Need;
use crate::input::rows::{ActionSource, InputSettings};
use crate::model::action::Action;
use crate::model::demand::Demand;
use crate::model::task::{Task, Work};
use crate::model::wards::Protected;
use crate::policy::failures::FailureLimit;
use crate::settings::form::Reading;
use crate::settings::guards::GuardSettings;
use crate::settings::resolve::{Batches, Settings};

use super::connect::Connection;
use super::exit::Exit;

/// What a run does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What they say.
    Rows,
    /// Every user in them is read, once.
    Snapshot,
    /// Every user in them is read, once, and what they would do is told.
    Plan,
}

/// Which ends of rows are a reason to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StopRules {
    /// How many rows may fail; `None` where no number of them is a reason to stop.
    pub(super) failures: Option<FailureLimit>,
    /// So many users go first, and all of their rows must end well; `None` for none.
    pub(super) canary: Option<NonZeroU64>,
}

impl StopRules {
    /// Nothing that a row comes to is a reason to stop.
    pub(super) const NONE: Self = Self { failures: None, canary: None };
}

impl Purpose {
    /// What was typed for it.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Rows => "run",
            Self::Snapshot => "snapshot",
            Self::Plan => "plan",
        }
    }

    /// What a journal calls so.
    pub(super) fn of(command: &str) -> Self {
        let others = [Self::Snapshot, Self::Plan];
        others.into_iter().find(|purpose| purpose.command() == command).unwrap_or(Self::Rows)
    }

    /// How rows are understood.
    pub(super) fn input_settings(self, settings: &Settings) -> InputSettings {
        let action = match self {
            Self::Rows | Self::Plan => ActionSource::Column,
            Self::Snapshot => ActionSource::ListMethods,
        };
        input_settings(&settings.reading, action)
    }

    /// What is sent for a row.
    pub(super) fn of_row(self, work: Work) -> Work {
        match (self, work) {
            (Self::Plan, Work::Task(task)) => Work::Task(Task { action: Action::ListMethods, ..task }),
            (Self::Rows | Self::Snapshot | Self::Plan, work) => work,
        }
    }

    /// What a row takes.
    pub(super) fn demand(self, work: &Work, settings: &Settings) -> Demand {
        let mut demand = Demand::of(work);
        let Work::Task(task) = work else { return demand };
        match self {
            Self::Rows => demand.reads += u64::from(of_rows(&settings.guards).is_guarded(task)),
            Self::Snapshot => {}
            Self::Plan => demand = Demand { rows: 1, reads: READS_OF_A_PLAN, writes: 0 },
        }
        demand
    }

    /// How rows are done.
    pub(super) fn conduct(self, settings: &Settings, connection: &Connection) -> Conduct {
        match self {
            Self::Rows => of_rows(&settings.guards),
            Self::Snapshot => Conduct::PLAIN,
            Self::Plan => Conduct { look: Look::ForPlan(sight(&connection.permissions)), ..Conduct::PLAIN },
        }
    }

    /// So many of its requests may be under way at once, several of them in one place on the wire; `None` where each takes
    /// its own.
    pub(super) const fn shared_by(self, settings: &Settings) -> Option<NonZeroUsize> {
        match (self, settings.batches) {
            (Self::Plan, Batches::OfReads) => Some(settings.window),
            (Self::Plan, Batches::None) | (Self::Rows | Self::Snapshot, _) => None,
        }
    }

    /// What stops it. A plan tells of all rows, and only rows that are done have somebody go first.
    pub(super) const fn stop_rules(self, settings: &Settings) -> StopRules {
        match self {
            Self::Rows => StopRules { failures: Some(settings.failures), canary: settings.guards.canary },
            Self::Snapshot => StopRules { failures: Some(settings.failures), canary: None },
            Self::Plan => StopRules::NONE,
        }
    }

    /// What the end of its rows means. Users who cannot be read are part of the plan.
    pub(super) const fn exit(self, of_rows: Exit) -> Exit {
        match (self, of_rows) {
            (Self::Plan, Exit::SomeFailed) => Exit::Done,
            (_, exit) => exit,
        }
    }
}

/// How rows are done that change something.
pub(super) const fn of_rows(guards: &GuardSettings) -> Conduct {
    let GuardSettings { last_method, before, .. } = *guards;
    Conduct { last_method, before, ..Conduct::PLAIN }
}

/// How rows are understood.
pub(super) fn input_settings(reading: &Reading, action: ActionSource) -> InputSettings {
    let Reading { form, mapping, default_country, time_zone, protected } = reading.clone();
    let signed_in = Protected::default();
    InputSettings { form, mapping, default_country, time_zone, action, protected, signed_in }
}

/// A plan asks for a user's methods and account.
const READS_OF_A_PLAN: u64 = 2;

/// What a sign-in with these permissions may read. One that does not name any is asked for all.
fn sight(permissions: &[String]) -> Sight {
    let asked = |sufficient: &[&str]| {
        let is_named = permissions.iter().any(|permission| sufficient.contains(&permission.as_str()));
        if permissions.is_empty() || is_named { Asked::Yes } else { Asked::No }
    };
    Sight {
        methods: asked(Need::ReadMethods.permissions()),
        // User.ReadBasic.All does not show whether the account is enabled (Graph permissions reference).
        account: asked(&[
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ]),
    }
}
