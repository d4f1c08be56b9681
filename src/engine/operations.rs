//! Follows resets to their end. A waiting operation is an entry in a timer queue, not a task,
//! so ten thousand of them hold no place in the window.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::time::DelayQueue;

use super::worker::{OpenReset, ended};
use crate::actions::reset_password::{Look, TOLERATED_UNKNOWN, look, outcome};
use crate::graph::client::{Graph, SHORTEST_PAUSE};
use crate::graph::session::Session;
use crate::model::error_code::OwnCode;
use crate::model::event::Event;
use crate::model::operation::OperationStatus;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// How often an operation is asked for, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollSettings {
    /// How long after its acceptance a reset is followed; then the row is `pending`.
    pub timeout: Duration,
    /// How many polls may be under way at once while rows are still to be done.
    pub polls_beside_rows: usize,
    /// How many when no row is left.
    pub polls_alone: usize,
}

/// An operation's address is valid for a day (Graph, "Get started with the authentication methods API").
const VALID_FOR: Duration = Duration::from_hours(24);
/// The first wait where Graph names none; Graph documents no interval, its samples end within a second.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How one poll ended.
pub(super) enum Polled {
    /// The row has ended; the user with this order key is free.
    Row(u64),
    /// Ask again.
    Open(Box<OpenReset>, Duration),
}

/// The operations that are open.
pub(super) struct Operations<T, C> {
    graph: Arc<Graph<T, C>>,
    settings: PollSettings,
    waiting: DelayQueue<Box<OpenReset>>,
    due: VecDeque<Box<OpenReset>>,
    polls: JoinSet<Polled>,
}

