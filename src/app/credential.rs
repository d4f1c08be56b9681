//! From the choice of a sign-in to the sign-in itself.

use std::path::Path;
use std::time::Duration;

use crate::model::secret::Secret;
use crate::settings::connection::Tenant;
use crate::settings::error::SettingsError;
use crate::settings::secret_source::{SecretSource, private_file};
use crate::settings::sign_in::{AppChoice, Missing, SignInChoice};
use crate::sign_in::access_token::AccessToken;
use crate::sign_in::authority::{App, Authority};
use crate::sign_in::cache::{Cache, Kept};
use crate::sign_in::certificate::Certificate;
use crate::sign_in::client_certificate::ClientCertificate;
use crate::sign_in::client_secret::ClientSecret;
use crate::sign_in::command::{AzureCli, TokenCommand};
use crate::sign_in::kind::Kind;
use crate::sign_in::managed_identity::{IdentityEndpoint, ManagedIdentity};
use crate::sign_in::renewal::SignIn;
use crate::sign_in::signed_in::SignedIn;
use crate::sign_in::workload_identity::{FederatedToken, WorkloadIdentity};
use crate::transport::bearer::{Credential as _, SignInError};
use crate::transport::exchange::{Method, Request, Transport as _};
use crate::transport::http::{Http, HttpSettings, Priority, Reach};

use super::clock::wall_clock;
use super::environment::state_directory;
use super::error::AppError;

/// A virtual machine's metadata service answers within milliseconds; elsewhere nobody does.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes clients: one for each server, so that nothing goes to another by mistake.
pub(super) struct Clients {
    pub(super) timeout: Duration,
    pub(super) extra_roots: Option<Vec<u8>>,
    pub(super) idle_connections: usize,
}

impl Clients {
    /// A client for `url`; it is not used for any other server.
    pub(super) fn client(&self, url: &str, priority: Priority) -> Result<Http, AppError> {
        let reach = if url.starts_with("http://") { Reach::Loopback } else { Reach::Internet };
        let (timeout, extra_roots) = (self.timeout, self.extra_roots.clone());
        let settings =
            HttpSettings { timeout, extra_roots, idle_connections: self.idle_connections, reach, priority };
        Ok(Http::new(&settings)?)
    }
}

/// Signs in as was chosen; nothing is sent yet, but where `auto` must find out what there is.
pub(super) async fn sign_in(tenant: &Tenant, clients: &Clients) -> Result<SignIn<Http>, AppError> {
    match &tenant.sign_in {
        SignInChoice::Auto { candidates, missing } => auto(candidates, *missing, tenant, clients).await,
        choice => Ok(SignIn::new(kind(choice, tenant, clients)?)),
    }
}

/// The first that is there. One that is set up and refused is no reason to go on as somebody else.
async fn auto(
    candidates: &[SignInChoice],
    missing: Missing,
    tenant: &Tenant,
    clients: &Clients,
) -> Result<SignIn<Http>, AppError> {
    let mut tried = Vec::new();
    for choice in candidates {
        let absent = match choice {
            SignInChoice::DeviceCode(app) => {
                let cache = cache(&self::app(app, tenant))?;
                let is_kept = cache.read().map_err(|error| unusable(cache.path(), &error))?.is_some();
                (!is_kept).then(|| "nobody has signed in with `authwave sign-in`".to_owned())
            }
            SignInChoice::ManagedIdentity { endpoint: IdentityEndpoint::MachineMetadata(root), .. } => {
                let is_there = is_virtual_machine(root, clients).await?;
                (!is_there).then(|| "this is no Azure resource with a managed identity".to_owned())
            }
            SignInChoice::AzureCli(_) => {
                let az = SignIn::new(kind(choice, tenant, clients)?);
                match az.bearer().await {
                    Ok(_) => return Ok(az),
                    Err(error) => Some(error.to_string()),
                }
            }
            _ => None,
        };
        match absent {
            None => return Ok(SignIn::new(kind(choice, tenant, clients)?)),
            Some(reason) => tried.push(reason),
        }
    }
    Err(AppError::NoSignIn { missing, tried: tried.join("; ") })
}

/// Whether there is a metadata service. It refuses a request without its header, but answers.
async fn is_virtual_machine(root: &str, clients: &Clients) -> Result<bool, AppError> {
    let probing = Clients { timeout: PROBE_TIMEOUT, extra_roots: None, ..*clients };
    let request = Request {
        method: Method::Get,
        url: format!("{root}/metadata/identity/oauth2/token"),
        bearer: None,
        client_request_id: String::new(),
        body: None,
        fields: Vec::new(),
    };
    Ok(probing.client(root, Priority::Normal)?.send(request).await.is_ok())
}

