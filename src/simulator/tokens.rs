//! Which tokens are taken, and what they say of themselves.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

/// For whom a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An app alone: it can do all but resets.
    AppOnly,
    /// A signed-in admin.
    Delegated,
}

/// What the token endpoint grants.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// How long a token lives.
    pub lifetime: Duration,
    /// For whom the granted ones stand that apps ask for; a person's always stand for a signed-in admin.
    pub kind: TokenKind,
    /// The secret that the app must send; `None` for any.
    pub client_secret: Option<String>,
}

/// Who asked for a token, and of what permissions it is to tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bearer<'request> {
    pub(super) kind: TokenKind,
    pub(super) tenant: &'request str,
    pub(super) client_id: &'request str,
    /// Whether it proves what a challenge asked for.
    pub(super) is_proven: bool,
}

/// What every token says.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    /// The Graph root.
    pub(super) audience: String,
    /// Permissions, application or delegated.
    pub(super) permissions: Vec<String>,
    /// Template ids of a signed-in admin's directory roles.
    pub(super) roles: Vec<String>,
}

/// The template id of Authentication Administrator (Entra ID, "Microsoft Entra built-in roles").
const AUTHENTICATION_ADMINISTRATOR: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";

impl Saying {
    /// Without permissions and roles of its own a token names all that this program needs.
    pub(super) fn new(audience: String, permissions: &[String], roles: &[String]) -> Self {
        let or = |given: &[String], default: &str| {
            if given.is_empty() { vec![default.to_owned()] } else { given.to_vec() }
        };
        Self {
            audience,
            permissions: or(permissions, "UserAuthenticationMethod.ReadWrite.All"),
            roles: or(roles, AUTHENTICATION_ADMINISTRATOR),
        }
    }
}

#[derive(Debug)]
pub(super) struct Tokens {
    settings: TokenSettings,
    saying: Saying,
    /// After so many requests with them tokens are revoked, unless they prove what the challenge asks for.
    revoked_after: Option<u64>,
    used: u64,
    /// By the last part of the token.
    granted: HashMap<String, Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    expires_at: Duration,
    kind: TokenKind,
    is_proven: bool,
}

/// What a bearer token is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Taken(TokenKind),
    Refused(&'static str),
    /// Another one is to prove more.
    Challenged,
}

impl Tokens {
    pub(super) fn new(settings: TokenSettings, saying: Saying, revoked_after: Option<u64>) -> Self {
        Self { settings, saying, revoked_after, used: 0, granted: HashMap::new() }
    }

    pub(super) const fn settings(&self) -> &TokenSettings {
        &self.settings
    }

    /// A token that we did not grant is somebody's who signed in elsewhere.
    pub(super) fn worth(&mut self, bearer: Option<&str>, now: Duration) -> Worth {
        let Some(token) = bearer.filter(|token| !token.is_empty()) else {
            return Worth::Refused("Access token is empty.");
        };
        let last_part = token.rsplit('.').next().unwrap_or_default();
        match self.granted.get(last_part).copied() {
            None => Worth::Taken(TokenKind::Delegated),
            Some(known) if now >= known.expires_at => {
                Worth::Refused("Lifetime validation failed, the token is expired.")
            }
            Some(known) => {
                self.used += 1;
                let is_revoked = self.revoked_after.is_some_and(|after| self.used > after);
                if is_revoked && !known.is_proven { Worth::Challenged } else { Worth::Taken(known.kind) }
            }
        }
    }

    /// Grants a token: the fields of the answer.
    pub(super) fn grant(&mut self, bearer: Bearer<'_>, (now, wall): (Duration, Timestamp)) -> Value {
        let Bearer { kind, tenant, client_id, is_proven } = bearer;
        let name = format!("simulated-token-{}", self.granted.len() + 1);
        let lifetime = self.settings.lifetime;
        let issued_at = wall.as_second();
        let mut payload = json!({
            "aud": self.saying.audience,
            "tid": tenant,
            "appid": client_id,
            "iat": issued_at,
            "exp": issued_at.saturating_add_unsigned(lifetime.as_secs()),
        });
        match kind {
            TokenKind::AppOnly => payload["roles"] = json!(self.saying.permissions),
            TokenKind::Delegated => {
                payload["scp"] = self.saying.permissions.join(" ").into();
                payload["wids"] = json!(self.saying.roles);
                payload["upn"] = "admin@contoso.com".into();
            }
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.{name}", part(&json!({"typ": "JWT", "alg": "none"})), part(&payload));
        self.granted.insert(name, Known { expires_at: now + lifetime, kind, is_proven });
        json!({"token_type": "Bearer", "expires_in": lifetime.as_secs(), "access_token": token})
    }
}
