//! `authwave run --plan`: exactly the plan's rows, and each only where its user is still as the plan says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::actions::verdicts::in_doubt;
use crate::engine::run::RowsError;
use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::fingerprint::Fingerprint;
use crate::model::foresight::{Kind, LastMethod, foresee};
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{Phone, PhoneChange, PhoneType};
use crate::model::row::RowNumber;
use crate::model::task::{PassedOver, Prior, Task, Work};
use crate::model::user::UserId;
use crate::model::user_state::{Expectation, Expected, UserState};
use crate::policy::caps::Tally;
use crate::results::plan_document::{PlanError, PlanHeader, PlanRow, PlanStep, read_plan};
use crate::results::plan_stream::PlanStream;
use crate::settings::plan::KeptPlan;
use crate::settings::resolve::RunChoices;

use super::error::AppError;
use super::sum::Sum;

/// A plan that is to be carried out. Its rows stay where they are, and are read beside those of the file.
#[derive(Debug)]
pub(super) struct Agenda {
    path: PathBuf,
    header: PlanHeader,
    hash: String,
    sum: Sum,
    /// Its rows, from the first that was asked for on.
    rows: RefCell<Option<PlanStream>>,
}

/// What is to be done about a row.
#[derive(Debug)]
enum Item {
    /// It is done, if it is the same row.
    Do(Box<Due>),
    /// It is not, and why.
    Leave { code: OwnCode, reason: String },
    /// It was not due when the plan was made.
    Wait,
    /// An earlier run had done it.
    Done { reason: String },
}

/// A row that is done.
#[derive(Debug)]
struct Due {
    /// As the plan has it.
    row: PlanRow,
    is_nothing: bool,
    /// Where its user is so.
    expected: Option<Box<Expectation>>,
}

impl Agenda {
    /// Reads a plan to its end, and keeps what it comes to.
    pub(super) fn read(path: &Path) -> Result<Self, AppError> {
        let mut sum = Sum::default();
        let read = read_plan(path, |row| sum.add(&row));
        let (header, hash) = read.map_err(|source| AppError::plan(path, source))?;
        Ok(Self { path: path.to_owned(), header, hash, sum, rows: RefCell::default() })
    }

    /// The plan of a run that is taken up again, which must be the one that it began with.
    pub(super) fn read_again(path: &Path, kept: &KeptPlan) -> Result<Self, AppError> {
        let agenda = Self::read(path)?;
        same("the plan", (&kept.hash, &agenda.hash), "Nothing was sent. Put the plan back as it was")?;
        Ok(agenda)
    }

    /// The rows' file.
    pub(super) fn input(&self) -> PathBuf {
        PathBuf::from(&self.header.input)
    }

    /// What is counted in it.
    pub(super) const fn tally(&self) -> &Tally {
        &self.sum.tally
    }

