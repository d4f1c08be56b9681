//! An app that signs in with its secret (OAuth 2.0 client credentials grant).

use crate::model::secret::Secret;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::Transport;

use super::authority::{Authority, Form, plain};
use super::demand::Demand;
use super::granted::Granted;

/// An app with a secret.
#[derive(Debug)]
pub struct ClientSecret<T> {
    /// Who asks whom.
    pub authority: Authority<T>,
    /// The app's secret.
    pub secret: Secret,
}

impl<T: Transport> ClientSecret<T> {
    /// Asks for a token.
    ///
    /// # Errors
    /// When it was refused, or no usable answer came in time.
    pub async fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        let form = || {
            let mut form = vec![("client_secret", self.secret.clone())];
            form.extend(client_credentials(&self.authority));
            Ok(form)
        };
        self.authority.grant(demand, form).await
    }
}

/// What every app sends that signs in for itself, besides its proof.
pub(super) fn client_credentials<T>(authority: &Authority<T>) -> Form {
    vec![plain("scope", authority.app.scope()), plain("grant_type", "client_credentials")]
}
