//! A CSV file that only ever shows whole lines, whenever somebody looks.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::mem;
use std::path::{Path, PathBuf};

use csv::{Writer, WriterBuilder};

use crate::model::event::ObserverError;

use super::in_order;

/// What is kept back at most before it is written.
const BUFFER_BYTES: usize = 64 * 1024;

/// A new file, readable by its owner only, that grows by whole lines.
#[derive(Debug)]
pub(super) struct WholeLines {
    path: PathBuf,
    file: File,
    /// How many bytes of whole lines are in the file.
    length: u64,
    /// Whether there is a line behind the header.
    is_begun: bool,
    /// Whether lines could not be written.
    has_lost_lines: bool,
    /// Lines that are not in the file yet. It lies in memory, so the writer's own flushing cannot tear a line.
    lines: Writer<Vec<u8>>,
}

impl WholeLines {
    /// Makes the file, which must not exist, with its header.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub(super) fn create<'a>(
        path: &Path,
        header: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ObserverError> {
        let file = private(OpenOptions::new().write(true).create_new(true), path).map_err(fault(path))?;
        let mut lines = Self {
            path: path.to_owned(),
            file,
            length: 0,
            is_begun: false,
            has_lost_lines: false,
            lines: empty(),
        };
        lines.push(header)?;
        lines.write_out()?;
        lines.is_begun = false;
        Ok(lines)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When earlier lines could not be written.
    pub(super) fn push<'a>(
        &mut self,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), ObserverError> {
        let added = self.lines.write_record(fields).map_err(io::Error::from);
        added.and_then(|()| self.lines.flush()).map_err(fault(&self.path))?;
        self.is_begun = true;
        if self.lines.get_ref().len() > BUFFER_BYTES {
            self.write_out()?;
        }
        Ok(())
    }

    /// Whether there is a line behind the header.
    pub(super) const fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Brings the lines, which begin with a row's number, into the order of the rows, and ends the file.
    ///
    /// # Errors
    /// When it cannot be read or written, when lines could not be written before, and when a line stands too far behind
    /// its place. The file stays as it was then.
    pub(super) fn finish_in_order(mut self) -> Result<(), ObserverError> {
        self.write_out()?;
        if self.has_lost_lines {
            return Err(fault(&self.path)(io::Error::other("lines could not be written before")));
        }
        let from = BufReader::with_capacity(BUFFER_BYTES, File::open(&self.path).map_err(fault(&self.path))?);
        replace(&self.path, |to| in_order::copy(from, BufWriter::with_capacity(BUFFER_BYTES, to)))
    }

    /// Writes what was kept back, or nothing of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_out(&mut self) -> Result<(), ObserverError> {
        let kept = mem::replace(&mut self.lines, empty()).into_inner();
        let kept = kept.map_err(|error| fault(&self.path)(io::Error::other(error.to_string())))?;
        if let Err(error) = self.file.write_all(&kept) {
            // A disk that got full took a part, which may end in half a line. Where that stays, only tidiness is lost.
            self.has_lost_lines = true;
            let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::End(0)));
            return Err(fault(&self.path)(error));
        }
        self.length += kept.len() as u64;
        Ok(())
    }

    /// Gives the file another name, in the place of a file that has it, once all of it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written or renamed.
    pub(super) fn move_to(&mut self, path: &Path) -> Result<(), ObserverError> {
        self.sync()?;
        let moved = std::fs::rename(&self.path, path).and_then(|()| sync_directory(path));
        moved.map_err(fault(path))?;
        path.clone_into(&mut self.path);
        Ok(())
    }

    /// Writes what was kept back and waits until it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn sync(&mut self) -> Result<(), ObserverError> {
        self.write_out()?;
        self.file.sync_all().map_err(fault(&self.path))
    }
}

/// A field quotes a `#` too, so that no line of ours is taken for a comment when it is read as input.
fn empty() -> Writer<Vec<u8>> {
    WriterBuilder::new().comment(Some(b'#')).flexible(true).from_writer(Vec::new())
}

/// Puts a file in the place of another in one step, so that a reader sees the old one or the new one.
///
/// `content` writes the new one under another name, which a run that was killed may have left behind.
///
/// # Errors
/// When it cannot be written or renamed.
pub(super) fn replace(
    path: &Path,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), ObserverError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let write = || {
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(true), &new)?;
        content(&mut file)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        sync_directory(path)
    };
    write().map_err(fault(path))
}

