//! One tenant, one way of throttling, and how a run fares with it in virtual time.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use authwave::actions::conduct::Conduct;
use authwave::engine::lost_resets::LostResets;
use authwave::engine::operations::PollSettings;
use authwave::engine::run::{RowsError, RunSettings, run};
use authwave::graph::client::{Graph, GraphParts, RetrySettings, Root};
use authwave::model::action::Action;
use authwave::model::event::{Event, Observer, ObserverError};
use authwave::model::phone::{Phone, PhoneNumber, PhoneType};
use authwave::model::row::{Row, RowNumber};
use authwave::model::secret::Secret;
use authwave::model::stats::Stats;
use authwave::model::task::{Prior, Task, Work};
use authwave::model::user::UserId;
use authwave::pace::fellows::{Fellows, RunId};
use authwave::pace::pacer::{Learned, Limits, PaceSettings, Pacer, Seek};
use authwave::pace::shutdown::Shutdown;
use authwave::policy::backoff::Backoff;
use authwave::policy::retry_after;
use authwave::sign_in::access_token::AccessToken;
use authwave::simulator::faults::FaultRates;
use authwave::simulator::link::Link;
use authwave::simulator::settings::{TenantSettings, Usage};
use authwave::simulator::tenant::Tenant;
use authwave::simulator::throttle::{Allowance, Quota, RetryAfterForm};
use authwave::transport::exchange::{Headers, Request, Response, SendError, Transport};

const ORIGIN: &str = "https://graph.test";
const IN_FLIGHT: usize = 64;
/// So often runs tell each other what they do.
const TALK: Duration = Duration::from_millis(20);
/// The longest Retry-After that is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// A tenant and a job.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) allowance: Allowance,
    pub(crate) retry_after: RetryAfterForm,
    pub(crate) usage: Usage,
    pub(crate) latency: Duration,
    /// The share of requests that are answered 429 whatever the rate, with a second as Retry-After.
    pub(crate) refused: f64,
    pub(crate) rows: u64,
}

/// How a run fared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fared {
    pub(crate) wall: Duration,
    pub(crate) requests: u64,
    pub(crate) throttled: u64,
    /// Sent after a 429 had come and before its Retry-After was over.
    pub(crate) early: u64,
    pub(crate) lost: u64,
    /// What the next run knows.
    pub(crate) found: Learned,
}

/// Whether runs know of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bond {
    /// As on several machines.
    Strangers,
    /// As on one.
    Fellows,
}

/// How several runs shared a tenant.
#[derive(Debug)]
pub(crate) struct Shares {
    /// How many rows each had done at the end.
    pub(crate) done: Vec<u64>,
    /// In percent of all requests.
    pub(crate) throttled: f64,
}

impl Shares {
    /// By how much of an even share the one differs that differs most.
    pub(crate) fn widest(&self) -> f64 {
        let even = self.total() / self.done.len() as f64;
        self.done.iter().map(|one| (*one as f64 / even - 1.0).abs()).fold(0.0, f64::max)
    }

    /// Rows of all of them.
    pub(crate) fn total(&self) -> f64 {
        self.done.iter().sum::<u64>() as f64
    }
}

impl Fared {
    /// In percent of all requests.
    pub(crate) fn throttled_share(&self) -> f64 {
        self.throttled as f64 * 100.0 / self.requests as f64
    }
}

impl Cell {
    /// A run by itself, which knows nothing, or what an earlier one found.
    pub(crate) fn play(&self, learned: Learned) -> Fared {
        runtime().block_on(async {
            let link = self.link();
            self.run(&link, 0, learned).await
        })
    }

