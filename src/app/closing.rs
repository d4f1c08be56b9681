//! The end of a run: its summary, and the last lines, which say what came of it, where the files are and what to type next.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::run::Stop;
use crate::journal::record::{RunRecord, SessionEnd};
use crate::model::digest::Counts;
use crate::model::event::ObserverError;
use crate::model::numbers::Numbers;
use crate::model::outcome::Status;
use crate::model::stats::Stats;
use crate::model::throughput::Throughput;
use crate::policy::holders::Holders;
use crate::results::summary::{DesiredState, Summary, moment};
use crate::settings::stored::Stored;
use crate::simulator::ledger::Ledger;

use super::error::chain;
use super::exit::Exit;
use super::holders;
use super::next::{Rest, next_steps, quoted};

/// What is told of a run that has ended.
#[derive(Debug)]
pub(super) struct Account<'run> {
    pub(super) run: &'run RunRecord,
    /// The counts of all its sessions, or of this one where the journal failed.
    pub(super) stats: Stats,
    /// How requests went over the working time of all its sessions.
    pub(super) throughput: Throughput,
    pub(super) stop: Option<Stop>,
    /// How many users went first and let the others go.
    pub(super) stood: usize,
    pub(super) exit: Exit,
    /// How many rows that failed a resume would try again.
    pub(super) refused: u64,
    /// How many processes worked on it.
    pub(super) sessions: u64,
    /// Rows whose number signs in another user.
    pub(super) holders: Holders,
    /// For how long they did.
    pub(super) duration: Duration,
    pub(super) ended_at: Timestamp,
    /// What a rehearsal's tenant saw; `None` for a run that was real.
    pub(super) ledger: Option<Ledger>,
    pub(super) directory: &'run Path,
    /// Whether phone numbers are shown to whoever reads the last lines.
    pub(super) numbers: Numbers,
    /// The most frequent error codes of all sessions, with how many rows ended so.
    pub(super) errors: Vec<(String, u64)>,
}

impl Account<'_> {
    /// Writes the summary.
    pub(super) fn write(&self, path: &Path) -> Result<(), ObserverError> {
        self.summary().write(path)
    }

    /// What the report need not count again.
    pub(super) fn counts(&self) -> Counts {
        let by_action = self.stats.by_action.iter().map(|(action, counts)| ((*action).to_owned(), *counts));
        (self.stats.rows, by_action.collect())
    }

    /// What the journal keeps of this process's end.
    pub(super) fn session_end(&self) -> SessionEnd {
        SessionEnd {
            ended_at: self.ended_at,
            stop_reason: self.stop.as_ref().map(reason),
            exit_code: self.exit.code(),
        }
    }

    fn summary(&self) -> Summary {
        let run = self.run;
        Summary {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: moment(run.started_at),
            ended_at: moment(self.ended_at),
            input: run.input.display().to_string(),
            graph_root: run.graph_root.clone(),
            api_version: run.api_version.clone(),
            sessions: self.sessions,
            rehearsal: run.is_rehearsal,
            numbers_taken: (&self.holders).into(),
            stop_reason: self.stop.as_ref().map(reason),
            exit_code: self.exit.code(),
            plan_hash: self.plan_hash(),
            ..Summary::counted(&self.stats, &self.throughput, self.duration)
        }
    }

    /// The hash of the plan that was carried out.
    fn plan_hash(&self) -> Option<String> {
        let stored = Stored::from_json(&self.run.settings).ok()?;
        stored.plan().map(|plan| plan.hash.clone())
    }

    /// The last lines.
    pub(super) fn text(&self) -> String {
        let rows = &self.stats.rows;
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        if let Some(stop) = &self.stop {
            let _ = writeln!(text, "{}", reason(stop));
        }
        let is_told = |status: &Status| rows.of(*status) > 0 || *status == Status::Succeeded;
        let told: Vec<String> = Status::ALL
            .iter()
            .filter(|status| is_told(status))
            .map(|status| format!("{} {status}", rows.of(*status)))
            .collect();
        let (total, seconds) = (rows.total(), self.duration.as_secs_f64());
        let is_plan = self.run.command == "plan";
        let noun = match (is_plan, total) {
            (true, 1) => "user",
            (true, _) => "users",
            (false, 1) => "row",
            (false, _) => "rows",
        };
        let sessions = match self.sessions {
            0 | 1 => String::new(),
            sessions => format!(" and {sessions} sessions"),
        };
        let _ = writeln!(text, "{total} {noun} in {seconds:.1} s{sessions}: {}", told.join(", "));
        if self.stood > 0 {
            let who = match self.stood {
                1 => "1 user went first, was".to_owned(),
                many => format!("{many} users went first, were"),
            };
            let _ = writeln!(text, "canary: {who} read back, and stood");
        }
        if rows.not_due > 0 {
            let _ = writeln!(
                text,
                "not due yet: {} of the unprocessed rows; run the same file again later",
                rows.not_due
            );
        }
        text += &self.numbers.in_text(&holders::lines(&self.holders, self.directory));
        let desired = DesiredState::from(&self.stats);
        if desired != DesiredState::default() {
            let DesiredState { held, mended, not_mended } = desired;
            let were = if mended == 1 { "was" } else { "were" };
            let _ = writeln!(
                text,
                "desired state: {held} held, {mended} had drifted and {were} mended, {not_mended} not"
            );
        }
        if let Some(hash) = self.plan_hash() {
            let _ = writeln!(text, "by the plan {hash}");
        }
        if let Some((first, _)) = self.errors.first() {
            let errors: Vec<String> =
                self.errors.iter().map(|(code, rows)| format!("{rows} {code}")).collect();
            let page = quoted(Path::new(first));
            let _ = writeln!(text, "errors: {} (authwave explain {page}, docs/errors.md)", errors.join(", "));
        }
        if let Some(ledger) = &self.ledger {
            let _ = writeln!(text, "REHEARSAL: nothing real was touched; {ledger}");
        }
        if is_plan && self.exit == Exit::Done {
            // What comes next is told with the plan.
            return text;
        }
        let _ = writeln!(text, "files: {}", self.directory.display());
        let next = self.next();
        if !next.is_empty() {
            let _ = writeln!(text, "next: {}", next.join(", then "));
        }
        text
    }

    /// What to type next, in this order.
    fn next(&self) -> Vec<String> {
        let (exit_code, was_stopped) = (Some(self.exit.code()), self.stop.is_some());
        let rest = Rest { rows: self.stats.rows, refused: self.refused, exit_code, was_stopped };
        next_steps(self.run, self.directory, &rest)
    }
}

