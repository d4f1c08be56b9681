//! Decides: flags over environment over file over defaults. What comes out is checked and complete.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::graph::client::RetrySettings;
use crate::model::action::ResetMethod;
use crate::model::numbers::Numbers;
use crate::pace::pacer::{Learned, PaceSettings, Seek};
use crate::policy::backoff::Backoff;
use crate::policy::failures::FailureLimit;
use crate::transport::http::Priority;

use super::address::{address, collector};
use super::args::{self, Common};
use super::connection::{Target, Tenant, cloud};
use super::error::{SettingsError, value};
use super::file::File;
use super::form::{self, Reading};
use super::guards::{GuardChoices, GuardSettings, guards};
use super::plan::{KeptPlan, KeptReading};
use super::sign_in::{Secrets, sign_in_choice};

/// Whether a run touches a real tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Real,
    /// It makes one up.
    Rehearsal,
}

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What it talks to.
    pub target: Target,
    /// `v1.0` or `beta`.
    pub api_version: &'static str,
    /// How long an answer is waited for.
    pub request_timeout: Duration,
    /// How fast.
    pub pace: PaceSettings,
    /// Which requests may leave together.
    pub batches: Batches,
    /// Which requests Graph is to shed first.
    pub priority: Priority,
    /// The most rows begun and not ended.
    pub window: NonZeroUsize,
    /// How patiently.
    pub retry: RetrySettings,
    /// How long a reset is followed.
    pub operation_timeout: Duration,
    /// How passwords are reset.
    pub reset_method: ResetMethod,
    /// What must not be done.
    pub guards: GuardSettings,
    /// How the input file is read.
    pub reading: Reading,
    /// What happens where rows are bad.
    pub bad_rows: BadRows,
    /// How many rows may fail.
    pub failures: FailureLimit,
    /// How long the run may take; `None` for as long as it needs.
    pub max_duration: Option<Duration>,
    /// Whether another run may work on the tenant.
    pub tenant_use: TenantUse,
    /// Where run directories are made.
    pub runs_dir: PathBuf,
    /// Whether a workbook is written beside the CSV files.
    pub workbook: Workbook,
    /// Where whoever has numbers that rows met is looked for.
    pub holders: HolderSearch,
    /// What is shown.
    pub output: Output,
    /// Whether phone numbers are shown to whoever looks on.
    pub numbers: Numbers,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where every event is appended; `None` for nowhere.
    pub events: Option<PathBuf>,
    /// Where metrics are kept; `None` for nowhere.
    pub metrics_file: Option<PathBuf>,
    /// The OpenTelemetry collector that is told of the run; `None` for none.
    pub otlp_endpoint: Option<String>,
    /// How much is logged: 0 warnings, 1 what is done, 2 every attempt.
    pub verbosity: u8,
}

/// Whether another run may work on the same tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantUse {
    /// It may not: both would take from one quota.
    Alone,
    /// It may.
    Shared,
}

/// What happens where rows are bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRows {
    /// Nothing is sent.
    Refuse,
    /// The good ones are done.
    Skip,
}

/// Which requests may leave together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batches {
    /// None.
    None,
    /// Reads, where nothing but reads is sent and the wire is full.
    OfReads,
}

/// Whether a workbook is written beside the CSV files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workbook {
    /// CSV alone.
    None,
    /// results.xlsx, too.
    Beside,
}

/// Where whoever has numbers that rows met is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderSearch {
    /// In the input.
    InFile,
    /// Among all users of the tenant, too.
    InTenant,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Errors only: nothing at all where every row is done.
    Quiet,
    /// Closing lines, and plain progress.
    Lines,
    /// Closing lines, and a bar where there is a terminal.
    Bar,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

