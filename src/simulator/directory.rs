//! What the directory says of users beside their methods: accounts, directory roles, groups that roles can be given to.

use serde_json::{Value, json};

use super::users::{User, Users};

/// What the directory says of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectorySettings {
    /// Users whose accounts are disabled.
    pub disabled: Vec<String>,
    /// How many authenticator apps every user has.
    pub authenticators: u32,
    /// Who holds which directory role.
    pub roles: Vec<Membership>,
    /// Who is a member of which role-assignable group.
    pub groups: Vec<Membership>,
    /// Whether accounts, roles and groups may be read.
    pub access: DirectoryAccess,
}

/// Somebody in a role or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role's or group's name.
    pub of: String,
    /// Who.
    pub user: String,
}

/// Whether accounts, roles and groups may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DirectoryAccess {
    /// They may.
    #[default]
    Allowed,
    /// Reading them is refused with 403.
    Refused,
}

impl DirectorySettings {
    pub(super) fn is_disabled(&self, name: &str) -> bool {
        self.disabled.iter().any(|disabled| disabled.eq_ignore_ascii_case(name))
    }

    /// A user, with the properties that were selected (Graph v1.0, "Get user": neither of the last two is a default).
    pub(super) fn account(&self, user: &User, query: &str) -> Value {
        let mut shown = json!({"id": user.object_id.to_string(), "userPrincipalName": user.name.as_ref()});
        if query.contains("accountEnabled") {
            shown["accountEnabled"] = (!self.is_disabled(&user.name)).into();
        }
        if query.contains("userType") {
            // The names of guests are made so (Graph v1.0, "Get user").
            let is_guest = user.name.to_ascii_uppercase().contains("#EXT#");
            shown["userType"] = if is_guest { "Guest" } else { "Member" }.into();
        }
        shown
    }
}

/// The roles or groups, once each. Their ids are their names here.
pub(super) fn names(memberships: &[Membership]) -> Vec<Value> {
    let mut names: Vec<&str> = memberships.iter().map(|membership| membership.of.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| json!({"id": name, "displayName": name})).collect()
}

/// The members of one of them.
pub(super) fn members(memberships: &[Membership], of: &str, users: &Users) -> Vec<Value> {
    let members = memberships.iter().filter(|membership| membership.of == of);
    members
        .map(|membership| {
            let id = users.find(&membership.user).map(|index| users.get(index).object_id);
            let id = id.unwrap_or_else(|| super::users::object_id(&membership.user));
            json!({
                "@odata.type": "#microsoft.graph.user",
                "id": id.to_string(),
                "userPrincipalName": membership.user,
            })
        })
        .collect()
}
