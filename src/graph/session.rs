//! One row's conversation with Graph: its calls are paced, sent, judged and, where that is safe, sent again.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, debug, debug_span};

use super::call::{Call, CallError, Effect};
use super::client::{Graph, used};
use super::departure::{Departure, aborted};
use super::error;
use super::keeping::Keeping;
use super::patience::Patience;
use super::pause::Pause;
use super::trace::Trace;
use crate::model::error_code::OwnCode;
use crate::model::event::{Access, Answered, BeforeImage, Event};
use crate::model::outcome::Failure;
use crate::model::row::RowNumber;
use crate::model::secret::Secret;
use crate::pace::pacer::Permit;
use crate::policy::budget::Budget;
use crate::policy::challenge;
use crate::policy::classify::{Verdict, classify};
use crate::transport::bearer::{Credential, Rejected, SignInError};
use crate::transport::exchange::{Request, Response, SendError, Transport};

/// How often a list is asked for that cannot be understood.
const MAX_LOOKS: u32 = 4;

/// One row's conversation with Graph.
pub struct Session<'graph, T, C> {
    graph: &'graph Graph<T, C>,
    budget: Budget,
    trace: Trace,
    on_the_wire: Option<OnTheWire>,
    /// Where the row's writes wait for what it tells to be kept; `None` where that was waited for before it began.
    unkept: Option<(Arc<Keeping>, RowNumber)>,
}

/// A request whose answer has not been told of.
#[derive(Clone, Copy)]
struct OnTheWire {
    access: Access,
    attempt: u32,
    sent_at: Instant,
    early: bool,
}

/// Where a call stands between two of its sendings.
struct Round {
    attempt: u32,
    has_renewed: bool,
    effect: Effect,
    patience: Patience,
}

/// What follows an answer that was not accepted.
enum Next {
    Again,
    GiveUp,
    Stopped,
}

/// The end of one sending.
struct Sent {
    result: Result<Response, SendError>,
    bearer: Secret,
    /// What the next token must prove, where the answer refuses this one and says so.
    claims: Option<String>,
    /// What the answer asks everybody for, which has begun.
    pause: Option<Pause>,
}

impl<'graph, T, C> Session<'graph, T, C> {
    /// Opens the conversation for one row, with a budget of its own.
    #[must_use]
    pub const fn new(graph: &'graph Graph<T, C>) -> Self {
        Self::after(graph, Trace::NOTHING_SENT)
    }

    /// Opens the conversation for one row behind what was sent for it before.
    #[must_use]
    pub const fn after(graph: &'graph Graph<T, C>, trace: Trace) -> Self {
        Self { graph, budget: Budget::new(graph.retry.budget), trace, on_the_wire: None, unkept: None }
    }

    /// Lets no write leave before all that was told of the row until then is kept for good.
    #[must_use]
    pub fn keeping(self, keeping: Arc<Keeping>, row: RowNumber) -> Self {
        Self { unkept: Some((keeping, row)), ..self }
    }

    /// The API that is talked to.
    #[must_use]
    pub const fn graph(&self) -> &'graph Graph<T, C> {
        self.graph
    }

    /// Whether a write was sent whose answer left open what it did.
    #[must_use]
    pub const fn has_doubtful_write(&self) -> bool {
        self.trace.has_doubtful_write
    }

    /// Takes note that what every write so far did is known by now.
    pub const fn settle_doubt(&mut self) {
        self.trace.has_doubtful_write = false;
    }

    /// Ends the conversation.
    #[must_use]
    pub fn into_trace(self) -> Trace {
        self.trace
    }
}

impl<'graph, T: Transport, C: Credential> Session<'graph, T, C> {
    /// Calls Graph until it is known how that ended, within the row's budget.
    ///
    /// # Errors
    /// Where it was refused, is in doubt, or the run drains before it was sent.
    pub async fn call(&mut self, call: Call) -> Result<Response, CallError> {
        if let (Access::Write, Some((keeping, row))) = (call.method.access(), &self.unkept) {
            // Boxed, since most rows have no need of it.
            let kept = Box::pin(Patience::UntilDrain.wait_for(&self.graph.shutdown, keeping.all_kept(*row)));
            kept.await.ok_or(CallError::Stopped)?;
        }
        self.attempts(call, Patience::UntilDrain).await
    }

