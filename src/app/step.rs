//! Keeps a run in step with the user's other runs on the same tenant: each writes what it does into a small file of its
//! own in the user's state directory, again and again, and reads those of the others. Whose file stands still is gone.
//! It is worth level shares and no more: where it fails the run goes on as if it were alone.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::pace::fellows::{Fellows, RunId, Told};
use crate::pace::pacer::Pacer;

use super::clock::wall_clock;
use super::state::state_directory;

/// So often a run tells and hears, beside others and alone.
const BESIDE_OTHERS: Duration = Duration::from_millis(20);
const ALONE: Duration = Duration::from_millis(100);
/// Whose file stands still for so long is gone, or stopped.
const GONE_AFTER: Duration = Duration::from_secs(3);
/// Files that stand still for so long were left behind.
const LEFT_AFTER: Duration = Duration::from_hours(24);
/// A file is written in place, with blanks behind what it says, so that what was longer before leaves nothing.
const SIZE: usize = 2_048;
/// What is read is no older than this: more says that a clock was put forward.
const OLDEST: Duration = Duration::from_millis(500);
/// The version of the file. Others are not understood.
const VERSION: u32 = 1;

/// In step with other runs as long as this lives.
#[derive(Debug)]
pub(super) struct Step {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Step {
    /// Begins. `tenant` tells tenants and apps apart. `None` where nobody's pace is looked for, or it cannot be.
    pub(super) fn keep(tenant: &str, pacer: &Arc<Pacer>) -> Option<Self> {
        if !pacer.seeks() {
            return None;
        }
        let begun = || {
            let mut board = Board::open(state_directory("step", tenant)?)?;
            // Before the first request leaves.
            let mut interval = board.turn(pacer);
            let (end, ended) = mpsc::channel();
            let pacer = Arc::clone(pacer);
            let thread = thread::Builder::new().name("step".to_owned()).spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    interval = board.turn(&pacer);
                }
            })?;
            Ok::<_, io::Error>(Self { end: Some(end), thread: Some(thread) })
        };
        begun().inspect_err(|error| warn!("cannot keep in step with other runs on this tenant: {error}")).ok()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It panics for no reason of its own, and nothing depends on it.
            let _ = thread.join();
        }
    }
}

/// The files of all runs on a tenant.
struct Board {
    directory: PathBuf,
    me: RunId,
    path: PathBuf,
    file: File,
    turn: u64,
    listed_at: Option<Instant>,
    others: HashMap<RunId, Other>,
    company: usize,
}

/// Another run's file.
struct Other {
    file: File,
    /// What it said last, and when that was.
    said: Option<(Said, Instant)>,
    /// When it was seen to say something new.
    heard_at: Option<Instant>,
}

impl Board {
    fn open(directory: PathBuf) -> io::Result<Self> {
        let began = u64::try_from(wall_clock().as_microsecond()).unwrap_or_default();
        let me = RunId { began, process: std::process::id() };
        let path = directory.join(file_name(me));
        let file = create(&path)?;
        let others = HashMap::new();
        Ok(Self { directory, me, path, file, turn: 0, listed_at: None, others, company: 0 })
    }

    /// Tells and hears once. Gives the time until the next turn.
    fn turn(&mut self, pacer: &Pacer) -> Duration {
        // Who cannot tell hears nevertheless, and is taken for gone.
        let _ = self.tell(&pacer.tell());
        let fellows = self.hear();
        if fellows.len() != self.company {
            self.company = fellows.len();
            info!("in step with {} other runs on this tenant", self.company);
        }
        pacer.hear(self.me, fellows);
        if self.company > 0 { BESIDE_OTHERS } else { ALONE }
    }

    fn tell(&mut self, told: &Told) -> io::Result<()> {
        self.turn += 1;
        let said =
            Said { version: VERSION, turn: self.turn, at: micros(), told: *told, same_turn: self.turn };
        let mut text = serde_json::to_vec(&said)?;
        text.resize(text.len().max(SIZE), b' ');
        self.file.write_all_at(&text, 0)
    }

    /// What the others said last that are there.
    fn hear(&mut self) -> Fellows {
        let (now, wall) = (Instant::now(), micros());
        if self.listed_at.is_none_or(|listed_at| now.saturating_duration_since(listed_at) >= ALONE) {
            self.listed_at = Some(now);
            // Those that are known stay so where it cannot be listed.
            let _ = self.list();
        }
        self.others.iter_mut().filter_map(|(id, other)| Some((*id, other.hear(now, wall)?))).collect()
    }

    fn list(&mut self) -> io::Result<()> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(run_id) else { continue };
            listed.push(id);
            if id == self.me {
                continue;
            }
            let path = self.directory.join(name);
            if !self.others.contains_key(&id)
                && !is_left_behind(&path)
                && let Ok(file) = File::open(&path)
            {
                self.others.insert(id, Other { file, said: None, heard_at: None });
            }
        }
        self.others.retain(|id, _| listed.contains(id));
        if !listed.contains(&self.me) {
            // Somebody took it away who thought that it had been left behind.
            self.file = create(&self.path)?;
        }
        Ok(())
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // What is left behind is taken for gone, and taken away later.
        let _ = fs::remove_file(&self.path);
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Takes a file away that no run can have any more.
fn is_left_behind(path: &Path) -> bool {
    let still = fs::metadata(path).and_then(|data| data.modified()).ok().and_then(|at| at.elapsed().ok());
    let is_left = still.is_some_and(|still| still >= LEFT_AFTER);
    if is_left {
        let _ = fs::remove_file(path);
    }
    is_left
}

