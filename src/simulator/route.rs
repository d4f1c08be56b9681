//! From a request's target to what is meant.

use percent_encoding::percent_decode_str;

use crate::model::phone::PhoneType;

/// The version that a path begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    Beta,
}

impl Version {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// What a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Batch,
    /// All users.
    Users,
    /// All directory roles that somebody holds.
    Roles,
    /// Who holds one.
    RoleMembers(String),
    /// All groups that roles can be given to.
    Groups,
    /// Who is in one, directly or not.
    GroupMembers(String),
    User {
        name: String,
        resource: Resource,
    },
    /// A segment that is not known.
    Unknown(String),
}

/// What of a user is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    Itself,
    Methods,
    Method(String),
    Phones,
    Phone(PhoneType),
    /// A phone whose id is none of the three.
    NoSuchPhone,
    EnableSms(PhoneType),
    DisableSms(PhoneType),
    Passwords,
    Password,
    Reset,
    Operation(String),
}

/// Graph's id of everybody's password method.
pub(super) const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";

/// Path and query of an absolute URL or a target; a fragment never reaches a server.
pub(super) fn split(url: &str) -> (&str, &str) {
    let target = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let target = target.split_once('#').map_or(target, |(target, _)| target);
    target.split_once('?').unwrap_or((target, ""))
}

/// The path alone.
pub(super) fn path(url: &str) -> &str {
    split(url).0
}

/// Reads a path that begins with the version, without query.
pub(super) fn route(path: &str) -> Option<(Version, Route)> {
    let (version, rest) = match path.strip_prefix('/')?.split_once('/')? {
        ("v1.0", rest) => (Version::V1, rest),
        ("beta", rest) => (Version::Beta, rest),
        _ => return None,
    };
    Some((version, below(rest)))
}

fn below(path: &str) -> Route {
    if path == "$batch" {
        return Route::Batch;
    }
    if let Some(route) = directory(path) {
        return route;
    }
    let mut segments = path.split('/');
    let first = segments.next().unwrap_or_default();
    let name = match (keyed(first), first) {
        (Some(name), _) => Some(name),
        (None, "users") => segments.next().map(decoded),
        (None, other) => return Route::Unknown(other.to_owned()),
    };
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Route::Unknown("users".to_owned()) };
    let rest: Vec<&str> = segments.collect();
    match resource(&rest) {
        Ok(resource) => Route::User { name, resource },
        Err(segment) => Route::Unknown(segment.to_owned()),
    }
}

/// What is not below one user.
fn directory(path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["users"] => Some(Route::Users),
        ["directoryRoles"] => Some(Route::Roles),
        ["directoryRoles", id, "members"] => Some(Route::RoleMembers(decoded(id))),
        ["groups"] => Some(Route::Groups),
        ["groups", id, "transitiveMembers"] => Some(Route::GroupMembers(decoded(id))),
        _ => None,
    }
}

/// `users('…')`, where a quote is doubled.
fn keyed(segment: &str) -> Option<String> {
    let segment = decoded(segment);
    let quoted = segment.strip_prefix("users('")?.strip_suffix("')")?;
    Some(quoted.replace("''", "'"))
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn resource<'path>(segments: &[&'path str]) -> Result<Resource, &'path str> {
    let Some((first, rest)) = segments.split_first() else { return Ok(Resource::Itself) };
    if *first != "authentication" {
        return Err(first);
    }
    match rest {
        ["methods"] => Ok(Resource::Methods),
        ["phoneMethods"] => Ok(Resource::Phones),
        ["passwordMethods"] => Ok(Resource::Passwords),
        ["phoneMethods", id] => Ok(phone_type(id).map_or(Resource::NoSuchPhone, Resource::Phone)),
        ["passwordMethods", id] if *id == PASSWORD => Ok(Resource::Password),
        ["methods", id] => Ok(Resource::Method((*id).to_owned())),
        ["operations", id] => Ok(Resource::Operation((*id).to_owned())),
        ["methods" | "passwordMethods", id, "resetPassword" | "microsoft.graph.resetPassword"]
            if *id == PASSWORD =>
        {
            Ok(Resource::Reset)
        }
        ["methods" | "phoneMethods", id, action] => match (phone_type(id), *action) {
            (Some(phone), "enableSmsSignIn" | "microsoft.graph.enableSmsSignIn") => {
                Ok(Resource::EnableSms(phone))
            }
            (Some(phone), "disableSmsSignIn" | "microsoft.graph.disableSmsSignIn") => {
                Ok(Resource::DisableSms(phone))
            }
            (None, "enableSmsSignIn" | "disableSmsSignIn") => Ok(Resource::NoSuchPhone),
            _ => Err(action),
        },
        [] => Err(first),
        [other, ..] => Err(other),
    }
}

fn phone_type(id: &str) -> Option<PhoneType> {
    PhoneType::ALL.into_iter().find(|phone| phone.method_id().eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(path: &str) -> (String, Resource) {
        match route(path) {
            Some((_, Route::User { name, resource })) => (name, resource),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn both_forms_of_a_user_are_understood() {
        for (path, name) in [
            ("/v1.0/users/avery%40contoso.com/authentication/methods", "avery@contoso.com"),
            ("/beta/users/a_b.com%23EXT%23@contoso.com/authentication/methods", "a_b.com#EXT#@contoso.com"),
            ("/v1.0/users/50%2525%40contoso.com/authentication/methods", "50%25@contoso.com"),
            ("/v1.0/users('%24o%27%27x%40contoso.com')/authentication/methods", "$o'x@contoso.com"),
            ("/v1.0/users('$x@contoso.com')/authentication/methods", "$x@contoso.com"),
        ] {
            assert_eq!(user(path), (name.to_owned(), Resource::Methods));
        }
        // What an unencoded # leaves of a path is somebody else's.
        assert_eq!(
            user("/v1.0/users/alice_fabrikam.com"),
            ("alice_fabrikam.com".to_owned(), Resource::Itself)
        );
    }

    #[test]
    fn resets_are_understood_below_methods_and_passwords() {
        for path in ["methods", "passwordMethods"] {
            let path = format!("/v1.0/users/a@b.c/authentication/{path}/{PASSWORD}/resetPassword");
            assert_eq!(user(&path).1, Resource::Reset);
        }
    }

    #[test]
    fn a_wrong_segment_is_named() {
        for (path, segment) in [
            ("/v1.0/groups/1", "groups"),
            ("/v1.0/users/a@b.c/authentication/phonemethods", "phonemethods"),
            ("/v1.0/users/a@b.c/manager", "manager"),
            ("/v1.0/users/", "users"),
        ] {
            assert_eq!(route(path).unwrap().1, Route::Unknown(segment.to_owned()), "{path}");
        }
        assert_eq!(route("/v2.0/users/a@b.c"), None);
    }
}
