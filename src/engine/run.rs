//! The two loops of a run: feed tasks while there is room, listen to the next thing that happens.

use std::collections::VecDeque;
use std::error::Error;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::canary::Canary;
use super::lost_resets::LostResets;
use super::operations::{Operations, PollSettings, RowsLeft, given_up};
use super::queue::{Next, Queue};
use super::worker::{Finished, OpenReset, ended_unbegun, work};
use crate::actions::conduct::Conduct;
use crate::graph::client::Graph;
use crate::graph::keeping::Keeping;
use crate::graph::trace::Trace;
use crate::model::event::{Ended, Event, Observer, ObserverError};
use crate::model::outcome::Status;
use crate::model::row::RowNumber;
use crate::model::stats::{RowCounts, Stats};
use crate::model::task::{Prior, Task, Work};
use crate::policy::failures::{FailureBudget, FailureLimit, RowEnd};
use crate::policy::permission::PermissionWatch;
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// The size of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunSettings {
    /// How many tasks may be begun and not ended; bounds memory.
    pub window: usize,
    /// How many rows that wait for an earlier row of their user may be read ahead.
    pub look_ahead: usize,
    /// How resets are followed.
    pub polls: PollSettings,
    /// How many rows may fail; `None` for any number.
    pub failures: Option<FailureLimit>,
    /// After this the run drains; `None` for never.
    pub max_duration: Option<Duration>,
    /// How rows are done.
    pub conduct: Conduct,
    /// So many users go first, and are read back; `None` for none.
    pub canary: Option<NonZeroU64>,
}

/// What a reader of the input may fail with.
pub type RowsError = Box<dyn Error + Send + Sync>;

/// Why a run stopped before its rows were done.
#[derive(Debug)]
pub enum Stop {
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// The same, twice: what was on the wire was left in doubt.
    Aborted,
    /// Graph takes no token of ours.
    SignIn(String),
    /// It took as long as it may.
    TimeUp(Duration),
    /// More rows failed than may.
    Failures {
        /// So many.
        failed: u64,
        /// Of so many that this run ended.
        ended: u64,
        /// How many may.
        limit: FailureLimit,
    },
    /// A row of those who go first ended badly.
    Canary {
        /// Which.
        row: RowNumber,
    },
    /// The first writes were all refused alike: a permission or role is missing.
    Permission,
    /// The input could not be read to its end.
    Rows(RowsError),
    /// A file could not be written.
    Observer(ObserverError),
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// All counts.
    pub stats: Stats,
    /// Why it stopped early; `None` where every row was reached.
    pub stop: Option<Stop>,
    /// How many users went first, were read back, and let the others go.
    pub stood: usize,
}

/// How often observers are told the time.
const TICK: Duration = Duration::from_millis(250);

struct Run<'observer, T, C, R, O> {
    graph: Arc<Graph<T, C>>,
    settings: RunSettings,
    queue: Queue<R>,
    /// Tasks whose beginning was not told yet.
    beginning: Vec<Task>,
    /// Tasks that start as soon as so many events are kept for good, and there is room at the pacer's gate.
    begun: VecDeque<(u64, Task)>,
    workers: JoinSet<Finished>,
    operations: Operations<T, C>,
    lost_resets: LostResets,
    permission: PermissionWatch,
    failures: Option<FailureBudget>,
    canary: Canary,
    began: Instant,
    stats: Stats,
    stop: Option<Stop>,
    observer: &'observer mut O,
    /// How many events the observer was shown, and how many of them are kept for good, as far as is known.
    told: u64,
    kept: u64,
    /// Rows that are under way and have told something, by the number of the event: what they write waits for it.
    unkept: VecDeque<(u64, RowNumber)>,
    keeping: Arc<Keeping>,
    /// How many workers have not run yet.
    fresh: Arc<AtomicUsize>,
    rows_are_left: RowsLeft,
}

/// Does all rows, and ends each of them exactly once. `inbox` is the other end of the graph's events.
pub async fn run<T, C, R, O>(
    graph: Arc<Graph<T, C>>,
    rows: R,
    settings: RunSettings,
    lost_resets: LostResets,
    (inbox, observer): (mpsc::Receiver<Event>, &mut O),
) -> RunEnd
where
    T: Transport,
    C: Credential,
    R: Iterator<Item = Result<Work, RowsError>>,
    O: Observer,
{
    let run = Run {
        operations: Operations::new(Arc::clone(&graph), settings.polls),
        queue: Queue::new(rows, settings.look_ahead),
        graph,
        settings,
        beginning: Vec::new(),
        begun: VecDeque::new(),
        workers: JoinSet::new(),
        lost_resets,
        permission: PermissionWatch::default(),
        failures: settings.failures.map(FailureBudget::new),
        canary: Canary::new(settings.canary),
        began: Instant::now(),
        stats: Stats::default(),
        stop: None,
        observer,
        told: 0,
        kept: 0,
        unkept: VecDeque::new(),
        keeping: Arc::default(),
        fresh: Arc::default(),
        rows_are_left: RowsLeft::Some,
    };
    run.carry_on(inbox).await
}

