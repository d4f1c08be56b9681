//! What a run talks through: client, sign-in and root.

use std::fs;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::graph::client::{Graph, GraphParts, Root};
use crate::model::event::Event;
use crate::model::secret::Secret;
use crate::pace::pacer::Pacer;
use crate::pace::shutdown::Shutdown;
use crate::settings::connection::{SignInChoice, Target, Tenant};
use crate::settings::error::SettingsError;
use crate::settings::resolve::Settings;
use crate::sign_in::access_token::AccessToken;
use crate::sign_in::claims::claims;
use crate::sign_in::client_secret::{App, ClientSecret};
use crate::sign_in::kind::SignIn;
use crate::transport::http::{Http, HttpSettings, Priority, Reach};

use super::error::AppError;
use super::rehearsal::RehearsalTenant;

/// How many events may wait to be noted: enough that no worker waits, small enough to cost no memory.
const INBOX: usize = 1_024;

/// A way to a tenant.
pub(super) struct Connection {
    transport: Http,
    pub(super) credential: SignIn<Http>,
    /// Without version.
    pub(super) graph_root: String,
    /// The tenant's id or domain, where it is known.
    pub(super) tenant: Option<String>,
    /// The app's id, where it is known.
    pub(super) app: Option<String>,
}

/// A tenant's API, ready to be called, and what is heard of it.
pub(super) struct Line {
    pub(super) graph: Arc<Graph<Http, SignIn<Http>>>,
    pub(super) shutdown: Shutdown,
    pub(super) inbox: mpsc::Receiver<Event>,
}

impl Connection {
    /// What tells tenants, and apps in them, apart: however they are spelt, but for a domain beside the tenant's id.
    pub(super) fn name(&self) -> String {
        let parts = [Some(&self.graph_root), self.tenant.as_ref(), self.app.as_ref()];
        parts.into_iter().flatten().map(|part| part.to_lowercase()).collect::<Vec<_>>().join(" ")
    }

    /// Puts all together that calls go through.
    pub(super) fn open(self, settings: &Settings, pacer: Arc<Pacer>) -> Result<Line, AppError> {
        let (events, inbox) = mpsc::channel(INBOX);
        let shutdown = Shutdown::default();
        let root = Root::new(&self.graph_root, settings.api_version).map_err(|error| AppError::System {
            what: "use the Graph root",
            source: std::io::Error::other(error),
        })?;
        let (retry, random) = (settings.retry, fastrand::Rng::new());
        let parts = GraphParts { root, pacer, shutdown: shutdown.clone(), events, retry, random };
        Ok(Line { graph: Arc::new(Graph::new(self.transport, self.credential, parts)), shutdown, inbox })
    }
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
    let client = |root: &str, priority: Priority| {
        let reach = if root.starts_with("http://") { Reach::Loopback } else { Reach::Internet };
        let idle_connections = settings.pace.in_flight.get();
        let timeout = settings.request_timeout;
        Http::new(&HttpSettings {
            timeout,
            extra_roots: extra_roots.clone(),
            idle_connections,
            reach,
            priority,
        })
    };
    let transport = client(&tenant.graph_root, settings.priority)?;
    let (credential, id, app) = match tenant.sign_in {
        SignInChoice::Token(token) => {
            let claims = claims(&token);
            let app = claims.app().map(str::to_owned);
            (SignIn::AccessToken(AccessToken::new(token)), claims.tenant, app)
        }
        SignInChoice::ClientSecret { tenant: id, client_id, secret } => {
            let known = (Some(id.clone()), Some(client_id.clone()));
            let app = App {
                authority: tenant.authority.clone(),
                tenant: id,
                client_id,
                client_secret: secret.fetch()?,
                graph_root: tenant.graph_root.clone(),
            };
            let credential =
                SignIn::ClientSecret(ClientSecret::new(app, client(&tenant.authority, Priority::Normal)?));
            (credential, known.0, known.1)
        }
    };
    Ok(Connection { transport, credential, graph_root: tenant.graph_root, tenant: id, app })
}

/// The rehearsal's tenant takes every token as a signed-in admin's.
fn rehearsed(rehearsal: Option<&RehearsalTenant>) -> Tenant {
    let root = rehearsal.map(RehearsalTenant::root).unwrap_or_default();
    Tenant {
        graph_root: root.clone(),
        authority: root,
        sign_in: SignInChoice::Token(Secret::new("rehearsal")),
        ca_file: None,
    }
}
