//! `--find-holders`: reads the phones of every user of the tenant, until it is known who has the numbers that rows met.
//! It begins when the rows have ended, writes nothing, and changes neither a row nor the exit code.

use std::collections::HashMap;
use std::fs::File;
use std::future::{Future, pending};
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::actions::conduct::Conduct;
use crate::engine::lost_resets::LostResets;
use crate::engine::run::{RowsError, RunSettings, Stop, run};
use crate::graph::call::{CallError, list_users};
use crate::graph::needs::READ_USERS;
use crate::model::action::Action;
use crate::model::demand::Demand;
use crate::model::event::{Ended, Event, Observer, ObserverError};
use crate::model::method::Method;
use crate::model::outcome::Status;
use crate::model::row::{Row, RowNumber};
use crate::model::task::{Prior, Task, Work};
use crate::model::user::UserId;
use crate::pace::pacer::{Learned, Limits, PaceSettings, Pacer};
use crate::pace::shutdown::Shutdown;
use crate::policy::forecast::{Counted, Pace, forecast};
use crate::policy::holders::{Holders, SearchEnd, Searched};
use crate::policy::search::Search;
use crate::progress::screen::Screen;
use crate::progress::view::Progress;
use crate::settings::connection::Target;
use crate::settings::resolve::{Output, Settings};

use super::clock::wall_clock;
use super::connect::{Connection, Line};
use super::desk::{Member, each};
use super::environment::say;
use super::error::{AppError, chain};
use super::memory::Memory;
use super::pacing::{found, pace, run_settings};
use super::purpose::{Purpose, StopRules};
use super::signals::Signals;
use super::status;

/// So many first reads that are all refused with 403 end it: a permission is missing.
const FIRST_REFUSALS: u64 = 20;

/// Whoever looks for them, with all that it takes.
pub(super) struct Searcher {
    pub(super) connection: Connection,
    pub(super) settings: Settings,
    pub(super) screen: Screen,
    pub(super) signals: Signals,
    /// The run's, which knows how fast the tenant lets it go.
    pub(super) pacer: Arc<Pacer>,
    /// When it has to have ended (`--max-duration`).
    pub(super) deadline: Option<Instant>,
}

/// Tells before the first row what may follow, and what is lacking for it.
pub(super) fn announce(connection: &Connection, output: Output) {
    if output != Output::Quiet {
        say(
            "--find-holders: where rows meet numbers of others, the phones of every user of the tenant are read after the \
             rows, a request a user\n",
        );
    }
    let named = &connection.permissions;
    if !named.is_empty() && !named.iter().any(|permission| READ_USERS.contains(&permission.as_str())) {
        say(&format!(
            "warning: --find-holders will find nobody: the sign-in may not list users, for which it needs {}\n",
            READ_USERS[0]
        ));
    }
}

impl Searcher {
    /// Looks for them, and tells with each row who was found.
    pub(super) async fn look(mut self, holders: &mut Holders) {
        let mut search = Search::of(holders);
        if search.numbers() == 0 {
            return;
        }
        status::doing("listing the users of the tenant");
        let mut requests = 0;
        let (users, end) = match self.list(&mut requests).await {
            Ok((file, users)) => match self.read((file, users), &mut search, &mut requests).await {
                Ok(end) => (users, end),
                Err(error) => (users, SearchEnd::Stopped(chain(&error))),
            },
            Err(reason) => (0, SearchEnd::Stopped(reason)),
        };
        let Search { read, unread, hidden, .. } = search;
        search.tell(holders);
        holders.searched = Some(Searched { users, read, unread, hidden, requests, end });
    }

