//! A sheet of an Excel or Open Document workbook as CSV text. The one door to `calamine`.
//!
//! Cells keep what they hold: a whole number its digits, a date its letters, so that it is not taken for a number.

use std::io::Cursor;

use calamine::{Data, Range, Reader as _, Sheets, open_workbook_auto_from_rs};
use csv::WriterBuilder;
use thiserror::Error;

/// Up to here every whole number has its own cell value: Excel keeps 15 digits.
const EXACT: f64 = 1e15;

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
        let unreadable = |error: &dyn std::fmt::Display| WorkbookError::Unreadable(error.to_string());
        let mut workbook =
            open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
        let name = match wanted {
            Some(wanted) => wanted_sheet(&workbook, wanted)?,
            None => likeliest_sheet(&mut workbook, is_known)?,
        };
        let range = workbook.worksheet_range(&name).map_err(|error| unreadable(&error))?;
        let csv = text(&range).map_err(|error| unreadable(&error))?;
        Ok(Self { name, csv })
    }
}

type Workbook = Sheets<Cursor<Vec<u8>>>;

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
        let range =
            workbook.worksheet_range(&name).map_err(|error| WorkbookError::Unreadable(error.to_string()))?;
        let header = range.rows().find(|row| row.iter().any(|cell| *cell != Data::Empty));
        let Some(header) = header else { continue };
        let has_known_name = header.iter().any(|cell| is_known(&cell_text(cell)));
        if has_known_name { &mut known } else { &mut filled }.push(name);
    }
    match (known.as_slice(), filled.first()) {
        ([only], _) => Ok(only.clone()),
        ([], Some(first)) => Ok(first.clone()),
        ([], None) => Ok(workbook.sheet_names().into_iter().next().unwrap_or_default()),
        (several, _) => Err(WorkbookError::SeveralSheets(several.join(", "))),
    }
}

fn text(range: &Range<Data>) -> csv::Result<Vec<u8>> {
    // A field that begins with `#` is quoted, since `#N/A` is no comment.
    let mut csv = WriterBuilder::new().comment(Some(b'#')).from_writer(Vec::new());
    for row in range.rows() {
        let is_comment = matches!(row.first(), Some(Data::String(text)) if text.starts_with('#'));
        if !is_comment {
            csv.write_record(row.iter().map(cell_text))?;
        }
    }
    csv.into_inner().map_err(|error| error.into_error().into())
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
    fn what_is_no_workbook_says_so() {
        assert!(read(b"PK\x03\x04 and then nothing", None).unwrap_err().starts_with("it is no workbook"));
    }
}
