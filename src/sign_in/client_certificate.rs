//! An app that signs in with its certificate (OAuth 2.0 client credentials grant with an assertion).

use jiff::Timestamp;

use crate::transport::bearer::SignInError;
use crate::transport::exchange::Transport;

use super::authority::{Authority, Form, plain};
use super::certificate::Certificate;
use super::client_secret::client_credentials;
use super::demand::Demand;
use super::granted::Granted;

/// An app with a certificate.
#[derive(Debug)]
pub struct ClientCertificate<T> {
    /// Who asks whom.
    pub authority: Authority<T>,
    /// What signs.
    pub certificate: Certificate,
}

impl<T: Transport> ClientCertificate<T> {
    /// Asks for a token, with a new assertion for every try.
    ///
    /// # Errors
    /// When it was refused, or no usable answer came in time.
    pub async fn fetch(&self, demand: Demand<'_>) -> Result<Granted, SignInError> {
        let app = &self.authority.app;
        let audience = app.token_endpoint();
        let form = || {
            let now = (self.authority.wall_clock)();
            if now > self.certificate.not_after {
                return Err(run_out(self.certificate.not_after));
            }
            let assertion = self.certificate.assertion((&app.client_id, &audience), now);
            let assertion = assertion.map_err(|error| refusal(error.to_string()))?;
            let mut form =
                vec![plain("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
            form.extend(client_credentials(&self.authority));
            Ok::<Form, SignInError>(form)
        };
        self.authority.grant(demand, form).await
    }
}

/// RFC 7523 §2.2.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn run_out(not_after: Timestamp) -> SignInError {
    refusal(format!("the certificate ran out on {not_after:.0}: make a new one and upload its public part"))
}

fn refusal(message: String) -> SignInError {
    SignInError::Refused { code: "client-certificate".to_owned(), message }
}
