//! A command that has ended, and the files that it left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

/// One line of a CSV file by column name.
pub(crate) type Line = BTreeMap<String, String>;

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ended {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    directory: PathBuf,
}

impl Ended {
    /// `directory` is the run directory, whether the command made it or not.
    pub(crate) fn new(output: &Output, directory: PathBuf) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            directory,
        }
    }

    /// Whether it ended with this code.
    pub(crate) fn has_code(&self, code: i32) -> bool {
        self.code == Some(code)
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stderr:\n{}\nresults:\n{}", self.stderr, self.results_text());
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in\n{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn stderr_lacks(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "{text:?} in\n{}", self.stderr);
        self
    }

    /// The run directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file of the run directory as it is.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        let path = self.directory.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The lines of a CSV file of the run directory.
    #[track_caller]
    pub(crate) fn lines(&self, name: &str) -> Vec<Line> {
        let text = self.text(name);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(|line| line.unwrap()).collect()
    }

    /// results.csv.
    #[track_caller]
    pub(crate) fn results(&self) -> Vec<Line> {
        self.lines("results.csv")
    }

    /// One column of results.csv.
    #[track_caller]
    pub(crate) fn column(&self, name: &str) -> Vec<String> {
        self.results().iter().map(|line| line[name].clone()).collect()
    }

    /// The only line of results.csv.
    #[track_caller]
    pub(crate) fn only_row(&self) -> Line {
        let mut lines = self.results();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// summary.json.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        serde_json::from_str(&self.text("summary.json")).unwrap()
    }

    /// Everything that the command said or wrote, to look for what must not stand there.
    pub(crate) fn everything(&self) -> String {
        let mut all = self.stdout.clone() + &self.stderr;
        for entry in fs::read_dir(&self.directory).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            all += &String::from_utf8_lossy(&bytes);
        }
        all
    }

    fn results_text(&self) -> String {
        fs::read_to_string(self.directory.join("results.csv")).unwrap_or_default()
    }
}
