//! Reads that wait for a place on the wire, so that whoever gets one can take them along.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pause::Pause;
use crate::model::secret::Secret;
use crate::transport::exchange::{Request, Response, SendError};

/// How a sending ended, and the pause that the answer asks everybody for, which has begun.
pub(super) type Arrived = (Result<Response, SendError>, Option<Pause>);

/// Reads that wait for a place on the wire, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: Mutex<Standing>,
    is_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Standing {
    next: u64,
    requests: VecDeque<Waiting>,
}

/// One that waits, or has been taken along.
#[derive(Debug)]
pub(super) struct Waiting {
    number: u64,
    request: Request,
    called: oneshot::Sender<Called>,
}

/// What one is told that is taken along: how it left, and where its answer will come.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) sent_at: Instant,
    pub(super) bearer: Secret,
    pub(super) early: bool,
    answer: oneshot::Receiver<Arrived>,
}

/// A place in the line, given up when dropped.
#[derive(Debug)]
pub(super) struct Place<'line> {
    line: &'line Line,
    number: u64,
    called: oneshot::Receiver<Called>,
}

impl Line {
    /// Takes the last place; `None` where everybody is to go alone.
    pub(super) fn enter(&self, request: &Request) -> Option<Place<'_>> {
        if self.is_closed() {
            return None;
        }
        let (called, told) = oneshot::channel();
        let mut standing = self.standing();
        let number = standing.next;
        standing.next += 1;
        standing.requests.push_back(Waiting { number, request: request.clone(), called });
        Some(Place { line: self, number, called: told })
    }

    /// Whether everybody goes alone.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// From now on everybody goes alone.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// How many stand in it.
    pub(super) fn len(&self) -> usize {
        self.standing().requests.len()
    }

    /// Takes the first out, so many at most.
    pub(super) fn take(&self, most: usize) -> Vec<Waiting> {
        let mut standing = self.standing();
        let count = standing.requests.len().min(most);
        standing.requests.drain(..count).collect()
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, number: u64) -> bool {
        let mut standing = self.standing();
        let found = standing.requests.binary_search_by_key(&number, |waiting| waiting.number);
        found.is_ok_and(|at| standing.requests.remove(at).is_some())
    }
}

impl Place<'_> {
    /// Waits to be taken along.
    pub(super) async fn called(&mut self) -> Called {
        match (&mut self.called).await {
            Ok(called) => called,
            // It stepped out itself, and waits for something else.
            Err(_) => pending().await,
        }
    }

    /// Leaves the line; `false` where somebody else has taken this one along.
    pub(super) fn step_out(&self) -> bool {
        self.line.remove(self.number)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.remove(self.number);
    }
}

impl Waiting {
    /// Tells that it leaves now. Gives what is sent and where its answer is to go.
    pub(super) fn call(
        self,
        sent_at: Instant,
        bearer: &Secret,
        early: bool,
    ) -> (Request, oneshot::Sender<Arrived>) {
        let (arrived, answer) = oneshot::channel();
        // Nobody hears it where the run was aborted meanwhile.
        let _ = self.called.send(Called { sent_at, bearer: bearer.clone(), early, answer });
        (self.request, arrived)
    }
}

impl Called {
    /// Waits for the answer.
    pub(super) async fn arrived(self) -> Arrived {
        let dropped = || (Err(SendError::MaybeSent("the batch was given up".to_owned())), None);
        self.answer.await.unwrap_or_else(|_| dropped())
    }
}
