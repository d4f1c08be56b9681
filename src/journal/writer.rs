//! Keeps what happens while it happens: a thread of its own commits events in groups.

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::{future::Future, io};

use tokio::sync::watch;
use tokio::time::Instant;

use super::inbox::End;
use super::note::Note;
use super::record::Traffic;
use super::store::{Store, fault};
use crate::model::event::{Event, Observer, ObserverError};
use crate::model::header::Header;
use crate::pace::pacer::Limits;

/// How far the journal is.
#[derive(Debug, Clone, Default)]
struct Kept {
    /// So many events are kept for good, from the first.
    count: u64,
    /// Why no more will be.
    failure: Option<String>,
}

/// The journal of a run that is under way: the first of its observers.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    header: Header,
    notes: End,
    thread: JoinHandle<Store>,
    kept: watch::Receiver<Kept>,
    shown: u64,
    /// The beginning of the session.
    began: Instant,
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
        let (notes, inbox) = End::both();
        let (progress, kept) = watch::channel(Kept::default());
        let (path, header) = (store.path.clone(), store.run.header.clone());
        let began = store.session_start().unwrap_or_else(Instant::now);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keep_all(store, &inbox, &progress))?;
        let (traffic, last_noted) = Default::default();
        Ok(Self { path, header, notes, thread, kept, shown: 0, began, traffic, last_noted })
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

    /// Notes what is known of the tenant's limits, from time to time and last before the end.
    pub fn note_limits(&mut self, now: Instant, limits: Limits) {
        let Limits { reads, writes } = limits;
        if reads.is_some() || writes.is_some() {
            self.traffic.throughput.limit(now.duration_since(self.began), reads, writes);
        }
    }

    fn note_traffic(&mut self) {
        if self.traffic != self.last_noted {
            self.last_noted = self.traffic.clone();
            self.send(Note::Traffic(Box::new(self.traffic.clone())));
        }
    }

    fn send(&self, note: Note) {
        self.notes.push(self.shown, note);
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
        self.traffic.note(event, self.began);
        if let Some(note) = Note::of(event, &self.header) {
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
        let Self { kept, path, .. } = self;
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
fn keep_all(mut store: Store, inbox: &End, progress: &watch::Sender<Kept>) -> Store {
    while let Some(group) = inbox.take() {
        if progress.borrow().failure.is_some() {
            continue;
        }
        match store.keep(&group.notes) {
            Ok(()) => {
                progress.send_modify(|kept| kept.count = group.shown);
                inbox.give_back(group);
            }
            Err(error) => {
                let reason = fault(&store.path, &error).source.to_string();
                progress.send_modify(|kept| kept.failure = Some(reason));
            }
        }
    }
    store
}
