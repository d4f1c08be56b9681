//! How to sign in, decided from flags, file and what the platform offers.

use std::path::PathBuf;

use crate::model::actor::Actor;
use crate::model::secret::Secret;
use crate::sign_in::managed_identity::{Identity, IdentityEndpoint};
use crate::sign_in::workload_identity::FederatedToken;

use super::address::{endpoint, identity_endpoint};
use super::args;
use super::error::{SettingsError, value};
use super::file;
use super::secret_source::SecretSource;

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInChoice {
    /// With this token.
    Token(Secret),
    /// As an app with a secret.
    ClientSecret {
        /// Which app.
        app: AppChoice,
        /// Where its secret is.
        secret: SecretSource,
    },
    /// As an app with a certificate.
    ClientCertificate {
        /// Which app.
        app: AppChoice,
        /// PEM or PKCS#12, with the private key.
        file: PathBuf,
        /// What opens it.
        password: Option<SecretSource>,
    },
    /// As a person who signs in by a device code, or did so before.
    DeviceCode(AppChoice),
    /// As the Azure resource that this runs on.
    ManagedIdentity {
        /// Which of its identities.
        identity: Identity,
        /// Where it is asked for.
        endpoint: IdentityEndpoint,
    },
    /// As an app with another provider's token.
    WorkloadIdentity {
        /// Which app.
        app: AppChoice,
        /// Where the other token comes from.
        token: FederatedToken,
    },
    /// As whoever is signed in with the Azure CLI, in this tenant.
    AzureCli(Option<String>),
    /// With what a program prints.
    TokenCommand(Vec<String>),
    /// With the first of these that is there.
    Auto {
        /// In this order.
        candidates: Vec<SignInChoice>,
        /// What to set where none is.
        missing: Missing,
    },
}

impl SignInChoice {
    /// For whom its tokens will stand, as far as that can be told before there is one.
    #[must_use]
    pub const fn actor(&self) -> Option<Actor> {
        match self {
            Self::ClientSecret { .. }
            | Self::ClientCertificate { .. }
            | Self::ManagedIdentity { .. }
            | Self::WorkloadIdentity { .. } => Some(Actor::App),
            Self::DeviceCode(_) => Some(Actor::Person),
            Self::Token(_) | Self::AzureCli(_) | Self::TokenCommand(_) | Self::Auto { .. } => None,
        }
    }

    /// The app that signs in, where the settings name it.
    #[must_use]
    pub const fn app(&self) -> Option<&AppChoice> {
        match self {
            Self::ClientSecret { app, .. }
            | Self::ClientCertificate { app, .. }
            | Self::DeviceCode(app)
            | Self::WorkloadIdentity { app, .. } => Some(app),
            Self::Token(_)
            | Self::ManagedIdentity { .. }
            | Self::AzureCli(_)
            | Self::TokenCommand(_)
            | Self::Auto { .. } => None,
        }
    }
}

/// An app of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppChoice {
    /// The tenant's id or domain.
    pub tenant: String,
    /// The app's id.
    pub client_id: String,
}

/// What is missing, and how to give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: &'static str,
    /// How to give it.
    pub cure: &'static str,
}

impl From<Missing> for SettingsError {
    fn from(Missing { what, cure }: Missing) -> Self {
        Self::Missing { what, cure }
    }
}

/// The secrets that the environment holds, and what the platform tells there.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// `AUTHWAVE_ACCESS_TOKEN`.
    pub access_token: Option<Secret>,
    /// `AUTHWAVE_CLIENT_SECRET`.
    pub client_secret: Option<Secret>,
    /// `AUTHWAVE_CLIENT_CERTIFICATE_PASSWORD`.
    pub client_certificate_password: Option<Secret>,
    /// What the platform tells.
    pub platform: Platform,
}

/// What Azure, Kubernetes and pipelines put into the environment of what they run.
#[derive(Debug, Clone, Default)]
pub struct Platform {
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
    pub app_service: Option<(String, Secret)>,
    /// `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token_file: Option<PathBuf>,
    /// `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub tenant: Option<String>,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub github: Option<(String, Secret)>,
    /// `SYSTEM_OIDCREQUESTURI` and `SYSTEM_ACCESSTOKEN`.
    pub azure_pipelines: Option<(String, Secret)>,
    /// `AZURESUBSCRIPTION_SERVICE_CONNECTION_ID`.
    pub service_connection: Option<String>,
}

