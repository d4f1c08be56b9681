//! What earlier runs found out about a tenant's pace, kept in the user's state directory. It is worth a quick start and
//! no more: where it cannot be read or written the run goes on without.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::model::demand::Demand;
use crate::pace::pacer::{Learned, Limits, Seen};
use crate::policy::recall::Finding;

use super::connect::Connection;
use super::state::state_file;

/// The version of the file. One with a higher version is left as it is.
const VERSION: u32 = 1;

/// What is remembered of a tenant and app; of nobody in particular where there is no file.
#[derive(Debug)]
pub(super) struct Memory {
    path: Option<PathBuf>,
    content: Content,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    /// Whose limits these are, for people who look into the file.
    graph_root: String,
    tenant: String,
    client_id: Option<String>,
    reads: Option<Remembered>,
    writes: Option<Remembered>,
    /// How fast a run went that met no limit.
    #[serde(default)]
    unrefused: Unrefused,
}

/// Rates at which nothing was refused.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Unrefused {
    reads: Option<Remembered>,
    writes: Option<Remembered>,
}

/// A limit that was found, or a rate that met none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Remembered {
    requests_per_second: f64,
    /// How many requests it rests on.
    requests: u64,
    found_at: Timestamp,
}

/// What is looked at first.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// What a run found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Of GETs.
    pub(super) reads: Seen,
    /// Of all others.
    pub(super) writes: Seen,
    /// For how long.
    pub(super) time: Duration,
}

impl Memory {
    /// Nothing is known, and nothing will be kept.
    pub(super) const NONE: Self = Self {
        path: None,
        content: Content {
            version: VERSION,
            graph_root: String::new(),
            tenant: String::new(),
            client_id: None,
            reads: None,
            writes: None,
            unrefused: Unrefused { reads: None, writes: None },
        },
    };

    /// Reads what is known of a tenant. Where a token does not say whose it is nothing is remembered: tenants would mix.
    pub(super) fn of(connection: &Connection) -> Self {
        let Some(tenant) = connection.tenant.clone() else { return Self::NONE };
        let path = match state_file("pace", &connection.name(), "json") {
            Ok(path) => path,
            Err(error) => {
                warn!("the tenant's pace cannot be remembered: {error}");
                return Self::NONE;
            }
        };
        let owner = Content {
            version: VERSION,
            graph_root: connection.graph_root.clone(),
            tenant,
            client_id: connection.app.clone(),
            ..Content::default()
        };
        Self::read(path, owner)
    }

    fn read(path: PathBuf, owner: Content) -> Self {
        let content = match read(&path) {
            Ok(Some(Content { reads, writes, unrefused, .. })) => {
                Content { reads, writes, unrefused, ..owner }
            }
            Ok(None) => owner,
            Err(reason) => {
                warn!("{} is not used, and the tenant's pace is found anew: {reason}", path.display());
                owner
            }
        };
        Self { path: Some(path), content }
    }

    /// Where a run of so many requests should begin that begins at `now`.
    pub(super) fn learned(&self, demand: &Demand, now: Timestamp) -> Learned {
        let start = |remembered: Option<Remembered>| {
            let remembered = remembered?;
            remembered.finding().start(remembered.age(now))
        };
        let of_that_size = |remembered: Option<Remembered>, expected| {
            start(remembered.filter(|remembered| remembered.finding().speaks_for(expected)))
        };
        let Content { reads, writes, unrefused, .. } = &self.content;
        Learned {
            limits: Limits { reads: start(*reads), writes: start(*writes) },
            unrefused: Limits {
                reads: of_that_size(unrefused.reads, demand.reads),
                writes: of_that_size(unrefused.writes, demand.writes),
            },
        }
    }

    /// Joins what a run found until `now` with what is in the file by then: another run may have written it meanwhile.
    pub(super) fn keep(self, found: &Found, now: Timestamp) {
        let Some(path) = self.path else { return };
        let before = match read(&path) {
            Err(Unusable::Newer(_)) => return,
            Err(Unusable::File(_) | Unusable::Content(_)) | Ok(None) => self.content,
            Ok(Some(content)) => content,
        };
        let Found { reads, writes, time } = *found;
        let unrefused = Unrefused {
            reads: unrefused(before.unrefused.reads, reads, time, now),
            writes: unrefused(before.unrefused.writes, writes, time, now),
        };
        let content = Content {
            reads: joined(before.reads, reads, time, now),
            writes: joined(before.writes, writes, time, now),
            unrefused,
            ..before.clone()
        };
        if content != before
            && let Err(error) = replace(&path, &content)
        {
            warn!("the tenant's pace cannot be remembered in {}: {error}", path.display());
        }
    }
}

impl Remembered {
    const fn finding(self) -> Finding {
        Finding { per_second: self.requests_per_second, requests: self.requests }
    }

