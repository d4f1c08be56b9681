//! The wire to the tenant: it watches for what must never be on it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use authwave::model::action::Action;
use authwave::model::event::{Access, Event};
use authwave::model::phone::{Phone, PhoneChange, PhoneType};
use authwave::model::row::RowNumber;
use authwave::model::task::Work;
use authwave::policy::retry_after;
use authwave::policy::throttle_scope::{self, Lanes};
use authwave::simulator::link::Link;
use authwave::simulator::users::SeedUser;
use authwave::transport::exchange::{Method, Request, Response, SendError, Transport};

use super::safety::Safety;

/// What the journal has committed: none of it may be sent again.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Rows that ended well.
    done: HashSet<RowNumber>,
    /// Rows whose reset was accepted.
    accepted: HashSet<RowNumber>,
    /// Rows that have begun, and when last: a later session begins those anew that it takes up.
    begun: HashMap<RowNumber, u64>,
    beginnings: u64,
    /// Rows that have told what they are going to change, and which phone.
    found: HashSet<(RowNumber, PhoneType)>,
}

impl Known {
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Begun(rows) => {
                self.beginnings += 1;
                self.begun.extend(rows.iter().map(|row| (*row, self.beginnings)));
            }
            Event::Found(image) => {
                self.found.insert((image.row, image.phone_type));
            }
            Event::Accepted(operation) => {
                self.accepted.insert(operation.row);
            }
            Event::Ended(ended) if ended.outcome.status.is_done() => {
                self.done.insert(ended.work.row().number);
            }
            _ => {}
        }
    }
}

/// What a write on the wire can be told by: user, and what of theirs.
type Mark = (String, String);

/// What a write on the wire is for.
#[derive(Debug, Clone, Copy)]
struct Origin {
    row: RowNumber,
    /// The phone that its row reads before it writes.
    reads_first: Option<PhoneType>,
}

/// The wire, and whoever watches it.
#[derive(Clone)]
pub(crate) struct Wire {
    link: Link,
    /// Several rows of a user may delete the same phone.
    rows: Arc<HashMap<Mark, Vec<Origin>>>,
    pub(crate) known: Arc<Mutex<Known>>,
    pub(crate) safety: Arc<Mutex<Safety>>,
    watch: Arc<Mutex<Watch>>,
    cap: Duration,
}

#[derive(Default)]
struct Watch {
    /// Such requests may not leave from one moment on until the other: an answer asked for it that has arrived.
    holds: Vec<(Lanes, Instant, Instant)>,
    /// Resets to a made-up password that may have been applied.
    blind: HashSet<RowNumber>,
    /// What was sent and answered, so that two lives can be compared.
    log: Vec<(Duration, Method, String, Option<u16>)>,
    /// When a write of which row left.
    writes: Vec<(Duration, RowNumber)>,
    began: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(link: Link, (users, rows): (&[SeedUser], &[Work]), cap: Duration) -> Self {
        let mut origins: HashMap<Mark, Vec<Origin>> = HashMap::new();
        for (mark, origin) in rows.iter().flat_map(marks) {
            origins.entry(mark).or_default().push(origin);
        }
        let tenant = Arc::clone(link.tenant());
        let users = users.iter().map(|user| tenant.lock().unwrap().user(&user.name).unwrap());
        Self {
            link,
            rows: Arc::new(origins),
            known: Arc::default(),
            safety: Arc::new(Mutex::new(Safety::new(users, rows))),
            watch: Arc::new(Mutex::new(Watch { began: Some(Instant::now()), ..Watch::default() })),
            cap,
        }
    }

    /// A crash forgets what the tenant asked for.
    pub(crate) fn forget_holds(&self) {
        self.watch.lock().unwrap().holds.clear();
    }

    pub(crate) fn log(&self) -> Vec<(Duration, Method, String, Option<u16>)> {
        self.watch.lock().unwrap().log.clone()
    }

