//! Rows that may read before what was told of them is kept for good, and must not write before.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::model::row::RowNumber;

/// Which rows have told what is not kept yet. Each of them waits in one place at most.
#[derive(Debug, Default)]
pub struct Keeping {
    rows: Mutex<HashMap<RowNumber, Unkept>>,
}

#[derive(Debug, Default)]
struct Unkept {
    events: u32,
    waiting: Option<oneshot::Sender<()>>,
}

impl Keeping {
    /// From now on one more event of the row has to be kept.
    pub fn expect(&self, row: RowNumber) {
        self.lock().entry(row).or_default().events += 1;
    }

    /// One of them is.
    pub fn note_kept(&self, row: RowNumber) {
        let mut rows = self.lock();
        let Some(unkept) = rows.get_mut(&row) else { return };
        unkept.events -= 1;
        if unkept.events == 0
            && let Some(waiting) = rows.remove(&row).and_then(|unkept| unkept.waiting)
        {
            // Whom a drain has sent away does not listen any more.
            let _ = waiting.send(());
        }
    }

    /// Waits until all of them are.
    pub(super) async fn all_kept(&self, row: RowNumber) {
        let told = match self.lock().get_mut(&row) {
            None => return,
            Some(unkept) => {
                let (waiting, told) = oneshot::channel();
                unkept.waiting = Some(waiting);
                told
            }
        };
        let _ = told.await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RowNumber, Unkept>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_row_waits_for_all_of_its_events_and_for_no_other_row_s() {
        let (keeping, row) = (Arc::new(Keeping::default()), RowNumber(1));
        keeping.all_kept(row).await;
        keeping.expect(row);
        keeping.expect(row);
        keeping.expect(RowNumber(2));
        let mut waiting = tokio::task::JoinSet::new();
        let (theirs, told) = (Arc::clone(&keeping), oneshot::channel::<()>());
        waiting.spawn(async move {
            theirs.all_kept(row).await;
            drop(told.0);
        });
        tokio::task::yield_now().await;
        let mut told = told.1;
        keeping.note_kept(row);
        tokio::task::yield_now().await;
        assert_eq!(told.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        keeping.note_kept(row);
        waiting.join_next().await.unwrap().unwrap();
        assert_eq!(told.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(keeping.lock().len(), 1);
    }
}
