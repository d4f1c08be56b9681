//! results.xlsx: the CSV files of a run as the sheets of one workbook, made from them when the run has ended.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;

use csv::ReaderBuilder;

use crate::model::event::ObserverError;
use crate::model::outcome::Status;

use super::whole_lines::{fault, unmarked};
use super::workbook::{Mark, Workbook};

/// Makes `path` from the CSV files in the same directory: a sheet a file, each under the file's name without `.csv`.
///
/// # Errors
/// When one of them cannot be read, or the workbook cannot be written.
pub fn write(path: &Path, files: &[&str]) -> Result<(), ObserverError> {
    let mut workbook = Workbook::default();
    for name in files {
        let file = path.with_file_name(name);
        add_sheet(&mut workbook, name.trim_end_matches(".csv"), &file).map_err(fault(&file))?;
    }
    workbook.save_over(path)
}

fn add_sheet(workbook: &mut Workbook, name: &str, path: &Path) -> io::Result<()> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(File::open(path)?);
    let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let status = header.iter().position(|name| name == "status");
    workbook.begin_sheet(name, header)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let texts: Vec<Cow<'_, str>> = record.iter().map(unmarked).collect();
        workbook.push(texts.iter().enumerate().map(|(column, text)| {
            let mark = if Some(column) == status { mark(text) } else { Mark::Plain };
            (text.as_ref(), mark)
        }))?;
    }
    Ok(())
}

/// The colour of a status; an operation's own words have none.
fn mark(text: &str) -> Mark {
    Status::ALL.into_iter().find(|status| status.name() == text).map_or(Mark::Plain, Mark::of)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Cursor;

    use calamine::{Data, Reader as _, Xlsx};

    use super::*;

    fn sheets(path: &Path) -> Vec<(String, Vec<Vec<Data>>)> {
        let mut workbook = Xlsx::new(Cursor::new(fs::read(path).unwrap())).unwrap();
        let names = workbook.sheet_names();
        let rows = |range: calamine::Range<Data>| range.rows().map(<[Data]>::to_vec).collect();
        names.into_iter().map(|name| (name.clone(), rows(workbook.worksheet_range(&name).unwrap()))).collect()
    }

    #[test]
    fn every_file_is_a_sheet_whose_cells_are_the_texts_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let text =
            "row,status,phone_number,note\n1,succeeded,+1 2065550123,'=1+1\n2,failed,0049,\"two\nlines\"\n";
        fs::write(dir.path().join("results.csv"), text).unwrap();
        fs::write(dir.path().join("methods.csv"), "row,user\n").unwrap();
        let path = dir.path().join("results.xlsx");
        write(&path, &["results.csv", "methods.csv"]).unwrap();
        write(&path, &["results.csv", "methods.csv"]).unwrap();
        let texts =
            |texts: &[&str]| texts.iter().map(|text| Data::String((*text).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            sheets(&path),
            [
                (
                    "results".to_owned(),
                    vec![
                        texts(&["row", "status", "phone_number", "note"]),
                        texts(&["1", "succeeded", "+1 2065550123", "=1+1"]),
                        texts(&["2", "failed", "0049", "two\nlines"]),
                    ]
                ),
                ("methods".to_owned(), vec![texts(&["row", "user"])]),
            ]
        );
    }

    #[test]
    fn a_status_is_coloured_by_what_it_means() {
        assert_eq!(mark("succeeded"), Mark::Good);
        assert_eq!(mark("failed"), Mark::Bad);
        assert_eq!(mark("pending"), Mark::Doubtful);
        assert_eq!(mark("running"), Mark::Plain);
    }
}
