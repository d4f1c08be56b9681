//! `authwave plan`: what a run would do, told from what was read. Everything in it can be made again from the journal and
//! the rows' file.

use std::path::Path;

use crate::actions::look::{Extent, Seen};
use crate::input::source::Input;
use crate::journal::record::RunRecord;
use crate::journal::replay::retold;
use crate::journal::store::Store;
use crate::model::error_code::OwnCode;
use crate::model::foresight::Kind;
use crate::model::outcome::{Outcome, Status};
use crate::model::outlook::{Known, Outlook, Planned, Why};
use crate::model::row::RowNumber;
use crate::model::task::{InvalidRow, PassedOver, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;
use crate::model::user_state::UserState;
use crate::model::wards::{Protected, Wards};
use crate::policy::forecast::Counted;
use crate::results::plan_document::{PlanHeader, PlanRow, PlanWriter};
use crate::results::plan_rows::PlanRows;
use crate::settings::args::Shown;
use crate::settings::resolve::{Output, Settings};
use crate::settings::stored::Stored;

use super::agenda::{DONE_ALREADY, sha256_of};
use super::brakes::Brakes;
use super::environment::print;
use super::error::AppError;
use super::exit::Exit;
use super::next::carry_out;
use super::plan_html;
use super::plan_text::{DOCUMENT, details};
use super::run_directory::RunDirectory;
use super::spellings::Spellings;
use super::status;
use super::sum::Sum;

/// Makes plan.json and plan.csv of what the run in `directory` has read, and shows it.
pub(super) fn conclude(
    directory: &RunDirectory,
    input: &mut Input,
    (settings, brakes): (&Settings, &Brakes),
    shown: Shown,
) -> Result<Exit, AppError> {
    status::doing("making the plan of what was read");
    let store = Store::open(&directory.file("journal.sqlite"))?;
    let mut prospect = Prospect::new(&store, input, settings)?;
    let path = directory.file(DOCUMENT);
    let run = store.run();
    let mut document = PlanWriter::create(&path, header(run))?;
    let mut lines = PlanRows::create(&directory.file("plan.csv"))?;
    let mut sum = Sum::default();
    let mut sorter = brakes.sorter.clone();
    input.rewind()?;
    for work in input {
        let work = match work? {
            Work::Task(task) => sorter.sort(task),
            work => work,
        };
        let row = match work {
            Work::Task(task) => {
                let task = Task { action: settings.reset_method.apply(task.action), ..task };
                prospect.of(&task, brakes)?
            }
            Work::PassedOver(passed) if !passed.outcome.is_not_due() => done(&passed),
            Work::PassedOver(passed) => {
                PlanRow::of(&passed.task, &Planned::blocked(not_due(&passed.outcome), None))
            }
            Work::Invalid(invalid) => not_understood(&invalid),
        };
        status::count_row();
        sum.add(&row);
        document.push(&row)?;
        lines.push(&row)?;
    }
    lines.finish()?;
    let hash = document.finish()?;
    plan_html::write(directory, settings.numbers)?;
    if settings.output != Output::Quiet {
        show(run, (&path, &hash), &sum, shown)?;
    }
    let excess = settings.guards.caps.exceeded(&sum.tally);
    if !excess.is_empty() {
        return Err(AppError::OverCap(excess));
    }
    Ok(match sum.tally.changes {
        _ if sum.has(OwnCode::Unread) => Exit::SomeFailed,
        1.. if shown.detailed_exit_code => Exit::Changes,
        _ => Exit::Done,
    })
}

fn header(run: &RunRecord) -> PlanHeader {
    let stored = Stored::from_json(&run.settings).ok();
    let password_files = stored.as_ref().map(|stored| sha256_of(&stored.password_files));
    PlanHeader {
        format_version: PlanHeader::FORMAT_VERSION,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: format!("{:.3}", run.started_at),
        input: run.input.display().to_string(),
        input_sha256: run.fingerprint.sha256.clone(),
        password_files: password_files.unwrap_or_default(),
        graph_root: run.graph_root.clone(),
        tenant: run.tenant.clone(),
        rehearsal: run.is_rehearsal,
        reading: stored.and_then(|stored| serde_json::to_value(stored.reading()).ok()).unwrap_or_default(),
    }
}

/// What the rows of a file would do, by what the journal says of their users.
struct Prospect<'store> {
    store: &'store Store,
    timeline: Timeline,
    outlook: Outlook,
    spellings: Spellings,
    patterns: &'store Protected,
    /// Users whom a pattern means by the name that was read, not by the file's.
    protected: Wards,
}

