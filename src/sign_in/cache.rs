//! A person's sign-in, kept in a file of the user's own for later runs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::secret::Secret;

use super::authority::App;
use super::keyring::{self, Purpose};
use super::sealing::SealingKey;

/// A sign-in that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Who signed in, where the token said it.
    pub account: Option<String>,
    /// When.
    pub signed_in_at: Timestamp,
    /// What gets the next token.
    pub refresh_token: Secret,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Stored {
    tenant: String,
    client_id: String,
    account: Option<String>,
    /// RFC 3339.
    signed_in_at: String,
    /// Where it is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What [`SealingKey::seal`] made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed_refresh_token: Option<String>,
}

/// How a sign-in is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Encrypted, with a key in the platform's keyring.
    Keyring,
    /// By the file's mode alone.
    FileMode,
}

/// Where the key comes from.
type Keys = fn(&str, Purpose) -> Option<SealingKey>;

/// Where the sign-in of one app in one tenant is kept.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
    tenant: String,
    client_id: String,
    /// The file's name, which is the key's, too.
    name: String,
    keys: Keys,
}

impl Cache {
    /// The place for an app in a directory that is the user's own.
    #[must_use]
    pub fn new(directory: &Path, app: &App) -> Self {
        Self::with_keys(directory, app, keyring::key)
    }

    fn with_keys(directory: &Path, app: &App, keys: Keys) -> Self {
        let App { authority, tenant, client_id, graph_root } = app;
        let digest =
            Sha256::digest([authority, tenant, client_id, graph_root].map(String::as_str).join("\n"));
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        let name = format!("{:016x}", u64::from_be_bytes(head));
        let path = directory.join(format!("{name}.json"));
        Self { path, tenant: tenant.clone(), client_id: client_id.clone(), name, keys }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept; `None` where nothing was.
    ///
    /// # Errors
    /// When the file cannot be used, or others may read it.
    pub fn read(&self) -> io::Result<Option<Kept>> {
        let mode = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?.permissions().mode(),
        };
        if mode & 0o077 != 0 {
            let text = format!("others may read it (mode {:o}); run `authwave sign-in` again", mode & 0o777);
            return Err(io::Error::other(text));
        }
        let stored: Stored = serde_json::from_slice(&fs::read(&self.path)?)?;
        let Stored { account, signed_in_at, refresh_token, sealed_refresh_token, .. } = stored;
        let signed_in_at = signed_in_at.parse().map_err(io::Error::other)?;
        let opened = || {
            let key = (self.keys)(&self.name, Purpose::Open)?;
            key.open(&self.name, sealed_refresh_token.as_deref()?)
        };
        let refresh_token = refresh_token.map(Secret::new).or_else(opened).ok_or_else(|| {
            let text = "it is encrypted, and the keyring that has its key is not there or locked; unlock it, or run \
                        `authwave sign-in` again";
            io::Error::other(text)
        })?;
        Ok(Some(Kept { account, signed_in_at, refresh_token }))
    }

    /// Keeps a sign-in in the place of what was kept before, at once or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, kept: &Kept) -> io::Result<Protection> {
        let key = (self.keys)(&self.name, Purpose::Seal);
        let sealed = key.and_then(|key| key.seal(&self.name, &kept.refresh_token));
        let protection = if sealed.is_some() { Protection::Keyring } else { Protection::FileMode };
        let stored = Stored {
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
            account: kept.account.clone(),
            signed_in_at: format!("{:.0}", kept.signed_in_at),
            refresh_token: sealed.is_none().then(|| kept.refresh_token.expose().to_owned()),
            sealed_refresh_token: sealed,
        };
        let new = self.path.with_extension(format!("{}.new", std::process::id()));
        // Whatever stands there is of a process with our id that died.
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(&stored)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        Ok(protection)
    }

    /// Forgets what was kept; `false` where nothing was.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(tenant: &str) -> App {
        App {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: tenant.to_owned(),
            client_id: "app".to_owned(),
            graph_root: "https://graph.microsoft.com".to_owned(),
        }
    }

    /// A cache on a machine without a keyring.
    fn plain(directory: &Path, tenant: &str) -> Cache {
        Cache::with_keys(directory, &app(tenant), |_, _| None)
    }

    fn kept(token: &str) -> Kept {
        let signed_in_at = Timestamp::from_second(1_767_225_600).unwrap();
        Kept { account: Some("a@contoso.com".to_owned()), signed_in_at, refresh_token: Secret::new(token) }
    }

    #[test]
    fn a_sign_in_is_kept_for_its_owner_alone_replaced_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let cache = plain(dir.path(), "contoso.com");
        assert_eq!(cache.read().unwrap(), None);
        assert!(!cache.forget().unwrap());
        for token in ["first", "second"] {
            assert_eq!(cache.write(&kept(token)).unwrap(), Protection::FileMode);
            assert_eq!(cache.read().unwrap(), Some(kept(token)));
        }
        assert_eq!(fs::metadata(cache.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(plain(dir.path(), "other.com").read().unwrap(), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(cache.forget().unwrap());
        assert_eq!(cache.read().unwrap(), None);
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_damaged_is_refused_without_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let cache = plain(dir.path(), "contoso.com");
        cache.write(&kept("s3cret")).unwrap();
        fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let told = cache.read().unwrap_err().to_string();
        assert!(told.contains("mode 640"), "{told}");
        fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(cache.path(), "{\"refresh_token\": \"s3cret\", \"tenant\": 7}").unwrap();
        let told = cache.read().unwrap_err().to_string();
        assert!(!told.contains("s3cret"), "{told}");
    }

    #[test]
    fn where_there_is_a_keyring_the_file_is_encrypted_and_nobody_reads_it_without() {
        let dir = tempfile::tempdir().unwrap();
        let keys: Keys = |name, _| SealingKey::new(&[name.len().to_le_bytes()[0]; 32]);
        let cache = Cache::with_keys(dir.path(), &app("contoso.com"), keys);
        assert_eq!(cache.write(&kept("s3cret")).unwrap(), Protection::Keyring);
        assert!(!fs::read_to_string(cache.path()).unwrap().contains("s3cret"));
        assert_eq!(cache.read().unwrap(), Some(kept("s3cret")));
        let told = plain(dir.path(), "contoso.com").read().unwrap_err().to_string();
        assert!(told.contains("keyring") && told.contains("authwave sign-in"), "{told}");
    }
}
