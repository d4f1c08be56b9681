//! What `authwave doctor` found: a table for people, or JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::progress::screen::harmless;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should.
    Ok,
    /// It would stop a run, or rows of it.
    Failed,
    /// Nobody can tell from here, or nobody needs it.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What.
    pub(super) check: &'static str,
    /// How it stands.
    pub(super) state: State,
    /// What was found.
    pub(super) found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
}

/// The longest name of a check, "permission".
const WIDTH: usize = 10;

/// All that was looked at.
#[derive(Debug, Default)]
pub(super) struct Checkup(Vec<Finding>);

impl Checkup {
    pub(super) fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, state: State::Ok, found: found.into(), cure: None });
    }

    pub(super) fn unknown(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, state: State::Unknown, found: found.into(), cure: None });
    }

    pub(super) fn failed(&mut self, check: &'static str, found: impl Into<String>, cure: impl Into<String>) {
        let cure = Some(cure.into()).filter(|cure: &String| !cure.is_empty());
        self.0.push(Finding { check, state: State::Failed, found: found.into(), cure });
    }

    /// Whether this was looked at already.
    pub(super) fn has(&self, check: &str) -> bool {
        self.0.iter().any(|finding| finding.check == check)
    }

    /// Whether nothing stands in the way of a run.
    pub(super) fn is_fit(&self) -> bool {
        self.0.iter().all(|check| check.state != State::Failed)
    }

    /// A line for each, its cure below it.
    pub(super) fn table(&self, paint: Paint) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        for Finding { check, state, found, cure } in &self.0 {
            let _ = writeln!(text, "{} {check:WIDTH$}  {}", paint.mark(*state), harmless(found));
            if let Some(cure) = cure {
                let _ = writeln!(text, "  {:WIDTH$}  → {}", "", harmless(cure));
            }
        }
        text
    }

    /// One object.
    pub(super) fn json(&self) -> String {
        let object = serde_json::json!({"ok": self.is_fit(), "checks": self.0});
        format!("{object:#}\n")
    }
}

/// Whether marks have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// On a terminal.
    Colours,
    /// Elsewhere.
    Plain,
}

impl Paint {
    const fn mark(self, state: State) -> &'static str {
        match (self, state) {
            (Self::Colours, State::Ok) => "\u{1b}[32m✓\u{1b}[0m",
            (Self::Colours, State::Failed) => "\u{1b}[31m✗\u{1b}[0m",
            (Self::Plain, State::Ok) => "✓",
            (Self::Plain, State::Failed) => "✗",
            (_, State::Unknown) => "–",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_plain_where_nobody_sees_colours_and_one_failure_is_a_failure() {
        let mut checkup = Checkup::default();
        checkup.ok("clock", "0 s off");
        checkup.unknown("role", "not told");
        assert!(checkup.is_fit());
        checkup.failed("permission", "none", "grant\u{1b} it");
        assert!(!checkup.is_fit());
        let table = checkup.table(Paint::Plain);
        assert_eq!(
            table,
            "✓ clock       0 s off\n– role        not told\n✗ permission  none\n              → grant\u{fffd} it\n"
        );
        assert!(checkup.table(Paint::Colours).contains("\u{1b}[31m✗"));
        let json: serde_json::Value = serde_json::from_str(&checkup.json()).unwrap();
        assert_eq!((&json["ok"], &json["checks"][2]["state"]), (&false.into(), &"failed".into()));
        assert_eq!(json["checks"][0].get("cure"), None);
    }
}
