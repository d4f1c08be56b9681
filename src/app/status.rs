//! SIGUSR1 asks how far the program is. It is answered from the first moment to the last, and ends nothing.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::model::thousands::grouped;
use crate::progress::screen::Asked;

use super::environment::{ask, runtime, say};

/// What the process is at: signals are the process's, too.
static STEP: Mutex<Step> = Mutex::new(Step::Doing(String::new()));

/// The rows that the step has read.
static ROWS: AtomicU64 = AtomicU64::new(0);

/// What the program is at.
enum Step {
    /// It does something that takes a while.
    Doing(String),
    /// It waits for an answer to this question.
    Asking(String),
    /// A view follows it.
    Shown(Asked),
}

/// Begins to listen, on a thread of its own: a command may read a file or wait for an answer meanwhile.
pub(super) fn listen() {
    let answer = |(runtime, mut asks): (tokio::runtime::Runtime, Signal)| {
        runtime.block_on(async {
            while asks.recv().await.is_some() {
                tell();
            }
        });
    };
    let begun =
        asks().and_then(|asks| thread::Builder::new().name("status".to_owned()).spawn(move || answer(asks)));
    // A machine that gives no thread has worse to say soon.
    drop(begun);
}

fn asks() -> io::Result<(tokio::runtime::Runtime, Signal)> {
    let runtime = runtime().map_err(io::Error::other)?;
    let asks = {
        let _inside = runtime.enter();
        signal(SignalKind::user_defined1())?
    };
    Ok((runtime, asks))
}

/// From here on the program does this.
pub(super) fn doing(what: impl Into<String>) {
    enter(Step::Doing(what.into()));
}

/// From here on it waits for an answer.
pub(super) fn asking(question: &str) {
    enter(Step::Asking(question.to_owned()));
}

/// From here on a view knows how far it is.
pub(super) fn shown(asked: Asked) {
    enter(Step::Shown(asked));
}

/// Counts a row of what the program does.
pub(super) fn count_row() {
    // One thread counts, so nothing need be locked for each row of a million.
    ROWS.store(ROWS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

fn enter(step: Step) {
    let mut now = now();
    ROWS.store(0, Ordering::Relaxed);
    *now = step;
}

fn now() -> MutexGuard<'static, Step> {
    STEP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell() {
    match &*now() {
        Step::Shown(asked) => asked.ask(),
        Step::Asking(question) => {
            ask(&format!("\nauthwave: waiting for an answer; nothing was sent\n{question}"));
        }
        Step::Doing(what) => say(&format!("authwave: {}\n", line(what, ROWS.load(Ordering::Relaxed)))),
    }
}

fn line(what: &str, rows: u64) -> String {
    match (what, rows) {
        ("", _) => "beginning".to_owned(),
        (_, 0) => what.to_owned(),
        (_, rows) => format!("{what}, {} rows so far", grouped(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_with_the_rows_that_it_has_read() {
        assert_eq!(line("", 0), "beginning");
        assert_eq!(line("signing in", 0), "signing in");
        assert_eq!(line("checking wave.csv", 1_234), "checking wave.csv, 1,234 rows so far");
    }
}