/// Why the run stopped, with the cure.
pub(super) fn reason(stop: &Stop) -> String {
    match stop {
        Stop::Interrupted => "stopped by a signal: what was on the wire was finished, the rest is unprocessed".to_owned(),
        Stop::Aborted => "stopped at once by a second signal: rows that were on the wire and could not be read back are \
                          unknown, the rest is unprocessed"
            .to_owned(),
        Stop::TimeUp(span) => format!("stopped after {span:?} (--max-duration): the rest is unprocessed"),
        Stop::Failures { failed, ended, limit } => format!(
            "stopped: {failed} of {ended} rows failed, and {limit} may (--max-failures). Look into results.csv for what \
             they have in common, mend it, and go on"
        ),
        Stop::Canary { row } => format!(
            "stopped: row {row} is of the users who went first (--canary), and did not end well; nobody else was touched. \
             Look into results.csv, mend it, and go on"
        ),
        Stop::SignIn(reason) => format!("stopped: {reason}"),
        Stop::Permission => {
            "stopped: the first 20 writes were all refused with 403. The app needs the permission \
             UserAuthMethod-Phone.ReadWrite.All or UserAuthenticationMethod.ReadWrite.All with admin consent; a signed-in \
             admin needs it, too, and the role Authentication Administrator, or Privileged Authentication Administrator \
             for users with admin roles. Password resets are possible for a signed-in admin only"
                .to_owned()
        }
        Stop::Rows(error) => format!("stopped: {}", chain(error.as_ref())),
        Stop::Observer(error) => format!("stopped: {}", chain(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprint;
    use crate::model::header::Header;
    use crate::model::stats::RowCounts;

    fn text(rows: RowCounts, stop: Option<Stop>, ledger: Option<Ledger>) -> String {
        let run = RunRecord {
            program_version: "0.1.0".to_owned(),
            command: "run".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            input: "/in.csv".into(),
            fingerprint: Fingerprint { bytes: 0, sha256: String::new() },
            header: Header::default(),
            rows: rows.total(),
            graph_root: "https://graph.microsoft.com".to_owned(),
            api_version: "v1.0".to_owned(),
            tenant: None,
            is_rehearsal: ledger.is_some(),
            settings: String::new(),
        };
        let account = Account {
            run: &run,
            exit: Exit::of(&rows, stop.as_ref()),
            stats: Stats { rows, ..Stats::default() },
            throughput: Throughput::default(),
            stop,
            stood: 0,
            refused: 0,
            sessions: 1,
            holders: Holders::default(),
            duration: Duration::from_millis(1_234),
            ended_at: Timestamp::UNIX_EPOCH,
            ledger,
            directory: Path::new("runs/my wave"),
            numbers: Numbers::Masked,
            errors: (rows.failed > 0).then(|| ("no-answer".to_owned(), rows.failed)).into_iter().collect(),
        };
        account.text()
    }

    #[test]
    fn a_clean_run_needs_no_next_step() {
        let rows = RowCounts { succeeded: 2, unchanged: 1, ..RowCounts::default() };
        assert_eq!(
            text(rows, None, None),
            "3 rows in 1.2 s: 2 succeeded, 1 unchanged\nfiles: runs/my wave\n"
        );
    }

    #[test]
    fn what_is_left_over_names_the_command_that_goes_on() {
        let rows = RowCounts { succeeded: 2, failed: 1, ..RowCounts::default() };
        let again =
            "see error_message and detail in results.csv, then authwave run 'runs/my wave/unfinished.csv'\n";
        assert!(text(rows, None, None).ends_with(&format!("next: {again}")));
        let rows = RowCounts { pending: 1, ..rows };
        let both = format!("next: authwave operations 'runs/my wave', then {again}");
        assert!(text(rows, None, None).ends_with(&both));
        let rows = RowCounts { unprocessed: 1, ..RowCounts::default() };
        let told = text(rows, Some(Stop::Interrupted), None);
        assert!(told.starts_with("stopped by a signal"), "{told}");
        assert!(told.contains("\n1 row in 1.2 s: 0 succeeded, 1 unprocessed\n"), "{told}");
        assert!(told.ends_with("next: authwave resume 'runs/my wave'\n"), "{told}");
        // Only resets were followed of a run that had stopped.
        assert!(text(rows, None, None).ends_with("next: authwave resume 'runs/my wave'\n"));
    }

    #[test]
    fn a_rehearsal_says_that_nothing_real_was_touched() {
        let rows = RowCounts { succeeded: 1, failed: 1, ..RowCounts::default() };
        let told = text(rows, None, Some(Ledger::default()));
        assert!(told.contains("REHEARSAL: nothing real was touched"), "{told}");
        assert!(told.ends_with("unfinished.csv' --rehearse\n"), "{told}");
    }
}
