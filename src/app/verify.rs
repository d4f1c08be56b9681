//! `authwave verify`: every user that a run touched is read again, and each row is told whether it still holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use tokio::time::Instant;

use crate::actions::conduct::Conduct;
use crate::engine::lost_resets::LostResets;
use crate::engine::run::{RowsError, run};
use crate::input::rows::Interpreter;
use crate::journal::store::Store;
use crate::model::action::Action;
use crate::model::demand::Demand;
use crate::model::event::{Ended, Event, Observer, ObserverError};
use crate::model::outcome::Status;
use crate::model::row::{Row, RowNumber};
use crate::model::stats::RowCounts;
use crate::model::task::{Prior, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user_rows::UserRows;
use crate::pace::pacer::Pacer;
use crate::policy::forecast::Counted;
use crate::policy::verify::{Finding, Verdict, is_visible, judge, note_later};
use crate::progress::view::Progress;
use crate::results::readings::{Reading, Readings};
use crate::results::verified::Verified;
use crate::settings::args;
use crate::settings::connection::Target;
use crate::settings::resolve::{Output, RunChoices};

use super::clock::{timeline_now, wall_clock};
use super::connect::{Line, connect};
use super::earlier::in_doubt;
use super::environment::{runtime, say};
use super::error::AppError;
use super::exit::Exit;
use super::locks::Use;
use super::memory::Memory;
use super::next::quoted;
use super::pacing::{found, pace, run_settings};
use super::purpose::StopRules;
use super::resume::TakenUp;
use super::run::{listen, locks, tenant_lock};
use super::status;

const NAME: &str = "verify.csv";

/// A user with more rows behind the first is read once for all of them: few enough have as many to be remembered.
const MANY: usize = 64;

/// `authwave verify`.
pub(super) fn verify(args: args::Verify) -> Result<Exit, AppError> {
    let taken_up = TakenUp::open((&args.run_dir, Use::Reading), args.common, RunChoices::default())?;
    if taken_up.settings.target == Target::Rehearsal {
        return Err(AppError::Rehearsed);
    }
    status::doing("reading the journal");
    let timeline = timeline_now();
    let users = touched(&taken_up.store, &timeline)?;
    let in_doubt = in_doubt((&taken_up.store, &timeline))?;
    let quiet = taken_up.settings.output == Output::Quiet;
    let (path, directory) = (taken_up.directory.file(NAME), taken_up.directory.path().to_owned());
    let input_settings = taken_up.purpose.input_settings(&taken_up.settings);
    let (readings, store, stopped) = runtime()?.block_on(read(taken_up, &users, timeline))?;
    let interpreter = Interpreter::new(store.run().header.clone(), input_settings);
    let many = BTreeMap::new();
    let mut verification = Verification { store: &store, users, readings, many, interpreter, timeline };
    let counts = verification.write(&path)?;
    let is_doubtful = in_doubt > 0 || counts.keys().any(|verdict| verdict.is_doubtful());
    let exit = stopped.unwrap_or(if is_doubtful { Exit::SomeFailed } else { Exit::Done });
    if !quiet || exit != Exit::Done {
        say(&text(&counts, in_doubt, &directory));
    }
    Ok(exit)
}

fn text(counts: &BTreeMap<Verdict, u64>, in_doubt: u64, directory: &Path) -> String {
    let told: Vec<String> =
        counts.iter().map(|(verdict, count)| format!("{count} {}", verdict.name())).collect();
    let told = if told.is_empty() { "no rows".to_owned() } else { told.join(", ") };
    let mut text = format!("verified: {told}\n");
    if in_doubt > 0 {
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "not looked at: {}, of which nobody knows what became of them, since the run broke off; authwave resume {} \
             finds out",
            Counted(in_doubt, "row"),
            quoted(directory)
        );
    }
    text + &format!("files: {}\n", directory.join(NAME).display())
}

