//! A tenant, the wire to it, a run, and somebody who notes everything.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::actions::conduct::Conduct;
use crate::engine::lost_resets::LostResets;
use crate::engine::operations::PollSettings;
use crate::engine::run::{RowsError, RunEnd, RunSettings, run};
use crate::graph::client::{Graph, GraphParts, Root};
use crate::graph::tests::RETRY;
use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::event::{Ended, Event, Observer, ObserverError};
use crate::model::operation::Operation;
use crate::model::outcome::Status;
use crate::model::phone::{Phone, PhoneNumber, PhoneType};
use crate::model::row::{Row, RowNumber};
use crate::model::secret::Secret;
use crate::model::task::{InvalidRow, Prior, Task, Work};
use crate::model::user::UserId;
use crate::pace::pacer::{PaceSettings, Pacer};
use crate::pace::shutdown::Shutdown;
use crate::simulator::ledger::Ledger;
use crate::simulator::link::Link;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tenant::Tenant;
use crate::transport::bearer::{Credential, Rejected, SignInError};
use crate::transport::exchange::{Method, Request, Response, SendError, Transport};

const ORIGIN: &str = "https://graph.test";

/// One way through the file.
pub(super) type Rows = Vec<Result<Work, RowsError>>;

/// A fixed token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token(pub(super) &'static str);

impl Credential for Token {
    async fn bearer(&self) -> Result<Secret, SignInError> {
        Ok(Secret::new(self.0))
    }

    async fn renew(&self, _rejected: Rejected<'_>) -> Result<Secret, SignInError> {
        Err(SignInError::Refused { code: "none".to_owned(), message: "no other token".to_owned() })
    }
}

/// One request on the wire.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) left_at: Duration,
    pub(super) came_back_at: Duration,
    pub(super) answer: Result<Response, SendError>,
}

/// The wire to the tenant: notes what is on it.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    link: Link,
    began: Instant,
    sent: Arc<Mutex<Vec<Sent>>>,
    /// Now, and at most.
    crowd: Arc<Mutex<(usize, usize)>>,
}

impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let left_at = self.began.elapsed();
        {
            let mut crowd = self.crowd.lock().unwrap();
            crowd.0 += 1;
            crowd.1 = crowd.1.max(crowd.0);
        }
        let (method, url) = (request.method, request.url.clone());
        let answer = self.link.send(request).await;
        self.crowd.lock().unwrap().0 -= 1;
        let came_back_at = self.began.elapsed();
        self.sent.lock().unwrap().push(Sent { method, url, left_at, came_back_at, answer: answer.clone() });
        answer
    }
}

/// Everything that one run needs, to be changed before it.
pub(super) struct Stage {
    pub(super) tenant: Arc<Mutex<Tenant>>,
    pub(super) settings: RunSettings,
    pub(super) pace: PaceSettings,
    pub(super) shutdown: Shutdown,
    pub(super) token: Token,
    pub(super) seed: u64,
    /// From this event on the observer cannot note anything.
    pub(super) breaks_at: Option<usize>,
    /// How long what the observer is told waits until it is kept for good.
    pub(super) commit: Duration,
}

/// What came of a run.
pub(super) struct Played {
    pub(super) end: RunEnd,
    pub(super) took: Duration,
    /// In the order in which the observer was told.
    pub(super) told: Vec<(Duration, Event)>,
    /// In the order in which the answers came.
    pub(super) sent: Vec<Sent>,
    pub(super) most_on_the_wire: usize,
    pub(super) most_begun: usize,
    pub(super) tenant: Arc<Mutex<Tenant>>,
    began: Instant,
}

/// A tenant without quotas and faults.
pub(super) fn plain() -> TenantSettings {
    TenantSettings::plain(ORIGIN, Timestamp::from_second(1_767_225_600).unwrap())
}

