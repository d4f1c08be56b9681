//! One of the kinds of sign-in, chosen by the settings.

use crate::model::secret::Secret;
use crate::transport::bearer::{Credential, SignInError};
use crate::transport::exchange::Transport;

use super::access_token::AccessToken;
use super::client_secret::ClientSecret;

/// How this run signs in.
#[derive(Debug)]
pub enum SignIn<T> {
    /// With a token from the environment.
    AccessToken(AccessToken),
    /// As an app with a secret.
    ClientSecret(ClientSecret<T>),
}

impl<T: Transport> Credential for SignIn<T> {
    async fn bearer(&self) -> Result<Secret, SignInError> {
        match self {
            Self::AccessToken(token) => token.bearer().await,
            Self::ClientSecret(app) => app.bearer().await,
        }
    }

    async fn renew(&self, rejected: &Secret) -> Result<Secret, SignInError> {
        match self {
            Self::AccessToken(token) => token.renew(rejected).await,
            Self::ClientSecret(app) => app.renew(rejected).await,
        }
    }
}