/// The rows that may have changed something that can be read, by their users.
fn touched(store: &Store, timeline: &Timeline) -> Result<UserRows, AppError> {
    let mut rows = Vec::new();
    store.replay(timeline, |event| {
        if let Event::Ended(ended) = event
            && let Work::Task(task) = &ended.work
            && may_have_changed(&ended, &task.action)
        {
            rows.push((task.user.order_key(), task.row.number));
        }
    })?;
    Ok(UserRows::of(rows))
}

fn may_have_changed(ended: &Ended, action: &Action) -> bool {
    let was_done = match ended.outcome.status {
        Status::Succeeded | Status::Unchanged | Status::Unknown => true,
        // What stands before the phone that failed was done.
        Status::Failed => matches!(action, Action::SetPhones(_)) && ended.started_at.is_some(),
        Status::Pending | Status::Unprocessed => false,
    };
    was_done && is_visible(action)
}

/// Reads the users, at the pace of every run. Gives also how it was stopped, if it was.
async fn read(
    taken_up: TakenUp,
    users: &UserRows,
    timeline: Timeline,
) -> Result<(Readings, Store, Option<Exit>), AppError> {
    let TakenUp { settings, screen, directory, lock, store, .. } = taken_up;
    status::doing("signing in");
    let connection = connect(&settings, None).await?;
    let mut signals = listen()?;
    let _locks = locks(lock, tenant_lock(&settings, &connection)?, &directory);
    let demand = Demand { rows: users.users(), reads: users.users(), writes: 0 };
    let (memory, began) = (Memory::of(&connection), Instant::now());
    let pacer = Arc::new(Pacer::new(pace(settings.pace, &demand, memory.learned(&demand, wall_clock()))));
    let readings =
        Readings::new(timeline).map_err(|source| AppError::System { what: "make a file", source })?;
    status::shown(screen.asked());
    let progress = Progress::new(screen, demand, Arc::clone(&pacer));
    let mut sinks = Sinks { readings, progress };
    let Line { graph, shutdown, inbox, step: _step } = connection.open(&settings, Arc::clone(&pacer))?;
    let run_settings = run_settings(&settings, StopRules::NONE, Conduct::PLAIN);
    let rows = users.first().map(|row| reader(&store, row, &timeline));
    let end = tokio::select! {
        biased;
        end = run(graph, rows, run_settings, LostResets::default(), (inbox, &mut sinks)) => end,
        () = signals.stop(&shutdown) => unreachable!("listening for signals never ends"),
    };
    status::doing("comparing what was read with the rows");
    memory.keep(&found(&pacer, began.elapsed()), wall_clock());
    let Sinks { readings, progress } = sinks;
    progress.finish();
    let stopped = end.stop.as_ref().map(|stop| {
        say(&format!("{}\n", super::closing::reason(stop)));
        Exit::of(&RowCounts::default(), Some(stop))
    });
    Ok((readings, store, stopped))
}

/// What reads the user of a row.
fn reader(store: &Store, row: RowNumber, timeline: &Timeline) -> Result<Work, RowsError> {
    let ended = store.end_of(row, timeline)?;
    match ended.map(|ended| ended.work) {
        Some(Work::Task(Task { user, .. })) => Ok(Work::Task(Task {
            row: Row { number: row, fields: Box::default() },
            user,
            action: Action::ListPhones,
            prior: Prior::Untried,
            not_before: None,
            expected: None,
        })),
        Some(Work::Invalid(_) | Work::PassedOver(_)) | None => {
            Err("the journal has changed meanwhile".into())
        }
    }
}

/// What is read, and the view.
struct Sinks {
    readings: Readings,
    progress: Progress,
}

impl Observer for Sinks {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        [self.readings.observe(event), self.progress.observe(event)].into_iter().collect()
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        self.progress.tick(now)
    }
}