impl Other {
    /// What it says, unless it is gone.
    fn hear(&mut self, now: Instant, wall: u64) -> Option<(Instant, Told)> {
        if let Some(said) = self.read() {
            let is_new = match &self.said {
                Some((before, _)) => before.turn != said.turn,
                // Whether it moves is not known yet.
                None => wall.abs_diff(said.at) < u64::try_from(GONE_AFTER.as_micros()).unwrap_or(u64::MAX),
            };
            if is_new {
                self.heard_at = Some(now);
            }
            if is_new || self.said.is_none() {
                let ago = Duration::from_micros(wall.saturating_sub(said.at)).min(OLDEST);
                self.said = Some((said, now.checked_sub(ago).unwrap_or(now)));
            }
        }
        let heard_at = self.heard_at?;
        let (said, then) = self.said.as_ref()?;
        (now.saturating_duration_since(heard_at) < GONE_AFTER).then_some((*then, said.told))
    }

    /// `None` where it is being written, or is not understood.
    fn read(&self) -> Option<Said> {
        let mut text = [0; SIZE];
        let length = self.file.read_at(&mut text, 0).ok()?;
        let said: Said = serde_json::from_slice(text.get(..length)?).ok()?;
        (said.version == VERSION && said.turn == said.same_turn && said.told.is_sound()).then_some(said)
    }
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    version: u32,
    /// Counts what was said, at the beginning and at the end, so that half a file is told from a whole one.
    turn: u64,
    /// When, in microseconds since 1970.
    at: u64,
    told: Told,
    same_turn: u64,
}

fn micros() -> u64 {
    u64::try_from(wall_clock().as_microsecond()).unwrap_or_default()
}

fn file_name(id: RunId) -> String {
    format!("{}-{}", id.began, id.process)
}

fn run_id(name: &str) -> Option<RunId> {
    let (began, process) = name.split_once('-')?;
    Some(RunId { began: began.parse().ok()?, process: process.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::SystemTime;

    use tempfile::TempDir;
    use tokio::time::advance;

    use super::*;
    use crate::model::event::Access;
    use crate::pace::pacer::{Learned, PaceSettings, Seek};

    fn pacer() -> Pacer {
        let seek = Seek { expected: 1_000, learned: Learned::default(), share: 1.0 };
        let in_flight = NonZeroUsize::new(64).unwrap();
        Pacer::new(PaceSettings { requests_per_second: None, in_flight, shared_by: None, seek: Some(seek) })
    }

    fn board(dir: &TempDir) -> Board {
        Board::open(dir.path().to_owned()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_says_the_other_hears_and_nothing_is_left_of_those_that_end() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut other, pacer) = (board(&dir), board(&dir), pacer());
        pacer.passed(Access::Write, Instant::now(), Some(0.5));
        let told = pacer.tell();
        one.tell(&told).unwrap();
        let heard = other.hear();
        assert_eq!(heard.get(&one.me).map(|(_, told)| told.writes), Some(told.writes));
        fs::remove_file(&one.path).unwrap();
        advance(ALONE).await;
        assert!(other.hear().is_empty());
        one.hear();
        one.tell(&told).unwrap();
        advance(ALONE).await;
        assert_eq!(other.hear().len(), 1, "it is there again");
        drop(one);
        advance(ALONE).await;
        assert!(other.hear().is_empty());
        drop(other);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whose_file_stands_still_is_gone_and_comes_back_with_the_next_word() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut other, told) = (board(&dir), board(&dir), pacer().tell());
        for seconds in [0, 2, 4] {
            one.tell(&told).unwrap();
            assert_eq!(other.hear().len(), 1, "{seconds}");
            advance(Duration::from_secs(2)).await;
        }
        let moment = |board: &mut Board| board.hear().into_values().next().map(|(then, _)| then);
        assert_eq!(moment(&mut other), moment(&mut other), "what stands still was said once");
        advance(Duration::from_secs(2)).await;
        assert_eq!(other.hear().len(), 0);
        one.tell(&told).unwrap();
        assert_eq!(other.hear().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_word_and_strange_files_are_not_listened_to() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut other, pacer) = (board(&dir), board(&dir), pacer());
        fs::write(dir.path().join("notes.txt"), "not ours").unwrap();
        fs::write(dir.path().join("17-18"), "{").unwrap();
        let before = pacer.tell();
        one.tell(&before).unwrap();
        assert_eq!(other.hear().len(), 1);
        pacer.passed(Access::Write, Instant::now(), None);
        one.tell(&pacer.tell()).unwrap();
        let whole = fs::read_to_string(&one.path).unwrap();
        for (from, to) in [
            ("\"same_turn\":2", "\"same_turn\":1"),
            ("\"version\":1", "\"version\":2"),
            ("\"limit\":null", "\"limit\":0"),
            ("}", ""),
        ] {
            fs::write(&one.path, whole.replace(from, to)).unwrap();
            assert_eq!(other.hear()[&one.me].1.writes, before.writes, "{to}");
        }
        fs::write(&one.path, whole).unwrap();
        assert_eq!(other.hear()[&one.me].1.writes.accepted, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_was_left_behind_is_taken_away_and_not_one_that_may_be_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let mut here = board(&dir);
        for (name, still) in [("1-1", LEFT_AFTER), ("2-2", LEFT_AFTER / 2)] {
            let file = File::create(dir.path().join(name)).unwrap();
            #[expect(clippy::disallowed_methods, reason = "files are dated by the wall clock")]
            file.set_modified(SystemTime::now() - still).unwrap();
        }
        assert!(here.hear().is_empty());
        assert!(!dir.path().join("1-1").exists() && dir.path().join("2-2").exists());
    }
}
