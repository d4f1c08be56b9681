//! Writes workbooks that Excel cannot damage: every cell is text. The one door to `rust_xlsxwriter`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use rust_xlsxwriter::{Color, Format, FormatAlign, Worksheet, XlsxError};

use crate::model::event::ObserverError;
use crate::model::outcome::Status;

use super::whole_lines::{fault, private};

/// The most rows of a sheet, its header among them (Microsoft, "Excel specifications and limits").
const MAX_ROWS: u32 = 1_048_576;

/// The most characters of a cell (same source).
const MAX_CHARS: usize = 32_767;

/// How wide columns are, in characters.
const WIDTH: std::ops::RangeInclusive<usize> = 10..=40;

/// What a cell's colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// It is as it shall be.
    Good,
    /// Look at it.
    Doubtful,
    /// It is wrong.
    Bad,
}

impl Mark {
    /// The colour of a row's end.
    #[must_use]
    pub const fn of(status: Status) -> Self {
        match status {
            Status::Succeeded | Status::Unchanged => Self::Good,
            Status::Unknown | Status::Pending | Status::Unprocessed => Self::Doubtful,
            Status::Failed => Self::Bad,
        }
    }

    fn format(self) -> Format {
        // "@" is Excel's format for text: what is typed into the cell later stays what it is, too.
        let text = Format::new().set_num_format("@").set_align(FormatAlign::Top);
        match self {
            Self::Plain => text,
            Self::Good => text.set_background_color(Color::RGB(0x00C6_EFCE)),
            Self::Doubtful => text.set_background_color(Color::RGB(0x00FF_EB9C)),
            Self::Bad => text.set_background_color(Color::RGB(0x00FF_C7CE)),
        }
    }
}

/// A workbook that is being written. Rows go to temporary files of this process, not to memory.
pub struct Workbook {
    file: rust_xlsxwriter::Workbook,
    formats: [Format; 4],
    header: Format,
    sheet: Option<Sheet>,
    sheets: usize,
}

/// The sheet that is being written.
struct Sheet {
    name: String,
    header: Vec<String>,
    /// The row to be written next.
    row: u32,
    /// How many sheets its rows fill so far.
    parts: u32,
}

impl std::fmt::Debug for Workbook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workbook").field("sheets", &self.sheets).finish_non_exhaustive()
    }
}

impl Default for Workbook {
    fn default() -> Self {
        Self {
            file: rust_xlsxwriter::Workbook::new(),
            formats: [Mark::Plain, Mark::Good, Mark::Doubtful, Mark::Bad].map(Mark::format),
            header: Format::new().set_bold().set_num_format("@"),
            sheet: None,
            sheets: 0,
        }
    }
}

impl Workbook {
    /// Begins a sheet, with a header that stays in sight and can be filtered.
    ///
    /// # Errors
    /// When its temporary file cannot be written.
    pub fn begin_sheet(&mut self, name: &str, header: Vec<String>) -> io::Result<()> {
        self.sheet = Some(Sheet { name: name.to_owned(), header, row: 0, parts: 0 });
        self.begin_part()
    }

    fn begin_part(&mut self) -> io::Result<()> {
        let Some(sheet) = &mut self.sheet else { return Ok(()) };
        sheet.parts += 1;
        let name =
            if sheet.parts == 1 { sheet.name.clone() } else { format!("{} {}", sheet.name, sheet.parts) };
        let last = u16::try_from(sheet.header.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let begin = |worksheet: &mut Worksheet| -> Result<(), XlsxError> {
            worksheet.set_name(name)?.set_freeze_panes(1, 0)?.autofilter(0, 0, MAX_ROWS - 1, last)?;
            for (column, name) in (0..).zip(&sheet.header) {
                let width = u16::try_from(name.chars().count().clamp(*WIDTH.start(), *WIDTH.end()));
                worksheet.set_column_width(column, f64::from(width.unwrap_or_default() + 4))?;
                worksheet.set_column_format(column, &self.formats[0])?;
            }
            for (column, name) in (0..).zip(&sheet.header) {
                worksheet.write_string_with_format(0, column, name, &self.header)?;
            }
            Ok(())
        };
        self.file.add_worksheet_with_constant_memory().and_then(begin).map_err(io::Error::other)?;
        sheet.row = 1;
        self.sheets += 1;
        Ok(())
    }

    /// Adds a row to the sheet that was begun last; further sheets follow where it is full.
    ///
    /// # Errors
    /// When its temporary file cannot be written.
    pub fn push<'a>(&mut self, cells: impl IntoIterator<Item = (&'a str, Mark)>) -> io::Result<()> {
        if self.sheet.as_ref().is_some_and(|sheet| sheet.row == MAX_ROWS) {
            self.begin_part()?;
        }
        let Some(sheet) = &mut self.sheet else { return Ok(()) };
        let worksheet = self.file.worksheet_from_index(self.sheets - 1).map_err(io::Error::other)?;
        for (column, (text, mark)) in (0..).zip(cells) {
            if !text.is_empty() || mark != Mark::Plain {
                let format = &self.formats[mark as usize];
                worksheet
                    .write_string_with_format(sheet.row, column, shortened(text), format)
                    .map_err(io::Error::other)?;
            }
        }
        sheet.row += 1;
        Ok(())
    }

    /// The workbook as bytes.
    ///
    /// # Errors
    /// When it cannot be put together.
    pub fn to_bytes(mut self) -> io::Result<Vec<u8>> {
        self.file.save_to_buffer().map_err(io::Error::other)
    }

    /// Writes the workbook into a new file that its owner only can read.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn save_new(self, path: &Path) -> Result<(), ObserverError> {
        self.save(path, OpenOptions::new().write(true).create_new(true))
    }

    /// Writes the workbook into a file that its owner only can read, in the place of one that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_over(self, path: &Path) -> Result<(), ObserverError> {
        self.save(path, OpenOptions::new().write(true).create(true).truncate(true))
    }

    fn save(mut self, path: &Path, options: &mut OpenOptions) -> Result<(), ObserverError> {
        let mut write = || {
            let mut target = io::BufWriter::new(private(options, path)?);
            self.file.save_to_writer(&mut target).map_err(io::Error::other)?;
            target.flush()
        };
        write().map_err(fault(path))
    }
}

fn shortened(text: &str) -> &str {
    // Excel counts UTF-16; so many bytes have no more of that.
    if text.len() <= MAX_CHARS { text } else { &text[..text.floor_char_boundary(MAX_CHARS)] }
}
