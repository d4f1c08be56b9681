//! The lines of a file, cut into fields: `#` comments and blank lines skipped, rows numbered.
//!
//! Knows of what the columns mean only which names are known.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use memchr::memchr2;
use thiserror::Error;

use crate::model::fingerprint::Fingerprint;
use crate::model::row::{Fields, Row, RowNumber};

use super::columns::HeaderError;
use super::content::{Content, ContentError, Form};
use super::dialect::{Dialect, LineEnd, LineFeeds};
use super::encoding::fill;
use super::workbook::WorkbookError;

/// How much one line may hold. A double quote that is not closed makes one line of the whole rest of the file.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How much is read at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// How much is looked at to find the delimiter.
const HEAD_BYTES: usize = 64 * 1024;

/// Stands for what could not be read.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Why an input file cannot be used at all.
#[derive(Debug, Error)]
pub enum InputError {
    /// It could not be opened.
    #[error("cannot open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be read further.
    #[error("cannot read {path} behind row {row}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The last row that was read, 0 for the header.
        row: RowNumber,
        /// Why.
        source: io::Error,
    },
    /// It has an encoding that is not certain.
    #[error(
        "{0} is not certain to be UTF-8, UTF-16 or Windows-1252 text: save it as \"CSV UTF-8\", or name its encoding with \
         --encoding"
    )]
    Encoding(PathBuf),
    /// It is a workbook that cannot be read.
    #[error("cannot read the workbook {path}")]
    Workbook {
        /// The file.
        path: PathBuf,
        /// Why.
        source: WorkbookError,
    },
    /// Nothing is in it.
    #[error("{0} is empty: it needs a header, for example user,action,phone_type,phone_number")]
    Empty(PathBuf),
    /// Its header cannot be used.
    #[error("the header of {path} cannot be used")]
    Header {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HeaderError,
    },
}

/// One data row as it stands in the file.
#[derive(Debug)]
pub struct Record {
    /// The row, with `U+FFFD` in the place of what could not be read.
    pub row: Row,
    /// Whether all of it could be read.
    pub is_readable: bool,
    /// Over which lines of the file it goes.
    pub span: Span,
}

/// Over which lines of its file a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// One, and no line end of whatever kind is in it.
    Line,
    /// Several, from this one on; the file's first line is 1.
    Lines {
        /// The first.
        first: u64,
        /// How they end.
        end: LineEnd,
    },
    /// It does not come from lines.
    Unknown,
}

/// The lines of a file, read row by row. One row is in memory at a time.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    content: Content,
    dialect: Dialect,
    reader: csv::Reader<Bounded>,
    names: Vec<String>,
    buffer: ByteRecord,
    number: RowNumber,
    /// Carriage returns within cells, which are lines that the reader does not count.
    returns: u64,
}

impl Records {
    /// Opens a file, or standard input for `-`, finds out its form where `form` does not say it, and reads its header.
    /// `is_known` says whether a name in the header is one that has a meaning.
    ///
    /// # Errors
    /// When it cannot be opened or read, is empty, or its header cannot be read.
    pub fn open(path: &Path, form: &Form, is_known: impl Fn(&str) -> bool) -> Result<Self, InputError> {
        let opened = Content::open(path);
        let file = opened.map_err(|source| InputError::Open { path: path.to_owned(), source })?;
        let content = Content::of(file, form, &is_known);
        let mut content = content.map_err(|error| match error {
            ContentError::Read(source) => unreadable(path, RowNumber(0), source),
            ContentError::Workbook(source) => InputError::Workbook { path: path.to_owned(), source },
        })?;
        let opened = head(&mut content).and_then(|head| {
            let forced = form.delimiter.filter(|_| content.is_text());
            let dialect = Dialect::of(&head, forced, is_known);
            Ok((dialect, reader(&mut content, dialect)?))
        });
        let (dialect, reader) = opened.map_err(|source| unreadable(path, RowNumber(0), source))?;
        let mut records = Self {
            path: path.to_owned(),
            content,
            dialect,
            reader,
            names: Vec::new(),
            buffer: ByteRecord::new(),
            number: RowNumber(0),
            returns: 0,
        };
        records.read_header()?;
        Ok(records)
    }

