//! What a run was asked to do, on the command line and in the environment.

use std::io::IsTerminal as _;

use crate::input::rows::{ActionSource, InputSettings};
use crate::progress::screen::{Screen, View};
use crate::settings::args;
use crate::settings::form::Reading;
use crate::settings::resolve::{Mode, Output, RunChoices, Settings, resolve};

use super::environment::{is_dumb, paint, secrets, settings_file};
use super::error::AppError;
use super::logging;

/// What a run does with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What they say.
    Rows,
    /// Every user in them is read, once.
    Snapshot,
}

impl Purpose {
    /// What was typed for it.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Rows => "run",
            Self::Snapshot => "snapshot",
        }
    }

    /// What a journal calls so.
    pub(super) fn of(command: &str) -> Self {
        if command == Self::Snapshot.command() { Self::Snapshot } else { Self::Rows }
    }

    /// How rows are understood.
    pub(super) fn input_settings(self, settings: &Settings) -> InputSettings {
        let action = match self {
            Self::Rows => ActionSource::Column,
            Self::Snapshot => ActionSource::ListMethods,
        };
        input_settings(&settings.reading, action)
    }
}

/// How rows are understood.
pub(super) fn input_settings(reading: &Reading, action: ActionSource) -> InputSettings {
    let Reading { form, mapping, default_country } = reading.clone();
    InputSettings { form, mapping, default_country, action }
}

/// What was asked for, on the command line and in the environment.
pub(super) struct Asked {
    pub(super) common: args::Common,
    pub(super) choices: RunChoices,
    pub(super) mode: Mode,
    pub(super) purpose: Purpose,
}

impl Asked {
    /// Decides, and begins to log.
    pub(super) fn resolve(&self) -> Result<(Settings, Screen), AppError> {
        let file = settings_file(self.common.config.clone())?;
        let settings = resolve(&self.common, (self.mode, self.choices.clone()), file, secrets())?;
        let screen = Screen::new(view(settings.output), settings.numbers);
        logging::begin(&screen, &settings, self.common.log.as_deref())?;
        Ok((settings, screen))
    }
}

fn view(output: Output) -> View {
    match output {
        Output::Quiet => View::Silent,
        Output::Bar if std::io::stderr().is_terminal() && !is_dumb() => View::Block(paint()),
        Output::Bar | Output::Lines => View::Lines,
    }
}
