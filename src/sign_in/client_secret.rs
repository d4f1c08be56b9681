//! An app that signs in with its secret (OAuth 2.0 client credentials grant, Entra ID v2.0 endpoint).

use std::fmt;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use url::form_urlencoded;

use crate::model::secret::Secret;
use crate::policy::retry_after;
use crate::transport::bearer::{Credential, SignInError};
use crate::transport::exchange::{Body, Method, Request, Response, Transport};

/// A token is renewed so long before it runs out; one that lives less than twice as long, at half its life.
const EARLY: Duration = Duration::from_mins(5);

/// How long a renewal goes on trying where the authority is busy or out of reach.
const PATIENCE: Duration = Duration::from_mins(1);

/// The longest pause between two tries; the first is a sixteenth of it.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// Who signs in, and where.
#[derive(Debug, Clone)]
pub struct App {
    /// As `https://login.microsoftonline.com`.
    pub authority: String,
    /// The tenant's id or domain.
    pub tenant: String,
    /// The app's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The Graph root that the token is for.
    pub graph_root: String,
}

/// Gets tokens with a client secret.
pub struct ClientSecret<T> {
    app: App,
    transport: T,
    token: StdMutex<Option<Token>>,
    /// Held by the one renewal that runs.
    renewal: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Token {
    text: Secret,
    renew_at: Instant,
    expires_at: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds; some authorities send them as text.
    expires_in: Seconds,
    /// Seconds after which a new one should be fetched.
    refresh_in: Option<Seconds>,
}

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
            Self::Text(text) => text.parse().ok().map(Duration::from_secs),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Denied {
    error: String,
    error_description: String,
}

impl<T: Transport> ClientSecret<T> {
    /// Nothing is sent before the first token is asked for.
    #[must_use]
    pub fn new(app: App, transport: T) -> Self {
        Self { app, transport, token: StdMutex::new(None), renewal: Mutex::new(()) }
    }

    fn known(&self) -> Option<Token> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, token: Option<Token>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    async fn fetch(&self) -> Result<Secret, SignInError> {
        let token = self.ask_until_told().await?;
        let text = token.text.clone();
        self.keep(Some(token));
        Ok(text)
    }

    async fn ask_until_told(&self) -> Result<Token, SignInError> {
        let give_up_at = Instant::now() + PATIENCE;
        let mut pause = LONGEST_PAUSE / 16;
        loop {
            let (reason, asked) = match self.transport.send(self.request()).await {
                Ok(response) if (200..300).contains(&response.status) => match granted(&response) {
                    Some(token) => return Ok(token),
                    None => ("it granted a token that could not be understood".to_owned(), None),
                },
                Ok(response) if is_passing(response.status) => {
                    (format!("it answered {}", response.status), asked_pause(&response))
                }
                Ok(response) => return Err(denied(&response)),
                Err(error) => (error.to_string(), None),
            };
            let wait = asked.unwrap_or(pause);
            if Instant::now() + wait >= give_up_at {
                return Err(SignInError::Unreachable(reason));
            }
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn request(&self) -> Request {
        let app = &self.app;
        let tenant = utf8_percent_encode(&app.tenant, NON_ALPHANUMERIC);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &app.client_id)
            .append_pair("client_secret", app.client_secret.expose())
            .append_pair("scope", &format!("{}/.default", app.graph_root))
            .append_pair("grant_type", "client_credentials")
            .finish();
        Request {
            method: Method::Post,
            url: format!("{}/{tenant}/oauth2/v2.0/token", app.authority),
            bearer: None,
            client_request_id: String::new(),
            body: Some(Body { content_type: "application/x-www-form-urlencoded", bytes: Bytes::from(form) }),
        }
    }
}

impl<T: Transport> Credential for ClientSecret<T> {
    /// Every request asks, and few cause a renewal: in a box that takes no room in all the others.
    async fn bearer(&self) -> Result<Secret, SignInError> {
        let Some(token) = self.known() else { return Box::pin(self.bearer_after_renewal()).await };
        let now = Instant::now();
        if now >= token.expires_at {
            return Box::pin(self.bearer_after_renewal()).await;
        }
        if now >= token.renew_at
            && let Ok(_only_one) = self.renewal.try_lock()
        {
            // Whoever comes meanwhile goes on with the old token; and so does everybody where this fails.
            return Ok(Box::pin(self.fetch()).await.unwrap_or(token.text));
        }
        Ok(token.text)
    }

