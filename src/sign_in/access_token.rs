//! A token that somebody else got: used as it is.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::secret::Secret;
use crate::transport::bearer::{Credential, Rejected, SignInError};

use super::claims::claims;
use super::demand::{Demand, Occasion};
use super::granted::Granted;

/// A fixed token. It cannot be renewed.
#[derive(Debug, Clone)]
pub struct AccessToken(Secret);

/// Graph says when the token has run out.
const AS_LONG_AS_GRAPH_TAKES_IT: Duration = Duration::from_hours(24 * 364);

/// A clock that is ahead by so much must not refuse what Graph would take, in seconds.
const CLOCK_TOLERANCE_S: i64 = 300;

impl AccessToken {
    /// Takes the token over.
    #[must_use]
    pub const fn new(token: Secret) -> Self {
        Self(token)
    }

    /// Whether the token can still be of use, as far as it tells.
    ///
    /// # Errors
    /// When it says itself that it has run out.
    pub fn look_at(&self, now: Timestamp) -> Result<(), SignInError> {
        let expires_at = claims(&self.0).expires_at.and_then(|at| i64::try_from(at).ok());
        match expires_at {
            Some(at) if at.saturating_add(CLOCK_TOLERANCE_S) < now.as_second() => {
                Err(refusal("the token in AUTHWAVE_ACCESS_TOKEN has run out: get a new one"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Gives the token.
    ///
    /// # Errors
    /// When Graph has refused it.
    pub fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        if demand.occasion == Occasion::Rejected {
            return Err(refused());
        }
        let (token, life) = (self.0.clone(), AS_LONG_AS_GRAPH_TAKES_IT);
        Ok(Granted { token, life, refresh_in: None, refresh_token: None })
    }
}

impl Credential for AccessToken {
    async fn bearer(&self) -> Result<Secret, SignInError> {
        Ok(self.0.clone())
    }

    async fn renew(&self, _rejected: Rejected<'_>) -> Result<Secret, SignInError> {
        Err(refused())
    }
}

fn refused() -> SignInError {
    refusal(
        "Graph refuses the token in AUTHWAVE_ACCESS_TOKEN: it has run out, or was made for something else than Graph; \
         get a new one",
    )
}

fn refusal(message: &str) -> SignInError {
    SignInError::Refused { code: "access-token".to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn a_token_that_says_that_it_has_run_out_is_refused_and_one_that_says_nothing_is_not() {
        let now = Timestamp::from_second(10_000).unwrap();
        for (payload, is_taken) in [
            (r#"{"exp":9600}"#, false),
            (r#"{"exp":9800}"#, true),
            (r#"{"exp":20000}"#, true),
            (r#"{"tid":"t"}"#, true),
        ] {
            let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload));
            assert_eq!(AccessToken::new(Secret::new(token)).look_at(now).is_ok(), is_taken, "{payload}");
        }
        assert!(AccessToken::new(Secret::new("opaque")).look_at(now).is_ok());
    }
}
