//! A copy of an input file with what was found in it: a column of findings, and in a workbook the cells in colour.
//!
//! It holds no password: their cells are left empty.

use std::path::Path;

use crate::model::event::ObserverError;
use crate::model::header::Header;
use crate::model::row::Row;

use super::names::beside;
use super::whole_lines::{WholeLines, fault, free_text};
use super::workbook::{Mark, Workbook};

/// The column that is added.
const FINDINGS: &str = "findings";

/// What is to be said of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The column; `None` where it is the row as a whole.
    pub column: Option<usize>,
    /// The colour.
    pub mark: Mark,
    /// In words.
    pub text: String,
}

#[derive(Debug)]
enum Target {
    Csv(Box<WholeLines>),
    Workbook(Box<Workbook>),
}

/// A copy that is being written.
#[derive(Debug)]
pub struct Checked<'a> {
    path: &'a Path,
    header: &'a Header,
    target: Target,
}

impl<'a> Checked<'a> {
    /// Begins a copy at `path`, which must not exist: a workbook where its name ends with `.xlsx`, else CSV.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn create(path: &'a Path, header: &'a Header) -> Result<Self, ObserverError> {
        let names: Vec<_> = header.names.iter().map(String::as_str).collect();
        let names = beside(&[FINDINGS], &names);
        let names = names.iter().map(String::as_str).chain([FINDINGS]);
        let is_workbook = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("xlsx"));
        let target = if is_workbook {
            let mut workbook = Workbook::default();
            workbook.begin_sheet("checked", names.map(str::to_owned).collect()).map_err(fault(path))?;
            Target::Workbook(Box::new(workbook))
        } else {
            Target::Csv(Box::new(WholeLines::create(path, names)?))
        };
        Ok(Self { path, header, target })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, row: &Row, findings: &[Finding]) -> Result<(), ObserverError> {
        let told = findings.iter().map(|finding| self.told(finding)).collect::<Vec<_>>().join("; ");
        let fields = (0..self.header.names.len()).map(|column| self.header.shown(row, column));
        match &mut self.target {
            Target::Csv(lines) => lines.push(fields.chain([free_text(&told).as_ref()])),
            Target::Workbook(workbook) => {
                let mark = |column: usize| worst(findings, Some(column));
                let cells = fields.enumerate().map(|(column, text)| (text, mark(column)));
                let cells = cells.chain([(told.as_str(), worst(findings, None))]);
                workbook.push(cells).map_err(fault(self.path))
            }
        }
    }

    fn told(&self, Finding { column, text, .. }: &Finding) -> String {
        column.map_or_else(|| text.clone(), |column| format!("{} {text}", self.header.names[column].trim()))
    }

    /// Ends the copy.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<(), ObserverError> {
        match self.target {
            Target::Csv(mut lines) => lines.sync(),
            Target::Workbook(workbook) => workbook.save_new(self.path),
        }
    }
}

/// The gravest mark of a column, or of the row as a whole.
fn worst(findings: &[Finding], column: Option<usize>) -> Mark {
    let marks: Vec<_> =
        findings.iter().filter(|finding| finding.column == column).map(|finding| finding.mark).collect();
    [Mark::Bad, Mark::Doubtful, Mark::Good]
        .into_iter()
        .find(|mark| marks.contains(mark))
        .unwrap_or(Mark::Plain)
}