    async fn renew(&self, rejected: &Secret) -> Result<Secret, SignInError> {
        let _only_one = self.renewal.lock().await;
        match self.known() {
            Some(token) if token.text != *rejected => Ok(token.text),
            Some(_) | None => Box::pin(self.fetch()).await,
        }
    }
}

impl<T: Transport> ClientSecret<T> {
    /// Waits for the one renewal that runs, or runs it.
    async fn bearer_after_renewal(&self) -> Result<Secret, SignInError> {
        let _only_one = self.renewal.lock().await;
        match self.known() {
            Some(token) if Instant::now() < token.expires_at => Ok(token.text),
            Some(_) | None => self.fetch().await,
        }
    }
}

impl<T> fmt::Debug for ClientSecret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret").field("app", &self.app).finish_non_exhaustive()
    }
}

const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

fn asked_pause(response: &Response) -> Option<Duration> {
    let date = response.headers.date.as_deref();
    let asked = retry_after::parse(response.headers.retry_after.as_deref()?, date, PATIENCE)?;
    Some(asked.wait)
}

fn granted(response: &Response) -> Option<Token> {
    let granted: Granted = serde_json::from_slice(&response.body).ok()?;
    let life = granted
        .expires_in
        .duration()
        .filter(|life| !life.is_zero() && *life < Duration::from_hours(24 * 365))?;
    let early = if life > 2 * EARLY { life.checked_sub(EARLY) } else { Some(life / 2) };
    let hinted = granted.refresh_in.as_ref().and_then(Seconds::duration);
    let now = Instant::now();
    let renew_in = early.into_iter().chain(hinted).min()?;
    Some(Token { text: Secret::new(granted.access_token), renew_at: now + renew_in, expires_at: now + life })
}

