//! A run's whole life: sessions that are cut short, and one that comes to its end.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use authwave::actions::conduct::Conduct;
use authwave::engine::lost_resets::LostResets;
use authwave::engine::run::{RowsError, RunEnd, RunSettings, Stop, run};
use authwave::graph::client::{Graph, GraphParts, Root};
use authwave::journal::record::{RunRecord, SessionEnd, SessionStart};
use authwave::journal::standing::{Failures, Standing};
use authwave::journal::store::Store;
use authwave::model::event::{Ended, Event};
use authwave::model::fingerprint::Fingerprint;
use authwave::model::header::Header;
use authwave::model::outcome::{Outcome, Status};
use authwave::model::row::RowNumber;
use authwave::model::secret::Secret;
use authwave::model::task::{PassedOver, Prior, Task, Work};
use authwave::model::timeline::Timeline;
use authwave::model::user::UserId;
use authwave::pace::pacer::Pacer;
use authwave::pace::shutdown::Shutdown;
use authwave::policy::waves::{Due, Touched, Waves};
use authwave::sign_in::authority::{App, Authority};
use authwave::sign_in::client_secret::ClientSecret;
use authwave::sign_in::kind::Kind;
use authwave::sign_in::renewal::SignIn;
use authwave::simulator::link::Link;
use authwave::simulator::tenant::Tenant;

use super::keeper::Keeper;
use super::model::Model;
use super::plan::{Cut, Fate, ORIGIN, Plan, Theme};
use super::planned;
use super::safety::Safety;
use super::told::Told;
use super::undo::Undo;
use super::wire::Wire;

/// What a life showed, to be compared and summed up.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Played {
    pub(crate) crashes: u64,
    /// Rows in doubt that were settled.
    pub(crate) settled: u64,
    /// Resets that a later session followed.
    pub(crate) followed: u64,
    pub(crate) unknown: u64,
    /// Methods that rows took from users because they say so.
    pub(crate) taken: u64,
    /// Users who got back what they had before the run.
    pub(crate) restored: u64,
    /// Sessions that left rows for later, since they were not due.
    pub(crate) waited: u64,
    /// Sessions that a user who went first has stopped.
    pub(crate) warned: u64,
    /// Users whom somebody else changed between a plan and its run, and who were left alone.
    pub(crate) moved: u64,
    /// Batches of reads.
    pub(crate) batches: u64,
    /// Runs that did not begin, since their plan was over a cap.
    pub(crate) capped: u64,
    statuses: Vec<Status>,
    took: Duration,
    requests: usize,
}

impl Played {
    pub(crate) fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.settled += other.settled;
        self.followed += other.followed;
        self.unknown += other.unknown;
        self.taken += other.taken;
        self.restored += other.restored;
        self.waited += other.waited;
        self.warned += other.warned;
        self.moved += other.moved;
        self.batches += other.batches;
        self.capped += other.capped;
    }
}

/// The second signal comes so long after the first.
const UNTIL_ABORT: Duration = Duration::from_millis(50);

/// Everything that outlives a session.
pub(crate) struct Life {
    pub(crate) plan: Plan,
    began: Instant,
    pub(crate) wire: Wire,
    pub(crate) store: Store,
    pub(crate) played: Played,
    /// Requests that the sessions told of that did not crash.
    counted: u64,
    sessions: u64,
}

pub(crate) async fn play(plan: Plan) -> Played {
    let tenant = Arc::new(Mutex::new(Tenant::new(plan.tenant.clone())));
    for user in &plan.users {
        tenant.lock().unwrap().add_user(user.clone());
    }
    if plan.theme == Theme::Planned {
        return planned::play(plan, &tenant).await;
    }
    let mut life = Life::new(plan, &tenant);
    life.run().await;
    life.follow_pending().await;
    let undo = Undo::of(&life.store, &life.timeline(), &life.plan);
    let behind = life.behind(undo.rows.clone());
    let mut played = life.judge(&tenant.lock().unwrap());
    let mut behind = Life::new(behind, &tenant);
    behind.run().await;
    let (timeline, tenant) = (behind.timeline(), tenant.lock().unwrap());
    played.restored = undo.judge(&behind.store, &timeline, (&behind.plan.users, &tenant));
    played
}

fn record(plan: &Plan) -> RunRecord {
    RunRecord {
        program_version: "0.0.0".to_owned(),
        command: "run".to_owned(),
        started_at: plan.epoch,
        input: "/in.csv".into(),
        fingerprint: Fingerprint { bytes: 0, sha256: String::new() },
        header: Header::default(),
        rows: plan.rows.len() as u64,
        graph_root: ORIGIN.to_owned(),
        api_version: "v1.0".to_owned(),
        tenant: None,
        is_rehearsal: false,
        settings: "{}".to_owned(),
    }
}

