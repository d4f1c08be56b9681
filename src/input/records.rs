//! The lines of a CSV file: UTF-8 with or without a mark, `#` comments and blank lines skipped, rows numbered.
//!
//! Knows nothing of what the columns mean.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Position, ReaderBuilder};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::model::fingerprint::Fingerprint;
use crate::model::row::{Row, RowNumber};

use super::columns::HeaderError;

/// How much one line may hold. A double quote that is not closed makes one line of the whole rest of the file.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How much is read at once.
const BUFFER_BYTES: usize = 128 * 1024;

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
    /// It has another encoding.
    #[error("{0} is not UTF-8 text: save it as \"CSV UTF-8\"")]
    Encoding(PathBuf),
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
    /// The row; where the text was not UTF-8, with `U+FFFD` in the place of what could not be read.
    pub row: Row,
    /// Whether all of it was UTF-8.
    pub is_utf8: bool,
}

/// A CSV file, read row by row. One row is in memory at a time.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    reader: csv::Reader<Bounded>,
    names: Vec<String>,
    first_row: Position,
    buffer: ByteRecord,
    number: RowNumber,
}

impl Records {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be opened or read, is empty, or its header is not UTF-8.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let opened = File::open(path);
        let file = opened.map_err(|source| InputError::Open { path: path.to_owned(), source })?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Bounded { file, since_mark: 0 });
        let mut records = Self {
            path: path.to_owned(),
            reader,
            names: Vec::new(),
            first_row: Position::new(),
            buffer: ByteRecord::new(),
            number: RowNumber(0),
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
        self.first_row = self.reader.position().clone();
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
        // Field by field: two that are cut in the middle of a character would together be UTF-8.
        let mut is_utf8 = true;
        let field = |bytes| {
            if let Ok(text) = str::from_utf8(bytes) {
                return Box::from(text);
            }
            is_utf8 = false;
            Box::from(String::from_utf8_lossy(bytes))
        };
        let fields = self.buffer.iter().map(field).collect();
        Ok(Some(Record { row: Row { number: self.number, fields }, is_utf8 }))
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
    /// When the file cannot be read a second time, as a pipe cannot.
    pub fn rewind(&mut self) -> Result<(), InputError> {
        self.reader.get_mut().since_mark = 0;
        let start = SeekFrom::Start(self.first_row.byte());
        self.number = RowNumber(0);
        self.reader.seek_raw(start, self.first_row.clone()).map_err(|error| self.unreadable(error))
    }

    /// The digest of the whole file. Leaves it at its first row.
    ///
    /// # Errors
    /// When the file cannot be read a second time, as a pipe cannot.
    pub fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        let file = &mut self.reader.get_mut().file;
        let digest = file.rewind().and_then(|()| digest(file));
        let fingerprint = digest.map_err(|source| InputError::Read {
            path: self.path.clone(),
            row: RowNumber(0),
            source,
        })?;
        self.rewind()?;
        Ok(fingerprint)
    }

    /// Reads into the buffer; says whether there was something.
    fn advance(&mut self) -> Result<bool, InputError> {
        loop {
            self.reader.get_mut().since_mark = 0;
            match self.reader.read_byte_record(&mut self.buffer) {
                // A line of white space only, which the reader takes for a row of one field.
                Ok(true) if self.buffer.len() == 1 && self.buffer[0].trim_ascii().is_empty() => {}
                Ok(more) => return Ok(more),
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }

    fn unreadable(&self, error: csv::Error) -> InputError {
        InputError::Read { path: self.path.clone(), row: self.number, source: error.into() }
    }
}

fn digest(file: &mut File) -> io::Result<Fingerprint> {
    let (mut sha256, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => {
                sha256.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
    let hexadecimal = sha256.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Ok(Fingerprint { bytes, sha256: hexadecimal })
}

/// A file that is read no further than [`MAX_LINE_BYTES`] behind a mark, which is set at each line.
#[derive(Debug)]
struct Bounded {
    file: File,
    since_mark: usize,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_mark > MAX_LINE_BYTES {
            return Err(io::Error::other("one row has no end: a double quote is not closed"));
        }
        let count = self.file.read(buffer)?;
        self.since_mark += count;
        Ok(count)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.file.seek(place)
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
        let mut records = Records::open(&path)?;
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
    fn fields_are_kept_as_written_and_rows_may_differ_in_length() {
        let rows = read(b"a,b\n  1 ,2,3\nx\n").unwrap();
        assert_eq!(rows[1..], [fields(1, &["  1 ", "2", "3"]), fields(2, &["x"])]);
    }

    #[test]
    fn reading_goes_on_behind_a_row_that_is_not_utf8() {
        let rows = read(b"a,b\nJ\xfcrgen,1\nx,2\n").unwrap();
        assert_eq!(rows[1..], [fields(1, &["J\u{fffd}rgen", "1"]), fields(2, &["x", "2"])]);
    }

    #[test]
    fn a_file_in_another_encoding_or_an_empty_one_is_refused() {
        assert!(matches!(read(b"\xff\xfeu\0s\0e\0r\0\n\0"), Err(InputError::Encoding(_))));
        assert!(matches!(read(b""), Err(InputError::Empty(_))));
        assert!(matches!(read(b"\n# nothing\n"), Err(InputError::Empty(_))));
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
        let mut records = Records::open(&path).unwrap();
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