fn denied(response: &Response) -> SignInError {
    let denied: Denied = serde_json::from_slice(&response.body).unwrap_or_default();
    // The lines after the first are ids and a time.
    let message = denied.error_description.lines().next().unwrap_or_default().trim().to_owned();
    let code = if denied.error.is_empty() { format!("http-{}", response.status) } else { denied.error };
    let message =
        if message.is_empty() { format!("the authority answered {}", response.status) } else { message };
    SignInError::Refused { code, message }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;
    use crate::transport::scripted::{Answer, Scripted, answer, later, not_sent};

    fn token(name: &str, seconds: u64) -> Answer {
        answer(200, &format!(r#"{{"token_type":"Bearer","expires_in":{seconds},"access_token":"{name}"}}"#))
    }

    fn sign_in(script: &Scripted) -> Arc<ClientSecret<Scripted>> {
        let app = App {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: "contoso.com".to_owned(),
            client_id: "app".to_owned(),
            client_secret: Secret::new("s3cret&+"),
            graph_root: "https://graph.microsoft.com".to_owned(),
        };
        Arc::new(ClientSecret::new(app, script.clone()))
    }

    async fn bearer(sign_in: &ClientSecret<Scripted>) -> String {
        sign_in.bearer().await.unwrap().expose().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn the_request_is_the_documented_form() {
        let script = Scripted::new([token("a", 3_599)]);
        assert_eq!(bearer(&sign_in(&script)).await, "a");
        let asked = &script.asked()[0];
        assert_eq!(asked.line, "POST https://login.microsoftonline.com/contoso%2Ecom/oauth2/v2.0/token");
        assert_eq!(
            asked.body,
            "client_id=app&client_secret=s3cret%26%2B&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
             &grant_type=client_credentials"
        );
        assert_eq!(asked.bearer, "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_callers_cause_one_request() {
        let script = Scripted::new([token("a", 3_599)]).with_latency(Duration::from_secs(1));
        let sign_in = sign_in(&script);
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let sign_in = Arc::clone(&sign_in);
            callers.spawn(async move { bearer(&sign_in).await });
        }
        assert!(callers.join_all().await.iter().all(|token| token == "a"));
        assert_eq!(script.asked().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_five_minutes_early_and_nobody_waits_for_it() {
        let script =
            Scripted::new([token("a", 3_600), token("b", 3_600)]).with_latency(Duration::from_secs(10));
        let sign_in = sign_in(&script);
        assert_eq!(bearer(&sign_in).await, "a");
        sleep(Duration::from_secs(3_600 - 301 - 10)).await;
        assert_eq!(bearer(&sign_in).await, "a");
        assert_eq!(script.asked().len(), 1);
        sleep(Duration::from_secs(12)).await;
        let before = Instant::now();
        let (first, second) = tokio::join!(bearer(&sign_in), async {
            let token = bearer(&sign_in).await;
            (token, before.elapsed())
        });
        assert_eq!((first.as_str(), second), ("b", ("a".to_owned(), Duration::ZERO)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_renewal_that_fails_costs_nothing_while_the_token_lives() {
        let script = Scripted::new([token("a", 3_600), answer(400, r#"{"error":"invalid_client"}"#)]);
        let sign_in = sign_in(&script);
        assert_eq!(bearer(&sign_in).await, "a");
        sleep(Duration::from_secs(3_400)).await;
        assert_eq!(bearer(&sign_in).await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_life_is_renewed_at_its_half_and_refresh_in_is_obeyed() {
        for (life, refresh_in, renewed_at) in [(60, "", 30), (3_600, r#","refresh_in":"100""#, 100)] {
            let first = answer(200, &format!(r#"{{"expires_in":"{life}"{refresh_in},"access_token":"a"}}"#));
            let script = Scripted::new([first, token("b", 3_600)]);
            let sign_in = sign_in(&script);
            assert_eq!(bearer(&sign_in).await, "a");
            sleep(Duration::from_secs(renewed_at - 1)).await;
            assert_eq!(bearer(&sign_in).await, "a");
            sleep(Duration::from_secs(1)).await;
            assert_eq!(bearer(&sign_in).await, "b");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_were_refused_cause_one_renewal() {
        let script =
            Scripted::new([token("a", 3_600), token("b", 3_600)]).with_latency(Duration::from_secs(1));
        let sign_in = sign_in(&script);
        let rejected = sign_in.bearer().await.unwrap();
        let mut callers = JoinSet::new();
        for _ in 0..50 {
            let (sign_in, rejected) = (Arc::clone(&sign_in), rejected.clone());
            callers.spawn(async move { sign_in.renew(&rejected).await.unwrap().expose().to_owned() });
        }
        assert!(callers.join_all().await.iter().all(|token| token == "b"));
        assert_eq!(script.asked().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_authority_is_asked_again_for_a_minute() {
        let script = Scripted::new([later(429, "7"), not_sent(), answer(503, "<html>"), token("a", 3_600)]);
        assert_eq!(bearer(&sign_in(&script)).await, "a");
        assert_eq!(script.times(), [0, 7_000, 9_000, 13_000]);

        let script = Scripted::new((0..40).map(|_| answer(503, "")));
        let told = sign_in(&script).bearer().await;
        assert_eq!(told, Err(SignInError::Unreachable("it answered 503".to_owned())));
        assert!(*script.times().last().unwrap() < 60_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_at_once_without_the_secret() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"}"#;
        let script = Scripted::new([answer(401, body)]);
        let sign_in = sign_in(&script);
        let told = sign_in.bearer().await.unwrap_err();
        assert_eq!(
            told.to_string(),
            "sign-in was refused (invalid_client): AADSTS7000215: Invalid client secret provided."
        );
        assert!(!format!("{sign_in:?}").contains("s3cret"));
    }
}
