//! The command line as typed. The one door to clap.
//!
//! Every flag has an environment variable. Flags that a settings file can hold are optional here, so that what was
//! typed is told from what is the default.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};
use serde::{Deserialize, Serialize};

/// Changes the authentication methods of many Microsoft Entra ID users through Microsoft Graph, from a CSV file.
#[derive(Debug, Parser)]
#[command(name = "authwave", version, propagate_version = true, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do the rows of FILE and write results, operations and a summary
    Run(Box<Run>),
    /// Look what a run of FILE would change, user by user; writes nothing (the same as run --dry-run)
    Plan(Box<Run>),
    /// Go on where a run stopped: after Ctrl-C, a crash, a full disk, a lost sign-in
    Resume(Box<Resume>),
    /// Go on following password resets that were still pending when a run ended
    Operations(Box<Operations>),
    /// Take back what a run did to phones and SMS sign-in, where it still stands; passwords cannot be taken back
    Undo(Box<Undo>),
    /// Read every user that a run touched again, and tell row by row whether it still holds
    Verify(Box<Verify>),
    /// Check FILE without sending anything: all findings at once, and what a run would cost
    Check(Box<Check>),
    /// Print a file to start from
    Template(Template),
    /// Read every authentication method of every user in FILE
    Snapshot(Box<Snapshot>),
    /// Look what a run would lack: sign-in, permissions, roles, clock, reachability; changes nothing
    Doctor(Box<Doctor>),
    /// Sign in as a person, by a code that is entered in a browser, and keep it for later runs
    SignIn(Box<Session>),
    /// Forget the sign-in that was kept
    SignOut(Box<Session>),
    /// Write report.html of a run anew, from its journal alone, also while it runs or where it was killed
    Report(Report),
    /// Say what an error code of results.csv means, and how to mend it
    Explain(Explain),
    /// Start a local tenant that speaks Graph, to rehearse against
    Simulator(Box<Simulator>),
}

/// `authwave run` and `authwave plan`.
#[derive(Debug, ClapArgs)]
pub struct Run {
    /// The file with the rows: CSV, .csv.gz, .xlsx or .ods, or - for standard input
    #[arg(required_unless_present = "plan")]
    pub file: Option<PathBuf>,
    /// Do exactly the rows of a plan.json, each only where its user is still as the plan says
    #[arg(long, env = "AUTHWAVE_PLAN", value_name = "PLAN", conflicts_with = "dry_run")]
    pub plan: Option<PathBuf>,
    /// Look what would change, and write nothing
    #[arg(long, env = "AUTHWAVE_DRY_RUN", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub dry_run: bool,
    /// Do not send again what is done by this earlier run; may be given several times
    #[arg(long, env = "AUTHWAVE_SINCE_RUN", value_name = "RUN_DIR", value_delimiter = ',')]
    pub since_run: Vec<PathBuf>,
    /// How a plan is shown
    #[command(flatten)]
    pub shown: Shown,
    /// What a run must not do
    #[command(flatten, next_help_heading = "Guards")]
    pub guards: Guards,
    /// Look in the whole tenant for who has numbers that rows met (phoneNumberNotUnique): reads the phones of every user
    /// there once the rows have ended, a request a user, until all are found
    #[arg(long, env = "AUTHWAVE_FIND_HOLDERS", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue,
          conflicts_with = "dry_run")]
    pub find_holders: bool,
    /// Do the rows against a local tenant inside this process; nothing real is touched
    #[arg(long, env = "AUTHWAVE_REHEARSE", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub rehearse: bool,
    /// Do the good rows where some are bad; the bad ones end as failed (invalid-row)
    #[arg(long, env = "AUTHWAVE_SKIP_INVALID", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub skip_invalid: Option<bool>,
    /// The country (two letters) of numbers that do not begin with +
    #[arg(long, env = "AUTHWAVE_DEFAULT_COUNTRY", value_name = "XX")]
    pub default_country: Option<String>,
    /// How FILE is read
    #[command(flatten, next_help_heading = "Input")]
    pub form: Form,
    /// How long a password reset is followed, as 10m
    #[arg(long, env = "AUTHWAVE_OPERATION_TIMEOUT", value_name = "DURATION")]
    pub operation_timeout: Option<String>,
    /// How passwords are reset: reset-password, or password-profile, which an app may do, too [default: reset-password]
    #[arg(long, env = "AUTHWAVE_RESET_METHOD", value_name = "METHOD")]
    pub reset_method: Option<String>,
    /// When the run stops before its end
    #[command(flatten)]
    pub limits: Limits,
    /// Where its files go
    #[command(flatten)]
    pub place: Place,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// How a plan is shown.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct Shown {
    /// Show every row of a plan, and not the counts alone
    #[arg(long, env = "AUTHWAVE_DETAILS", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub details: bool,
    /// End a plan with exit code 6 where there are changes to make
    #[arg(long, env = "AUTHWAVE_DETAILED_EXIT_CODE", value_parser = BoolishValueParser::new(),
          action = ArgAction::SetTrue)]
    pub detailed_exit_code: bool,
}

