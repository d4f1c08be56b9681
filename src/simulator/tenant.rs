//! The tenant as a pure state machine: a request and the time come in, an answer comes out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::Value;

use crate::model::event::Access;
use crate::model::phone::PhoneType;
use crate::model::secret::Secret;
use crate::transport::exchange::{Method, Request, Response};

use super::authority::Authority;
use super::directory::{self, DirectoryAccess};
use super::faults::{After, Before};
use super::ledger::Ledger;
use super::pages::Pages;
use super::phones::{self, Effect};
use super::resets::{self, Resets};
use super::route::{PASSWORD, Resource, Route, Version, path, route, split};
use super::settings::{Blame, Permission, TenantSettings, Usage};
use super::throttle::{Measure, Meter, Pauses, retry_after};
use super::tokens::{Saying, TokenKind, Tokens, Worth};
use super::users::{LastWrite, Population, SeedUser, UserState, Users, place};
use super::{batch, reply};

/// An answer and its fate on the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `None`: the connection breaks.
    pub answer: Option<Response>,
    /// How long it takes from the request to the answer.
    pub delay: Duration,
}

/// A local tenant.
#[derive(Debug)]
pub struct Tenant {
    settings: TenantSettings,
    users: Users,
    resets: Resets,
    authority: Authority,
    reads: Option<Meter>,
    writes: Option<Meter>,
    random: Rng,
    ledger: Ledger,
    pauses: Pauses,
}

/// A request that passed the door.
struct Admitted<'request> {
    request: &'request Request,
    version: Version,
    query: &'request str,
    kind: TokenKind,
    now: Duration,
}

impl Tenant {
    /// A tenant whose time begins at zero.
    #[must_use]
    pub fn new(settings: TenantSettings) -> Self {
        Self {
            users: Users::default(),
            resets: Resets::new(settings.resets.clone()),
            authority: authority(&settings),
            reads: settings.reads.map(Meter::new),
            writes: settings.writes.map(Meter::new),
            random: Rng::with_seed(settings.seed),
            ledger: Ledger::default(),
            pauses: Pauses::default(),
            settings,
        }
    }

    /// Adds a user, who is known after the user lag.
    pub fn add_user(&mut self, seed: SeedUser) {
        self.users.add(seed, self.settings.user_lag);
    }