/// What was asked of a run, besides what every command takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunChoices {
    /// How the input file is read.
    pub form: args::Form,
    /// For numbers without `+`.
    pub default_country: Option<String>,
    /// Whether `form` and `default_country` are all there is to say: the settings file adds nothing to them.
    pub is_whole: bool,
    /// How passwords are reset.
    pub reset_method: Option<String>,
    /// How long a reset is followed.
    pub operation_timeout: Option<String>,
    /// Whether the good rows are done where some are bad.
    pub skip_invalid: Option<bool>,
    /// How many rows may fail.
    pub max_failures: Option<String>,
    /// How long the run may take.
    pub max_duration: Option<String>,
    /// What must not be done.
    pub guards: GuardChoices,
    /// The plan that is carried out.
    pub plan: Option<KeptPlan>,
    /// The directories of runs whose rows are not sent again, as whole paths.
    pub since_runs: Vec<PathBuf>,
    /// `--find-holders`: said anew each time.
    #[serde(skip)]
    pub find_holders: bool,
}

impl RunChoices {
    /// What was typed for a run.
    #[must_use]
    pub fn of(run: &args::Run) -> Self {
        Self {
            form: run.form.clone(),
            default_country: run.default_country.clone(),
            is_whole: false,
            operation_timeout: run.operation_timeout.clone(),
            skip_invalid: run.skip_invalid,
            reset_method: run.reset_method.clone(),
            max_failures: run.limits.max_failures.clone(),
            max_duration: run.limits.max_duration.clone(),
            guards: run.guards.clone().into(),
            plan: None,
            since_runs: run.since_run.iter().map(whole).collect(),
            find_holders: run.find_holders,
        }
    }

    /// How rows are understood.
    #[must_use]
    pub fn reading(&self) -> KeptReading {
        KeptReading {
            form: self.form.clone(),
            default_country: self.default_country.clone(),
            reset_method: self.reset_method.clone(),
            skip_invalid: self.skip_invalid,
        }
    }

    /// Understands rows so, whatever else is said, in the settings file, too.
    pub fn fill_reading(&mut self, reading: KeptReading) {
        let KeptReading { form, default_country, reset_method, skip_invalid } = reading;
        self.form = form;
        self.default_country = default_country;
        self.is_whole = true;
        self.reset_method = reset_method;
        self.skip_invalid = skip_invalid;
    }
}

/// The whole path, as far as it can be told.
fn whole(path: &PathBuf) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.clone())
}

