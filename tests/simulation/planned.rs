//! A life by a plan: what users have is read, in batches, with crashes, faults and quotas; somebody else changes some of
//! them; and the rows are done that the plan has, each only where its user is still as it says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

use authwave::actions::conduct::{Asked, Conduct, Look, Sight};
use authwave::engine::run::RunSettings;
use authwave::journal::store::Store;
use authwave::model::action::Action;
use authwave::model::error_code::OwnCode;
use authwave::model::foresight::{Kind, LastMethod, foresee};
use authwave::model::outcome::Status;
use authwave::model::outlook::{Known, Outlook, Why};
use authwave::model::phone::{Phone, PhoneNumber, PhoneType};
use authwave::model::row::RowNumber;
use authwave::model::task::{InvalidRow, Task, Work};
use authwave::model::timeline::Timeline;
use authwave::model::user_state::{HeldPhone, SmsSignIn, UserState};
use authwave::policy::caps::{Cap, Caps, Tally};
use authwave::results::plan_document::{PlanHeader, PlanRow, PlanWriter};
use authwave::results::plan_stream::PlanStream;
use authwave::simulator::tenant::Tenant;

use super::life::{Life, Played};
use super::plan::Plan;
use super::told::Told;

/// Plays it.
pub(crate) async fn play(plan: Plan, tenant: &Arc<Mutex<Tenant>>) -> Played {
    let rows = plan.rows.clone();
    let mut reading = Life::new(reading(plan), tenant);
    reading.run().await;
    assert!(reading.wire.writes().is_empty(), "a plan writes nothing");
    let mut played = reading.played.clone();
    played.batches = tenant.lock().unwrap().ledger().batches;
    let directory = tempfile::tempdir().unwrap();
    let document = directory.path().join("plan.json");
    let (kinds, hash) = conclude(&reading.store, &reading.timeline(), (&rows, &document));

    let moves = moves(&mut reading.plan, tenant);
    let mut somebody_else = Life::new(Plan { cuts: Vec::new(), ..reading.behind(moves) }, tenant);
    somebody_else.run().await;

    let tally = tally(&rows, &kinds);
    let cap = reading.plan.random.bool().then(|| Cap::Count(reading.plan.random.u64(..8)));
    let caps = Caps { changes: cap, ..Caps::default() };
    let before = Users::of(&reading.plan, &tenant.lock().unwrap());
    if !caps.exceeded(&tally).is_empty() {
        // Nothing starts: what is counted is counted before the first write.
        played.capped = 1;
        return played;
    }
    let work = planned(&rows, PlanStream::open(&document, &hash).unwrap());
    let mut run = Life::new(somebody_else.behind(work), tenant);
    run.run().await;
    for (_, row) in run.wire.writes() {
        assert!(kinds[&row].writes(), "row {row} wrote, and by the plan it does not");
    }
    let told = Told::by(&run.store, run.timeline());
    let statuses: HashMap<RowNumber, Status> = told.statuses.into_iter().collect();
    assert_eq!(statuses.len(), rows.len(), "every row has exactly one outcome");
    played.moved = before.judge((&run.plan.rows, &statuses), &tenant.lock().unwrap());
    played.crashes += run.played.crashes;
    played
}

/// Every user in the rows is read, once, by the first of their rows.
fn reading(plan: Plan) -> Plan {
    let mut seen = HashSet::new();
    let first = plan.rows.iter().filter_map(Work::task).filter(|task| seen.insert(task.user.clone()));
    let reads = first.map(|task| Work::Task(Task { action: Action::ListMethods, ..task.clone() }));
    let rows = reads.collect();
    let sight = Sight { methods: Asked::Yes, account: Asked::Yes };
    let conduct = Conduct { look: Look::ForPlan(sight), ..Conduct::PLAIN };
    let mut plan = Plan { rows, run: RunSettings { conduct, ..plan.run }, ..plan };
    // One place on the wire, and many reads that share it.
    (plan.pace.in_flight, plan.pace.requests_per_second) = (NonZeroUsize::MIN, None);
    plan.run.window = 24;
    plan.pace.shared_by = NonZeroUsize::new(plan.run.window);
    plan
}

/// Makes plan.json of what was read. Gives what comes of each row, and the hash.
fn conclude(
    store: &Store,
    timeline: &Timeline,
    (rows, path): (&[Work], &Path),
) -> (HashMap<RowNumber, Kind>, String) {
    let mut outlook = Outlook::new(LastMethod::MayGo);
    let mut document = PlanWriter::create(path, header()).unwrap();
    let mut kinds = HashMap::new();
    for task in rows.iter().filter_map(Work::task) {
        if !outlook.knows(&task.user) {
            let ended = store.end_of(task.row.number, timeline).unwrap().unwrap();
            let known = match ended.outcome.status {
                Status::Succeeded => {
                    Known::State(UserState::of_methods(&store.methods_of(task.row.number).unwrap()))
                }
                _ => Known::Blocked(Why { code: OwnCode::Unread, reason: ended.outcome.detail }),
            };
            outlook.note(&task.user, known);
        }
        let planned = outlook.plan(task);
        kinds.insert(task.row.number, planned.kind);
        document.push(&PlanRow::of(task, &planned)).unwrap();
    }
    (kinds, document.finish().unwrap())
}

