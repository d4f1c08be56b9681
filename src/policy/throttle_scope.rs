//! Reads `x-ms-throttle-scope`, which says who is throttled, and for what:
//! `<Tenant_Application|Tenant|Application>/<Read|Write|ReadWrite>/<app>/<tenant, user or resource>`
//! (Microsoft Graph, "Microsoft Graph throttling guidance").

use serde::{Deserialize, Serialize};

/// What a 429 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleScope {
    /// Who is hit.
    pub hits: Hits,
    /// What may not be sent.
    pub lanes: Lanes,
}

/// Who a 429 hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hits {
    /// This program alone, as far as is known.
    Us,
    /// Everybody in the tenant.
    Everybody,
}

/// Requests that share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lanes {
    /// GETs only.
    Reads,
    /// All others only.
    Writes,
    /// Everything.
    Both,
}

/// Reads the field's value. Where it is absent, or says nothing that is known, everything is meant.
#[must_use]
pub fn parse(value: Option<&str>) -> ThrottleScope {
    let mut parts = value.unwrap_or_default().split('/').map(|part| part.trim().to_ascii_lowercase());
    let hits = match parts.next().as_deref() {
        Some("tenant") => Hits::Everybody,
        Some(_) | None => Hits::Us,
    };
    let lanes = match parts.next().as_deref() {
        Some("read") => Lanes::Reads,
        Some("write") => Lanes::Writes,
        Some(_) | None => Lanes::Both,
    };
    ThrottleScope { hits, lanes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_and_what_is_meant_is_read_and_in_doubt_it_is_everything() {
        for (value, hits, lanes) in [
            (Some("Tenant_Application/Write/app/tenant"), Hits::Us, Lanes::Writes),
            (Some("Tenant_Application/ReadWrite/app/tenant"), Hits::Us, Lanes::Both),
            (Some("Application/Read/app"), Hits::Us, Lanes::Reads),
            (Some("Tenant/Read/app/tenant"), Hits::Everybody, Lanes::Reads),
            (Some(" tenant / write "), Hits::Everybody, Lanes::Writes),
            (Some("Tenant"), Hits::Everybody, Lanes::Both),
            (Some("/"), Hits::Us, Lanes::Both),
            (Some("Planet/Think"), Hits::Us, Lanes::Both),
            (Some(""), Hits::Us, Lanes::Both),
            (None, Hits::Us, Lanes::Both),
        ] {
            assert_eq!(parse(value), ThrottleScope { hits, lanes }, "{value:?}");
        }
    }
}
