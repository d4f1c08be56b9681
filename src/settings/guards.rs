//! The brakes of a run, decided: what must not be touched, and how much may be.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::actions::conduct::BeforeImages;
use crate::model::foresight::LastMethod;
use crate::policy::caps::{Cap, Caps};

use super::args::Guards;
use super::error::{SettingsError, value};
use super::file;

/// The brakes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GuardSettings {
    /// Whether a row may take a user's last strong method away.
    pub last_method: LastMethod,
    /// Whether holders of directory roles may be touched.
    pub privileged: Privileged,
    /// How many rows may do what.
    pub caps: Caps,
    /// Whether rows read what they are going to change, where they would not need to.
    pub before: BeforeImages,
    /// So many users are done first and read back; `None` for none.
    pub canary: Option<NonZeroU64>,
    /// Whether nobody needs to be asked.
    pub consent: Consent,
}

/// Whether holders of directory roles, and members of groups that roles can be given to, may be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privileged {
    /// No.
    #[default]
    Refused,
    /// Yes.
    Allowed,
}

/// Whether nobody needs to be asked before the first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// Somebody has to say yes.
    #[default]
    Asked,
    /// It was given beforehand.
    Given,
}

/// What is kept of what was asked for, for a later session of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardChoices {
    /// `--allow-last-method`
    pub allow_last_method: Option<bool>,
    /// `--allow-privileged`
    pub allow_privileged: Option<bool>,
    /// `--no-before-images`
    pub no_before_images: Option<bool>,
    /// `--canary`
    pub canary: Option<u64>,
    /// `--max-deletes`
    pub max_deletes: Option<String>,
    /// `--max-resets`
    pub max_resets: Option<String>,
    /// `--max-changes`
    pub max_changes: Option<String>,
    /// `--yes`: said anew each time.
    #[serde(skip)]
    pub yes: bool,
}

impl From<Guards> for GuardChoices {
    fn from(args: Guards) -> Self {
        let Guards { yes, canary, allow_privileged, allow_last_method, no_before_images, .. } = args;
        let Guards { max_deletes, max_resets, max_changes, .. } = args;
        Self {
            allow_last_method,
            allow_privileged,
            no_before_images,
            canary,
            max_deletes,
            max_resets,
            max_changes,
            yes,
        }
    }
}

/// Decides.
///
/// # Errors
/// When a value cannot be used.
pub(super) fn guards(given: &GuardChoices, run: &file::Run) -> Result<GuardSettings, SettingsError> {
    let is = |given: Option<bool>, file: Option<bool>| given.or(file) == Some(true);
    let canary = given.canary.or(run.canary);
    Ok(GuardSettings {
        last_method: if is(given.allow_last_method, run.allow_last_method) {
            LastMethod::MayGo
        } else {
            LastMethod::Kept
        },
        privileged: if is(given.allow_privileged, run.allow_privileged) {
            Privileged::Allowed
        } else {
            Privileged::Refused
        },
        before: if is(given.no_before_images, run.no_before_images) {
            BeforeImages::LeftOut
        } else {
            BeforeImages::Kept
        },
        caps: Caps {
            deletes: cap(
                "--max-deletes (AUTHWAVE_MAX_DELETES, run.max_deletes)",
                given.max_deletes.as_ref().or(run.max_deletes.as_ref()),
            )?,
            resets: cap(
                "--max-resets (AUTHWAVE_MAX_RESETS, run.max_resets)",
                given.max_resets.as_ref().or(run.max_resets.as_ref()),
            )?,
            changes: cap(
                "--max-changes (AUTHWAVE_MAX_CHANGES, run.max_changes)",
                given.max_changes.as_ref().or(run.max_changes.as_ref()),
            )?,
        },
        canary: canary.and_then(NonZeroU64::new),
        consent: if given.yes { Consent::Given } else { Consent::Asked },
    })
}

fn cap(name: &'static str, given: Option<&String>) -> Result<Option<Cap>, SettingsError> {
    let Some(text) = given else { return Ok(None) };
    let cap = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().map(Cap::Percent),
        None => text.trim().parse().ok().map(Cap::Count),
    };
    let is_sound = |cap: &Cap| match cap {
        Cap::Count(_) => true,
        Cap::Percent(percent) => (0.0..=100.0).contains(percent),
    };
    cap.filter(is_sound).map(Some).ok_or_else(|| {
        value(name, text, "must be a number of rows, as 20, or a share of them from 0% to 100%, as 5%")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_brake_is_on_where_nothing_is_said() {
        let settings = guards(&GuardChoices::default(), &file::Run::default()).unwrap();
        assert_eq!(settings, GuardSettings::default());
        assert_eq!(settings.last_method, LastMethod::Kept);
        assert_eq!((settings.privileged, settings.consent), (Privileged::Refused, Consent::Asked));
    }

    #[test]
    fn a_flag_wins_over_the_file_also_where_it_says_no() {
        let run = file::Run {
            allow_last_method: Some(true),
            allow_privileged: Some(true),
            max_deletes: Some("5".to_owned()),
            canary: Some(10),
            ..file::Run::default()
        };
        let given = GuardChoices {
            allow_last_method: Some(false),
            max_deletes: Some("2.5%".to_owned()),
            canary: Some(0),
            ..GuardChoices::default()
        };
        let settings = guards(&given, &run).unwrap();
        assert_eq!(settings.last_method, LastMethod::Kept);
        assert_eq!(settings.privileged, Privileged::Allowed);
        assert_eq!((settings.caps.deletes, settings.canary), (Some(Cap::Percent(2.5)), None));
    }

    #[test]
    fn a_cap_that_is_none_is_refused_by_name() {
        for text in ["many", "-1", "101%", "5 %%", ""] {
            let given = GuardChoices { max_resets: Some(text.to_owned()), ..GuardChoices::default() };
            let error = guards(&given, &file::Run::default()).unwrap_err().to_string();
            assert!(error.starts_with("--max-resets (AUTHWAVE_MAX_RESETS, run.max_resets)"), "{error}");
        }
    }
}