/// The kinds that `--sign-in` and `sign_in.kind` name.
pub const KINDS: [&str; 9] = [
    "auto",
    "token",
    "client-secret",
    "client-certificate",
    "device-code",
    "managed-identity",
    "workload-identity",
    "azure-cli",
    "token-command",
];

const NOTHING: Missing = Missing {
    what: "a way to sign in",
    cure: "set AUTHWAVE_ACCESS_TOKEN, or give the app's id (--client-id or sign_in.client_id) and its secret or \
           certificate, or run `authwave sign-in`; to try without a tenant add --rehearse",
};
const NO_TENANT: Missing =
    Missing { what: "the tenant", cure: "give its id or domain with --tenant, AUTHWAVE_TENANT or tenant.id" };
const NO_SECRET: Missing = Missing {
    what: "the client secret",
    cure: "set AUTHWAVE_CLIENT_SECRET, or sign_in.client_secret_file or client_secret_command",
};
const NO_CERTIFICATE: Missing = Missing {
    what: "the client certificate",
    cure: "name its file with --client-certificate-file or sign_in.client_certificate_file",
};
const NO_FEDERATION: Missing = Missing {
    what: "another provider's token",
    cure: "workload-identity needs AZURE_FEDERATED_TOKEN_FILE (Kubernetes) or sign_in.federated_token_file, the \
           permission `id-token: write` (GitHub Actions), or SYSTEM_ACCESSTOKEN and sign_in.service_connection \
           (Azure Pipelines)",
};
const NO_COMMAND: Missing = Missing {
    what: "the token's command",
    cure: "set sign_in.token_command to a program and its arguments, as [\"get-token\", \"graph\"]",
};

/// Decides how to sign in.
///
/// # Errors
/// When a value cannot be used, or one that is needed is missing.
pub(super) fn sign_in_choice(
    flags: &args::Tenant,
    tenant: Option<String>,
    file: file::SignIn,
    secrets: Secrets,
) -> Result<SignInChoice, SettingsError> {
    let kind = flags.sign_in.clone().or(file.kind.clone()).unwrap_or_else(|| "auto".to_owned());
    let given = Given { flags, tenant, file, secrets };
    match kind.as_str() {
        "auto" => given.auto(),
        "token" => given
            .token()
            .ok_or(SettingsError::Missing { what: "the access token", cure: "set AUTHWAVE_ACCESS_TOKEN" }),
        "client-secret" => given.client_secret(),
        "client-certificate" => given.client_certificate(),
        "device-code" => Ok(SignInChoice::DeviceCode(given.app()?)),
        "managed-identity" => given.managed_identity(),
        "workload-identity" => given.workload_identity()?.ok_or_else(|| NO_FEDERATION.into()),
        "azure-cli" => Ok(SignInChoice::AzureCli(given.tenant)),
        "token-command" => {
            let words = given.file.token_command.filter(|words| !words.is_empty());
            words.map(SignInChoice::TokenCommand).ok_or_else(|| NO_COMMAND.into())
        }
        other => Err(value(
            "--sign-in (AUTHWAVE_SIGN_IN, sign_in.kind)",
            other,
            format!("no such kind; there are {}", KINDS.join(", ")),
        )),
    }
}

/// All that was given.
struct Given<'flags> {
    flags: &'flags args::Tenant,
    tenant: Option<String>,
    file: file::SignIn,
    secrets: Secrets,
}