/// Decides everything.
///
/// # Errors
/// When a value cannot be used, or one that is needed is missing.
pub fn resolve(
    common: &Common,
    (mode, choices): (Mode, RunChoices),
    file: File,
    secrets: Secrets,
) -> Result<Settings, SettingsError> {
    let is_polite = common.pace.polite.or(file.pace.polite).unwrap_or(false);
    let in_flight = in_flight(common.pace.in_flight.or(file.pace.in_flight))?;
    let run = file.run;
    let guards = guards(&choices.guards, &run)?;
    let country = choices.default_country.as_ref();
    let reading = if choices.is_whole {
        form::whole_reading(&choices.form, country, &file.protected)?
    } else {
        form::reading(&choices.form, country, (&file.input, &run, &file.protected))?
    };
    let operation_timeout = choices.operation_timeout.or(run.operation_timeout);
    let api_version = api_version(common.tenant.api_version.as_ref().or(file.tenant.api_version.as_ref()))?;
    Ok(Settings {
        api_version,
        request_timeout: duration(
            "--request-timeout (AUTHWAVE_REQUEST_TIMEOUT, retry.request_timeout)",
            common.pace.request_timeout.as_ref().or(file.retry.request_timeout.as_ref()),
            Duration::from_secs(75),
        )?,
        pace: PaceSettings {
            requests_per_second: ceiling(common.pace.requests_per_second.or(file.pace.requests_per_second))?,
            in_flight,
            shared_by: None,
            seek: Some(Seek { expected: 0, learned: Learned::default(), share: share(is_polite) }),
        },
        batches: match common.pace.no_batch.or(file.pace.no_batch) {
            Some(true) => Batches::None,
            Some(false) | None => Batches::OfReads,
        },
        priority: if is_polite { Priority::Low } else { Priority::Normal },
        window: window(common.pace.window.or(file.pace.window), in_flight)?,
        retry: retry(&common.pace, &file.retry)?,
        operation_timeout: duration(
            "--operation-timeout (AUTHWAVE_OPERATION_TIMEOUT, run.operation_timeout)",
            operation_timeout.as_ref(),
            Duration::from_mins(10),
        )?,
        reset_method: reset_method(choices.reset_method.or(run.reset_method).as_ref())?,
        guards,
        reading,
        bad_rows: match choices.skip_invalid.or(run.skip_invalid) {
            Some(true) => BadRows::Skip,
            Some(false) | None => BadRows::Refuse,
        },
        failures: failures(choices.max_failures.or(run.max_failures))?,
        max_duration: match choices.max_duration.or(run.max_duration) {
            None => None,
            given => Some(duration(
                "--max-duration (AUTHWAVE_MAX_DURATION, run.max_duration)",
                given.as_ref(),
                Duration::ZERO,
            )?),
        },
        tenant_use: match common.share_tenant.or(run.share_tenant) {
            Some(true) => TenantUse::Shared,
            Some(false) | None => TenantUse::Alone,
        },
        runs_dir: run.runs_dir.unwrap_or_else(|| PathBuf::from("runs")),
        workbook: match common.xlsx.or(file.output.xlsx) {
            Some(true) => Workbook::Beside,
            Some(false) | None => Workbook::None,
        },
        holders: if choices.find_holders { HolderSearch::InTenant } else { HolderSearch::InFile },
        output: output(common, &file.output),
        numbers: match common.show_numbers.or(file.output.show_numbers) {
            Some(true) => Numbers::Shown,
            Some(false) | None => Numbers::Masked,
        },
        log_format: log_format(common.log_format.as_ref().or(file.output.log_format.as_ref()))?,
        events: common.events.clone().or(file.output.events.clone()),
        metrics_file: common.metrics_file.clone().or(file.output.metrics_file.clone()),
        otlp_endpoint: otlp_endpoint(common.otlp_endpoint.as_ref().or(file.output.otlp_endpoint.as_ref()))?,
        verbosity: common.verbose.max(file.output.verbose.unwrap_or(0)),
        target: match mode {
            Mode::Rehearsal => Target::Rehearsal,
            Mode::Real => Target::Tenant(tenant(&common.tenant, file.tenant, file.sign_in, secrets)?),
        },
    })
}

fn api_version(given: Option<&String>) -> Result<&'static str, SettingsError> {
    match given.map(String::as_str) {
        None | Some("v1.0") => Ok("v1.0"),
        Some("beta") => Ok("beta"),
        Some(other) => Err(value(
            "--api-version (AUTHWAVE_API_VERSION, tenant.api_version)",
            other,
            "no such version; there are v1.0 and beta",
        )),
    }
}

fn log_format(given: Option<&String>) -> Result<LogFormat, SettingsError> {
    match given.map(String::as_str) {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(value(
            "--log-format (AUTHWAVE_LOG_FORMAT, output.log_format)",
            other,
            "no such format; there are text and json",
        )),
    }
}

fn otlp_endpoint(given: Option<&String>) -> Result<Option<String>, SettingsError> {
    let name = "--otlp-endpoint (AUTHWAVE_OTLP_ENDPOINT, output.otlp_endpoint)";
    match given {
        Some(text) if cfg!(not(feature = "otlp")) => {
            Err(value(name, text, "this authwave was built without it; build it with --features otlp"))
        }
        given => given.map(|text| collector(name, text)).transpose(),
    }
}

/// How much is used of the rate that is found.
const fn share(is_polite: bool) -> f64 {
    if is_polite { 0.5 } else { 1.0 }
}

fn in_flight(given: Option<usize>) -> Result<NonZeroUsize, SettingsError> {
    let number = given.unwrap_or(64);
    NonZeroUsize::new(number).filter(|number| number.get() <= 1_024).ok_or_else(|| {
        value("--in-flight (AUTHWAVE_IN_FLIGHT, pace.in_flight)", number, "must be from 1 to 1024")
    })
}

