//! What a plan comes to, counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::error_code::OwnCode;
use crate::model::foresight::Kind;
use crate::policy::caps::Tally;
use crate::results::plan_document::PlanRow;

/// Rows that are blocked for these are done by a run that does not go by the plan, as far as Graph lets it.
const RUN_ANYWAY: [OwnCode; 4] =
    [OwnCode::Blocked, OwnCode::Contradiction, OwnCode::Disabled, OwnCode::Guest];

/// What a plan comes to.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) tally: Tally,
    kinds: BTreeMap<Kind, u64>,
    blocked: BTreeMap<String, u64>,
}

impl Sum {
    /// Counts a row.
    pub(super) fn add(&mut self, row: &PlanRow) {
        let kind = row.kind().unwrap_or(Kind::Blocked);
        let does = |kind: Kind| u64::from(row.steps.iter().any(|step| step.change == kind.name()));
        self.tally.rows += 1;
        self.tally.deletes += does(Kind::Delete);
        self.tally.resets += does(Kind::Reset);
        self.tally.changes += u64::from(kind.writes());
        *self.kinds.entry(kind).or_default() += 1;
        if kind == Kind::Blocked {
            *self.blocked.entry(row.code.clone()).or_default() += 1;
        }
    }

    /// Whether rows are blocked for this reason.
    pub(super) fn has(&self, code: OwnCode) -> bool {
        self.blocked.contains_key(code.name())
    }

    /// A line for each kind of row.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (kind, count) in &self.kinds {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "  {:8} {count}", kind.name());
            if *kind == Kind::Blocked {
                let codes: Vec<_> =
                    self.blocked.iter().map(|(code, count)| format!("{count} {code}")).collect();
                let _ = write!(text, " ({})", codes.join(", "));
            }
            text.push('\n');
        }
        if RUN_ANYWAY.into_iter().any(|code| self.has(code)) {
            text += "  blocked rows are left alone by `authwave run --plan`; `authwave run FILE` does not look first, and \
                     tries them\n";
        }
        text
    }
}
