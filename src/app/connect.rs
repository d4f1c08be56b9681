//! What a run talks through: client, sign-in and root.

use std::fs;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::graph::client::{Graph, GraphParts, Root};
use crate::graph::cloud::Cloud;
use crate::model::actor::Actor;
use crate::model::event::Event;
use crate::model::secret::Secret;
use crate::pace::pacer::Pacer;
use crate::pace::shutdown::Shutdown;
use crate::settings::connection::{Target, Tenant};
use crate::settings::error::SettingsError;
use crate::settings::resolve::{Output, Settings};
use crate::settings::sign_in::SignInChoice;
use crate::sign_in::claims::claims;
use crate::sign_in::renewal::SignIn;
use crate::transport::bearer::Credential as _;
use crate::transport::http::Http;

use super::credential::{Clients, sign_in};
use super::environment::say;
use super::error::AppError;
use super::rehearsal::RehearsalTenant;
use super::step::Step;

/// How many events may wait to be noted: enough that no worker waits, small enough to cost no memory.
const INBOX: usize = 1_024;

/// A way to a tenant.
pub(super) struct Connection {
    transport: Http,
    pub(super) credential: Arc<SignIn<Http>>,
    /// For whom its tokens stand, where that can be told.
    pub(super) actor: Option<Actor>,
    /// Its first token.
    pub(super) token: Secret,
    /// The names of the signed-in person, where it is one and they are told.
    pub(super) person: Vec<String>,
    /// What its tokens may, as far as they say so.
    pub(super) permissions: Vec<String>,
    /// Without version.
    pub(super) graph_root: String,
    /// The tenant's id or domain, where it is known.
    pub(super) tenant: Option<String>,
    /// The app's id, where it is known.
    pub(super) app: Option<String>,
}

/// A tenant's API, ready to be called, and what is heard of it.
pub(super) struct Line {
    pub(super) graph: Arc<Graph<Http, Arc<SignIn<Http>>>>,
    pub(super) shutdown: Shutdown,
    pub(super) inbox: mpsc::Receiver<Event>,
    /// In step with the user's other runs on the tenant as long as this lives.
    pub(super) step: Option<Step>,
}

impl Connection {
    /// What tells tenants, and apps in them, apart: however they are spelt, but for a domain beside the tenant's id.
    pub(super) fn name(&self) -> String {
        let parts = [Some(&self.graph_root), self.tenant.as_ref(), self.app.as_ref()];
        parts.into_iter().flatten().map(|part| part.to_lowercase()).collect::<Vec<_>>().join(" ")
    }

    /// The same, but never one name for two tenants: where it is not known which one it is, who has the same token is in
    /// the same.
    fn name_of_one_tenant(&self) -> String {
        if self.tenant.is_some() {
            return self.name();
        }
        let digest = Sha256::digest(self.token.expose().as_bytes());
        digest.iter().take(16).fold(self.name() + " ", |name, byte| format!("{name}{byte:02x}"))
    }

    /// Another hand on the same client.
    pub(super) fn transport(&self) -> Http {
        self.transport.clone()
    }

    /// Puts all together that calls go through.
    pub(super) fn open(&self, settings: &Settings, pacer: Arc<Pacer>) -> Result<Line, AppError> {
        let step = match settings.target {
            Target::Rehearsal => None,
            Target::Tenant(_) => Step::keep(&self.name_of_one_tenant(), &pacer),
        };
        let (events, inbox) = mpsc::channel(INBOX);
        let shutdown = Shutdown::default();
        let root = Root::new(&self.graph_root, settings.api_version).map_err(|error| AppError::System {
            what: "use the Graph root",
            source: std::io::Error::other(error),
        })?;
        let (retry, random) = (settings.retry, fastrand::Rng::new());
        let parts = GraphParts { root, pacer, shutdown: shutdown.clone(), events, retry, random };
        let graph = Graph::new(self.transport(), Arc::clone(&self.credential), parts);
        Ok(Line { graph: Arc::new(graph), shutdown, inbox, step })
    }
}

/// Makes the way to the tenant that the settings name, with its first token: a sign-in that is refused leaves nothing
/// behind. Nothing is sent to Graph yet.
pub(super) async fn connect(
    settings: &Settings,
    rehearsal: Option<&RehearsalTenant>,
) -> Result<Connection, AppError> {
    let tenant = match (&settings.target, rehearsal) {
        (Target::Tenant(tenant), None) => tenant.clone(),
        (Target::Rehearsal, _) | (_, Some(_)) => rehearsed(rehearsal),
    };
    let clients = clients(settings, &tenant)?;
    let transport = clients.client(&tenant.graph_root, settings.priority)?;
    let credential = Arc::new(sign_in(&tenant, &clients).await?);
    let token = credential.bearer().await?;
    if matches!(tenant.sign_in, SignInChoice::Auto { .. }) && settings.output != Output::Quiet {
        say(&format!("signs in with {}\n", credential.kind().name()));
    }
    let claims = claims(&token);
    let named = match tenant.sign_in.app() {
        Some(app) => (Some(app.tenant.clone()), Some(app.client_id.clone())),
        None => (claims.tenant.clone(), claims.app().map(str::to_owned)),
    };
    let actor = claims.actor().or(credential.kind().actor());
    let (id, app) = named;
    let permissions = claims.permissions().map(str::to_owned).collect();
    let person = claims.person().map(str::to_owned).collect();
    Ok(Connection {
        transport,
        credential,
        actor,
        token,
        person,
        permissions,
        graph_root: tenant.graph_root,
        tenant: id,
        app,
    })
}

/// What makes clients for the tenant's servers.
pub(super) fn clients(settings: &Settings, tenant: &Tenant) -> Result<Clients, AppError> {
    let extra_roots = match &tenant.ca_file {
        None => None,
        Some(path) => {
            let read = fs::read(path).map_err(|source| SettingsError::Read { path: path.clone(), source });
            Some(read?)
        }
    };
    let (timeout, idle_connections) = (settings.request_timeout, settings.pace.in_flight.get());
    Ok(Clients { timeout, extra_roots, idle_connections })
}

/// The rehearsal's tenant takes every token as a signed-in admin's.
fn rehearsed(rehearsal: Option<&RehearsalTenant>) -> Tenant {
    let root = rehearsal.map(RehearsalTenant::root).unwrap_or_default();
    Tenant {
        cloud: Cloud::Global,
        graph_root: root.clone(),
        authority: root,
        sign_in: SignInChoice::Token(Secret::new("rehearsal")),
        ca_file: None,
    }
}
