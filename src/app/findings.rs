//! Tells what a check of a file found.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::graph::needs::Obstacle;
use crate::input::checks::{Example, Findings, Group};
use crate::input::remarks::{Cause, Severity};
use crate::input::source::Input;
use crate::model::demand::Demand;
use crate::model::numbers::Numbers;
use crate::model::row::RowNumber;
use crate::model::task::WHOLE_ROW;

/// How many rows a warning names in a run.
const NAMED_ROWS: usize = 5;

/// How the file is read.
pub(super) fn form(input: &Input) -> String {
    format!("reading {}: {}\n", input.path().display(), input.form())
}

/// A line for each bad row, at most fifty, and then the count. Row and column say where its cell is, whose number need
/// not stand in the mail of a job.
pub(super) fn bad_rows(file: &Path, findings: &Findings, numbers: Numbers) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    for invalid in &findings.examples {
        let place = place(invalid.row.number, &invalid.column, &numbers.in_text(&invalid.value));
        let _ = writeln!(text, "{}: {place} {}", file.display(), numbers.in_text(&invalid.reason));
    }
    let left = findings.invalid - findings.examples.len() as u64;
    if left > 0 {
        let _ = writeln!(text, "{}: and {left} more bad rows", file.display());
    }
    text
}

/// A line for each cause of warnings, and one for all notes.
pub(super) fn warnings(file: &Path, findings: &Findings) -> String {
    let mut text = String::new();
    let name = file.display();
    for (column, meant) in &findings.near_misses {
        let _ = writeln!(text, "{name}: warning: {}", near_miss(column, meant));
    }
    for (cause, group) in findings.of(Severity::Warning) {
        let rows: Vec<_> =
            group.examples.iter().take(NAMED_ROWS).map(|example| example.row.to_string()).collect();
        let more = if group.count > rows.len() as u64 { ", …" } else { "" };
        let _ = writeln!(text, "{name}: warning: {} (rows {}{more})", cause.told(), rows.join(", "));
    }
    let notes = findings.count(Severity::Note);
    if notes > 0 {
        let noun = if notes == 1 { "cell was" } else { "cells were" };
        let file = super::next::quoted(file);
        let _ =
            writeln!(text, "{name}: {notes} {noun} not read as written: authwave check {file} tells which");
    }
    text
}

/// Where in the file something stands, as the beginning of a sentence.
fn place(row: RowNumber, column: &str, value: &str) -> String {
    if column == WHOLE_ROW { format!("row {row}") } else { format!("row {row}, {column} '{value}'") }
}

fn near_miss(column: &str, meant: &str) -> String {
    format!(
        "column `{column}` is carried through; is {meant} meant? Then name it so, or say --map {meant}={column}"
    )
}

/// Everything, for people.
pub(super) fn text(input: &Input, findings: &Findings) -> String {
    let mut text = form(input);
    let actions: Vec<_> =
        findings.by_action.iter().map(|(action, count)| format!("{count} {action}")).collect();
    let actions = if actions.is_empty() { String::new() } else { format!(" ({})", actions.join(", ")) };
    let _ = writeln!(text, "{}{actions}", counted(findings.rows, "row"));
    for (column, meant) in &findings.near_misses {
        let _ = writeln!(text, "warning: {}", near_miss(column, meant));
    }
    for severity in Severity::ALL {
        for (cause, group) in findings.of(severity) {
            tell_group(&mut text, cause, group);
        }
    }
    let Demand { reads, writes, .. } = findings.forecast;
    let (reads, writes) = (counted(reads, "read"), counted(writes, "write"));
    let _ = write!(text, "a run sends at most {reads} and {writes}");
    if findings.resets > 0 {
        let _ = write!(text, ", and follows {}", counted(findings.resets, "reset"));
    }
    let _ = writeln!(text);
    let bad =
        if findings.invalid == 0 { "every row can be done".to_owned() } else { cannot_be_done(findings) };
    let _ = writeln!(text, "{bad}");
    text
}

fn cannot_be_done(findings: &Findings) -> String {
    format!("{} of {} cannot be done", findings.invalid, counted(findings.rows, "row"))
}

fn tell_group(text: &mut String, cause: Cause, group: &Group) {
    let (severity, name) = (cause.severity().name(), cause.name());
    let _ = writeln!(text, "{severity} {name} ({}): {}", group.count, cause.told());
    for Example { row, column, value, text: told } in &group.examples {
        let _ = writeln!(text, "  {} {told}", place(*row, column, value));
    }
    let left = group.count - group.examples.len() as u64;
    if left > 0 {
        let _ = writeln!(text, "  and {left} more");
    }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Everything, for scripts. The keys are stable.
#[derive(Debug, Serialize)]
struct Json<'a> {
    schema_version: u32,
    file: String,
    form: String,
    rows: u64,
    bad_rows: u64,
    warnings: u64,
    notes: u64,
    by_action: &'a std::collections::BTreeMap<&'static str, u64>,
    forecast: JsonForecast,
    findings: Vec<JsonGroup<'a>>,
    near_misses: Vec<JsonNearMiss<'a>>,
    /// Rows that cannot be done in the tenant's cloud, or by who signs in.
    obstacles: Vec<String>,
}

#[derive(Debug, Serialize)]
struct JsonForecast {
    reads: u64,
    writes: u64,
    resets: u64,
}

#[derive(Debug, Serialize)]
struct JsonGroup<'a> {
    cause: &'static str,
    severity: &'static str,
    told: &'static str,
    count: u64,
    examples: Vec<JsonExample<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonExample<'a> {
    row: u64,
    column: &'a str,
    value: &'a str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct JsonNearMiss<'a> {
    column: &'a str,
    meant: &'a str,
}

/// Everything, as JSON.
pub(super) fn json(input: &Input, findings: &Findings, obstacles: &[Obstacle]) -> String {
    let groups = findings.groups.iter().map(|(cause, group)| JsonGroup {
        cause: cause.name(),
        severity: cause.severity().name(),
        told: cause.told(),
        count: group.count,
        examples: group
            .examples
            .iter()
            .map(|Example { row, column, value, text }| JsonExample { row: row.0, column, value, text })
            .collect(),
    });
    let near_misses = findings.near_misses.iter().map(|(column, meant)| JsonNearMiss { column, meant });
    let json = Json {
        schema_version: 1,
        file: input.path().display().to_string(),
        form: input.form(),
        rows: findings.rows,
        bad_rows: findings.invalid,
        warnings: findings.count(Severity::Warning),
        notes: findings.count(Severity::Note),
        by_action: &findings.by_action,
        forecast: JsonForecast {
            reads: findings.forecast.reads,
            writes: findings.forecast.writes,
            resets: findings.resets,
        },
        findings: groups.collect(),
        near_misses: near_misses.collect(),
        obstacles: obstacles.iter().map(ToString::to_string).collect(),
    };
    let Ok(text) = serde_json::to_string_pretty(&json) else {
        unreachable!("plain texts and numbers serialize")
    };
    text + "\n"
}
