//! `authwave undo`: a plan is made of what a run found before it changed it, and carried out as a run of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::input::content::fingerprint_of;
use crate::input::phone_text::Written;
use crate::input::rows::Interpreter;
use crate::journal::store::Store;
use crate::model::action::Action;
use crate::model::event::{Ended, Event};
use crate::model::foresight::{Deed, LastMethod, kind};
use crate::model::outcome::Status;
use crate::model::outlook::Planned;
use crate::model::phone::{Phone, PhoneType, is_same_number};
use crate::model::row::{Row, RowNumber};
use crate::model::task::{Prior, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;
use crate::model::user_rows::UserRows;
use crate::model::user_state::{Expectation, Expected, HeldPhone, SmsSignIn, UserState};
use crate::model::wards::Protected;
use crate::policy::forecast::Counted;
use crate::policy::undo::{Done, Left, Step, Undoing, undo as taken_back};
use crate::results::plan_document::{PlanHeader, PlanRow, PlanWriter};
use crate::results::plan_rows::PlanRows;
use crate::results::undo_rows::{NotUndone, UndoRows};
use crate::settings::args;
use crate::settings::plan::KeptReading;
use crate::settings::resolve::{Mode, Output, RunChoices, Settings, resolve};
use crate::settings::stored::Stored;

use super::agenda::Agenda;
use super::asked::Asked;
use super::brakes::Brakes;
use super::clock::{timeline_now, wall_clock};
use super::earlier::is_decided;
use super::environment::{print, secrets, settings_file};
use super::error::AppError;
use super::exit::Exit;
use super::locks::{Lock, Use, lock_run_directory};
use super::next::{carry_out, quoted};
use super::plan_html;
use super::plan_text::{DOCUMENT, details};
use super::purpose::Purpose;
use super::run::{Where, absolute, begin, run_directory};
use super::run_directory::RunDirectory;
use super::{status, undo_look};

/// The rows that take back, as a file that a run reads.
const ROWS: &str = "undo.csv";

/// The rows that stay as they are.
const NOT_UNDONE: &str = "not-undone.csv";

/// `authwave undo`.
pub(super) fn undo(mut args: args::Undo) -> Result<Exit, AppError> {
    status::doing("reading what the run did");
    let source = Source::open(&mut args)?;
    let sum = source.count()?;
    let is_quiet = source.settings.output == Output::Quiet;
    if sum.steps == 0 {
        if is_quiet {
            return Ok(sum.exit(Exit::Done));
        }
        print(&format!("undo of {}: nothing to take back\n{}", quoted(&args.run), sum.text()));
        return Ok(sum.exit(Exit::Done));
    }
    let name = format!("undo-{}", args.run.file_name().unwrap_or_default().to_string_lossy());
    let made = run_directory(&args.place, &source.settings, (wall_clock(), Path::new(&name)))?;
    let agenda = source.write(&made)?;
    let asked = asked_for(&mut args, &agenda)?;
    if !is_quiet {
        let foreseen = if args.dry_run { foreseen(&asked, &made)? } else { String::new() };
        show(&args, &agenda, (&made, &sum, &foreseen))?;
    }
    if args.dry_run {
        return Ok(match sum.exit(Exit::Done) {
            Exit::Done if args.shown.detailed_exit_code => Exit::Changes,
            exit => exit,
        });
    }
    let brakes = Brakes { agenda: Some(agenda), ..Brakes::default() };
    let rows = made.file(ROWS);
    let next = carry_out((&made.file(DOCUMENT), &rows), false);
    let ended = begin(&rows, Where::In(made), &asked, (brakes, args::Shown::default()));
    if let Err(AppError::NobodyToAsk | AppError::NotConfirmed) = &ended {
        // The plan is made, and stays.
        print(&format!("next: {next}\n"));
    }
    Ok(sum.exit(ended?))
}

/// A run that carries the plan out.
fn asked_for(args: &mut args::Undo, agenda: &Agenda) -> Result<Asked, AppError> {
    let mut choices = RunChoices {
        max_failures: args.limits.max_failures.take(),
        max_duration: args.limits.max_duration.take(),
        guards: std::mem::take(&mut args.guards).into(),
        plan: Some(agenda.kept()),
        ..RunChoices::default()
    };
    // Its own file is read as it stands, whatever the settings file says of others.
    agenda.fill(&mut choices)?;
    let common = std::mem::take(&mut args.common);
    Ok(Asked { common, choices, mode: Mode::Real, purpose: Purpose::Rows })
}

/// What is to be said beforehand of the rows that the guard of the last method would block.
fn foreseen(asked: &Asked, made: &RunDirectory) -> Result<String, AppError> {
    let (settings, _) = asked.resolve()?;
    Ok(match settings.guards.last_method {
        LastMethod::Kept => undo_look::told(&made.file(ROWS), &settings),
        LastMethod::MayGo => String::new(),
    })
}

/// What is taken back, counted.
#[derive(Debug, Default)]
struct Count {
    users: u64,
    steps: u64,
    /// Rows that stay, by the reason.
    left: BTreeMap<&'static str, u64>,
}

impl Count {
    fn text(&self) -> String {
        let mut text = String::new();
        for (reason, count) in &self.left {
            let rows = if *count == 1 { "row stays as it is" } else { "rows stay as they are" };
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "  {count} {rows}: {reason}");
        }
        text
    }

    /// What is left is told by the exit code, too.
    fn exit(&self, exit: Exit) -> Exit {
        match exit {
            Exit::Done if !self.left.is_empty() => Exit::SomeFailed,
            exit => exit,
        }
    }
}