impl<T: Transport, C: Credential> Operations<T, C> {
    pub(super) fn new(graph: Arc<Graph<T, C>>, settings: PollSettings) -> Self {
        Self { graph, settings, waiting: DelayQueue::new(), due: VecDeque::new(), polls: JoinSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.due.is_empty() && self.polls.is_empty()
    }

    pub(super) fn open(&mut self, mut reset: Box<OpenReset>) {
        reset.deadline = Instant::now() + self.settings.timeout;
        let wait = asked(reset.operation.retry_after).unwrap_or(FIRST_WAIT);
        self.wait(reset, wait);
    }

    /// Waits until one is due or a poll has ended; gives the order key of a user whose row has ended.
    /// Cancel-safe. Must not be called when empty.
    pub(super) async fn step(&mut self) -> Option<u64> {
        tokio::select! {
            biased;
            Some(polled) = self.polls.join_next() => match polled {
                Ok(Polled::Row(order_key)) => return Some(order_key),
                Ok(Polled::Open(reset, wait)) => self.wait(reset, wait),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            Some(expired) = std::future::poll_fn(|context| self.waiting.poll_expired(context)) => {
                self.due.push_back(expired.into_inner());
            }
        }
        None
    }

    /// Starts polls that are due, as many as may run at once.
    pub(super) fn start_due(&mut self, rows_are_left: RowsLeft) {
        let room = match rows_are_left {
            RowsLeft::Some => self.settings.polls_beside_rows,
            RowsLeft::None => self.settings.polls_alone,
        };
        while self.polls.len() < room {
            let Some(reset) = self.due.pop_front() else { break };
            self.polls.spawn(poll(Arc::clone(&self.graph), reset));
        }
    }

    /// Takes an operation that is not being asked for now, to be given up.
    pub(super) fn take_waiting(&mut self) -> Option<OpenReset> {
        let waiting = || {
            let key = self.waiting.peek()?;
            Some(self.waiting.remove(&key).into_inner())
        };
        self.due.pop_front().or_else(waiting).map(|reset| *reset)
    }

    fn wait(&mut self, reset: Box<OpenReset>, wait: Duration) {
        let due = (Instant::now() + wait).min(reset.deadline);
        self.waiting.insert_at(reset, due);
    }
}

/// Whether rows are still to be done beside the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsLeft {
    Some,
    None,
}

async fn poll<T: Transport, C: Credential>(graph: Arc<Graph<T, C>>, mut reset: Box<OpenReset>) -> Polled {
    if reset.operation.accepted_at.elapsed() > VALID_FOR {
        return close(&graph, *reset, expired()).await;
    }
    let is_last = Instant::now() >= reset.deadline;
    // The last look gets a little time of its own.
    let until = if is_last { Instant::now() + LONGEST_WAIT } else { reset.deadline };
    let looked = {
        let mut session = Session::new(&graph);
        let looked = timeout_at(until, look(&mut session, &mut reset.operation)).await;
        if looked.is_err() {
            session.note_dropped().await;
        }
        looked
    };
    let pause = next_wait(reset.operation.polls);
    let wait = match looked {
        Ok(Look::Seen { .. }) if is_terminal(reset.operation.status) => {
            let outcome = settled(&reset);
            return close(&graph, *reset, outcome).await;
        }
        Ok(Look::Seen { retry_after }) => {
            reset.not_found = 0;
            asked(retry_after).unwrap_or(pause)
        }
        Ok(Look::Refused(failure)) => return close(&graph, *reset, unfollowed(failure)).await,
        Ok(Look::NotFound(failure)) => {
            reset.not_found += 1;
            if reset.not_found > TOLERATED_UNKNOWN {
                return close(&graph, *reset, unfollowed(failure)).await;
            }
            pause
        }
        Ok(Look::Unseen(_)) | Err(_) => pause,
        Ok(Look::Stopped) => return tell(&graph, given_up(*reset)).await,
    };
    if is_last {
        return tell(&graph, given_up(*reset)).await;
    }
    graph.tell(Event::Polled(Box::new(reset.operation.clone()))).await;
    Polled::Open(reset, wait)
}

/// The end of a row whose operation has ended or was given up.
pub(super) struct Closing {
    /// The user with this order key is free.
    pub(super) order_key: u64,
    /// What has to be told, in this order.
    pub(super) events: [Event; 2],
}

/// An operation that is not waited for any longer: its row is `pending`.
pub(super) fn given_up(mut reset: OpenReset) -> Closing {
    reset.operation.status = OperationStatus::TimedOut;
    let outcome = outcome(&reset.operation);
    closing(reset, outcome)
}

fn closing(reset: OpenReset, outcome: Outcome) -> Closing {
    let OpenReset { task, trace, mut operation, .. } = reset;
    operation.finished_at = Some(Instant::now());
    let order_key = task.user.order_key();
    let mut ended = ended(task, outcome, &trace);
    ended.operation_id.clone_from(&operation.id);
    Closing { order_key, events: [Event::Closed(Box::new(operation)), Event::Ended(Arc::new(ended))] }
}

async fn close<T, C>(graph: &Graph<T, C>, reset: OpenReset, outcome: Outcome) -> Polled {
    tell(graph, closing(reset, outcome)).await
}

async fn tell<T, C>(graph: &Graph<T, C>, closing: Closing) -> Polled {
    for event in closing.events {
        graph.tell(event).await;
    }
    Polled::Row(closing.order_key)
}

/// How the row ends with its operation. A reset that was sent more than once, also by an earlier session, may have more
/// than one operation, and only the last one's address is known: where that one failed, an earlier one may have set the
/// password.
fn settled(reset: &OpenReset) -> Outcome {
    match outcome(&reset.operation) {
        Outcome { status: Status::Failed, failure: Some(failure), .. } if reset.operation.follows_doubt => {
            Outcome::unknown(
                failure,
                "an earlier sending of this reset was not answered and may have succeeded",
            )
        }
        Outcome { status: Status::Succeeded, .. } if reset.operation.may_be_overtaken => Outcome::unknown(
            overtaken(),
            "the password was set, but an earlier reset of this user was lost and may set its own after it: run this \
             row again, or ask the user",
        ),
        outcome => outcome,
    }
}

fn overtaken() -> Failure {
    let message = "nobody knows how an earlier reset of this user ended, or whether it has";
    Failure::own(OwnCode::EarlierResetLost, None, message)
}

fn unfollowed(failure: Failure) -> Outcome {
    Outcome::unknown(failure, "the reset was accepted, but Graph does not show how its operation ended")
}

fn expired() -> Outcome {
    let message = "the operation's address was valid for 24 hours, which are over";
    let failure = Failure::own(OwnCode::OperationExpired, None, message);
    Outcome::unknown(failure, "the reset was accepted and most likely done: ask the user, or reset again")
}

/// The pause that an answer asked for; none where it asked for next to none.
fn asked(retry_after: Option<Duration>) -> Option<Duration> {
    retry_after.filter(|span| *span >= SHORTEST_PAUSE)
}

const fn is_terminal(status: OperationStatus) -> bool {
    matches!(status, OperationStatus::Succeeded | OperationStatus::Failed)
}

/// 2 s × 1.5 with each poll, up to 30 s.
fn next_wait(polls: u32) -> Duration {
    let factor = 1.5_f64.powi(i32::try_from(polls).unwrap_or(i32::MAX).min(20));
    FIRST_WAIT.mul_f64(factor).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_by_half_up_to_thirty_seconds() {
        let waits: Vec<u128> = (0..9).map(|polls| next_wait(polls).as_millis()).collect();
        assert_eq!(waits, [2_000, 3_000, 4_500, 6_750, 10_125, 15_187, 22_781, 30_000, 30_000]);
        assert_eq!(next_wait(u32::MAX), LONGEST_WAIT);
    }
}