    /// A clock that was put back makes nothing older.
    fn age(self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.found_at)).unwrap_or_default()
    }
}

fn joined(before: Option<Remembered>, seen: Seen, time: Duration, now: Timestamp) -> Option<Remembered> {
    let Some(per_second) = seen.limit else {
        return before.filter(|before| !before.finding().is_refuted_by(seen.accepted, time));
    };
    let new = Finding { per_second, requests: seen.accepted };
    let Finding { per_second, requests } =
        before.map_or(new, |before| new.joined(before.finding(), before.age(now)));
    Some(Remembered { requests_per_second: per_second, requests, found_at: now })
}

/// Whoever met a limit knows better than that there is none.
fn unrefused(before: Option<Remembered>, seen: Seen, time: Duration, now: Timestamp) -> Option<Remembered> {
    let Seen { limit: None, accepted: requests, throttled } = seen else { return None };
    let requests_per_second = requests as f64 / time.as_secs_f64();
    let new = Remembered { requests_per_second, requests, found_at: now };
    let is_possible = throttled == 0 && POSSIBLE.contains(&requests_per_second);
    let is_known = is_possible && new.finding().is_sure();
    let is_kept =
        |before: &Remembered| !is_known || !new.finding().outweighs(before.finding(), before.age(now));
    before.filter(is_kept).or(is_known.then_some(new))
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    File(io::Error),
    #[error("a newer authwave wrote it (version {0})")]
    Newer(u32),
    #[error("it cannot be understood ({0})")]
    Content(String),
}

/// `None` where there is no file.
fn read(path: &Path) -> Result<Option<Content>, Unusable> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::File(error)),
    };
    let meaningless = |error: serde_json::Error| Unusable::Content(error.to_string());
    match serde_json::from_str(&text).map_err(meaningless)? {
        Versioned { version: VERSION } => {}
        Versioned { version } => return Err(Unusable::Newer(version)),
    }
    let content: Content = serde_json::from_str(&text).map_err(meaningless)?;
    let is_sound = |limit: &Remembered| POSSIBLE.contains(&limit.requests_per_second);
    let Content { reads, writes, unrefused, .. } = &content;
    if ![reads, writes, &unrefused.reads, &unrefused.writes].into_iter().flatten().all(is_sound) {
        return Err(Unusable::Content("a rate is out of range".to_owned()));
    }
    Ok(Some(content))
}

/// Rates that a tenant may have, in requests a second.
const POSSIBLE: std::ops::Range<f64> = 0.001..1e6;

