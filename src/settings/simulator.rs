//! The simulator's flags, decided.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::secret::Secret;
use crate::simulator::assertion::AppCertificate;
use crate::simulator::authority::{Refused, SignInFaults, SignInSettings};
use crate::simulator::directory::{DirectoryAccess, DirectorySettings, Membership};
use crate::simulator::faults::FaultRates;
use crate::simulator::phones::Numbers;
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::{Blame, Permission, TenantSettings, Usage};
use crate::simulator::throttle::{Allowance, Quota, RetryAfterForm};
use crate::simulator::tokens::{TokenKind, TokenSettings};
use crate::simulator::users::Population;

use super::args;
use super::error::{SettingsError, value};
use super::resolve::span;

/// A simulator, decided. The tenant's origin is what it will be found under once it listens.
#[derive(Debug, Clone)]
pub struct SimulatorSettings {
    /// On loopback.
    pub listen: SocketAddr,
    /// Whose users exist; `None` for everybody.
    pub users: Option<PathBuf>,
    /// How the tenant behaves.
    pub tenant: TenantSettings,
}

/// Decides. `epoch` is the present time, `client_secret` what the token endpoint shall insist on.
///
/// # Errors
/// When a value cannot be used.
pub fn resolve_simulator(
    args: &args::Simulator,
    epoch: Timestamp,
    client_secret: Option<&Secret>,
) -> Result<SimulatorSettings, SettingsError> {
    let listen = listen(&args.listen)?;
    let faults = FaultRates { slow_by: duration("--slow-by", &args.slow_by)?, ..faults(&args.faults)? };
    let tenant = TenantSettings {
        seed: args.seed,
        population: if args.users.is_some() { Population::Listed } else { Population::Everyone },
        user_lag: duration("--user-lag", &args.user_lag)?,
        latency: duration("--latency", &args.latency)?,
        reads: bucket("--reads-per-second", args.reads_per_second, args.burst)?.map(Allowance::from),
        writes: writes(args)?,
        usage: usage(&args.usage)?,
        blame: blame(&args.blame)?,
        retry_after: retry_after_form(&args.retry_after)?,
        faults,
        resets: ResetSettings {
            duration: range(&args.reset_duration)?,
            failures: rate("--reset-failures", args.reset_failures)?,
            never_ending: rate("--reset-never", args.reset_never)?,
            ..ResetSettings::default()
        },
        tokens: TokenSettings {
            lifetime: duration("--token-lifetime", &args.token_lifetime)?,
            kind: if args.delegated_tokens { TokenKind::Delegated } else { TokenKind::AppOnly },
            client_secret: client_secret.map(|secret| secret.expose().to_owned()),
        },
        sign_in: sign_in(args)?,
        numbers: if args.masked_numbers { Numbers::Masked } else { Numbers::Whole },
        directory: directory(args)?,
        permission: if args.refuse_writes { Permission::ReadOnly } else { Permission::ReadWrite },
        page_size: args.page_size.unwrap_or(usize::MAX).max(1),
        ..TenantSettings::plain(format!("http://{listen}"), epoch)
    };
    Ok(SimulatorSettings { listen, users: args.users.clone(), tenant })
}

fn directory(args: &args::Simulator) -> Result<DirectorySettings, SettingsError> {
    let memberships = |name, given: &[String]| {
        let membership = |text: &String| match text.split_once('=') {
            Some((of, user)) => Ok(Membership { of: of.to_owned(), user: user.to_owned() }),
            None => Err(value(name, text, "must be a name, =, and a user, as \"Group=alex@contoso.com\"")),
        };
        given.iter().map(membership).collect::<Result<Vec<_>, _>>()
    };
    Ok(DirectorySettings {
        disabled: args.disabled.clone(),
        authenticators: args.authenticators,
        roles: memberships("--role-holders", &args.role_holders)?,
        groups: memberships("--group-members", &args.group_members)?,
        access: match args.directory.as_str() {
            "allowed" => DirectoryAccess::Allowed,
            "refused" => DirectoryAccess::Refused,
            other => return Err(value("--directory", other, "must be allowed or refused")),
        },
    })
}

fn sign_in(args: &args::Simulator) -> Result<SignInSettings, SettingsError> {
    let certificate = match &args.certificate {
        None => None,
        Some(path) => {
            let refuse = || value("--certificate", path.display(), "is no PEM file with a certificate");
            let text = std::fs::read_to_string(path).map_err(|_| refuse())?;
            Some(AppCertificate::from_pem(&text).ok_or_else(refuse)?)
        }
    };
    let clock_ahead: SignedDuration = args
        .clock_ahead
        .parse()
        .map_err(|_| value("--clock-ahead", &args.clock_ahead, "is no duration; write it as 10m or -10m"))?;
    Ok(SignInSettings {
        tenant: args.tenant.clone(),
        certificate,
        managed_identity: args.managed_identity.clone(),
        permissions: args.permissions.clone(),
        roles: args.roles.clone(),
        clock_ahead,
        faults: sign_in_faults(&args.sign_in_faults)?,
    })
}