    fn read_header(&mut self) -> Result<(), InputError> {
        if !self.advance()? {
            return Err(InputError::Empty(self.path.clone()));
        }
        let names = self.buffer.iter().map(|name| str::from_utf8(name).map(str::to_owned));
        self.names = names.collect::<Result<_, _>>().map_err(|_| InputError::Encoding(self.path.clone()))?;
        Ok(())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names in the header, as written.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The form of the file, for people: "Windows-1252, separated by semicolons".
    #[must_use]
    pub fn form(&self) -> String {
        let content = &self.content;
        if content.is_text() {
            format!("{content}, separated by {}s", self.dialect.delimiter)
        } else {
            content.to_string()
        }
    }

    /// The number of the row that was read last, 0 before the first.
    #[must_use]
    pub const fn number(&self) -> RowNumber {
        self.number
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn read(&mut self) -> Result<Option<Record>, InputError> {
        if !self.advance()? {
            return Ok(None);
        }
        self.number.0 += 1;
        let (fields, is_readable) = self.fields();
        let row = Row { number: self.number, fields };
        Ok(Some(Record { row, is_readable, span: self.span() }))
    }

    /// The fields of the record that was read last, and whether all could be read.
    fn fields(&self) -> (Box<Fields>, bool) {
        let ends =
            (0..self.buffer.len()).filter_map(|column| self.buffer.range(column)).map(|range| range.end);
        let text = str::from_utf8(self.buffer.as_slice()).ok();
        // Two fields that are cut in the middle of a character are together UTF-8, and each is none.
        if let Some((text, fields)) = text.and_then(|text| Some((text, Fields::of(text, ends)?))) {
            let is_readable = !self.content.is_converted() || !text.contains(REPLACEMENT);
            (Box::new(fields), is_readable)
        } else {
            (Box::new(self.buffer.iter().map(String::from_utf8_lossy).collect()), false)
        }
    }

    /// The lines of the record that was read last.
    fn span(&self) -> Span {
        let (end, text) = (self.dialect.line_end, self.buffer.as_slice());
        if memchr2(b'\n', b'\r', text).is_none() {
            Span::Line
        } else if self.content.is_text() {
            // Of a carriage return and a line feed the reader has not taken the second yet.
            let has_passed_end = end != LineEnd::Both && !self.reader.get_ref().has_ended;
            let separator_line = u64::from(self.dialect.skipped > 0);
            let line = self.reader.position().line() + self.returns + separator_line;
            Span::Lines { first: line.saturating_sub(u64::from(has_passed_end) + end.count(text)), end }
        } else {
            Span::Unknown
        }
    }

    /// Goes over rows without keeping them, so that `row` is the next; it must not be behind already.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn skip_to(&mut self, row: RowNumber) -> Result<(), InputError> {
        while self.number.0 + 1 < row.0 && self.advance()? {
            self.number.0 += 1;
        }
        Ok(())
    }

    /// Goes back to the first row, in the same open file.
    ///
    /// # Errors
    /// When the file cannot be read a second time.
    pub fn rewind(&mut self) -> Result<(), InputError> {
        let reader = reader(&mut self.content, self.dialect);
        self.reader = reader.map_err(|source| unreadable(&self.path, self.number, source))?;
        self.returns = 0;
        self.advance()?;
        self.number = RowNumber(0);
        Ok(())
    }

    /// The digest of the whole file. Leaves it at its first row.
    ///
    /// # Errors
    /// When the file cannot be read a second time.
    pub fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        let digest = self.content.digest();
        let fingerprint = digest.map_err(|source| unreadable(&self.path, RowNumber(0), source))?;
        self.rewind()?;
        Ok(fingerprint)
    }

    /// Reads into the buffer; says whether there was something.
    fn advance(&mut self) -> Result<bool, InputError> {
        loop {
            self.reader.get_mut().since_mark = 0;
            let read = self.reader.read_byte_record(&mut self.buffer);
            if self.dialect.line_end == LineEnd::Return {
                let text = self.buffer.as_slice();
                self.returns += LineEnd::Return.count(text) - LineEnd::LineFeed.count(text);
            }
            match read {
                // A blank line, or the empty rows that spreadsheets write below a table.
                Ok(true) if self.buffer.iter().all(|field| field.trim_ascii().is_empty()) => {}
                Ok(more) => return Ok(more),
                Err(error) => return Err(unreadable(&self.path, self.number, error.into())),
            }
        }
    }
}

