//! results.xlsx: the CSV files of a run as the sheets of one workbook, made from them when the run has ended.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;

use csv::ReaderBuilder;

use crate::model::event::ObserverError;
use crate::model::outcome::Status;

use super::rows;
use super::whole_lines::{fault, unmarked};
use super::workbook::{Mark, Workbook};

/// The sheet of the file that has columns of the input's own behind ours.
const RESULTS: &str = "results";

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
    let ours = if name == RESULTS { rows::COLUMNS.len() } else { header.len() };
    workbook.begin_sheet(name, header)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        // What was made harmless for CSV is text in a workbook. The input's own columns stand there as they were.
        let text = |(column, text)| if column < ours { unmarked(text) } else { Cow::Borrowed(text) };
        let texts: Vec<Cow<'_, str>> = record.iter().enumerate().map(text).collect();
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
    fn an_apostrophe_of_the_input_s_own_columns_stays() {
        let dir = tempfile::tempdir().unwrap();
        let cells = |ours: &str| format!("{}'=own", format!("{ours},").repeat(rows::COLUMNS.len()));
        let text = format!("{},note\n{}\n", rows::COLUMNS.join(","), cells("'=ours"));
        fs::write(dir.path().join("results.csv"), text).unwrap();
        let path = dir.path().join("results.xlsx");
        write(&path, &["results.csv"]).unwrap();
        let row: Vec<_> = sheets(&path)[0].1[1].iter().map(ToString::to_string).collect();
        assert_eq!(row.join(","), cells("=ours"));
    }

    #[test]
    fn a_status_is_coloured_by_what_it_means() {
        assert_eq!(mark("succeeded"), Mark::Good);
        assert_eq!(mark("failed"), Mark::Bad);
        assert_eq!(mark("pending"), Mark::Doubtful);
        assert_eq!(mark("running"), Mark::Plain);
    }
}