/// A run that is to be taken back.
struct Source {
    directory: RunDirectory,
    store: Store,
    settings: Settings,
    /// How its rows were understood.
    purpose: Purpose,
    /// Whether all of its rows looked at what they changed.
    looks: bool,
    selection: Selection,
    timeline: Timeline,
    /// Nobody resumes it meanwhile.
    _lock: Lock,
}

/// Which rows are to be taken back.
struct Selection {
    users: Option<Protected>,
    statuses: Vec<Status>,
}

impl Selection {
    fn of(args: &args::Undo) -> Result<Self, AppError> {
        let status = |name: &String| {
            let known =
                Status::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(name.trim()));
            known.ok_or_else(|| AppError::NoStatus(name.clone()))
        };
        let statuses = args.only_status.iter().map(status).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            users: (!args.only_user.is_empty()).then(|| Protected::new(&args.only_user)),
            statuses: if statuses.is_empty() { Status::ALL.to_vec() } else { statuses },
        })
    }

    fn takes(&self, user: &UserId, status: Status) -> bool {
        let is_user = self.users.as_ref().is_none_or(|users| users.pattern_of(user).is_some());
        is_user && self.statuses.contains(&status)
    }
}

impl Source {
    /// Opens it, and fills in of what was asked what it says itself.
    fn open(args: &mut args::Undo) -> Result<Self, AppError> {
        let selection = Selection::of(args)?;
        let directory = RunDirectory::existing(&args.run);
        // Looked for first, so that no lock is left in a directory that is none of ours.
        let path = directory.journal()?;
        let lock = lock_run_directory(&args.run, Use::Reading)?;
        let store = Store::open(&path)?;
        let run = store.run();
        if run.is_rehearsal {
            return Err(AppError::Rehearsed);
        }
        let (stored, mut choices) = (Stored::from_json(&run.settings)?, RunChoices::default());
        let (looks, purpose) = (stored.looks_first(), Purpose::of(&run.command));
        stored.fill(&mut args.common, &mut choices);
        let file = settings_file(args.common.config.clone())?;
        let settings = resolve(&args.common, (Mode::Real, choices), file, secrets())?;
        let source = Self {
            directory,
            store,
            settings,
            purpose,
            looks,
            selection,
            timeline: timeline_now(),
            _lock: lock,
        };
        source.is_decided()?;
        Ok(source)
    }

    /// Whether it is known of every row that began how it ended.
    fn is_decided(&self) -> Result<(), AppError> {
        is_decided((&self.store, &self.timeline), self.directory.path(), "undo it")
    }

