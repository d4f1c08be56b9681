//! A person who signed in before: each token is got with the refresh token that came with the last.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tracing::warn;

use crate::model::secret::Secret;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::Transport;

use super::authority::{Authority, plain};
use super::demand::Demand;
use super::granted::Granted;

/// Keeps a refresh token for later runs.
pub type Keep = Box<dyn Fn(&Secret) -> std::io::Result<()> + Send + Sync>;

/// A signed-in person.
pub struct SignedIn<T> {
    authority: Authority<T>,
    refresh_token: Mutex<Secret>,
    keep: Keep,
}

impl<T: Transport> SignedIn<T> {
    /// Goes on with a refresh token; later ones are shown to `keep`.
    #[must_use]
    pub fn new(authority: Authority<T>, refresh_token: Secret, keep: Keep) -> Self {
        Self { authority, refresh_token: Mutex::new(refresh_token), keep }
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// When the sign-in has run out or was revoked, or no usable answer came in time.
    pub async fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        let current = self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let form = || {
            Ok(vec![
                plain("scope", format!("{} offline_access", self.authority.app.scope())),
                plain("grant_type", "refresh_token"),
                ("refresh_token", current.clone()),
            ])
        };
        let granted = self.authority.grant(demand, form).await?;
        if let Some(next) = &granted.refresh_token {
            *self.refresh_token.lock().unwrap_or_else(PoisonError::into_inner) = next.clone();
            if let Err(error) = (self.keep)(next) {
                warn!("the sign-in could not be kept for later runs: {error}");
            }
        }
        Ok(granted)
    }
}

impl<T> fmt::Debug for SignedIn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("authority", &self.authority).finish_non_exhaustive()
    }
}
