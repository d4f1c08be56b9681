//! The identity of an Azure resource: a virtual machine's (IMDS), or an App Service's, Function's or Container App's.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use url::form_urlencoded;

use crate::model::secret::Secret;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::{Method, Request, Response, Transport};

use super::asking::ask;
use super::demand::Demand;
use super::granted::Granted;

/// Where the identity is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityEndpoint {
    /// A virtual machine's, as `http://169.254.169.254` (Managed identities, "How to use managed identities for Azure
    /// resources on an Azure VM to acquire an access token").
    MachineMetadata(String),
    /// An App Service's, whole (App Service, "Use managed identities: REST endpoint reference").
    AppService {
        /// `IDENTITY_ENDPOINT`.
        url: String,
        /// `IDENTITY_HEADER`.
        header: Secret,
    },
}

/// Which of the resource's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The one that it has of itself.
    SystemAssigned,
    /// By its client id.
    ClientId(String),
    /// By its object (principal) id.
    ObjectId(String),
    /// By its Azure resource id.
    ResourceId(String),
}

/// An Azure resource's identity.
pub struct ManagedIdentity<T> {
    /// Where it is asked for.
    pub endpoint: IdentityEndpoint,
    /// Which.
    pub identity: Identity,
    /// The Graph root.
    pub graph_root: String,
    /// The way there: no proxy.
    pub transport: T,
    /// The present time.
    pub wall_clock: fn() -> Timestamp,
}

impl<T: Transport> ManagedIdentity<T> {
    /// Asks for a token.
    ///
    /// # Errors
    /// When it was refused, or no usable answer came in time.
    pub async fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        let read = |response: &Response| Granted::from_json(&response.body, (self.wall_clock)());
        let asked = ask(&self.transport, demand.patience, || Ok(self.request()), read).await?;
        asked.map_err(|response| denied(&response))
    }

    fn request(&self) -> Request {
        let resource_id = match &self.endpoint {
            IdentityEndpoint::MachineMetadata(_) => "msi_res_id",
            IdentityEndpoint::AppService { .. } => "mi_res_id",
        };
        let (root, version, field) = match &self.endpoint {
            IdentityEndpoint::MachineMetadata(root) => (
                format!("{root}/metadata/identity/oauth2/token"),
                "2018-02-01",
                ("metadata", Secret::new("true")),
            ),
            IdentityEndpoint::AppService { url, header } => {
                (url.clone(), "2019-08-01", ("x-identity-header", header.clone()))
            }
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", version).append_pair("resource", &self.graph_root);
        match &self.identity {
            Identity::SystemAssigned => {}
            Identity::ClientId(id) => drop(query.append_pair("client_id", id)),
            Identity::ObjectId(id) => drop(query.append_pair("object_id", id)),
            Identity::ResourceId(id) => drop(query.append_pair(resource_id, id)),
        }
        Request {
            method: Method::Get,
            url: format!("{root}?{}", query.finish()),
            bearer: None,
            client_request_id: String::new(),
            body: None,
            fields: vec![field],
        }
    }
}

/// Both forms: IMDS's and App Service's.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Denied {
    error: String,
    error_description: String,
    message: String,
}

fn denied(response: &Response) -> SignInError {
    let denied: Denied = serde_json::from_slice(&response.body).unwrap_or_default();
    let told = if denied.error_description.is_empty() { denied.message } else { denied.error_description };
    let told = told.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
    let told =
        if told.is_empty() { format!("the identity endpoint answered {}", response.status) } else { told };
    let code = if denied.error.is_empty() { format!("http-{}", response.status) } else { denied.error };
    let cure = "give this resource a system-assigned identity, or name its user-assigned one \
                (sign_in.managed_identity_client_id, _object_id or _resource_id)";
    SignInError::Refused { code, message: format!("{told}; {cure}") }
}

impl<T> fmt::Debug for ManagedIdentity<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ManagedIdentity");
        shown.field("endpoint", &self.endpoint).field("identity", &self.identity).finish_non_exhaustive()
    }
}
