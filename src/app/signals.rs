//! Ctrl-C and SIGTERM: the first drains, the second aborts. SIGUSR1 asks how far the run is.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

use crate::pace::shutdown::Shutdown;
use crate::progress::screen::Asked;

/// The signals that end a run.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Somebody wants to know how far the run is.
    status: Signal,
}

impl Signals {
    /// Begins to listen. From here on the signals do not end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            status: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for one of those that end a run.
    pub(super) async fn next(&mut self) {
        self.next_asking(&Asked::default()).await;
    }

    async fn next_asking(&mut self, asked: &Asked) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.status.recv() => asked.ask(),
            }
        }
    }

    /// Turns the first into a drain and the second into an abort. Never ends.
    pub(super) async fn stop(&mut self, shutdown: &Shutdown, asked: &Asked) {
        self.next_asking(asked).await;
        warn!("stopping: what is on the wire is finished; once more to stop at once");
        shutdown.drain();
        self.next_asking(asked).await;
        warn!("stopping at once: what is on the wire is left in doubt");
        shutdown.abort();
        loop {
            self.next_asking(asked).await;
        }
    }
}
