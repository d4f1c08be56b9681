//! Keeps what happens while it happens: a thread of its own commits events in groups.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{future::Future, io};

use tokio::sync::watch;
use tokio::time::Instant;

use super::note::Note;
use super::record::Traffic;
use super::store::{Store, fault};
use crate::model::event::{Event, Observer, ObserverError};

/// No more events are in one commit.
const GROUP: usize = 512;

/// No event waits longer for its commit.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long company is waited for where somebody waits for the commit.
const URGENT_PATIENCE: Duration = Duration::from_millis(4);

/// How many notes may wait for the thread; beyond it the run waits.
const CHANNEL: usize = 4_096;

/// How far the journal is.
#[derive(Debug, Clone, Default)]
struct Kept {
    /// So many events are kept for good, from the first.
    count: u64,
    /// Why no more will be.
    failure: Option<String>,
}

/// A note, and how many events had been shown with it.
type Message = (u64, Note);

/// The journal of a run that is under way: the first of its observers.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    notes: SyncSender<Message>,
    thread: JoinHandle<Store>,
    kept: watch::Receiver<Kept>,
    shown: u64,
    traffic: Traffic,
    /// What was noted last.
    last_noted: Traffic,
}

impl Journal {
    /// Keeps all that is shown in `store`, which has a session.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(store: Store) -> io::Result<Self> {
        let (notes, inbox) = sync_channel(CHANNEL);
        let (progress, kept) = watch::channel(Kept::default());
        let path = store.path.clone();
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keep_all(store, &inbox, &progress))?;
        let (traffic, last_noted) = Default::default();
        Ok(Self { path, notes, thread, kept, shown: 0, traffic, last_noted })
    }

    /// Commits what is left and gives the store back, and whether all was kept.
    pub fn finish(mut self) -> (Option<Store>, Result<(), ObserverError>) {
        self.note_traffic();
        let Self { path, notes, thread, kept, .. } = self;
        drop(notes);
        let store = thread.join().ok();
        let failure = kept.borrow().failure.clone();
        let result = match (&store, failure) {
            (Some(_), None) => Ok(()),
            (_, failure) => Err(broken(&path, failure)),
        };
        (store, result)
    }

    fn note_traffic(&mut self) {
        if self.traffic != self.last_noted {
            self.last_noted = self.traffic.clone();
            self.send(Note::Traffic(self.traffic.clone()));
        }
    }

    fn send(&self, note: Note) {
        // A thread that is gone shows in `kept`.
        let _ = self.notes.send((self.shown, note));
    }

    fn sound(&self) -> Result<(), ObserverError> {
        match &self.kept.borrow().failure {
            None => Ok(()),
            Some(failure) => Err(broken(&self.path, Some(failure.clone()))),
        }
    }
}

impl Observer for Journal {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.shown += 1;
        match event {
            Event::Answered(answered) => self.traffic.requests.add(answered),
            Event::Held { span } => self.traffic.held += *span,
            Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Accepted(_)
            | Event::Polled(_)
            | Event::Closed(_)
            | Event::Listed { .. }
            | Event::Ended(_) => {}
        }
        if let Some(note) = Note::of(event) {
            self.sound()?;
            self.send(note);
        }
        Ok(())
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        self.note_traffic();
        self.sound()
    }

    fn kept(&mut self, count: u64) -> impl Future<Output = Result<u64, ObserverError>> {
        let (mut kept, path) = (self.kept.clone(), &self.path);
        async move {
            let reached = kept.wait_for(|kept| kept.failure.is_some() || kept.count >= count).await;
            match reached.as_deref() {
                Ok(Kept { count, failure: None }) => Ok(*count),
                Ok(Kept { failure, .. }) => Err(broken(path, failure.clone())),
                Err(_) => Err(broken(path, None)),
            }
        }
    }
}

fn broken(path: &Path, failure: Option<String>) -> ObserverError {
    let reason = failure.unwrap_or_else(|| "its thread is gone".to_owned());
    ObserverError { what: path.display().to_string(), source: io::Error::other(reason) }
}

/// Commits until nobody sends any more. After a commit that failed nothing is kept: what was not noted has not happened.
fn keep_all(mut store: Store, inbox: &Receiver<Message>, progress: &watch::Sender<Kept>) -> Store {
    let mut group = Group::default();
    while group.gather(inbox) {
        if progress.borrow().failure.is_some() {
            continue;
        }
        match store.keep(&mem::take(&mut group.notes)) {
            Ok(()) => progress.send_modify(|kept| kept.count = group.shown),
            Err(error) => {
                let reason = fault(&store.path, &error).source.to_string();
                progress.send_modify(|kept| kept.failure = Some(reason));
            }
        }
    }
    store
}

/// Notes that are committed together.
#[derive(Default)]
struct Group {
    notes: Vec<Note>,
    /// How many events had been shown with the last of them.
    shown: u64,
}

impl Group {
    /// Takes notes in until it is time to commit them; `false` where there is none, and none will come.
    fn gather(&mut self, inbox: &Receiver<Message>) -> bool {
        self.notes.clear();
        let Ok(first) = inbox.recv() else { return false };
        let began = Instant::now();
        let mut deadline = began + self.take(first);
        while self.notes.len() < GROUP {
            match inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => deadline = deadline.min(began + self.take(message)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        true
    }

    /// Takes a note in; says how long it may wait.
    fn take(&mut self, (shown, note): Message) -> Duration {
        let patience = if note.is_urgent() { URGENT_PATIENCE } else { PATIENCE };
        self.shown = shown;
        self.notes.push(note);
        patience
    }
}