impl Stage {
    pub(super) fn new(tenant: TenantSettings) -> Self {
        let polls = PollSettings { timeout: Duration::from_mins(10), polls_beside_rows: 4, polls_alone: 32 };
        Self {
            tenant: Arc::new(Mutex::new(Tenant::new(tenant))),
            settings: RunSettings {
                window: 64,
                look_ahead: 1_000,
                polls,
                failures: None,
                max_duration: None,
                conduct: Conduct::PLAIN,
                canary: None,
            },
            pace: PaceSettings {
                requests_per_second: None,
                in_flight: NonZeroUsize::new(32).unwrap(),
                shared_by: None,
                seek: None,
            },
            shutdown: Shutdown::default(),
            token: Token("somebody's"),
            seed: 7,
            breaks_at: None,
            commit: Duration::ZERO,
        }
    }

    pub(super) fn in_flight(mut self, in_flight: usize) -> Self {
        self.pace.in_flight = NonZeroUsize::new(in_flight).unwrap();
        self
    }

    pub(super) fn window(mut self, window: usize) -> Self {
        self.settings.window = window;
        self
    }

    pub(super) async fn play(self, rows: Rows) -> Played {
        let began = Instant::now();
        let (events, inbox) = mpsc::channel(64);
        let wire = Wire {
            link: Link::new(Arc::clone(&self.tenant)),
            began,
            sent: Arc::default(),
            crowd: Arc::default(),
        };
        let parts = GraphParts {
            root: Root::new(ORIGIN, "v1.0").unwrap(),
            pacer: Arc::new(Pacer::new(self.pace)),
            shutdown: self.shutdown,
            events,
            retry: RETRY,
            random: fastrand::Rng::with_seed(self.seed),
        };
        let graph = Arc::new(Graph::new(wire.clone(), self.token, parts));
        let handed_out = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&handed_out);
        let rows = rows.into_iter().inspect(move |_| *counter.lock().unwrap() += 1);
        let mut notes = Notes {
            began,
            breaks_at: self.breaks_at,
            handed_out,
            ended: 0,
            most_begun: 0,
            told: Vec::new(),
            commit: self.commit,
            committed: 0,
            commit_at: None,
        };
        let end = run(graph, rows, self.settings, LostResets::default(), (inbox, &mut notes)).await;
        let took = began.elapsed();
        let sent = wire.sent.lock().unwrap().clone();
        let most_on_the_wire = wire.crowd.lock().unwrap().1;
        let Notes { told, most_begun, .. } = notes;
        Played { end, took, told, sent, most_on_the_wire, most_begun, tenant: self.tenant, began }
    }
}

/// Notes everything, until it breaks.
struct Notes {
    began: Instant,
    breaks_at: Option<usize>,
    handed_out: Arc<Mutex<usize>>,
    ended: usize,
    most_begun: usize,
    told: Vec<(Duration, Event)>,
    commit: Duration,
    committed: u64,
    /// When the first of those is committed that are not.
    commit_at: Option<Instant>,
}

