//! Where a run's view is drawn and its logs go, so that neither tears the other.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::model::numbers::Numbers;

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

/// Writes logs to standard error, above the view where there is one, so that they never tear it.
#[derive(Debug, Clone)]
pub struct LogWriter {
    block: ProgressBar,
    numbers: Numbers,
}

/// Where a run's view is drawn and its logs go: made before logging begins, used by the run later.
#[derive(Debug, Clone)]
pub struct Screen {
    block: ProgressBar,
    pub(super) view: View,
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
    pub fn new(view: View, numbers: Numbers) -> Self {
        let block = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { block, view, numbers, is_asked: Asked::default() }
    }

    /// The writer for logs.
    #[must_use]
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { block: self.block.clone(), numbers: self.numbers }
    }

    /// For whoever may ask how far the run is.
    #[must_use]
    pub fn asked(&self) -> Asked {
        self.is_asked.clone()
    }

    /// Begins to draw.
    pub(super) fn open(&self) {
        if matches!(self.view, View::Block(_)) {
            self.block.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                self.block.set_style(style);
            }
        }
    }

    /// Takes the view away.
    pub(super) fn close(&self) {
        self.block.finish_and_clear();
        self.block.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// How many columns there are, as of now: windows change.
    pub(super) fn width() -> usize {
        usize::from(Term::stderr().size().1)
    }

    /// Draws these lines in the place of the last ones.
    pub(super) fn draw(&self, lines: &[String]) {
        self.block.set_message(lines.join("\n"));
    }

    /// Writes a line to standard error, above the view where there is one.
    pub(super) fn write_line(&self, line: &str) {
        // A closed standard error is no reason to stop a run.
        let _ = self.block.suspend(|| writeln!(io::stderr(), "{line}"));
    }
}

impl Write for LogWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(text);
        let shown = self.numbers.in_text(&line);
        self.block.suspend(|| io::stderr().write_all(shown.as_bytes()))?;
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
}
