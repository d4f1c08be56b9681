//! Keeps a token and renews it in good time, by one request however many ask (single flight).

use std::fmt;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::model::secret::Secret;
use crate::transport::bearer::{Credential, Rejected, SignInError};
use crate::transport::exchange::Transport;

use super::demand::{Demand, Occasion};
use super::granted::Granted;
use super::kind::Kind;

/// A token is renewed so long before it runs out; one that lives less than twice as long, at half its life.
const EARLY: Duration = Duration::from_mins(5);

/// How long the first token is asked for where the authority is busy or out of reach: somebody waits at the terminal.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);

/// How long later ones are: a run that has come far should outlive an outage of the authority.
const PATIENCE: Duration = Duration::from_mins(10);

/// How long an early renewal is tried, and how long after it failed the next begins.
const EARLY_PATIENCE: Duration = Duration::from_mins(1);
const PAUSE_AFTER_EARLY: Duration = Duration::from_secs(30);

/// A kind of sign-in with the token that it gave last.
pub struct SignIn<T> {
    kind: Kind<T>,
    held: StdMutex<Option<Held>>,
    /// Held by the one renewal that runs.
    renewal: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Held {
    token: Secret,
    renew_at: Instant,
    expires_at: Instant,
}

impl Held {
    fn new(granted: Granted) -> Self {
        let Granted { token, life, refresh_in, .. } = granted;
        let early = if life > 2 * EARLY { life.saturating_sub(EARLY) } else { life / 2 };
        let now = Instant::now();
        let renew_in = refresh_in.map_or(early, |hinted| hinted.min(early));
        Self { token, renew_at: now + renew_in, expires_at: now + life }
    }
}

impl<T: Transport> SignIn<T> {
    /// Nothing is sent before the first token is asked for.
    #[must_use]
    pub fn new(kind: Kind<T>) -> Self {
        Self { kind, held: StdMutex::new(None), renewal: Mutex::new(()) }
    }

    /// How it signs in.
    #[must_use]
    pub const fn kind(&self) -> &Kind<T> {
        &self.kind
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    async fn fetch(&self, demand: Demand<'_>) -> Result<Secret, SignInError> {
        let granted = self.kind.fetch(demand).await?;
        info!("a token that lives {:?}", granted.life);
        let held = Held::new(granted);
        let token = held.token.clone();
        self.keep(held);
        Ok(token)
    }

    /// Renews while the old token lives. Where that fails nothing is lost yet, and it is not tried again at once.
    async fn fetch_early(&self, old: Held) -> Secret {
        let demand = Demand { occasion: Occasion::Needed, claims: None, patience: EARLY_PATIENCE };
        match self.fetch(demand).await {
            Ok(token) => token,
            Err(error) => {
                warn!("the token could not be renewed yet: {error}");
                self.keep(Held { renew_at: Instant::now() + PAUSE_AFTER_EARLY, ..old.clone() });
                old.token
            }
        }
    }

    /// Waits for the one renewal that runs, or runs it.
    async fn bearer_after_renewal(&self) -> Result<Secret, SignInError> {
        let _only_one = self.renewal.lock().await;
        let patience = match self.held() {
            Some(held) if Instant::now() < held.expires_at => return Ok(held.token),
            Some(_) => PATIENCE,
            None => FIRST_PATIENCE,
        };
        self.fetch(Demand { occasion: Occasion::Needed, claims: None, patience }).await
    }
}

impl<T: Transport> Credential for SignIn<T> {
    async fn bearer(&self) -> Result<Secret, SignInError> {
        let now = Instant::now();
        let Some(held) = self.held().filter(|held| now < held.expires_at) else {
            return self.bearer_after_renewal().await;
        };
        if now >= held.renew_at
            && let Ok(_only_one) = self.renewal.try_lock()
        {
            // Whoever comes meanwhile goes on with the old token.
            return Ok(self.fetch_early(held).await);
        }
        Ok(held.token)
    }

