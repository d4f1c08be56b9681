//! `authwave check`: everything that is to be said of a file, without a tenant.

use std::path::Path;

use crate::actions::conduct::BeforeImages;
use crate::graph::needs::{Needs, Obstacle};
use crate::input::checks::{Findings, check};
use crate::input::remarks::{Remark, Severity};
use crate::input::rows::{ActionSource, InputSettings};
use crate::input::source::Input;
use crate::model::task::Work;
use crate::model::wards::Protected;
use crate::results::checked::{Checked, Finding};
use crate::results::workbook::Mark;
use crate::settings::args;
use crate::settings::form::reading;
use crate::settings::prospect::Prospect;
use crate::sign_in::claims::{Claims, claims};

use super::environment::{print, print_as_it_is, say, secrets, settings_file};
use super::error::AppError;
use super::exit::Exit;
use super::findings::{json, text};
use super::purpose::{input_settings, of_rows};
use super::run::fit;
use super::spellings::Mix;
use super::status;

/// `authwave check`.
pub(super) fn check_file(args: args::Check) -> Result<Exit, AppError> {
    let file = settings_file(args.config)?;
    let reading =
        reading(&args.form, args.default_country.as_ref(), (&file.input, &file.run, &file.protected))?;
    // Nobody signs in here; who a given token stands for is known all the same.
    let secrets = secrets();
    let claims = secrets.access_token.as_ref().map(claims).unwrap_or_default();
    let prospect = Prospect::of(&args.prospect, &file, &secrets)?;
    let signed_in = Protected::new(claims.person());
    let rows = InputSettings { signed_in, ..input_settings(&reading, ActionSource::Column) };
    status::doing(format!("checking {}", args.file.display()));
    let mut input = Input::open(&args.file, rows)?;
    let (mut needs, mut mix) = (Needs::default(), Mix::default());
    let conduct = of_rows(&prospect.guards);
    let mut looks = 0;
    let mut findings = check(&mut input, |work| {
        status::count_row();
        if let Work::Task(task) = work {
            needs.note(&task.action, prospect.reset_method);
            mix.note(task);
            looks += u64::from(conduct.is_guarded(task));
        }
    })?;
    if conduct.before == BeforeImages::Kept {
        // Each of those that cannot be done beside others would have switched SMS sign-in on.
        looks -= findings.rejected.len() as u64;
    }
    findings.forecast.reads += looks;
    mix.warning(&reading.protected).iter().for_each(|warning| say(warning));
    let obstacles = obstacles(&needs, prospect, &claims);
    if args.json {
        print_as_it_is(&json(&input, &findings, &obstacles));
    } else {
        print(&text(&input, &findings));
    }
    if let Some(path) = args.write_findings {
        write_findings(&path, input, &findings)?;
    }
    fit(obstacles)?;
    Ok(if findings.invalid == 0 { Exit::Done } else { Exit::Wrong })
}

/// Rows that nobody could do there, or not on whose behalf it would be.
fn obstacles(needs: &Needs, prospect: Prospect, claims: &Claims) -> Vec<Obstacle> {
    let lacking = needs.against_cloud(prospect.cloud);
    if lacking.is_empty() { needs.against_actor(prospect.actor.or(claims.actor())) } else { lacking }
}

/// Writes a copy of the file with what was found in each row.
fn write_findings(path: &Path, mut input: Input, findings: &Findings) -> Result<(), AppError> {
    let header = input.header().clone();
    status::doing(format!("writing {}", path.display()));
    let mut checked = Checked::create(path, &header).map_err(AppError::Findings)?;
    input.rewind()?;
    while let Some(work) = input.next() {
        let work = work?;
        status::count_row();
        let row = work.row();
        let beside = findings.beside.get(&row.number).into_iter().flatten();
        let told: Vec<_> = input.remarks().iter().chain(beside).map(finding).collect();
        checked.push(row, &told).map_err(AppError::Findings)?;
    }
    checked.finish().map_err(AppError::Findings)
}

fn finding(remark: &Remark) -> Finding {
    let mark = match remark.cause.severity() {
        Severity::Bad => Mark::Bad,
        Severity::Warning => Mark::Doubtful,
        Severity::Note => Mark::Good,
    };
    Finding { column: remark.column, mark, text: remark.text.clone() }
}
