//! `authwave run` and `authwave snapshot`: from a file to a run that is ready to go.

use std::borrow::{Borrow, BorrowMut};
use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{io, iter};

use crate::engine::run::RowsError;
use crate::graph::needs::{Needs, Obstacle};
use crate::input::checks::{Findings, check};
use crate::input::content::{STANDARD_INPUT, fingerprint_of};
use crate::input::records::InputError;
use crate::input::source::Input;
use crate::journal::record::RunRecord;
use crate::journal::standing::Standing;
use crate::journal::store::Store;
use crate::model::action::ResetMethod;
use crate::model::demand::Demand;
use crate::model::row::RowNumber;
use crate::model::task::{InvalidRow, Task, Work};
use crate::policy::caps::Tally;
use crate::policy::waves::Due;
use crate::settings::args;
use crate::settings::connection::Target;
use crate::settings::guards::Consent;
use crate::settings::resolve::{BadRows, Mode, Output, RunChoices, Settings, TenantUse};
use crate::settings::stored::Stored;

use super::agenda::{self, Agenda};
use super::asked::Asked;
use super::brakes::Brakes;
use super::clock::wall_clock;
use super::connect::{Connection, connect};
use super::earlier::EarlierRuns;
use super::environment::{runtime, say};
use super::error::AppError;
use super::exit::Exit;
use super::job::Job;
use super::locks::{Lock, Use, lock_run_directory, lock_tenant};
use super::look_up::look_up;
use super::plan_text::DOCUMENT;
use super::purpose::Purpose;
use super::rehearsal::{RehearsalTenant, Seeds};
use super::run_directory::RunDirectory;
use super::signals::Signals;
use super::spellings::Mix;
use super::waves::Sorter;
use super::{consent, findings, plan, status};

/// `authwave run`.
pub(super) fn run_rows(args: args::Run) -> Result<Exit, AppError> {
    let mut choices = RunChoices::of(&args);
    let purpose = if args.dry_run { Purpose::Plan } else { Purpose::Rows };
    let agenda = args.plan.as_deref().map(Agenda::read).transpose()?;
    if let Some(agenda) = &agenda {
        agenda.fill(&mut choices)?;
        choices.plan = Some(agenda.kept());
    }
    let file = args.file.or_else(|| agenda.as_ref().map(Agenda::input)).unwrap_or_default();
    status::doing("reading what earlier runs have done");
    let mut earlier = EarlierRuns::read(&choices.since_runs)?;
    let sorter = Sorter::now(&mut earlier);
    let asked = Asked { common: args.common, choices, mode: mode(args.rehearse), purpose };
    let brakes = Brakes { agenda, sorter, earlier, ..Brakes::default() };
    begin(&file, Where::Anew(&args.place), &asked, (brakes, args.shown))
}

/// `authwave snapshot`.
pub(super) fn take_snapshot(args: args::Snapshot) -> Result<Exit, AppError> {
    let choices = RunChoices { form: args.form, ..RunChoices::default() };
    let purpose = Purpose::Snapshot;
    let asked = Asked { common: args.common, choices, mode: mode(args.rehearse), purpose };
    begin(&args.file, Where::Anew(&args.place), &asked, (Brakes::default(), args::Shown::default()))
}

const fn mode(rehearse: bool) -> Mode {
    if rehearse { Mode::Rehearsal } else { Mode::Real }
}

/// Where a run's files go.
pub(super) enum Where<'place> {
    /// Into a directory that is to be made.
    Anew(&'place args::Place),
    /// Into one that was made for it.
    In(RunDirectory),
}

