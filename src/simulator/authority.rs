//! Where tokens are granted: the authority's token and device code endpoints.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use url::form_urlencoded;

use crate::transport::exchange::{Headers, Request, Response};

use super::assertion::AppCertificate;
use super::identity::{self, Found, Issuer};
use super::reply;
use super::tokens::{Bearer, TokenKind, Tokens, Worth};

/// How sign-in behaves.
#[derive(Debug, Clone, Default)]
pub struct SignInSettings {
    /// The only tenant there is, by the name that clients must use; `None` for any.
    pub tenant: Option<String>,
    /// Whose assertions are taken; `None` for none.
    pub certificate: Option<AppCertificate>,
    /// The client id of the only managed identity; `None` for a system-assigned one.
    pub managed_identity: Option<String>,
    /// What tokens say that they may; empty for all that this program ever needs.
    pub permissions: Vec<String>,
    /// Template ids of the directory roles of a signed-in admin; empty for Authentication Administrator.
    pub roles: Vec<String>,
    /// By how much the authority's and Graph's clock is ahead of the machine's.
    pub clock_ahead: SignedDuration,
    /// What goes wrong.
    pub faults: SignInFaults,
}

/// What goes wrong at sign-in. Counts say how often, from the beginning on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignInFaults {
    /// 429 with a Retry-After of a second.
    pub busy: u32,
    /// 503.
    pub errors: u32,
    /// Polls of a device code that are told to wait, before the person signs in.
    pub pending: u32,
    /// Polls of a device code that are told to come less often.
    pub slow_down: u32,
    /// What is refused every time.
    pub refused: Option<Refused>,
    /// After so many requests access tokens are revoked, unless they prove what a challenge asks for.
    pub revoked_after: Option<u64>,
}

/// What is refused every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The person declines.
    Person,
    /// The device code runs out.
    DeviceCode,
    /// Nobody has consented to the app's permissions.
    Consent,
    /// Refresh tokens are revoked.
    RefreshToken,
}

#[derive(Debug)]
pub(super) struct Authority {
    settings: SignInSettings,
    /// Counted down.
    left: SignInFaults,
    pub(super) tokens: Tokens,
    issuer: Issuer,
    /// The tenant and app of each device code.
    device_codes: HashMap<String, String>,
    /// Assertions that were used.
    assertions: HashSet<String>,
    origin: String,
}

/// The moment of a request: since the tenant's beginning, and on the wall.
pub(super) type Moment = (Duration, Timestamp);

/// A form as it was sent.
struct Form(HashMap<String, String>);

impl Form {
    fn of(request: &Request) -> Self {
        let body = request.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        Self(form_urlencoded::parse(&body).into_owned().collect())
    }

    fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Why a grant is refused: status, OAuth 2.0 error, description.
type Refusal = (u16, &'static str, &'static str);

impl Authority {
    pub(super) fn new(settings: SignInSettings, tokens: Tokens, origin: String) -> Self {
        let (left, issuer) = (settings.faults, Issuer::default());
        let (device_codes, assertions) = (HashMap::new(), HashSet::new());
        Self { settings, left, tokens, issuer, device_codes, assertions, origin }
    }

    pub(super) fn worth(&mut self, bearer: Option<&str>, now: Duration) -> Worth {
        self.tokens.worth(bearer, now)
    }

    /// Answers what has to do with sign-in; `None` for what has not.
    pub(super) fn answer(&mut self, path: &str, request: &Request, moment: Moment) -> Option<Response> {
        let answer = match path.rsplit_once("/oauth2/v2.0/") {
            Some((tenant, "token")) => self.grant(tenant.trim_start_matches('/'), request, moment),
            Some((tenant, "devicecode")) => self.invite(tenant.trim_start_matches('/'), request),
            _ => {
                let managed = self.settings.managed_identity.as_deref();
                let found = identity::answer(path, request, (managed, &mut self.issuer))?;
                match (self.fault(), found) {
                    (Some(fault), _) => fault,
                    (None, Found::Other(answer)) => *answer,
                    (None, Found::Identity(client_id)) => {
                        let (kind, tenant) = (self.tokens.settings().kind, "simulated-tenant");
                        let bearer = Bearer { kind, tenant, client_id: &client_id, is_proven: true };
                        identity::granted(&self.tokens.grant(bearer, moment), moment.1)
                    }
                }
            }
        };
        let date = reply::date(moment.1);
        let headers = Headers { date: Some(date), ..answer.headers };
        Some(Response { headers, ..answer })
    }

    fn fault(&mut self) -> Option<Response> {
        if take(&mut self.left.busy) {
            let headers = Headers { retry_after: Some("1".to_owned()), ..Headers::default() };
            return Some(Response {
                headers,
                ..reply::json(429, &json!({"error": "temporarily_unavailable"}))
            });
        }
        take(&mut self.left.errors).then(|| reply::web_page(503))
    }

    fn knows(&self, tenant: &str) -> Result<(), Refusal> {
        let is_known = self.settings.tenant.as_deref().is_none_or(|known| known == tenant);
        let text = "AADSTS90002: Tenant was not found. Check to make sure you have the correct tenant ID.";
        if is_known { Ok(()) } else { Err((400, "invalid_request", text)) }
    }