/// Puts the file in its place in one step, under a name of this process's own until then.
fn replace(path: &Path, content: &Content) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec_pretty(content)?)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use tempfile::TempDir;

    use super::*;

    const TIME: Duration = Duration::from_secs(30);

    fn start() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    fn memory(dir: &TempDir) -> Memory {
        let owner = Content { version: VERSION, tenant: "contoso.com".to_owned(), ..Content::default() };
        Memory::read(dir.path().join("tenant.json"), owner)
    }

    fn seen(accepted: u64) -> Seen {
        Seen { limit: None, accepted, throttled: 0 }
    }

    /// A job of so many writes.
    fn demand(writes: u64) -> Demand {
        Demand { rows: writes, reads: 0, writes }
    }

    fn found(writes: Option<f64>) -> Found {
        Found { reads: seen(10), writes: Seen { limit: writes, ..seen(1_000) }, time: TIME }
    }

    #[test]
    fn the_next_run_begins_where_the_last_one_ended_and_later_ones_lower() {
        let dir = tempfile::tempdir().unwrap();
        memory(&dir).keep(&found(Some(14.2)), start());
        let limits =
            |days: i32| memory(&dir).learned(&demand(1), start() + (i64::from(days) * 24).hours()).limits;
        assert_eq!(limits(1), Limits { reads: None, writes: Some(14.2) });
        assert!(limits(20).writes.unwrap() < 14.0);
        assert_eq!(limits(40), Limits::default());
        assert_eq!(limits(-5), limits(1), "a clock that was put back");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_run_that_met_no_limit_leaves_what_is_known_or_no_file() {
        let dir = tempfile::tempdir().unwrap();
        memory(&dir).keep(&Found { writes: seen(99), ..found(None) }, start());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "too small to say anything");
        memory(&dir).keep(&found(Some(14.2)), start());
        memory(&dir).keep(&found(None), start());
        assert_eq!(memory(&dir).learned(&demand(1), start()).limits.writes, Some(14.2));
        // 1,000 requests in a minute are more than 14.2 a second.
        memory(&dir).keep(&Found { time: Duration::from_mins(1), ..found(None) }, start());
        assert_eq!(
            memory(&dir).learned(&demand(1), start()).limits.writes,
            Some(14.2),
            "16.7/s are about as much"
        );
        memory(&dir)
            .keep(&Found { writes: seen(10_000), time: Duration::from_mins(1), ..found(None) }, start());
        assert_eq!(memory(&dir).learned(&demand(1), start()).limits, Limits::default());
    }

    #[test]
    fn where_no_limit_was_met_the_next_job_as_large_knows_how_fast_the_last_one_went() {
        let dir = tempfile::tempdir().unwrap();
        let unrefused = |expected, days: i64| {
            let Learned { limits, unrefused } =
                memory(&dir).learned(&demand(expected), start() + (days * 24).hours());
            assert_eq!((limits, unrefused.reads), (Limits::default(), None), "10 reads say nothing");
            unrefused.writes
        };
        memory(&dir).keep(&Found { writes: seen(3_000), ..found(None) }, start());
        assert_eq!(unrefused(6_000, 0), Some(100.0), "3,000 in 30 seconds");
        assert_eq!(unrefused(6_001, 0), None, "a larger job");
        assert_eq!(unrefused(6_000, 40), None, "too old");
        memory(&dir).keep(&found(None), start());
        assert_eq!(unrefused(6_000, 0), Some(100.0), "a small run between");
        memory(&dir).keep(&Found { writes: seen(90), ..found(None) }, start() + (40 * 24).hours());
        assert_eq!(unrefused(6_000, 0), Some(100.0), "one that says nothing");
        let refused = Seen { throttled: 1, ..seen(6_000) };
        memory(&dir).keep(&Found { writes: refused, ..found(None) }, start());
        assert_eq!(unrefused(6_000, 0), Some(100.0), "one that was refused");
        let slow = Found { writes: seen(6_000), time: TIME * 10, ..found(None) };
        memory(&dir).keep(&slow, start());
        assert_eq!(unrefused(6_000, 0), Some(100.0), "one that something else held back");
        memory(&dir).keep(&Found { writes: seen(6_000), ..found(None) }, start());
        assert_eq!(unrefused(6_000, 0), Some(200.0));
        memory(&dir).keep(&found(Some(14.2)), start());
        let learned = memory(&dir).learned(&demand(1), start());
        assert_eq!(learned.limits.writes, Some(14.2));
        assert_eq!(learned.unrefused, Limits::default(), "a limit was met");
    }

    #[test]
    fn what_another_run_wrote_meanwhile_is_joined_and_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (memory(&dir), memory(&dir));
        let reads = Found { reads: Seen { limit: Some(5.0), ..seen(10) }, ..found(None) };
        one.keep(&reads, start());
        other.keep(&found(Some(14.2)), start());
        assert_eq!(
            memory(&dir).learned(&demand(1), start()).limits,
            Limits { reads: Some(5.0), writes: Some(14.2) }
        );
    }

    #[test]
    fn whoever_reads_meanwhile_sees_a_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        memory(&dir).keep(&found(Some(14.2)), start());
        let path = dir.path().join("tenant.json");
        let mut content = read(&path).unwrap().unwrap();
        content.graph_root = "x".repeat(100_000);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..300).for_each(|_| replace(&path, &content).unwrap()));
            while !writer.is_finished() {
                assert!(matches!(read(&path), Ok(Some(_))));
            }
        });
    }

    #[test]
    fn what_cannot_be_understood_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tenant.json");
        let of = |rate: &str| {
            format!(
                r#"{{"version":1,"graph_root":"","tenant":"","client_id":null,"reads":null,
                    "writes":{{"requests_per_second":{rate},"requests":1,"found_at":"2026-01-01T00:00:00Z"}}}}"#
            )
        };
        let unsound = of("7").replace("\"reads\":null,", &format!("\"unrefused\":{},", &of("0")));
        for broken in [
            "",
            "{",
            "[]",
            "\0",
            r#"{"version":"one"}"#,
            r#"{"version":1}"#,
            &of("0"),
            &of("-1"),
            &of("1e9"),
            &unsound,
        ] {
            fs::write(&path, broken).unwrap();
            assert!(matches!(read(&path), Err(Unusable::Content(_))), "{broken}");
            let memory_of_broken = memory(&dir);
            assert_eq!(memory_of_broken.learned(&demand(1), start()).limits, Limits::default(), "{broken}");
            memory_of_broken.keep(&found(Some(14.2)), start());
            assert_eq!(memory(&dir).learned(&demand(1), start()).limits.writes, Some(14.2), "{broken}");
        }
        fs::write(&path, of("7")).unwrap();
        assert_eq!(memory(&dir).learned(&demand(1), start()).limits.writes, Some(7.0));
    }

    #[test]
    fn what_a_newer_program_wrote_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (path, text) = (dir.path().join("tenant.json"), r#"{"version":2,"curve":[1,2,3]}"#);
        fs::write(&path, text).unwrap();
        let newer = memory(&dir);
        assert_eq!(newer.learned(&demand(1), start()).limits, Limits::default());
        newer.keep(&found(Some(14.2)), start());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