    /// All that is counted in it.
    pub(super) const fn sum(&self) -> &Sum {
        &self.sum
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What a journal keeps of it.
    pub(super) fn kept(&self) -> KeptPlan {
        KeptPlan { path: self.path.clone(), hash: self.hash.clone() }
    }

    /// Fills in how the plan understood the rows.
    pub(super) fn fill(&self, choices: &mut RunChoices) -> Result<(), AppError> {
        let reading = serde_json::from_value(self.header.reading.clone());
        choices.fill_reading(reading.map_err(|error| {
            AppError::plan(&self.path, PlanError::Content(format!("how it read the rows: {error}")))
        })?);
        Ok(())
    }

    /// Whether the rows' file, and those that its passwords stand in, are what the plan was made of.
    pub(super) fn fits(
        &self,
        fingerprint: &Fingerprint,
        password_files: &BTreeMap<PathBuf, Fingerprint>,
    ) -> Result<(), AppError> {
        let cure = "Nothing was sent. Make a new plan";
        same("the rows' file", (&self.header.input_sha256, &fingerprint.sha256), cure)?;
        let (then, now) = (&self.header.password_files, sha256_of(password_files));
        let sha256 = |of: &BTreeMap<String, String>, path: &String| {
            of.get(path).cloned().unwrap_or_else(|| "no file that was read".to_owned())
        };
        then.keys().chain(now.keys()).try_for_each(|path| {
            same(&format!("the passwords' file {path}"), (&sha256(then, path), &sha256(&now, path)), cure)
        })
    }

    /// From now on it is read from a copy, which must hold this plan, and not what became of it since it was read.
    pub(super) fn move_to(&mut self, copy: PathBuf) -> Result<(), AppError> {
        let (_, now) = read_plan(&copy, |_| {}).map_err(|source| AppError::plan(&copy, source))?;
        same("the plan", (&self.hash, &now), "Nothing was sent. Look at the plan again")?;
        self.path = copy;
        Ok(())
    }

    /// Whether the tenant is the one that was read.
    pub(super) fn fits_tenant(&self, graph_root: &str, tenant: Option<&str>) -> Result<(), AppError> {
        let cure = "Nothing was sent. Make a plan for this tenant";
        let name =
            |is_rehearsal, root: &str| if is_rehearsal { REHEARSAL.to_owned() } else { root.to_owned() };
        let then = name(self.header.rehearsal, &self.header.graph_root);
        same("the tenant", (&then, graph_root), cure)?;
        match (&self.header.tenant, tenant) {
            (Some(then), Some(now)) => same("the tenant", (then, now), cure),
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// What a row becomes by the plan. Rows come in the order of their numbers.
    ///
    /// # Errors
    /// When the plan cannot be read, or is another by now.
    pub(super) fn apply(&self, work: Work) -> Result<Work, RowsError> {
        let Work::Task(task) = work else { return Ok(work) };
        Ok(match self.row(task.row.number)?.map(item) {
            Some(Item::Do(due)) => match due.refusal(&task) {
                None => Work::Task(Task { expected: due.expected, ..task }),
                Some((code, reason)) => left(task, code, reason),
            },
            Some(Item::Done { reason }) => {
                let outcome = Outcome::new(Status::Unchanged, reason);
                Work::PassedOver(Box::new(PassedOver { task, outcome }))
            }
            Some(Item::Wait) => {
                let outcome = Outcome::not_due("a plan that is made when it is due");
                Work::PassedOver(Box::new(PassedOver { task, outcome }))
            }
            Some(Item::Leave { code, reason }) => left(task, code, &reason),
            None => left(task, OwnCode::NotPlanned, "does not stand in the plan"),
        })
    }

    fn row(&self, number: RowNumber) -> Result<Option<PlanRow>, RowsError> {
        let mut rows = self.rows.borrow_mut();
        let stream = match rows.take() {
            Some(stream) => stream,
            None => PlanStream::open(&self.path, &self.hash)?,
        };
        Ok(rows.insert(stream).row(number)?)
    }
}

/// The code in a plan of a row that an earlier run has done. It is no error, and stands in no results.
pub(super) const DONE_ALREADY: &str = "done-already";

impl Due {
    fn of(row: PlanRow) -> Self {
        let is_nothing = row.kind() == Some(Kind::Nothing);
        Self { is_nothing, expected: row.expectation().map(Box::new), row }
    }

    /// Why the row of the file is not done: the same number does not make it the same row.
    fn refusal(&self, task: &Task) -> Option<(OwnCode, &'static str)> {
        let may_do = may_do(&task.action);
        let is_same = UserId::new(&self.row.user).is_ok_and(|user| user.order_key() == task.user.order_key())
            && self.row.action == task.action.name()
            && self.row.steps.iter().all(|step| may_do.contains(&Step::of(step)));
        if !is_same {
            return Some((
                OwnCode::NotPlanned,
                "stands in another row than the plan has: for another user, or to do something else",
            ));
        }
        let would_write = self.is_nothing && would_write(&task.action, self.expected.as_deref());
        would_write
            .then_some((OwnCode::StateMoved, "would be changed, and by the plan nothing is to be done"))
    }
}

/// Whether a row would change a user who is as the plan says, or may be.
fn would_write(action: &Action, expected: Option<&Expectation>) -> bool {
    let Some(expected) = expected else { return action.writes() };
    let is_certain = |phone_type: &PhoneType| {
        matches!(expected.phones[phone_type.index()], Expected::Absent | Expected::Phone(_))
    };
    let state = expected.imposed_on(&UserState::default());
    let deeds = foresee(action, &state, LastMethod::MayGo).unwrap_or_default();
    action.writes() && !(action.phone_types().iter().all(is_certain) && deeds.is_empty())
}

/// One thing that a row does. Whether a number is new or changes is no matter: the row itself says `set` of both.
#[derive(Debug, PartialEq, Eq)]
struct Step<'plan> {
    change: &'plan str,
    phone_type: &'plan str,
    to: &'plan str,
}

impl<'plan> Step<'plan> {
    fn of(step: &'plan PlanStep) -> Self {
        let is_new = step.change == Kind::Create.name();
        let change = if is_new { Kind::Change.name() } else { &step.change };
        Self { change, phone_type: &step.phone_type, to: &step.to }
    }
}

const fn step<'plan>(kind: Kind, phone_type: &'plan str, to: &'plan str) -> Step<'plan> {
    Step { change: kind.name(), phone_type, to }
}

/// The type gets this number.
fn put(phone: &Phone) -> Step<'_> {
    step(Kind::Change, phone.phone_type.name(), phone.number.as_str())
}

/// All steps that a row can come to, whatever its user has.
fn may_do(action: &Action) -> Vec<Step<'_>> {
    let gone = |phone_type: &PhoneType| step(Kind::Delete, phone_type.name(), "");
    let switch = |to| vec![step(Kind::Switch, PhoneType::Mobile.name(), to)];
    match action {
        Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => vec![put(phone)],
        Action::SetPhones(changes) => changes
            .iter()
            .map(|change| match change {
                PhoneChange::Set(phone) => put(phone),
                PhoneChange::Delete(phone_type) => gone(phone_type),
            })
            .collect(),
        Action::DeletePhone(phone_type) => vec![gone(phone_type)],
        Action::EnableSmsSignIn => switch("on"),
        Action::DisableSmsSignIn => switch("off"),
        Action::ResetPassword(_) | Action::SetPassword(_) => vec![step(Kind::Reset, "", "")],
        Action::ListMethods | Action::ListPhones => vec![step(Kind::Read, "", "")],
    }
}

