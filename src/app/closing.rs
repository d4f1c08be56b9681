//! The last lines of a run: how many of each status, where the files are, and what to type next.

use std::fmt::Write as _;
use std::path::Path;

use crate::engine::run::Stop;
use crate::model::outcome::Status;
use crate::model::stats::Stats;

use super::error::chain;

/// What the last lines tell of.
#[derive(Debug)]
pub(super) struct Closing<'run> {
    /// The counts.
    pub(super) stats: &'run Stats,
    /// Why it stopped early.
    pub(super) stop: Option<&'run Stop>,
    /// Where the files are.
    pub(super) directory: &'run Path,
    /// Whether a real tenant was touched.
    pub(super) rehearsal: Rehearsal<'run>,
}

/// Whether the run was a rehearsal, and what its tenant saw.
#[derive(Debug)]
pub(super) enum Rehearsal<'run> {
    /// It was real.
    No,
    /// It was one; the tenant's own account of it.
    Yes {
        /// What the simulated tenant has to say.
        ledger: &'run str,
    },
}

impl Closing<'_> {
    /// The lines, each ended.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        if let Some(stop) = self.stop {
            let _ = writeln!(text, "{}", reason(stop));
        }
        let counts = Status::ALL.map(|status| (status, self.stats.rows.of(status)));
        let told: Vec<String> = counts
            .iter()
            .filter(|(status, count)| *count > 0 || *status == Status::Succeeded)
            .map(|(status, count)| format!("{count} {status}"))
            .collect();
        let _ = writeln!(text, "{} rows: {}", self.stats.rows.total(), told.join(", "));
        if let Rehearsal::Yes { ledger } = self.rehearsal {
            let _ = writeln!(text, "REHEARSAL: nothing real was touched; all this happened in a local tenant\n{ledger}");
        }
        let _ = writeln!(text, "files: {}", self.directory.display());
        if let Some(next) = self.next() {
            let _ = writeln!(text, "next: {next}");
        }
        text
    }

    fn next(&self) -> Option<String> {
        let is_done = |status: &Status| status.is_done() || self.stats.rows.of(*status) == 0;
        if Status::ALL.iter().all(is_done) {
            return None;
        }
        let again = match self.rehearsal {
            Rehearsal::No => "",
            Rehearsal::Yes { .. } => " --rehearse",
        };
        let unfinished = self.directory.join("unfinished.csv");
        let command = format!("authwave run {}{again}", quoted(&unfinished));
        Some(match self.stop {
            None if self.stats.rows.failed > 0 => format!("read error_message and detail in results.csv, then {command}"),
            _ => command,
        })
    }
}

/// Why the run stopped, with the cure.
pub(super) fn reason(stop: &Stop) -> String {
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
    use crate::model::stats::RowCounts;

    fn text(rows: RowCounts, stop: Option<&Stop>) -> String {
        let stats = Stats { rows, ..Stats::default() };
        Closing { stats: &stats, stop, directory: Path::new("runs/my wave"), rehearsal: Rehearsal::No }.text()
    }

    #[test]
    fn a_clean_run_needs_no_next_step() {
        let rows = RowCounts { succeeded: 2, unchanged: 1, ..RowCounts::default() };
        assert_eq!(text(rows, None), "3 rows: 2 succeeded, 1 unchanged\nfiles: runs/my wave\n");
    }

    #[test]
    fn what_is_left_over_names_the_command_that_goes_on() {
        let rows = RowCounts { succeeded: 2, failed: 1, ..RowCounts::default() };
        assert!(text(rows, None).ends_with(
            "next: read error_message and detail in results.csv, then authwave run 'runs/my wave/unfinished.csv'\n"
        ));
        let rows = RowCounts { unprocessed: 1, ..RowCounts::default() };
        let told = text(rows, Some(&Stop::Interrupted));
        assert!(told.starts_with("stopped by a signal"), "{told}");
        assert!(told.contains("\n1 rows: 0 succeeded, 1 unprocessed\n"), "{told}");
        assert!(told.ends_with("next: authwave run 'runs/my wave/unfinished.csv'\n"), "{told}");
    }
}
