//! The settings file as written. config.example.toml documents every key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::SettingsError;

/// A settings file. Every key may be missing.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Where the tenant is.
    pub tenant: Tenant,
    /// As whom to sign in.
    pub sign_in: SignIn,
    /// How fast.
    pub pace: Pace,
    /// How patiently.
    pub retry: Retry,
    /// How the input is read.
    pub input: Input,
    /// Whom no row may change.
    pub protected: Protected,
    /// What a run does.
    pub run: Run,
    /// What is shown.
    pub output: Output,
}

/// `[tenant]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tenant {
    /// Which cloud.
    pub cloud: Option<String>,
    /// Instead of the cloud's.
    pub graph_root: Option<String>,
    /// Instead of the cloud's.
    pub authority: Option<String>,
    /// `v1.0` or `beta`.
    pub api_version: Option<String>,
    /// The tenant's id or domain.
    pub id: Option<String>,
    /// PEM certificates.
    pub ca_file: Option<PathBuf>,
}

/// `[sign_in]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignIn {
    /// `auto`, `token`, `client-secret` and others.
    pub kind: Option<String>,
    /// The app's id.
    pub client_id: Option<String>,
    /// Where the secret stands.
    pub client_secret_file: Option<PathBuf>,
    /// What prints the secret: a program and its arguments.
    pub client_secret_command: Option<Vec<String>>,
    /// PEM or PKCS#12.
    pub client_certificate_file: Option<PathBuf>,
    /// Where the password of a PKCS#12 file stands.
    pub client_certificate_password_file: Option<PathBuf>,
    /// A user-assigned identity by its client id.
    pub managed_identity_client_id: Option<String>,
    /// Or by its object id.
    pub managed_identity_object_id: Option<String>,
    /// Or by its Azure resource id.
    pub managed_identity_resource_id: Option<String>,
    /// Instead of `http://169.254.169.254`.
    pub metadata_endpoint: Option<String>,
    /// Another provider's token.
    pub federated_token_file: Option<PathBuf>,
    /// The id of Azure Pipelines' service connection.
    pub service_connection: Option<String>,
    /// What prints a token: a program and its arguments.
    pub token_command: Option<Vec<String>>,
}

/// `[pace]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Ceiling.
    pub requests_per_second: Option<f64>,
    /// On the wire at once.
    pub in_flight: Option<usize>,
    /// Each read of a plan leaves alone.
    pub no_batch: Option<bool>,
    /// Half of what there is, and shed first.
    pub polite: Option<bool>,
    /// Begun and not ended.
    pub window: Option<usize>,
}

/// `[retry]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// A row's time.
    pub budget: Option<String>,
    /// The first wait.
    pub backoff_base: Option<String>,
    /// The longest wait.
    pub backoff_cap: Option<String>,
    /// The longest Retry-After.
    pub max_retry_after: Option<String>,
    /// The longest wait for an answer.
    pub request_timeout: Option<String>,
}

/// `[input]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// The encoding of text.
    pub encoding: Option<String>,
    /// What stands between two fields.
    pub delimiter: Option<String>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Where times without an offset are told.
    pub time_zone: Option<String>,
    /// The names of columns by their meanings.
    pub columns: BTreeMap<String, String>,
}

/// `[protected]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Protected {
    /// Users, object ids, patterns with `*`.
    pub users: Vec<String>,
    /// More of them, a line each.
    pub file: Option<PathBuf>,
}

/// `[run]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// How long resets are followed.
    pub operation_timeout: Option<String>,
    /// How passwords are reset.
    pub reset_method: Option<String>,
    /// For numbers without `+`.
    pub default_country: Option<String>,
    /// Go on with the good rows.
    pub skip_invalid: Option<bool>,
    /// Where run directories are made.
    pub runs_dir: Option<PathBuf>,
    /// How many rows may fail.
    pub max_failures: Option<String>,
    /// How long a run may take.
    pub max_duration: Option<String>,
    /// Beside another run.
    pub share_tenant: Option<bool>,
    /// Take a user's last strong method away.
    pub allow_last_method: Option<bool>,
    /// Do not read what rows are going to change.
    pub no_before_images: Option<bool>,
    /// Touch holders of directory roles.
    pub allow_privileged: Option<bool>,
    /// How many rows may delete a phone.
    pub max_deletes: Option<String>,
    /// How many rows may reset a password.
    pub max_resets: Option<String>,
    /// How many rows may change something.
    pub max_changes: Option<String>,
    /// How many users are done first.
    pub canary: Option<u64>,
}

/// `[output]`
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// A workbook beside the CSV files.
    pub xlsx: Option<bool>,
    /// No progress, no closing lines.
    pub quiet: Option<bool>,
    /// A bar on a terminal.
    pub progress: Option<bool>,
    /// Phone numbers in logs, progress and report.
    pub show_numbers: Option<bool>,
    /// `text` or `json`.
    pub log_format: Option<String>,
    /// Where events are appended.
    pub events: Option<PathBuf>,
    /// Where metrics are kept.
    pub metrics_file: Option<PathBuf>,
    /// An OpenTelemetry collector.
    pub otlp_endpoint: Option<String>,
    /// 0, 1 or 2.
    pub verbose: Option<u8>,
}