impl Observer for Notes {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.most_begun = self.most_begun.max(*self.handed_out.lock().unwrap() - self.ended);
        self.ended += usize::from(matches!(event, Event::Ended(_)));
        self.told.push((self.began.elapsed(), event.clone()));
        self.commit_at.get_or_insert(Instant::now() + self.commit);
        match self.breaks_at {
            Some(at) if self.told.len() > at => {
                Err(ObserverError { what: "results.csv".to_owned(), source: io::Error::other("disk full") })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn tick(&mut self, _now: Instant) -> Result<(), ObserverError> {
        Ok(())
    }

    async fn kept(&mut self, count: u64) -> Result<u64, ObserverError> {
        while self.committed < count {
            if let Some(moment) = self.commit_at {
                sleep_until(moment).await;
            }
            (self.committed, self.commit_at) = (self.told.len() as u64, None);
        }
        Ok(self.committed)
    }
}

impl Played {
    pub(super) fn ledger(&self) -> Ledger {
        self.tenant.lock().unwrap().ledger().clone()
    }

    /// The rows' ends, in the order in which they were told.
    pub(super) fn ended(&self) -> Vec<&Ended> {
        let ended = |(_, event): &'_ (Duration, Event)| matches!(event, Event::Ended(_));
        let told = self.told.iter().filter(|told| ended(told));
        told.filter_map(|(_, event)| if let Event::Ended(ended) = event { Some(&**ended) } else { None })
            .collect()
    }

    /// The ends in the order of the file.
    pub(super) fn by_row(&self) -> Vec<&Ended> {
        let mut ended = self.ended();
        ended.sort_by_key(|ended| ended.work.row().number);
        ended
    }

    /// How the rows ended, in the order of the file.
    pub(super) fn statuses(&self) -> Vec<Status> {
        self.by_row().into_iter().map(|ended| ended.outcome.status).collect()
    }

    pub(super) fn count(&self, status: Status) -> usize {
        self.statuses().into_iter().filter(|other| *other == status).count()
    }

    /// Operations that were closed, and when.
    pub(super) fn closed(&self) -> Vec<(Duration, &Operation)> {
        let closed = self.told.iter().filter_map(|(at, event)| match event {
            Event::Closed(operation) => Some((*at, &**operation)),
            _ => None,
        });
        closed.collect()
    }

    /// A moment of the run.
    pub(super) fn at(&self, moment: Instant) -> Duration {
        moment - self.began
    }

    /// Asserts that rows 1 to `count` ended, each exactly once, and that the counts say so.
    #[track_caller]
    pub(super) fn assert_each_ended_once(&self, count: usize) {
        let numbers: Vec<u64> = self.by_row().into_iter().map(|ended| ended.work.row().number.0).collect();
        assert_eq!(numbers, (1..=count as u64).collect::<Vec<_>>());
        assert_eq!(self.end.stats.rows.total(), count as u64);
        for status in Status::ALL {
            assert_eq!(self.end.stats.rows.of(status), self.count(status) as u64, "{status}");
        }
    }
}

/// Rows 1, 2, … for these users and actions.
pub(super) fn rows(tasks: impl IntoIterator<Item = (String, Action)>) -> Rows {
    let numbered = tasks.into_iter().zip(1..);
    let work = |((user, action), number): ((String, Action), u64)| {
        let row = Row { number: RowNumber(number), fields: Box::default() };
        Ok(Work::Task(Task {
            row,
            user: UserId::new(&user).unwrap(),
            action,
            prior: Prior::Untried,
            not_before: None,
            expected: None,
        }))
    };
    numbered.map(work).collect()
}

pub(super) fn invalid(number: u64) -> Work {
    Work::Invalid(InvalidRow {
        row: Row { number: RowNumber(number), fields: Box::default() },
        column: "user".to_owned(),
        value: String::new(),
        reason: "is empty".to_owned(),
        code: OwnCode::InvalidRow,
        may_be_done: false,
    })
}

pub(super) fn user(number: usize) -> String {
    format!("user{number}@contoso.com")
}

/// A phone whose number is nobody else's.
pub(super) fn phone(phone_type: PhoneType, number: usize) -> Phone {
    Phone { phone_type, number: PhoneNumber::from_formatted(format!("+1 206{number:07}")) }
}

/// Adds an office phone to as many users.
pub(super) fn adds(count: usize) -> impl Iterator<Item = (String, Action)> {
    (0..count).map(|at| (user(at), Action::AddPhone(phone(PhoneType::Office, at))))
}

/// Resets as many users' passwords, other users than [`adds`] has.
pub(super) fn resets(count: usize) -> impl Iterator<Item = (String, Action)> {
    (0..count).map(|at| (format!("reset{at}@contoso.com"), reset_to(&format!("password-{at}"))))
}

pub(super) fn reset_to(password: &str) -> Action {
    Action::ResetPassword(Some(Secret::new(password)))
}
