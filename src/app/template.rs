//! `authwave template`: a file to start from.

use std::io::{self, IsTerminal as _, Write as _};

use crate::results::workbook::{Mark, Workbook};
use crate::settings::args;

use super::environment::print;
use super::error::AppError;
use super::exit::Exit;

/// One row an action. The numbers are nobody's.
const ROWS: &str = "\
user,action,phone_type,phone_number,new_password
avery@contoso.com,set-phone,mobile,+1 2065550123,
blake@contoso.com,delete-phone,office,,
casey@contoso.com,enable-sms-sign-in,,,
";

/// One row a user.
const WIDE: &str = "\
user,mobile,alternate_mobile,office
avery@contoso.com,+1 2065550123,+1 2065550124,+1 4255550199x12
blake@contoso.com,+1 2065550125,,clear
";

/// `authwave template`.
pub(super) fn print_template(args: &args::Template) -> Result<Exit, AppError> {
    let text = if args.wide { WIDE } else { ROWS };
    if !args.xlsx {
        print(text);
        return Ok(Exit::Done);
    }
    let mut stdout = io::stdout();
    if stdout.is_terminal() {
        return Err(AppError::Terminal);
    }
    let written = workbook(text).and_then(|bytes| stdout.write_all(&bytes));
    written.map_err(|source| AppError::System { what: "write the workbook", source })?;
    Ok(Exit::Done)
}

fn workbook(text: &str) -> io::Result<Vec<u8>> {
    let mut workbook = Workbook::default();
    let mut lines = text.lines().map(|line| line.split(','));
    let header = lines.next().into_iter().flatten().map(str::to_owned).collect();
    workbook.begin_sheet("authwave", header)?;
    for line in lines {
        workbook.push(line.map(|cell| (cell, Mark::Plain)))?;
    }
    workbook.to_bytes()
}
