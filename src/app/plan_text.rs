//! How a plan is told in lines.

use std::path::Path;

use crate::results::plan_document::{PlanRow, read_plan};

use super::environment::print;
use super::error::AppError;

/// The name of a plan in its run directory.
pub(super) const DOCUMENT: &str = "plan.json";

/// Shows each row of a plan.
pub(super) fn details(path: &Path) -> Result<(), AppError> {
    read_plan(path, |row| print(&line(&row))).map_err(|source| AppError::plan(path, source))?;
    Ok(())
}

/// A row in one line, whatever Graph said of it: what looks like a row is one.
fn line(row: &PlanRow) -> String {
    let what = told(row).replace(['\n', '\r'], " ");
    format!("row {:<5} {} {}: {what}\n", row.row, row.user, row.action)
}

/// What would be done about a row, or why it is not.
pub(super) fn told(row: &PlanRow) -> String {
    let steps: Vec<String> = row
        .steps
        .iter()
        .map(|step| match (step.from.as_str(), step.to.as_str()) {
            ("", "") => step.change.clone(),
            ("", to) => format!("{} {} {to}", step.change, step.phone_type),
            (from, "") => format!("{} {} {from}", step.change, step.phone_type),
            (from, to) => format!("{} {} {from} → {to}", step.change, step.phone_type),
        })
        .collect();
    match (steps.is_empty(), row.code.as_str()) {
        (false, _) => steps.join("; "),
        (true, "") => row.change.clone(),
        (true, code) => format!("{} ({code}): {}", row.change, row.reason),
    }
}
