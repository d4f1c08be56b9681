//! What is in a file: text in some encoding, plain or packed by gzip, or a sheet of a workbook. It yields UTF-8.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::model::fingerprint::Fingerprint;

use super::dialect::Delimiter;
use super::encoding::{Encoding, fill};
use super::workbook::{Sheet, WorkbookError, is_workbook};

/// The name of standard input.
pub const STANDARD_INPUT: &str = "-";

/// How much is read at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// What is said of a file's form instead of finding it out. `None` finds it out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// The encoding of its text.
    pub encoding: Option<Encoding>,
    /// What stands between two fields.
    pub delimiter: Option<Delimiter>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
}

/// Why a file's content cannot be used.
#[derive(Debug)]
pub(super) enum ContentError {
    Read(io::Error),
    Workbook(WorkbookError),
}

impl From<io::Error> for ContentError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

#[derive(Debug, Clone)]
enum Kind {
    Text { encoding: Encoding, is_packed: bool },
    Sheet { name: String, csv: Arc<[u8]> },
}

/// An open file, which can be read from its start again and again.
#[derive(Debug)]
pub(super) struct Content {
    file: File,
    kind: Kind,
}

impl Content {
    /// Takes the file at `path`, or standard input for `-`, and finds out what it is. What cannot be read twice is
    /// copied into a file without a name, which nobody else sees and which goes with the process.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        if path == Path::new(STANDARD_INPUT) {
            return copied(&mut io::stdin().lock());
        }
        let mut file = File::open(path)?;
        if file.metadata()?.is_file() { Ok(file) } else { copied(&mut file) }
    }

    /// Finds out what a file is.
    pub(super) fn of(
        mut file: File,
        form: &Form,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, ContentError> {
        let mut head = [0; 8];
        file.rewind()?;
        let count = fill(&mut file, &mut head)?;
        file.rewind()?;
        let kind = if is_workbook(&head[..count]) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let sheet =
                Sheet::read(bytes, form.sheet.as_deref(), is_known).map_err(ContentError::Workbook)?;
            Kind::Sheet { name: sheet.name, csv: sheet.csv.into() }
        } else {
            let is_packed = head.starts_with(b"\x1f\x8b");
            let encoding = match form.encoding {
                Some(encoding) => encoding,
                None => Encoding::of(&mut unpacked(&file, is_packed)?)?,
            };
            Kind::Text { encoding, is_packed }
        };
        Ok(Self { file, kind })
    }

    /// The text from its start.
    pub(super) fn text(&mut self) -> io::Result<Box<dyn Read + Send>> {
        match &self.kind {
            Kind::Text { encoding, is_packed } => {
                self.file.rewind()?;
                Ok(encoding.decode(unpacked(&self.file, *is_packed)?))
            }
            Kind::Sheet { csv, .. } => Ok(Box::new(Cursor::new(Arc::clone(csv)))),
        }
    }

    /// Whether what cannot be read stands in the text as `U+FFFD`, since it was made from another encoding.
    pub(super) fn is_converted(&self) -> bool {
        matches!(self.kind, Kind::Text { encoding, .. } if encoding != Encoding::UTF_8)
    }

    /// Whether its fields are cut by a delimiter that has to be found.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text { .. })
    }

    /// The digest of the file as it lies there.
    pub(super) fn digest(&mut self) -> io::Result<Fingerprint> {
        self.file.rewind()?;
        digest(&mut self.file)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Text { encoding, is_packed } => {
                write!(f, "{encoding}{}", if *is_packed { ", packed by gzip" } else { "" })
            }
            Kind::Sheet { name, .. } => write!(f, "sheet '{name}' of a workbook"),
        }
    }
}

/// What tells the file at `path` from others, and from itself after a change.
///
/// # Errors
/// When it cannot be read.
pub fn fingerprint_of(path: &Path) -> io::Result<Fingerprint> {
    digest(&mut File::open(path)?)
}

/// A copy of what can be read only once.
fn copied(bytes: &mut impl Read) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    io::copy(bytes, &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}

fn unpacked(file: &File, is_packed: bool) -> io::Result<Box<dyn Read + Send>> {
    // It shares its place with the file that it was made from; only one of them is read at a time.
    let file = file.try_clone()?;
    Ok(if is_packed { Box::new(MultiGzDecoder::new(io::BufReader::new(file))) } else { Box::new(file) })
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