/// All that tells whether rows hold.
struct Verification<'store> {
    store: &'store Store,
    users: UserRows,
    readings: Readings,
    /// What counts of the rows of users who have many, by their first rows: they are not read again for each of them.
    many: BTreeMap<RowNumber, Vec<(RowNumber, Action)>>,
    /// Understands rows whose action the journal has only as the input wrote it.
    interpreter: Interpreter,
    timeline: Timeline,
}

impl Verification<'_> {
    /// Writes verify.csv, and counts.
    fn write(&mut self, path: &Path) -> Result<BTreeMap<Verdict, u64>, AppError> {
        let new = path.with_extension("csv.new");
        // A process that was killed may have left one.
        let _ = std::fs::remove_file(&new);
        let mut file = Verified::create(&new, &self.store.run().header)?;
        let (mut counts, mut written, store, timeline) = (BTreeMap::new(), Ok(()), self.store, self.timeline);
        store.replay(&timeline, |event| {
            if let Event::Ended(ended) = event
                && written.is_ok()
            {
                written = self.tell(&ended, &mut file).map(|verdict| {
                    *counts.entry(verdict).or_default() += 1;
                });
            }
        })?;
        written?;
        file.finish(path)?;
        Ok(counts)
    }

    fn tell(&mut self, ended: &Ended, file: &mut Verified) -> Result<Verdict, AppError> {
        let (finding, read_at) = self.finding(ended)?;
        file.push(ended, &finding, &read_at)?;
        Ok(finding.verdict)
    }

    /// What became of a row, and when its user was read.
    fn finding(&mut self, ended: &Ended) -> Result<(Finding, String), AppError> {
        let unlooked = |verdict, detail: &str| Ok((Finding::unlooked(verdict, detail), String::new()));
        let Work::Task(task) = &ended.work else { return unlooked(Verdict::NotDone, "") };
        if matches!(ended.outcome.status, Status::Failed | Status::Unprocessed) {
            return unlooked(Verdict::NotDone, "");
        }
        let Some(first) = self.users.first_of(task.row.number) else {
            return Ok((judge(&task.action, &[], &[]), String::new()));
        };
        let read =
            self.readings.of(first).map_err(|source| AppError::System { what: "read a file", source })?;
        let Some(Reading { read_at, methods }) = read else {
            return unlooked(Verdict::Unread, "verify was stopped before it came to the user");
        };
        let finding = match methods {
            // Nothing of a user who is gone stands any more.
            Err(unread) if unread.http_status == Some(404) => Finding {
                found: "no such user".to_owned(),
                ..Finding::unlooked(Verdict::Differs, unread.reason)
            },
            Err(unread) => Finding::unlooked(Verdict::Unread, unread.reason),
            Ok(phones) => {
                let later = self.later(first, task.row.number)?;
                judge(&self.interpreter.asked(task), &later, &phones)
            }
        };
        Ok((finding, read_at))
    }

    /// The rows of the same user behind this one that may have changed something, as far as they count.
    fn later(&mut self, first: RowNumber, row: RowNumber) -> Result<Vec<(RowNumber, Action)>, AppError> {
        if self.users.behind(first).nth(MANY).is_none() {
            return self.counting(row);
        }
        if !self.many.contains_key(&first) {
            let counting = self.counting(first)?;
            self.many.insert(first, counting);
        }
        let all = self.many.get(&first).into_iter().flatten();
        Ok(all.filter(|(other, _)| *other > row).cloned().collect())
    }

    /// Those of a user's rows behind this one that a judgement needs.
    fn counting(&mut self, row: RowNumber) -> Result<Vec<(RowNumber, Action)>, AppError> {
        let (rows, mut later): (Vec<RowNumber>, _) = (self.users.behind(row).collect(), Vec::new());
        for row in rows {
            if let Some(Ended { work: Work::Task(task), .. }) = self.store.end_of(row, &self.timeline)? {
                note_later(&mut later, (row, self.interpreter.asked(&task)));
            }
        }
        Ok(later)
    }
}
