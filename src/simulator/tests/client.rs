//! Somebody who asks the tenant, at a time of the test's choice.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::phone::{Phone, PhoneNumber, PhoneType};
use crate::model::secret::Secret;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tenant::{Delivery, Tenant};
use crate::simulator::users::SeedUser;
use crate::transport::exchange::{Body, Headers, Method, Request, Response};

pub(super) const ORIGIN: &str = "https://graph.test";
pub(super) const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";

/// The body of the tutorial's reset.
pub(super) fn new_password() -> Value {
    json!({"newPassword": "29sdjfw#fajsdA_a_3an3223"})
}

/// 2026-01-01T00:00:00Z
pub(super) fn epoch() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

pub(super) fn settings() -> TenantSettings {
    TenantSettings::plain(ORIGIN, epoch())
}

/// The path of a user's methods below the version.
pub(super) fn of(user: &str, rest: &str) -> String {
    format!("/users/{user}/authentication/{rest}")
}

/// The same for the user of most tests.
pub(super) fn avery(rest: &str) -> String {
    of("avery@contoso.com", rest)
}

pub(super) fn reset_path() -> String {
    avery(&format!("methods/{PASSWORD}/resetPassword"))
}

pub(super) fn phone_path(phone_type: PhoneType) -> String {
    avery(&format!("phoneMethods/{}", phone_type.method_id()))
}

pub(super) fn seed(name: &str, phones: &[(PhoneType, &str)]) -> SeedUser {
    let phone = |(phone_type, number): &(PhoneType, &str)| Phone {
        phone_type: *phone_type,
        number: PhoneNumber::from_formatted(*number),
    };
    SeedUser { phones: phones.iter().map(phone).collect(), ..SeedUser::named(name) }
}

/// An answer with its body read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) status: u16,
    /// Null where there is none.
    pub(super) body: Value,
    pub(super) headers: Headers,
}

impl From<Response> for Told {
    fn from(response: Response) -> Self {
        let Response { status, headers, body } = response;
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Self { status, body, headers }
    }
}

impl Told {
    /// The status and the code of an error.
    pub(super) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    pub(super) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// The values of a list.
    pub(super) fn listed(&self) -> &[Value] {
        self.body["value"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(super) fn location(&self) -> String {
        self.headers.location.clone().unwrap_or_default()
    }
}

/// Somebody who asks.
pub(super) struct Client {
    pub(super) tenant: Tenant,
    pub(super) now: Duration,
    pub(super) bearer: Option<&'static str>,
}

impl Client {
    pub(super) fn new(settings: TenantSettings) -> Self {
        Self { tenant: Tenant::new(settings), now: Duration::ZERO, bearer: Some("somebody's") }
    }

    pub(super) fn plain() -> Self {
        Self::new(settings())
    }

    pub(super) fn with(users: impl IntoIterator<Item = SeedUser>) -> Self {
        let mut client = Self::plain();
        users.into_iter().for_each(|user| client.tenant.add_user(user));
        client
    }

    pub(super) fn after(&mut self, milliseconds: u64) -> &mut Self {
        self.now += Duration::from_millis(milliseconds);
        self
    }

    /// Asks; `target` is a path below `/v1.0`, or a whole URL.
    pub(super) fn deliver(&mut self, method: Method, target: &str, body: Option<&Value>) -> Delivery {
        let url = if target.starts_with('/') { format!("{ORIGIN}/v1.0{target}") } else { target.to_owned() };
        let body =
            body.map(|body| Body { content_type: "application/json", bytes: Bytes::from(body.to_string()) });
        let bearer = self.bearer.map(Secret::new);
        let request =
            Request { method, url, bearer, client_request_id: String::new(), body, fields: Vec::new() };
        self.tenant.answer(self.now, &request)
    }

    pub(super) fn ask(&mut self, method: Method, target: &str, body: Option<&Value>) -> Told {
        self.deliver(method, target, body).answer.unwrap().into()
    }

    pub(super) fn get(&mut self, target: &str) -> Told {
        self.ask(Method::Get, target, None)
    }

    pub(super) fn post(&mut self, target: &str, body: &Value) -> Told {
        self.ask(Method::Post, target, Some(body))
    }

    /// A POST without a body.
    pub(super) fn act(&mut self, target: &str) -> Told {
        self.ask(Method::Post, target, None)
    }

    pub(super) fn patch(&mut self, target: &str, body: &Value) -> Told {
        self.ask(Method::Patch, target, Some(body))
    }

    pub(super) fn delete(&mut self, target: &str) -> Told {
        self.ask(Method::Delete, target, None)
    }

    /// Adds a phone to the user of most tests.
    pub(super) fn add(&mut self, phone_type: PhoneType, number: &str) -> Told {
        self.add_to("avery@contoso.com", phone_type, number)
    }

    pub(super) fn add_to(&mut self, user: &str, phone_type: PhoneType, number: &str) -> Told {
        let body = json!({"phoneNumber": number, "phoneType": phone_type.name()});
        self.post(&of(user, "phoneMethods"), &body)
    }
}
