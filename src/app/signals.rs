//! Ctrl-C and SIGTERM: the first drains, the second aborts.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

use crate::pace::shutdown::Shutdown;

/// The signals that end a run.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen. From here on the signals do not end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one of those that end a run.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Turns the first into a drain and the second into an abort. Never ends.
    pub(super) async fn stop(&mut self, shutdown: &Shutdown) {
        self.next().await;
        warn!("stopping: what is on the wire is finished; once more to stop at once");
        shutdown.drain();
        self.next().await;
        warn!("stopping at once: what is on the wire is left in doubt");
        shutdown.abort();
        loop {
            self.next().await;
        }
    }
}
