//! An app's certificate with its private key, and the assertions that it signs.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use pem::Pem;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use x509_cert::der::Decode as _;

use crate::model::secret::Secret;

/// An assertion is valid for so long behind now; authorities want at most ten minutes in all
/// (Entra ID, "Microsoft identity platform application authentication certificate credentials").
const VALID_FOR: Duration = Duration::from_mins(5);

/// And for so long before now, for an authority whose clock is a little behind.
const BACKDATED: Duration = Duration::from_mins(1);

/// The file holds nothing that can sign.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// It is none of the two forms.
    #[error("it is neither PEM nor PKCS#12")]
    NeitherForm,
    /// The password does not open it.
    #[error(
        "it cannot be opened: the password is wrong or missing (AUTHWAVE_CLIENT_CERTIFICATE_PASSWORD), or it is damaged"
    )]
    Locked,
    /// The private key in it is encrypted.
    #[error(
        "its private key is encrypted PEM; give it as PKCS#12 with a password, or decrypt it (openssl pkcs8 -in FILE)"
    )]
    EncryptedKey,
    /// A part is not there.
    #[error("there is no {0} in it; it must hold both the certificate and its private key")]
    Missing(&'static str),
    /// A part is not what it should be.
    #[error("its {0} cannot be used: it must be an RSA one of 2048 bits or more")]
    Unusable(&'static str),
    /// The two do not belong together.
    #[error("its private key is not that of its first certificate")]
    Mismatch,
}

/// A certificate with its private key.
#[derive(Clone)]
pub struct Certificate {
    /// PEM.
    key: Secret,
    /// Of the certificate's DER form, as the header `x5t#S256` has it.
    thumbprint: String,
    /// When the certificate runs out.
    pub not_after: Timestamp,
}

/// The claims of an assertion.
#[derive(Serialize)]
struct Assertion<'app> {
    aud: &'app str,
    iss: &'app str,
    sub: &'app str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl Certificate {
    /// Reads the content of a PEM or PKCS#12 file.
    ///
    /// # Errors
    /// When it holds no certificate with its RSA key, or is locked.
    pub fn parse(bytes: &[u8], password: Option<&Secret>) -> Result<Self, CertificateError> {
        let (key, der) = match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN") => from_pem(text)?,
            Ok(_) | Err(_) => from_pkcs12(bytes, password.map_or("", Secret::expose))?,
        };
        let certificate =
            x509_cert::Certificate::from_der(&der).map_err(|_| CertificateError::Unusable("certificate"))?;
        let content = certificate.tbs_certificate();
        let not_after = content.validity().not_after.to_unix_duration();
        let not_after = Timestamp::UNIX_EPOCH.checked_add(not_after).unwrap_or(Timestamp::MAX);
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
        let this = Self { key, thumbprint, not_after };
        let public = content.subject_public_key_info().subject_public_key.raw_bytes();
        this.belongs_to(&DecodingKey::from_rsa_der(public))?;
        Ok(this)
    }

    fn belongs_to(&self, public: &DecodingKey) -> Result<(), CertificateError> {
        let probe = b"probe";
        let unusable = |_| CertificateError::Unusable("private key");
        let key = EncodingKey::from_rsa_pem(self.key.expose().as_bytes()).map_err(unusable)?;
        let signature = crypto::sign(probe, &key, Algorithm::PS256).map_err(unusable)?;
        match crypto::verify(&signature, probe, public, Algorithm::PS256) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(CertificateError::Mismatch),
        }
    }

    /// A fresh assertion that the app `client_id` asks the token endpoint `audience` (RFC 7523, signed with PS256).
    ///
    /// # Errors
    /// When the key signs no more, which [`Certificate::parse`] has tried.
    pub fn assertion(
        &self,
        (client_id, audience): (&str, &str),
        now: Timestamp,
    ) -> Result<Secret, CertificateError> {
        let unusable = |_| CertificateError::Unusable("private key");
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(self.thumbprint.clone());
        let at = |offset: i64| now.as_second().saturating_add(offset);
        let (before, behind) = (BACKDATED.as_secs().cast_signed(), VALID_FOR.as_secs().cast_signed());
        let claims = Assertion {
            aud: audience,
            iss: client_id,
            sub: client_id,
            jti: uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid().to_string(),
            nbf: at(-before),
            iat: at(-before),
            exp: at(behind),
        };
        let key = EncodingKey::from_rsa_pem(self.key.expose().as_bytes()).map_err(unusable)?;
        jsonwebtoken::encode(&header, &claims, &key).map(Secret::new).map_err(unusable)
    }
}

fn from_pem(text: &str) -> Result<(Secret, Vec<u8>), CertificateError> {
    let items = pem::parse_many(text).map_err(|_| CertificateError::NeitherForm)?;
    let is_encrypted = |item: &Pem| {
        item.tag() == "ENCRYPTED PRIVATE KEY"
            || (item.tag().ends_with("PRIVATE KEY") && item.headers().get("DEK-Info").is_some())
    };
    if items.iter().any(is_encrypted) {
        return Err(CertificateError::EncryptedKey);
    }
    let with_tag = |tag: &str| items.iter().find(|item| item.tag().ends_with(tag));
    let certificate = with_tag("CERTIFICATE").ok_or(CertificateError::Missing("certificate"))?;
    let key = with_tag("PRIVATE KEY").ok_or(CertificateError::Missing("private key"))?;
    Ok((Secret::new(pem::encode(key)), certificate.contents().to_vec()))
}

fn from_pkcs12(bytes: &[u8], password: &str) -> Result<(Secret, Vec<u8>), CertificateError> {
    // Whatever is DER begins with a sequence.
    if bytes.first() != Some(&0x30) {
        return Err(CertificateError::NeitherForm);
    }
    let store = KeyStore::from_pkcs12(bytes, password, Pkcs12ImportPolicy::Relaxed)
        .map_err(|_| CertificateError::Locked)?;
    let (_, chain) = store.private_key_chain().ok_or(CertificateError::Missing("private key"))?;
    let certificate = chain.certs().first().ok_or(CertificateError::Missing("certificate"))?;
    let key = pem::encode(&Pem::new("PRIVATE KEY", chain.key().as_der()));
    Ok((Secret::new(key), certificate.as_der().to_vec()))
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}