pub(super) fn begin(
    file: &Path,
    place: Where<'_>,
    asked: &Asked,
    (mut brakes, shown): (Brakes, args::Shown),
) -> Result<Exit, AppError> {
    let (settings, screen) = asked.resolve()?;
    let Checked { mut input, findings, demand, seeds, needs, tally, mix } =
        checked(file, (&settings, asked), &brakes)?;
    if let Target::Tenant(tenant) = &settings.target {
        fit(needs.against_cloud(tenant.cloud))?;
    }
    let fingerprint = input.fingerprint()?;
    // Of a file that cannot be read no row could use a password.
    let password_files = input.password_files().filter_map(|path| {
        let fingerprint = fingerprint_of(path).ok()?;
        Some((path.to_owned(), fingerprint))
    });
    let password_files = password_files.collect();
    if let Some(agenda) = &brakes.agenda {
        agenda.fits(&fingerprint, &password_files)?;
    }
    if asked.purpose == Purpose::Rows {
        let tally = brakes.agenda.as_ref().map_or(&tally, Agenda::tally);
        permitted(tally, &settings)?;
    }
    status::doing("signing in");
    runtime()?.block_on(async {
        let rehearsal = RehearsalTenant::start_for(&settings.target, seeds)?;
        let connection = connect(&settings, rehearsal.as_ref()).await?;
        fit(needs.against_actor(connection.actor))?;
        if let Some(agenda) = &brakes.agenda {
            let root = if rehearsal.is_some() { agenda::REHEARSAL } else { &connection.graph_root };
            agenda.fits_tenant(root, connection.tenant.as_deref())?;
        }
        if rehearsal.is_none() {
            brakes.earlier.fit(&connection.graph_root, connection.tenant.as_deref())?;
        }
        let started_at = wall_clock();
        let tenant = tenant_lock(&settings, &connection)?;
        // Rows that only read may be done to everybody.
        if tally.changes > 0 {
            status::doing("looking up whom no row may touch");
            let looked = look_up(asked.purpose, &settings, &connection, (&mut input, mix), &brakes);
            Box::pin(looked).await?;
        }
        // Until now nothing has begun, and Ctrl-C ends the process as ever.
        let signals = listen()?;
        let directory = match place {
            Where::Anew(place) => run_directory(place, &settings, (started_at, input.path()))?,
            Where::In(directory) => directory,
        };
        let locks = locks(lock_run_directory(directory.path(), Use::Work)?, tenant, &directory);
        keep_plan(&mut brakes, &directory)?;
        let graph_root = rehearsal.is_none().then_some(connection.graph_root.as_str());
        let mut stored = Stored::of(&asked.common, &asked.choices, &settings, graph_root);
        stored.password_files = password_files;
        let record = RunRecord {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: asked.purpose.command().to_owned(),
            started_at,
            input: absolute(input.path())?,
            fingerprint,
            header: input.header().clone(),
            rows: findings.rows,
            graph_root: connection.graph_root.clone(),
            api_version: settings.api_version.to_owned(),
            tenant: connection.tenant.clone(),
            is_rehearsal: rehearsal.is_some(),
            settings: stored.to_json(),
        };
        let store = Store::create(&directory.file("journal.sqlite"), record)?;
        let (stops, conduct) =
            (asked.purpose.stop_rules(&settings), asked.purpose.conduct(&settings, &connection));
        let (kept, done_in) = (settings.clone(), directory.clone());
        let rows = rows(&mut input, (asked.purpose, settings.reset_method), Standing::default(), &brakes);
        let job = Job {
            settings,
            stops,
            screen,
            connection,
            rehearsal,
            signals,
            directory,
            locks,
            demand,
            conduct,
        };
        let exit = Box::pin(job.carry_out(store, rows)).await?;
        match (asked.purpose, exit) {
            (Purpose::Plan, Exit::Done) => plan::conclude(&done_in, &mut input, (&kept, &brakes), shown),
            (_, exit) => Ok(exit),
        }
    })
}

/// Whether as many rows as these may be done, by the caps and by whoever sits there.
fn permitted(tally: &Tally, settings: &Settings) -> Result<(), AppError> {
    let excess = settings.guards.caps.exceeded(tally);
    if !excess.is_empty() {
        return Err(AppError::OverCap(excess));
    }
    match (&settings.target, settings.guards.consent) {
        (Target::Rehearsal, _) | (_, Consent::Given) => Ok(()),
        (Target::Tenant(_), Consent::Asked) => consent::ask(tally),
    }
}

/// The run goes by a copy of the plan, whatever becomes of the other.
fn keep_plan(brakes: &mut Brakes, directory: &RunDirectory) -> Result<(), AppError> {
    let Some(agenda) = &mut brakes.agenda else { return Ok(()) };
    let copy = directory.file(DOCUMENT);
    if agenda.path() == copy {
        return Ok(());
    }
    let mut options = File::options();
    let copied = File::open(agenda.path()).and_then(|mut plan| {
        let mut copy = options.write(true).create_new(true).mode(0o600).open(&copy)?;
        io::copy(&mut plan, &mut copy)
    });
    copied.map_err(|source| AppError::System { what: "copy the plan into the run directory", source })?;
    // While somebody was asked, somebody else may have put another plan there.
    agenda.move_to(copy)
}

