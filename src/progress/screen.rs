//! Where a run's view is drawn and its logs go, so that neither tears the other.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terminal_size::{Height, Width, terminal_size_of};
use tracing::{Metadata, error, info};
use tracing_subscriber::fmt::MakeWriter;

use super::canvas::{Canvas, Size};
use crate::model::numbers::Numbers;

/// The target of log lines that are said to people.
pub const TOLD: &str = "authwave::told";

/// Of a terminal that does not say.
const USUAL: Size = Size { width: 80, height: 24 };

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Some lines that are drawn anew.
    Block(Paint),
    /// A plain line every ten seconds: for files, pipes and screen readers.
    Lines,
    /// Nothing.
    Silent,
}

/// Whether what matters most stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// By colour.
    Colour,
    /// By its words alone.
    Plain,
}

/// How what is said to people is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// As it is.
    Text,
    /// As log lines with the target [`TOLD`], so that whoever reads them reads one format.
    Log,
}

/// Writes logs to standard error, above the view where there is one, so that they never tear it.
#[derive(Debug, Clone)]
pub struct LogWriter {
    canvas: Arc<Mutex<Canvas>>,
    numbers: Numbers,
}

/// Where a run's view is drawn, its logs go and people are told things: made before logging begins, used by the run later.
#[derive(Debug, Clone)]
pub struct Screen {
    canvas: Arc<Mutex<Canvas>>,
    pub(super) view: View,
    voice: Voice,
    numbers: Numbers,
    is_asked: Asked,
}

/// Whether somebody asked how far the run is, in any view.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Asks.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked since the last time.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Screen {
    /// A screen on which nothing is drawn yet.
    #[must_use]
    pub fn new(view: View, voice: Voice, numbers: Numbers) -> Self {
        Self { canvas: Arc::default(), view, voice, numbers, is_asked: Asked::default() }
    }

    /// The writer for logs.
    #[must_use]
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { canvas: Arc::clone(&self.canvas), numbers: self.numbers }
    }

    /// For whoever may ask how far the run is.
    #[must_use]
    pub fn asked(&self) -> Asked {
        self.is_asked.clone()
    }

    /// Says whole lines to people, above the view where there is one. Where standard error is closed nobody listens.
    pub fn say(&self, text: &str) {
        match self.voice {
            Voice::Text => self.write(text),
            Voice::Log => text.lines().for_each(|line| info!(target: TOLD, "{line}")),
        }
    }

    /// Says what a command came to grief by.
    pub fn say_error(&self, text: &str) {
        match self.voice {
            Voice::Text => self.write(&format!("error: {text}\n")),
            Voice::Log => error!(target: TOLD, "{text}"),
        }
    }

    fn write(&self, text: &str) {
        let canvas = locked(&self.canvas);
        let _ = io::stderr().write_all(canvas.above(&harmless(text), size()).as_bytes());
    }

    /// How many columns there are, as of now: windows change.
    pub(super) fn width() -> usize {
        size().width
    }

    /// Draws these lines in the place of the last ones.
    pub(super) fn draw(&self, lines: &[String]) {
        let mut canvas = locked(&self.canvas);
        let _ = io::stderr().write_all(canvas.draw(lines, size()).as_bytes());
    }

    /// Takes the view away.
    pub(super) fn close(&self) {
        let mut canvas = locked(&self.canvas);
        let _ = io::stderr().write_all(canvas.clear(size()).as_bytes());
    }
}

/// A text without what a terminal obeys: a cell of a file, or an answer, may hold such.
#[must_use]
pub fn harmless(text: &str) -> String {
    // What turns the direction of writing lets a line read as another (Unicode, UAX #9, explicit formatting).
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(|c: char| c.is_control() && !"\n\t".contains(c) || turns(c), "\u{fffd}")
}

fn size() -> Size {
    terminal_size_of(io::stderr())
        .map_or(USUAL, |(Width(width), Height(height))| Size { width: width.into(), height: height.into() })
}

/// What others drew stands there, whatever became of them.
fn locked(canvas: &Mutex<Canvas>) -> MutexGuard<'_, Canvas> {
    canvas.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for LogWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(text);
        let canvas = locked(&self.canvas);
        io::stderr().write_all(canvas.above(&self.numbers.in_text(&line), size()).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'writer> MakeWriter<'writer> for LogWriter {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }

    fn make_writer_for(&'writer self, metadata: &Metadata<'_>) -> Self {
        // Who says something has masked it, and says commands that are to be typed as they are.
        let numbers = if metadata.target() == TOLD { Numbers::Shown } else { self.numbers };
        Self { numbers, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_and_does_nothing() {
        let text = "a\u{1b}]0;b\u{7}\u{1b}[2J\r\u{202e}c\u{2066}\n\td\u{9b}\u{645}\u{1f600}";
        let shown = "a\u{fffd}]0;b\u{fffd}\u{fffd}[2J\u{fffd}\u{fffd}c\u{fffd}\n\td\u{fffd}\u{645}\u{1f600}";
        assert_eq!(harmless(text), shown);
    }
}
