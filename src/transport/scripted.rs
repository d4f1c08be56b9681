//! A transport for tests: gives prepared answers in order and remembers what was asked, and when.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::bearer::{Credential, Rejected, SignInError};
use super::exchange::{Headers, Request, Response, SendError, Transport};
use crate::model::secret::Secret;

/// What comes back.
pub(crate) type Answer = Result<Response, SendError>;

/// Answers in order; a request too many is a test's failure.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    started: Instant,
    latency: Duration,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A request that was made.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `METHOD /path`, without root and version.
    pub(crate) line: String,
    /// The body as text.
    pub(crate) body: String,
    /// The bearer token.
    pub(crate) bearer: String,
    /// When, since the script began.
    pub(crate) at: Duration,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            started: Instant::now(),
            latency: Duration::ZERO,
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            asked: Arc::default(),
        }
    }

    pub(crate) fn with_latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// What was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests' lines, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// When they were made, in milliseconds.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.asked().into_iter().map(|asked| asked.at.as_millis()).collect()
    }

    /// How many answers were not called for.
    pub(crate) fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

impl Transport for Scripted {
    async fn send(&self, request: Request) -> Answer {
        let path = request.url.split_once("/v1.0").map_or(request.url.as_str(), |(_, path)| path);
        let body = request.body.map(|body| String::from_utf8_lossy(&body.bytes).into_owned());
        let asked = Asked {
            line: format!("{} {path}", request.method.name()),
            body: body.unwrap_or_default(),
            bearer: request.bearer.map(|bearer| bearer.expose().to_owned()).unwrap_or_default(),
            at: self.started.elapsed(),
        };
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| panic!("no answer is left for {}", asked.line));
        self.asked.lock().unwrap().push(asked);
        if !self.latency.is_zero() {
            sleep(self.latency).await;
        }
        answer
    }
}

/// An answer with a status and a body.
#[expect(clippy::unnecessary_wraps, reason = "an answer is a result")]
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Ok(Response { status, body: Bytes::from(body.to_owned()), headers: Headers::default() })
}

/// A refusal with a code.
pub(crate) fn refusal(status: u16, code: &str) -> Answer {
    answer(status, &format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#))
}

/// An answer that asks for a pause.
pub(crate) fn later(status: u16, retry_after: &str) -> Answer {
    answer(status, "").map(|response| Response {
        headers: Headers { retry_after: Some(retry_after.to_owned()), ..Headers::default() },
        ..response
    })
}

/// The connection broke after sending.
pub(crate) fn lost() -> Answer {
    Err(SendError::MaybeSent("connection reset".to_owned()))
}

/// No connection could be made.
pub(crate) fn not_sent() -> Answer {
    Err(SendError::NotSent("connection refused".to_owned()))
}

/// Tokens `token-1`, `token-2`, …: each renewal gives the next, up to a last one.
#[derive(Debug)]
pub(crate) struct Tokens {
    current: Mutex<u32>,
    last: u32,
    /// How often a token may still be asked for.
    left: Mutex<u32>,
    /// How long each takes to come.
    wait: Duration,
}

impl Tokens {
    /// Tokens up to number `last`.
    pub(crate) fn up_to(last: u32) -> Self {
        Self { current: Mutex::new(1), last, left: Mutex::new(u32::MAX), wait: Duration::ZERO }
    }

    /// From this time on that a token is asked for there is none.
    pub(crate) fn refused_from(self, time: u32) -> Self {
        Self { left: Mutex::new(time - 1), ..self }
    }

    /// Each comes after so long.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}

fn no_more() -> SignInError {
    SignInError::Refused { code: "none".to_owned(), message: "no more".to_owned() }
}

impl Credential for Tokens {
    async fn bearer(&self) -> Result<Secret, SignInError> {
        if !self.wait.is_zero() {
            sleep(self.wait).await;
        }
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(no_more)?;
        Ok(Secret::new(format!("token-{}", self.current.lock().unwrap())))
    }

    async fn renew(&self, rejected: Rejected<'_>) -> Result<Secret, SignInError> {
        let mut current = self.current.lock().unwrap();
        if rejected.token.expose() == format!("token-{current}") {
            if *current == self.last {
                return Err(no_more());
            }
            *current += 1;
        }
        Ok(Secret::new(format!("token-{current}")))
    }
}