/// Free text that a spreadsheet would take for a formula, made text by an apostrophe. A number's `+` is no such beginning:
/// numbers stay exact, so that what is written can be read as input.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Free text in one line that a spreadsheet takes for text.
pub(super) fn free_text(text: &str) -> Cow<'_, str> {
    match one_line(text) {
        Cow::Borrowed(text) => harmless(text),
        Cow::Owned(text) => Cow::Owned(harmless(&text).into_owned()),
    }
}

/// The text that [`harmless`] was given.
pub(super) fn unmarked(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text))
}

/// What formulas begin with (OWASP, "CSV Injection"), without the signs that numbers begin with.
const FORMULA: [char; 4] = ['=', '@', '\t', '\r'];

/// Line breaks become blanks, so that a line of the file is a row for simple tools too.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\r', '\n']) {
        Cow::Owned(text.replace("\r\n", " ").replace(['\r', '\n'], " "))
    } else {
        Cow::Borrowed(text)
    }
}

/// What is said of a file that could not be written.
pub(super) fn fault(path: &Path) -> impl FnOnce(io::Error) -> ObserverError {
    move |source| ObserverError { what: path.display().to_string(), source }
}

#[cfg(unix)]
pub(super) fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600).open(path)
}

/// Elsewhere the run directory's own permissions are what keeps others out.
#[cfg(not(unix))]
pub(super) fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// A rename lasts through a power cut only when the directory is on the disk too.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| {
        let here = directory.as_os_str().is_empty();
        File::open(if here { Path::new(".") } else { directory })?.sync_all()
    })
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_reader_sees_whole_lines_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let mut lines = WholeLines::create(&path, ["a", "b"]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a,b\n");
        let long = "x".repeat(1000);
        for _ in 0..300 {
            lines.push([long.as_str(), "two\nlines"]).unwrap();
            assert!(fs::read_to_string(&path).unwrap().ends_with(['\n']));
            assert!((fs::metadata(&path).unwrap().len() - 4).is_multiple_of(1013));
        }
        assert!(fs::metadata(&path).unwrap().len() > 200_000);
        lines.push(["y".repeat(100_000).as_str(), ""]).unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("y,\n"));
    }

    #[test]
    fn a_file_that_is_moved_takes_another_s_place_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (path, new) = (dir.path().join("out.csv"), dir.path().join("out.csv.new"));
        std::fs::write(&path, "of an earlier session").unwrap();
        let mut lines = WholeLines::create(&new, ["a"]).unwrap();
        lines.push(["1"]).unwrap();
        lines.move_to(&path).unwrap();
        lines.push(["2"]).unwrap();
        lines.sync().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n1\n2\n");
        assert!(!new.exists());
    }

    #[test]
    fn lines_are_brought_into_order_where_none_was_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let made = |name: &str| {
            let mut lines = WholeLines::create(&dir.path().join(name), ["row", "x"]).unwrap();
            assert!(!lines.is_begun());
            lines.push(["2", ""]).unwrap();
            lines.push(["1", ""]).unwrap();
            assert!(lines.is_begun());
            lines
        };
        made("out.csv").finish_in_order().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "row,x\n1,\n2,\n");

        let mut lines = made("lossy.csv");
        let writable = mem::replace(&mut lines.file, File::open(&path).unwrap());
        lines.write_out().unwrap_err();
        lines.file = writable;
        lines.push(["3", ""]).unwrap();
        lines.finish_in_order().unwrap_err();
    }

    #[test]
    fn what_a_spreadsheet_would_take_for_a_formula_is_made_text_and_back() {
        for (text, told) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("+1 2065550123", "+1 2065550123"),
            ("-", "-"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), told);
            assert_eq!(unmarked(told), text);
        }
        assert_eq!(unmarked("'text"), "'text", "an apostrophe of the user's own");
    }

    #[test]
    fn an_existing_file_is_never_overwritten_and_a_new_one_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        WholeLines::create(&path, ["a"]).unwrap();
        let error = WholeLines::create(&path, ["b"]).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        replace(&dir.path().join("other"), |file| file.write_all(b"x")).unwrap();
        #[cfg(unix)]
        for name in ["out.csv", "other"] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
