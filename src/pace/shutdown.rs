//! The two ways to stop: drain (nothing new starts, what is on the wire finishes) and abort (nothing is waited for).

use tokio_util::sync::CancellationToken;

/// Two switches that everything that waits listens to. Clones are the same switches.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    abort: CancellationToken,
}

impl Shutdown {
    /// Lets nothing new start.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Ends every wait, also for answers.
    pub fn abort(&self) {
        self.drain.cancel();
        self.abort.cancel();
    }

    /// Whether [`Shutdown::drain`] or [`Shutdown::abort`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Whether [`Shutdown::abort`] was called.
    #[must_use]
    pub fn is_aborting(&self) -> bool {
        self.abort.is_cancelled()
    }

    /// Ends when draining begins.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Ends when aborting begins.
    pub async fn aborting(&self) {
        self.abort.cancelled().await;
    }
}
