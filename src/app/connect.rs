//! What a run talks through: client, sign-in and root.

use std::fs;

use crate::settings::connection::{SignInChoice, Target, Tenant};
use crate::settings::error::SettingsError;
use crate::settings::resolve::Settings;
use crate::sign_in::access_token::AccessToken;
use crate::sign_in::client_secret::{App, ClientSecret};
use crate::sign_in::kind::SignIn;
use crate::transport::http::{Http, HttpSettings, Reach};

use super::error::AppError;
use super::rehearsal::RehearsalTenant;

/// A way to a tenant.
pub(super) struct Connection {
    pub(super) transport: Http,
    pub(super) credential: SignIn<Http>,
    /// Without version.
    pub(super) graph_root: String,
}

/// Makes the way to the tenant that the settings name. Nothing is sent yet.
pub(super) fn connect(
    settings: &Settings,
    rehearsal: Option<&RehearsalTenant>,
) -> Result<Connection, AppError> {
    let tenant = match (&settings.target, rehearsal) {
        (Target::Tenant(tenant), None) => tenant.clone(),
        (Target::Rehearsal, _) | (_, Some(_)) => rehearsed(rehearsal),
    };
    let extra_roots = match &tenant.ca_file {
        None => None,
        Some(path) => {
            let read = fs::read(path).map_err(|source| SettingsError::Read { path: path.clone(), source });
            Some(read?)
        }
    };
    let client = |root: &str| {
        let reach = if root.starts_with("http://") { Reach::Loopback } else { Reach::Internet };
        let idle_connections = settings.pace.in_flight.get();
        let timeout = settings.request_timeout;
        Http::new(&HttpSettings { timeout, extra_roots: extra_roots.clone(), idle_connections, reach })
    };
    let transport = client(&tenant.graph_root)?;
    let credential = match tenant.sign_in {
        SignInChoice::Token(token) => SignIn::AccessToken(AccessToken::new(token)),
        SignInChoice::ClientSecret { tenant: id, client_id, secret } => {
            let app = App {
                authority: tenant.authority.clone(),
                tenant: id,
                client_id,
                client_secret: secret.fetch()?,
                graph_root: tenant.graph_root.clone(),
            };
            SignIn::ClientSecret(ClientSecret::new(app, client(&tenant.authority)?))
        }
    };
    Ok(Connection { transport, credential, graph_root: tenant.graph_root })
}

/// The rehearsal's tenant takes every token as a signed-in admin's.
fn rehearsed(rehearsal: Option<&RehearsalTenant>) -> Tenant {
    let root = rehearsal.map(RehearsalTenant::root).unwrap_or_default();
    Tenant {
        graph_root: root.clone(),
        authority: root,
        sign_in: SignInChoice::Token(crate::model::secret::Secret::new("rehearsal")),
        ca_file: None,
    }
}
