//! What the tenant saw of its clients: the numbers by which a client is judged.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::phones::Effect;
use super::route::Resource;
use super::users::LastWrite;

/// Counts since the tenant began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Ledger {
    /// Requests to the API, without those to the token endpoint.
    pub requests: u64,
    /// GETs among them.
    pub reads: u64,
    /// All others.
    pub writes: u64,
    /// Batches; the requests in them are counted one by one.
    pub batches: u64,
    /// Answers by status; `none` where the connection was broken on purpose.
    pub by_status: BTreeMap<String, u64>,
    /// Answers 429.
    pub throttled: u64,
    /// Requests that came while a Retry-After ran, those included that were on the wire when it was sent.
    pub early: u64,
    /// Writes that came again right after the same write had been done and its client had been told so.
    pub double_writes: u64,
    /// Phones that were posted again after a lost answer without a look at the user in between.
    pub blind_repeats: u64,
    /// Resets that were sent again after a lost answer.
    pub repeated_resets: u64,
    /// Requests that went against the order rules: an alternateMobile without mobile, a mobile before its alternate.
    pub order_violations: u64,
    /// Phones that were added, changed or removed, and SMS switches that were set.
    pub changes: u64,
    /// Resets that were accepted.
    pub resets: u64,
    /// Tokens that were granted.
    pub tokens: u64,
}

impl Ledger {
    pub(super) fn count_status(&mut self, status: Option<u16>) {
        // The few statuses of a run are found without making a text of each.
        let key = match status {
            Some(200) => "200",
            Some(201) => "201",
            Some(204) => "204",
            Some(429) => "429",
            None => "none",
            Some(other) => {
                *self.by_status.entry(other.to_string()).or_default() += 1;
                return;
            }
        };
        match self.by_status.get_mut(key) {
            Some(count) => *count += 1,
            None => drop(self.by_status.insert(key.to_owned(), 1)),
        }
    }

    pub(super) fn note_repeat(&mut self, last: Option<LastWrite>, print: u64, resource: &Resource) {
        let Some(last) = last.filter(|last| last.print == print && last.was_done) else { return };
        match (last.was_told, resource) {
            (true, _) => self.double_writes += 1,
            (false, Resource::Reset) => self.repeated_resets += 1,
            (false, Resource::Phones) if !last.was_read_since => self.blind_repeats += 1,
            (false, _) => {}
        }
    }

    pub(super) fn note_effect(&mut self, effect: Effect, resource: &Resource) {
        match effect {
            Effect::Changed if *resource != Resource::Reset => self.changes += 1,
            Effect::Changed | Effect::Nothing => {}
            Effect::AgainstOrder => self.order_violations += 1,
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses: Vec<String> =
            self.by_status.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        writeln!(f, "the simulated tenant saw {} requests ({})", self.requests, statuses.join(", "))?;
        write!(
            f,
            "  {} throttled, {} early, {} double writes, {} blind repeats, {} repeated resets, {} order violations",
            self.throttled,
            self.early,
            self.double_writes,
            self.blind_repeats,
            self.repeated_resets,
            self.order_violations
        )
    }
}
