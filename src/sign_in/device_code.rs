//! A person who signs in on another device (OAuth 2.0 device authorization grant, RFC 8628).

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::model::secret::Secret;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::{Response, Transport};

use super::asking::ask;
use super::authority::{Authority, plain, post};
use super::granted::Granted;

/// Between two polls where the authority names no time (RFC 8628 §3.2), and by how much `slow_down` prolongs it (§3.5).
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a busy authority is asked again.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the person needs to sign in.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Where to go, on any device.
    pub verification_uri: String,
    /// What to type there.
    pub user_code: String,
    /// How long the code is valid.
    pub valid_for: Duration,
    device_code: Secret,
    interval: Duration,
}

#[derive(Deserialize)]
struct Fields {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Denied {
    error: String,
}

/// What is asked for: all that the app was granted, and a refresh token, without which a long run ends with its first
/// token.
fn scope<T>(authority: &Authority<T>) -> String {
    format!("{} offline_access", authority.app.scope())
}

/// Begins a sign-in.
///
/// # Errors
/// When it was refused, or no usable answer came in time.
pub async fn invite<T: Transport>(authority: &Authority<T>) -> Result<Invitation, SignInError> {
    let request = || {
        let form =
            vec![plain("client_id", authority.app.client_id.clone()), plain("scope", scope(authority))];
        Ok(post(authority.app.endpoint("devicecode"), &form))
    };
    let read = |response: &Response| serde_json::from_slice::<Fields>(&response.body).ok();
    let asked = ask(&authority.transport, PATIENCE, request, read).await?;
    let fields = asked.map_err(|response| authority.denied(&response))?;
    Ok(Invitation {
        verification_uri: fields.verification_uri,
        user_code: fields.user_code,
        valid_for: Duration::from_secs(fields.expires_in),
        device_code: Secret::new(fields.device_code),
        interval: fields.interval.map_or(INTERVAL, Duration::from_secs),
    })
}

/// Waits until the person has signed in.
///
/// # Errors
/// When the person declined, or the code ran out.
pub async fn wait<T: Transport>(
    authority: &Authority<T>,
    invitation: &Invitation,
) -> Result<Granted, SignInError> {
    let give_up_at = Instant::now() + invitation.valid_for;
    let mut interval = invitation.interval;
    loop {
        sleep(interval).await;
        let request = || {
            let form = vec![
                plain("client_id", authority.app.client_id.clone()),
                plain("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", invitation.device_code.clone()),
            ];
            Ok(post(authority.app.token_endpoint(), &form))
        };
        let read = |response: &Response| Granted::from_json(&response.body, (authority.wall_clock)());
        let response = match ask(&authority.transport, PATIENCE, request, read).await? {
            Ok(granted) => return Ok(granted),
            Err(response) => response,
        };
        let Denied { error } = serde_json::from_slice(&response.body).unwrap_or_default();
        match error.as_str() {
            "authorization_pending" => {}
            "slow_down" => interval += INTERVAL,
            _ => return Err(authority.denied(&response)),
        }
        if Instant::now() >= give_up_at {
            let (code, message) =
                ("expired_token", "nobody entered the code in time; run `authwave sign-in` to get another");
            return Err(SignInError::Refused { code: code.to_owned(), message: message.to_owned() });
        }
    }
}
