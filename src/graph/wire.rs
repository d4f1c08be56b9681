//! Bodies as Graph spells them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What adds a phone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPhone<'a> {
    /// `+{country code} {number}`.
    pub(super) phone_number: &'a str,
    /// `mobile`, `alternateMobile`, `office`.
    pub(super) phone_type: &'a str,
}

/// What changes a phone: its type cannot change, so it is not sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewNumber<'a> {
    /// `+{country code} {number}`.
    pub(super) phone_number: &'a str,
}

/// What resets a password. No `Debug`: it holds the password.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPassword<'a> {
    /// The password; left out, Graph makes one up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new_password: Option<&'a str>,
}

/// What changes a user. No `Debug`: it holds the password.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangedUser<'a> {
    pub(super) password_profile: PasswordProfile<'a>,
}

/// A user's password (Graph v1.0, resource `passwordProfile`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PasswordProfile<'a> {
    pub(super) password: &'a str,
    pub(super) force_change_password_next_sign_in: bool,
}

/// A phone as Graph shows it. Every field may be missing or null.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredPhone {
    /// The fixed id of its type.
    pub id: String,
    /// The number, possibly masked.
    #[serde(deserialize_with = "null_is_empty")]
    pub phone_number: String,
    /// `mobile`, `alternateMobile`, `office`.
    #[serde(deserialize_with = "null_is_empty")]
    pub phone_type: String,
    /// `ready`, `notEnabled`, …
    #[serde(deserialize_with = "null_is_empty")]
    pub sms_sign_in_state: String,
}

/// A user's account. Every field may be missing or null.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredAccount {
    /// Graph's id of the user.
    #[serde(deserialize_with = "null_is_empty")]
    pub id: String,
    /// The user principal name.
    #[serde(deserialize_with = "null_is_empty")]
    pub user_principal_name: String,
    /// Whether the user may sign in; `None` where it does not say.
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`.
    #[serde(deserialize_with = "null_is_empty")]
    pub user_type: String,
}

/// Any method, with the few fields that tell methods apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StoredMethod {
    #[serde(rename = "@odata.type", deserialize_with = "null_is_empty")]
    pub(crate) odata_type: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) id: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) phone_number: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) phone_type: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) sms_sign_in_state: String,
    /// Older pages call it `creationDateTime` (Graph beta, "Get started with the authentication methods API").
    #[serde(alias = "creationDateTime", deserialize_with = "null_is_empty")]
    pub(crate) created_date_time: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) display_name: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) model: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) email_address: String,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next_link: Option<String>,
}

/// A reset's operation. Every field may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredOperation {
    /// `notStarted`, `running`, `succeeded`, `failed`; older pages write them with a capital.
    #[serde(deserialize_with = "null_is_empty")]
    pub status: String,
    /// Free text; only `ResetSuccess` is documented.
    #[serde(deserialize_with = "null_is_empty")]
    pub status_detail: String,
    /// RFC 3339.
    #[serde(deserialize_with = "null_is_empty")]
    pub created_date_time: String,
    /// RFC 3339.
    #[serde(deserialize_with = "null_is_empty")]
    pub last_action_date_time: String,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<Cow<'_, str>>::deserialize(deserializer)?.map_or_else(String::new, Cow::into_owned))
}