/// What a run must not do.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Guards {
    /// Ask nobody before the first write; needed where there is no terminal
    #[arg(long, short, env = "AUTHWAVE_YES", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub yes: bool,
    /// Do the rows of N users first, read them back, and go on only if all stand [default: 0]
    #[arg(long, env = "AUTHWAVE_CANARY", value_name = "N")]
    pub canary: Option<u64>,
    /// Touch holders of directory roles and members of role-assignable groups, too
    #[arg(long, env = "AUTHWAVE_ALLOW_PRIVILEGED", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub allow_privileged: Option<bool>,
    /// Let rows take a user's last strong method away
    #[arg(long, env = "AUTHWAVE_ALLOW_LAST_METHOD", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub allow_last_method: Option<bool>,
    /// Do not read what update-phone, delete-phone and SMS sign-in rows are going to change, which spares a request a row;
    /// `authwave undo` then cannot take them back
    #[arg(long, env = "AUTHWAVE_NO_BEFORE_IMAGES", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub no_before_images: Option<bool>,
    /// Start nothing where more rows delete a phone, as 20 or 5% [default: any number]
    #[arg(long, env = "AUTHWAVE_MAX_DELETES", value_name = "N|N%")]
    pub max_deletes: Option<String>,
    /// Start nothing where more rows reset a password [default: any number]
    #[arg(long, env = "AUTHWAVE_MAX_RESETS", value_name = "N|N%")]
    pub max_resets: Option<String>,
    /// Start nothing where more rows may change something [default: any number]
    #[arg(long, env = "AUTHWAVE_MAX_CHANGES", value_name = "N|N%")]
    pub max_changes: Option<String>,
}

/// How an input file is read, where that shall not be found out.
#[derive(Debug, Clone, Default, PartialEq, ClapArgs, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// The encoding of the text, as utf-8 or windows-1252 [default: found out]
    #[arg(long, env = "AUTHWAVE_ENCODING", value_name = "NAME")]
    pub encoding: Option<String>,
    /// What stands between two fields: comma, semicolon, tab or pipe [default: found out]
    #[arg(long, env = "AUTHWAVE_DELIMITER", value_name = "NAME")]
    pub delimiter: Option<String>,
    /// The sheet of a workbook [default: the only one with a header that is known]
    #[arg(long, env = "AUTHWAVE_SHEET", value_name = "NAME")]
    pub sheet: Option<String>,
    /// Where times in `not_before` are told that have no offset, as Europe/Berlin [default: such times are refused]
    #[arg(long, env = "AUTHWAVE_TIME_ZONE", value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// What columns mean, as `user=mail,phone_number=Handy`
    #[arg(long, env = "AUTHWAVE_MAP", value_name = "MEANING=COLUMN", value_delimiter = ',')]
    pub map: Vec<String>,
}

