//! The end of a run: its summary, and the last lines, which say what came of it, where the files are and what to type next.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::run::{RunEnd, Stop};
use crate::model::event::ObserverError;
use crate::model::outcome::Status;
use crate::results::summary::{SCHEMA_VERSION, Summary, by_action, milliseconds, rows_per_second};
use crate::settings::resolve::Output;
use crate::simulator::ledger::Ledger;

use super::environment::say;
use super::error::{AppError, chain};
use super::exit::Exit;

/// What is told of a run besides its counts.
#[derive(Debug)]
pub(super) struct Account<'run> {
    pub(super) started_at: Timestamp,
    pub(super) duration: Duration,
    /// The absolute path of the rows' file.
    pub(super) input: &'run Path,
    pub(super) graph_root: &'run str,
    pub(super) api_version: &'run str,
    /// What a rehearsal's tenant saw; `None` for a run that was real.
    pub(super) ledger: Option<Ledger>,
    pub(super) directory: &'run Path,
    /// The file that finishes the job: unfinished.csv, or where that could not be written the input itself.
    pub(super) leftover: &'run Path,
    /// The command that was typed: `run` or `snapshot`.
    pub(super) command: &'static str,
}

/// A run that has ended.
#[derive(Debug)]
pub(super) struct Closing<'run> {
    pub(super) end: &'run RunEnd,
    pub(super) account: Account<'run>,
}

impl Closing<'_> {
    /// Writes the summary and says the last lines. `finished` tells whether the results files are in their last form.
    pub(super) fn close(
        &self,
        output: Output,
        finished: Result<(), ObserverError>,
        summary: &Path,
    ) -> Result<Exit, AppError> {
        let exit = match finished {
            Ok(()) => Exit::of(&self.end.stats.rows, self.end.stop.as_ref()),
            Err(_) => Exit::Stopped,
        };
        let written = self.summary(exit).write(summary);
        if output != Output::Quiet || exit != Exit::Done {
            say(&self.text());
        }
        finished?;
        written?;
        Ok(exit)
    }

    fn summary(&self, exit: Exit) -> Summary {
        let (stats, account) = (&self.end.stats, &self.account);
        let ended_at = account.started_at.checked_add(account.duration).unwrap_or(Timestamp::MAX);
        Summary {
            schema_version: SCHEMA_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: format!("{:.3}", account.started_at),
            ended_at: format!("{ended_at:.3}"),
            duration_ms: milliseconds(account.duration),
            input: account.input.display().to_string(),
            graph_root: account.graph_root.to_owned(),
            api_version: account.api_version.to_owned(),
            rehearsal: account.ledger.is_some(),
            rows: (&stats.rows).into(),
            by_action: by_action(stats),
            requests: (&stats.requests).into(),
            operations: (&stats.operations).into(),
            held_ms: milliseconds(stats.held),
            rows_per_second: rows_per_second(stats.rows.total(), account.duration),
            stop_reason: self.end.stop.as_ref().map(reason),
            exit_code: exit.code(),
        }
    }

    fn text(&self) -> String {
        let rows = &self.end.stats.rows;
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        if let Some(stop) = &self.end.stop {
            let _ = writeln!(text, "{}", reason(stop));
        }
        let is_told = |status: &Status| rows.of(*status) > 0 || *status == Status::Succeeded;
        let told: Vec<String> = Status::ALL
            .iter()
            .filter(|status| is_told(status))
            .map(|status| format!("{} {status}", rows.of(*status)))
            .collect();
        let (total, seconds) = (rows.total(), self.account.duration.as_secs_f64());
        let noun = if total == 1 { "row" } else { "rows" };
        let _ = writeln!(text, "{total} {noun} in {seconds:.1} s: {}", told.join(", "));
        if let Some(ledger) = &self.account.ledger {
            let _ = writeln!(text, "REHEARSAL: nothing real was touched; {ledger}");
        }
        let _ = writeln!(text, "files: {}", self.account.directory.display());
        if let Some(next) = self.next() {
            let _ = writeln!(text, "next: {next}");
        }
        text
    }

    fn next(&self) -> Option<String> {
        let rows = &self.end.stats.rows;
        if Status::ALL.iter().all(|status| status.is_done() || rows.of(*status) == 0) {
            return None;
        }
        let rehearse = if self.account.ledger.is_some() { " --rehearse" } else { "" };
        let command =
            format!("authwave {} {}{rehearse}", self.account.command, quoted(self.account.leftover));
        let must_read = self.end.stop.is_none() && rows.failed > 0;
        Some(if must_read {
            format!("see error_message and detail in results.csv, then {command}")
        } else {
            command
        })
    }
}

/// Why the run stopped, with the cure.
fn reason(stop: &Stop) -> String {
    match stop {
        Stop::Interrupted => "stopped by a signal: what was on the wire was finished, the rest is unprocessed".to_owned(),
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

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stats::{RowCounts, Stats};

    fn text(rows: RowCounts, stop: Option<Stop>, ledger: Option<Ledger>) -> String {
        let end = RunEnd { stats: Stats { rows, ..Stats::default() }, stop };
        let account = Account {
            started_at: Timestamp::UNIX_EPOCH,
            duration: Duration::from_millis(1_234),
            input: Path::new("/in.csv"),
            graph_root: "https://graph.microsoft.com",
            api_version: "v1.0",
            ledger,
            directory: Path::new("runs/my wave"),
            leftover: Path::new("runs/my wave/unfinished.csv"),
            command: "run",
        };
        Closing { end: &end, account }.text()
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
        assert!(text(rows, None, None).ends_with(
            "next: see error_message and detail in results.csv, then authwave run 'runs/my wave/unfinished.csv'\n"
        ));
        let rows = RowCounts { unprocessed: 1, ..RowCounts::default() };
        let told = text(rows, Some(Stop::Interrupted), None);
        assert!(told.starts_with("stopped by a signal"), "{told}");
        assert!(told.contains("\n1 row in 1.2 s: 0 succeeded, 1 unprocessed\n"), "{told}");
        assert!(told.ends_with("next: authwave run 'runs/my wave/unfinished.csv'\n"), "{told}");
    }

    #[test]
    fn a_rehearsal_says_that_nothing_real_was_touched() {
        let rows = RowCounts { succeeded: 1, failed: 1, ..RowCounts::default() };
        let told = text(rows, None, Some(Ledger::default()));
        assert!(told.contains("REHEARSAL: nothing real was touched"), "{told}");
        assert!(told.ends_with("unfinished.csv' --rehearse\n"), "{told}");
    }
}