    /// Several runs that share the tenant, each begun so long `after` the one before.
    pub(crate) fn share(&self, runs: u32, after: Duration, time: Duration, bond: Bond) -> Shares {
        runtime().block_on(async {
            let link = self.link();
            let began = Instant::now();
            let done: Vec<Arc<Mutex<u64>>> = (0..runs).map(|_| Arc::default()).collect();
            let board: Rc<RefCell<Fellows>> = Rc::default();
            let runs = done.iter().zip(0..).map(|(done, at)| {
                let (cell, link, done) = (self.clone(), link.clone(), Arc::clone(done));
                let board = Rc::clone(&board);
                async move {
                    tokio::time::sleep(after * at).await;
                    let (graph, inbox) = api(&link, u64::from(at) + 1, cell.seek(Learned::default()));
                    let talk = talk(graph.pacer(), RunId { began: 0, process: at }, &board);
                    let work = cell.counted(Arc::clone(&graph), inbox, u64::from(at) + 1, &done);
                    match bond {
                        Bond::Strangers => work.await,
                        Bond::Fellows => tokio::select! { () = work => {}, () = talk => {} },
                    }
                    board.borrow_mut().remove(&RunId { began: 0, process: at });
                }
            });
            let mut all = tokio::task::JoinSet::new();
            let local = tokio::task::LocalSet::new();
            for run in runs {
                all.spawn_local_on(run, &local);
            }
            local.run_until(tokio::time::sleep_until(began + time)).await;
            let seen = link.seen.lock().unwrap();
            Shares {
                done: done.iter().map(|done| *done.lock().unwrap()).collect(),
                throttled: seen.refused as f64 * 100.0 / seen.answers as f64,
            }
        })
    }

    fn link(&self) -> Watched {
        let settings = TenantSettings {
            writes: Some(self.allowance),
            retry_after: self.retry_after,
            usage: self.usage,
            latency: self.latency,
            faults: FaultRates { throttle: self.refused, ..FaultRates::default() },
            ..TenantSettings::plain(ORIGIN, Timestamp::from_second(1_767_225_600).unwrap())
        };
        Watched { link: Link::new(Arc::new(Mutex::new(Tenant::new(settings)))), seen: Arc::default() }
    }

    async fn counted(
        &self,
        graph: Arc<Api>,
        inbox: mpsc::Receiver<Event>,
        seed: u64,
        done: &Arc<Mutex<u64>>,
    ) {
        let mut counting = Counting { done: Arc::clone(done) };
        run(graph, self.work(seed), settings(), LostResets::default(), (inbox, &mut counting)).await;
    }

    async fn run(&self, link: &Watched, seed: u64, learned: Learned) -> Fared {
        let (began, mut nobody) = (Instant::now(), Counting { done: Arc::default() });
        let (graph, inbox) = api(link, seed, self.seek(learned));
        let end =
            run(Arc::clone(&graph), self.work(seed), settings(), LostResets::default(), (inbox, &mut nobody))
                .await;
        let (wall, Stats { rows, requests, .. }) = (began.elapsed(), end.stats);
        let limits = graph.pacer().limits();
        let unrefused = limits.writes.is_none().then_some(requests.writes as f64 / wall.as_secs_f64());
        Fared {
            wall,
            requests: requests.total,
            throttled: requests.throttled,
            early: link.seen.lock().unwrap().early,
            lost: self.rows - rows.succeeded,
            found: Learned { limits, unrefused: Limits { reads: None, writes: unrefused } },
        }
    }

    fn seek(&self, learned: Learned) -> Seek {
        Seek { expected: self.rows, learned, share: 1.0 }
    }

    fn work(&self, seed: u64) -> impl Iterator<Item = Result<Work, RowsError>> + use<> {
        (1..=self.rows).map(move |row| {
            let number = PhoneNumber::from_formatted("+1 2065550100".to_owned());
            Ok(Work::Task(Task {
                row: Row { number: RowNumber(row), fields: Box::default() },
                user: UserId::new(&format!("user{seed}-{row}@contoso.com")).unwrap(),
                action: Action::AddPhone(Phone { phone_type: PhoneType::Office, number }),
                prior: Prior::Untried,
                not_before: None,
                expected: None,
            }))
        })
    }

    /// The time that a run needs which knows everything: it fills the quota to the brim and never beyond.
    pub(crate) fn ideal(&self) -> Duration {
        let mut time = 0.0;
        let mut quota = self.allowance.quota;
        let mut left = self.rows as f64;
        if let Some((from, later)) = self.allowance.later {
            let before = requests_in(quota, self.allowance.rival_per_second, from.as_secs_f64());
            if before < left {
                (time, left, quota) = (from.as_secs_f64(), left - before, unsaved(later));
            }
        }
        let by_quota = time + time_for(quota, self.allowance.rival_per_second, left);
        let by_wire = self.rows as f64 * self.latency.as_secs_f64() / IN_FLIGHT as f64;
        let absurd =
            if self.retry_after == RetryAfterForm::Absurd { MAX_RETRY_AFTER } else { Duration::ZERO };
        // Each refusal is a second of silence.
        let silence = self.rows as f64 * self.refused / (1.0 - self.refused);
        Duration::from_secs_f64(by_quota.max(by_wire) + silence) + self.latency + absurd
    }
}

