//! An app that signs in with another identity provider's token (workload identity federation): Kubernetes, GitHub
//! Actions, Azure Pipelines.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::model::secret::Secret;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::{Method, Request, Response, Transport};

use super::asking::ask;
use super::authority::{Authority, plain};
use super::client_certificate::ASSERTION_TYPE;
use super::client_secret::client_credentials;
use super::demand::Demand;
use super::granted::Granted;

/// Where the other provider's token comes from. It is fetched anew for every token of ours, since it lives minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FederatedToken {
    /// A file that is written anew while this runs: `AZURE_FEDERATED_TOKEN_FILE`.
    File(PathBuf),
    /// GitHub's endpoint (GitHub Actions, "About security hardening with `OpenID` Connect").
    GitHub {
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`, with a query already.
        url: String,
        /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        token: Secret,
    },
    /// Azure Pipelines' endpoint (Azure DevOps, "Oidctoken - Create").
    AzurePipelines {
        /// `SYSTEM_OIDCREQUESTURI`.
        url: String,
        /// `SYSTEM_ACCESSTOKEN`.
        token: Secret,
        /// The id of the service connection that the pipeline may use.
        service_connection: String,
    },
}

/// The audience that Entra ID wants (Entra ID, "Workload identity federation").
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// An app with a federated credential.
pub struct WorkloadIdentity<T> {
    /// Who asks whom.
    pub authority: Authority<T>,
    /// Where the other provider's token comes from.
    pub token: FederatedToken,
    /// The way to the other provider.
    pub provider: T,
}

/// What the providers answer.
#[derive(Deserialize)]
struct Issued {
    #[serde(alias = "oidcToken")]
    value: String,
}

impl<T: Transport> WorkloadIdentity<T> {
    /// Fetches the other provider's token and asks with it for ours.
    ///
    /// # Errors
    /// When one of the two could not be had.
    pub async fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        let assertion = match &self.token {
            FederatedToken::File(path) => read(path)?,
            FederatedToken::GitHub { .. } | FederatedToken::AzurePipelines { .. } => {
                self.issued(demand).await?
            }
        };
        let form = || {
            let mut form =
                vec![plain("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.clone())];
            form.extend(client_credentials(&self.authority));
            Ok(form)
        };
        self.authority.grant(demand, form).await
    }

    async fn issued(&self, demand: Demand<'_>) -> Result<Secret, SignInError> {
        let request = || Ok(self.request());
        let read = |response: &Response| serde_json::from_slice::<Issued>(&response.body).ok();
        let asked = ask(&self.provider, demand.patience, request, read).await?;
        asked.map(|issued| Secret::new(issued.value)).map_err(|response| {
            let cure = match &self.token {
                FederatedToken::AzurePipelines { .. } => {
                    "let the step see SYSTEM_ACCESSTOKEN, and the pipeline use the service connection"
                }
                FederatedToken::GitHub { .. } | FederatedToken::File(_) => {
                    "give the workflow the permission `id-token: write`"
                }
            };
            refusal(format!("the pipeline's provider of tokens answered {}; {cure}", response.status))
        })
    }

    fn request(&self) -> Request {
        let (method, url, token, fields) = match &self.token {
            FederatedToken::AzurePipelines { url, token, service_connection } => {
                let url = format!("{url}?api-version=7.1&serviceConnectionId={service_connection}");
                // Without it a refusal is a redirect to a page that asks people to sign in.
                let fields = vec![plain("x-tfs-fedauthredirect", "Suppress")];
                (Method::Post, url, Some(token), fields)
            }
            FederatedToken::GitHub { url, token } => {
                let separator = if url.contains('?') { '&' } else { '?' };
                let audience = AUDIENCE.replace(':', "%3A").replace('/', "%2F");
                (Method::Get, format!("{url}{separator}audience={audience}"), Some(token), Vec::new())
            }
            FederatedToken::File(_) => (Method::Get, String::new(), None, Vec::new()),
        };
        let (bearer, client_request_id) = (token.cloned(), String::new());
        Request { method, url, bearer, client_request_id, body: None, fields }
    }
}

fn read(path: &PathBuf) -> Result<Secret, SignInError> {
    let refuse =
        |reason: String| refusal(format!("cannot use the federated token in {}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    if text.trim().is_empty() { Err(refuse("it is empty".to_owned())) } else { Ok(Secret::new(text.trim())) }
}

fn refusal(message: String) -> SignInError {
    SignInError::Refused { code: "workload-identity".to_owned(), message }
}

impl<T> fmt::Debug for WorkloadIdentity<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WorkloadIdentity");
        shown.field("authority", &self.authority).field("token", &self.token).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::authority::App;
    use super::super::demand::Occasion;
    use super::*;
    use crate::transport::scripted::{Scripted, answer};

    #[tokio::test(start_paused = true)]
    async fn a_file_s_token_is_read_anew_for_every_token_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let granted = || answer(200, r#"{"expires_in":3600,"access_token":"a"}"#);
        let script = Scripted::new([granted(), granted()]);
        let app = App {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: "contoso.com".to_owned(),
            client_id: "app".to_owned(),
            graph_root: "https://graph.microsoft.com".to_owned(),
        };
        let authority = Authority { app, transport: script.clone(), wall_clock: || Timestamp::UNIX_EPOCH };
        let token = FederatedToken::File(path.clone());
        let identity = WorkloadIdentity { authority, token, provider: script.clone() };
        let patience = std::time::Duration::from_secs(1);
        let demand = Demand { occasion: Occasion::Needed, claims: None, patience };
        for written in ["first", "second"] {
            std::fs::write(&path, written).unwrap();
            identity.fetch(demand).await.unwrap();
            let sent = script.asked().pop().unwrap().body;
            assert!(sent.contains(&format!("client_assertion={written}&")), "{sent}");
        }
    }
}
