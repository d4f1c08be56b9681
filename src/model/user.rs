//! Who a row is about: a user principal name or an object id.

use std::fmt;
use std::hash::BuildHasher as _;

use memchr::memchr;
use smallvec::SmallVec;
use thiserror::Error;

/// A user principal name (UPN) or an object id, as written in the input.
///
/// It holds one `@` or is a GUID, so none of Graph's own words under `/users/` (`delta`, `$count`) can be meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(Box<str>);

/// Why a text cannot name a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UserIdError {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// Neither form fits.
    #[error("is neither a user principal name (name@domain) nor an object id (a GUID)")]
    NotAUser,
    /// A character that no user principal name has and that gateways take for a path's end or part.
    #[error("holds {0:?}, which no user principal name can have")]
    Character(char),
    /// Longer than Entra ID allows: 113 characters (GRAPH "concept-sspr-policy"), with room for guests' `#EXT#` names.
    #[error("is longer than {MAX_CHARS} characters")]
    TooLong,
}

/// Twice what Entra ID documents for a UPN: a guard against a broken line, not a check of names.
const MAX_CHARS: usize = 256;

impl UserId {
    /// Takes a name over if it can be one.
    ///
    /// # Errors
    /// When the text is empty, too long, holds white space, a control character or a slash,
    /// or is neither `name@domain` nor a GUID.
    pub fn new(text: &str) -> Result<Self, UserIdError> {
        if text.is_empty() {
            return Err(UserIdError::Empty);
        }
        if text.len() > MAX_CHARS && text.chars().count() > MAX_CHARS {
            return Err(UserIdError::TooLong);
        }
        let forbidden = |c: &char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\');
        // Nearly every name is of these.
        let is_plain = |byte| matches!(byte, b'!'..=b'.' | b'0'..=b'[' | b']'..=b'~');
        if !text.bytes().all(is_plain)
            && let Some(c) = text.chars().find(forbidden)
        {
            return Err(UserIdError::Character(c));
        }
        if is_guid(text) || is_principal_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(UserIdError::NotAUser)
        }
    }

    /// Whether it is an object id, and not a name.
    #[must_use]
    pub fn is_object_id(&self) -> bool {
        is_guid(&self.0)
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two rows wait for each other: equal for names that differ in case only.
    ///
    /// Two different users may share a key (1 in 2⁶⁴); then their rows merely wait for each other.
    #[must_use]
    pub fn order_key(&self) -> u64 {
        let hash = |name: &[u8]| foldhash::quality::FixedState::default().hash_one(name);
        if self.0.is_ascii() {
            let mut name = SmallVec::<[u8; 64]>::from_slice(self.0.as_bytes());
            name.make_ascii_lowercase();
            hash(&name)
        } else {
            hash(self.0.to_lowercase().as_bytes())
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn is_principal_name(text: &str) -> bool {
    memchr(b'@', text.as_bytes()).is_some_and(|at| {
        let domain = &text[at + 1..];
        at > 0 && !domain.is_empty() && memchr(b'@', domain.as_bytes()).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_names_and_object_ids_are_users() {
        for text in [
            "avery.howard@wingtiptoysonline.com",
            "alice_fabrikam.com#EXT#@contoso.onmicrosoft.com",
            "$x@contoso.com",
            "o'neil@contoso.com",
            "50%@contoso.com",
            "jürgen@contoso.com",
            "ed178e23-7447-4892-baf8-fc46f8af26ce",
        ] {
            assert!(UserId::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_could_be_another_path_is_no_user() {
        for text in [
            "",
            ".",
            "..",
            "me",
            "delta",
            "$count",
            "a/b@contoso.com",
            "a\\b@contoso.com",
            "a b@contoso.com",
            "a@b@contoso.com",
            "@contoso.com",
            "a@",
            "a\n@contoso.com",
            "ed178e2374474892baf8fc46f8af26ce",
        ] {
            assert!(UserId::new(text).is_err(), "{text:?}");
        }
        assert_eq!(UserId::new(&format!("{}@contoso.com", "a".repeat(300))), Err(UserIdError::TooLong));
    }

    #[test]
    fn names_that_differ_in_case_wait_for_each_other() {
        let key = |text| UserId::new(text).map(|user| user.order_key());
        assert_eq!(key("Avery@contoso.com"), key("avery@CONTOSO.com"));
        assert_ne!(key("avery@contoso.com"), key("blake@contoso.com"));
    }
}