impl Life {
    pub(crate) fn new(plan: Plan, tenant: &Arc<Mutex<Tenant>>) -> Self {
        let link = Link::new(Arc::clone(tenant));
        let wire = Wire::new(link, (&plan.users, &plan.rows), plan.retry.max_retry_after);
        let store = Store::in_memory(record(&plan)).unwrap();
        Self { began: Instant::now(), plan, wire, store, played: Played::default(), counted: 0, sessions: 0 }
    }

    /// All sessions, the last of which comes to its end.
    pub(crate) async fn run(&mut self) {
        for cut in self.plan.cuts.clone() {
            self.session(Some(cut)).await;
            sleep(cut.rest).await;
        }
        // Whatever it was told about failures and time before, and whoever was to go first.
        let RunSettings { failures, max_duration, canary, .. } = &mut self.plan.run;
        (*failures, *max_duration) = (None, None);
        if canary.is_some() {
            self.session(None).await;
            self.plan.run.canary = None;
        }
        if self.plan.theme == Theme::Waves {
            self.session(None).await.unwrap();
            sleep(self.plan.all_are_due().saturating_sub(self.began.elapsed())).await;
        }
        let end = self.session(None).await.unwrap();
        assert!(end.stop.is_none(), "{:?}", end.stop);
    }

    /// The plan of a life behind this one, in the same tenant, with cuts like its own.
    pub(crate) fn behind(&mut self, rows: Vec<Work>) -> Plan {
        let Plan { tenant, users, cuts, pace, retry, run, .. } = &self.plan;
        let (tenant, users, cuts) = (tenant.clone(), users.clone(), cuts.clone());
        let (pace, retry) = (*pace, *retry);
        let run = RunSettings { conduct: Conduct::PLAIN, ..*run };
        let random = Rng::with_seed(self.plan.random.u64(..));
        let theme = Theme::Plain;
        Plan { theme, epoch: self.wall(), tenant, users, rows, cuts, pace, retry, run, random }
    }

    fn wall(&self) -> Timestamp {
        self.plan.epoch + self.began.elapsed()
    }

    pub(crate) fn timeline(&self) -> Timeline {
        Timeline::new(Instant::now(), self.wall())
    }

    /// One process: it takes up what the journal says, and goes on until its end or the cut.
    async fn session(&mut self, cut: Option<Cut>) -> Option<RunEnd> {
        let standing = self.store.standing(Failures::Final, &self.timeline()).unwrap();
        let mut waves = Waves::at(self.wall(), Arc::default());
        let rows = self.plan.rows.iter().filter_map(|work| taken_up(work, &standing));
        let rows: Vec<Work> = rows.map(|work| sorted(work, &mut waves)).collect();
        self.played.waited += u64::from(rows.iter().any(|work| matches!(work, Work::PassedOver(_))));
        let settings = self.plan.run;
        let end = self.process(rows, settings, cut, &standing).await;
        self.played.crashes += u64::from(end.is_none());
        end
    }

    /// `authwave operations`, once.
    async fn follow_pending(&mut self) {
        let pending = self.store.pending(&self.timeline()).unwrap();
        let rows = pending.into_iter().map(Work::Task).collect();
        let settings = self.plan.run;
        self.process(rows, settings, None, &Standing::default()).await.unwrap();
    }

