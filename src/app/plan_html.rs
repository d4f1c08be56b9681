//! plan.html, made from plan.json alone.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::foresight::Kind;
use crate::model::numbers::Numbers;
use crate::report::plan_page::{Group, Line, MOST_LINES, PlanFacts, plan_page};
use crate::results::plan_document::{PlanHeader, PlanRow, read_plan};

use super::error::AppError;
use super::next::carry_out;
use super::plan_text::{DOCUMENT, told};
use super::report::put;
use super::run_directory::RunDirectory;

const NAME: &str = "plan.html";

/// Writes the page of the plan in `directory`, in the place of an earlier one.
pub(super) fn write(directory: &RunDirectory, numbers: Numbers) -> Result<(), AppError> {
    let path = directory.file(DOCUMENT);
    let mut groups = BTreeMap::new();
    let read = read_plan(&path, |row| add(&mut groups, &row));
    let (header, hash) = read.map_err(|source| AppError::plan(&path, source))?;
    let groups: Vec<Group> = groups.into_values().collect();
    let PlanHeader { program_version, made_at, input, graph_root, tenant, rehearsal, .. } = header;
    let has_changes = groups.iter().any(|group| group.kind.writes());
    let next = if has_changes { carry_out((&path, Path::new(&input)), rehearsal) } else { String::new() };
    let input = Path::new(&input).file_name().map(|name| name.display().to_string()).unwrap_or(input);
    let text = plan_page(&PlanFacts {
        input,
        made_at,
        is_rehearsal: rehearsal,
        tenant,
        graph_root,
        program_version,
        hash,
        groups,
        next,
        numbers,
    });
    put(directory, NAME, &text)
}

fn add(groups: &mut BTreeMap<Kind, Group>, row: &PlanRow) {
    let kind = row.kind().unwrap_or(Kind::Blocked);
    let new = || Group { kind, rows: 0, codes: Vec::new(), lines: Vec::new() };
    let group = groups.entry(kind).or_insert_with(new);
    group.rows += 1;
    if !row.code.is_empty() {
        match group.codes.iter_mut().find(|(code, _)| *code == row.code) {
            Some((_, count)) => *count += 1,
            None => group.codes.push((row.code.clone(), 1)),
        }
    }
    if group.lines.len() < MOST_LINES {
        let (user, action, what) = (row.user.clone(), row.action.clone(), told(row));
        group.lines.push(Line { row: row.row, user, action, what });
    }
}
