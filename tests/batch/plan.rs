//! A plan of so many users, in virtual time: the real engine against the in-process simulator.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use authwave::actions::conduct::{Asked, Conduct, Look, Sight};
use authwave::engine::lost_resets::LostResets;
use authwave::engine::operations::PollSettings;
use authwave::engine::run::{RowsError, RunSettings, run};
use authwave::graph::client::{Graph, GraphParts, RetrySettings, Root};
use authwave::model::action::Action;
use authwave::model::event::{Event, Observer, ObserverError};
use authwave::model::row::{Row, RowNumber};
use authwave::model::secret::Secret;
use authwave::model::task::{Prior, Task, Work};
use authwave::model::user::UserId;
use authwave::pace::pacer::{Learned, PaceSettings, Pacer, Seek};
use authwave::pace::shutdown::Shutdown;
use authwave::policy::backoff::Backoff;
use authwave::sign_in::access_token::AccessToken;
use authwave::simulator::faults::FaultRates;
use authwave::simulator::link::Link;
use authwave::simulator::settings::TenantSettings;
use authwave::simulator::tenant::Tenant;
use authwave::simulator::throttle::Quota;
use authwave::transport::exchange::{Request, Response, SendError, Transport};

const ORIGIN: &str = "https://graph.test";

/// A tenant and a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Of reads; `None` for none. The bucket holds one second's worth.
    pub(crate) per_second: Option<f64>,
    pub(crate) latency: Duration,
    pub(crate) users: u64,
    pub(crate) in_flight: usize,
    pub(crate) faults: FaultRates,
}

/// Whether reads may share a place on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    Alone,
    Together,
}

/// How a plan fared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fared {
    pub(crate) wall: Duration,
    /// Requests on the wire; one for a batch.
    pub(crate) sent: u64,
    /// The most of them at once.
    pub(crate) most_at_once: u64,
    /// Reads that the tenant saw.
    pub(crate) reads: u64,
    /// Of these were answered 429.
    pub(crate) throttled: u64,
    /// Sent during a hold.
    pub(crate) early: u64,
    pub(crate) read_users: u64,
}

impl Cell {
    pub(crate) fn play(self, sharing: Sharing) -> Fared {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(self.run(sharing))
    }

    async fn run(self, sharing: Sharing) -> Fared {
        let settings = TenantSettings {
            reads: self.per_second.map(|per_second| Quota::Bucket { per_second, burst: per_second }.into()),
            latency: self.latency,
            faults: self.faults,
            ..TenantSettings::plain(ORIGIN, Timestamp::from_second(1_767_225_600).unwrap())
        };
        let tenant = Arc::new(Mutex::new(Tenant::new(settings)));
        let wire = Wire { link: Link::new(Arc::clone(&tenant)), count: Arc::default() };
        let window = self.in_flight * 8;
        let pace = PaceSettings {
            requests_per_second: None,
            in_flight: NonZeroUsize::new(self.in_flight).unwrap(),
            shared_by: NonZeroUsize::new(window).filter(|_| sharing == Sharing::Together),
            seek: Some(Seek { expected: self.users, learned: Learned::default(), share: 1.0 }),
        };
        let (events, inbox) = mpsc::channel(1_024);
        let parts = GraphParts {
            root: Root::new(ORIGIN, "v1.0").unwrap(),
            pacer: Arc::new(Pacer::new(pace)),
            shutdown: Shutdown::default(),
            events,
            retry: RetrySettings {
                budget: Duration::from_mins(15),
                backoff: Backoff::default(),
                max_retry_after: Duration::from_mins(10),
            },
            random: Rng::with_seed(7),
        };
        let graph = Arc::new(Graph::new(wire.clone(), AccessToken::new(Secret::new("token")), parts));
        let began = Instant::now();
        let end =
            run(graph, self.rows(), settings_of(window), LostResets::default(), (inbox, &mut Nobody)).await;
        let wall = began.elapsed();
        let Count { sent, most, .. } = *wire.count.lock().unwrap();
        let ledger = tenant.lock().unwrap().ledger().clone();
        Fared {
            wall,
            sent,
            most_at_once: most,
            reads: ledger.reads,
            throttled: ledger.throttled,
            early: end.stats.requests.early,
            read_users: end.stats.rows.succeeded,
        }
    }

    fn rows(self) -> impl Iterator<Item = Result<Work, RowsError>> + use<> {
        (1..=self.users).map(|row| {
            Ok(Work::Task(Task {
                row: Row { number: RowNumber(row), fields: Box::default() },
                user: UserId::new(&format!("user{row}@contoso.com")).unwrap(),
                action: Action::ListMethods,
                prior: Prior::Untried,
                expected: None,
                not_before: None,
            }))
        })
    }
}

fn settings_of(window: usize) -> RunSettings {
    let sight = Sight { methods: Asked::Yes, account: Asked::Yes };
    RunSettings {
        window,
        look_ahead: 10_000,
        polls: PollSettings { timeout: Duration::from_mins(10), polls_beside_rows: 8, polls_alone: 64 },
        failures: None,
        max_duration: None,
        conduct: Conduct { look: Look::ForPlan(sight), ..Conduct::PLAIN },
        canary: None,
    }
}

/// The line to the tenant. It counts what is on it.
#[derive(Clone)]
struct Wire {
    link: Link,
    count: Arc<Mutex<Count>>,
}

#[derive(Default)]
struct Count {
    sent: u64,
    now: u64,
    most: u64,
}

impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        {
            let mut count = self.count.lock().unwrap();
            count.sent += 1;
            count.now += 1;
            count.most = count.most.max(count.now);
        }
        let answer = self.link.send(request).await;
        self.count.lock().unwrap().now -= 1;
        answer
    }
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _event: &Event) -> Result<(), ObserverError> {
        Ok(())
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        Ok(())
    }
}