/// When a run stops before its end.
#[derive(Debug, Default, ClapArgs)]
pub struct Limits {
    /// Stop once more rows failed, as 20 or 5%; a share counts from the 200th row on [default: 5%]
    #[arg(long, env = "AUTHWAVE_MAX_FAILURES", value_name = "N|N%")]
    pub max_failures: Option<String>,
    /// Stop after this time, as 2h; `authwave resume` goes on later [default: never]
    #[arg(long, env = "AUTHWAVE_MAX_DURATION", value_name = "DURATION")]
    pub max_duration: Option<String>,
}

/// Where a new run's files go.
#[derive(Debug, Default, ClapArgs)]
pub struct Place {
    /// The run directory to make [default: a new one below the runs directory]
    #[arg(long, env = "AUTHWAVE_RUN_DIR", value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Where run directories are made [default: runs]
    #[arg(long, env = "AUTHWAVE_RUNS_DIR", value_name = "DIR")]
    pub runs_dir: Option<PathBuf>,
}

/// `authwave resume`. What is not given anew is as it was in the run.
#[derive(Debug, ClapArgs)]
pub struct Resume {
    /// The run directory of the run that stopped
    pub run_dir: PathBuf,
    /// Where the rows' file is now, if it was moved; its content must be the same
    #[arg(long, env = "AUTHWAVE_INPUT", value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Look in the whole tenant for who has numbers that rows met (phoneNumberNotUnique): reads the phones of every user
    /// there once the rows have ended, a request a user, until all are found
    #[arg(long, env = "AUTHWAVE_FIND_HOLDERS", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub find_holders: bool,
    /// How long a password reset is followed, as 10m
    #[arg(long, env = "AUTHWAVE_OPERATION_TIMEOUT", value_name = "DURATION")]
    pub operation_timeout: Option<String>,
    /// When the run stops before its end
    #[command(flatten)]
    pub limits: Limits,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// `authwave operations`. What is not given anew is as it was in the run.
#[derive(Debug, ClapArgs)]
pub struct Operations {
    /// The run directory of the run whose resets are pending
    pub run_dir: PathBuf,
    /// How long a password reset is followed, as 10m
    #[arg(long, env = "AUTHWAVE_OPERATION_TIMEOUT", value_name = "DURATION")]
    pub operation_timeout: Option<String>,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// `authwave verify`. What is not given anew is as it was in the run.
#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// The run directory of the run to verify; verify.csv is written into it
    pub run_dir: PathBuf,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// `authwave undo`. Tenant and sign-in are those of the run that is taken back, where they are not given anew.
#[derive(Debug, ClapArgs)]
pub struct Undo {
    /// The run directory of the run to take back. Numbers are put back, phones that were deleted come again, phones that
    /// were added go, SMS sign-in is switched back; each only where the user is still as the run left them. Passwords
    /// cannot be taken back: nobody can read what there was
    #[arg(value_name = "RUN_DIR")]
    pub run: PathBuf,
    /// Take back the rows of these users alone, as the file names them; * stands for any characters
    #[arg(long, env = "AUTHWAVE_ONLY_USER", value_name = "USER", value_delimiter = ',')]
    pub only_user: Vec<String>,
    /// Take back the rows alone that ended so: succeeded, unknown, failed (rows with several phones)
    #[arg(long, env = "AUTHWAVE_ONLY_STATUS", value_name = "STATUS", value_delimiter = ',')]
    pub only_status: Vec<String>,
    /// Make the plan and show it, and write nothing
    #[arg(long, env = "AUTHWAVE_DRY_RUN", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub dry_run: bool,
    /// How the plan is shown
    #[command(flatten)]
    pub shown: Shown,
    /// What must not be done
    #[command(flatten, next_help_heading = "Guards")]
    pub guards: Guards,
    /// When it stops before its end
    #[command(flatten)]
    pub limits: Limits,
    /// Where its files go
    #[command(flatten)]
    pub place: Place,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// `authwave check`.
#[derive(Debug, ClapArgs)]
pub struct Check {
    /// The file with the rows: CSV, .csv.gz, .xlsx or .ods, or - for standard input
    pub file: PathBuf,
    /// Print the findings as JSON
    #[arg(long, env = "AUTHWAVE_JSON", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub json: bool,
    /// Write a copy of FILE with the findings of each row: .csv, or .xlsx with the cells in colour
    #[arg(long, env = "AUTHWAVE_WRITE_FINDINGS", value_name = "FILE")]
    pub write_findings: Option<PathBuf>,
    /// The country (two letters) of numbers that do not begin with +
    #[arg(long, env = "AUTHWAVE_DEFAULT_COUNTRY", value_name = "XX")]
    pub default_country: Option<String>,
    /// How FILE is read
    #[command(flatten, next_help_heading = "Input")]
    pub form: Form,
    /// Where the rows are to go: what cannot be done there is told
    #[command(flatten, next_help_heading = "Tenant")]
    pub prospect: Prospect,
    /// The settings file [default: authwave.toml here, else authwave/authwave.toml in your configuration directory]
    #[arg(long, env = "AUTHWAVE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What decides whether rows can be done at all.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Prospect {
    /// The cloud: global, us-gov, us-gov-dod or china [default: global]
    #[arg(long, env = "AUTHWAVE_CLOUD", value_name = "CLOUD")]
    pub cloud: Option<String>,
    /// How a run signs in [default: auto]
    #[arg(long, env = "AUTHWAVE_SIGN_IN", value_name = "KIND")]
    pub sign_in: Option<String>,
    /// How passwords are reset: reset-password, or password-profile, which an app may do, too [default: reset-password]
    #[arg(long, env = "AUTHWAVE_RESET_METHOD", value_name = "METHOD")]
    pub reset_method: Option<String>,
}

/// `authwave template`.
#[derive(Debug, ClapArgs)]
pub struct Template {
    /// One row a user with the phones that the user shall have, instead of one row an action
    #[arg(long, env = "AUTHWAVE_TEMPLATE_WIDE", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub wide: bool,
    /// A workbook whose cells are text, so that Excel keeps numbers as they are typed: redirect it into a file
    #[arg(long, env = "AUTHWAVE_TEMPLATE_XLSX", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub xlsx: bool,
}

/// `authwave report`.
#[derive(Debug, ClapArgs)]
pub struct Report {
    /// The run directory
    pub run_dir: PathBuf,
    /// Show phone numbers; else the last four digits alone
    #[arg(long, env = "AUTHWAVE_SHOW_NUMBERS", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub show_numbers: bool,
}

/// `authwave explain`.
#[derive(Debug, ClapArgs)]
pub struct Explain {
    /// A code from the column `error_code` [default: all codes, a line each]
    pub code: Option<String>,
}

/// `authwave snapshot`.
#[derive(Debug, ClapArgs)]
pub struct Snapshot {
    /// The file with a user column; a user who stands in several rows is read once
    pub file: PathBuf,
    /// How FILE is read
    #[command(flatten, next_help_heading = "Input")]
    pub form: Form,
    /// Read the local tenant inside this process instead of a real one
    #[arg(long, env = "AUTHWAVE_REHEARSE", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub rehearse: bool,
    /// Where its files go
    #[command(flatten)]
    pub place: Place,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// `authwave doctor`.
#[derive(Debug, ClapArgs)]
pub struct Doctor {
    /// The CSV file whose rows are to be done; without it only sign-in and reachability can fail
    pub file: Option<PathBuf>,
    /// How passwords are reset: reset-password, or password-profile, which an app may do, too [default: reset-password]
    #[arg(long, env = "AUTHWAVE_RESET_METHOD", value_name = "METHOD")]
    pub reset_method: Option<String>,
    /// Print JSON
    #[arg(long, env = "AUTHWAVE_JSON", value_parser = BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub json: bool,
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// `authwave sign-in` and `authwave sign-out`.
#[derive(Debug, ClapArgs)]
pub struct Session {
    /// What every command that talks to Graph takes
    #[command(flatten)]
    pub common: Common,
}

/// What every command that talks to Graph takes.
#[derive(Debug, Default, ClapArgs)]
pub struct Common {
    /// The settings file [default: authwave.toml here, else authwave/authwave.toml in your configuration directory]
    #[arg(long, env = "AUTHWAVE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Go on although another run works on this tenant; they keep one pace and share evenly what it allows
    #[arg(long, env = "AUTHWAVE_SHARE_TENANT", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub share_tenant: Option<bool>,
    /// Write results.xlsx beside results.csv, with a sheet for each CSV file
    #[arg(long, env = "AUTHWAVE_XLSX", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub xlsx: Option<bool>,
    /// Show no progress, and no closing lines where all went well
    #[arg(long, short, env = "AUTHWAVE_QUIET", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub quiet: Option<bool>,
    /// Show no bar, but plain lines
    #[arg(long, env = "AUTHWAVE_NO_PROGRESS", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub no_progress: Option<bool>,
    /// Show phone numbers in logs, progress and report; else the last four digits alone
    #[arg(long, env = "AUTHWAVE_SHOW_NUMBERS", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub show_numbers: Option<bool>,
    /// Log more: -v what is done, -vv every attempt
    #[arg(long, short, env = "AUTHWAVE_VERBOSE", action = ArgAction::Count)]
    pub verbose: u8,
    /// A log filter in the syntax of tracing's `EnvFilter`, instead of -v
    #[arg(long, env = "AUTHWAVE_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines look: text, or json for machines [default: text]
    #[arg(long, env = "AUTHWAVE_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Append every event of the run to FILE, a line of JSON each
    #[arg(long, env = "AUTHWAVE_EVENTS", value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Keep metrics in FILE, for a Prometheus textfile collector
    #[arg(long, env = "AUTHWAVE_METRICS_FILE", value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Send traces and metrics to the OpenTelemetry collector at URL (OTLP over HTTP)
    #[arg(long, env = "AUTHWAVE_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Where the tenant is
    #[command(flatten, next_help_heading = "Tenant")]
    pub tenant: Tenant,
    /// How fast, and how patiently
    #[command(flatten, next_help_heading = "Pace and retries")]
    pub pace: Pace,
}

/// Where the tenant is, and as whom to sign in. Secrets are never flags.
#[derive(Debug, Clone, Default, PartialEq, ClapArgs, Serialize, Deserialize)]
#[serde(default)]
pub struct Tenant {
    /// The cloud: global, us-gov, us-gov-dod, china [default: global]
    #[arg(long, env = "AUTHWAVE_CLOUD")]
    pub cloud: Option<String>,
    /// The Graph root without version, instead of the cloud's
    #[arg(long, env = "AUTHWAVE_GRAPH_ROOT", value_name = "URL")]
    pub graph_root: Option<String>,
    /// The authority that grants tokens, instead of the cloud's
    #[arg(long, env = "AUTHWAVE_AUTHORITY", value_name = "URL")]
    pub authority: Option<String>,
    /// The Graph version: v1.0 or beta [default: v1.0]
    #[arg(long, env = "AUTHWAVE_API_VERSION", value_name = "VERSION")]
    pub api_version: Option<String>,
    /// The tenant's id or domain
    #[arg(long, env = "AUTHWAVE_TENANT", value_name = "ID")]
    pub tenant: Option<String>,
    /// PEM certificates to trust besides the platform's
    #[arg(long, env = "AUTHWAVE_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The kind of sign-in: auto, token, client-secret, client-certificate, device-code, managed-identity,
    /// workload-identity, azure-cli, token-command [default: auto]
    #[arg(long, env = "AUTHWAVE_SIGN_IN", value_name = "KIND")]
    pub sign_in: Option<String>,
    /// The app's id
    #[arg(long, env = "AUTHWAVE_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// A file that holds the client secret and that nobody else can read
    #[arg(long, env = "AUTHWAVE_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// A file that holds the client certificate and its private key (PEM or PKCS#12) and that nobody else can read
    #[arg(long, env = "AUTHWAVE_CLIENT_CERTIFICATE_FILE", value_name = "FILE")]
    pub client_certificate_file: Option<PathBuf>,
    /// A virtual machine's metadata endpoint, which gives managed identities [default: <http://169.254.169.254>]
    #[arg(long, env = "AUTHWAVE_METADATA_ENDPOINT", value_name = "URL")]
    pub metadata_endpoint: Option<String>,
}

/// How fast, and how patiently.
#[derive(Debug, Clone, Default, PartialEq, ClapArgs, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    /// The most requests a second [default: no ceiling]
    #[arg(long, env = "AUTHWAVE_REQUESTS_PER_SECOND", value_name = "N")]
    pub requests_per_second: Option<f64>,
    /// The most requests on the wire at once [default: 64]
    #[arg(long, env = "AUTHWAVE_IN_FLIGHT", value_name = "N")]
    pub in_flight: Option<usize>,
    /// Let each read of a plan leave alone, not several in one batch where the wire is full
    #[arg(long, env = "AUTHWAVE_NO_BATCH", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub no_batch: Option<bool>,
    /// Use half of what the tenant allows, and let Graph shed these requests first
    #[arg(long, env = "AUTHWAVE_POLITE", value_parser = BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    pub polite: Option<bool>,
    /// The most rows begun and not ended [default: 8 times in-flight]
    #[arg(long, env = "AUTHWAVE_WINDOW", value_name = "N")]
    pub window: Option<usize>,
    /// How long one row goes on trying [default: 15m]
    #[arg(long, env = "AUTHWAVE_RETRY_BUDGET", value_name = "DURATION")]
    pub retry_budget: Option<String>,
    /// The longest wait after the first attempt; it doubles with each further one [default: 2s]
    #[arg(long, env = "AUTHWAVE_BACKOFF_BASE", value_name = "DURATION")]
    pub backoff_base: Option<String>,
    /// The longest wait between two attempts [default: 60s]
    #[arg(long, env = "AUTHWAVE_BACKOFF_CAP", value_name = "DURATION")]
    pub backoff_cap: Option<String>,
    /// A longer Retry-After counts as this [default: 10m]
    #[arg(long, env = "AUTHWAVE_MAX_RETRY_AFTER", value_name = "DURATION")]
    pub max_retry_after: Option<String>,
    /// How long an answer is waited for; Graph itself gives up after 60 s [default: 75s]
    #[arg(long, env = "AUTHWAVE_REQUEST_TIMEOUT", value_name = "DURATION")]
    pub request_timeout: Option<String>,
}

/// `authwave simulator`.
#[derive(Debug, ClapArgs)]
pub struct Simulator {
    /// Where to listen; loopback only, port 0 for any that is free
    #[arg(long, env = "AUTHWAVE_SIMULATOR_LISTEN", default_value = "127.0.0.1:8765", value_name = "ADDRESS")]
    pub listen: String,
    /// Only the users in this CSV file exist [default: everybody does]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_USERS", value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// What chance begins with
    #[arg(long, env = "AUTHWAVE_SIMULATOR_SEED", default_value_t = 1)]
    pub seed: u64,
    /// How long every answer takes
    #[arg(long, env = "AUTHWAVE_SIMULATOR_LATENCY", default_value = "0ms", value_name = "DURATION")]
    pub latency: String,
    /// Quota of reads [default: none]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_READS_PER_SECOND", value_name = "N")]
    pub reads_per_second: Option<f64>,
    /// Quota of writes [default: none]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_WRITES_PER_SECOND", value_name = "N")]
    pub writes_per_second: Option<f64>,
    /// How many requests a quota's bucket holds [default: one second's worth]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_BURST", value_name = "N")]
    pub burst: Option<f64>,
    /// A quota of N requests in each window, as 3000/150s
    #[arg(long, env = "AUTHWAVE_SIMULATOR_WINDOW_QUOTA", value_name = "N/DURATION")]
    pub window_quota: Option<String>,
    /// Another quota of writes, in N a second, from some time on, as 10@60s
    #[arg(long, env = "AUTHWAVE_SIMULATOR_LATER_WRITES", value_name = "N@DURATION")]
    pub later_writes: Option<String>,
    /// What another client takes of the quota of writes, in requests a second
    #[arg(long, env = "AUTHWAVE_SIMULATOR_RIVAL_WRITES", default_value_t = 0.0, value_name = "N")]
    pub rival_writes: f64,
    /// Whether answers tell how much of a quota is used: told, silent
    #[arg(long, env = "AUTHWAVE_SIMULATOR_USAGE", default_value = "told", value_name = "HOW")]
    pub usage: String,
    /// Who a 429 says is hit: application, tenant
    #[arg(long, env = "AUTHWAVE_SIMULATOR_BLAME", default_value = "application", value_name = "WHO")]
    pub blame: String,
    /// How a 429 says when to come back: seconds, fraction, date, absent, absurd, one
    #[arg(long, env = "AUTHWAVE_SIMULATOR_RETRY_AFTER", default_value = "seconds", value_name = "FORM")]
    pub retry_after: String,
    /// A fault and its rate from 0 to 1, as error-after=0.02; may be given several times. Names: throttle,
    /// throttle-bare, error-before, error-after, reset-before, reset-after, html, half-json, empty-body, slow
    #[arg(
        long = "fault",
        env = "AUTHWAVE_SIMULATOR_FAULTS",
        value_name = "NAME=RATE",
        value_delimiter = ','
    )]
    pub faults: Vec<String>,
    /// How much longer a slow answer takes
    #[arg(long, env = "AUTHWAVE_SIMULATOR_SLOW_BY", default_value = "2s", value_name = "DURATION")]
    pub slow_by: String,
    /// For how long a user is unknown after the first mention
    #[arg(long, env = "AUTHWAVE_SIMULATOR_USER_LAG", default_value = "0s", value_name = "DURATION")]
    pub user_lag: String,
    /// How long a reset's operation takes, as 1s or 1s..3s
    #[arg(long, env = "AUTHWAVE_SIMULATOR_RESET_DURATION", default_value = "1s..3s", value_name = "RANGE")]
    pub reset_duration: String,
    /// The share of resets that fail
    #[arg(long, env = "AUTHWAVE_SIMULATOR_RESET_FAILURES", default_value_t = 0.0, value_name = "RATE")]
    pub reset_failures: f64,
    /// The share of resets that never end
    #[arg(long, env = "AUTHWAVE_SIMULATOR_RESET_NEVER", default_value_t = 0.0, value_name = "RATE")]
    pub reset_never: f64,
    /// How long a token lives that the token endpoint grants
    #[arg(long, env = "AUTHWAVE_SIMULATOR_TOKEN_LIFETIME", default_value = "1h", value_name = "DURATION")]
    pub token_lifetime: String,
    /// Tokens that the token endpoint grants count as a signed-in admin's, so that resets work with them
    #[arg(long, env = "AUTHWAVE_SIMULATOR_DELEGATED_TOKENS", value_parser = BoolishValueParser::new(),
          action = ArgAction::SetTrue)]
    pub delegated_tokens: bool,
    /// The only tenant that signs anybody in, by id or domain [default: any]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_TENANT", value_name = "ID")]
    pub tenant: Option<String>,
    /// The public part (PEM) of the app's certificate, whose assertions are then taken
    #[arg(long, env = "AUTHWAVE_SIMULATOR_CERTIFICATE", value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The client id of the only managed identity [default: a system-assigned one]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_MANAGED_IDENTITY", value_name = "ID")]
    pub managed_identity: Option<String>,
    /// What tokens say that they may, as User.Read.All,Group.Read.All [default: all that this program needs]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_PERMISSIONS", value_name = "NAMES", value_delimiter = ',')]
    pub permissions: Vec<String>,
    /// Template ids of the directory roles that a signed-in admin's tokens name [default: Authentication Administrator]
    #[arg(long, env = "AUTHWAVE_SIMULATOR_ROLES", value_name = "IDS", value_delimiter = ',')]
    pub roles: Vec<String>,
    /// By how much the tenant's clock is ahead of the machine's, as 10m or -10m
    #[arg(
        long,
        env = "AUTHWAVE_SIMULATOR_CLOCK_AHEAD",
        default_value = "0s",
        value_name = "DURATION",
        allow_hyphen_values = true
    )]
    pub clock_ahead: String,
    /// What goes wrong at sign-in; may be given several times. How often, from the beginning on: busy=N, errors=N,
    /// pending=N, slow-down=N. Always: declined, expired, no-consent, refresh-revoked. After N requests: revoked=N
    #[arg(
        long = "sign-in-fault",
        env = "AUTHWAVE_SIMULATOR_SIGN_IN_FAULTS",
        value_name = "NAME[=N]",
        value_delimiter = ','
    )]
    pub sign_in_faults: Vec<String>,
    /// Users whose accounts are disabled
    #[arg(long, env = "AUTHWAVE_SIMULATOR_DISABLED", value_name = "USERS", value_delimiter = ',')]
    pub disabled: Vec<String>,
    /// How many authenticator apps every user has beside phones and password
    #[arg(long, env = "AUTHWAVE_SIMULATOR_AUTHENTICATORS", default_value_t = 0, value_name = "N")]
    pub authenticators: u32,
    /// Who holds which directory role, as "Global Administrator=admin@contoso.com"
    #[arg(long, env = "AUTHWAVE_SIMULATOR_ROLE_HOLDERS", value_name = "ROLE=USER", value_delimiter = ',')]
    pub role_holders: Vec<String>,
    /// Who is in which group that roles can be given to
    #[arg(long, env = "AUTHWAVE_SIMULATOR_GROUP_MEMBERS", value_name = "GROUP=USER", value_delimiter = ',')]
    pub group_members: Vec<String>,
    /// Whether accounts, roles and groups may be read: allowed, refused
    #[arg(long, env = "AUTHWAVE_SIMULATOR_DIRECTORY", default_value = "allowed", value_name = "HOW")]
    pub directory: String,
    /// Show phone numbers masked, as to the role Authentication Administrator
    #[arg(long, env = "AUTHWAVE_SIMULATOR_MASKED_NUMBERS", value_parser = BoolishValueParser::new(),
          action = ArgAction::SetTrue)]
    pub masked_numbers: bool,
    /// Refuse every write with 403, as where a permission is missing
    #[arg(long, env = "AUTHWAVE_SIMULATOR_REFUSE_WRITES", value_parser = BoolishValueParser::new(),
          action = ArgAction::SetTrue)]
    pub refuse_writes: bool,
    /// How many items a list shows at once
    #[arg(long, env = "AUTHWAVE_SIMULATOR_PAGE_SIZE", value_name = "N")]
    pub page_size: Option<usize>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_flag_has_an_environment_variable() {
        let command = Args::command();
        command.clone().debug_assert();
        for subcommand in command.get_subcommands() {
            for flag in subcommand.get_arguments().filter(|argument| argument.get_long().is_some()) {
                let name = flag.get_long().unwrap_or_default();
                let is_standard = ["help", "version"].contains(&name);
                let variable = flag.get_env().map(|variable| variable.to_string_lossy().into_owned());
                let is_ours = variable.is_some_and(|variable| variable.starts_with("AUTHWAVE_"));
                assert!(is_standard || is_ours, "--{name}");
            }
        }
    }

    #[test]
    fn no_flag_takes_a_secret() {
        for subcommand in Args::command().get_subcommands() {
            for flag in subcommand.get_arguments() {
                let name = flag.get_id().as_str();
                let names_a_secret = ["secret", "password", "access"].iter().any(|word| name.contains(word));
                assert!(!names_a_secret || name.ends_with("_file"), "{name}");
            }
        }
    }
}
