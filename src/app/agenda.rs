//! `authwave run --plan`: exactly the plan's rows, and each only where its user is still as the plan says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::error_code::OwnCode;
use crate::model::fingerprint::Fingerprint;
use crate::model::foresight::Kind;
use crate::model::row::RowNumber;
use crate::model::task::{InvalidRow, Task, Work};
use crate::model::user_state::Expectation;
use crate::policy::caps::Tally;
use crate::results::plan_document::{PlanError, PlanHeader, PlanRow, read_plan};
use crate::settings::plan::KeptPlan;
use crate::settings::resolve::RunChoices;

use super::error::AppError;
use super::sum::Sum;

/// A plan that is to be carried out.
#[derive(Debug)]
pub(super) struct Agenda {
    path: PathBuf,
    header: PlanHeader,
    hash: String,
    rows: HashMap<RowNumber, Item>,
    sum: Sum,
}

/// What is to be done about a row.
#[derive(Debug)]
enum Item {
    /// It is done where its user is so.
    Do(Option<Box<Expectation>>),
    /// It is not, and why.
    Leave { code: OwnCode, reason: String },
}

impl Agenda {
    /// Reads a plan. It holds some hundred bytes for each row.
    pub(super) fn read(path: &Path) -> Result<Self, AppError> {
        let (mut rows, mut sum) = (HashMap::new(), Sum::default());
        let see = |row: PlanRow| {
            sum.add(&row);
            rows.insert(RowNumber(row.row), item(row));
        };
        let (header, hash) = read_plan(path, see).map_err(|source| AppError::plan(path, source))?;
        Ok(Self { path: path.to_owned(), header, hash, rows, sum })
    }

    /// The plan of a run that is taken up again, which must be the one that it began with.
    pub(super) fn read_again(path: &Path, kept: &KeptPlan) -> Result<Self, AppError> {
        let agenda = Self::read(path)?;
        same("the plan", (&kept.hash, &agenda.hash), "Nothing was sent. Put the plan back as it was")?;
        Ok(agenda)
    }

    /// The rows' file.
    pub(super) fn input(&self) -> PathBuf {
        PathBuf::from(&self.header.input)
    }

    /// What is counted in it.
    pub(super) const fn tally(&self) -> &Tally {
        &self.sum.tally
    }

    /// All that is counted in it.
    pub(super) const fn sum(&self) -> &Sum {
        &self.sum
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What a journal keeps of it.
    pub(super) fn kept(&self) -> KeptPlan {
        KeptPlan { path: self.path.clone(), hash: self.hash.clone() }
    }

    /// Fills in how the plan understood the rows.
    pub(super) fn fill(&self, choices: &mut RunChoices) -> Result<(), AppError> {
        let reading = serde_json::from_value(self.header.reading.clone());
        choices.fill_reading(reading.map_err(|error| {
            AppError::plan(&self.path, PlanError::Content(format!("how it read the rows: {error}")))
        })?);
        Ok(())
    }

    /// Whether the file is what the plan was made of.
    pub(super) fn fits(&self, fingerprint: &Fingerprint) -> Result<(), AppError> {
        same(
            "the rows' file",
            (&self.header.input_sha256, &fingerprint.sha256),
            "Nothing was sent. Make a new plan",
        )
    }

    /// Whether the tenant is the one that was read.
    pub(super) fn fits_tenant(&self, graph_root: &str, tenant: Option<&str>) -> Result<(), AppError> {
        let cure = "Nothing was sent. Make a plan for this tenant";
        let name =
            |is_rehearsal, root: &str| if is_rehearsal { REHEARSAL.to_owned() } else { root.to_owned() };
        let then = name(self.header.rehearsal, &self.header.graph_root);
        same("the tenant", (&then, graph_root), cure)?;
        match (&self.header.tenant, tenant) {
            (Some(then), Some(now)) => same("the tenant", (then, now), cure),
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// What a row becomes by the plan.
    pub(super) fn apply(&self, work: Work) -> Work {
        let Work::Task(task) = work else { return work };
        match self.rows.get(&task.row.number) {
            Some(Item::Do(expected)) => Work::Task(Task { expected: expected.clone(), ..task }),
            Some(Item::Leave { code, reason }) => left(task, *code, reason.clone()),
            None => left(task, OwnCode::NotPlanned, "does not stand in the plan".to_owned()),
        }
    }
}

/// The name of a tenant in a plan.
pub(super) const REHEARSAL: &str = "a rehearsal";

fn item(row: PlanRow) -> Item {
    match row.kind() {
        Some(Kind::Blocked) | None => Item::Leave {
            // A later program may block rows for reasons of its own.
            code: OwnCode::named(&row.code).unwrap_or(OwnCode::Blocked),
            reason: row.reason,
        },
        Some(
            Kind::Create
            | Kind::Change
            | Kind::Delete
            | Kind::Switch
            | Kind::Reset
            | Kind::Read
            | Kind::Nothing,
        ) => Item::Do(row.expectation().map(Box::new)),
    }
}

/// A row that is not done.
pub(super) fn left(task: Task, code: OwnCode, reason: String) -> Work {
    let value = task.user.to_string();
    Work::Invalid(InvalidRow { row: task.row, column: "user".to_owned(), value, reason, code })
}

fn same(what: &str, (then, now): (&str, &str), cure: &'static str) -> Result<(), AppError> {
    if then.eq_ignore_ascii_case(now) {
        return Ok(());
    }
    Err(AppError::Changed { what: what.to_owned(), then: then.to_owned(), now: now.to_owned(), cure })
}