impl<'store> Prospect<'store> {
    fn new(store: &'store Store, input: &mut Input, settings: &'store Settings) -> Result<Self, AppError> {
        let mut outlook = Outlook::new(settings.guards.last_method);
        let (mut has_names, mut has_ids) = (false, false);
        input.rewind()?;
        for work in &mut *input {
            if let Work::Task(task) = work? {
                outlook.expect(&task.user);
                has_ids |= task.user.is_object_id();
                has_names |= !task.user.is_object_id();
            }
        }
        let timeline = retold(store.run());
        let spellings = if has_names && has_ids {
            Spellings::find(input, (store, &timeline))?
        } else {
            Spellings::default()
        };
        let (patterns, protected) = (&settings.reading.protected, Wards::default());
        Ok(Self { store, timeline, outlook, spellings, patterns, protected })
    }

    /// What the next row would do.
    fn of(&mut self, task: &Task, brakes: &Brakes) -> Result<PlanRow, AppError> {
        // A user is read for the first row.
        if !self.outlook.knows(&task.user) {
            self.learn(task)?;
        }
        let planned = match self.refusal(task, brakes) {
            Some(why) => Planned::blocked(why, None),
            None => self.outlook.plan(task),
        };
        self.outlook.pass(&task.user);
        Ok(PlanRow::of(task, &planned))
    }

    fn refusal(&self, task: &Task, brakes: &Brakes) -> Option<Why> {
        let by_name = || self.protected.refusal(&task.user).filter(|_| task.action.writes()).cloned();
        brakes.refusal(task).or_else(by_name).or_else(|| self.spellings.refusal(task))
    }

    /// Takes note of what reading a user for this row told; of nothing where nobody was read for it.
    fn learn(&mut self, task: &Task) -> Result<(), AppError> {
        let Some(ended) = self.store.end_of(task.row.number, &self.timeline)? else { return Ok(()) };
        let seen = Seen::of(&ended.outcome.detail);
        if let Some(name) = seen.name.as_ref().and_then(|name| UserId::new(name).ok())
            && let Some(pattern) = self.patterns.pattern_of(&name)
        {
            let reason = format!("is {name}, who is protected ({pattern} in [protected])");
            self.protected.add([task.user.as_str()], &Why { code: OwnCode::Protected, reason });
        }
        let known = self.known((task.row.number, &ended.outcome), seen.extent)?;
        self.outlook.note(&task.user, known);
        Ok(())
    }

    fn known(&self, (row, outcome): (RowNumber, &Outcome), extent: Extent) -> Result<Known, AppError> {
        if outcome.status != Status::Succeeded {
            return Ok(Known::Blocked(why(outcome)));
        }
        let mut state = UserState::of_methods(&self.store.methods_of(row)?);
        if extent == Extent::Phones {
            state.other_strong = None;
        }
        Ok(Known::State(state))
    }
}

/// Why nothing is planned for a user who was not read.
fn why(outcome: &Outcome) -> Why {
    let Some(failure) = &outcome.failure else {
        return Why { code: OwnCode::Unread, reason: outcome.detail.clone() };
    };
    match (failure.http_status, OwnCode::named(&failure.code)) {
        (Some(404), _) => Why { code: OwnCode::UnknownUser, reason: outcome.detail.clone() },
        (None, Some(code @ (OwnCode::Disabled | OwnCode::Guest))) => {
            Why { code, reason: failure.message.clone() }
        }
        _ => Why { code: OwnCode::Unread, reason: format!("{}: {}", failure.code, failure.message) },
    }
}

/// Nothing is to be done, and nobody was read.
fn done(passed: &PassedOver) -> PlanRow {
    let row = PlanRow::of(&passed.task, &Planned::blocked(not_due(&passed.outcome), None));
    PlanRow { change: Kind::Nothing.name().to_owned(), code: DONE_ALREADY.to_owned(), ..row }
}

fn not_due(outcome: &Outcome) -> Why {
    Why { code: OwnCode::NotDue, reason: outcome.detail.clone() }
}

fn not_understood(invalid: &InvalidRow) -> PlanRow {
    let failure = invalid.failure();
    PlanRow {
        row: invalid.row.number.0,
        user: String::new(),
        action: String::new(),
        change: Kind::Blocked.name().to_owned(),
        steps: Vec::new(),
        before: None,
        code: failure.code,
        reason: failure.message,
    }
}

/// Counts first, then each row where that was asked for, and what to type next.
fn show(run: &RunRecord, (path, hash): (&Path, &str), sum: &Sum, shown: Shown) -> Result<(), AppError> {
    let (rows, file) = (Counted(sum.tally.rows, "row"), run.input.display());
    print(&format!("plan of {file}: {rows}\n{}", sum.text()));
    if shown.details {
        details(path)?;
    }
    print(&format!("plan: {}\nhash: {hash}\n", path.display()));
    if sum.tally.changes > 0 {
        print(&format!("next: {}\n", carry_out((path, &run.input), run.is_rehearsal)));
    }
    Ok(())
}
