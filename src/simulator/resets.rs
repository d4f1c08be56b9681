//! Password resets and their operations.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::transport::exchange::{Headers, Response};

use super::phones::Effect;
use super::reply;
use super::route::{PASSWORD, Version};
use super::users::User;

/// How resets go.
#[derive(Debug, Clone)]
pub struct ResetSettings {
    /// The shortest and the longest time that an operation takes.
    pub duration: (Duration, Duration),
    /// The share of operations that fail, from 0 to 1.
    pub failures: f64,
    /// The share of operations that never end, from 0 to 1.
    pub never_ending: f64,
    /// For how long after the reset its operation is unknown.
    pub unknown_for: Duration,
    /// The pause that the 202 asks for; `None` for none.
    pub retry_after: Option<Duration>,
    /// Another origin that the operations' addresses point to, to see that no client follows them.
    pub foreign_origin: Option<String>,
}

impl Default for ResetSettings {
    fn default() -> Self {
        Self {
            duration: (Duration::from_secs(1), Duration::from_secs(3)),
            failures: 0.0,
            never_ending: 0.0,
            unknown_for: Duration::ZERO,
            retry_after: None,
            foreign_origin: None,
        }
    }
}

/// An operation's address is valid for a day (Graph, "Get started with the authentication methods API").
const VALID_FOR: Duration = Duration::from_hours(24);

/// What routes to the data centre that knows the operation.
const QUERY: &str = "aadgdc=SIM01P&aadgsu=ssprprod-a";

/// The shortest password that is taken (Entra ID, "Password policies").
const MIN_PASSWORD_CHARS: usize = 8;

#[derive(Debug)]
struct Operation {
    user: Uuid,
    accepted_at: Duration,
    /// `None` for one that never ends.
    ends_at: Option<Duration>,
    fails: bool,
}

#[derive(Debug)]
pub(super) struct Resets {
    settings: ResetSettings,
    operations: HashMap<Uuid, Operation>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Sent {
    new_password: Option<String>,
}

impl Resets {
    pub(super) fn new(settings: ResetSettings) -> Self {
        Self { settings, operations: HashMap::new() }
    }

    /// `POST …/resetPassword`. The refusal's code is an assumption.
    pub(super) fn begin(
        &mut self,
        (user, body): (&mut User, &[u8]),
        (origin, version): (&str, Version),
        now: Duration,
        random: &mut Rng,
    ) -> Response {
        let sent: Sent =
            if body.is_empty() { Sent::default() } else { serde_json::from_slice(body).unwrap_or_default() };
        let is_generated = sent.new_password.is_none();
        let password = sent.new_password.unwrap_or_else(|| format!("Simu{:04}", random.u32(..10_000)));
        if password.chars().count() < MIN_PASSWORD_CHARS {
            return reply::error(
                400,
                "invalidPassword",
                "The password does not comply with the password policy.",
            );
        }
        let (shortest, longest) = self.settings.duration;
        let span = shortest + longest.saturating_sub(shortest).mul_f64(random.f64());
        let never_ends = random.f64() < self.settings.never_ending;
        let fails = random.f64() < self.settings.failures;
        if !fails {
            user.password = Some(password.as_str().into());
        }
        let id = uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid();
        let ends_at = (!never_ends).then_some(now + span);
        self.operations.insert(id, Operation { user: user.object_id, accepted_at: now, ends_at, fails });
        let origin = self.settings.foreign_origin.as_deref().unwrap_or(origin);
        let (version, user_id) = (version.name(), user.object_id);
        let location = format!("{origin}/{version}/users/{user_id}/authentication/operations/{id}?{QUERY}");
        let body =
            if is_generated { serde_json::json!({"newPassword": password}) } else { serde_json::json!({}) };
        let retry_after = self.settings.retry_after.map(|wait| wait.as_secs().to_string());
        let headers = Headers { location: Some(location), retry_after, ..Headers::default() };
        Response { headers, ..reply::json(202, &body) }
    }

    /// `GET …/operations/{id}`.
    pub(super) fn look(
        &self,
        id: &str,
        (user, query): (&User, &str),
        epoch: Timestamp,
        now: Duration,
    ) -> Response {
        let id = Uuid::try_parse(id).ok();
        let Some((id, operation)) = id.and_then(|id| Some((id, self.operations.get(&id)?))) else {
            return unknown_operation();
        };
        let age = now.saturating_sub(operation.accepted_at);
        let is_seen = age >= self.settings.unknown_for && age <= VALID_FOR;
        if !is_seen || query != QUERY || operation.user != user.object_id {
            return unknown_operation();
        }
        let has_ended = operation.ends_at.is_some_and(|ends_at| now >= ends_at);
        let (status, detail) = match (has_ended, operation.fails) {
            (true, true) => ("failed", "OnPremisesPasswordPolicyViolation"),
            (true, false) => ("succeeded", "ResetSuccess"),
            (false, _) if age < Duration::from_millis(500) => ("notStarted", ""),
            (false, _) => ("running", ""),
        };
        let last = operation.ends_at.filter(|_| has_ended).unwrap_or(now);
        let object_id = user.object_id;
        reply::json(
            200,
            &serde_json::json!({
                "id": id.to_string(),
                "createdDateTime": time(epoch, operation.accepted_at),
                "lastActionDateTime": time(epoch, last),
                "status": status,
                "statusDetail": detail,
                "resourceLocation": format!("/users/{object_id}/authentication/methods/{PASSWORD}"),
            }),
        )
    }
}

/// What changes a user: of all that Graph takes only this is taken here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    password_profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    password: String,
}

/// `PATCH /users/{user}` with a `passwordProfile`.
pub(super) fn set_password(user: &mut User, body: &[u8]) -> (Response, Effect) {
    let Ok(Changed { password_profile: Profile { password } }) = serde_json::from_slice(body) else {
        return (reply::bad_request("Only a passwordProfile can be changed here."), Effect::Nothing);
    };
    if password.chars().count() < MIN_PASSWORD_CHARS {
        let text = "The specified password does not comply with password complexity requirements.";
        return (reply::error(400, "Request_BadRequest", text), Effect::Nothing);
    }
    user.password = Some(password.into());
    (reply::empty(204), Effect::Changed)
}

fn unknown_operation() -> Response {
    reply::error(404, "resourceNotFound", "The operation was not found.")
}

fn time(epoch: Timestamp, at: Duration) -> String {
    format!("{:.0}", epoch.checked_add(at).unwrap_or(Timestamp::MAX))
}
