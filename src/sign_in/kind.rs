//! One of the kinds of sign-in, chosen by the settings.

use crate::model::actor::Actor;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::Transport;

use super::access_token::AccessToken;
use super::client_certificate::ClientCertificate;
use super::client_secret::ClientSecret;
use super::command::{AzureCli, TokenCommand};
use super::demand::Demand;
use super::granted::Granted;
use super::managed_identity::ManagedIdentity;
use super::signed_in::SignedIn;
use super::workload_identity::WorkloadIdentity;

/// How this run signs in.
#[derive(Debug)]
pub enum Kind<T> {
    /// With a token from the environment.
    AccessToken(AccessToken),
    /// As an app with a secret.
    ClientSecret(ClientSecret<T>),
    /// As an app with a certificate.
    ClientCertificate(ClientCertificate<T>),
    /// As an app with another provider's token.
    WorkloadIdentity(WorkloadIdentity<T>),
    /// As the Azure resource that this runs on.
    ManagedIdentity(ManagedIdentity<T>),
    /// As a person who signed in before.
    SignedIn(SignedIn<T>),
    /// As whoever is signed in with the Azure CLI.
    AzureCli(AzureCli),
    /// With what a program prints.
    TokenCommand(TokenCommand),
}

impl<T> Kind<T> {
    /// The name in the settings.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccessToken(_) => "token",
            Self::ClientSecret(_) => "client-secret",
            Self::ClientCertificate(_) => "client-certificate",
            Self::WorkloadIdentity(_) => "workload-identity",
            Self::ManagedIdentity(_) => "managed-identity",
            Self::SignedIn(_) => "device-code",
            Self::AzureCli(_) => "azure-cli",
            Self::TokenCommand(_) => "token-command",
        }
    }

    /// For whom its tokens stand, whatever they say; `None` where only they tell.
    #[must_use]
    pub const fn actor(&self) -> Option<Actor> {
        match self {
            Self::ClientSecret(_)
            | Self::ClientCertificate(_)
            | Self::WorkloadIdentity(_)
            | Self::ManagedIdentity(_) => Some(Actor::App),
            Self::SignedIn(_) => Some(Actor::Person),
            Self::AccessToken(_) | Self::AzureCli(_) | Self::TokenCommand(_) => None,
        }
    }
}

impl<T: Transport> Kind<T> {
    /// Gets a token.
    ///
    /// # Errors
    /// When none could be had.
    pub async fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        match self {
            Self::AccessToken(token) => token.fetch(demand),
            Self::ClientSecret(app) => app.fetch(demand).await,
            Self::ClientCertificate(app) => app.fetch(demand).await,
            Self::WorkloadIdentity(app) => app.fetch(demand).await,
            Self::ManagedIdentity(resource) => resource.fetch(demand).await,
            Self::SignedIn(person) => person.fetch(demand).await,
            Self::AzureCli(az) => az.fetch().await,
            Self::TokenCommand(command) => command.fetch().await,
        }
    }
}
