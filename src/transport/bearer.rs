//! Who can give a bearer token: the seam between the Graph client and the kinds of sign-in.

use std::future::Future;
use std::sync::Arc;

use thiserror::Error;

use crate::model::secret::Secret;

/// No token could be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignInError {
    /// The authority said no; asking again says the same.
    #[error("sign-in was refused ({code}): {message}")]
    Refused {
        /// The OAuth 2.0 error (`invalid_client`, …) or our own word.
        code: String,
        /// The authority's words, or ours with the cure; no secret in them.
        message: String,
    },
    /// The authority gave no usable answer, retries included.
    #[error("the sign-in service gave no usable answer: {0}")]
    Unreachable(String),
}

/// Gives bearer tokens for Graph, and renews them in good time.
pub trait Credential: Send + Sync + 'static {
    /// A token to send now. Many may ask at once; at most one renewal runs at a time.
    ///
    /// # Errors
    /// When there is no token and none could be had.
    fn bearer(&self) -> impl Future<Output = Result<Secret, SignInError>> + Send;

    /// A token other than the one that Graph answered with 401.
    /// Where another caller has renewed meanwhile, its token is given without a second renewal.
    ///
    /// # Errors
    /// When none could be had; for a fixed token always.
    fn renew(&self, rejected: Rejected<'_>) -> impl Future<Output = Result<Secret, SignInError>> + Send;
}

/// Several can ask for tokens of one sign-in.
impl<C: Credential> Credential for Arc<C> {
    fn bearer(&self) -> impl Future<Output = Result<Secret, SignInError>> + Send {
        C::bearer(self)
    }

    fn renew(&self, rejected: Rejected<'_>) -> impl Future<Output = Result<Secret, SignInError>> + Send {
        C::renew(self, rejected)
    }
}

/// A token that Graph answered with 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected<'answer> {
    /// The token.
    pub token: &'answer Secret,
    /// What the next one must prove, as JSON, where the answer says so.
    pub claims: Option<&'answer str>,
}
