//! A run's whole life: sessions that are cut short, and one that comes to its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use authwave::actions::conduct::Conduct;
use authwave::engine::lost_resets::LostResets;
use authwave::engine::run::{RowsError, RunEnd, RunSettings, run};
use authwave::graph::client::{Graph, GraphParts, Root};
use authwave::journal::record::{RunRecord, SessionEnd, SessionStart};
use authwave::journal::standing::{Failures, Standing};
use authwave::journal::store::Store;
use authwave::model::event::{Ended, Event};
use authwave::model::fingerprint::Fingerprint;
use authwave::model::header::Header;
use authwave::model::outcome::Status;
use authwave::model::row::RowNumber;
use authwave::model::secret::Secret;
use authwave::model::task::{Prior, Work};
use authwave::model::timeline::Timeline;
use authwave::model::user::UserId;
use authwave::pace::pacer::Pacer;
use authwave::pace::shutdown::Shutdown;
use authwave::sign_in::authority::{App, Authority};
use authwave::sign_in::client_secret::ClientSecret;
use authwave::sign_in::kind::Kind;
use authwave::sign_in::renewal::SignIn;
use authwave::simulator::link::Link;
use authwave::simulator::tenant::Tenant;

use super::keeper::Keeper;
use super::model::Model;
use super::plan::{Cut, Fate, ORIGIN, Plan};
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
    }
}

/// The second signal comes so long after the first.
const UNTIL_ABORT: Duration = Duration::from_millis(50);

/// Everything that outlives a session.
struct Life {
    plan: Plan,
    began: Instant,
    wire: Wire,
    store: Store,
    played: Played,
    /// Requests that the sessions told of that did not crash.
    counted: u64,
    sessions: u64,
}

pub(crate) async fn play(plan: Plan) -> Played {
    let tenant = Arc::new(Mutex::new(Tenant::new(plan.tenant.clone())));
    for user in &plan.users {
        tenant.lock().unwrap().add_user(user.clone());
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
    fn new(plan: Plan, tenant: &Arc<Mutex<Tenant>>) -> Self {
        let link = Link::new(Arc::clone(tenant));
        let wire = Wire::new(link, (&plan.users, &plan.rows), plan.retry.max_retry_after);
        let store = Store::in_memory(record(&plan)).unwrap();
        Self { began: Instant::now(), plan, wire, store, played: Played::default(), counted: 0, sessions: 0 }
    }

    /// All sessions, the last of which comes to its end.
    async fn run(&mut self) {
        for cut in self.plan.cuts.clone() {
            self.session(Some(cut)).await;
            sleep(cut.rest).await;
        }
        // Whatever it was told about failures and time before.
        (self.plan.run.failures, self.plan.run.max_duration) = (None, None);
        let end = self.session(None).await.unwrap();
        assert!(end.stop.is_none(), "{:?}", end.stop);
    }

    /// The plan of a life behind this one, in the same tenant, with cuts like its own.
    fn behind(&mut self, rows: Vec<Work>) -> Plan {
        let Plan { tenant, users, cuts, pace, retry, run, .. } = &self.plan;
        let (tenant, users, cuts) = (tenant.clone(), users.clone(), cuts.clone());
        let (pace, retry) = (*pace, *retry);
        let run = RunSettings { conduct: Conduct::PLAIN, ..*run };
        let random = Rng::with_seed(self.plan.random.u64(..));
        Plan { epoch: self.wall(), tenant, users, rows, cuts, pace, retry, run, random }
    }

    fn wall(&self) -> Timestamp {
        self.plan.epoch + self.began.elapsed()
    }

    fn timeline(&self) -> Timeline {
        Timeline::new(Instant::now(), self.wall())
    }

    /// One process: it takes up what the journal says, and goes on until its end or the cut.
    async fn session(&mut self, cut: Option<Cut>) -> Option<RunEnd> {
        let standing = self.store.standing(Failures::Final, &self.timeline()).unwrap();
        let rows: Vec<Work> = self.plan.rows.iter().filter_map(|work| taken_up(work, &standing)).collect();
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
        if let Some(end) = &end {
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
        // A reset that an earlier session sent is only followed.
        if matches!(task.prior, Prior::Accepted(_)) {
            continue;
        }
        if let Some((row, ended_at)) = last.get(&task.user) {
            assert!(*row < task.row.number, "row {} ended after row {row}", task.row.number);
            assert!(ended.started_at.is_none_or(|start| *ended_at <= start), "{ended:?}");
        }
        last.insert(task.user.clone(), (task.row.number, ended.ended_at));
    }
}
