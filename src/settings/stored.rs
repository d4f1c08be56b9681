//! What was asked of a run, kept in its journal without secrets, so that a later command needs not be told again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::actions::conduct::BeforeImages;
use crate::model::fingerprint::Fingerprint;
use crate::model::numbers::Numbers;

use super::args::{Common, Form, Pace, Tenant};
use super::error::SettingsError;
use super::file;
use super::form::{self, Reading, typed};
use super::guards::GuardChoices;
use super::plan::{KeptPlan, KeptReading};
use super::resolve::{BadRows, RunChoices, Settings, TenantUse, Workbook};

/// What was asked of a run: flags and environment, and of the rest what rows mean by it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    config: Option<PathBuf>,
    share_tenant: Option<bool>,
    xlsx: Option<bool>,
    show_numbers: Option<bool>,
    events: Option<PathBuf>,
    metrics_file: Option<PathBuf>,
    otlp_endpoint: Option<String>,
    tenant: Tenant,
    pace: Pace,
    choices: RunChoices,
    /// The files that the rows' `new_password_from` points into, as they were.
    pub password_files: BTreeMap<PathBuf, Fingerprint>,
}

impl Stored {
    /// What to keep of what was asked for, and of what was decided from it. `graph_root` is the real tenant's, if any.
    #[must_use]
    pub fn of(common: &Common, choices: &RunChoices, settings: &Settings, graph_root: Option<&str>) -> Self {
        let tenant = Tenant {
            graph_root: graph_root.map(str::to_owned),
            api_version: Some(settings.api_version.to_owned()),
            ..common.tenant.clone()
        };
        let choices = RunChoices {
            form: typed(&settings.reading),
            default_country: settings.reading.default_country.map(|country| country.to_string()),
            is_whole: true,
            guards: GuardChoices {
                no_before_images: Some(settings.guards.before == BeforeImages::LeftOut),
                ..choices.guards.clone()
            },
            skip_invalid: Some(settings.bad_rows == BadRows::Skip),
            reset_method: Some(settings.reset_method.name().to_owned()),
            ..choices.clone()
        };
        let absolute = |path: &PathBuf| std::path::absolute(path).ok();
        Self {
            config: common.config.as_ref().and_then(absolute),
            share_tenant: Some(settings.tenant_use == TenantUse::Shared),
            xlsx: Some(settings.workbook == Workbook::Beside),
            show_numbers: Some(settings.numbers == Numbers::Shown),
            events: settings.events.as_ref().and_then(absolute),
            metrics_file: settings.metrics_file.as_ref().and_then(absolute),
            otlp_endpoint: settings.otlp_endpoint.clone(),
            tenant,
            pace: common.pace.clone(),
            choices,
            password_files: BTreeMap::new(),
        }
    }

    /// The text for the journal.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Ok(text) = serde_json::to_string(self) else { unreachable!("plain texts and numbers serialize") };
        text
    }

    /// What the journal keeps.
    ///
    /// # Errors
    /// When it is not what [`Stored::to_json`] gives.
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        serde_json::from_str(text).map_err(|error| SettingsError::Stored(error.to_string()))
    }

    /// The plan that the run carries out.
    #[must_use]
    pub const fn plan(&self) -> Option<&KeptPlan> {
        self.choices.plan.as_ref()
    }

    /// The directories of the runs whose rows are not sent again.
    #[must_use]
    pub fn since_runs(&self) -> &[PathBuf] {
        &self.choices.since_runs
    }

    /// How the run's rows were read, whom no row may change left out.
    ///
    /// # Errors
    /// When a value cannot be used.
    pub fn rows_were_read(&self) -> Result<Reading, SettingsError> {
        let nothing = (&file::Input::default(), &file::Run::default(), &file::Protected::default());
        form::reading(&self.choices.form, self.choices.default_country.as_ref(), nothing)
    }

    /// Whether every row looked at what there was before it changed it.
    #[must_use]
    pub fn looks_first(&self) -> bool {
        self.plan().is_some() || self.choices.guards.no_before_images == Some(false)
    }

    /// How rows are understood.
    #[must_use]
    pub fn reading(&self) -> KeptReading {
        self.choices.reading()
    }

    /// The flags without which the rows of unfinished.csv, which has the input's own columns, mean something else.
    #[must_use]
    pub fn meaning_of_rows(&self) -> Vec<String> {
        let mapped = self.choices.form.map.iter().map(|pair| format!("--map={pair}"));
        let country =
            self.choices.default_country.iter().map(|country| format!("--default-country={country}"));
        let zone = self.choices.form.time_zone.iter().map(|zone| format!("--time-zone={zone}"));
        mapped.chain(country).chain(zone).collect()
    }

    /// Fills in what was not given anew.
    pub fn fill(self, common: &mut Common, choices: &mut RunChoices) {
        let stored = self.choices;
        fill(&mut common.config, self.config);
        fill(&mut common.share_tenant, self.share_tenant);
        fill(&mut common.xlsx, self.xlsx);
        fill(&mut common.show_numbers, self.show_numbers);
        fill(&mut common.events, self.events);
        fill(&mut common.metrics_file, self.metrics_file);
        fill(&mut common.otlp_endpoint, self.otlp_endpoint);
        fill_tenant(&mut common.tenant, self.tenant);
        fill_pace(&mut common.pace, self.pace);
        fill_form(&mut choices.form, stored.form);
        fill(&mut choices.default_country, stored.default_country);
        choices.is_whole |= stored.is_whole;
        fill(&mut choices.operation_timeout, stored.operation_timeout);
        fill(&mut choices.reset_method, stored.reset_method);
        fill(&mut choices.skip_invalid, stored.skip_invalid);
        fill(&mut choices.max_failures, stored.max_failures);
        fill(&mut choices.max_duration, stored.max_duration);
        fill_guards(&mut choices.guards, stored.guards);
        fill(&mut choices.plan, stored.plan);
        choices.since_runs = stored.since_runs;
    }
}