fn window(given: Option<usize>, in_flight: NonZeroUsize) -> Result<NonZeroUsize, SettingsError> {
    let number = given.unwrap_or(in_flight.get() * 8);
    NonZeroUsize::new(number).filter(|number| *number >= in_flight).ok_or_else(|| {
        value(
            "--window (AUTHWAVE_WINDOW, pace.window)",
            number,
            format!("must be at least in_flight ({in_flight})"),
        )
    })
}

fn ceiling(given: Option<f64>) -> Result<Option<f64>, SettingsError> {
    match given {
        Some(rate) if !(rate.is_finite() && rate >= 0.001) => Err(value(
            "--requests-per-second (AUTHWAVE_REQUESTS_PER_SECOND, pace.requests_per_second)",
            rate,
            "must be a number from 0.001; leave it out for no ceiling",
        )),
        rate => Ok(rate),
    }
}

fn retry(flags: &args::Pace, file: &super::file::Retry) -> Result<RetrySettings, SettingsError> {
    let default = Backoff::default();
    Ok(RetrySettings {
        budget: duration(
            "--retry-budget (AUTHWAVE_RETRY_BUDGET, retry.budget)",
            flags.retry_budget.as_ref().or(file.budget.as_ref()),
            Duration::from_mins(15),
        )?,
        backoff: Backoff {
            base: duration(
                "--backoff-base (AUTHWAVE_BACKOFF_BASE, retry.backoff_base)",
                flags.backoff_base.as_ref().or(file.backoff_base.as_ref()),
                default.base,
            )?,
            cap: duration(
                "--backoff-cap (AUTHWAVE_BACKOFF_CAP, retry.backoff_cap)",
                flags.backoff_cap.as_ref().or(file.backoff_cap.as_ref()),
                default.cap,
            )?,
        },
        max_retry_after: duration(
            "--max-retry-after (AUTHWAVE_MAX_RETRY_AFTER, retry.max_retry_after)",
            flags.max_retry_after.as_ref().or(file.max_retry_after.as_ref()),
            Duration::from_mins(10),
        )?,
    })
}

fn failures(given: Option<String>) -> Result<FailureLimit, SettingsError> {
    let Some(text) = given else { return Ok(FailureLimit::default()) };
    let limit = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().map(FailureLimit::Percent),
        None => text.trim().parse().ok().map(FailureLimit::Count),
    };
    let is_sound = |limit: &FailureLimit| match limit {
        FailureLimit::Count(_) => true,
        FailureLimit::Percent(percent) => (0.0..=100.0).contains(percent),
    };
    limit.filter(is_sound).ok_or_else(|| {
        value(
            "--max-failures (AUTHWAVE_MAX_FAILURES, run.max_failures)",
            &text,
            "must be a number of rows, as 20, or a share from 0% to 100%, as 5%",
        )
    })
}

fn duration(
    name: &'static str,
    given: Option<&String>,
    default: Duration,
) -> Result<Duration, SettingsError> {
    let Some(text) = given else { return Ok(default) };
    let span = span(text).filter(|span| !span.is_zero());
    span.ok_or_else(|| {
        value(name, text, "must be a duration above 0 and at most a year, as 75s, 10m or 1h 30m")
    })
}

/// No setting may be longer: clocks and timers end somewhere, and no run waits so long.
const LONGEST_SPAN: Duration = Duration::from_hours(24 * 366);

/// Reads a duration, 0 included; `None` for a text that is none, is negative, or is over a year.
pub(super) fn span(text: &str) -> Option<Duration> {
    let span: SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok().filter(|span| *span <= LONGEST_SPAN)
}

