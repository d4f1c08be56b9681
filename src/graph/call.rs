//! One thing that is asked of Graph, and how that can end.

use bytes::Bytes;
use serde::Serialize;
use thiserror::Error;

use super::path;
use super::wire::{ChangedUser, NewNumber, NewPassword, NewPhone, PasswordProfile};
use crate::model::outcome::Failure;
use crate::model::phone::{Phone, PhoneType};
use crate::model::secret::Secret;
use crate::model::user::UserId;
use crate::transport::exchange::{Body, Method};

/// Whether asking twice could do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Asked twice it has the same effect, so a doubtful answer is a reason to ask again.
    Idempotent,
    /// After a doubtful answer the caller must read back first.
    Once,
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A path below the Graph root and version, percent-encoded.
    Path(String),
    /// A URL that Graph gave, used verbatim; its origin was checked.
    Verbatim(String),
}

/// One thing that is asked of Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The request's method.
    pub method: Method,
    /// The request's target.
    pub place: Place,
    /// The request's body.
    pub body: Option<Body>,
    /// Whether it may be repeated blindly.
    pub effect: Effect,
}

/// How a call can fail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// It is known not to have been done.
    #[error("refused ({}): {}", .0.code, .0.message)]
    Refused(Failure),
    /// It may have been done.
    #[error("in doubt ({}): {}", .0.code, .0.message)]
    Doubtful(Failure),
    /// The run stopped before it was done; it is known not to have been done.
    #[error("stopped")]
    Stopped,
}

fn read(path: String) -> Call {
    Call { method: Method::Get, place: Place::Path(path), body: None, effect: Effect::Idempotent }
}

pub(super) fn json(value: &impl Serialize) -> Body {
    let Ok(bytes) = serde_json::to_vec(value) else {
        unreachable!("plain structs of strings always serialize")
    };
    Body { content_type: "application/json", bytes: Bytes::from(bytes) }
}

/// Reads a URL that Graph gave.
#[must_use]
pub const fn follow(url: String) -> Call {
    Call { method: Method::Get, place: Place::Verbatim(url), body: None, effect: Effect::Idempotent }
}

/// Lists a user's methods.
#[must_use]
pub fn list_methods(user: &UserId) -> Call {
    read(path::methods(user))
}

/// Reads who a user is: whether the account is enabled, and whether it is a guest's (Graph v1.0, "Get user").
#[must_use]
pub fn look_at_account(user: &UserId) -> Call {
    read(path::user(user) + "?$select=id,userPrincipalName,accountEnabled,userType")
}

/// Reads the names of a user (Graph v1.0, "Get user").
#[must_use]
pub fn find_user(user: &UserId) -> Call {
    read(path::user(user) + "?$select=id,userPrincipalName")
}

/// Lists all users of the tenant, as many at once as there may be (Graph v1.0, "List users").
#[must_use]
pub fn list_users() -> Call {
    read("/users?$select=id,userPrincipalName&$top=999".to_owned())
}

/// Lists the directory roles that somebody holds (Graph v1.0, "List directoryRoles").
#[must_use]
pub fn list_roles() -> Call {
    read("/directoryRoles".to_owned())
}

/// Lists the groups that roles can be given to (Graph v1.0, "List groups", property `isAssignableToRole`).
#[must_use]
pub fn list_role_groups() -> Call {
    read("/groups?$filter=isAssignableToRole%20eq%20true&$select=id,displayName".to_owned())
}

/// Lists who holds a role (`directoryRoles`) or is in a group (`groups`), directly or not.
#[must_use]
pub fn list_members(of: &str, id: &str) -> Call {
    read(path::members(of, id))
}

/// Lists a user's phones.
#[must_use]
pub fn list_phones(user: &UserId) -> Call {
    read(path::phones(user))
}

/// Adds a phone. Not idempotent: the second POST says that the phone exists, whoever stored it.
#[must_use]
pub fn create_phone(user: &UserId, phone: &Phone) -> Call {
    let body = NewPhone { phone_number: phone.number.as_str(), phone_type: phone.phone_type.name() };
    Call {
        method: Method::Post,
        place: Place::Path(path::phones(user)),
        body: Some(json(&body)),
        effect: Effect::Once,
    }
}

/// Changes the number of a phone in place.
#[must_use]
pub fn replace_number(user: &UserId, phone: &Phone) -> Call {
    Call {
        method: Method::Patch,
        place: Place::Path(path::phone(user, phone.phone_type)),
        body: Some(json(&NewNumber { phone_number: phone.number.as_str() })),
        effect: Effect::Idempotent,
    }
}

/// Removes a phone.
#[must_use]
pub fn delete_phone(user: &UserId, phone_type: PhoneType) -> Call {
    Call {
        method: Method::Delete,
        place: Place::Path(path::phone(user, phone_type)),
        body: None,
        effect: Effect::Idempotent,
    }
}

/// Switches the mobile's SMS sign-in on.
#[must_use]
pub fn enable_sms_sign_in(user: &UserId) -> Call {
    action(path::enable_sms_sign_in(user))
}

/// Switches the mobile's SMS sign-in off.
#[must_use]
pub fn disable_sms_sign_in(user: &UserId) -> Call {
    action(path::disable_sms_sign_in(user))
}

fn action(path: String) -> Call {
    Call { method: Method::Post, place: Place::Path(path), body: None, effect: Effect::Idempotent }
}

/// Resets a password. With a given one it is idempotent, since a second operation sets the same password; without one
/// every reset makes up another.
#[must_use]
pub fn reset_password(user: &UserId, password: Option<&Secret>) -> Call {
    Call {
        method: Method::Post,
        place: Place::Path(path::reset_password(user)),
        body: Some(json(&NewPassword { new_password: password.map(Secret::expose) })),
        effect: if password.is_some() { Effect::Idempotent } else { Effect::Once },
    }
}

/// Sets a password in the user's profile, to be changed at the next sign-in. Idempotent: a second one sets the same.
#[must_use]
pub fn set_password(user: &UserId, password: &Secret) -> Call {
    let password_profile =
        PasswordProfile { password: password.expose(), force_change_password_next_sign_in: true };
    Call {
        method: Method::Patch,
        place: Place::Path(path::user(user)),
        body: Some(json(&ChangedUser { password_profile })),
        effect: Effect::Idempotent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_profile_must_be_changed_at_the_next_sign_in() {
        let user = UserId::new("avery@contoso.com").unwrap();
        let call = set_password(&user, &Secret::new("N3w-password"));
        assert_eq!(call.place, Place::Path("/users/avery%40contoso.com".to_owned()));
        let body = call.body.unwrap().bytes;
        let expected =
            br#"{"passwordProfile":{"password":"N3w-password","forceChangePasswordNextSignIn":true}}"#;
        assert_eq!(body.as_ref(), expected);
    }
}