fn fill<T>(given: &mut Option<T>, stored: Option<T>) {
    if given.is_none() {
        *given = stored;
    }
}

fn fill_form(given: &mut Form, stored: Form) {
    fill(&mut given.encoding, stored.encoding);
    fill(&mut given.delimiter, stored.delimiter);
    fill(&mut given.sheet, stored.sheet);
    fill(&mut given.time_zone, stored.time_zone);
    if given.map.is_empty() {
        given.map = stored.map;
    }
}

fn fill_guards(given: &mut GuardChoices, stored: GuardChoices) {
    fill(&mut given.allow_last_method, stored.allow_last_method);
    fill(&mut given.allow_privileged, stored.allow_privileged);
    fill(&mut given.no_before_images, stored.no_before_images);
    fill(&mut given.canary, stored.canary);
    fill(&mut given.max_deletes, stored.max_deletes);
    fill(&mut given.max_resets, stored.max_resets);
    fill(&mut given.max_changes, stored.max_changes);
}

fn fill_tenant(given: &mut Tenant, stored: Tenant) {
    fill(&mut given.cloud, stored.cloud);
    fill(&mut given.graph_root, stored.graph_root);
    fill(&mut given.authority, stored.authority);
    fill(&mut given.api_version, stored.api_version);
    fill(&mut given.tenant, stored.tenant);
    fill(&mut given.ca_file, stored.ca_file);
    fill(&mut given.sign_in, stored.sign_in);
    fill(&mut given.client_id, stored.client_id);
    fill(&mut given.client_secret_file, stored.client_secret_file);
    fill(&mut given.client_certificate_file, stored.client_certificate_file);
    fill(&mut given.metadata_endpoint, stored.metadata_endpoint);
}

fn fill_pace(given: &mut Pace, stored: Pace) {
    fill(&mut given.requests_per_second, stored.requests_per_second);
    fill(&mut given.in_flight, stored.in_flight);
    fill(&mut given.no_batch, stored.no_batch);
    fill(&mut given.polite, stored.polite);
    fill(&mut given.window, stored.window);
    fill(&mut given.retry_budget, stored.retry_budget);
    fill(&mut given.backoff_base, stored.backoff_base);
    fill(&mut given.backoff_cap, stored.backoff_cap);
    fill(&mut given.max_retry_after, stored.max_retry_after);
    fill(&mut given.request_timeout, stored.request_timeout);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::super::args::{Args, Command};
    use super::super::file::File;
    use super::super::resolve::{Mode, resolve};
    use super::super::sign_in::Secrets;
    use super::*;
    use crate::model::secret::Secret;

    fn asked(flags: &[&str]) -> (Common, RunChoices) {
        let words = ["authwave", "run", "in.csv"].iter().chain(flags);
        let Command::Run(run) = Args::try_parse_from(words).unwrap().command else { unreachable!() };
        let choices = RunChoices::of(&run);
        (run.common, choices)
    }

    fn stored(flags: &[&str]) -> Stored {
        let (common, choices) = asked(flags);
        let secrets = Secrets { access_token: Some(Secret::new("t0ken")), ..Secrets::default() };
        let settings = resolve(&common, (Mode::Real, choices.clone()), File::default(), secrets).unwrap();
        Stored::of(&common, &choices, &settings, Some("https://graph.test"))
    }

    #[test]
    fn what_was_asked_is_kept_without_secrets_and_filled_in_again() {
        let flags = [
            "--in-flight",
            "7",
            "--default-country",
            "de",
            "--max-failures",
            "9",
            "--client-id",
            "app",
            "--events",
            "/e.ndjson",
            "--metrics-file",
            "/m.prom",
            "--show-numbers",
        ];
        let text = stored(&flags).to_json();
        assert!(!text.contains("t0ken"), "{text}");
        assert_eq!(Stored::from_json(&text).unwrap().meaning_of_rows(), ["--default-country=DE"]);
        let (mut common, mut choices) = asked(&["--in-flight", "8"]);
        Stored::from_json(&text).unwrap().fill(&mut common, &mut choices);
        assert_eq!(common.pace.in_flight, Some(8), "what is given anew wins");
        assert_eq!(common.tenant.graph_root.as_deref(), Some("https://graph.test"));
        assert_eq!(common.tenant.client_id.as_deref(), Some("app"));
        let (events, metrics) = (common.events.as_deref(), common.metrics_file.as_deref());
        assert_eq!((events, metrics), (Some(Path::new("/e.ndjson")), Some(Path::new("/m.prom"))));
        assert_eq!(common.show_numbers, Some(true));
        assert_eq!(choices.default_country.as_deref(), Some("DE"));
        assert_eq!((choices.max_failures.as_deref(), choices.skip_invalid), (Some("9"), Some(false)));
    }

    #[test]
    fn a_journal_s_settings_that_make_no_sense_are_refused() {
        assert!(Stored::from_json("{\"pace\": 7}").is_err());
        assert!(Stored::from_json("{\"of_a_later_version\": 7}").is_ok());
    }
}
