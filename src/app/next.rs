//! What to type next, as the last lines and the report tell it.

use std::path::Path;

use crate::journal::record::RunRecord;
use crate::model::stats::RowCounts;
use crate::settings::stored::Stored;

/// The steps in their order, commands and what to do before them. `is_cut_short`: the run has not come to its end.
pub(super) fn next_steps(
    run: &RunRecord,
    directory: &Path,
    rows: &RowCounts,
    is_cut_short: bool,
) -> Vec<String> {
    let quoted_directory = quoted(directory);
    if is_cut_short {
        return vec![format!("authwave resume {quoted_directory}")];
    }
    let mut next = Vec::new();
    if rows.pending > 0 {
        next.push(format!("authwave operations {quoted_directory}"));
    }
    if rows.failed + rows.unknown > 0 {
        let (command, rehearse) = (&run.command, if run.is_rehearsal { " --rehearse" } else { "" });
        let unfinished = quoted(&directory.join("unfinished.csv"));
        // Where the journal's settings cannot be read, its rows could not either.
        let reading = Stored::from_json(&run.settings).map(|stored| stored.meaning_of_rows());
        let mut reading = reading.unwrap_or_default();
        // A snapshot reads no numbers.
        reading.retain(|flag| command == "run" || flag.starts_with("--map"));
        let words = [unfinished].into_iter().chain(reading.iter().map(|flag| quoted(Path::new(flag))));
        let words: Vec<_> = words.collect();
        next.push("see error_message and detail in results.csv".to_owned());
        next.push(format!("authwave {command} {}{rehearse}", words.join(" ")));
    }
    next
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