    async fn process(
        &mut self,
        rows: Vec<Work>,
        settings: RunSettings,
        cut: Option<Cut>,
        standing: &Standing,
    ) -> Option<RunEnd> {
        let session =
            SessionStart { program_version: "0.0.0".to_owned(), process_id: 1, started_at: self.wall() };
        self.store.begin_session(&session, Instant::now()).unwrap();
        self.sessions += 1;
        self.wire.forget_holds();
        let shutdown = Shutdown::default();
        let (events, inbox) = mpsc::channel(64);
        let app = App {
            authority: ORIGIN.to_owned(),
            tenant: "contoso".to_owned(),
            client_id: "app".to_owned(),
            graph_root: ORIGIN.to_owned(),
        };
        let authority = Authority { app, transport: self.wire.clone(), wall_clock: || Timestamp::UNIX_EPOCH };
        let secret = Secret::new("s3cret");
        let sign_in = SignIn::new(Kind::ClientSecret(ClientSecret { authority, secret }));
        let parts = GraphParts {
            root: Root::new(ORIGIN, "v1.0").unwrap(),
            pacer: Arc::new(Pacer::new(self.plan.pace)),
            shutdown: shutdown.clone(),
            events,
            retry: self.plan.retry,
            random: Rng::with_seed(self.plan.random.u64(..)),
        };
        let graph = Arc::new(Graph::new(self.wire.clone(), sign_in, parts));
        let random = Rng::with_seed(self.plan.random.u64(..));
        let count = rows.len();
        let lost_resets = LostResets::new(self.store.lost_resets().unwrap());
        let mut keeper = Keeper::new(&mut self.store, Arc::clone(&self.wire.known), random);
        let (rows, start) = (rows.into_iter().map(Ok::<_, RowsError>), Instant::now());
        let first_write = self.wire.writes().len();
        let end = tokio::select! {
            biased;
            end = run(graph, rows, settings, lost_resets, (inbox, &mut keeper)) => Some(end),
            () = crash(cut, &shutdown) => None,
        };
        if let Some(Cut { fate: Fate::Abort, after, .. }) = cut {
            let late = start.elapsed().saturating_sub(after + UNTIL_ABORT);
            assert!(late.is_zero(), "an aborted run waits for nothing, and waited {late:?}");
        }
        let Keeper { told, .. } = &keeper;
        assert_in_order(told);
        if let Some(users) = settings.canary {
            let writes = &self.wire.writes()[first_write..];
            let writes: Vec<_> = writes.iter().map(|(at, row)| (self.began + *at, *row)).collect();
            assert_first_ones_stood(users, (&writes, &self.plan.rows), told);
        }
        if let Some(end) = &end {
            self.played.warned += u64::from(matches!(end.stop, Some(Stop::Canary { .. })));
            self.counted += end.stats.requests.total;
            assert_eq!(ends(told).count(), count, "every row that was left ends once");
            let is_settled = |ended: &&Ended| standing.in_doubt.contains_key(&ended.work.row().number);
            self.played.settled +=
                ends(told).filter(is_settled).filter(|e| e.outcome.status.is_done()).count() as u64;
            let is_followed = |ended: &&Ended| standing.open.contains_key(&ended.work.row().number);
            self.played.followed += ends(told).filter(is_followed).count() as u64;
            keeper.commit().unwrap();
            keeper.keep_traffic().unwrap();
            let end = SessionEnd { ended_at: self.wall(), stop_reason: None, exit_code: 0 };
            self.store.end_session(&end).unwrap();
        }
        end
    }

    /// What must be true at the end.
    fn judge(mut self, tenant: &Tenant) -> Played {
        let told = Told::by(&self.store, self.timeline());
        told.assert_agrees(self.sessions, self.began.elapsed());
        let numbers: Vec<RowNumber> = told.statuses.iter().map(|(row, _)| *row).collect();
        let expected: Vec<RowNumber> = self.plan.rows.iter().map(|work| work.row().number).collect();
        assert_eq!(numbers, expected, "every row has exactly one outcome");

        let users = self.plan.users.iter().map(|user| (user.name.clone(), Model::of(user)));
        let mut models: HashMap<String, Model> = users.collect();
        for (work, (_, status)) in self.plan.rows.iter().zip(&told.statuses) {
            assert_ne!(*status, Status::Unprocessed, "the last session reaches every row");
            if let Work::Task(task) = work {
                models.get_mut(task.user.as_str()).unwrap().note(&task.action, *status);
            }
        }
        self.assert_in_time();
        for user in &self.plan.users {
            Safety::assert_kept(user, &tenant.user(&user.name).unwrap(), &self.plan.rows);
        }
        for (name, model) in &models {
            model.assert_holds(&tenant.user(name).unwrap());
        }
        self.played.taken = self.wire.safety.lock().unwrap().taken;
        let ledger = tenant.ledger();
        assert_eq!(ledger.blind_repeats, 0, "{ledger}");
        let is_drained_only = self.plan.cuts.iter().all(|cut| cut.fate == Fate::Drain);
        // Where two rows of a user remove the same phone, the second is no repetition of the first.
        if is_drained_only && !self.plan.has_phones_removed_twice() {
            // Else a reset whose answer nobody heard may come twice, with the same password.
            assert_eq!(ledger.double_writes, 0, "{ledger}");
        }
        let answers = (self.played.crashes == 0).then(|| self.wire.answers());
        told.assert_is_seen(ledger, self.counted, answers);
        let statuses = told.statuses.into_iter().map(|(_, status)| status);
        self.played.statuses = statuses.collect();
        let is_unknown = |status: &&Status| **status == Status::Unknown;
        self.played.unknown += self.played.statuses.iter().filter(is_unknown).count() as u64;
        (self.played.took, self.played.requests) = (self.began.elapsed(), self.wire.log().len());
        self.played
    }
}

