//! What a run was asked to do, on the command line and in the environment.

use std::io::IsTerminal as _;

use crate::progress::screen::{Screen, View, Voice};
use crate::settings::args;
use crate::settings::resolve::{LogFormat, Mode, Output, RunChoices, Settings, resolve};

use super::environment::{is_dumb, paint, say_on, secrets, settings_file};
use super::error::AppError;
use super::logging;
use super::purpose::Purpose;

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
        let voice = match settings.log_format {
            LogFormat::Text => Voice::Text,
            LogFormat::Json => Voice::Log,
        };
        let screen = Screen::new(view(settings.output), voice, settings.numbers);
        logging::begin(&screen, &settings, self.common.log.as_deref())?;
        say_on(&screen);
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