fn unreadable(path: &Path, row: RowNumber, source: io::Error) -> InputError {
    InputError::Read { path: path.to_owned(), row, source }
}

/// How the text begins.
fn head(content: &mut Content) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES];
    let count = fill(&mut content.text()?, &mut head)?;
    head.truncate(count);
    Ok(head)
}

/// A reader that stands before the header.
fn reader(content: &mut Content, dialect: Dialect) -> io::Result<csv::Reader<Bounded>> {
    let mut text = content.text()?;
    io::copy(&mut text.by_ref().take(dialect.skipped as u64), &mut io::sink())?;
    let text: Box<dyn Read + Send> = if dialect.line_end == LineEnd::Return {
        Box::new(LineFeeds::new(text, dialect.line_end))
    } else {
        text
    };
    Ok(ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(dialect.delimiter.byte())
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(Bounded { text, since_mark: 0, has_ended: false }))
}

/// A text that is read no further than [`MAX_LINE_BYTES`] behind a mark, which is set at each line.
struct Bounded {
    text: Box<dyn Read + Send>,
    since_mark: usize,
    /// Whether there is no more.
    has_ended: bool,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_mark > MAX_LINE_BYTES {
            return Err(io::Error::other("one row has no end: a double quote is not closed"));
        }
        let count = self.text.read(buffer)?;
        self.since_mark += count;
        self.has_ended = count == 0;
        Ok(count)
    }
}