fn app(choice: &AppChoice, tenant: &Tenant) -> App {
    App {
        authority: tenant.authority.clone(),
        tenant: choice.tenant.clone(),
        client_id: choice.client_id.clone(),
        graph_root: tenant.graph_root.clone(),
    }
}

/// The authority, as an app asks it.
pub(super) fn authority(
    choice: &AppChoice,
    tenant: &Tenant,
    clients: &Clients,
) -> Result<Authority<Http>, AppError> {
    let transport = clients.client(&tenant.authority, Priority::Normal)?;
    Ok(Authority { app: app(choice, tenant), transport, wall_clock })
}

/// Where a person's sign-in is kept.
pub(super) fn cache(app: &App) -> Result<Cache, AppError> {
    let directory = state_directory("sign-in");
    let directory =
        directory.map_err(|source| AppError::System { what: "make a place for sign-ins", source })?;
    Ok(Cache::new(&directory, app))
}

fn unusable(path: &Path, error: &std::io::Error) -> AppError {
    SettingsError::SecretFile { path: path.to_owned(), reason: error.to_string() }.into()
}

fn kind(choice: &SignInChoice, tenant: &Tenant, clients: &Clients) -> Result<Kind<Http>, AppError> {
    let graph_root = tenant.graph_root.clone();
    let authority = |app: &AppChoice| authority(app, tenant, clients);
    Ok(match choice {
        SignInChoice::Token(token) => {
            let token = AccessToken::new(token.clone());
            token.look_at(wall_clock())?;
            Kind::AccessToken(token)
        }
        SignInChoice::ClientSecret { app, secret } => {
            Kind::ClientSecret(ClientSecret { authority: authority(app)?, secret: secret.fetch()? })
        }
        SignInChoice::ClientCertificate { app, file, password } => {
            let password = password.as_ref().map(SecretSource::fetch).transpose()?;
            let certificate = certificate(file, password.as_ref())?;
            Kind::ClientCertificate(ClientCertificate { authority: authority(app)?, certificate })
        }
        SignInChoice::DeviceCode(app) => Kind::SignedIn(kept(authority(app)?)?),
        SignInChoice::ManagedIdentity { identity, endpoint } => {
            let (IdentityEndpoint::MachineMetadata(url) | IdentityEndpoint::AppService { url, .. }) =
                endpoint;
            let transport = clients.client(url, Priority::Normal)?;
            let (identity, endpoint) = (identity.clone(), endpoint.clone());
            Kind::ManagedIdentity(ManagedIdentity { endpoint, identity, graph_root, transport, wall_clock })
        }
        SignInChoice::WorkloadIdentity { app, token } => {
            let (authority, provider) = (authority(app)?, provider(token, tenant, clients)?);
            Kind::WorkloadIdentity(WorkloadIdentity { authority, token: token.clone(), provider })
        }
        SignInChoice::AzureCli(tenant) => {
            let (program, tenant) = ("az".to_owned(), tenant.clone());
            Kind::AzureCli(AzureCli { program, tenant, graph_root, wall_clock })
        }
        SignInChoice::TokenCommand(words) => {
            Kind::TokenCommand(TokenCommand { words: words.clone(), wall_clock })
        }
        SignInChoice::Auto { missing, .. } => return Err(SettingsError::from(*missing).into()),
    })
}

/// The way to whoever hands out the other token; a file needs none.
fn provider(token: &FederatedToken, tenant: &Tenant, clients: &Clients) -> Result<Http, AppError> {
    let url = match token {
        FederatedToken::File(_) => &tenant.authority,
        FederatedToken::GitHub { url, .. } | FederatedToken::AzurePipelines { url, .. } => url,
    };
    clients.client(url, Priority::Normal)
}

fn certificate(path: &Path, password: Option<&Secret>) -> Result<Certificate, AppError> {
    let bytes = private_file(path)?;
    let refuse = |reason: String| SettingsError::SecretFile { path: path.to_owned(), reason };
    Ok(Certificate::parse(&bytes, password).map_err(|error| refuse(error.to_string()))?)
}

/// A person who signed in before.
fn kept(authority: Authority<Http>) -> Result<SignedIn<Http>, AppError> {
    let cache = cache(&authority.app)?;
    let kept = cache.read().map_err(|error| unusable(cache.path(), &error))?.ok_or_else(|| {
        let message = "nobody has signed in to this tenant with this app: run `authwave sign-in`";
        SignInError::Refused { code: "device-code".to_owned(), message: message.to_owned() }
    })?;
    let refresh_token = kept.refresh_token.clone();
    let keep =
        move |next: &Secret| cache.write(&Kept { refresh_token: next.clone(), ..kept.clone() }).map(|_| ());
    Ok(SignedIn::new(authority, refresh_token, Box::new(keep)))
}
