//! report.html, made from the journal alone: by `authwave report`, and at the end of every run.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use jiff::SignedDuration;
use serde_json::Value;

use crate::journal::record::Traffic;
use crate::journal::store::Store;
use crate::model::digest::Digest;
use crate::model::event::{Access, ObserverError};
use crate::model::numbers::Numbers;
use crate::policy::holders::Holders;
use crate::report::page::{Facts, page};
use crate::report::verdict::{Errand, Presence};
use crate::results::summary::Summary;
use crate::settings::args;

use super::environment::print;
use super::error::AppError;
use super::exit::Exit;
use super::holders;
use super::locks::{LockError, Use, lock_run_directory};
use super::next::{Rest, next_steps, refused};
use super::run_directory::RunDirectory;
use super::status;

const NAME: &str = "report.html";

/// `authwave report`.
pub(super) fn report(args: &args::Report) -> Result<Exit, AppError> {
    status::doing("making the report");
    let directory = RunDirectory::existing(&args.run_dir);
    // Looked for first, so that no lock is left in a directory that is none of ours.
    let path = directory.journal()?;
    let (others_use, _lock) = match lock_run_directory(directory.path(), Use::Reading) {
        Ok(lock) => (None, Some(lock)),
        Err(LockError::RunDirectory { use_of_it, .. }) => (Some(use_of_it), None),
        Err(error) => return Err(error.into()),
    };
    let store = Store::open(&path)?;
    let digest = store.digest()?;
    let presence = presence(others_use, &digest);
    let numbers = if args.show_numbers { Numbers::Shown } else { Numbers::Masked };
    let holders = holders(&directory, &store, &digest)?;
    write(&directory, &store, (&digest, &holders), (numbers, presence))?;
    print(&format!("{}\n", directory.file(NAME).display()));
    Ok(Exit::Done)
}

/// Whether somebody works on the run: `verify` and others only read it, and who has noted its end is about to go.
fn presence(others_use: Option<Use>, digest: &Digest) -> Presence {
    let is_open = digest.sessions.last().is_none_or(|session| session.ended_at.is_none());
    match others_use {
        Some(Use::Work) if is_open => Presence::UnderWay,
        Some(Use::Work | Use::Reading) | None => Presence::Over,
    }
}

/// A search of the tenant stands in the summary alone. One of another end tells nothing of this one.
fn holders(directory: &RunDirectory, store: &Store, digest: &Digest) -> Result<Holders, AppError> {
    let ended_at = digest.sessions.last().and_then(|session| session.ended_at);
    let summary = fs::read(directory.file("summary.json")).ok();
    let summary = summary.and_then(|text| serde_json::from_slice::<Summary>(&text).ok());
    match summary {
        Some(summary) if ended_at.is_some_and(|at| summary.is_of(at)) => Ok((&summary.numbers_taken).into()),
        Some(_) | None => holders::of_journal(store),
    }
}

/// Writes the report.
pub(super) fn write(
    directory: &RunDirectory,
    store: &Store,
    told: (&Digest, &Holders),
    (numbers, presence): (Numbers, Presence),
) -> Result<(), AppError> {
    let text = text(directory, store, told, (numbers, presence))?;
    put(directory, NAME, &text)
}

/// Writes a page in the place of an earlier one, in one step, for its owner alone.
pub(super) fn put(directory: &RunDirectory, name: &str, text: &str) -> Result<(), AppError> {
    let path = directory.file(name);
    let written = tempfile::NamedTempFile::new_in(directory.path()).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.persist(&path).map_err(|error| error.error).map(|_| ())
    });
    written.map_err(|source| ObserverError { what: path.display().to_string(), source }.into())
}

fn text(
    directory: &RunDirectory,
    store: &Store,
    (digest, holders): (&Digest, &Holders),
    (numbers, presence): (Numbers, Presence),
) -> Result<String, AppError> {
    let run = store.run();
    let Traffic { requests, held, throughput } = store.traffic()?;
    let limit = |(access, name)| {
        let limit = throughput.last_limit(access);
        limit.map(|limit| format!("{limit:.1} {name} a second"))
    };
    let errand = Errand::of(&run.command);
    Ok(page(&Facts {
        input: run.input.file_name().unwrap_or(run.input.as_os_str()).display().to_string(),
        errand,
        // Who reads each user once has counted them at the end.
        rows: if errand == Errand::Rows { run.rows } else { users(run.rows, digest, presence) },
        started_at: run.started_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        worked: told(digest.worked),
        is_rehearsal: run.is_rehearsal,
        tenant: run.tenant.as_deref(),
        graph_root: &run.graph_root,
        api_version: &run.api_version,
        program_version: &run.program_version,
        digest,
        holders,
        requests: &requests,
        throughput: &throughput,
        held: told(held),
        limits: [(Access::Read, "reads"), (Access::Write, "writes")].into_iter().filter_map(limit).collect(),
        next: next(store, directory.path(), digest, presence)?,
        settings: settings(&run.settings),
        numbers,
        presence,
    }))
}

/// How many users there are, or may be: no more than rows.
fn users(rows: u64, digest: &Digest, presence: Presence) -> u64 {
    let is_ended = digest.sessions.last().is_some_and(|session| session.ended_at.is_some());
    if presence == Presence::Over && is_ended { digest.rows.total() } else { rows }
}

fn next(
    store: &Store,
    directory: &Path,
    digest: &Digest,
    presence: Presence,
) -> Result<Vec<String>, AppError> {
    if presence == Presence::UnderWay {
        return Ok(Vec::new());
    }
    let last = digest.sessions.last();
    let exit_code = last.and_then(|session| session.exit_code);
    let was_stopped = last.is_some_and(|session| session.stop_reason.is_some());
    // A path that cannot be made absolute is told as it was given.
    let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let rest = Rest { rows: digest.rows, refused: refused(store)?, exit_code, was_stopped };
    Ok(next_steps(store.run(), &directory, &rest))
}

/// To a tenth of a second.
fn told(span: std::time::Duration) -> String {
    let tenths = u64::try_from(span.as_millis() / 100).unwrap_or(u64::MAX);
    let rounded = std::time::Duration::from_millis(tenths.saturating_mul(100));
    SignedDuration::try_from(rounded).map_or_else(|_| format!("{rounded:?}"), |span| format!("{span:#}"))
}

/// Names and values of what was asked for, from the journal's JSON, in which no secret stands.
fn settings(json: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // What cannot be read is not told; the journal still has it.
    flatten("", &serde_json::from_str(json).unwrap_or_default(), &mut found);
    found
}

fn flatten(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&inner, value, found);
            }
        }
        Value::Array(values) if values.is_empty() => {}
        Value::String(text) => found.push((name.to_owned(), text.clone())),
        Value::Array(_) | Value::Bool(_) | Value::Number(_) => {
            found.push((name.to_owned(), value.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_by_their_path_without_what_was_not_asked_for() {
        let json = r#"{"config":null,"pace":{"in_flight":8,"polite":true},"choices":{"form":{"map":[]},"max":"5%"}}"#;
        let expected = [("choices.max", "5%"), ("pace.in_flight", "8"), ("pace.polite", "true")];
        let mut told = settings(json);
        told.sort();
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn spans_are_told_to_a_tenth_of_a_second() {
        assert_eq!(told(std::time::Duration::from_millis(61_270)), "1m 1s 200ms");
    }
}
