//! Addresses to which tokens or secrets go, checked.

use std::net::IpAddr;

use url::{Host, Url};

use super::error::{SettingsError, value};

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

/// Checks the address of a collector of telemetry, to which no token goes: http or https.
pub(super) fn collector(name: &'static str, text: &str) -> Result<String, SettingsError> {
    let Ok(url) = Url::parse(text) else {
        return Err(value(name, text, "is no URL; write it as http://localhost:4318"));
    };
    let is_bare = url.query().is_none() && url.fragment().is_none();
    match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            // The value would show it.
            Err(value(
                name,
                "(hidden)",
                "must not hold a user name or password; OTEL_EXPORTER_OTLP_HEADERS may",
            ))
        }
        "http" | "https" if url.has_host() && is_bare => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(value(name, text, "must be the root of a collector, as http://localhost:4318")),
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
}
