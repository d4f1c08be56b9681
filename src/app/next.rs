//! What to type next, as the last lines and the report tell it.

use std::path::Path;

use crate::input::content::STANDARD_INPUT;
use crate::journal::record::RunRecord;
use crate::journal::schema::JournalError;
use crate::journal::store::Store;
use crate::model::stats::RowCounts;
use crate::settings::stored::Stored;

use super::clock::timeline_now;
use super::exit::Exit;
use super::plan_text::DOCUMENT;
use super::purpose::Purpose;

/// How a run stands on which nobody works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// How its rows ended, those that did.
    pub(super) rows: RowCounts,
    /// How many of those that failed `authwave resume` would try again.
    pub(super) refused: u64,
    /// How its last process ended; `None` where that noted no end.
    pub(super) exit_code: Option<u8>,
    /// Whether its last process was stopped by a signal, a time, or the rows themselves.
    pub(super) was_stopped: bool,
}

impl Rest {
    /// Whether `authwave resume` would do more than to find that nothing is left.
    fn is_cut_short(&self, run: &RunRecord) -> bool {
        let rows = &self.rows;
        // Who reads each user once does not come to as many ends as the file has rows.
        let is_short = Purpose::of(&run.command) == Purpose::Rows && rows.total() < run.rows;
        // Nothing but a fault ended it, and where no row is left that was in the files: they are made anew.
        let is_faulty = self.exit_code == Some(Exit::Stopped.code()) && !self.was_stopped;
        rows.not_reached() > 0 || self.refused > 0 || is_short || is_faulty || self.exit_code.is_none()
    }
}

/// How many rows that failed `authwave resume` would try again: a sign-in or a permission was missing.
pub(super) fn refused(store: &Store) -> Result<u64, JournalError> {
    store.refused(Exit::Refused.code(), &timeline_now())
}

/// The steps in their order, commands and what to do before them.
pub(super) fn next_steps(run: &RunRecord, directory: &Path, rest: &Rest) -> Vec<String> {
    let (rows, quoted_directory) = (&rest.rows, quoted(directory));
    if rest.is_cut_short(run) {
        return vec![format!("authwave resume {quoted_directory}")];
    }
    if Purpose::of(&run.command) == Purpose::Plan && rows.succeeded > 0 {
        let carry_out = carry_out((&directory.join(DOCUMENT), &run.input), run.is_rehearsal);
        return vec!["look at plan.html".to_owned(), carry_out];
    }
    let mut next = Vec::new();
    if rows.pending > 0 {
        next.push(format!("authwave operations {quoted_directory}"));
    }
    if rows.failed + rows.unknown > 0 {
        let rehearse = if run.is_rehearsal { " --rehearse" } else { "" };
        let unfinished = quoted(&directory.join("unfinished.csv"));
        // Where the journal's settings cannot be read, its rows could not either.
        let stored = Stored::from_json(&run.settings).unwrap_or_default();
        // What a plan guarded is not done without one.
        let command = if stored.plan().is_some() { Purpose::Plan.command() } else { run.command.as_str() };
        let mut reading = stored.meaning_of_rows();
        // A snapshot reads no numbers.
        reading.retain(|flag| command != Purpose::Snapshot.command() || flag.starts_with("--map"));
        let words = [unfinished].into_iter().chain(reading.iter().map(|flag| quoted(Path::new(flag))));
        let words: Vec<_> = words.collect();
        next.push("see error_message and detail in results.csv".to_owned());
        next.push(format!("authwave {command} {}{rehearse}", words.join(" ")));
    }
    next
}

/// The command that carries a plan of the rows in `input` out. Rows that came through a pipe have to come once more.
pub(super) fn carry_out((path, input): (&Path, &Path), is_rehearsal: bool) -> String {
    let rows = if input.ends_with(STANDARD_INPUT) { " -" } else { "" };
    let rehearse = if is_rehearsal { " --rehearse" } else { "" };
    format!("authwave run{rows} --plan {}{rehearse}", quoted(path))
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::fingerprint::Fingerprint;
    use crate::model::header::Header;

    fn run(command: &str, settings: &str) -> RunRecord {
        RunRecord {
            program_version: "0.1.0".to_owned(),
            command: command.to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            input: "/in.csv".into(),
            fingerprint: Fingerprint { bytes: 0, sha256: String::new() },
            header: Header::default(),
            rows: 4,
            graph_root: "https://graph.microsoft.com".to_owned(),
            api_version: "v1.0".to_owned(),
            tenant: None,
            is_rehearsal: false,
            settings: settings.to_owned(),
        }
    }

    fn steps(run: &RunRecord, rest: &Rest) -> String {
        next_steps(run, Path::new("out"), rest).join(", then ")
    }

    #[test]
    fn resume_is_named_where_it_would_do_something() {
        let failed = RowCounts { succeeded: 2, failed: 2, ..RowCounts::default() };
        let done = RowCounts { succeeded: 4, ..RowCounts::default() };
        let ended = Rest { rows: failed, refused: 0, exit_code: Some(4), was_stopped: true };
        let resume = "authwave resume out";
        let told = |rest: &Rest| steps(&run("run", "{}"), rest);
        // Too many rows failed, and none is left.
        assert!(told(&ended).ends_with("authwave run out/unfinished.csv"), "{}", told(&ended));
        assert_eq!(told(&Rest { refused: 1, ..ended }), resume);
        assert_eq!(told(&Rest { exit_code: None, ..ended }), resume);
        assert_eq!(told(&Rest { rows: RowCounts { succeeded: 1, ..failed }, ..ended }), resume);
        assert_eq!(told(&Rest { rows: RowCounts { unprocessed: 1, ..done }, ..ended }), resume);
        for rows in [done, failed] {
            assert_eq!(told(&Rest { rows, was_stopped: false, ..ended }), resume, "its files are made anew");
        }
        assert_eq!(told(&Rest { rows: done, exit_code: Some(0), ..ended }), "");
    }

    #[test]
    fn a_plan_is_looked_at_and_carried_out_and_rows_of_one_are_planned_anew() {
        // Two of the four rows are of one user.
        let rows = RowCounts { succeeded: 2, failed: 1, ..RowCounts::default() };
        let rest = Rest { rows, refused: 0, exit_code: Some(0), was_stopped: false };
        let told = steps(&run("plan", "{}"), &rest);
        assert_eq!(told, "look at plan.html, then authwave run --plan out/plan.json");
        let told = steps(&run("snapshot", "{}"), &rest);
        assert!(told.ends_with(", then authwave snapshot out/unfinished.csv"), "{told}");
        let rest = Rest { rows: RowCounts { succeeded: 3, ..rows }, exit_code: Some(1), ..rest };
        let by_plan = r#"{"choices":{"plan":{"path":"/plan.json","hash":"aa"},"default_country":"DE"}}"#;
        let told = steps(&run("run", by_plan), &rest);
        assert!(told.ends_with(", then authwave plan out/unfinished.csv --default-country=DE"), "{told}");
    }
}