/// What a plan tells of the files that passwords stand in.
pub(super) fn sha256_of(files: &BTreeMap<PathBuf, Fingerprint>) -> BTreeMap<String, String> {
    let told = |(path, fingerprint): (&PathBuf, &Fingerprint)| {
        (path.display().to_string(), fingerprint.sha256.clone())
    };
    files.iter().map(told).collect()
}

/// The name of a tenant in a plan.
pub(super) const REHEARSAL: &str = "a rehearsal";

fn item(row: PlanRow) -> Item {
    match row.kind() {
        Some(Kind::Nothing) if row.code == DONE_ALREADY => Item::Done { reason: row.reason },
        Some(Kind::Blocked) if OwnCode::named(&row.code) == Some(OwnCode::NotDue) => Item::Wait,
        Some(Kind::Blocked) | None => Item::Leave {
            // A later program may block rows for reasons of its own.
            code: OwnCode::named(&row.code).unwrap_or(OwnCode::Blocked),
            reason: row.reason,
        },
        Some(
            Kind::Create
            | Kind::Change
            | Kind::Delete
            | Kind::Switch
            | Kind::Reset
            | Kind::Read
            | Kind::Nothing,
        ) => Item::Do(Box::new(Due::of(row))),
    }
}

/// A row that is not done.
pub(super) fn left(task: Task, code: OwnCode, reason: &str) -> Work {
    let failure = Failure::own(code, None, format!("user '{}' {reason}", task.user));
    let outcome = match task.prior {
        // By a session that broke off.
        Prior::InDoubt(_) => in_doubt(failure),
        Prior::Untried | Prior::Accepted(_) => Outcome::failed(failure, ""),
    };
    Work::PassedOver(Box::new(PassedOver { task, outcome }))
}

