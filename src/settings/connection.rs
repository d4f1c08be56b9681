//! The tenant to talk to, decided.

use std::path::PathBuf;

use crate::graph::cloud::Cloud;

use super::error::{SettingsError, value};
use super::sign_in::SignInChoice;

/// The tenant to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Which cloud it is in.
    pub cloud: Cloud,
    /// Without version and final slash.
    pub graph_root: String,
    /// Without final slash.
    pub authority: String,
    /// How to sign in.
    pub sign_in: SignInChoice,
    /// PEM certificates to trust besides the platform's.
    pub ca_file: Option<PathBuf>,
}

/// What a run talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A tenant that this process makes up.
    Rehearsal,
    /// A real one, or a simulator that runs elsewhere.
    Tenant(Tenant),
}

/// The cloud of this name.
pub(super) fn cloud(name: &str) -> Result<Cloud, SettingsError> {
    Cloud::ALL.into_iter().find(|cloud| cloud.name() == name).ok_or_else(|| {
        let reason = "no such cloud; there are global, us-gov, us-gov-dod and china";
        value("--cloud (AUTHWAVE_CLOUD, tenant.cloud)", name, reason)
    })
}
