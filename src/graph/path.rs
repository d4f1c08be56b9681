//! Paths below `/users`. A user that is not encoded could be another user.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::phone::PhoneType;
use crate::model::user::UserId;

/// All but RFC 3986's unreserved characters, so that a name stays one path segment whatever it holds.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The id of everybody's password method (Graph v1.0, resource `passwordAuthenticationMethod`).
const PASSWORD_METHOD_ID: &str = "28c10230-6103-485e-b985-444c60001490";

/// The user itself.
///
/// A name that begins with `$` goes into the key form `/users('…')`, since `/users/$…` would be read as a
/// system query segment; there a quote is doubled (Graph v1.0, "Get user"; `OData` 4.01 §5.1.1.6.2).
#[must_use]
pub fn user(user: &UserId) -> String {
    let name = user.as_str();
    // Room for the longest path behind it, and for a name with some characters to encode.
    let mut path = String::with_capacity(128 + name.len());
    if name.starts_with('$') {
        let quoted = name.replace('\'', "''");
        path.push_str("/users('");
        path.extend(utf8_percent_encode(&quoted, SEGMENT));
        path.push_str("')");
    } else {
        path.push_str("/users/");
        path.extend(utf8_percent_encode(name, SEGMENT));
    }
    path
}

/// The members of a directory role (`directoryRoles`) or of a group (`groups`): of a group also those of groups in it.
#[must_use]
pub fn members(of: &str, id: &str) -> String {
    let members = if of == "groups" { "transitiveMembers" } else { "members" };
    let id = utf8_percent_encode(id, SEGMENT);
    format!("/{of}/{id}/{members}?$select=id,userPrincipalName")
}

fn authentication(user: &UserId) -> String {
    self::user(user) + "/authentication"
}

/// All methods of a user.
#[must_use]
pub fn methods(user: &UserId) -> String {
    authentication(user) + "/methods"
}

/// All phones of a user.
#[must_use]
pub fn phones(user: &UserId) -> String {
    authentication(user) + "/phoneMethods"
}

/// One phone of a user.
#[must_use]
pub fn phone(user: &UserId, phone_type: PhoneType) -> String {
    phones(user) + "/" + phone_type.method_id()
}

/// Switches the mobile's SMS sign-in on.
#[must_use]
pub fn enable_sms_sign_in(user: &UserId) -> String {
    phone(user, PhoneType::Mobile) + "/enableSmsSignIn"
}

/// Switches the mobile's SMS sign-in off.
#[must_use]
pub fn disable_sms_sign_in(user: &UserId) -> String {
    phone(user, PhoneType::Mobile) + "/disableSmsSignIn"
}

/// Resets a user's password.
#[must_use]
pub fn reset_password(user: &UserId) -> String {
    methods(user) + "/" + PASSWORD_METHOD_ID + "/resetPassword"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    #[test]
    fn every_kind_of_name_stays_one_segment() {
        for (name, path) in [
            ("avery@contoso.com", "/users/avery%40contoso.com/authentication"),
            (
                "ed178e23-7447-4892-baf8-fc46f8af26ce",
                "/users/ed178e23-7447-4892-baf8-fc46f8af26ce/authentication",
            ),
            (
                "alice_fabrikam.com#EXT#@contoso.com",
                "/users/alice_fabrikam.com%23EXT%23%40contoso.com/authentication",
            ),
            ("o'neil@contoso.com", "/users/o%27neil%40contoso.com/authentication"),
            ("50%25@contoso.com", "/users/50%2525%40contoso.com/authentication"),
            ("a?b&c=d;e@contoso.com", "/users/a%3Fb%26c%3Dd%3Be%40contoso.com/authentication"),
            ("jürgen@contoso.com", "/users/j%C3%BCrgen%40contoso.com/authentication"),
            ("$x@contoso.com", "/users('%24x%40contoso.com')/authentication"),
            ("$o'x@contoso.com", "/users('%24o%27%27x%40contoso.com')/authentication"),
        ] {
            assert_eq!(authentication(&user(name)), path);
        }
    }

    proptest! {
        /// The client's URL parser must see the very path that was made: same user, nothing cut off or resolved.
        #[test]
        fn a_url_parser_finds_the_same_user_again(name in "[^\\s/\\\\@\\p{C}]{1,40}") {
            let name = format!("{name}@contoso.com");
            let Ok(user) = UserId::new(&name) else { return Ok(()) };
            let url = Url::parse(&format!("https://graph.microsoft.com/v1.0{}", methods(&user))).unwrap();
            prop_assert_eq!(url.fragment(), None);
            prop_assert_eq!(url.query(), None);
            let segments: Vec<&str> = url.path_segments().unwrap().collect();
            let (key, rest): (String, &[&str]) = if name.starts_with('$') {
                let quoted = segments[1].strip_prefix("users('").unwrap().strip_suffix("')").unwrap();
                (decode(quoted).replace("''", "'"), &segments[2..])
            } else {
                prop_assert_eq!(segments[1], "users");
                (decode(segments[2]), &segments[3..])
            };
            prop_assert_eq!(key, name);
            prop_assert_eq!(rest, ["authentication", "methods"]);
        }
    }

    fn decode(text: &str) -> String {
        percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
    }
}