/// Whether nothing stands in the way of the rows.
pub(super) fn fit(obstacles: Vec<Obstacle>) -> Result<(), AppError> {
    if obstacles.is_empty() { Ok(()) } else { Err(AppError::Unfit(obstacles)) }
}

/// A file that was read once and stands at its first row again.
struct Checked {
    input: Input,
    findings: Findings,
    demand: Demand,
    seeds: Seeds,
    needs: Needs,
    /// The most that the rows do.
    tally: Tally,
    mix: Mix,
}

/// Reads the whole file before anything is sent.
fn checked(
    file: &Path,
    (settings, asked): (&Settings, &Asked),
    brakes: &Brakes,
) -> Result<Checked, AppError> {
    status::doing(format!("checking {}", file.display()));
    let mut input = Input::open(file, asked.purpose.input_settings(settings))?;
    if settings.output != Output::Quiet {
        say(&findings::form(&input));
    }
    let (mut seeds, mut demand, mut wanted) =
        (Seeds::default(), Demand::default(), Wanted::by(asked.purpose));
    let (mut needs, mut tally, mut mix) = (Needs::default(), Tally::default(), Mix::default());
    let mut sorter = brakes.sorter.clone();
    let findings = check(&mut input, |work| {
        status::count_row();
        let due = work.task().map_or(Due::Now, |task| sorter.due(task));
        if let Work::Task(task) = work
            && asked.mode == Mode::Rehearsal
        {
            seeds.note(task);
            if matches!(due, Due::Done(_)) {
                seeds.note_done(task);
            }
        }
        tally.rows += 1;
        if due != Due::Now {
            demand.rows += u64::from(asked.purpose == Purpose::Rows);
            return;
        }
        if wanted.takes(work) {
            demand += asked.purpose.demand(work, settings);
        }
        let Work::Task(task) = work else { return };
        needs.note(&task.action, settings.reset_method);
        mix.note(task);
        tally.deletes += u64::from(task.action.may_delete());
        tally.resets += u64::from(task.action.resets());
        tally.changes += u64::from(task.action.writes());
    })?;
    // Who wants no word where all goes well has `authwave check` for these.
    if settings.output != Output::Quiet || findings.invalid > 0 {
        say(&findings::warnings(file, &findings));
        // A plan reads their names.
        if asked.purpose == Purpose::Rows && brakes.agenda.is_none() {
            mix.warning(&settings.reading.protected).iter().for_each(|warning| say(warning));
        }
    }
    if findings.invalid > 0 {
        say(&findings::bad_rows(file, &findings, settings.numbers));
        if settings.bad_rows == BadRows::Refuse {
            return Err(AppError::BadRows { invalid: findings.invalid, rows: findings.rows });
        }
    }
    input.rewind()?;
    Ok(Checked { input, findings, demand, seeds, needs, tally, mix })
}

pub(super) fn listen() -> Result<Signals, AppError> {
    Signals::listen().map_err(|source| AppError::System { what: "listen for signals", source })
}

/// Takes the tenant, unless it is shared or made up.
pub(super) fn tenant_lock(settings: &Settings, connection: &Connection) -> Result<Option<Lock>, AppError> {
    match (settings.tenant_use, &settings.target) {
        (TenantUse::Shared, _) | (_, Target::Rehearsal) => Ok(None),
        (TenantUse::Alone, _) => Ok(lock_tenant(&connection.name())?),
    }
}

/// All locks of a run; the tenant's says from now on which run it is.
pub(super) fn locks(own: Lock, tenant: Option<Lock>, directory: &RunDirectory) -> Vec<Lock> {
    let told = tenant.map(|mut lock| {
        // Only the words for the next one are missing where it fails.
        let _ = lock.tell(directory.path());
        lock
    });
    std::iter::once(own).chain(told).collect()
}