    /// Shows what takes each user's rows back, the users in the order of their first rows.
    fn visit(
        &self,
        mut see: impl FnMut(&UserId, &[Ended], Undoing) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let input = self.purpose.input_settings(&self.settings);
        let mut interpreter = Interpreter::new(self.store.run().header.clone(), input);
        let users = self.changed()?;
        for first in users.first() {
            let (mut ends, mut rows) = (Vec::new(), Vec::new());
            for row in [first].into_iter().chain(users.behind(first)) {
                let Some(ended) = self.store.end_of(row, &self.timeline)? else { continue };
                let Work::Task(task) = &ended.work else { continue };
                rows.push(self.done(task, interpreter.asked(task), &ended)?);
                ends.push(ended);
            }
            if let Some(Ended { work: Work::Task(Task { user, .. }), .. }) = ends.first() {
                see(&user.clone(), &ends, taken_back(&rows, is_read_as_it_is))?;
            }
        }
        Ok(())
    }

    /// The rows that may have changed something, by their users. One that a guard has stopped was never sent.
    fn changed(&self) -> Result<UserRows, AppError> {
        let mut rows = Vec::new();
        self.store.replay(&self.timeline, |event| {
            if let Event::Ended(ended) = event
                && let Work::Task(task) = &ended.work
                && task.action.writes()
                && (ended.outcome.status != Status::Failed || ended.started_at.is_some())
            {
                rows.push((task.user.order_key(), task.row.number));
            }
        })?;
        Ok(UserRows::of(rows))
    }

    fn done(&self, task: &Task, action: Action, ended: &Ended) -> Result<Done, AppError> {
        let row = task.row.number;
        Ok(Done {
            row,
            action,
            status: ended.outcome.status,
            http_status: ended.http_status,
            before: self.store.before(row)?,
            looks: self.looks,
            is_selected: self.selection.takes(&task.user, ended.outcome.status),
        })
    }