fn same(what: &str, (then, now): (&str, &str), cure: &'static str) -> Result<(), AppError> {
    if then.eq_ignore_ascii_case(now) {
        return Ok(());
    }
    Err(AppError::Changed { what: what.to_owned(), then: then.to_owned(), now: now.to_owned(), cure })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::model::foresight::{Deed, kind};
    use crate::model::outlook::Planned;
    use crate::model::phone::PhoneNumber;
    use crate::model::row::Row;
    use crate::model::user_state::{HeldPhone, SmsSignIn};
    use crate::results::plan_document::PlanWriter;

    fn task(user: &str, action: Action) -> Task {
        let row = Row { number: RowNumber(1), fields: Box::default() };
        Task {
            row,
            user: UserId::new(user).unwrap(),
            action,
            prior: Prior::Untried,
            expected: None,
            not_before: None,
        }
    }

    fn phone(phone_type: PhoneType, last_digit: u8) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(format!("+1 425555010{last_digit}")) }
    }

    fn set(last_digit: u8) -> Action {
        Action::SetPhone(phone(PhoneType::Mobile, last_digit))
    }

    fn planned(task: &Task, state: &UserState) -> PlanRow {
        let deeds = foresee(&task.action, state, LastMethod::MayGo).unwrap();
        let before = Some(state.clone());
        PlanRow::of(task, &Planned { kind: kind(&deeds), deeds, before, why: None })
    }

    fn header() -> PlanHeader {
        PlanHeader {
            format_version: PlanHeader::FORMAT_VERSION,
            program_version: "0.1.0".to_owned(),
            made_at: "2026-01-02T03:04:05Z".to_owned(),
            input: "/srv/wave.csv".to_owned(),
            input_sha256: "00".to_owned(),
            password_files: [("/srv/passwords.csv".to_owned(), "01".to_owned())].into(),
            graph_root: "https://graph.test".to_owned(),
            tenant: None,
            rehearsal: false,
            reading: serde_json::Value::Null,
        }
    }

    /// A plan of these rows, and where it is.
    fn agenda_of(rows: &[PlanRow]) -> (Agenda, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plan.json");
        let mut writer = PlanWriter::create(&path, header()).unwrap();
        for row in rows {
            writer.push(row).unwrap();
        }
        writer.finish().unwrap();
        (Agenda::read(&path).unwrap(), directory)
    }

    /// A plan of one row.
    fn agenda(row: &PlanRow) -> (Agenda, TempDir) {
        agenda_of(std::slice::from_ref(row))
    }

    /// The code of its end; `None` where the row is done by a plan of one row.
    fn refused(row: &PlanRow, task: Task) -> Option<String> {
        let (agenda, _its) = agenda(row);
        match agenda.apply(Work::Task(task)).unwrap() {
            Work::Task(task) => {
                assert!(task.expected.is_some());
                None
            }
            Work::PassedOver(passed) => {
                assert_eq!(passed.outcome.status, Status::Failed);
                passed.outcome.fault().map(str::to_owned)
            }
            Work::Invalid(invalid) => panic!("{invalid:?}"),
        }
    }

    #[test]
    fn a_row_of_the_same_number_that_is_another_is_not_planned() {
        let adele = "adele@contoso.com";
        let nobody = UserState::default();
        let plan = planned(&task(adele, set(0)), &nobody);
        assert_eq!(refused(&plan, task("ADELE@contoso.com", set(0))), None);
        let others = [
            task("alex@contoso.com", set(0)),
            task(adele, set(1)),
            task(adele, Action::SetPhone(phone(PhoneType::Office, 0))),
            task(adele, Action::AddPhone(phone(PhoneType::Mobile, 0))),
            task(adele, Action::DeletePhone(PhoneType::Mobile)),
        ];
        for other in others {
            assert_eq!(
                refused(&plan, other.clone()),
                Some(OwnCode::NotPlanned.name().to_owned()),
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_plan_s_own_rows_are_the_same_whatever_they_do() {
        let held = |last_digit| {
            let number = phone(PhoneType::Mobile, last_digit).number.to_string().into();
            Some(HeldPhone { number, sms: SmsSignIn::Ready })
        };
        let mut state = UserState::default();
        state.set(PhoneType::Mobile, held(0));
        state.set(PhoneType::Office, held(1));
        let changes = [PhoneChange::Set(phone(PhoneType::Mobile, 2)), PhoneChange::Delete(PhoneType::Office)];
        let actions = [
            set(0),
            set(2),
            Action::AddPhone(phone(PhoneType::AlternateMobile, 3)),
            Action::UpdatePhone(phone(PhoneType::Office, 4)),
            Action::SetPhones(changes.into()),
            Action::DeletePhone(PhoneType::Mobile),
            Action::EnableSmsSignIn,
            Action::DisableSmsSignIn,
            Action::ResetPassword(None),
            Action::ListMethods,
        ];
        for action in actions {
            let task = task("adele@contoso.com", action);
            assert_eq!(refused(&planned(&task, &state), task.clone()), None, "{task:?}");
        }
    }

    #[test]
    fn a_row_that_the_plan_says_does_nothing_must_have_nothing_to_do() {
        let task = task("adele@contoso.com", set(0));
        let held = HeldPhone { number: "+1 4255550100".into(), sms: SmsSignIn::Unknown };
        let row = |deeds: Vec<Deed>| {
            let nothing = Planned { kind: Kind::Nothing, deeds, before: None, why: None };
            PlanRow::of(&task, &nothing)
        };
        let expecting = |mobile| Expectation { phones: [mobile, Expected::Anything, Expected::Anything] };
        let so = Expected::Phone(held.clone());
        assert_eq!(refused(&row(vec![]).expecting(&expecting(so)), task.clone()), None);
        let other = HeldPhone { number: "+1 4255550101".into(), ..held.clone() };
        let moved = Some(OwnCode::StateMoved.name().to_owned());
        for mobile in [
            Expected::Absent,
            Expected::Anything,
            Expected::Phone(other),
            Expected::OneOf(vec![Some(held), None]),
        ] {
            let plan = row(vec![]).expecting(&expecting(mobile.clone()));
            assert_eq!(refused(&plan, task.clone()), moved, "{mobile:?}");
        }
        assert_eq!(refused(&row(vec![]), task.clone()), moved);
    }

    #[test]
    fn passwords_that_are_others_than_the_plan_s_are_found_out() {
        let (agenda, _its) = agenda(&planned(&task("adele@contoso.com", set(0)), &UserState::default()));
        let print = |sha256: &str| Fingerprint { sha256: sha256.to_owned(), bytes: 1 };
        let files = |path: &str, sha256| [(PathBuf::from(path), print(sha256))].into();
        agenda.fits(&print("00"), &files("/srv/passwords.csv", "01")).unwrap();
        agenda.fits(&print("02"), &files("/srv/passwords.csv", "01")).unwrap_err();
        for other in [files("/srv/passwords.csv", "02"), files("/srv/others.csv", "01"), BTreeMap::new()] {
            let told = agenda.fits(&print("00"), &other).unwrap_err().to_string();
            assert!(told.contains("passwords.csv") || told.contains("others.csv"), "{told}");
        }
    }

    #[test]
    fn a_plan_that_was_replaced_since_it_was_read_is_found_out() {
        let row = |last_digit| planned(&task("adele@contoso.com", set(last_digit)), &UserState::default());
        let (mut agenda, _its) = agenda(&row(0));
        let directory = tempfile::tempdir().unwrap();
        for (last_digit, is_it) in [(0, true), (1, false)] {
            let path = directory.path().join(format!("{last_digit}.json"));
            let mut writer = PlanWriter::create(&path, header()).unwrap();
            writer.push(&row(last_digit)).unwrap();
            writer.finish().unwrap();
            assert_eq!(agenda.move_to(path).is_ok(), is_it, "{last_digit}");
        }
    }

    #[test]
    fn a_plan_that_does_not_say_how_it_read_the_rows_is_refused() {
        let (agenda, _its) = agenda(&planned(&task("adele@contoso.com", set(0)), &UserState::default()));
        agenda.fill(&mut RunChoices::default()).unwrap_err();
    }

    fn numbered(number: u64) -> Task {
        let row = Row { number: RowNumber(number), fields: Box::default() };
        Task { row, ..task(&format!("user{number}@contoso.com"), set(0)) }
    }

    fn numbers(agenda: &Agenda, asked: impl Iterator<Item = u64>) -> Vec<u64> {
        let is_done = |number: &u64| {
            let work = agenda.apply(Work::Task(numbered(*number))).unwrap();
            matches!(work, Work::Task(Task { expected: Some(_), .. }))
        };
        asked.filter(is_done).collect()
    }

    #[test]
    fn rows_are_found_where_the_plan_or_the_file_leaves_some_out() {
        let rows: Vec<PlanRow> = (1..=2_000)
            .filter(|number| number % 3 != 0)
            .map(|number| planned(&numbered(number), &UserState::default()))
            .collect();
        let (agenda, _its) = agenda_of(&rows);
        // As in a run that is taken up again: some are done.
        let expected: Vec<u64> = (1..=2_000).filter(|n| n % 3 != 0 && n % 2 == 0).collect();
        assert_eq!(numbers(&agenda, (2..=3_000).step_by(2)), expected);
    }

    #[test]
    fn a_plan_that_becomes_another_while_its_rows_are_done_stops_them() {
        let rows: Vec<PlanRow> =
            (1..=1_000).map(|number| planned(&numbered(number), &UserState::default())).collect();
        let changed = |text: &str| text.replacen("user1000@", "user1001@", 1);
        // One that is sound, and another.
        let (other, _its) = agenda_of(&rows[..999]);
        let others = std::fs::read_to_string(&other.path).unwrap();
        for become_another in [&changed as &dyn Fn(&str) -> String, &|_: &str| others.clone()] {
            let (agenda, _its) = agenda_of(&rows);
            let text = std::fs::read_to_string(&agenda.path).unwrap();
            std::fs::write(&agenda.path, become_another(&text)).unwrap();
            let apply = |number| agenda.apply(Work::Task(numbered(number)));
            (1..=999).for_each(|number| drop(apply(number).unwrap()));
            let told: Vec<String> =
                [1_000, 1_001].into_iter().filter_map(|n| Some(apply(n).err()?.to_string())).collect();
            assert!(told[0].starts_with("it was changed after it was made"), "{told:?}");
        }
    }
}
