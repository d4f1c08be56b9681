//! Checks a client assertion the way an authority does (Entra ID, "Microsoft identity platform application
//! authentication certificate credentials"), with a JWT library.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use x509_cert::der::Decode as _;

/// An assertion may be valid for so long in all, in seconds.
const LONGEST_VALIDITY_S: i64 = 600;

/// Clocks may differ by so much, in seconds.
const TOLERANCE_S: i64 = 300;

/// The public part of an app's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCertificate {
    /// PKCS#1.
    public_key: Vec<u8>,
    thumbprint: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    jti: String,
    nbf: i64,
    exp: i64,
}

impl AppCertificate {
    /// Reads the first certificate of a PEM text; `None` where there is none.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let items = pem::parse_many(text).ok()?;
        let item = items.into_iter().find(|item| item.tag() == "CERTIFICATE")?;
        let certificate = x509_cert::Certificate::from_der(item.contents()).ok()?;
        let key = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(item.contents()));
        Some(Self { public_key: key.to_vec(), thumbprint })
    }

    /// Gives the id that makes an assertion unique, for whoever remembers them.
    ///
    /// # Errors
    /// What an authority says of one that it does not take.
    pub(super) fn check(
        &self,
        assertion: &str,
        (client_id, audience): (&str, &str),
        now: Timestamp,
    ) -> Result<String, &'static str> {
        let header =
            decode_header(assertion).map_err(|_| "AADSTS50027: JWT token is invalid or malformed.")?;
        if header.x5t_s256.as_deref() != Some(&self.thumbprint) {
            return Err(
                "AADSTS700027: The certificate with identifier used to sign the client assertion is not \
                        registered on application.",
            );
        }
        let mut validation = Validation::new(Algorithm::PS256);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        // The simulated time decides below, not the machine's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let key = DecodingKey::from_rsa_der(&self.public_key);
        let claims = decode::<Claims>(assertion, &key, &validation)
            .map_err(|_| "AADSTS700027: Client assertion failed signature validation.")?
            .claims;
        if claims.iss != client_id || claims.sub != client_id || claims.jti.is_empty() {
            return Err(
                "AADSTS700021: Client assertion application identifier doesn't match 'client_id' parameter.",
            );
        }
        let now = now.as_second();
        let is_current = claims.nbf <= now + TOLERANCE_S && now - TOLERANCE_S < claims.exp;
        if !is_current || claims.exp - claims.nbf > LONGEST_VALIDITY_S {
            return Err("AADSTS700024: Client assertion is not within its valid time range.");
        }
        Ok(claims.jti)
    }
}
