//! Encrypts what is kept in a file, with a key that the platform's keyring keeps (AES-256-GCM).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::model::secret::Secret;

/// How long a key is, in bytes.
pub const KEY_LEN: usize = 32;

/// A key for one file.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; KEY_LEN]>);

impl SealingKey {
    /// Takes over what the keyring kept; `None` where that is no key.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Seals a text for the place `name`, and for no other. `None` where the machine has no randomness.
    #[must_use]
    pub fn seal(&self, name: &str, text: &Secret) -> Option<String> {
        let mut sealed = text.expose().as_bytes().to_vec();
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed).ok()?;
        Some(STANDARD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for the place `name`; `None` where it was not, by this key, or was changed.
    #[must_use]
    pub fn open(&self, name: &str, sealed: &str) -> Option<Secret> {
        let mut bytes = Zeroizing::new(STANDARD.decode(sealed).ok()?);
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.cipher()?.open_in_place(nonce, Aad::from(name.as_bytes()), sealed).ok()?;
        std::str::from_utf8(text).ok().map(Secret::new)
    }

    fn cipher(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, self.0.as_slice()).ok()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_its_key_for_its_place_alone() {
        let (key, other) = (SealingKey::new(&[7; KEY_LEN]).unwrap(), SealingKey::new(&[8; KEY_LEN]).unwrap());
        let sealed = key.seal("here", &Secret::new("s3cret")).unwrap();
        assert!(!STANDARD.decode(&sealed).unwrap().windows(6).any(|window| window == b"s3cret"));
        assert_ne!(key.seal("here", &Secret::new("s3cret")).unwrap(), sealed, "no nonce comes twice");
        assert_eq!(key.open("here", &sealed), Some(Secret::new("s3cret")));
        assert_eq!((key.open("there", &sealed), other.open("here", &sealed)), (None, None));
        let changed = sealed.replacen(|character: char| character != 'A', "A", 1);
        for text in ["", "AAAA", "no base64", &changed] {
            assert_eq!(key.open("here", text), None, "{text}");
        }
        assert!(SealingKey::new(&[7; 31]).is_none());
        assert_eq!(format!("{key:?}"), "SealingKey");
    }
}
