//! What tells a file from others, and from itself after a change.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A file's size and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Its bytes.
    pub bytes: u64,
    /// The SHA-256 digest of all of them, in lower-case hexadecimal.
    pub sha256: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.sha256.get(..12).unwrap_or(&self.sha256);
        write!(f, "{} bytes, SHA-256 {start}…", self.bytes)
    }
}
