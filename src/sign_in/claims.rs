//! What an access token says of itself. Nobody checks it here: Graph does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::model::secret::Secret;

/// The claims that tell tenants and apps apart (Microsoft identity platform, "Access token claims reference").
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
}

impl Claims {
    /// The app's id.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        self.appid.as_deref().or(self.azp.as_deref())
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

    #[test]
    fn tenant_and_app_are_read_from_a_token_and_from_none_that_says_nothing() {
        let token = |payload: &str| Secret::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload)));
        let read = claims(&token(r#"{"tid":"t","appid":"a","azp":"z","scp":"x"}"#));
        assert_eq!((read.tenant.as_deref(), read.app()), (Some("t"), Some("a")));
        assert_eq!(claims(&token(r#"{"azp":"z"}"#)).app(), Some("z"));
        for text in ["", "opaque", "a.b.c", "a.e30.c", "..", "tok.en-0f-the-tests"] {
            assert_eq!(claims(&Secret::new(text)), Claims::default(), "{text}");
        }
    }
}
