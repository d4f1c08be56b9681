//! What an access token says of itself. Nobody checks it here: Graph does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::model::actor::Actor;
use crate::model::secret::Secret;

/// The claims that decide something here (Microsoft identity platform, "Access token claims reference").
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The tenant's id.
    #[serde(rename = "tid")]
    pub tenant: Option<String>,
    /// The app's id in a token of version 1.0, as Graph takes it.
    pub appid: Option<String>,
    /// The app's id in a token of version 2.0.
    pub azp: Option<String>,
    /// What the token is for: Graph's root or its id.
    #[serde(rename = "aud")]
    pub audience: Option<String>,
    /// When it runs out, in seconds since 1970.
    #[serde(rename = "exp")]
    pub expires_at: Option<u64>,
    /// `app` or `user`, where the app asks for this claim.
    pub idtyp: Option<String>,
    /// Delegated permissions, with blanks between.
    pub scp: Option<String>,
    /// Application permissions.
    pub roles: Vec<String>,
    /// The template ids of the signed-in person's directory roles; not every role of every token stands here.
    pub wids: Vec<String>,
    /// The signed-in person.
    pub upn: Option<String>,
    /// The object id of whom the token stands for.
    pub oid: Option<String>,
}

impl Claims {
    /// The app's id.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        self.appid.as_deref().or(self.azp.as_deref())
    }

    /// For whom the token stands; `None` where it does not say.
    #[must_use]
    pub fn actor(&self) -> Option<Actor> {
        match (self.idtyp.as_deref(), &self.scp) {
            (Some("app"), _) => Some(Actor::App),
            (Some("user"), _) | (_, Some(_)) => Some(Actor::Person),
            (_, None) if !self.roles.is_empty() => Some(Actor::App),
            (_, None) => None,
        }
    }

    /// The names of the signed-in person, who must not be changed by his own run; none where an app is signed in.
    pub fn person(&self) -> impl Iterator<Item = &str> {
        let names = [self.upn.as_deref(), self.oid.as_deref()].into_iter().flatten();
        names.filter(|_| self.actor() == Some(Actor::Person))
    }

    /// The permissions: delegated ones of a person's token, else the app's own.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        let (scopes, roles): (&str, &[String]) = match self.actor() {
            Some(Actor::Person) => (self.scp.as_deref().unwrap_or_default(), &[]),
            Some(Actor::App) | None => ("", &self.roles),
        };
        scopes.split_ascii_whitespace().chain(roles.iter().map(String::as_str))
    }
}

/// The claims of a token; empty for one that says nothing, as it is nobody's duty to be readable.
#[must_use]
pub fn claims(token: &Secret) -> Claims {
    let payload = token.expose().split('.').nth(1).unwrap_or_default();
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> Secret {
        Secret::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn tenant_and_app_are_read_from_a_token_and_from_none_that_says_nothing() {
        let read = claims(&token(r#"{"tid":"t","appid":"a","azp":"z","scp":"x"}"#));
        assert_eq!((read.tenant.as_deref(), read.app()), (Some("t"), Some("a")));
        assert_eq!(claims(&token(r#"{"azp":"z"}"#)).app(), Some("z"));
        for text in ["", "opaque", "a.b.c", "a.e30.c", "..", "tok.en-0f-the-tests"] {
            assert_eq!(claims(&Secret::new(text)), Claims::default(), "{text}");
        }
    }

    #[test]
    fn an_app_s_token_and_a_person_s_are_told_apart_where_they_say_it() {
        for (payload, actor, permissions) in [
            (r#"{"roles":["A.All","B.All"]}"#, Some(Actor::App), &["A.All", "B.All"][..]),
            (r#"{"idtyp":"app"}"#, Some(Actor::App), &[]),
            (r#"{"scp":"A.All openid","roles":["ignored"]}"#, Some(Actor::Person), &["A.All", "openid"]),
            (r#"{"idtyp":"user"}"#, Some(Actor::Person), &[]),
            (r#"{"tid":"t"}"#, None, &[]),
        ] {
            let read = claims(&token(payload));
            assert_eq!(read.actor(), actor, "{payload}");
            assert_eq!(read.permissions().collect::<Vec<_>>(), permissions, "{payload}");
        }
    }
}
