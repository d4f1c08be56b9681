//! How the tenant behaves.

use std::time::Duration;

use jiff::Timestamp;

use super::authority::SignInSettings;
use super::directory::DirectorySettings;
use super::faults::FaultRates;
use super::phones::Numbers;
use super::resets::ResetSettings;
use super::throttle::{Allowance, RetryAfterForm};
use super::tokens::{TokenKind, TokenSettings};
use super::users::Population;

/// How the tenant behaves.
#[derive(Debug, Clone)]
pub struct TenantSettings {
    /// Scheme, host and port under which it is reached; operations' addresses begin with it.
    pub origin: String,
    /// The wall-clock time of its beginning.
    pub epoch: Timestamp,
    /// What chance begins with.
    pub seed: u64,
    /// Who exists.
    pub population: Population,
    /// For how long a user is unknown after being added or first mentioned.
    pub user_lag: Duration,
    /// How long every answer takes.
    pub latency: Duration,
    /// Quota of reads; `None` for none.
    pub reads: Option<Allowance>,
    /// Quota of writes; `None` for none.
    pub writes: Option<Allowance>,
    /// How a 429 says when to come back.
    pub retry_after: RetryAfterForm,
    /// Whether answers tell how much of the quota is used.
    pub usage: Usage,
    /// Who a 429 says is hit.
    pub blame: Blame,
    /// What goes wrong.
    pub faults: FaultRates,
    /// How resets go.
    pub resets: ResetSettings,
    /// What the token endpoint grants.
    pub tokens: TokenSettings,
    /// How sign-in behaves.
    pub sign_in: SignInSettings,
    /// Whether numbers are shown whole.
    pub numbers: Numbers,
    /// What the directory says of users beside their methods.
    pub directory: DirectorySettings,
    /// Whether writes are allowed at all.
    pub permission: Permission,
    /// How many items a list shows at once; at least 1.
    pub page_size: usize,
}

/// Whether answers tell how much of the quota is used, from 0.8 on: `x-ms-throttle-limit-percentage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// They do.
    Told,
    /// They do not.
    Silent,
}

/// Who a 429 says is hit, in `x-ms-throttle-scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The application in this tenant.
    Application,
    /// All of the tenant.
    Tenant,
}

/// Whether the caller may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    ReadWrite,
    /// Every write is refused with 403.
    ReadOnly,
}

impl TenantSettings {
    /// A tenant without quotas, faults and latency.
    #[must_use]
    pub fn plain(origin: impl Into<String>, epoch: Timestamp) -> Self {
        Self {
            origin: origin.into(),
            epoch,
            seed: 1,
            population: Population::Everyone,
            user_lag: Duration::ZERO,
            latency: Duration::ZERO,
            reads: None,
            writes: None,
            retry_after: RetryAfterForm::Seconds,
            usage: Usage::Told,
            blame: Blame::Application,
            faults: FaultRates::default(),
            resets: ResetSettings::default(),
            tokens: TokenSettings {
                lifetime: Duration::from_hours(1),
                kind: TokenKind::AppOnly,
                client_secret: None,
            },
            sign_in: SignInSettings::default(),
            numbers: Numbers::Whole,
            directory: DirectorySettings::default(),
            permission: Permission::ReadWrite,
            page_size: usize::MAX,
        }
    }
}
