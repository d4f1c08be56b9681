//! One task's life: a conversation with Graph, and the event that ends it.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, debug_span};

use crate::actions::conduct::Conduct;
use crate::actions::perform::{Step, perform};
use crate::actions::verdicts::{in_doubt, interrupted, stopped};
use crate::graph::client::Graph;
use crate::graph::keeping::Keeping;
use crate::graph::session::Session;
use crate::graph::trace::{Trace, Traffic};
use crate::model::event::{Ended, Event};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Status};
use crate::model::task::{Prior, Task, Work};
use crate::transport::bearer::Credential;
use crate::transport::exchange::Transport;

/// How far a worker came.
#[derive(Debug)]
pub enum Finished {
    /// The row has ended; the user with this order key is free.
    Row(u64),
    /// The row waits for its operation; its user stays busy.
    Opened(Box<OpenReset>),
}

/// A reset whose operation has not ended.
#[derive(Debug)]
pub struct OpenReset {
    /// What asked for it.
    pub task: Task,
    /// What was sent for it.
    pub trace: Trace,
    /// The operation.
    pub operation: Operation,
    /// How often in a row Graph did not know the operation.
    pub not_found: u32,
    /// When it is given up.
    pub deadline: Instant,
}

impl OpenReset {
    /// A reset that nobody waits for yet.
    #[must_use]
    pub fn new(task: Task, trace: Trace, operation: Operation) -> Self {
        Self { task, trace, operation, not_found: 0, deadline: Instant::now() }
    }
}

/// Carries a task to its end, or to the operation that ends it. `may_be_overtaken` goes into the operation. With `keeping`
/// the row began before that was kept.
pub async fn work<T: Transport, C: Credential>(
    graph: Arc<Graph<T, C>>,
    task: Task,
    may_be_overtaken: bool,
    (conduct, keeping): (Conduct, Option<Arc<Keeping>>),
) -> Finished {
    let session = match task.prior {
        Prior::InDoubt(_) => Session::after(&graph, Trace::IN_DOUBT),
        Prior::Untried | Prior::Accepted(_) => Session::new(&graph),
    };
    let mut session = match keeping {
        Some(keeping) => session.keeping(keeping, task.row.number),
        None => session,
    };
    // Filtered out, as by default, it costs next to nothing.
    let (row, action) = (task.row.number.0, task.action.name());
    let span = debug_span!("row", row, action, status = Empty, error_code = Empty);
    // Pinned where it stands: wrapped, it would be copied whole.
    let step = pin!(perform(&mut session, &task, conduct)).instrument(span.clone()).await;
    let trace = session.into_trace();
    match step {
        Step::Opened(mut operation) => {
            span.record("status", Status::Pending.name());
            operation.may_be_overtaken = may_be_overtaken;
            graph.tell(Event::Accepted(operation.clone())).await;
            Finished::Opened(Box::new(OpenReset::new(task, trace, *operation)))
        }
        Step::Ended(outcome) => {
            let code = outcome.failure.as_ref().map(|failure| failure.code.as_str());
            span.record("status", outcome.status.name()).record("error_code", code);
            let order_key = task.user.order_key();
            graph.tell(Event::Ended(Arc::new(ended(task, outcome, &trace)))).await;
            Finished::Row(order_key)
        }
    }
}

/// The end of a task that was begun.
pub(super) fn ended(task: Task, outcome: Outcome, trace: &Trace) -> Ended {
    let Traffic { attempts, http_status, request_id, client_request_id } = trace.told().clone();
    Ended {
        outcome: with_first_cause(outcome, &task.prior),
        work: Work::Task(task),
        attempts,
        http_status,
        started_at: trace.started_at,
        ended_at: Instant::now(),
        request_id,
        client_request_id,
        operation_id: String::new(),
    }
}

/// That a session broke off explains less than what an earlier one noted of the same doubt.
fn with_first_cause(outcome: Outcome, prior: &Prior) -> Outcome {
    match (outcome.failure, prior) {
        (Some(failure), Prior::InDoubt(Some(first))) if failure == interrupted() => {
            Outcome { failure: Some((**first).clone()), ..outcome }
        }
        (failure, _) => Outcome { failure, ..outcome },
    }
}

/// The end of a row that was never begun: not understood, passed over, or not reached.
pub(super) fn ended_unbegun(work: Work) -> Ended {
    let (work, outcome) = match work {
        Work::Task(task) => {
            let outcome = match &task.prior {
                prior @ Prior::InDoubt(_) => with_first_cause(in_doubt(interrupted()), prior),
                Prior::Untried | Prior::Accepted(_) => stopped(),
            };
            (Work::Task(task), outcome)
        }
        Work::Invalid(invalid) => {
            let failure = invalid.failure();
            let outcome = if invalid.may_be_done { in_doubt(failure) } else { Outcome::failed(failure, "") };
            (Work::Invalid(invalid), outcome)
        }
        Work::PassedOver(passed) => {
            let outcome = passed.outcome.clone();
            (Work::PassedOver(passed), outcome)
        }
    };
    Ended {
        work,
        outcome,
        attempts: 0,
        http_status: None,
        started_at: None,
        ended_at: Instant::now(),
        request_id: String::new(),
        client_request_id: String::new(),
        operation_id: String::new(),
    }
}