fn sign_in_faults(given: &[String]) -> Result<SignInFaults, SettingsError> {
    let mut faults = SignInFaults::default();
    for text in given {
        let refuse = |reason: &str| value("--sign-in-fault", text, reason);
        let (name, number) = text.split_once('=').map_or((text.as_str(), None), |(name, n)| (name, Some(n)));
        let count = || {
            number.and_then(|number| number.parse().ok()).ok_or_else(|| refuse("wants a number, as busy=2"))
        };
        match name {
            "busy" => faults.busy = count()?,
            "errors" => faults.errors = count()?,
            "pending" => faults.pending = count()?,
            "slow-down" => faults.slow_down = count()?,
            "revoked" => faults.revoked_after = Some(count()?.into()),
            "declined" => faults.refused = Some(Refused::Person),
            "expired" => faults.refused = Some(Refused::DeviceCode),
            "no-consent" => faults.refused = Some(Refused::Consent),
            "refresh-revoked" => faults.refused = Some(Refused::RefreshToken),
            _ => {
                return Err(refuse(
                    "there are busy, errors, pending, slow-down, revoked, declined, expired, no-consent and \
                     refresh-revoked",
                ));
            }
        }
    }
    Ok(faults)
}

fn listen(text: &str) -> Result<SocketAddr, SettingsError> {
    let refuse = |reason| value("--listen (AUTHWAVE_SIMULATOR_LISTEN)", text, reason);
    let address: SocketAddr =
        text.parse().map_err(|_| refuse("is no address; write it as 127.0.0.1:8765"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(refuse("the simulator lets everybody in, so it listens on this machine only: 127.0.0.1 or [::1]"))
    }
}

fn duration(name: &'static str, text: &str) -> Result<Duration, SettingsError> {
    span(text).ok_or_else(|| value(name, text, "is no duration; write it as 50ms, 2s or 1h"))
}

fn rate(name: &'static str, rate: f64) -> Result<f64, SettingsError> {
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err(value(name, rate, "must be from 0 to 1")) }
}

fn bucket(
    name: &'static str,
    per_second: Option<f64>,
    burst: Option<f64>,
) -> Result<Option<Quota>, SettingsError> {
    let Some(per_second) = per_second else { return Ok(None) };
    if !(per_second.is_finite() && per_second >= 0.001) {
        return Err(value(name, per_second, "must be a number from 0.001; leave it out for no quota"));
    }
    Ok(Some(Quota::Bucket { per_second, burst: burst.unwrap_or(per_second).max(1.0) }))
}

fn writes(args: &args::Simulator) -> Result<Option<Allowance>, SettingsError> {
    let quota = match &args.window_quota {
        Some(text) => Some(window(text)?),
        None => bucket("--writes-per-second", args.writes_per_second, args.burst)?,
    };
    let later = args.later_writes.as_deref().map(|text| later(text, args.burst)).transpose()?;
    let rival_per_second = args.rival_writes;
    if !(rival_per_second.is_finite() && rival_per_second >= 0.0) {
        return Err(value("--rival-writes", rival_per_second, "must be a number from 0"));
    }
    match quota {
        Some(quota) => Ok(Some(Allowance { quota, later, rival_per_second })),
        None if later.is_some() || rival_per_second > 0.0 => {
            let reason = "changes a quota of writes; give one with --writes-per-second or --window-quota";
            Err(value("--later-writes or --rival-writes", "", reason))
        }
        None => Ok(None),
    }
}

/// What stands after `--later-writes`.
fn later(text: &str, burst: Option<f64>) -> Result<(Duration, Quota), SettingsError> {
    let refuse = || value("--later-writes", text, "must be a rate and a time, as 10@60s");
    let (rate, from) = text.split_once('@').ok_or_else(refuse)?;
    let quota = bucket("--later-writes", Some(rate.parse().map_err(|_| refuse())?), burst)?;
    Ok((span(from).ok_or_else(refuse)?, quota.ok_or_else(refuse)?))
}

fn window(text: &str) -> Result<Quota, SettingsError> {
    let parts = text
        .split_once('/')
        .and_then(|(requests, span_text)| Some((requests.parse().ok()?, span(span_text)?)));
    match parts {
        Some((requests, span)) if requests > 0 && !span.is_zero() => Ok(Quota::Window { requests, span }),
        _ => Err(value("--window-quota", text, "must be a number and a duration, as 3000/150s")),
    }
}

fn range(text: &str) -> Result<(Duration, Duration), SettingsError> {
    let (shortest, longest) = text.split_once("..").unwrap_or((text, text));
    match (span(shortest), span(longest)) {
        (Some(shortest), Some(longest)) if shortest <= longest => Ok((shortest, longest)),
        _ => Err(value("--reset-duration", text, "must be a duration or two, as 2s or 1s..3s")),
    }
}

fn usage(text: &str) -> Result<Usage, SettingsError> {
    match text {
        "told" => Ok(Usage::Told),
        "silent" => Ok(Usage::Silent),
        other => Err(value("--usage", other, "there are told and silent")),
    }
}