/// Understands the text of a settings file.
///
/// # Errors
/// When it is not TOML, or a key is unknown: then the nearest known one is named.
pub fn parse(text: &str, path: &Path) -> Result<File, SettingsError> {
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line = text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1);
        SettingsError::File { path: path.to_owned(), line, reason: explain(error.message()) }
    })
}

/// Adds the nearest known key to serde's "unknown field `x`, expected one of `a`, `b`".
fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let nearest = quoted.split_first().and_then(|(unknown, known)| nearest(unknown, known));
    let first_line = message.lines().next().unwrap_or(message);
    match nearest {
        Some(key) if message.starts_with("unknown field") => {
            format!("unknown key `{}`; did you mean `{key}`?", quoted[0])
        }
        Some(_) | None => first_line.replace("unknown field", "unknown key"),
    }
}

fn nearest<'known>(unknown: &str, known: &[&'known str]) -> Option<&'known str> {
    let scored = known.iter().map(|key| (strsim::jaro_winkler(unknown, key), *key));
    scored
        .filter(|(score, _)| *score > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        parse(text, Path::new("authwave.toml")).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_line_and_nearest_key() {
        assert_eq!(
            told("[pace]\nin_flight = 3\nrequest_per_second = 5\n"),
            "authwave.toml:3: unknown key `request_per_second`; did you mean `requests_per_second`?"
        );
        assert_eq!(told("[tenent]\n"), "authwave.toml:1: unknown key `tenent`; did you mean `tenant`?");
        assert!(
            told("[tenant]\nxyzzy = 1\n")
                .starts_with("authwave.toml:2: unknown key `xyzzy`, expected one of")
        );
    }

    #[test]
    fn a_wrong_type_names_its_line() {
        assert!(told("\n[pace]\nin_flight = \"many\"\n").starts_with("authwave.toml:3: invalid type"));
        assert!(told("[pace\n").starts_with("authwave.toml:1: "));
    }

    #[test]
    fn the_example_is_valid_and_complete() {
        let text = include_str!("../../config.example.toml");
        // Every key stands there with its default, commented out: uncommented, the file must be valid too.
        let uncommented: String =
            text.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n").collect();
        let file = parse(&uncommented, Path::new("config.example.toml")).unwrap();
        let File { tenant, sign_in, pace, retry, input, protected, run, output } = file;
        assert!(tenant.cloud.and(tenant.graph_root).and(tenant.authority).and(tenant.api_version).is_some());
        assert!(tenant.id.is_some() && tenant.ca_file.is_some());
        assert!(sign_in.kind.and(sign_in.client_id).is_some() && sign_in.client_secret_file.is_some());
        assert!(sign_in.client_secret_command.is_some() && sign_in.token_command.is_some());
        let certificate = sign_in.client_certificate_file.and(sign_in.client_certificate_password_file);
        assert!(certificate.is_some());
        assert!(sign_in.managed_identity_client_id.and(sign_in.managed_identity_object_id).is_some());
        assert!(sign_in.managed_identity_resource_id.and(sign_in.metadata_endpoint).is_some());
        assert!(sign_in.federated_token_file.is_some() && sign_in.service_connection.is_some());
        assert!(pace.requests_per_second.is_some() && pace.in_flight.and(pace.window).is_some());
        assert!(pace.polite.and(pace.no_batch).is_some());
        assert!(
            retry.budget.and(retry.backoff_base).and(retry.backoff_cap).and(retry.max_retry_after).is_some()
        );
        assert!(retry.request_timeout.is_some());
        assert!(input.encoding.and(input.delimiter).and(input.sheet).and(input.time_zone).is_some());
        assert_eq!(input.columns.len(), 11);
        assert!(!protected.users.is_empty() && protected.file.is_some());
        assert!(run.max_deletes.and(run.max_resets).and(run.max_changes).and(run.canary).is_some());
        assert!(run.allow_last_method.and(run.allow_privileged).and(run.no_before_images).is_some());
        assert!(run.operation_timeout.and(run.default_country).is_some());
        assert!(run.reset_method.is_some());
        assert!(run.skip_invalid.is_some() && run.runs_dir.is_some());
        assert!(run.max_failures.and(run.max_duration).is_some() && run.share_tenant.is_some());
        assert!(
            output.xlsx.is_some() && output.quiet.and(output.progress).is_some() && output.verbose.is_some()
        );
        assert!(output.show_numbers.is_some() && output.log_format.is_some());
        assert!(output.events.and(output.metrics_file).is_some());
        assert_eq!(parse(text, Path::new("x")).unwrap(), File::default(), "as it stands, it changes nothing");
    }
}
