//! A sheet of an Excel or Open Document workbook as CSV text. The one door to `calamine`.
//!
//! Cells keep what they hold: a whole number its digits, a date its letters, so that it is not taken for a number.

use std::io::Cursor;

use calamine::{Cell, Data, Reader as _, Sheets, open_workbook_auto_from_rs};
use csv::WriterBuilder;
use thiserror::Error;

/// Up to here every whole number has its own cell value: Excel keeps 15 digits.
const EXACT: f64 = 1e15;

/// As many fields a sheet may have as text, empty ones between filled ones included: a forgotten cell far to the right of a
/// long table makes so many of them that no memory holds them.
const MOST_FIELDS: u64 = 50_000_000;

/// Why a workbook cannot be read.
#[derive(Debug, Error)]
pub enum WorkbookError {
    /// It is none, or it is encrypted or damaged.
    #[error("it is no workbook that can be read ({0}): save it without a password, or as \"CSV UTF-8\"")]
    Unreadable(String),
    /// It has no such sheet.
    #[error("it has no sheet '{wanted}'; its sheets are: {sheets}")]
    NoSheet {
        /// What was asked for.
        wanted: String,
        /// What there is.
        sheets: String,
    },
    /// Several sheets could be meant.
    #[error("several of its sheets have a header that is known: {0}. Name one with --sheet")]
    SeveralSheets(String),
    /// A cell makes the sheet so wide that it cannot be a table.
    #[error(
        "its cell {0} lies far from the others: delete what stands there, or copy the table into a workbook of its own"
    )]
    FarCell(String),
}

/// A sheet as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    /// Its name.
    pub(super) name: String,
    /// CSV with commas.
    pub(super) csv: Vec<u8>,
}