    async fn renew(&self, rejected: Rejected<'_>) -> Result<Secret, SignInError> {
        let _only_one = self.renewal.lock().await;
        match self.held() {
            Some(held) if held.token != *rejected.token => Ok(held.token),
            held => {
                if let Some(held) = held {
                    // Whoever asks meanwhile waits for the next one, rather than to be refused as well.
                    self.keep(Held { expires_at: Instant::now(), ..held });
                }
                let (claims, patience) = (rejected.claims, PATIENCE);
                self.fetch(Demand { occasion: Occasion::Rejected, claims, patience }).await
            }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for SignIn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use tokio::task::JoinSet;
    use tokio::time::sleep;

    use super::super::authority::{App, Authority};
    use super::super::client_secret::ClientSecret;
    use super::*;
    use crate::transport::scripted::{Answer, Scripted, answer, later, not_sent};

    fn token(name: &str, seconds: u64) -> Answer {
        answer(200, &format!(r#"{{"token_type":"Bearer","expires_in":{seconds},"access_token":"{name}"}}"#))
    }

    fn sign_in(script: &Scripted) -> Arc<SignIn<Scripted>> {
        let app = App {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: "contoso.com".to_owned(),
            client_id: "app".to_owned(),
            graph_root: "https://graph.microsoft.com".to_owned(),
        };
        let wall_clock = || Timestamp::from_second(1_767_225_600).unwrap();
        let authority = Authority { app, transport: script.clone(), wall_clock };
        let secret = Secret::new("s3cret&+");
        Arc::new(SignIn::new(Kind::ClientSecret(ClientSecret { authority, secret })))
    }

    async fn bearer(sign_in: &SignIn<Scripted>) -> String {
        sign_in.bearer().await.unwrap().expose().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn the_request_is_the_documented_form() {
        let script = Scripted::new([token("a", 3_599)]);
        assert_eq!(bearer(&sign_in(&script)).await, "a");
        let asked = &script.asked()[0];
        assert_eq!(asked.line, "POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token");
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
    async fn an_early_renewal_that_fails_costs_nothing_while_the_token_lives_and_is_not_repeated_at_once() {
        let refused = || answer(400, r#"{"error":"invalid_client"}"#);
        let script = Scripted::new([token("a", 3_600), refused(), refused(), token("b", 3_600)]);
        let sign_in = sign_in(&script);
        assert_eq!(bearer(&sign_in).await, "a");
        sleep(Duration::from_secs(3_400)).await;
        for asked in [2, 2, 2] {
            assert_eq!(bearer(&sign_in).await, "a");
            assert_eq!(script.asked().len(), asked);
        }
        sleep(PAUSE_AFTER_EARLY).await;
        assert_eq!(bearer(&sign_in).await, "a");
        sleep(PAUSE_AFTER_EARLY).await;
        assert_eq!(bearer(&sign_in).await, "b");
        assert_eq!(script.asked().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_the_authority_that_outlives_the_token_is_sat_out() {
        let outage = (0..60).map(|_| answer(503, ""));
        let answers = [token("a", 600)].into_iter().chain(outage).chain([token("b", 600)]);
        let script = Scripted::new(answers);
        let sign_in = sign_in(&script);
        assert_eq!(bearer(&sign_in).await, "a");
        let mut token = "a".to_owned();
        while token == "a" {
            sleep(Duration::from_secs(1)).await;
            token = bearer(&sign_in).await;
        }
        assert_eq!(token, "b");
        assert!(*script.times().last().unwrap() > 600_000, "{:?}", script.times());
    }

    #[tokio::test(start_paused = true)]
    async fn thirty_hours_are_covered_by_one_token_after_the_other() {
        let script = Scripted::new((0..40).map(|i| token(&format!("t{i}"), 3_600)));
        let sign_in = sign_in(&script);
        let end = Instant::now() + Duration::from_hours(30);
        while Instant::now() < end {
            let asked = script.asked().len().max(1);
            let told = bearer(&sign_in).await;
            assert!(told == format!("t{}", asked - 1) || told == format!("t{asked}"), "{told} after {asked}");
            sleep(Duration::from_secs(7)).await;
        }
        // One every 55 minutes.
        assert_eq!(script.asked().len(), 33);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_goes_on_with_a_token_that_was_refused() {
        let script =
            Scripted::new([token("a", 3_600), token("b", 3_600)]).with_latency(Duration::from_secs(1));
        let sign_in = sign_in(&script);
        let rejected = sign_in.bearer().await.unwrap();
        let renewal = sign_in.renew(Rejected { token: &rejected, claims: None });
        let (renewed, meanwhile) = tokio::join!(renewal, bearer(&sign_in));
        assert_eq!((renewed.unwrap().expose(), meanwhile.as_str()), ("b", "b"));
        assert_eq!(script.asked().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_next_token_must_prove_is_sent_along() {
        let script = Scripted::new([token("a", 3_600), token("b", 3_600)]);
        let sign_in = sign_in(&script);
        let rejected = sign_in.bearer().await.unwrap();
        let rejected = Rejected { token: &rejected, claims: Some(r#"{"access_token":{}}"#) };
        assert_eq!(sign_in.renew(rejected).await.unwrap().expose(), "b");
        let body = &script.asked()[1].body;
        assert!(body.ends_with("&claims=%7B%22access_token%22%3A%7B%7D%7D"), "{body}");
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
            callers.spawn(async move {
                sign_in.renew(Rejected { token: &rejected, claims: None }).await.unwrap().expose().to_owned()
            });
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
            "sign-in was refused (invalid_client): AADSTS7000215: Invalid client secret provided; the client secret is \
             wrong: give the secret's value, not its id (App registrations, Certificates & secrets)"
        );
        assert!(!format!("{sign_in:?}").contains("s3cret"));
    }
}
