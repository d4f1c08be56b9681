//! The platform's keyring (Secret Service, Keychain, Credential Manager), where there is one. The one door to it.

use super::sealing::SealingKey;

/// Whether a key is made where the keyring has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something is to be kept.
    Seal,
    /// Something that was kept is to be read.
    Open,
}

/// The key of the file `name`; `None` where there is no keyring, or it is locked.
#[cfg(feature = "keyring")]
#[must_use]
pub fn key(name: &str, purpose: Purpose) -> Option<SealingKey> {
    let entry = keyring::v1::Entry::new("authwave", name);
    entry.ok().and_then(|entry| key_in(&entry.inner, purpose))
}

/// There is no keyring in this build.
#[cfg(not(feature = "keyring"))]
#[must_use]
pub const fn key(_name: &str, _purpose: Purpose) -> Option<SealingKey> {
    None
}

#[cfg(feature = "keyring")]
fn key_in(entry: &keyring_core::Entry, purpose: Purpose) -> Option<SealingKey> {
    use aws_lc_rs::rand;
    use zeroize::Zeroizing;

    match (entry.get_secret(), purpose) {
        (Ok(bytes), _) => SealingKey::new(&Zeroizing::new(bytes)),
        (Err(keyring_core::Error::NoEntry), Purpose::Seal) => {
            let mut bytes = Zeroizing::new([0; super::sealing::KEY_LEN]);
            rand::fill(bytes.as_mut_slice()).ok()?;
            entry.set_secret(bytes.as_slice()).ok()?;
            SealingKey::new(bytes.as_slice())
        }
        (Err(_), Purpose::Seal | Purpose::Open) => None,
    }
}

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use keyring_core::api::CredentialStoreApi as _;

    use super::*;
    use crate::model::secret::Secret;

    #[test]
    fn a_key_is_made_once_when_something_is_kept_and_found_again() {
        let store = keyring_core::mock::Store::new().unwrap();
        let entry = store.build("authwave", "file", None).unwrap();
        assert!(key_in(&entry, Purpose::Open).is_none(), "nothing was kept yet");
        let sealed = key_in(&entry, Purpose::Seal).unwrap().seal("file", &Secret::new("s3cret")).unwrap();
        for purpose in [Purpose::Open, Purpose::Seal] {
            let opened = key_in(&entry, purpose).unwrap().open("file", &sealed);
            assert_eq!(opened, Some(Secret::new("s3cret")));
        }
    }
}