/// Whether a file that begins so is a workbook: a ZIP archive, or Excel's older compound file.
pub(super) fn is_workbook(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

impl Sheet {
    /// Reads the sheet that is `wanted`, else the only one whose header has a name for which `is_known` holds, else the
    /// first that is not empty.
    ///
    /// # Errors
    /// When it is no workbook, or no sheet can be chosen.
    pub(super) fn read(
        bytes: Vec<u8>,
        wanted: Option<&str>,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, WorkbookError> {
        let mut workbook = open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(unreadable)?;
        let name = match wanted {
            Some(wanted) => wanted_sheet(&workbook, wanted)?,
            None => likeliest_sheet(&mut workbook, is_known)?,
        };
        let csv = text(&cells(&mut workbook, &name)?)?;
        Ok(Self { name, csv })
    }
}

type Workbook = Sheets<Cursor<Vec<u8>>>;

fn unreadable(error: impl std::fmt::Display) -> WorkbookError {
    WorkbookError::Unreadable(error.to_string())
}

fn wanted_sheet(workbook: &Workbook, wanted: &str) -> Result<String, WorkbookError> {
    let names = workbook.sheet_names();
    let found = names.iter().find(|name| name.trim().eq_ignore_ascii_case(wanted.trim()));
    found
        .cloned()
        .ok_or_else(|| WorkbookError::NoSheet { wanted: wanted.to_owned(), sheets: names.join(", ") })
}

fn likeliest_sheet(
    workbook: &mut Workbook,
    is_known: impl Fn(&str) -> bool,
) -> Result<String, WorkbookError> {
    let (mut known, mut filled) = (Vec::new(), Vec::new());
    for name in workbook.sheet_names() {
        let cells = cells(workbook, &name)?;
        let Some(header) = cells.chunk_by(is_same_row).next() else { continue };
        let has_known_name = header.iter().any(|cell| is_known(&cell_text(cell.get_value())));
        if has_known_name { &mut known } else { &mut filled }.push(name);
    }
    match (known.as_slice(), filled.first()) {
        ([only], _) => Ok(only.clone()),
        ([], Some(first)) => Ok(first.clone()),
        ([], None) => Ok(workbook.sheet_names().into_iter().next().unwrap_or_default()),
        (several, _) => Err(WorkbookError::SeveralSheets(several.join(", "))),
    }
}

/// The cells of a sheet in which anything stands, row by row. A table of all cells would be as large as its farthest one
/// makes it.
fn cells(workbook: &mut Workbook, name: &str) -> Result<Vec<Cell<Data>>, WorkbookError> {
    let mut cells = Vec::new();
    let mut keep = |position, value: Data| {
        if !cell_text(&value).trim().is_empty() {
            cells.push(Cell::new(position, value));
        }
    };
    match workbook {
        Sheets::Xlsx(workbook) => {
            let mut reader = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
            while let Some(cell) = reader.next_cell().map_err(unreadable)? {
                keep(cell.get_position(), cell.get_value().clone().into());
            }
        }
        Sheets::Xlsb(workbook) => {
            let mut reader = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
            while let Some(cell) = reader.next_cell().map_err(unreadable)? {
                keep(cell.get_position(), cell.get_value().clone().into());
            }
        }
        other => {
            let range = other.worksheet_range(name).map_err(unreadable)?;
            for (row, column, value) in range.used_cells() {
                let place = |at: usize| u32::try_from(at).map_err(unreadable);
                keep((place(row)?, place(column)?), value.clone());
            }
        }
    }
    cells.sort_by_key(Cell::get_position);
    cells.dedup_by_key(|cell| cell.get_position());
    Ok(cells)
}

fn is_same_row(one: &Cell<Data>, other: &Cell<Data>) -> bool {
    one.get_position().0 == other.get_position().0
}

fn text(cells: &[Cell<Data>]) -> Result<Vec<u8>, WorkbookError> {
    let column = |cell: &Cell<Data>| cell.get_position().1;
    let first = cells.iter().map(column).min().unwrap_or_default();
    let Some(farthest) = cells.iter().max_by_key(|cell| column(cell)) else { return Ok(Vec::new()) };
    let rows = cells.chunk_by(is_same_row);
    let width = u64::from(column(farthest) - first) + 1;
    if rows.clone().count() as u64 * width > MOST_FIELDS {
        return Err(WorkbookError::FarCell(cell_name(farthest.get_position())));
    }
    // A field that begins with `#` is quoted, since `#N/A` is no comment.
    let mut csv = WriterBuilder::new().comment(Some(b'#')).from_writer(Vec::new());
    for row in rows {
        let mut filled = row.iter().peekable();
        let is_comment = matches!(row, [cell, ..] if column(cell) == first && is_note(cell.get_value()));
        if is_comment {
            continue;
        }
        for at in first..=column(farthest) {
            let value = filled.next_if(|cell| column(cell) == at).map(Cell::get_value);
            csv.write_field(value.map(cell_text).unwrap_or_default()).map_err(unreadable)?;
        }
        csv.write_record(None::<&[u8]>).map_err(unreadable)?;
    }
    csv.into_inner().map_err(|error| unreadable(error.error()))
}

fn is_note(value: &Data) -> bool {
    matches!(value, Data::String(text) if text.starts_with('#'))
}

/// As Excel names it, such as `AB12`.
fn cell_name((row, column): (u32, u32)) -> String {
    let mut letters = Vec::new();
    let mut left = u64::from(column) + 1;
    while left > 0 {
        left -= 1;
        letters.push(b'A' + u8::try_from(left % 26).unwrap_or_default());
        left /= 26;
    }
    let letters: String = letters.into_iter().rev().map(char::from).collect();
    format!("{letters}{}", u64::from(row) + 1)
}

fn cell_text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) if number.fract() == 0.0 && number.abs() < EXACT => format!("{number:.0}"),
        // With an E, so that its point is not taken for one of those between digits.
        Data::Float(number) => format!("{number:E}"),
        Data::Bool(truth) => truth.to_string().to_uppercase(),
        Data::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        Data::Error(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    use super::*;

    fn workbook(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
        let mut workbook = Workbook::new();
        fill(&mut workbook);
        workbook.save_to_buffer().unwrap()
    }

    fn read(bytes: &[u8], wanted: Option<&str>) -> Result<(String, String), String> {
        let sheet = Sheet::read(bytes.to_vec(), wanted, |name| name == "user");
        let sheet = sheet.map_err(|error| error.to_string())?;
        Ok((sheet.name, String::from_utf8(sheet.csv).unwrap()))
    }

    #[test]
    fn cells_keep_their_digits_and_a_date_is_no_number() {
        let bytes = workbook(|workbook| {
            let sheet = workbook.add_worksheet();
            let date = ExcelDateTime::parse_from_str("2026-01-02").unwrap();
            sheet.write_string(0, 0, "user").unwrap();
            sheet.write_number(1, 0, 447_700_900_123.0).unwrap();
            sheet.write_number(2, 0, 12_065_550_123.5).unwrap();
            sheet.write_number(3, 0, 4.47e18).unwrap();
            sheet
                .write_datetime_with_format(4, 0, &date, &Format::new().set_num_format("yyyy-mm-dd"))
                .unwrap();
            sheet.write_boolean(5, 0, true).unwrap();
            sheet.write_string(6, 0, "+1, \"x\"\ny").unwrap();
            sheet.write_string(7, 0, "# a note").unwrap();
        });
        let (name, text) = read(&bytes, None).unwrap();
        assert_eq!(name, "Sheet1");
        assert_eq!(
            text,
            "user\n447700900123\n1.20655501235E10\n4.47E18\n2026-01-02T00:00:00\nTRUE\n\"+1, \"\"x\"\"\ny\"\n"
        );
    }

    #[test]
    fn the_sheet_is_the_one_that_is_named_or_the_only_one_with_a_known_header() {
        let bytes = workbook(|workbook| {
            for (name, header) in [("Read me", "hello"), ("Wave", "user"), ("Empty", "")] {
                workbook.add_worksheet().set_name(name).unwrap().write_string(0, 0, header).unwrap();
            }
        });
        assert_eq!(read(&bytes, None).unwrap().0, "Wave");
        assert_eq!(read(&bytes, Some("read me")).unwrap().0, "Read me");
        let error = read(&bytes, Some("Other")).unwrap_err();
        assert_eq!(error, "it has no sheet 'Other'; its sheets are: Read me, Wave, Empty");
        let two = workbook(|workbook| {
            for name in ["A", "B"] {
                workbook.add_worksheet().set_name(name).unwrap().write_string(0, 0, "user").unwrap();
            }
        });
        assert!(read(&two, None).unwrap_err().contains("A, B. Name one with --sheet"));
    }

    #[test]
    fn a_cell_far_from_the_table_costs_no_memory_or_is_named() {
        let with = |(row, column), text: &str, rows| {
            let bytes = workbook(|workbook| {
                let sheet = workbook.add_worksheet();
                sheet.write_string(0, 0, "user").unwrap();
                for row in 1..rows {
                    sheet.write_string(row, 0, "u").unwrap();
                }
                sheet.write_string(row, column, text).unwrap();
            });
            read(&bytes, None)
        };
        assert_eq!(with((1_048_575, 16_383), " ", 2).unwrap().1, "user\nu\n");
        assert_eq!(with((1_048_575, 1), "x", 2).unwrap().1, "user,\nu,\n,x\n");
        let error = with((1, 16_383), "x", 4_000).unwrap_err();
        assert!(error.starts_with("its cell XFD2 lies far"), "{error}");
    }

    #[test]
    fn what_is_no_workbook_says_so() {
        assert!(read(b"PK\x03\x04 and then nothing", None).unwrap_err().starts_with("it is no workbook"));
    }
}
