//! `authwave resume` and `authwave operations`: a run is taken up again from its journal.

use std::path::Path;

use crate::engine::run::RowsError;
use crate::graph::needs::Needs;
use crate::input::checks::check;
use crate::input::content::fingerprint_of;
use crate::input::records::InputError;
use crate::input::source::Input;
use crate::journal::standing::{Failures, Standing};
use crate::journal::store::Store;
use crate::model::demand::Demand;
use crate::model::fingerprint::Fingerprint;
use crate::model::task::Work;
use crate::model::wards::Wards;
use crate::progress::screen::Screen;
use crate::settings::args;
use crate::settings::connection::Target;
use crate::settings::resolve::{BadRows, Mode, Output, RunChoices, Settings};
use crate::settings::stored::Stored;

use super::agenda::Agenda;
use super::asked::Asked;
use super::brakes::Brakes;
use super::clock::timeline_now;
use super::connect::connect;
use super::earlier::EarlierRuns;
use super::environment::{runtime, say};
use super::error::AppError;
use super::exit::Exit;
use super::job::Job;
use super::locks::{Lock, Use, lock_run_directory};
use super::look_up::look_up;
use super::plan;
use super::plan_text::DOCUMENT;
use super::purpose::{Purpose, StopRules};
use super::rehearsal::{RehearsalTenant, Seeds};
use super::run::{absolute, fit, listen, locks, rows, survey, tenant_lock};
use super::run_directory::RunDirectory;
use super::spellings::Mix;
use super::status;
use super::waves::Sorter;

/// `authwave resume`.
pub(super) fn resume(args: args::Resume) -> Result<Exit, AppError> {
    let choices = RunChoices {
        operation_timeout: args.operation_timeout,
        max_failures: args.limits.max_failures,
        max_duration: args.limits.max_duration,
        find_holders: args.find_holders,
        ..RunChoices::default()
    };
    status::doing("reading the journal");
    let mut taken_up = TakenUp::open((&args.run_dir, Use::Work), args.common, choices)?;
    let mut input = taken_up.input(args.input.as_deref())?;
    let standing = taken_up.standing()?;
    let rows_left = taken_up.store.run().rows.saturating_sub(standing.done.len());
    if taken_up.settings.output != Output::Quiet {
        say(&told(&standing, rows_left));
    }
    let seeds = taken_up.seeds(&standing)?;
    let (purpose, method) = (taken_up.purpose, taken_up.settings.reset_method);
    let stops = purpose.stop_rules(&taken_up.settings);
    let (kept, directory) = (taken_up.settings.clone(), taken_up.directory.clone());
    let mut earlier = taken_up.earlier()?;
    let sorter = Sorter::now(&mut earlier);
    let brakes = Brakes { agenda: taken_up.agenda()?, sorter, ..Brakes::default() };
    let (demand, needs) = survey(&mut input, (purpose, &taken_up.settings), (&standing, &brakes))?;
    taken_up.passwords_are_unchanged(&input)?;
    let rows = rows(&mut input, (purpose, method), standing, &brakes);
    let exit = taken_up.carry_out(seeds, (stops, demand, needs), (rows, &brakes))?;
    match (purpose, exit) {
        (Purpose::Plan, Exit::Done) => {
            plan::conclude(&directory, &mut input, (&kept, &brakes), args::Shown::default())
        }
        (_, exit) => Ok(exit),
    }
}

/// `authwave operations`.
pub(super) fn follow_operations(args: args::Operations) -> Result<Exit, AppError> {
    let choices = RunChoices { operation_timeout: args.operation_timeout, ..RunChoices::default() };
    status::doing("reading the journal");
    let taken_up = TakenUp::open((&args.run_dir, Use::Work), args.common, choices)?;
    let pending = taken_up.store.pending(&timeline_now())?;
    let mut demand = Demand::default();
    for task in &pending {
        demand += Demand::of_task(task);
    }
    let rows = pending.into_iter().map(|task| Ok::<_, RowsError>(Work::Task(task)));
    // What was accepted is followed, whoever it is.
    let brakes = Brakes { wards: Wards::default().into(), ..Brakes::default() };
    taken_up.carry_out(Seeds::default(), (StopRules::NONE, demand, Needs::default()), (rows, &brakes))
}

/// A run that stopped, open again.
pub(super) struct TakenUp {
    pub(super) settings: Settings,
    pub(super) screen: Screen,
    pub(super) purpose: Purpose,
    pub(super) directory: RunDirectory,
    pub(super) lock: Lock,
    pub(super) store: Store,
}

impl TakenUp {
    pub(super) fn open(
        (run_dir, use_of_it): (&Path, Use),
        mut common: args::Common,
        mut choices: RunChoices,
    ) -> Result<Self, AppError> {
        let directory = RunDirectory::existing(run_dir);
        // Looked for first, so that no lock is left in a directory that is none of ours.
        let path = directory.journal()?;
        let lock = lock_run_directory(run_dir, use_of_it)?;
        let store = Store::open(&path)?;
        let run = store.run();
        Stored::from_json(&run.settings)?.fill(&mut common, &mut choices);
        let mode = if run.is_rehearsal { Mode::Rehearsal } else { Mode::Real };
        let purpose = Purpose::of(&run.command);
        let (settings, screen) = Asked { common, choices, mode, purpose }.resolve()?;
        unchanged("the Graph version", &run.api_version, settings.api_version)?;
        if let Target::Tenant(tenant) = &settings.target {
            unchanged("the Graph root", &run.graph_root, &tenant.graph_root)?;
        }
        Ok(Self { settings, screen, purpose, directory, lock, store })
    }

