//! A token that somebody else got: used as it is.

use crate::model::secret::Secret;
use crate::transport::bearer::{Credential, SignInError};

/// A fixed token. It cannot be renewed.
#[derive(Debug, Clone)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// Takes the token over.
    #[must_use]
    pub const fn new(token: Secret) -> Self {
        Self(token)
    }
}

impl Credential for AccessToken {
    async fn bearer(&self) -> Result<Secret, SignInError> {
        Ok(self.0.clone())
    }

    async fn renew(&self, _rejected: &Secret) -> Result<Secret, SignInError> {
        Err(SignInError::Refused {
            code: "access-token".to_owned(),
            message: "Graph refuses the token in AUTHWAVE_ACCESS_TOKEN: it has run out, or was made for something else \
                      than Graph; get a new one"
                .to_owned(),
        })
    }
}