impl fmt::Debug for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("since_mark", &self.since_mark).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>, InputError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        fs::write(&path, bytes).unwrap();
        let mut records = Records::open(&path, &Form::default(), |name| ["user", "a"].contains(&name))?;
        let mut rows = vec![(0, records.names().to_vec())];
        while let Some(record) = records.read()? {
            let fields = record.row.fields.iter().map(ToString::to_string).collect();
            rows.push((record.row.number.0, fields));
        }
        Ok(rows)
    }

    fn fields(number: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (number, fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        for header in
            ["\u{feff}user,action\n", "\u{feff}\"user\",action\n", "\u{feff}# a note\nuser,action\n"]
        {
            assert_eq!(read(header.as_bytes()).unwrap(), [fields(0, &["user", "action"])], "{header:?}");
        }
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_and_not_counted() {
        let text = "# top\r\n\r\na,b\r\n\r\n1,2\r\n# 3,4\r\n   \r\n5,6\r\n\t\r\n";
        assert_eq!(
            read(text.as_bytes()).unwrap(),
            [fields(0, &["a", "b"]), fields(1, &["1", "2"]), fields(2, &["5", "6"])]
        );
    }

    #[test]
    fn a_quoted_field_may_hold_commas_quotes_line_breaks_and_a_leading_hash() {
        let text = "a,b\n\"1,\"\"x\"\"\",\"two\nlines\"\n\"#3\",4";
        let rows = read(text.as_bytes()).unwrap();
        assert_eq!(rows[1..], [fields(1, &["1,\"x\"", "two\nlines"]), fields(2, &["#3", "4"])]);
    }

    #[test]
    fn a_record_of_several_lines_knows_its_first_one_however_lines_end() {
        let text = "# a note\n\nuser,a\nx,1\n# no\ny,\"2\n3\"\n\n\"z\n\n\",4\nx,5\ny,\"6\nx,7\ny,8\n";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in");
        for end in ["\n", "\r\n", "\r"] {
            for separator in ["", "sep=,\n"] {
                let text = format!("{separator}{text}").replace('\n', end);
                for is_cut in [false, true] {
                    let text = if is_cut { text.trim_end() } else { &text };
                    fs::write(&path, text).unwrap();
                    let mut records = Records::open(&path, &Form::default(), |name| name == "user").unwrap();
                    for _ in 0..2 {
                        let spans = std::iter::from_fn(|| records.read().unwrap()).map(|record| record.span);
                        let firsts: Vec<_> = spans
                            .map(|span| match span {
                                Span::Line => 0,
                                Span::Lines { first, .. } => first - u64::from(!separator.is_empty()),
                                Span::Unknown => u64::MAX,
                            })
                            .collect();
                        assert_eq!(firsts, [0, 6, 9, 0, 13], "{text:?}");
                        records.rewind().unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn fields_are_kept_as_written_and_rows_may_differ_in_length() {
        let rows = read(b"a,b\n  1 ,2,3\nx\n").unwrap();
        assert_eq!(rows[1..], [fields(1, &["  1 ", "2", "3"]), fields(2, &["x"])]);
    }

    #[test]
    fn reading_goes_on_behind_a_row_that_is_not_utf8() {
        let rows = read(b"a,b\nJ\xfcrgen,1\nJ\xc3\xbcrgen,2\n").unwrap();
        assert_eq!(rows[1..], [fields(1, &["J\u{fffd}rgen", "1"]), fields(2, &["J\u{fc}rgen", "2"])]);
    }

    #[test]
    fn a_header_in_an_encoding_that_is_not_certain_or_an_empty_file_is_refused() {
        assert!(matches!(read(b"user,J\x81rgen\n"), Err(InputError::Encoding(_))));
        assert!(matches!(read(b""), Err(InputError::Empty(_))));
        assert!(matches!(read(b"\n# nothing\n"), Err(InputError::Empty(_))));
    }

    #[test]
    fn the_form_is_found_and_said_and_the_rows_are_those_of_the_plain_file() {
        let text = "user;note\r\na@b.c;\"J\u{fc}rgen; \u{20ac}\"\r\n;\r\nb@b.c;x\r\n";
        let expected = [
            fields(0, &["user", "note"]),
            fields(1, &["a@b.c", "J\u{fc}rgen; \u{20ac}"]),
            fields(2, &["b@b.c", "x"]),
        ];
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let packed = |bytes: &[u8]| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut packer, bytes).unwrap();
            packer.finish().unwrap()
        };
        let windows = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for (bytes, form) in [
            (text.as_bytes().to_vec(), "UTF-8, separated by semicolons"),
            (format!("sep=;\r\n{text}").into_bytes(), "UTF-8, separated by semicolons"),
            (text.replace("\r\n", "\r# no; \r").into_bytes(), "UTF-8, separated by semicolons"),
            (text.replace(';', "\t").replace("gen\t", "gen;").into_bytes(), "UTF-8, separated by tabs"),
            (utf16(text), "UTF-16BE, separated by semicolons"),
            (windows.clone(), "Windows-1252, separated by semicolons"),
            (packed(&windows), "Windows-1252, packed by gzip, separated by semicolons"),
        ] {
            assert_eq!(read(&bytes).unwrap(), expected, "{form}");
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("in");
            fs::write(&path, bytes).unwrap();
            let records = Records::open(&path, &Form::default(), |name| name == "user").unwrap();
            assert_eq!(records.form(), form);
        }
    }

    #[test]
    fn a_form_that_is_forced_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in");
        fs::write(&path, b"user,note\na;b,J\x81rgen\n").unwrap();
        let encoding = super::super::encoding::Encoding::named("ibm866").ok();
        let form = Form { encoding, ..Form::default() };
        let mut records = Records::open(&path, &form, |name| name == "user").unwrap();
        assert_eq!(records.read().unwrap().unwrap().row.field(1), "J\u{411}rgen");
    }

    #[test]
    fn a_row_without_end_is_not_read_into_memory() {
        let mut text = b"a,b\n1,2\n\"3,4\n".to_vec();
        text.resize(MAX_LINE_BYTES + 1024 * 1024, b'x');
        let Err(InputError::Read { row, source, .. }) = read(&text) else { panic!("must be refused") };
        assert_eq!(row, RowNumber(1));
        assert!(source.to_string().contains("double quote"), "{source}");
    }

    #[test]
    fn a_file_can_be_read_twice_and_skipped_through() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        fs::write(&path, "\u{feff}# note\na,b\n1,2\n# no\n3,4\n5,6\n").unwrap();
        let mut records =
            Records::open(&path, &Form::default(), |name| ["user", "a"].contains(&name)).unwrap();
        for _ in 0..3 {
            records.skip_to(RowNumber(2)).unwrap();
            let row = records.read().unwrap().unwrap().row;
            assert_eq!((row.number, row.field(0)), (RowNumber(2), "3"));
            assert_eq!(records.read().unwrap().unwrap().row.field(1), "6");
            assert!(records.read().unwrap().is_none());
            records.rewind().unwrap();
        }
    }
}