    /// Calls, and understands the JSON body. One that cannot be understood, as where it broke off, is asked for again.
    ///
    /// # Errors
    /// As [`Session::call`], and where no answer could be understood.
    pub async fn fetch<B: DeserializeOwned>(&mut self, call: Call) -> Result<B, CallError> {
        self.understand(call, Patience::UntilDrain).await
    }

    /// Like [`Session::fetch`], but goes on while the run drains: for finding out what an earlier call did.
    ///
    /// # Errors
    /// As [`Session::fetch`]; it is stopped only where the run aborts.
    pub async fn fetch_to_settle<B: DeserializeOwned>(&mut self, call: Call) -> Result<B, CallError> {
        self.understand(call, Patience::UntilAbort).await
    }

    async fn understand<B: DeserializeOwned>(
        &mut self,
        call: Call,
        patience: Patience,
    ) -> Result<B, CallError> {
        let mut looks = 0;
        loop {
            let response = self.attempts(call.clone(), patience).await?;
            if let Ok(body) = serde_json::from_slice(&response.body) {
                return Ok(body);
            }
            looks += 1;
            let span = self.graph.retry.backoff.delay(looks, self.graph.jitter());
            let may_look_again = looks < MAX_LOOKS && self.budget.affords(span);
            if !may_look_again || !patience.sleep(&self.graph.shutdown, span).await {
                return Err(CallError::Refused(unreadable(response.status)));
            }
        }
    }

    /// Tells what is going to be changed; the next write waits until that is kept for good.
    pub async fn tell_found(&self, image: BeforeImage) {
        if let Some((keeping, row)) = &self.unkept {
            keeping.expect(*row);
        }
        self.graph.tell(Event::Found(Box::new(image))).await;
    }

    /// Waits as long as the row's budget allows; `false` where it does not, or the run stops meanwhile.
    pub async fn pause(&mut self, span: Duration) -> bool {
        self.budget.affords(span) && Patience::UntilDrain.sleep(&self.graph.shutdown, span).await
    }

    /// Waits before something that may have been applied is read back: it may be applied a little late.
    /// `attempt` is the number of doubtful answers so far.
    pub async fn pause_in_doubt(&mut self, attempt: u32) {
        let span = self.graph.retry.backoff.delay(attempt, self.graph.jitter());
        self.pause_to_settle(span).await;
    }

    /// Waits, also while the run drains, since something must be found out.
    pub async fn pause_to_settle(&mut self, span: Duration) {
        if self.budget.affords(span) {
            Patience::UntilAbort.sleep(&self.graph.shutdown, span).await;
        }
    }