pub(super) fn run_directory(
    place: &args::Place,
    settings: &Settings,
    (start, input): (jiff::Timestamp, &Path),
) -> Result<RunDirectory, AppError> {
    let input = if input == Path::new(STANDARD_INPUT) { Path::new("stdin") } else { input };
    let (path, made) = if let Some(path) = &place.run_dir {
        (path, RunDirectory::at(path))
    } else {
        let runs_dir = place.runs_dir.as_ref().unwrap_or(&settings.runs_dir);
        (runs_dir, RunDirectory::named_after(runs_dir, start, input))
    };
    made.map_err(|source| AppError::RunDirectory { path: path.clone(), source })
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, AppError> {
    std::path::absolute(path)
        .map_err(|source| AppError::System { what: "find the input's absolute path", source })
}

/// Which rows of a file a run does: all, or in a snapshot the first of each user.
struct Wanted {
    purpose: Purpose,
    /// Two users in 2⁶⁴ share a key.
    seen: HashSet<u64>,
}

impl Wanted {
    fn by(purpose: Purpose) -> Self {
        Self { purpose, seen: HashSet::new() }
    }

    fn takes(&mut self, work: &Work) -> bool {
        match (self.purpose, work) {
            (Purpose::Snapshot | Purpose::Plan, Work::Task(task)) => self.seen.insert(task.user.order_key()),
            // It is told with the plan, and nobody is read for it.
            (Purpose::Plan, Work::PassedOver(_)) => false,
            (Purpose::Rows | Purpose::Snapshot | Purpose::Plan, _) => true,
        }
    }
}

/// The rows of a file that are still to be done.
pub(super) fn rows(
    input: impl BorrowMut<Input>,
    (purpose, method): (Purpose, ResetMethod),
    standing: Standing,
    brakes: &Brakes,
) -> impl Iterator<Item = Result<Work, RowsError>> {
    let in_doubt: HashSet<RowNumber> = standing.in_doubt.keys().copied().collect();
    left(input, (purpose, &brakes.sorter), standing).map(move |work| match work? {
        Work::Task(task) => {
            let work = Work::Task(Task { action: method.apply(task.action), ..task });
            let work = if purpose == Purpose::Rows { brakes.apply(work)? } else { purpose.of_row(work) };
            Ok(still_in_doubt(work, &in_doubt))
        }
        work => Ok(still_in_doubt(work, &in_doubt)),
    })
}

/// A row that is refused now may have been done by a session that broke off.
fn still_in_doubt(work: Work, in_doubt: &HashSet<RowNumber>) -> Work {
    match work {
        Work::Invalid(invalid) => {
            let may_be_done = in_doubt.contains(&invalid.row.number);
            Work::Invalid(InvalidRow { may_be_done, ..invalid })
        }
        Work::Task(_) | Work::PassedOver(_) => work,
    }
}

/// What they take, and what they need. The file stands at its first row afterwards.
pub(super) fn survey(
    input: &mut Input,
    (purpose, settings): (Purpose, &Settings),
    (standing, brakes): (&Standing, &Brakes),
) -> Result<(Demand, Needs), InputError> {
    let (mut demand, mut needs) = (Demand::default(), Needs::default());
    for work in left(&mut *input, (purpose, &brakes.sorter), standing) {
        let work = work?;
        demand += purpose.demand(&work, settings);
        if let Work::Task(task) = &work {
            needs.note(&task.action, settings.reset_method);
        }
    }
    input.rewind().map(|()| (demand, needs))
}

fn left(
    mut input: impl BorrowMut<Input>,
    (purpose, sorter): (Purpose, &Sorter),
    standing: impl Borrow<Standing>,
) -> impl Iterator<Item = Result<Work, InputError>> {
    // A snapshot must see them to know whose first row it is.
    if purpose == Purpose::Rows {
        input.borrow_mut().leave_out(standing.borrow().done.clone());
    }
    let (mut wanted, mut sorter) = (Wanted::by(purpose), sorter.clone());
    iter::from_fn(move || {
        let standing = standing.borrow();
        loop {
            let work = match input.borrow_mut().next()? {
                Ok(Work::Task(mut task)) => {
                    task.prior = standing.prior(task.row.number);
                    sorter.sort(task)
                }
                Ok(work) => work,
                Err(error) => return Some(Err(error)),
            };
            if wanted.takes(&work) && !standing.done.contains(work.row().number) {
                return Some(Ok(work));
            }
        }
    })
}