    /// How many users there are.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// What it saw so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A user's state by name or object id.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<UserState> {
        let index = self.users.find(name)?;
        let user = self.users.get(index);
        let number =
            |phone_type| user.phones[place(phone_type)].as_ref().map(|phone| phone.number.to_string());
        Some(UserState {
            name: user.name.to_string(),
            object_id: user.object_id.to_string(),
            mobile: number(PhoneType::Mobile),
            alternate_mobile: number(PhoneType::AlternateMobile),
            office: number(PhoneType::Office),
            sms_sign_in_state: phones::sms_state(&self.users, index, PhoneType::Mobile),
            password: user.password.as_deref().map(str::to_owned),
        })
    }

    /// Answers one request that came at `now`, counted from the tenant's beginning.
    pub fn answer(&mut self, now: Duration, request: &Request) -> Delivery {
        let path = path(&request.url);
        if let Some(answer) = self.authority.answer(path, request, (now, self.clock(now))) {
            self.ledger.tokens += u64::from(path.ends_with("token"));
            return Delivery { answer: Some(answer), delay: self.settings.latency };
        }
        self.ledger.early += u64::from(self.pauses.run(request.method.access(), now));
        let faults = self.settings.faults;
        let delay = self.settings.latency + faults.delay(&mut self.random);
        let answer =
            if faults.are_none() { Some(self.admit(request, now)) } else { self.faulty(request, now) };
        let answer = answer.map(|answer| self.signed(answer, now));
        self.ledger.count_status(answer.as_ref().map(|answer| answer.status));
        Delivery { answer, delay }
    }

    fn faulty(&mut self, request: &Request, now: Duration) -> Option<Response> {
        let faults = self.settings.faults;
        if let Some(fault) = faults.before(&mut self.random) {
            self.count_request(request);
            return match fault {
                Before::Throttled => {
                    Some(self.throttled(Duration::from_secs(1), now, request.method.access()))
                }
                Before::ThrottledBare => Some(self.too_many()),
                Before::Error(status) => {
                    Some(reply::error(status, "serviceNotAvailable", "The service is busy."))
                }
                Before::Reset => None,
                Before::Html => Some(reply::web_page(502)),
            };
        }
        let answer = self.admit(request, now);
        let after = faults.after(&mut self.random);
        if matches!(after, Some(After::Error(_) | After::Reset)) {
            self.note_untold(request);
        }
        match after {
            None => Some(answer),
            Some(After::Error(status)) => Some(reply::error(status, "UnknownError", "")),
            Some(After::Reset) => None,
            Some(After::HalfJson) => {
                Some(Response { body: answer.body.slice(..answer.body.len() / 2), ..answer })
            }
            Some(After::EmptyBody) => Some(Response { body: Bytes::new(), ..answer }),
        }
    }

    fn count_request(&mut self, request: &Request) {
        self.ledger.requests += 1;
        match request.method.access() {
            Access::Read => self.ledger.reads += 1,
            Access::Write => self.ledger.writes += 1,
        }
    }

    fn admit(&mut self, request: &Request, now: Duration) -> Response {
        if path(&request.url).ends_with("/$batch") {
            let base = format!(
                "{}/{}",
                self.settings.origin,
                if request.url.contains("/beta/") { "beta" } else { "v1.0" }
            );
            self.ledger.batches += 1;
            return batch::answer(&base, request, |item| self.answer_admitted(item, now));
        }
        self.answer_admitted(request, now)
    }

    /// Answers one request, or one item of a batch: token, quota, then what it asks for.
    fn answer_admitted(&mut self, request: &Request, now: Duration) -> Response {
        self.count_request(request);
        let bearer = request.bearer.as_ref().map(Secret::expose);
        let kind = match self.authority.worth(bearer, now) {
            Worth::Taken(kind) => kind,
            Worth::Refused(message) => return reply::unauthorized(message),
            Worth::Challenged => {
                return reply::revoked();
            }
        };
        let access = request.method.access();
        let meter = match access {
            Access::Read => &mut self.reads,
            Access::Write => &mut self.writes,
        };
        let used = match meter.as_mut().map(|meter| meter.measure(now)) {
            Some(Measure::Wait(wait)) => return self.throttled(wait, now, access),
            Some(Measure::Pass(used)) => used,
            None => 0.0,
        };
        let mut answer = self.route(request, kind, now);
        if used >= 0.8 && self.settings.usage == Usage::Told {
            answer.headers.throttle_limit_percentage = Some(format!("{used:.2}"));
        }
        answer
    }

    fn throttled(&mut self, wait: Duration, now: Duration, access: Access) -> Response {
        let asked = retry_after(self.settings.retry_after, wait, self.wall(now));
        if let Some((_, span)) = &asked {
            self.pauses.prolong(access, now + *span);
        }
        let kind = match access {
            Access::Read => "Read",
            Access::Write => "Write",
        };
        let blamed = match self.settings.blame {
            Blame::Application => "Tenant_Application",
            Blame::Tenant => "Tenant",
        };
        let mut answer = self.too_many();
        answer.headers.retry_after = asked.map(|(value, _)| value);
        answer.headers.throttle_scope = Some(format!("{blamed}/{kind}/simulated-app/simulated-tenant"));
        answer.headers.throttle_information = Some(format!("{kind}LimitExceeded"));
        answer
    }

    fn too_many(&mut self) -> Response {
        self.ledger.throttled += 1;
        reply::error(429, "TooManyRequests", "Please retry again later.")
    }

    fn route(&mut self, request: &Request, kind: TokenKind, now: Duration) -> Response {
        let (path, query) = split(&request.url);
        let Some((version, target)) = route(path) else { return reply::unknown_segment(path) };
        let directory = &self.settings.directory;
        let is_of_directory =
            !matches!(target, Route::User { ref resource, .. } if *resource != Resource::Itself);
        if is_of_directory
            && directory.access == DirectoryAccess::Refused
            && request.method.access() == Access::Read
        {
            return reply::denied();
        }
        let admitted = Admitted { request, version, query, kind, now };
        let (name, resource) = match target {
            Route::User { name, resource } => (name, resource),
            Route::Users if request.method.access() == Access::Write => return reply::not_allowed(),
            Route::Users => return self.pages(&admitted).of_users(&self.users, directory, now),
            Route::Roles => return self.page(directory::names(&directory.roles), &admitted),
            Route::RoleMembers(role) => {
                return self.page(directory::members(&directory.roles, &role, &self.users), &admitted);
            }
            Route::Groups => return self.page(directory::names(&directory.groups), &admitted),
            Route::GroupMembers(group) => {
                return self.page(directory::members(&directory.groups, &group, &self.users), &admitted);
            }
            Route::Batch => return reply::not_allowed(),
            Route::Unknown(segment) => return reply::unknown_segment(&segment),
        };
        let Some(index) = self.find(&name, now) else { return reply::unknown_user(&name) };
        match request.method.access() {
            Access::Read => {
                if let Some(last) = &mut self.users.get_mut(index).last_write {
                    last.was_read_since = true;
                }
                self.read(index, &resource, &admitted)
            }
            Access::Write if self.settings.permission == Permission::ReadOnly => reply::denied(),
            Access::Write => self.write(index, &resource, &admitted),
        }
    }

    fn find(&mut self, name: &str, now: Duration) -> Option<usize> {
        let index = match (self.users.find(name), self.settings.population) {
            (Some(index), _) => index,
            (None, Population::Everyone) => {
                self.users.add(SeedUser::named(name), now + self.settings.user_lag)
            }
            (None, Population::Listed) => return None,
        };
        (now >= self.users.get(index).known_from).then_some(index)
    }

    fn read(&self, index: usize, resource: &Resource, admitted: &Admitted<'_>) -> Response {
        let (users, numbers) = (&self.users, self.settings.numbers);
        match resource {
            Resource::Itself => {
                reply::json(200, &self.settings.directory.account(users.get(index), admitted.query))
            }
            Resource::Methods => {
                let authenticators = self.settings.directory.authenticators;
                self.page(phones::methods(users, index, numbers, authenticators), admitted)
            }
            Resource::Phones => self.page(phones::list(users, index, numbers), admitted),
            Resource::Passwords => self.page(vec![phones::password()], admitted),
            Resource::Password => reply::json(200, &phones::password()),
            Resource::Phone(phone_type) => phones::get(users, index, *phone_type, numbers),
            Resource::Method(id) if id == PASSWORD => reply::json(200, &phones::password()),
            Resource::Method(_) | Resource::NoSuchPhone => reply::not_registered(),
            Resource::Operation(_) if admitted.kind == TokenKind::AppOnly => reply::denied(),
            Resource::Operation(id) => {
                self.resets.look(id, (users.get(index), admitted.query), self.settings.epoch, admitted.now)
            }
            Resource::Reset | Resource::EnableSms(_) | Resource::DisableSms(_) => reply::not_allowed(),
        }
    }

    fn page(&self, items: Vec<Value>, admitted: &Admitted<'_>) -> Response {
        self.pages(admitted).of(items)
    }

    fn pages<'request>(&'request self, admitted: &Admitted<'request>) -> Pages<'request> {
        let TenantSettings { origin, page_size, .. } = &self.settings;
        Pages { origin, url: &admitted.request.url, most: *page_size }
    }

    fn write(&mut self, index: usize, resource: &Resource, admitted: &Admitted<'_>) -> Response {
        let body = admitted.request.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        let users = &mut self.users;
        self.ledger.note_repeat(users.get(index).last_write, print(admitted.request), resource);
        let (answer, effect) = match (admitted.request.method, resource) {
            (Method::Post, Resource::Phones) => phones::add(users, index, &body),
            (Method::Patch, Resource::Phone(phone_type)) => phones::update(users, index, *phone_type, &body),
            (Method::Delete, Resource::Phone(phone_type)) => phones::delete(users, index, *phone_type),
            (Method::Post, Resource::EnableSms(phone_type)) => phones::enable_sms(users, index, *phone_type),
            (Method::Post, Resource::DisableSms(phone_type)) => {
                phones::disable_sms(users, index, *phone_type)
            }
            (Method::Post, Resource::Reset) if admitted.kind == TokenKind::AppOnly => {
                (reply::denied(), Effect::Nothing)
            }
            (Method::Post, Resource::Reset) => {
                let user = (users.get_mut(index), body.as_ref());
                let place = (self.settings.origin.as_str(), admitted.version);
                let answer = self.resets.begin(user, place, admitted.now, &mut self.random);
                let is_begun = answer.status == 202;
                self.ledger.resets += u64::from(is_begun);
                (answer, if is_begun { Effect::Changed } else { Effect::Nothing })
            }
            (Method::Patch, Resource::Itself) => resets::set_password(users.get_mut(index), &body),
            (_, Resource::NoSuchPhone) => (reply::not_registered(), Effect::Nothing),
            _ => (reply::not_allowed(), Effect::Nothing),
        };
        self.ledger.note_effect(effect, resource);
        let was_done = effect == Effect::Changed;
        self.users.get_mut(index).last_write = Some(LastWrite {
            print: print(admitted.request),
            was_done,
            was_told: true,
            was_read_since: false,
        });
        answer
    }

    /// The answer to this write is lost on its way.
    fn note_untold(&mut self, request: &Request) {
        let Some((_, Route::User { name, .. })) = route(split(&request.url).0) else { return };
        let Some(index) = self.users.find(&name) else { return };
        if let Some(last) = &mut self.users.get_mut(index).last_write
            && last.print == print(request)
        {
            last.was_told = false;
        }
    }

    /// Adds what every answer of Graph has.
    fn signed(&mut self, mut answer: Response, now: Duration) -> Response {
        let bits = self.random.u128(..);
        answer.headers.request_id =
            Some(uuid::Builder::from_random_bytes(bits.to_ne_bytes()).into_uuid().to_string());
        if answer.headers.retry_after.is_some() || !self.settings.sign_in.clock_ahead.is_zero() {
            answer.headers.date = Some(httpdate::fmt_http_date(self.wall(now)));
        }
        answer
    }

    fn wall(&self, now: Duration) -> SystemTime {
        reply::system_time(self.clock(now))
    }

    /// What the tenant's clock shows.
    fn clock(&self, now: Duration) -> Timestamp {
        let ahead = self.settings.sign_in.clock_ahead;
        let shown = self.settings.epoch.checked_add(now).and_then(|shown| shown.checked_add(ahead));
        shown.unwrap_or(Timestamp::MAX)
    }
}

fn authority(settings: &TenantSettings) -> Authority {
    let sign_in = settings.sign_in.clone();
    let saying = Saying::new(settings.origin.clone(), &sign_in.permissions, &sign_in.roles);
    let tokens = Tokens::new(settings.tokens.clone(), saying, sign_in.faults.revoked_after);
    Authority::new(sign_in, tokens, settings.origin.clone())
}

/// What tells one write from another: method, target, body.
fn print(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    (request.method, split(&request.url).0).hash(&mut hasher);
    request.body.as_ref().map(|body| &body.bytes).hash(&mut hasher);
    hasher.finish()
}
