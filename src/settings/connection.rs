//! The tenant to talk to, decided; and the secrets, fetched.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use url::{Host, Url};
use zeroize::Zeroizing;

use crate::graph::cloud::Cloud;
use crate::model::secret::Secret;

use super::error::{SettingsError, value};
use super::sign_in::SignInChoice;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// It was in the environment.
    Given(Secret),
    /// It is what a file holds.
    File(PathBuf),
    /// It is what a program prints.
    Command(Vec<String>),
}

impl SecretSource {
    /// Fetches the secret; white space around it is not part of it.
    ///
    /// # Errors
    /// When the file cannot be read or others may read it, the program fails, or nothing is there.
    pub fn fetch(&self) -> Result<Secret, SettingsError> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => from_file(path),
            Self::Command(words) => from_command(words),
        }
    }
}

/// What a file holds that nobody but its owner may read.
///
/// # Errors
/// When it cannot be read, or others may read it.
pub fn private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    let refuse = |reason: String| SettingsError::SecretFile { path: path.to_owned(), reason };
    let mode = fs::metadata(path).map_err(|error| refuse(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(refuse(format!("others may read it (mode {:o}); chmod 600 it", mode & 0o777)));
    }
    fs::read(path).map(Zeroizing::new).map_err(|error| refuse(error.to_string()))
}

fn from_file(path: &Path) -> Result<Secret, SettingsError> {
    let refuse =
        |reason: &str| SettingsError::SecretFile { path: path.to_owned(), reason: reason.to_owned() };
    let bytes = private_file(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("it is not UTF-8"))?;
    if text.trim().is_empty() { Err(refuse("it is empty")) } else { Ok(Secret::new(text.trim())) }
}

fn from_command(words: &[String]) -> Result<Secret, SettingsError> {
    let fail = |reason: String| SettingsError::SecretCommand(reason);
    let Some((program, arguments)) = words.split_first() else { return Err(fail("it is empty".to_owned())) };
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| fail(format!("{program}: {error}")))?;
    if !output.status.success() {
        return Err(fail(format!("{program} ended with {}", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| fail(format!("{program} printed no UTF-8")))?;
    if text.trim().is_empty() {
        return Err(fail(format!("{program} printed nothing")));
    }
    Ok(Secret::new(text.trim()))
}

/// The tenant to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Which cloud it is in.
    pub cloud: Cloud,
    /// Without version and final slash.
    pub graph_root: String,
    /// Without final slash.
    pub authority: String,
    /// How to sign in.
    pub sign_in: SignInChoice,
    /// PEM certificates to trust besides the platform's.
    pub ca_file: Option<PathBuf>,
}

/// What a run talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A tenant that this process makes up.
    Rehearsal,
    /// A real one, or a simulator that runs elsewhere.
    Tenant(Tenant),
}

/// The cloud of this name.
pub(super) fn cloud(name: &str) -> Result<Cloud, SettingsError> {
    Cloud::ALL.into_iter().find(|cloud| cloud.name() == name).ok_or_else(|| {
        let reason = "no such cloud; there are global, us-gov, us-gov-dod and china";
        value("--cloud (AUTHWAVE_CLOUD, tenant.cloud)", name, reason)
    })
}

/// Checks an address to which tokens or secrets go: https, or plain http to this machine.
pub(super) fn address(name: &'static str, text: &str) -> Result<String, SettingsError> {
    let refuse = |reason: &str| Err(value(name, text, reason));
    let Ok(url) = Url::parse(text) else {
        return refuse("is no URL; write it as https://graph.microsoft.com");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or password");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("must be the root alone, without path or version; the version is --api-version");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return refuse("plain http goes to this machine only (127.0.0.1, [::1], localhost); use https");
        }
        _ => return refuse("must begin with https://"),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Checks the whole address of an endpoint to which a secret goes: https, or plain http to this machine.
pub(super) fn endpoint(name: &'static str, text: &str) -> Result<String, SettingsError> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {
            Ok(text.to_owned())
        }
        Ok(_) | Err(_) => Err(value(name, text, "must begin with https://, as secrets go there")),
    }
}

/// Checks the address of an Azure resource's identity endpoint: plain http to this machine or its own link, which no
/// router leaves (RFC 3927 §7).
pub(super) fn identity_endpoint(name: &'static str, text: &str) -> Result<String, SettingsError> {
    let is_near = |url: &Url| match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Some(_) | None => is_loopback(url),
    };
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && is_near(&url) => Ok(text.trim_end_matches('/').to_owned()),
        Ok(_) | Err(_) => {
            Err(value(name, text, "must be a plain http address of this machine or of 169.254.0.0/16"))
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_this_machine() {
        for (text, expected) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            ("https://graph.microsoft.com/", "https://graph.microsoft.com"),
            ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
            ("http://[::1]:1/", "http://[::1]:1"),
            ("http://localhost:80", "http://localhost"),
        ] {
            assert_eq!(address("x", text).unwrap(), expected);
        }
        for text in [
            "graph.microsoft.com",
            "http://graph.microsoft.com",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "https://graph.microsoft.com/v1.0",
            "https://user:secret@graph.microsoft.com",
            "https://graph.microsoft.com?x=1",
            "ftp://localhost",
            "",
        ] {
            assert!(address("x", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_s_file_must_be_its_owner_s_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, " s3cret\n").unwrap();
        for (mode, is_taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let fetched = SecretSource::File(path.clone()).fetch();
            assert_eq!(fetched.is_ok_and(|secret| secret.expose() == "s3cret"), is_taken, "{mode:o}");
        }
    }

    #[test]
    fn a_secret_s_command_must_print_it_and_succeed() {
        let fetch =
            |script: &str| SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec()).fetch();
        assert_eq!(fetch("echo s3cret").unwrap().expose(), "s3cret");
        for script in ["exit 3", "echo s3cret; exit 1", "true", "printf '\\377'"] {
            let told = fetch(script).unwrap_err().to_string();
            assert!(!told.contains("s3cret"), "{told}");
        }
        assert!(SecretSource::Command(Vec::new()).fetch().is_err());
    }
}