impl Given<'_> {
    /// Environment and settings, a person who signed in, workload identity, managed identity, Azure CLI.
    fn auto(self) -> Result<SignInChoice, SettingsError> {
        if let Some(token) = self.token() {
            return Ok(token);
        }
        let missing = match self.app() {
            Ok(_) if self.secret().is_some() => return self.client_secret(),
            Ok(_) if self.certificate_file().is_some() => return self.client_certificate(),
            Ok(_) => NO_SECRET,
            Err(_) if self.client_id().is_some() => NO_TENANT,
            Err(_) => NOTHING,
        };
        let person = self.app().ok().map(SignInChoice::DeviceCode);
        let workload = self.workload_identity()?;
        let resource = self.managed_identity()?;
        let az = SignInChoice::AzureCli(self.tenant);
        let candidates = person.into_iter().chain(workload).chain([resource, az]).collect();
        Ok(SignInChoice::Auto { candidates, missing })
    }

    fn token(&self) -> Option<SignInChoice> {
        self.secrets.access_token.clone().map(SignInChoice::Token)
    }

    fn client_id(&self) -> Option<String> {
        self.flags.client_id.clone().or(self.file.client_id.clone())
    }

    fn app(&self) -> Result<AppChoice, SettingsError> {
        let client_id = self.client_id().ok_or(NOTHING)?;
        let tenant = self.tenant.clone().ok_or(NO_TENANT)?;
        Ok(AppChoice { tenant, client_id })
    }

    fn secret(&self) -> Option<SecretSource> {
        let file = self.flags.client_secret_file.clone().or(self.file.client_secret_file.clone());
        let given = self.secrets.client_secret.clone().map(SecretSource::Given);
        let command = self.file.client_secret_command.clone().map(SecretSource::Command);
        given.or(file.map(SecretSource::File)).or(command)
    }

    fn client_secret(&self) -> Result<SignInChoice, SettingsError> {
        let app = self.app()?;
        let secret = self.secret().ok_or(NO_SECRET)?;
        Ok(SignInChoice::ClientSecret { app, secret })
    }

    fn certificate_file(&self) -> Option<PathBuf> {
        self.flags.client_certificate_file.clone().or(self.file.client_certificate_file.clone())
    }

    fn client_certificate(&self) -> Result<SignInChoice, SettingsError> {
        let app = self.app()?;
        let file = self.certificate_file().ok_or(NO_CERTIFICATE)?;
        let given = self.secrets.client_certificate_password.clone().map(SecretSource::Given);
        let password = given.or(self.file.client_certificate_password_file.clone().map(SecretSource::File));
        Ok(SignInChoice::ClientCertificate { app, file, password })
    }

    fn managed_identity(&self) -> Result<SignInChoice, SettingsError> {
        let file = &self.file;
        let named = [
            file.managed_identity_client_id.clone().map(Identity::ClientId),
            file.managed_identity_object_id.clone().map(Identity::ObjectId),
            file.managed_identity_resource_id.clone().map(Identity::ResourceId),
        ];
        let mut named = named.into_iter().flatten();
        let identity = named.next().unwrap_or(Identity::SystemAssigned);
        if named.next().is_some() {
            let reason = "name a user-assigned identity once: by client_id, object_id or resource_id";
            return Err(value("sign_in.managed_identity_…", "several", reason));
        }
        let endpoint = if let Some((url, header)) = &self.secrets.platform.app_service {
            let (url, header) = (identity_endpoint("IDENTITY_ENDPOINT", url)?, header.clone());
            IdentityEndpoint::AppService { url, header }
        } else {
            let name = "--metadata-endpoint (AUTHWAVE_METADATA_ENDPOINT, sign_in.metadata_endpoint)";
            let given = self.flags.metadata_endpoint.clone().or(file.metadata_endpoint.clone());
            let root = given.unwrap_or_else(|| "http://169.254.169.254".to_owned());
            IdentityEndpoint::MachineMetadata(identity_endpoint(name, &root)?)
        };
        Ok(SignInChoice::ManagedIdentity { identity, endpoint })
    }

    /// `None` where no other provider is there.
    fn workload_identity(&self) -> Result<Option<SignInChoice>, SettingsError> {
        let Some(token) = self.federated_token()? else { return Ok(None) };
        let platform = &self.secrets.platform;
        let client_id = self.client_id().or(platform.client_id.clone()).ok_or(NOTHING)?;
        let tenant = self.tenant.clone().or(platform.tenant.clone()).ok_or(NO_TENANT)?;
        Ok(Some(SignInChoice::WorkloadIdentity { app: AppChoice { tenant, client_id }, token }))
    }

    fn federated_token(&self) -> Result<Option<FederatedToken>, SettingsError> {
        let platform = &self.secrets.platform;
        let file = self.file.federated_token_file.clone().or(platform.federated_token_file.clone());
        if let Some(path) = file {
            return Ok(Some(FederatedToken::File(path)));
        }
        if let Some((url, token)) = &platform.github {
            let (url, token) = (endpoint("ACTIONS_ID_TOKEN_REQUEST_URL", url)?, token.clone());
            return Ok(Some(FederatedToken::GitHub { url, token }));
        }
        let connection = self.file.service_connection.clone().or(platform.service_connection.clone());
        let (Some((url, token)), Some(service_connection)) = (&platform.azure_pipelines, connection) else {
            return Ok(None);
        };
        let (url, token) = (endpoint("SYSTEM_OIDCREQUESTURI", url)?, token.clone());
        Ok(Some(FederatedToken::AzurePipelines { url, token, service_connection }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(
        kind: Option<&str>,
        file: file::SignIn,
        secrets: Secrets,
    ) -> Result<SignInChoice, SettingsError> {
        let flags = args::Tenant { sign_in: kind.map(str::to_owned), ..args::Tenant::default() };
        sign_in_choice(&flags, Some("contoso.com".to_owned()), file, secrets)
    }

    fn app() -> file::SignIn {
        file::SignIn { client_id: Some("app".to_owned()), ..file::SignIn::default() }
    }

    fn secret(platform: Platform) -> Secrets {
        Secrets { client_secret: Some(Secret::new("s3cret")), platform, ..Secrets::default() }
    }

    fn kubernetes() -> Platform {
        Platform {
            federated_token_file: Some(PathBuf::from("/var/run/token")),
            client_id: Some("pod".to_owned()),
            tenant: Some("elsewhere.com".to_owned()),
            ..Platform::default()
        }
    }

    #[test]
    fn auto_takes_what_was_given_before_what_the_platform_offers() {
        let taken = choice(None, app(), secret(kubernetes())).unwrap();
        assert!(matches!(taken, SignInChoice::ClientSecret { .. }), "{taken:?}");
        let file = file::SignIn { client_certificate_file: Some(PathBuf::from("c.pem")), ..app() };
        let taken = choice(None, file, Secrets::default()).unwrap();
        assert!(matches!(taken, SignInChoice::ClientCertificate { .. }), "{taken:?}");
        let secrets = Secrets { platform: kubernetes(), ..Secrets::default() };
        let SignInChoice::Auto { candidates, missing } = choice(None, app(), secrets).unwrap() else {
            panic!()
        };
        assert!(
            matches!(
                candidates[..],
                [
                    SignInChoice::DeviceCode(_),
                    SignInChoice::WorkloadIdentity { .. },
                    SignInChoice::ManagedIdentity { .. },
                    SignInChoice::AzureCli(_)
                ]
            ),
            "{candidates:?}"
        );
        assert_eq!(missing, NO_SECRET);
    }

    #[test]
    fn the_platform_s_app_and_tenant_count_where_none_are_set() {
        let secrets = || Secrets { platform: kubernetes(), ..Secrets::default() };
        let SignInChoice::WorkloadIdentity { app, .. } =
            choice(Some("workload-identity"), file::SignIn::default(), secrets()).unwrap()
        else {
            panic!()
        };
        assert_eq!((app.tenant.as_str(), app.client_id.as_str()), ("contoso.com", "pod"));
    }

    #[test]
    fn secrets_go_to_https_or_to_this_machine_only() {
        let pair = |url: &str| Some((url.to_owned(), Secret::new("s3cret")));
        for (kind, platform, is_taken) in [
            (
                "managed-identity",
                Platform { app_service: pair("http://169.254.130.3:8081/msi/token"), ..Platform::default() },
                true,
            ),
            (
                "managed-identity",
                Platform { app_service: pair("http://localhost:42356/msi/token"), ..Platform::default() },
                true,
            ),
            (
                "managed-identity",
                Platform { app_service: pair("http://10.0.0.1/msi/token"), ..Platform::default() },
                false,
            ),
            (
                "managed-identity",
                Platform { app_service: pair("http://evil.example/"), ..Platform::default() },
                false,
            ),
            (
                "workload-identity",
                Platform { github: pair("https://pipelines.example/?a=b"), ..kubernetes_less_file() },
                true,
            ),
            (
                "workload-identity",
                Platform { github: pair("http://pipelines.example/?a=b"), ..kubernetes_less_file() },
                false,
            ),
        ] {
            let told =
                choice(Some(kind), file::SignIn::default(), Secrets { platform, ..Secrets::default() });
            assert_eq!(told.is_ok(), is_taken, "{told:?}");
            assert!(!format!("{told:?}").contains("s3cret"));
        }
    }

    fn kubernetes_less_file() -> Platform {
        Platform { federated_token_file: None, ..kubernetes() }
    }

    #[test]
    fn a_kind_says_what_it_lacks() {
        for (kind, word) in [
            ("client-certificate", "client_certificate_file"),
            ("workload-identity", "AZURE_FEDERATED_TOKEN_FILE"),
            ("token-command", "sign_in.token_command"),
            ("device-code", "app's id"),
            ("magic", "azure-cli, token-command"),
        ] {
            let file = if kind == "client-certificate" { app() } else { file::SignIn::default() };
            let told = choice(Some(kind), file, Secrets::default()).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
        let twice = file::SignIn {
            managed_identity_client_id: Some("a".to_owned()),
            managed_identity_object_id: Some("b".to_owned()),
            ..file::SignIn::default()
        };
        assert!(choice(Some("managed-identity"), twice, Secrets::default()).is_err());
    }
}