impl Life {
    /// No row wrote anything before it was due, and before the earlier ones of its user were that touch the same.
    fn assert_in_time(&self) {
        let about = |task: &Task| (task.user.order_key(), Touched::by(&task.action));
        for (at, row) in self.wire.writes() {
            let rows = &self.plan.rows[..usize::try_from(row.0).unwrap()];
            let Some(Work::Task(sent)) = rows.last() else { continue };
            for task in rows.iter().filter_map(Work::task).filter(|task| about(task) == about(sent)) {
                let due = task.not_before.unwrap_or(self.plan.epoch);
                let earlier = task.row.number;
                assert!(
                    due <= self.plan.epoch + at,
                    "row {row} was sent at {at:?}, and {earlier} is due at {due}"
                );
            }
        }
    }
}

/// A row as it is for now.
fn sorted(work: Work, waves: &mut Waves) -> Work {
    let Work::Task(task) = work else { return work };
    let outcome = match waves.due(&task) {
        Due::Now => return Work::Task(task),
        Due::NotBefore(moment) => Outcome::not_due(&moment.to_string()),
        Due::Behind => Outcome::not_due("an earlier row"),
        Due::Done(place) => panic!("no run came before this one: {place:?}"),
    };
    Work::PassedOver(Box::new(PassedOver { task, outcome }))
}

/// Where more users than shall go first were written to, so many had stood before, and nobody had not.
fn assert_first_ones_stood(
    users: NonZeroU64,
    (writes, rows): (&[(Instant, RowNumber)], &[Work]),
    told: &[Event],
) {
    let user = |row: RowNumber| rows[usize::try_from(row.0).unwrap() - 1].task().map(|task| &task.user);
    let end = |row| ends(told).find(|ended| ended.work.row().number == row);
    // Who needed nothing to be written was not tested.
    let counts = |row| end(row).is_none_or(|ended| ended.outcome.status != Status::Unchanged);
    let mut written = HashSet::new();
    for (at, row) in writes.iter().filter(|(_, row)| counts(*row)) {
        written.insert(user(*row));
        if written.len() as u64 <= users.get() {
            continue;
        }
        let before = ends(told).filter(|ended| ended.ended_at <= *at);
        let before: Vec<&Ended> = before.filter(|ended| matches!(ended.work, Work::Task(_))).collect();
        let is_good = |ended: &&&Ended| {
            let writes = ended.work.task().is_some_and(|task| task.action.writes());
            writes && ended.outcome.status == Status::Succeeded
        };
        let stood: HashSet<_> =
            before.iter().filter(is_good).map(|ended| user(ended.work.row().number)).collect();
        assert!(stood.len() as u64 >= users.get(), "row {row} did not wait for those who go first");
    }
}

/// A row as the next session sees it; `None` for one that is done.
fn taken_up(work: &Work, standing: &Standing) -> Option<Work> {
    let row = work.row().number;
    if standing.done.contains(row) {
        return None;
    }
    let mut work = work.clone();
    if let Work::Task(task) = &mut work {
        task.prior = standing.prior(row);
    }
    Some(work)
}

/// Ends when the session is to crash; never for one that ends otherwise.
async fn crash(cut: Option<Cut>, shutdown: &Shutdown) {
    let Some(cut) = cut else { return std::future::pending().await };
    sleep(cut.after).await;
    match cut.fate {
        Fate::Crash => return,
        Fate::Drain => shutdown.drain(),
        Fate::Abort => {
            shutdown.drain();
            sleep(UNTIL_ABORT).await;
            shutdown.abort();
        }
    }
    std::future::pending::<()>().await;
}

fn ends(told: &[Event]) -> impl Iterator<Item = &Ended> {
    told.iter().filter_map(|event| if let Event::Ended(ended) = event { Some(&**ended) } else { None })
}

/// A user's rows end in the order of the file, and none begins before the one before it has ended.
fn assert_in_order(told: &[Event]) {
    let mut last: HashMap<UserId, (RowNumber, Instant)> = HashMap::new();
    for ended in ends(told) {
        let Work::Task(task) = &ended.work else { continue };
        // A reset that an earlier session sent is only followed, and a row that is not due ends as it comes.
        if matches!(task.prior, Prior::Accepted(_)) || ended.outcome.is_not_due() {
            continue;
        }
        if let Some((row, ended_at)) = last.get(&task.user) {
            assert!(*row < task.row.number, "row {} ended after row {row}", task.row.number);
            assert!(ended.started_at.is_none_or(|start| *ended_at <= start), "{ended:?}");
        }
        last.insert(task.user.clone(), (task.row.number, ended.ended_at));
    }
}