/// Tells the others again and again what a run does, and hears what they told, a little late.
async fn talk(pacer: &Pacer, me: RunId, board: &RefCell<Fellows>) {
    loop {
        let mut fellows = board.borrow().clone();
        fellows.remove(&me);
        board.borrow_mut().insert(me, (Instant::now(), pacer.tell()));
        pacer.hear(me, fellows);
        tokio::time::sleep(TALK).await;
    }
}

/// A bucket that is empty.
fn unsaved(quota: Quota) -> Quota {
    match quota {
        Quota::Bucket { per_second, .. } => Quota::Bucket { per_second, burst: 0.0 },
        Quota::Window { .. } => quota,
    }
}

fn requests_in(quota: Quota, rival: f64, seconds: f64) -> f64 {
    match quota {
        Quota::Bucket { per_second, burst } => burst + (per_second - rival) * seconds,
        Quota::Window { requests, span } => {
            (f64::from(requests) - rival * span.as_secs_f64()) * (seconds / span.as_secs_f64()).ceil()
        }
    }
}

fn time_for(quota: Quota, rival: f64, requests: f64) -> f64 {
    match quota {
        Quota::Bucket { per_second, burst } => ((requests - burst) / (per_second - rival)).max(0.0),
        Quota::Window { requests: limit, span } => {
            let a_window = f64::from(limit) - rival * span.as_secs_f64();
            ((requests / a_window).ceil() - 1.0) * span.as_secs_f64()
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

type Api = Graph<Watched, AccessToken>;

/// The line to the tenant. It sees what leaves although a pause has been asked for.
#[derive(Clone)]
struct Watched {
    link: Link,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    held_until: Option<Instant>,
    early: u64,
    answers: u64,
    refused: u64,
}

impl Transport for Watched {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        {
            let mut seen = self.seen.lock().unwrap();
            let is_early = seen.held_until.is_some_and(|until| Instant::now() < until);
            seen.early += u64::from(is_early);
        }
        let answer = self.link.send(request).await?;
        let Headers { retry_after, date, .. } = &answer.headers;
        let asked = retry_after.as_deref().filter(|_| answer.status == 429);
        let asked = asked.and_then(|text| retry_after::parse(text, date.as_deref(), MAX_RETRY_AFTER));
        let mut seen = self.seen.lock().unwrap();
        seen.answers += 1;
        seen.refused += u64::from(answer.status == 429);
        if let Some(asked) = asked {
            seen.held_until = seen.held_until.max(Some(Instant::now() + asked.wait));
        }
        drop(seen);
        Ok(answer)
    }
}

fn api(link: &Watched, seed: u64, finding: Seek) -> (Arc<Api>, mpsc::Receiver<Event>) {
    let (events, inbox) = mpsc::channel(1_024);
    let in_flight = NonZeroUsize::new(IN_FLIGHT).unwrap();
    let pace = PaceSettings { requests_per_second: None, in_flight, shared_by: None, seek: Some(finding) };
    let parts = GraphParts {
        root: Root::new(ORIGIN, "v1.0").unwrap(),
        pacer: Arc::new(Pacer::new(pace)),
        shutdown: Shutdown::default(),
        events,
        retry: RetrySettings {
            budget: Duration::from_mins(15),
            backoff: Backoff::default(),
            max_retry_after: MAX_RETRY_AFTER,
        },
        random: Rng::with_seed(seed),
    };
    let token = AccessToken::new(Secret::new("token"));
    (Arc::new(Graph::new(link.clone(), token, parts)), inbox)
}

fn settings() -> RunSettings {
    RunSettings {
        window: IN_FLIGHT * 8,
        look_ahead: 10_000,
        polls: PollSettings {
            timeout: Duration::from_mins(10),
            polls_beside_rows: 8,
            polls_alone: IN_FLIGHT,
        },
        failures: None,
        max_duration: None,
        conduct: Conduct::PLAIN,
        canary: None,
    }
}

/// Counts the rows that are done.
struct Counting {
    done: Arc<Mutex<u64>>,
}

impl Observer for Counting {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        if let Event::Ended(ended) = event
            && ended.outcome.status.is_done()
        {
            *self.done.lock().unwrap() += 1;
        }
        Ok(())
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        Ok(())
    }
}