fn blame(text: &str) -> Result<Blame, SettingsError> {
    match text {
        "application" => Ok(Blame::Application),
        "tenant" => Ok(Blame::Tenant),
        other => Err(value("--blame", other, "there are application and tenant")),
    }
}

fn retry_after_form(text: &str) -> Result<RetryAfterForm, SettingsError> {
    match text {
        "seconds" => Ok(RetryAfterForm::Seconds),
        "fraction" => Ok(RetryAfterForm::Fraction),
        "date" => Ok(RetryAfterForm::Date),
        "absent" => Ok(RetryAfterForm::Absent),
        "absurd" => Ok(RetryAfterForm::Absurd),
        "one" => Ok(RetryAfterForm::One),
        other => {
            Err(value("--retry-after", other, "there are seconds, fraction, date, absent, absurd and one"))
        }
    }
}

fn faults(given: &[String]) -> Result<FaultRates, SettingsError> {
    let mut rates = FaultRates::default();
    for text in given {
        let refuse = |reason: &str| value("--fault", text, reason);
        let (name, number) = text.split_once('=').ok_or_else(|| refuse("write it as NAME=RATE"))?;
        let slot = match name {
            "throttle" => &mut rates.throttle,
            "throttle-bare" => &mut rates.throttle_bare,
            "error-before" => &mut rates.error_before,
            "error-after" => &mut rates.error_after,
            "reset-before" => &mut rates.reset_before,
            "reset-after" => &mut rates.reset_after,
            "html" => &mut rates.html,
            "half-json" => &mut rates.half_json,
            "empty-body" => &mut rates.empty_body,
            "slow" => &mut rates.slow,
            _ => {
                return Err(refuse(
                    "there are throttle, throttle-bare, error-before, error-after, reset-before, reset-after, html, \
                     half-json, empty-body and slow",
                ));
            }
        };
        *slot = rate("--fault", number.parse().map_err(|_| refuse("the rate is no number"))?)?;
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn decided(flags: &[&str]) -> Result<SimulatorSettings, SettingsError> {
        let words = ["authwave", "simulator"].iter().chain(flags);
        let args::Command::Simulator(args) = args::Args::try_parse_from(words).unwrap().command else {
            unreachable!()
        };
        resolve_simulator(&args, Timestamp::UNIX_EPOCH, None)
    }

    #[test]
    fn flags_become_a_tenant() {
        let settings = decided(&[
            "--writes-per-second=0.4",
            "--burst=10",
            "--reads-per-second=5",
            "--fault=error-after=0.25",
            "--fault=slow=1,html=0.5",
            "--reset-duration=1s..2m",
            "--listen=[::1]:0",
        ])
        .unwrap();
        assert_eq!(settings.tenant.writes, Some(Quota::Bucket { per_second: 0.4, burst: 10.0 }.into()));
        assert_eq!(settings.tenant.reads, Some(Quota::Bucket { per_second: 5.0, burst: 10.0 }.into()));
        let faults = settings.tenant.faults;
        assert_eq!((faults.error_after, faults.slow, faults.html), (0.25, 1.0, 0.5));
        assert_eq!(settings.tenant.resets.duration, (Duration::from_secs(1), Duration::from_mins(2)));
        let window = decided(&["--window-quota=3000/150s"]).unwrap().tenant.writes;
        assert_eq!(window, Some(Quota::Window { requests: 3_000, span: Duration::from_secs(150) }.into()));
        let shared = decided(&[
            "--writes-per-second=50",
            "--rival-writes=25",
            "--later-writes=10@1m",
            "--blame=tenant",
        ]);
        let shared = shared.unwrap().tenant;
        assert_eq!(
            shared.writes,
            Some(Allowance {
                quota: Quota::Bucket { per_second: 50.0, burst: 50.0 },
                later: Some((Duration::from_mins(1), Quota::Bucket { per_second: 10.0, burst: 10.0 })),
                rival_per_second: 25.0,
            })
        );
        assert_eq!((shared.blame, shared.usage), (Blame::Tenant, Usage::Told));
    }

    #[test]
    fn it_never_listens_to_other_machines() {
        for address in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "example.com:80", "127.0.0.1"] {
            assert!(decided(&[&format!("--listen={address}")]).is_err(), "{address}");
        }
    }

    #[test]
    fn what_is_no_fault_rate_or_form_is_told() {
        for flag in [
            "--fault=magic=1",
            "--fault=slow",
            "--fault=slow=2",
            "--fault=slow=x",
            "--retry-after=soon",
            "--window-quota=0/1s",
            "--reset-duration=3s..1s",
            "--latency=soon",
            "--writes-per-second=1e-300",
            "--later-writes=10@1m",
            "--rival-writes=-1",
            "--usage=perhaps",
            "--blame=nobody",
            "--clock-ahead=soon",
            "--sign-in-fault=magic",
            "--sign-in-fault=busy",
            "--certificate=/no/such/file",
        ] {
            assert!(decided(&[flag]).is_err(), "{flag}");
        }
    }
}
