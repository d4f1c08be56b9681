//! plan.html: what a run would do, for whoever has to approve it; one page that stands alone.

use std::borrow::Cow;

use askama::Template;

use super::guide::advice;
use super::page::{paragraphs, rows};
use super::shortened::shortened;
use crate::model::foresight::Kind;
use crate::model::numbers::Numbers;
use crate::model::thousands::grouped;

/// So many rows of a kind are shown.
pub const MOST_LINES: usize = 100;

/// What the page is made of.
#[derive(Debug)]
pub struct PlanFacts {
    /// The rows' file, without its directory.
    pub input: String,
    /// When it was made.
    pub made_at: String,
    /// Whether no real tenant was read.
    pub is_rehearsal: bool,
    /// The tenant's id or domain, where it is known.
    pub tenant: Option<String>,
    /// Without version.
    pub graph_root: String,
    /// Of the program that made it.
    pub program_version: String,
    /// By which it is known again.
    pub hash: String,
    /// Its rows, by what comes of them; kinds without rows are left out.
    pub groups: Vec<Group>,
    /// The command that carries it out; empty where there is nothing to do.
    pub next: String,
    /// Whether phone numbers are shown.
    pub numbers: Numbers,
}

/// Rows of one kind.
#[derive(Debug)]
pub struct Group {
    /// Which.
    pub kind: Kind,
    /// How many.
    pub rows: u64,
    /// Why they are blocked, by code, and how many for each.
    pub codes: Vec<(String, u64)>,
    /// The first of them, at most [`MOST_LINES`].
    pub lines: Vec<Line>,
}

/// A row.
#[derive(Debug)]
pub struct Line {
    /// Its number.
    pub row: u64,
    /// Whose.
    pub user: String,
    /// What the file asks for.
    pub action: String,
    /// What would be done, or why it is not.
    pub what: String,
}

#[derive(Template)]
#[template(path = "plan.html")]
struct Page<'plan> {
    facts: &'plan PlanFacts,
}

/// The whole page.
#[must_use]
pub fn plan_page(facts: &PlanFacts) -> String {
    let Ok(text) = (Page { facts }).render() else { unreachable!("writing to a string cannot fail") };
    text
}

impl Page<'_> {
    fn rows_of(&self, is_it: impl Fn(Kind) -> bool) -> u64 {
        self.facts.groups.iter().filter(|group| is_it(group.kind)).map(|group| group.rows).sum()
    }

    fn changes(&self) -> u64 {
        self.rows_of(Kind::writes)
    }

    fn blocked(&self) -> u64 {
        self.rows_of(|kind| kind == Kind::Blocked)
    }

    fn class(&self) -> &'static str {
        if self.blocked() > 0 { "warn" } else { "good" }
    }

    fn word(&self) -> &'static str {
        if self.changes() > 0 { "There are changes to make" } else { "There is nothing to change" }
    }

    fn sentence(&self) -> String {
        let of = self.rows_of(|_| true);
        let changes = format!("{} of {} would change something", grouped(self.changes()), rows(of));
        match self.blocked() {
            0 => format!("{changes}."),
            blocked => format!("{changes}, and {} cannot be done as things stand.", rows(blocked)),
        }
    }

    /// Free text as it may be shown.
    fn text<'text>(&self, text: &'text str) -> Cow<'text, str> {
        self.facts.numbers.in_text(shortened(text))
    }
}

const fn class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Create | Kind::Change | Kind::Switch | Kind::Read | Kind::Nothing => "good",
        Kind::Delete | Kind::Reset => "warn",
        Kind::Blocked => "bad",
    }
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Create => "Phones that are added",
        Kind::Change => "Numbers that change",
        Kind::Delete => "Phones that are removed",
        Kind::Switch => "SMS sign-in that is switched",
        Kind::Reset => "Passwords that are reset",
        Kind::Read => "Users who are only read",
        Kind::Nothing => "As it shall be already",
        Kind::Blocked => "What cannot be done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str, numbers: Numbers) -> PlanFacts {
        let line = || Line {
            row: 1_000_000,
            user: text.to_owned(),
            action: "set-phone".to_owned(),
            what: format!("change mobile +1 4255550100 → +1 4255550101 {text}"),
        };
        let group = |kind: Kind| Group {
            kind,
            rows: 12_345,
            codes: if kind == Kind::Blocked { vec![("disabled".to_owned(), 12_345)] } else { Vec::new() },
            lines: (0..MOST_LINES).map(|_| line()).collect(),
        };
        PlanFacts {
            input: "+1 4255550102.csv".to_owned(),
            made_at: "then".to_owned(),
            is_rehearsal: false,
            tenant: None,
            graph_root: "https://graph.microsoft.com".to_owned(),
            program_version: "0.1.0".to_owned(),
            hash: "0123abcd".to_owned(),
            groups: Kind::ALL.map(group).into(),
            next: "authwave run --plan runs/wave/plan.json".to_owned(),
            numbers,
        }
    }

    #[test]
    fn the_longest_page_is_below_four_mebibytes_and_says_that_it_shows_a_part() {
        let page = plan_page(&facts(&"<".repeat(100_000), Numbers::Masked));
        assert!(page.len() < 4 << 20, "{}", page.len());
        assert!(page.contains("The first 100 of them; all stand in plan.csv"));
    }

    #[test]
    fn the_counts_the_hash_and_each_reason_with_its_cure_are_told() {
        let page = plan_page(&facts("", Numbers::Masked));
        let sentence =
            "61,725 of 98,760 rows would change something, and 12,345 rows cannot be done as things stand.";
        assert!(page.contains(sentence), "{page}");
        assert!(page.contains("0123abcd") && page.contains("the user&#39;s account was disabled"), "{page}");
        assert!(page.contains("authwave run --plan runs/wave/plan.json"));
        let nothing = PlanFacts { groups: Vec::new(), ..facts("", Numbers::Masked) };
        assert!(plan_page(&nothing).contains("There is nothing to change"));
    }

    #[test]
    fn commands_in_causes_and_cures_stand_out() {
        let mut facts = facts("", Numbers::Masked);
        facts.groups[0].codes = vec![("last-method".to_owned(), 1), ("privileged".to_owned(), 1)];
        let page = plan_page(&facts);
        assert!(page.contains("run the row again with <code>--allow-last-method</code>."), "{page}");
        assert!(page.contains("<strong>Permission:</strong> Changing admins"), "{page}");
        assert!(!page.contains('`'), "a mark of the guide");
    }

    #[test]
    fn a_user_named_script_is_text_and_numbers_are_for_those_who_ask() {
        let masked = plan_page(&facts("<script>alert(1)</script>", Numbers::Masked));
        assert!(!masked.contains("<script") && masked.contains("&#60;script&#62;"));
        assert!(!masked.contains("4255550101") && masked.contains("0101"));
        assert!(masked.contains("<h1>Plan of +1 ******0102.csv</h1>") && !masked.contains("4255550102"));
        assert!(plan_page(&facts("", Numbers::Shown)).contains("+1 4255550101"));
    }
}
