//! A token as an authority or an identity endpoint grants it, and how long it lives.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::secret::Secret;

use super::claims::claims;

/// A token that lives longer is taken for a mistake.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 365);

/// A token that says nothing of its life is asked for again after this time.
const UNTOLD_LIFE: Duration = Duration::from_mins(10);

/// A token and how long it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The token.
    pub token: Secret,
    /// How long it lives from now on; never zero.
    pub life: Duration,
    /// After how long a new one should be fetched, where the authority says so.
    pub refresh_in: Option<Duration>,
    /// What gets the next token for a signed-in person.
    pub refresh_token: Option<Secret>,
}

/// The fields of a grant, as the authority, the identity endpoints and `az` write them.
#[derive(Deserialize)]
struct Fields {
    #[serde(alias = "accessToken")]
    access_token: String,
    /// From now on.
    expires_in: Option<Seconds>,
    /// Since 1970; managed identities and `az` tell it instead of `expires_in`, or beside it.
    expires_on: Option<Seconds>,
    refresh_in: Option<Seconds>,
    refresh_token: Option<String>,
}

/// Identity endpoints send numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    fn duration(&self) -> Option<Duration> {
        match self {
            Self::Number(seconds) => Some(Duration::from_secs(*seconds)),
            Self::Text(text) => text.trim().parse().ok().map(Duration::from_secs),
        }
    }
}

impl Granted {
    /// Understands a JSON answer that came at `now`; `None` where it holds no token that lives.
    #[must_use]
    pub fn from_json(json: &[u8], now: Timestamp) -> Option<Self> {
        let fields: Fields = serde_json::from_slice(json).ok()?;
        let token = Secret::new(fields.access_token);
        let told = match (&fields.expires_in, &fields.expires_on) {
            (Some(seconds), _) => Some(seconds.duration()?),
            (None, Some(seconds)) => Some(until(seconds.duration()?, now)),
            (None, None) => None,
        };
        let refresh_in = fields.refresh_in.as_ref().and_then(Seconds::duration);
        let refresh_token = fields.refresh_token.map(Secret::new);
        Self::living(token, told, now).map(|granted| Self { refresh_in, refresh_token, ..granted })
    }

    /// A token of which nothing more is known than what it says itself.
    #[must_use]
    pub fn bare(token: Secret, now: Timestamp) -> Option<Self> {
        Self::living(token, None, now)
    }

    fn living(token: Secret, told: Option<Duration>, now: Timestamp) -> Option<Self> {
        let own = || claims(&token).expires_at.map(|at| until(Duration::from_secs(at), now));
        let life = told.or_else(own).unwrap_or(UNTOLD_LIFE);
        let is_sound = !token.expose().is_empty() && !life.is_zero() && life < LONGEST_LIFE;
        is_sound.then_some(Self { token, life, refresh_in: None, refresh_token: None })
    }
}

/// From now until so long after 1970; zero for what is over.
fn until(at: Duration, now: Timestamp) -> Duration {
    let now = u64::try_from(now.as_second()).unwrap_or_default();
    Duration::from_secs(at.as_secs().saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    fn life(json: &str) -> Option<u64> {
        Granted::from_json(json.as_bytes(), now()).map(|granted| granted.life.as_secs())
    }

    #[test]
    fn a_life_is_read_in_every_form_that_is_sent() {
        let jwt = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(r#"{"exp":1767225900}"#));
        for (json, seconds) in [
            (r#"{"access_token":"t","expires_in":3599}"#, 3_599),
            (r#"{"access_token":"t","expires_in":"3599","expires_on":"1"}"#, 3_599),
            (r#"{"access_token":"t","expires_on":"1767229200"}"#, 3_600),
            (r#"{"accessToken":"t","expires_on":1767225660,"expiresOn":"2026-01-01 00:01:00"}"#, 60),
            (&format!(r#"{{"access_token":"{jwt}"}}"#), 300),
            (r#"{"access_token":"opaque"}"#, 600),
        ] {
            assert_eq!(life(json), Some(seconds), "{json}");
        }
    }

    #[test]
    fn what_is_no_living_token_is_none() {
        for json in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":"","expires_in":10}"#,
            r#"{"access_token":"t","expires_in":0}"#,
            r#"{"access_token":"t","expires_in":"soon"}"#,
            r#"{"access_token":"t","expires_in":99999999999}"#,
            r#"{"access_token":"t","expires_on":1767225600}"#,
        ] {
            assert_eq!(life(json), None, "{json}");
        }
    }
}
