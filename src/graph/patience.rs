//! What ends a conversation's waits.

use std::time::Duration;

use tokio::time::sleep;

use crate::pace::shutdown::Shutdown;

/// What ends a conversation's waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Draining: what has not been sent need not be.
    UntilDrain,
    /// Only an abort: something may have been applied, and must be found out.
    UntilAbort,
}

impl Patience {
    /// Waits for its end.
    pub(super) async fn ended(self, shutdown: &Shutdown) {
        match self {
            Self::UntilDrain => shutdown.draining().await,
            Self::UntilAbort => shutdown.aborting().await,
        }
    }

    pub(super) fn has_ended(self, shutdown: &Shutdown) -> bool {
        match self {
            Self::UntilDrain => shutdown.is_draining(),
            Self::UntilAbort => shutdown.is_aborting(),
        }
    }

    /// Waits for something; `None` where the patience ended first.
    pub(super) async fn wait_for<F: Future>(self, shutdown: &Shutdown, wait: F) -> Option<F::Output> {
        if self.has_ended(shutdown) {
            return None;
        }
        // The wait first: most are over at once, and then nobody has to listen for the end.
        tokio::select! {
            biased;
            output = wait => Some(output),
            () = self.ended(shutdown) => None,
        }
    }

    /// Sleeps; `false` where the patience ended first.
    pub(super) async fn sleep(self, shutdown: &Shutdown, span: Duration) -> bool {
        self.wait_for(shutdown, sleep(span)).await.is_some()
    }
}
