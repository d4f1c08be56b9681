//! An authentication method that a user has.

use serde::{Deserialize, Serialize};

/// An authentication method that a user has: a line of methods.csv.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Method {
    /// Graph's type without namespace and `AuthenticationMethod`: `phone`, `password`, `fido2`, …
    pub method_type: String,
    /// Its id.
    pub method_id: String,
    /// For phones, else empty.
    pub phone_type: String,
    /// For phones, as Graph shows it (it may be masked), else empty.
    pub phone_number: String,
    /// For phones, else empty.
    pub sms_sign_in_state: String,
    /// When it was registered, as Graph wrote it; empty where it does not say.
    pub created_at: String,
    /// What else tells it apart (display name, model, e-mail address); may be empty.
    pub detail: String,
}