    /// Lists all users into a file without a name, so that memory does not grow with them.
    async fn list(&mut self, requests: &mut u64) -> Result<(File, u64), String> {
        let alone = PaceSettings { in_flight: NonZeroUsize::MIN, seek: None, ..self.settings.pace };
        let pacer = self.pacer_for(alone);
        let opened = self.connection.open(&self.settings, pacer).map_err(|error| chain(&error))?;
        let Line { graph, shutdown, mut inbox, step: _step } = opened;
        let mut listing = Listing::new().map_err(|error| error.to_string())?;
        let listed = async {
            tokio::select! {
                listed = each(&graph, list_users(), |user| listing.add(&user)) => listed,
                () = count(&mut inbox, requests) => unreachable!("the graph holds the other end"),
            }
        };
        let listed = self.unless_stopped(&shutdown, listed).await;
        while let Ok(event) = inbox.try_recv() {
            *requests += sent(&event);
        }
        match listed {
            Ok(()) => listing.finish().map_err(|error| error.to_string()),
            Err(CallError::Stopped) => Err(self.stop().to_owned()),
            Err(CallError::Refused(failure)) if failure.http_status == Some(403) => Err(format!(
                "the sign-in may not list users ({}): it needs the permission {}",
                CallError::Refused(failure),
                READ_USERS[0]
            )),
            Err(error) => Err(format!("users could not be listed: {error}")),
        }
    }

    /// Reads their phones, as a run of rows that do nothing else.
    async fn read(
        &mut self,
        (file, users): (File, u64),
        search: &mut Search,
        requests: &mut u64,
    ) -> Result<SearchEnd, AppError> {
        let demand = Demand { rows: users, reads: users, writes: 0 };
        let known = self.pacer.known();
        let shared_by = Purpose::Plan.shared_by(&self.settings);
        let limits = Limits { reads: known.reads, writes: known.writes };
        let learned = Learned { limits, ..Learned::default() };
        let settings = pace(PaceSettings { shared_by, ..self.settings.pace }, &demand, learned);
        let pacer = self.pacer_for(settings);
        if self.settings.output != Output::Quiet {
            say(&told((search.numbers(), users), &forecast(demand, &pacer.known()).pace));
        }
        let Line { graph, shutdown, inbox, step: _step } =
            self.connection.open(&self.settings, Arc::clone(&pacer))?;
        let began = Instant::now();
        status::shown(self.screen.asked());
        let progress = Progress::new(self.screen.clone(), demand, Arc::clone(&pacer));
        let mut watch =
            Watch { search, progress, listed: HashMap::new(), refused: 0, shutdown: shutdown.clone() };
        let run_settings = run_settings(&self.settings, StopRules::NONE, Conduct::PLAIN);
        let settings = RunSettings { max_duration: None, ..run_settings };
        let reading = run(graph, tasks(file), settings, LostResets::default(), (inbox, &mut watch));
        let end = self.unless_stopped(&shutdown, reading).await;
        watch.progress.finish();
        *requests += end.stats.requests.total;
        let memory = match self.settings.target {
            Target::Rehearsal => Memory::NONE,
            Target::Tenant(_) => Memory::of(&self.connection),
        };
        memory.keep(&found(&pacer, began.elapsed()), wall_clock());
        Ok(match end.stop {
            _ if watch.search.is_done() => SearchEnd::AllFound,
            _ if watch.lacks_permission() => SearchEnd::Stopped(format!(
                "the first {FIRST_REFUSALS} reads of phones were all refused with 403: the sign-in needs the permission \
                 UserAuthMethod-Phone.Read.All or UserAuthenticationMethod.Read.All, and a person the role Global Reader \
                 or Authentication Administrator besides"
            )),
            None => SearchEnd::WholeTenant,
            Some(Stop::Interrupted | Stop::Aborted) => SearchEnd::Stopped(self.stop().to_owned()),
            Some(stop) => SearchEnd::Stopped(super::closing::reason(&stop)),
        })
    }

    /// A pacer that keeps the pause that the tenant has asked for.
    fn pacer_for(&self, settings: PaceSettings) -> Arc<Pacer> {
        let pacer = Pacer::new(settings);
        if let Some(left) = self.pacer.longest_hold_left() {
            pacer.hold(left);
        }
        Arc::new(pacer)
    }

    /// Does something that heeds `shutdown`, and drains that when a signal comes or the time is over.
    async fn unless_stopped<F: Future>(&mut self, shutdown: &Shutdown, work: F) -> F::Output {
        let deadline = self.deadline;
        let time = async {
            if let Some(deadline) = deadline {
                sleep_until(deadline).await;
                shutdown.drain();
            }
            pending::<()>().await;
        };
        tokio::select! {
            biased;
            done = work => done,
            () = self.signals.stop(shutdown) => unreachable!("listening for signals never ends"),
            () = time => unreachable!("it never ends"),
        }
    }