fn header() -> PlanHeader {
    PlanHeader {
        format_version: PlanHeader::FORMAT_VERSION,
        program_version: String::new(),
        made_at: String::new(),
        input: String::new(),
        input_sha256: String::new(),
        password_files: BTreeMap::new(),
        graph_root: String::new(),
        tenant: None,
        rehearsal: false,
        reading: serde_json::Value::Null,
    }
}

/// What somebody else does to a third of the users: another number, or none.
fn moves(plan: &mut Plan, tenant: &Mutex<Tenant>) -> Vec<Work> {
    let mut moves = Vec::new();
    for task in plan.rows.iter().filter_map(Work::task) {
        let state = tenant.lock().unwrap().user(task.user.as_str()).unwrap();
        if plan.random.u8(..3) > 0 {
            continue;
        }
        let number = PhoneNumber::from_formatted(format!("+1 2069{:06}", moves.len()));
        let action = match (state.mobile, plan.random.bool()) {
            (Some(_), true) => Action::DeletePhone(PhoneType::Mobile),
            (Some(_) | None, _) => Action::SetPhone(Phone { phone_type: PhoneType::Mobile, number }),
        };
        let mut row = task.row.clone();
        row.number = RowNumber(moves.len() as u64 + 1);
        moves.push(Work::Task(Task { row, action, ..task.clone() }));
    }
    moves
}

/// What a plan's rows come to.
fn tally(rows: &[Work], kinds: &HashMap<RowNumber, Kind>) -> Tally {
    let changes = kinds.values().filter(|kind| kind.writes()).count() as u64;
    Tally { rows: rows.len() as u64, changes, ..Tally::default() }
}

/// The rows as a plan has them.
fn planned(rows: &[Work], mut plan: PlanStream) -> Vec<Work> {
    rows.iter()
        .map(|work| {
            let Work::Task(task) = work else { return work.clone() };
            let row = plan.row(task.row.number).unwrap().unwrap();
            match row.kind().unwrap() {
                Kind::Blocked => Work::Invalid(InvalidRow {
                    row: task.row.clone(),
                    column: "user".to_owned(),
                    value: task.user.to_string(),
                    reason: row.reason,
                    code: OwnCode::Blocked,
                    may_be_done: false,
                }),
                _ => Work::Task(Task { expected: row.expectation().map(Box::new), ..task.clone() }),
            }
        })
        .collect()
}

/// What users have before the run by the plan.
struct Users(HashMap<String, UserState>);

impl Users {
    fn of(plan: &Plan, tenant: &Tenant) -> Self {
        let state = |name: &String| (name.clone(), state(tenant, name));
        Self(plan.users.iter().map(|user| state(&user.name)).collect())
    }

    /// Rows of users who have moved are not done, and the phones are what the rows that are done say. Tells how many moved.
    #[track_caller]
    fn judge(mut self, (rows, statuses): (&[Work], &HashMap<RowNumber, Status>), tenant: &Tenant) -> u64 {
        let (mut moved, mut open) = (HashSet::new(), HashSet::new());
        for work in rows {
            let Work::Task(task) = work else { continue };
            let (name, status) = (task.user.as_str(), statuses[&task.row.number]);
            let state = self.0.get_mut(name).unwrap();
            if open.contains(name) {
                continue;
            }
            if task.expected.as_ref().is_some_and(|expected| expected.moved(state).is_some()) {
                assert!(!status.is_done(), "row {} was done, and {name} has moved", task.row.number);
                moved.insert(name);
            } else if status.is_done() {
                for deed in foresee(&task.action, state, LastMethod::MayGo).unwrap_or_default() {
                    deed.apply(state);
                }
                // What became of it is the policy's business.
                forget_sms(state);
            } else {
                // What it left is not known here.
                open.insert(name);
            }
        }
        for (name, wanted) in self.0.iter().filter(|(name, _)| !open.contains(name.as_str())) {
            let numbers = |state: &UserState| {
                state.phones.each_ref().map(|phone| phone.as_ref().map(|phone| phone.number.to_string()))
            };
            assert_eq!(numbers(&self::state(tenant, name)), numbers(wanted), "{name}");
        }
        moved.len() as u64
    }
}

fn state(tenant: &Tenant, name: &str) -> UserState {
    let user = tenant.user(name).unwrap();
    let mut state = UserState::default();
    let numbers = [
        (PhoneType::Mobile, user.mobile),
        (PhoneType::AlternateMobile, user.alternate_mobile),
        (PhoneType::Office, user.office),
    ];
    for (phone_type, number) in numbers {
        let held = number.map(|number| HeldPhone { number: number.into(), sms: SmsSignIn::Unknown });
        state.set(phone_type, held);
    }
    state
}

fn forget_sms(state: &mut UserState) {
    for phone in state.phones.iter_mut().flatten() {
        phone.sms = SmsSignIn::Unknown;
    }
}