    /// The rows' file, which must be what it was. It may have been moved to `given`.
    fn input(&mut self, given: Option<&Path>) -> Result<Input, AppError> {
        let path = given.unwrap_or(&self.store.run().input).to_owned();
        let mut input =
            Input::open(&path, self.purpose.input_settings(&self.settings)).map_err(AppError::InputGone)?;
        let cure = "Nothing was sent. Give the file as it was with --input FILE, or begin a new run with the changed one";
        unchanged_file(&path, &self.store.run().fingerprint, &input.fingerprint()?, cure)?;
        self.store.move_input(&absolute(&path)?)?;
        if self.settings.bad_rows == BadRows::Skip {
            // Rows that cannot be done beside others were passed over, and are again.
            check(&mut input, |_| {})?;
            input.rewind()?;
        }
        Ok(input)
    }

    /// The plan that the run carries out.
    fn agenda(&self) -> Result<Option<Agenda>, AppError> {
        let stored = Stored::from_json(&self.store.run().settings)?;
        let path = self.directory.file(DOCUMENT);
        stored.plan().map(|kept| Agenda::read_again(&path, kept)).transpose()
    }

    /// What the runs that it goes by have done, and what it has sent itself since.
    fn earlier(&self) -> Result<EarlierRuns, AppError> {
        let stored = Stored::from_json(&self.store.run().settings)?;
        let mut earlier = EarlierRuns::read(stored.since_runs())?;
        earlier.add_own(&self.store)?;
        Ok(earlier)
    }

    /// Whether the passwords of the rows that are left stand where they did. Files that only rows pointed into that are
    /// done may be gone.
    fn passwords_are_unchanged(&self, input: &Input) -> Result<(), AppError> {
        let known = Stored::from_json(&self.store.run().settings)?.password_files;
        for (path, then) in input.password_files().filter_map(|path| known.get_key_value(path)) {
            let opened = fingerprint_of(path);
            let now = opened.map_err(|source| InputError::Open { path: path.clone(), source })?;
            unchanged_file(
                path,
                then,
                &now,
                "Nothing was sent. Put the file back as it was, or begin a new run",
            )?;
        }
        Ok(())
    }

    fn standing(&self) -> Result<Standing, AppError> {
        let failures = Failures::FinalButRefusals(Exit::Refused.code());
        Ok(self.store.standing(failures, &timeline_now())?)
    }

    /// What a rehearsal's tenant holds by now: what the file takes for granted, and what was done since.
    fn seeds(&self, standing: &Standing) -> Result<Seeds, AppError> {
        let mut seeds = Seeds::default();
        if self.settings.target == Target::Rehearsal {
            let input = Input::open(&self.store.run().input, self.purpose.input_settings(&self.settings))?;
            for work in input {
                if let Work::Task(task) = work? {
                    seeds.note(&task);
                    if standing.done.contains(task.row.number) {
                        seeds.note_done(&task);
                    }
                }
            }
        }
        Ok(seeds)
    }

    fn carry_out<R>(
        self,
        seeds: Seeds,
        (stops, demand, needs): (StopRules, Demand, Needs),
        (rows, brakes): (R, &Brakes),
    ) -> Result<Exit, AppError>
    where
        R: Iterator<Item = Result<Work, RowsError>>,
    {
        let Self { settings, screen, purpose, directory, lock, store } = self;
        status::doing("signing in");
        runtime()?.block_on(async {
            let rehearsal = RehearsalTenant::start_for(&settings.target, seeds)?;
            let connection = connect(&settings, rehearsal.as_ref()).await?;
            if let (Some(then), Some(now)) = (&store.run().tenant, &connection.tenant) {
                unchanged("the tenant", then, now)?;
            }
            fit(needs.against_actor(connection.actor))?;
            if brakes.wards.get().is_none() {
                // The rows that are done count, too.
                let mut input = Input::open(&store.run().input, purpose.input_settings(&settings))?;
                let mix = Mix::of(&mut input)?;
                let looked = look_up(purpose, &settings, &connection, (&mut input, mix), brakes);
                Box::pin(looked).await?;
            }
            let signals = listen()?;
            let locks = locks(lock, tenant_lock(&settings, &connection)?, &directory);
            let conduct = purpose.conduct(&settings, &connection);
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
            job.carry_out(store, rows).await
        })
    }
}

fn unchanged(what: &str, then: &str, now: &str) -> Result<(), AppError> {
    if then.eq_ignore_ascii_case(now) {
        return Ok(());
    }
    Err(AppError::Changed {
        what: what.to_owned(),
        then: then.to_owned(),
        now: now.to_owned(),
        cure: "Nothing was sent. Go on with what it began with, or begin a new run",
    })
}

fn unchanged_file(
    path: &Path,
    then: &Fingerprint,
    now: &Fingerprint,
    cure: &'static str,
) -> Result<(), AppError> {
    if then == now {
        return Ok(());
    }
    Err(AppError::Changed {
        what: path.display().to_string(),
        then: then.to_string(),
        now: now.to_string(),
        cure,
    })
}

/// How the rows stand, before anything is sent.
fn told(standing: &Standing, rows_left: u64) -> String {
    let (in_doubt, open) = (standing.in_doubt.len() as u64, standing.open.len() as u64);
    let done = standing.done.len();
    let untouched = rows_left.saturating_sub(in_doubt + open);
    format!("{done} rows are done, {in_doubt} in doubt, {open} resets open, {untouched} untouched\n")
}