    /// Whether the row's budget is not used up.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.budget.is_left()
    }

    /// To be called where a call was dropped: what was on the wire then is counted like everything that was sent.
    pub async fn note_dropped(&mut self) {
        if let Some(sent) = self.on_the_wire {
            self.tell_answer(sent, None, sent.sent_at.elapsed()).await;
        }
    }

    async fn tell_answer(&mut self, sent: OnTheWire, response: Option<&Response>, latency: Duration) {
        let OnTheWire { access, attempt, sent_at, early } = sent;
        let status = response.map(|response| response.status);
        let used_percent = response.and_then(used).and_then(percent);
        let answered = Answered { access, attempt, status, sent_at, latency, early, used_percent };
        self.graph.tell(Event::Answered(answered)).await;
        self.on_the_wire = None;
    }

    async fn attempts(&mut self, call: Call, patience: Patience) -> Result<Response, CallError> {
        let client_request_id = self.graph.client_request_id();
        let mut in_doubt = false;
        let mut round = Round { attempt: 0, has_renewed: false, effect: call.effect, patience };
        loop {
            round.attempt += 1;
            let request = self.request(&call, &client_request_id);
            let attempt = round.attempt;
            // Filtered out, as by default, it costs next to nothing.
            let span = debug_span!("request", attempt, client_request_id, status = Empty, code = Empty);
            // Pinned where it stands: wrapped, it would be copied whole.
            let sent = pin!(self.send(request, attempt, patience)).instrument(span.clone()).await;
            let sent = match sent {
                Ok(Some(sent)) => sent,
                Ok(None) => return Err(stopped(in_doubt)),
                Err(failure) => return Err(given_up(failure, in_doubt)),
            };
            let verdict = classify(&sent.result);
            let failure = match sent.result {
                Ok(response) if verdict == Verdict::Accepted => {
                    span.record("status", response.status);
                    self.graph.note_acceptance();
                    return Ok(response);
                }
                Ok(response) => error::failure(&response, call.body.as_ref()),
                Err(error) => error::no_answer(&error),
            };
            span.record("status", failure.http_status).record("code", &failure.code);
            span.in_scope(|| debug!("not accepted"));
            in_doubt |= verdict == Verdict::Doubtful && call.method.access() == Access::Write;
            self.trace.has_doubtful_write |= in_doubt;
            let rejected = Rejected { token: &sent.bearer, claims: sent.claims.as_deref() };
            match self.next(verdict, sent.pause, rejected, &mut round).await {
                Next::Again => {}
                Next::Stopped => return Err(stopped(in_doubt)),
                Next::GiveUp => return Err(given_up(failure, in_doubt)),
            }
        }
    }

    async fn next(
        &mut self,
        verdict: Verdict,
        pause: Option<Pause>,
        rejected: Rejected<'_>,
        round: &mut Round,
    ) -> Next {
        match verdict {
            Verdict::Accepted | Verdict::Refused => Next::GiveUp,
            Verdict::Unauthorized => self.renew(rejected, round).await,
            Verdict::Doubtful if round.effect == Effect::Once => Next::GiveUp,
            Verdict::Throttled | Verdict::Transient | Verdict::Doubtful => match pause {
                Some(pause) => self.sit_out(pause, round.patience),
                None => self.back_off(round).await,
            },
        }
    }

    fn request(&self, call: &Call, client_request_id: &str) -> Request {
        Request {
            method: call.method,
            url: self.graph.root().url(&call.place),
            bearer: None,
            client_request_id: client_request_id.to_owned(),
            body: call.body.clone(),
            fields: Vec::new(),
        }
    }

    /// Waits until it may leave, alone or with another one; `None` where the run stopped meanwhile.
    async fn leave(
        &self,
        request: &Request,
        patience: Patience,
    ) -> Result<Option<Departure<'graph>>, Failure> {
        let admitted = self.admitted(request.method.access(), patience);
        let own = |admitted: Option<(Permit<'graph>, Secret)>| {
            admitted.map(|(permit, bearer)| Departure::Admitted(permit, bearer))
        };
        let Some(mut place) = self.graph.enter_line(request) else { return admitted.await.map(own) };
        tokio::select! {
            biased;
            called = place.called() => Ok(Some(Departure::Along(called))),
            admitted = admitted => if place.step_out() {
                admitted.map(own)
            } else {
                // In the same moment.
                Ok(Some(Departure::Along(place.called().await)))
            },
        }
    }

    /// Waits for its turn and for a token; `None` where the run stopped meanwhile.
    async fn admitted(
        &self,
        access: Access,
        patience: Patience,
    ) -> Result<Option<(Permit<'graph>, Secret)>, Failure> {
        let (graph, shutdown) = (self.graph, &self.graph.shutdown);
        loop {
            let Some(permit) = patience.wait_for(shutdown, graph.pacer.admit(access)).await else {
                return Ok(None);
            };
            // Only now, so that a token does not age while its request waits.
            let Some(bearer) = patience.wait_for(shutdown, graph.credential.bearer()).await else {
                return Ok(None);
            };
            match bearer {
                Err(error) => return Err(self.lose_sign_in(&error).await),
                // A hold may have begun while a token was waited for.
                Ok(_) if graph.pacer.hold_left(access).is_some() => {}
                Ok(bearer) => return Ok(Some((permit, bearer))),
            }
        }
    }

    /// Sends once, when the pacer says so; `None` where the run stopped before it was sent. It fails where there is no
    /// token to send it with.
    async fn send(
        &mut self,
        request: Request,
        attempt: u32,
        patience: Patience,
    ) -> Result<Option<Sent>, Failure> {
        let graph = self.graph;
        let access = request.method.access();
        let Some(departure) = self.leave(&request, patience).await? else { return Ok(None) };
        let (sent_at, early, bearer) = match &departure {
            Departure::Admitted(_, bearer) => {
                (Instant::now(), graph.pacer.hold_left(access).is_some(), bearer.clone())
            }
            Departure::Along(called) => (called.sent_at, called.early, called.bearer.clone()),
        };
        self.trace.started_at.get_or_insert(sent_at);
        let traffic = self.trace.of(access);
        traffic.attempts += 1;
        traffic.client_request_id.clone_from(&request.client_request_id);
        let on_the_wire = OnTheWire { access, attempt, sent_at, early };
        self.on_the_wire = Some(on_the_wire);
        let (result, pause) = match departure {
            Departure::Admitted(permit, bearer) => {
                graph.send(Request { bearer: Some(bearer), ..request }, permit, (sent_at, early)).await
            }
            Departure::Along(called) => tokio::select! {
                biased;
                arrived = called.arrived() => arrived,
                () = graph.shutdown.aborting() => (Err(aborted()), None),
            },
        };
        let latency = sent_at.elapsed();
        self.budget.spend(latency);
        if let Ok(response) = &result {
            traffic.http_status = Some(response.status);
            traffic.request_id = response.headers.request_id.clone().unwrap_or_default();
        }
        self.tell_answer(on_the_wire, result.as_ref().ok(), latency).await;
        if let Some(Pause { prolonged, until, .. }) = pause.filter(|pause| !pause.prolonged.is_zero()) {
            graph.tell(Event::Held { span: prolonged, until }).await;
        }
        let challenged =
            result.as_ref().ok().and_then(|response| response.headers.www_authenticate.as_deref());
        let claims = challenged.and_then(challenge::claims);
        Ok(Some(Sent { result, bearer, claims, pause }))
    }

    /// Whoever is admitted next, this call or another, waits for the end of the pause.
    fn sit_out(&mut self, pause: Pause, patience: Patience) -> Next {
        match patience.has_ended(&self.graph.shutdown) {
            true => Next::Stopped,
            false if self.budget.affords(pause.span) => Next::Again,
            false => Next::GiveUp,
        }
    }

    async fn back_off(&mut self, round: &Round) -> Next {
        let span = self.graph.retry.backoff.delay(round.attempt, self.graph.jitter());
        if !self.budget.affords(span) {
            return Next::GiveUp;
        }
        if round.patience.sleep(&self.graph.shutdown, span).await { Next::Again } else { Next::Stopped }
    }

    /// Gets another token after a 401, once; a second 401 means that no token of ours is taken.
    async fn renew(&self, rejected: Rejected<'_>, round: &mut Round) -> Next {
        let shutdown = &self.graph.shutdown;
        let renewal = if std::mem::replace(&mut round.has_renewed, true) {
            Err(SignInError::Refused {
                code: "401".to_owned(),
                message: "Graph refuses the token, also after it was renewed".to_owned(),
            })
        } else {
            let renewal = self.graph.credential.renew(rejected);
            // Also while the run drains: it was sent, and so has an end of its own.
            let Some(renewal) = Patience::UntilAbort.wait_for(shutdown, renewal).await else {
                return Next::Stopped;
            };
            renewal
        };
        match renewal {
            Ok(_) => Next::Again,
            Err(error) => {
                self.lose_sign_in(&error).await;
                Next::GiveUp
            }
        }
    }

    async fn lose_sign_in(&self, error: &SignInError) -> Failure {
        self.graph.tell(Event::SignInLost { reason: error.to_string() }).await;
        Failure::own(OwnCode::SignIn, None, error.to_string())
    }
}

/// A share in percent; one that is no number is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 255")]
fn percent(share: f64) -> Option<u8> {
    share.is_finite().then(|| (share * 100.0).round().clamp(0.0, 255.0) as u8)
}

fn unreadable(status: u16) -> Failure {
    Failure::own(OwnCode::UnreadableAnswer, Some(status), "the answer's body could not be understood")
}

/// A call that is not sent again. Whatever the last failure was, an earlier sending may have been applied.
const fn given_up(failure: Failure, in_doubt: bool) -> CallError {
    if in_doubt { CallError::Doubtful(failure) } else { CallError::Refused(failure) }
}

/// A call that the run's end cut short.
fn stopped(in_doubt: bool) -> CallError {
    if in_doubt {
        let message = "the run stopped before it could be found out whether the write was applied";
        CallError::Doubtful(Failure::own(OwnCode::Stopped, None, message))
    } else {
        CallError::Stopped
    }
}

impl<T, C> fmt::Debug for Session<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("trace", &self.trace).finish_non_exhaustive()
    }
}
