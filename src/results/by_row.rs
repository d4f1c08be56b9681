//! A file whose lines come in any order and are put into the input's order at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use crate::model::event::ObserverError;
use crate::model::row::RowNumber;

use super::whole_lines::{WholeLines, fault, replace};

/// How many entries a part of the index holds. One growing list would now and then stand in memory twice.
const PART: usize = if cfg!(test) { 16 } else { 64 * 1024 };

/// Where one row's line stands: 16 bytes a row are all that is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// More rows than 2³² are refused.
    row: u32,
    length: u32,
    offset: u64,
}

/// Lines that are written as they come, each belonging to a row.
#[derive(Debug)]
pub(super) struct ByRow {
    lines: WholeLines,
    /// Full parts, and a last one that is being filled.
    index: Vec<Vec<Entry>>,
    /// Where the first line stands.
    body: u64,
    is_in_order: bool,
}

impl ByRow {
    /// Makes the file, which must not exist, with its header.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub(super) fn create<'a>(
        path: &Path,
        header: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ObserverError> {
        let lines = WholeLines::create(path, header)?;
        let body = lines.end();
        Ok(Self { lines, index: Vec::new(), body, is_in_order: true })
    }

    /// Adds a row's line.
    ///
    /// # Errors
    /// When it cannot be written, or has no room in the index.
    pub(super) fn push<'a>(
        &mut self,
        row: RowNumber,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), ObserverError> {
        let place = self.lines.push(fields)?;
        let too_large = |_| fault(self.lines.path())(io::Error::other("more rows or a longer one than fit"));
        let row = u32::try_from(row.0).map_err(too_large)?;
        let length = u32::try_from(place.length).map_err(too_large)?;
        let last = self.index.last().and_then(|part| part.last());
        self.is_in_order &= last.is_none_or(|last| last.row < row);
        let entry = Entry { row, length, offset: place.offset };
        if let Some(part) = self.index.last_mut().filter(|part| part.len() < PART) {
            part.push(entry);
        } else {
            let mut part = Vec::with_capacity(PART);
            part.push(entry);
            self.index.push(part);
        }
        Ok(())
    }

    /// Writes what was kept back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_out(&mut self) -> Result<(), ObserverError> {
        self.lines.write_out()
    }

    /// Puts the lines into the order of their rows. Until then, and if it fails, the file keeps the order it has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(mut self) -> Result<(), ObserverError> {
        if self.is_in_order {
            return self.lines.sync();
        }
        self.lines.write_out()?;
        self.index.iter_mut().for_each(|part| part.sort_unstable());
        let path = self.lines.path();
        replace(path, |new| copy_sorted(path, new, merged(&self.index), self.body))
    }
}

/// The entries of parts that are sorted each, in one order.
fn merged(parts: &[Vec<Entry>]) -> impl Iterator<Item = Entry> {
    let mut rests: Vec<_> = parts.iter().map(|part| part.iter()).collect();
    let firsts = rests.iter_mut().enumerate().filter_map(|(part, rest)| Some(Reverse((*rest.next()?, part))));
    let mut heads: BinaryHeap<_> = firsts.collect();
    std::iter::from_fn(move || {
        let Reverse((entry, part)) = heads.pop()?;
        heads.extend(rests[part].next().map(|next| Reverse((*next, part))));
        Some(entry)
    })
}

/// Copies the header, then each line. Rows end nearly in order, so some lines are in the reader's buffer already;
/// a larger buffer costs more than it saves, since each row that ended late throws it away.
fn copy_sorted(
    path: &Path,
    new: &mut File,
    entries: impl Iterator<Item = Entry>,
    body: u64,
) -> io::Result<()> {
    let mut old = BufReader::new(File::open(path)?);
    let mut new = BufWriter::with_capacity(128 * 1024, new);
    let mut at = io::copy(&mut old.by_ref().take(body), &mut new)?;
    let mut line = Vec::new();
    for entry in entries {
        old.seek_relative(entry.offset.cast_signed() - at.cast_signed())?;
        line.resize(entry.length as usize, 0);
        old.read_exact(&mut line)?;
        new.write_all(&line)?;
        at = entry.offset + u64::from(entry.length);
    }
    new.flush()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_takes_sixteen_bytes() {
        assert_eq!(size_of::<Entry>(), 16);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lines_come_back_in_the_order_of_their_rows(
            rows in Just((1..200_u64).collect::<Vec<_>>()).prop_shuffle(),
            text in "[a-z,\"\n#]{0,300}",
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("out.csv");
            let mut file = ByRow::create(&path, ["row", "text"]).unwrap();
            for row in &rows {
                file.push(RowNumber(*row), [row.to_string().as_str(), text.as_str()]).unwrap();
            }
            file.finish().unwrap();
            let lines = csv::Reader::from_path(&path).unwrap().into_records().count();
            prop_assert_eq!(lines, rows.len());
            let mut reader = csv::Reader::from_path(&path).unwrap();
            for (line, row) in reader.records().zip(1..) {
                prop_assert_eq!(line.unwrap(), vec![row.to_string(), text.clone()]);
            }
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_that_is_not_finished_keeps_its_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let mut file = ByRow::create(&path, ["row"]).unwrap();
        for row in [2, 1] {
            file.push(RowNumber(row), [row.to_string().as_str()]).unwrap();
        }
        file.write_out().unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "row\n2\n1\n");
    }
}