    /// When a write of which row left, in this order.
    pub(crate) fn writes(&self) -> Vec<(Duration, RowNumber)> {
        self.watch.lock().unwrap().writes.clone()
    }

    /// How many answers came to us, by status; `none` where the connection broke.
    pub(crate) fn answers(&self) -> BTreeMap<String, u64> {
        let mut answers = BTreeMap::new();
        for (_, _, _, status) in &self.watch.lock().unwrap().log {
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            *answers.entry(status).or_default() += 1;
        }
        answers
    }

    fn origin(&self, request: &Request) -> Option<Origin> {
        let origins = self.rows.get(&mark(request)?).into_iter().flatten();
        let known = self.known.lock().unwrap();
        let last_begun = origins.max_by_key(|origin| known.begun.get(&origin.row));
        drop(known);
        let nobody = || panic!("no row asks for {} {}", request.method.name(), request.url);
        Some(*last_begun.unwrap_or_else(nobody))
    }

    /// The tenant answers when it is first asked, whether anybody lives to hear it or not.
    async fn pass(&self, request: Request) -> Result<Response, SendError> {
        let user = user(&request).map(|(user, _)| user);
        let mut sending = pin!(self.link.send(request));
        poll_fn(|task| {
            let answer = sending.as_mut().poll(task);
            let state = user.as_ref().and_then(|user| self.link.tenant().lock().unwrap().user(user));
            if let Some(state) = state {
                let known = self.known.lock().unwrap();
                self.safety.lock().unwrap().look_at(&state, |row| known.begun.get(&row).copied());
            }
            answer
        })
        .await
    }

    fn check_leaving(&self, request: &Request, origin: Option<Origin>) {
        let (now, mut watch) = (Instant::now(), self.watch.lock().unwrap());
        // No write is ever in a batch.
        let access = if is_batch(request) { Access::Read } else { request.method.access() };
        let is_meant = |lanes| match lanes {
            Lanes::Both => true,
            Lanes::Reads => access == Access::Read,
            Lanes::Writes => access == Access::Write,
        };
        // From the very moment on: who learns of it first must let nobody pass.
        let is_held =
            watch.holds.iter().any(|(lanes, from, until)| is_meant(*lanes) && *from <= now && now < *until);
        assert!(!is_held, "{} left during a hold", request.url);
        let Some(Origin { row, reads_first }) = origin else { return };
        let known = self.known.lock().unwrap();
        let is_found = |phone_type| known.found.contains(&(row, phone_type));
        assert!(reads_first.is_none_or(is_found), "row {row} was sent before what it found was committed");
        assert!(known.begun.contains_key(&row), "row {row} was sent before its beginning was committed");
        assert!(!known.done.contains(&row), "row {row} was known to be done and was sent again");
        assert!(!known.accepted.contains(&row), "row {row} was known to be accepted and was sent again");
        let at = watch.began.unwrap().elapsed();
        watch.writes.push((at, row));
        assert!(!watch.blind.contains(&row), "the reset of row {row} was repeated blindly");
    }

    fn note_answer(&self, answer: &Result<Response, SendError>, reset: Option<RowNumber>) {
        let (now, mut watch) = (Instant::now(), self.watch.lock().unwrap());
        let Ok(answer) = answer else { return };
        if let Some(row) = reset.filter(|_| (400..500).contains(&answer.status) && answer.status != 408) {
            watch.blind.remove(&row);
        }
        let asked = answer.headers.retry_after.clone().filter(|_| answer.status == 429);
        for value in asked.into_iter().chain(asked_within(answer)) {
            let asked = retry_after::parse(&value, answer.headers.date.as_deref(), self.cap);
            if let Some(asked) = asked.filter(|asked| asked.wait >= Duration::from_millis(100)) {
                let scope = throttle_scope::parse(answer.headers.throttle_scope.as_deref());
                watch.holds.push((scope.lanes, now, now + asked.wait));
            }
        }
    }
}

impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        if request.url.ends_with("/token") {
            return self.link.send(request).await;
        }
        let origin = self.origin(&request);
        self.check_leaving(&request, origin);
        let is_made_up = request.url.ends_with("/resetPassword") && password(&request).is_none();
        let reset = origin.map(|origin| origin.row).filter(|_| is_made_up);
        if let Some(row) = reset {
            self.watch.lock().unwrap().blind.insert(row);
        }
        let (method, url) = (request.method, request.url.clone());
        let answer = self.pass(request).await;
        self.note_answer(&answer, reset);
        let mut watch = self.watch.lock().unwrap();
        let at = watch.began.unwrap().elapsed();
        watch.log.push((at, method, url, answer.as_ref().ok().map(|answer| answer.status)));
        drop(watch);
        answer
    }
}

pub(crate) fn is_batch(request: &Request) -> bool {
    request.url.ends_with("/$batch")
}

/// The pauses that answers within the answer to a batch ask for.
fn asked_within(answer: &Response) -> Vec<String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let answers = body["responses"].as_array().cloned().unwrap_or_default();
    let throttled = answers.iter().filter(|answer| answer["status"] == 429);
    throttled.filter_map(|answer| Some(answer["headers"]["Retry-After"].as_str()?.to_owned())).collect()
}

/// What the writes of a row can be told by.
fn marks(work: &Work) -> Vec<(Mark, Origin)> {
    let Work::Task(task) = work else { return Vec::new() };
    let number = |phone: &Phone| phone.number.as_str().to_owned();
    let blind = |text: &str| vec![(text.to_owned(), None)];
    let marks = match &task.action {
        Action::ListMethods | Action::ListPhones => vec![],
        Action::AddPhone(phone) | Action::UpdatePhone(phone) => blind(&number(phone)),
        Action::SetPhone(phone) => vec![(number(phone), Some(phone.phone_type))],
        Action::SetPhones(changes) => changes
            .iter()
            .map(|change| match change {
                PhoneChange::Set(phone) => (number(phone), Some(phone.phone_type)),
                PhoneChange::Delete(phone_type) => (format!("DELETE {}", phone_type.method_id()), None),
            })
            .collect(),
        Action::DeletePhone(phone_type) => blind(&format!("DELETE {}", phone_type.method_id())),
        Action::EnableSmsSignIn => blind("enableSmsSignIn"),
        Action::DisableSmsSignIn => blind("disableSmsSignIn"),
        Action::ResetPassword(Some(password)) | Action::SetPassword(password) => blind(password.expose()),
        Action::ResetPassword(None) => blind("reset"),
    };
    let (user, row) = (task.user.as_str(), task.row.number);
    let told = |(text, reads_first)| ((user.to_owned(), text), Origin { row, reads_first });
    marks.into_iter().map(told).collect()
}

fn password(request: &Request) -> Option<String> {
    body(request)["newPassword"].as_str().map(str::to_owned)
}

fn body(request: &Request) -> Value {
    let bytes = request.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Whom a request is about, and what of theirs.
fn user(request: &Request) -> Option<(String, &str)> {
    let (user, rest) = request.url.split("/users/").nth(1)?.split_once('/')?;
    Some((user.replace("%40", "@"), rest))
}

/// `None` for a read.
fn mark(request: &Request) -> Option<Mark> {
    let (user, rest) = user(request)?;
    let last = rest.rsplit('/').next()?;
    let text = match request.method {
        Method::Get => return None,
        Method::Delete => format!("DELETE {last}"),
        Method::Patch => body(request)["phoneNumber"].as_str()?.to_owned(),
        Method::Post if last == "resetPassword" => password(request).unwrap_or_else(|| "reset".to_owned()),
        Method::Post if last == "phoneMethods" => body(request)["phoneNumber"].as_str()?.to_owned(),
        Method::Post => last.to_owned(),
    };
    Some((user, text))
}
