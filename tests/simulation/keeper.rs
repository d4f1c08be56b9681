//! The run's journal, committed in virtual time: what is not committed when the program crashes is gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep_until};

use authwave::journal::record::Traffic;
use authwave::journal::store::Store;
use authwave::model::event::{Event, Observer, ObserverError};

use super::wire::Known;

/// No event waits longer for its commit.
const PATIENCE: Duration = Duration::from_millis(50);

/// Notes everything, and commits a little later.
pub(crate) struct Keeper<'store> {
    pub(crate) store: &'store mut Store,
    pub(crate) known: Arc<Mutex<Known>>,
    pub(crate) random: Rng,
    /// All that was shown, the last of it not committed.
    pub(crate) told: Vec<Event>,
    committed: usize,
    began: Instant,
    traffic: Traffic,
    /// What was noted last of it.
    noted: Traffic,
    commit_at: Option<Instant>,
}

impl<'store> Keeper<'store> {
    pub(crate) fn new(store: &'store mut Store, known: Arc<Mutex<Known>>, random: Rng) -> Self {
        let (began, traffic, noted) = (Instant::now(), Traffic::default(), Traffic::default());
        Self { store, known, random, told: Vec::new(), committed: 0, began, traffic, noted, commit_at: None }
    }

    pub(crate) fn keep_traffic(&mut self) -> Result<(), ObserverError> {
        self.store.keep_traffic(&self.traffic)
    }

    pub(crate) fn commit(&mut self) -> Result<(), ObserverError> {
        let events = &self.told[self.committed..];
        if events.is_empty() {
            return Ok(());
        }
        self.store.keep_events(events)?;
        let mut known = self.known.lock().unwrap();
        for event in events {
            known.note(event);
        }
        self.committed = self.told.len();
        self.commit_at = None;
        Ok(())
    }
}

impl Observer for Keeper<'_> {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.told.push(event.clone());
        self.traffic.note(event, self.began);
        if self.commit_at.is_none() {
            let wait = PATIENCE.mul_f64(self.random.f64());
            self.commit_at = Some(Instant::now() + wait);
        }
        Ok(())
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        self.commit()?;
        if self.traffic != self.noted {
            self.noted = self.traffic.clone();
            self.keep_traffic()?;
        }
        Ok(())
    }

    async fn kept(&mut self, count: u64) -> Result<u64, ObserverError> {
        if count > self.committed as u64 {
            if let Some(moment) = self.commit_at {
                sleep_until(moment).await;
            }
            self.commit()?;
        }
        Ok(self.committed as u64)
    }
}