impl<T, C, R, O> Run<'_, T, C, R, O>
where
    T: Transport,
    C: Credential,
    R: Iterator<Item = Result<Work, RowsError>>,
    O: Observer,
{
    async fn carry_on(mut self, mut inbox: mpsc::Receiver<Event>) -> RunEnd {
        let graph = Arc::clone(&self.graph);
        let shutdown = graph.shutdown();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut has_begun_to_drain = false;
        loop {
            self.judge_canary(&mut inbox);
            // Feed: start tasks while there is room.
            while self.under_way() < self.settings.window && !shutdown.is_draining() {
                if !self.feed() {
                    break;
                }
            }
            self.tell_beginnings();
            self.start_begun();
            self.operations.start_due(self.rows_are_left);
            let next_to_keep = self.next_to_keep();
            // Listen: take the next thing that happens.
            tokio::select! {
                biased;
                // The rare ones first, so that no load can keep them waiting.
                () = shutdown.draining(), if !has_begun_to_drain => has_begun_to_drain = true,
                now = ticks.tick() => self.tick(now),
                Some(event) = inbox.recv() => {
                    self.note(&event);
                    self.note_told(&mut inbox);
                }
                kept = self.observer.kept(next_to_keep.unwrap_or_default()), if next_to_keep.is_some() => {
                    match kept {
                        Ok(kept) => self.note_kept(kept),
                        Err(error) => self.halt(Stop::Observer(error)),
                    }
                }
                Some(joined) = self.workers.join_next() => {
                    self.finish(joined);
                    // What else has happened meanwhile: under load each look at all of it costs as much as a row.
                    while let Some(joined) = self.workers.try_join_next() {
                        self.finish(joined);
                    }
                }
                ended = self.operations.step(), if !self.operations.is_empty() => {
                    if let Some(order_key) = ended {
                        self.queue.release(order_key);
                    }
                }
            }
            // Asked anew: an abort ends the last worker before anybody hears that the run drains.
            if shutdown.is_draining() {
                self.give_up_waiting(&mut inbox);
            }
            let is_fed = shutdown.is_draining() || self.rows_are_left == RowsLeft::None;
            if is_fed && self.under_way() == 0 && self.operations.is_empty() {
                break;
            }
        }
        self.note_told(&mut inbox);
        self.end_unreached();
        let RowCounts { unknown, pending, unprocessed, .. } = self.stats.rows;
        let stop = match self.stop {
            // It came too late to stop anything.
            Some(Stop::Interrupted | Stop::TimeUp(_)) if unknown + pending + unprocessed == 0 => None,
            Some(Stop::Interrupted) if self.graph.shutdown().is_aborting() => Some(Stop::Aborted),
            stop => stop,
        };
        RunEnd { stats: self.stats, stop, stood: self.canary.stood() }
    }

    /// A worker came to its end, or to an operation.
    fn finish(&mut self, joined: Result<Finished, JoinError>) {
        match joined {
            Ok(Finished::Row(order_key)) => self.queue.release(order_key),
            Ok(Finished::Opened(reset)) => self.operations.open(reset),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Begins one row; `false` where none can begin now.
    fn feed(&mut self) -> bool {
        if self.canary.holds_back() {
            // Only those who go first have rows that were begun, so that others of theirs could wait.
            return self.queue.begin_ready().map(|task| self.begin(task)).is_some();
        }
        match self.queue.begin_next() {
            Ok(Next::Work(Work::Task(task))) => match self.canary.admit(task) {
                Some(task) => self.begin(task),
                None => return false,
            },
            Ok(Next::Work(invalid)) => self.leave(invalid),
            Ok(Next::Wait) => return false,
            Ok(Next::Exhausted) => {
                self.rows_are_left = RowsLeft::None;
                return false;
            }
            Err(error) => {
                self.halt(Stop::Rows(error));
                return false;
            }
        }
        true
    }

    /// Lets others begin once the rows of all who go first have ended well.
    fn judge_canary(&mut self, inbox: &mut mpsc::Receiver<Event>) {
        let is_idle = self.under_way() == 0 && self.operations.is_empty() && !self.queue.has_ready();
        if !self.canary.holds_back() || !is_idle {
            return;
        }
        // A worker that has ended may have told of it a moment ago.
        self.note_told(inbox);
        if self.graph.shutdown().is_draining() {
            return;
        }
        if let Some(task) = self.canary.move_on() {
            self.begin(task);
        }
    }

    /// How many rows have begun and not ended, those that wait for their operation left out.
    fn under_way(&self) -> usize {
        self.workers.len() + self.begun.len() + self.beginning.len()
    }

    fn begin(&mut self, task: Task) {
        if let Prior::Accepted(operation) = &task.prior {
            let operation = (**operation).clone();
            self.operations.open(Box::new(OpenReset::new(task, Trace::NOTHING_SENT, operation)));
        } else {
            self.beginning.push(task);
        }
    }

    /// Tells of rows that begin, all at once: for the journal that is one event.
    fn tell_beginnings(&mut self) {
        let mut beginning = std::mem::take(&mut self.beginning);
        let writing = beginning.iter().filter(|task| task.action.writes());
        let rows: Box<[RowNumber]> = writing.map(|task| task.row.number).collect();
        if !rows.is_empty() {
            self.note(&Event::Begun(rows));
        }
        for task in beginning.drain(..) {
            let reads_first = self.conduct().reads_first(&task);
            let is_to_be_kept = task.action.writes() && !reads_first;
            // One that changes nothing was not told of: where all before it is kept, nothing will tell that it is.
            if reads_first && self.told > self.kept {
                self.keeping.expect(task.row.number);
                self.unkept.push_back((self.told, task.row.number));
            }
            self.begun.push_back((if is_to_be_kept { self.told } else { 0 }, task));
        }
        self.beginning = beginning;
    }

    /// How many events have to be kept for the next row to go on. Where none could start, nobody asks: each time costs.
    fn next_to_keep(&self) -> Option<u64> {
        let begun = self.begun.front().map(|(count, _)| *count).filter(|_| self.room_at_the_gate() > 0);
        let unkept = self.unkept.front().map(|(count, _)| *count);
        [begun, unkept].into_iter().flatten().filter(|count| *count > self.kept).min()
    }

    fn note_kept(&mut self, kept: u64) {
        self.kept = kept;
        while self.unkept.front().is_some_and(|(count, _)| *count <= kept) {
            let Some((_, row)) = self.unkept.pop_front() else { break };
            self.keeping.note_kept(row);
        }
    }

    /// How rows that start now are done.
    const fn conduct(&self) -> Conduct {
        self.canary.conduct(self.settings.conduct)
    }

    fn start(&mut self, task: Task) {
        let may_be_overtaken = self.lost_resets.may_overtake(&task);
        // Boxed, so that only a pointer is moved on its way into the set.
        let (graph, fresh, conduct) = (Arc::clone(&self.graph), Arc::clone(&self.fresh), self.conduct());
        let keeping = conduct.reads_first(&task).then(|| Arc::clone(&self.keeping));
        fresh.fetch_add(1, Ordering::Relaxed);
        self.workers.spawn(Box::pin(async move {
            fresh.fetch_sub(1, Ordering::Relaxed);
            work(graph, task, may_be_overtaken, (conduct, keeping)).await
        }));
    }

    /// Starts tasks whose beginning is kept for good: before, nothing of theirs may be sent. Those that read first wait
    /// with their first write, so that what they find is kept by the same wait.
    fn start_begun(&mut self) {
        for _ in 0..self.room_at_the_gate() {
            if self.begun.front().is_none_or(|(count, _)| *count > self.kept) {
                break;
            }
            let Some((_, task)) = self.begun.pop_front() else { break };
            self.start(task);
        }
    }

    /// No more tasks wait at the pacer's gate than may be under way: one that has started takes fifty times the memory
    /// of one that has not. Beside open resets all of them wait there, since in a short line their polls had too large a
    /// share.
    fn room_at_the_gate(&self) -> usize {
        if !self.operations.is_empty() {
            return usize::MAX;
        }
        let pacer = self.graph.pacer();
        pacer.under_way().get().saturating_sub(pacer.waiting() + self.fresh.load(Ordering::Relaxed))
    }

    /// Tells everybody what happened, first the counts, then the observer.
    fn note(&mut self, event: &Event) {
        self.stats.add(event);
        self.lost_resets.note(event);
        self.told += 1;
        match event {
            Event::Ended(ended) => self.weigh(ended),
            Event::Found(image) => self.unkept.push_back((self.told, image.row)),
            Event::SignInLost { reason } => self.halt(Stop::SignIn(reason.clone())),
            Event::Answered(_)
            | Event::Held { .. }
            | Event::Begun(_)
            | Event::Polled(_)
            | Event::Accepted(_)
            | Event::Closed(_)
            | Event::Listed { .. } => {}
        }
        if let Err(error) = self.observer.observe(event) {
            self.halt(Stop::Observer(error));
        }
    }

    /// Whether a row's end is a reason to stop.
    fn weigh(&mut self, ended: &Ended) {
        if !self.canary.note(ended) {
            self.halt(Stop::Canary { row: ended.work.row().number });
        }
        if shows_no_permission(&mut self.permission, ended) {
            self.halt(Stop::Permission);
        }
        let (Some(failures), Some(end)) = (&mut self.failures, weight(ended)) else { return };
        if failures.note(end) {
            let (failed, ended) = (failures.failed(), failures.ended());
            let limit = self.settings.failures.unwrap_or_default();
            self.halt(Stop::Failures { failed, ended, limit });
        }
    }

    fn tick(&mut self, now: Instant) {
        if let Some(span) = self.settings.max_duration.filter(|span| now >= self.began + *span) {
            self.halt(Stop::TimeUp(span));
        }
        if let Err(error) = self.observer.tick(now) {
            self.halt(Stop::Observer(error));
        }
    }

    /// Lets the run drain, for the first reason given.
    fn halt(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
        self.graph.shutdown().drain();
    }

    /// While the run drains nothing starts, and no operation is waited for.
    fn give_up_waiting(&mut self, inbox: &mut mpsc::Receiver<Event>) {
        self.stop.get_or_insert(Stop::Interrupted);
        self.unkept.clear();
        while let Some((_, task)) = self.begun.pop_front() {
            let order_key = task.user.order_key();
            self.leave(Work::Task(task));
            self.queue.release(order_key);
        }
        if let Some(task) = self.canary.give_up() {
            let order_key = task.user.order_key();
            self.leave(Work::Task(task));
            self.queue.release(order_key);
        }
        while let Some(reset) = self.operations.take_waiting() {
            // What was told before comes first; and noting here, not sending, cannot wait for a full channel.
            self.note_told(inbox);
            let closing = given_up(reset);
            closing.events.iter().for_each(|event| self.note(event));
            self.queue.release(closing.order_key);
        }
    }

    fn note_told(&mut self, inbox: &mut mpsc::Receiver<Event>) {
        while let Ok(event) = inbox.try_recv() {
            self.note(&event);
        }
    }

    /// Rows that were never begun end here.
    fn end_unreached(&mut self) {
        while let Some(next) = self.queue.next_unreached() {
            match next {
                Ok(work) => self.leave(work),
                Err(error) => self.halt(Stop::Rows(error)),
            }
        }
    }

    /// Ends a row that this run does not come to: as an earlier session of it left the row.
    fn leave(&mut self, work: Work) {
        let accepted = match &work {
            Work::Task(Task { prior: Prior::Accepted(operation), .. }) => Some((**operation).clone()),
            Work::Task(_) | Work::Invalid(_) | Work::PassedOver(_) => None,
        };
        match (work, accepted) {
            (Work::Task(task), Some(operation)) => {
                let closing = given_up(OpenReset::new(task, Trace::NOTHING_SENT, operation));
                closing.events.iter().for_each(|event| self.note(event));
            }
            (work, _) => self.note(&Event::Ended(Arc::new(ended_unbegun(work)))),
        }
    }
}

/// What a row's end means for the number of rows that may fail; `None` for rows that were not tried, and for those that
/// the tenant had no room for.
fn weight(ended: &Ended) -> Option<RowEnd> {
    let Work::Task(_) = &ended.work else { return None };
    let is_throttled = ended.outcome.failure.as_ref().is_some_and(|failure| failure.http_status == Some(429));
    match ended.outcome.status {
        Status::Succeeded | Status::Unchanged | Status::Pending => Some(RowEnd::Well),
        Status::Failed | Status::Unknown if is_throttled => None,
        Status::Failed | Status::Unknown => Some(RowEnd::Badly),
        Status::Unprocessed => None,
    }
}

/// Whether a row's end shows that permission is missing altogether.
fn shows_no_permission(watch: &mut PermissionWatch, ended: &Ended) -> bool {
    let Work::Task(task) = &ended.work else { return false };
    if !task.action.writes() || ended.outcome.status == Status::Unprocessed {
        return false;
    }
    let forbidden = ended.outcome.failure.as_ref().filter(|failure| failure.http_status == Some(403));
    watch.note(forbidden.map(|failure| failure.code.as_str()))
}