    fn count(&self) -> Result<Count, AppError> {
        let mut count = Count::default();
        self.visit(|_, _, undoing| {
            count.users += u64::from(!undoing.steps.is_empty());
            count.steps += undoing.steps.len() as u64;
            for left in undoing.left {
                *count.left.entry(left.why.told()).or_default() += 1;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Writes the rows that take back, the plan of them, and what stays.
    fn write(&self, directory: &RunDirectory) -> Result<Agenda, AppError> {
        let path = directory.file(ROWS);
        let mut rows = UndoRows::create(&path)?;
        let mut not_undone = NotUndone::create(&directory.file(NOT_UNDONE), &self.store.run().header)?;
        self.visit(|user, ends, Undoing { steps, left }| {
            for step in steps {
                rows.push(user, &step)?;
            }
            for Left { row, why } in left {
                let ended = ends.iter().find(|ended| ended.work.row().number == row);
                ended.map_or(Ok(()), |ended| not_undone.push(ended, &why.to_string()))?;
            }
            Ok(())
        })?;
        rows.finish()?;
        not_undone.finish()?;
        let plan = directory.file(DOCUMENT);
        let mut document = PlanWriter::create(&plan, self.header(&path)?)?;
        let mut lines = PlanRows::create(&directory.file("plan.csv"))?;
        let mut number = 0;
        self.visit(|user, _, undoing| {
            for step in undoing.steps {
                number += 1;
                let row = planned(RowNumber(number), user, step);
                document.push(&row)?;
                lines.push(&row)?;
            }
            Ok(())
        })?;
        lines.finish()?;
        document.finish()?;
        plan_html::write(directory, self.settings.numbers)?;
        Agenda::read(&plan)
    }

    fn header(&self, rows: &Path) -> Result<PlanHeader, AppError> {
        let run = self.store.run();
        let fingerprint =
            fingerprint_of(rows).map_err(|source| AppError::System { what: "read undo.csv", source })?;
        Ok(PlanHeader {
            format_version: PlanHeader::FORMAT_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: format!("{:.3}", wall_clock()),
            input: absolute(rows)?.display().to_string(),
            input_sha256: fingerprint.sha256,
            password_files: BTreeMap::new(),
            graph_root: run.graph_root.clone(),
            tenant: run.tenant.clone(),
            rehearsal: false,
            reading: serde_json::to_value(KeptReading::AS_IT_STANDS).unwrap_or_default(),
        })
    }
}

/// A step, as a plan has it.
fn planned(number: RowNumber, user: &UserId, step: Step) -> PlanRow {
    let Step { action, expected, .. } = step;
    // What the rows left is what a plan tells as the state before.
    let left = expected.imposed_on(&UserState::default());
    let deeds: Vec<Deed> = deed(&action, &left, &expected).into_iter().collect();
    let row = Row { number, fields: Box::default() };
    let task =
        Task { row, user: user.clone(), action, not_before: None, prior: Prior::Untried, expected: None };
    PlanRow::of(&task, &Planned { kind: kind(&deeds), deeds, before: None, why: None }).expecting(&expected)
}

/// What a step does. Nobody reads the user for it, so that whatever may be written counts as written, by the caps, too.
fn deed(action: &Action, left: &UserState, expected: &Expectation) -> Option<Deed> {
    let held = |phone_type: PhoneType| match &expected.phones[phone_type.index()] {
        Expected::Anything | Expected::Absent => None,
        Expected::Phone(phone) => Some(phone),
        Expected::OneOf(phones) => phones.iter().flatten().next(),
    };
    let was = |phone_type| {
        let unknown = HeldPhone { number: Box::default(), sms: SmsSignIn::Unknown };
        held(phone_type).cloned().unwrap_or(unknown)
    };
    match action {
        Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
            Some(match left.phone(phone.phone_type) {
                Some(was) => Deed::Change { phone: phone.clone(), was: was.clone() },
                None => Deed::Create(phone.clone()),
            })
        }
        Action::DeletePhone(phone_type) => {
            Some(Deed::Delete { phone_type: *phone_type, was: was(*phone_type) })
        }
        Action::EnableSmsSignIn => Some(Deed::Switch { on: true, was: was(PhoneType::Mobile) }),
        Action::DisableSmsSignIn => Some(Deed::Switch { on: false, was: was(PhoneType::Mobile) }),
        // Nothing is taken back by these.
        Action::SetPhones(_)
        | Action::ResetPassword(_)
        | Action::SetPassword(_)
        | Action::ListMethods
        | Action::ListPhones => None,
    }
}

/// Whether undo.csv gives a number that Graph holds back as that number: Graph has kept numbers that no input file may
/// hold, and such that are read as others.
fn is_read_as_it_is(Phone { phone_type, number }: &Phone) -> bool {
    let written = Written::read(number.as_str(), *phone_type);
    let checked = written.and_then(|written| written.checked(*phone_type, None));
    checked.is_ok_and(|checked| is_same_number(checked.number.as_str(), number.as_str()))
}

/// Shows what is going to be done: counts first, then each row where that was asked for.
fn show(
    args: &args::Undo,
    agenda: &Agenda,
    (made, count, foreseen): (&RunDirectory, &Count, &str),
) -> Result<(), AppError> {
    let (rows, users) = (Counted(count.steps, "row"), Counted(count.users, "user"));
    print(&format!(
        "undo of {}: {rows} for {users}\n{}{}",
        quoted(&args.run),
        agenda.sum().text(),
        count.text()
    ));
    if args.shown.details {
        details(agenda.path())?;
    }
    let plan = agenda.kept();
    print(&format!("{foreseen}plan: {}\nhash: {}\n", plan.path.display(), plan.hash));
    if args.dry_run {
        print(&format!("next: {}\n", carry_out((&made.file(DOCUMENT), &made.file(ROWS)), false)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phone::PhoneNumber;
    use PhoneType::{Mobile, Office};

    #[test]
    fn numbers_that_the_input_would_refuse_or_mend_are_not_read_as_they_are() {
        let is_read = |phone_type, number: &str| {
            is_read_as_it_is(&Phone { phone_type, number: PhoneNumber::from_formatted(number) })
        };
        assert!(is_read(Mobile, "+1 4255550100"));
        assert!(is_read(Office, "+1 4255550100x12"));
        assert!(is_read(Mobile, "+44 7777777778"));
        assert!(!is_read(Mobile, "+1 5550100"), "too short for its country");
        assert!(!is_read(Mobile, "+44 07777777778"), "a trunk zero is left out");
        assert!(!is_read(Mobile, "+1 4255550100x12"), "only an office has an extension");
    }
}