pub(super) fn reset_method(given: Option<&String>) -> Result<ResetMethod, SettingsError> {
    match given.map(String::as_str) {
        None | Some("reset-password") => Ok(ResetMethod::ResetPassword),
        Some("password-profile") => Ok(ResetMethod::PasswordProfile),
        Some(other) => Err(value(
            "--reset-method (AUTHWAVE_RESET_METHOD, run.reset_method)",
            other,
            "no such method; there are reset-password and password-profile",
        )),
    }
}

fn output(flags: &Common, file: &super::file::Output) -> Output {
    if flags.quiet.or(file.quiet) == Some(true) {
        Output::Quiet
    } else if flags.no_progress.map(|no| !no).or(file.progress) == Some(false) {
        Output::Lines
    } else {
        Output::Bar
    }
}

fn tenant(
    flags: &args::Tenant,
    file: super::file::Tenant,
    sign_in: super::file::SignIn,
    secrets: Secrets,
) -> Result<Tenant, SettingsError> {
    let cloud_name = flags.cloud.clone().or(file.cloud).unwrap_or_else(|| "global".to_owned());
    let cloud = cloud(&cloud_name)?;
    let graph_root = flags.graph_root.clone().or(file.graph_root);
    let graph_root = graph_root.unwrap_or_else(|| cloud.graph_root().to_owned());
    let authority = flags.authority.clone().or(file.authority);
    let authority = authority.unwrap_or_else(|| cloud.authority().to_owned());
    let id = flags.tenant.clone().or(file.id);
    Ok(Tenant {
        cloud,
        graph_root: address("--graph-root (AUTHWAVE_GRAPH_ROOT, tenant.graph_root)", &graph_root)?,
        authority: address("--authority (AUTHWAVE_AUTHORITY, tenant.authority)", &authority)?,
        sign_in: sign_in_choice(flags, id, sign_in, secrets)?,
        ca_file: flags.ca_file.clone().or(file.ca_file),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::super::file::parse;
    use super::super::sign_in::SignInChoice;
    use super::*;
    use crate::model::secret::Secret;

    fn settings(flags: &[&str], file: &str, secrets: Secrets) -> Result<Settings, SettingsError> {
        let words = ["authwave", "run", "in.csv"].iter().chain(flags);
        let args::Command::Run(run) = args::Args::try_parse_from(words).unwrap().command else {
            unreachable!()
        };
        let mode = if run.rehearse { Mode::Rehearsal } else { Mode::Real };
        let choices = RunChoices::of(&run);
        resolve(&run.common, (mode, choices), parse(file, Path::new("f")).unwrap(), secrets)
    }

    fn token() -> Secrets {
        Secrets { access_token: Some(Secret::new("t0ken")), ..Secrets::default() }
    }

    #[test]
    fn without_anything_the_documented_defaults_hold() {
        let settings = settings(&["--rehearse"], "", Secrets::default()).unwrap();
        assert_eq!(settings.target, Target::Rehearsal);
        assert_eq!(settings.api_version, "v1.0");
        assert_eq!(settings.request_timeout, Duration::from_secs(75));
        assert_eq!((settings.pace.requests_per_second, settings.pace.in_flight.get()), (None, 64));
        assert_eq!(settings.window.get(), 512);
        assert_eq!(settings.retry.budget, Duration::from_mins(15));
        assert_eq!(settings.operation_timeout, Duration::from_mins(10));
        assert_eq!(settings.bad_rows, BadRows::Refuse);
        assert_eq!((settings.failures, settings.max_duration), (FailureLimit::Percent(5.0), None));
        assert_eq!(settings.tenant_use, TenantUse::Alone);
        assert_eq!(settings.runs_dir, Path::new("runs"));
        assert_eq!(settings.output, Output::Bar);
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let file = "[pace]\nin_flight = 8\n[run]\noperation_timeout = \"1m\"\nskip_invalid = true\n[output]\nquiet = true\n";
        let from_file = settings(&[], file, token()).unwrap();
        assert_eq!(from_file.pace.in_flight.get(), 8);
        assert_eq!(from_file.operation_timeout, Duration::from_mins(1));
        assert_eq!((from_file.bad_rows, from_file.output), (BadRows::Skip, Output::Quiet));
        let flags = ["--in-flight", "9", "--operation-timeout", "2m", "--skip-invalid=false", "--quiet=no"];
        let from_flags = settings(&flags, file, token()).unwrap();
        assert_eq!(from_flags.pace.in_flight.get(), 9);
        assert_eq!(from_flags.operation_timeout, Duration::from_mins(2));
        assert_eq!((from_flags.bad_rows, from_flags.output), (BadRows::Refuse, Output::Bar));
        assert_eq!(settings(&["--skip-invalid", "-q"], "", token()).unwrap().output, Output::Quiet);
    }

    #[test]
    fn a_cloud_decides_the_addresses_and_they_can_be_overridden() {
        let tenant = |flags: &[&str]| match settings(flags, "", token()).unwrap().target {
            Target::Tenant(tenant) => (tenant.graph_root, tenant.authority),
            Target::Rehearsal => unreachable!(),
        };
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(tenant(&[]), pair("https://graph.microsoft.com", "https://login.microsoftonline.com"));
        assert_eq!(
            tenant(&["--cloud", "china", "--graph-root", "http://127.0.0.1:1/"]),
            pair("http://127.0.0.1:1", "https://login.chinacloudapi.cn")
        );
    }

    #[test]
    fn sign_in_takes_the_token_first_and_says_what_is_missing() {
        let choice = |flags: &[&str], secrets| {
            settings(flags, "", secrets).map(|settings| match settings.target {
                Target::Tenant(tenant) => tenant.sign_in,
                Target::Rehearsal => unreachable!(),
            })
        };
        assert_eq!(choice(&[], token()).unwrap(), SignInChoice::Token(Secret::new("t0ken")));
        let secret = || Secrets { client_secret: Some(Secret::new("s3cret")), ..Secrets::default() };
        let app = ["--client-id", "app", "--tenant", "contoso.com"];
        let SignInChoice::ClientSecret { app: of, .. } = choice(&app, secret()).unwrap() else { panic!() };
        assert_eq!((of.tenant.as_str(), of.client_id.as_str()), ("contoso.com", "app"));
        for (flags, secrets, word) in [
            (&["--sign-in", "token"][..], secret(), "AUTHWAVE_ACCESS_TOKEN"),
            (&["--sign-in", "client-secret"], token(), "app's id"),
            (&["--client-id", "app", "--sign-in", "client-secret"], secret(), "--tenant"),
            (&["--sign-in", "magic"], token(), "no such kind"),
        ] {
            let told = choice(flags, secrets).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
            assert!(!told.contains("s3cret") && !told.contains("t0ken"), "{told}");
        }
    }

    #[test]
    fn values_that_cannot_be_used_say_where_they_stand() {
        for (flags, word) in [
            (["--in-flight", "0"], "--in-flight"),
            (["--in-flight", "2000"], "1 to 1024"),
            (["--window", "3"], "at least in_flight"),
            (["--requests-per-second", "0"], "AUTHWAVE_REQUESTS_PER_SECOND"),
            (["--requests-per-second", "NaN"], "must be a number"),
            (["--operation-timeout", "soon"], "run.operation_timeout"),
            (["--operation-timeout", "0s"], "above 0"),
            (["--operation-timeout", "99999999h"], "at most a year"),
            (["--retry-budget", "-5m"], "retry.budget"),
            (["--max-failures", "some"], "run.max_failures"),
            (["--max-failures", "101%"], "from 0% to 100%"),
            (["--max-duration", "0s"], "run.max_duration"),
            (["--default-country", "USA"], "--default-country"),
            (["--reset-method", "magic"], "password-profile"),
            (["--api-version", "v2"], "v1.0 and beta"),
            (["--graph-root", "http://graph.microsoft.com"], "plain http"),
            (["--cloud", "mars"], "no such cloud"),
        ] {
            let flags: Vec<String> = vec![format!("{}={}", flags[0], flags[1])];
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let told = settings(&flags, "", token()).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