    fn stop(&self) -> &'static str {
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => "the time was over (--max-duration)",
            Some(_) | None => "a signal came",
        }
    }
}

/// What it costs, before it is spent.
fn told((numbers, users): (usize, u64), pace: &Pace) -> String {
    format!(
        "searching the tenant for who has {}: reads the phones of {}, a request each, until all are found; {pace}\n",
        Counted(numbers as u64, "number"),
        Counted(users, "user"),
    )
}

/// Counts requests as long as something is sent.
async fn count(inbox: &mut mpsc::Receiver<Event>, requests: &mut u64) {
    while let Some(event) = inbox.recv().await {
        *requests += sent(&event);
    }
}

fn sent(event: &Event) -> u64 {
    u64::from(matches!(event, Event::Answered(_)))
}

/// Users in a file without a name: a line each with id and name.
struct Listing {
    file: BufWriter<File>,
    users: u64,
    /// The first fault; what comes behind it is not written.
    written: io::Result<()>,
}

impl Listing {
    fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), users: 0, written: Ok(()) })
    }

    fn add(&mut self, user: &Member) {
        // What is no id can be asked about nothing.
        if self.written.is_ok() && UserId::new(&user.id).is_ok() {
            let name = user.user_principal_name.as_deref().unwrap_or_default();
            let name = if name.contains(char::is_control) { "" } else { name };
            self.written = writeln!(self.file, "{}\t{name}", user.id);
            self.users += 1;
        }
    }

    fn finish(self) -> io::Result<(File, u64)> {
        self.written?;
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok((file, self.users))
    }
}

/// What reads the phones of each of them.
fn tasks(file: File) -> impl Iterator<Item = Result<Work, RowsError>> {
    BufReader::new(file).lines().zip(1..).map(|(line, number)| {
        let line = line?;
        let (id, name) = line.split_once('\t').unwrap_or((&line, ""));
        Ok(Work::Task(Task {
            row: Row { number: RowNumber(number), fields: Box::new([name].into_iter().collect()) },
            user: UserId::new(id)?,
            action: Action::ListPhones,
            prior: Prior::Untried,
            not_before: None,
            expected: None,
        }))
    })
}

/// Watches what is read, and ends it when all is found.
struct Watch<'search> {
    search: &'search mut Search,
    progress: Progress,
    /// Of users who were read and whose row has not ended.
    listed: HashMap<RowNumber, Vec<Method>>,
    refused: u64,
    shutdown: Shutdown,
}

impl Watch<'_> {
    const fn lacks_permission(&self) -> bool {
        self.search.read == 0 && self.refused >= FIRST_REFUSALS
    }

    fn note(&mut self, ended: &Ended) {
        let Work::Task(task) = &ended.work else { return };
        let http_status = ended.outcome.failure.as_ref().and_then(|failure| failure.http_status);
        let user = (task.user.as_str(), task.row.field(0));
        match self.listed.remove(&task.row.number) {
            Some(methods) => self.search.see(user, &methods),
            None if ended.outcome.status == Status::Unprocessed => {}
            // Who is gone meanwhile has nothing.
            None if http_status == Some(404) => self.search.see(user, &[]),
            None => {
                self.refused += u64::from(http_status == Some(403));
                self.search.miss();
            }
        }
        if self.search.is_done() || self.lacks_permission() {
            self.shutdown.drain();
        }
    }
}

impl Observer for Watch<'_> {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            Event::Listed { row, methods, .. } => {
                self.listed.insert(*row, methods.clone());
            }
            Event::Ended(ended) => self.note(ended),
            Event::Answered(_)
            | Event::Held { .. }
            | Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Polled(_)
            | Event::Accepted(_)
            | Event::Closed(_) => {}
        }
        self.progress.observe(event)
    }

    fn tick(&mut self, now: Instant) -> Result<(), ObserverError> {
        self.progress.tick(now)
    }
}