    fn grant(&mut self, tenant: &str, request: &Request, moment: Moment) -> Response {
        if let Some(fault) = self.fault() {
            return fault;
        }
        let form = Form::of(request);
        let granted = self.knows(tenant).and_then(|()| self.kind_of(tenant, &form, moment));
        match granted {
            Err(refused) => refusal(refused),
            Ok((kind, has_refresh_token)) => {
                let (client_id, is_proven) = (form.field("client_id"), !form.field("claims").is_empty());
                let bearer = Bearer { kind, tenant, client_id, is_proven };
                let mut body = self.tokens.grant(bearer, moment);
                if has_refresh_token {
                    body["refresh_token"] = format!("simulated-refresh-token-{}", moment.0.as_nanos()).into();
                }
                reply::json(200, &body)
            }
        }
    }

    /// For whom the token is to stand, and whether a refresh token comes with it.
    fn kind_of(&mut self, tenant: &str, form: &Form, moment: Moment) -> Result<(TokenKind, bool), Refusal> {
        let grant_type = form.field("grant_type");
        let is_device = grant_type == "urn:ietf:params:oauth:grant-type:device_code";
        if !is_device && !["client_credentials", "refresh_token"].contains(&grant_type) {
            let text = "AADSTS70003: The app requested an unsupported grant type.";
            return Err((400, "unsupported_grant_type", text));
        }
        if !is_device && !form.field("scope").contains("/.default") {
            return Err((400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid."));
        }
        if self.left.refused == Some(Refused::Consent) {
            let text = "AADSTS65001: The user or administrator has not consented to use the application.";
            return Err((400, "invalid_grant", text));
        }
        match grant_type {
            "client_credentials" => {
                self.app(tenant, form, moment).map(|()| (self.tokens.settings().kind, false))
            }
            "refresh_token" if self.left.refused == Some(Refused::RefreshToken) => {
                let text = "AADSTS50173: The provided grant has expired due to it being revoked.";
                Err((400, "invalid_grant", text))
            }
            "refresh_token" if form.field("refresh_token").starts_with("simulated-refresh-token-") => {
                Ok((TokenKind::Delegated, true))
            }
            "refresh_token" => Err((400, "invalid_grant", "AADSTS9002313: Invalid request.")),
            _ => self.poll(form).map(|()| (TokenKind::Delegated, true)),
        }
    }

    /// Whether the app proves to be itself: by secret, certificate or another provider's token.
    fn app(&mut self, tenant: &str, form: &Form, (_, wall): Moment) -> Result<(), Refusal> {
        let (client_id, assertion) = (form.field("client_id"), form.field("client_assertion"));
        if assertion.is_empty() {
            let sent = form.field("client_secret");
            let is_right = match &self.tokens.settings().client_secret {
                Some(secret) => sent == secret,
                None => !sent.is_empty(),
            };
            let text = "AADSTS7000215: Invalid client secret provided.";
            return if is_right && !client_id.is_empty() {
                Ok(())
            } else {
                Err((401, "invalid_client", text))
            };
        }
        if self.issuer.has_issued(assertion) {
            return Ok(());
        }
        let Some(certificate) = &self.settings.certificate else {
            let text =
                "AADSTS700213: No matching federated identity record found for presented assertion subject.";
            return Err((401, "invalid_client", text));
        };
        let audience = format!("{}/{tenant}/oauth2/v2.0/token", self.origin);
        let id = certificate.check(assertion, (client_id, &audience), wall);
        let id = id.map_err(|text| (401, "invalid_client", text))?;
        let text = "AADSTS700027: Client assertion was used before.";
        if self.assertions.insert(id) { Ok(()) } else { Err((401, "invalid_client", text)) }
    }

    fn invite(&mut self, tenant: &str, request: &Request) -> Response {
        if let Some(fault) = self.fault() {
            return fault;
        }
        if let Err(refused) = self.knows(tenant) {
            return refusal(refused);
        }
        let form = Form::of(request);
        let number = self.device_codes.len() + 1;
        let device_code = format!("simulated-device-code-{number}");
        self.device_codes.insert(device_code.clone(), form.field("client_id").to_owned());
        reply::json(
            200,
            &json!({
                "device_code": device_code,
                "user_code": format!("SIM{number:05}"),
                "verification_uri": format!("{}/device", self.origin),
                "expires_in": 900,
                "interval": 1,
                "message": "To sign in, use a web browser.",
            }),
        )
    }

    /// RFC 8628 §3.5.
    fn poll(&mut self, form: &Form) -> Result<(), Refusal> {
        if self.device_codes.get(form.field("device_code")).is_none_or(|id| id != form.field("client_id")) {
            return Err((400, "bad_verification_code", "AADSTS70019: The verification code is not known."));
        }
        if take(&mut self.left.slow_down) {
            return Err((400, "slow_down", ""));
        }
        if take(&mut self.left.pending) {
            return Err((
                400,
                "authorization_pending",
                "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending.",
            ));
        }
        match self.left.refused {
            Some(Refused::Person) => {
                Err((400, "authorization_declined", "AADSTS70020: The user declined the request."))
            }
            Some(Refused::DeviceCode) => {
                Err((400, "expired_token", "AADSTS70019: The verification code expired."))
            }
            Some(Refused::Consent | Refused::RefreshToken) | None => Ok(()),
        }
    }
}

/// Takes one of what is left.
const fn take(left: &mut u32) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}

fn refusal((status, error, description): Refusal) -> Response {
    let description = format!("{description}\r\nTrace ID: 0\r\nCorrelation ID: 0");
    reply::json(status, &json!({"error": error, "error_description": description, "error_codes": []}))
}
