//! Users who must not be touched: by a list, for holding a role, or for being who does it all.

use std::collections::HashMap;

use super::outlook::Why;
use super::user::UserId;

/// Names and patterns of users who are never touched, break-glass accounts first of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected(Vec<Box<str>>);

impl Protected {
    /// Users by name or object id; `*` stands for any characters.
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(patterns.into_iter().map(|pattern| pattern.as_ref().trim().to_lowercase().into()).collect())
    }

    /// The users who are listed one by one, in lower case: what holds no `*`.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref).filter(|pattern: &&str| !pattern.contains('*'))
    }

    /// Whether any of them may mean several users.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        self.0.iter().any(|pattern| pattern.contains('*'))
    }

    /// The pattern that a user falls under.
    #[must_use]
    pub fn pattern_of(&self, user: &UserId) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        let name = user.as_str().to_lowercase();
        self.0.iter().map(AsRef::as_ref).find(|pattern| matches(pattern, &name))
    }
}

/// Whether a text is what a pattern says, in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.any(|at| matches(rest, &text[at..]))
}

/// What Graph says of users who must not be touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wards {
    /// By name or object id in lower case: why.
    users: HashMap<Box<str>, Why>,
}

impl Wards {
    /// Adds somebody, under all the names that are known.
    pub fn add<'name>(&mut self, names: impl IntoIterator<Item = &'name str>, why: &Why) {
        for name in names {
            self.users.entry(name.to_lowercase().into()).or_insert_with(|| why.clone());
        }
    }

    /// Why a user must not be touched.
    #[must_use]
    pub fn refusal(&self, user: &UserId) -> Option<&Why> {
        if self.users.is_empty() { None } else { self.users.get(user.as_str().to_lowercase().as_str()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error_code::OwnCode;

    #[test]
    fn patterns_are_names_ids_and_stars_whatever_their_case() {
        let protected = Protected::new([
            "break-glass@contoso.com",
            "svc-*@contoso.com",
            "*@admin.contoso.com",
            "5A3F6C1E-52d2-4d0b-9a43-0c3f4d9b7a01",
            " padded@contoso.com ",
        ]);
        let cases = [
            ("Break-Glass@Contoso.com", true),
            ("break-glass@contoso.com.evil", false),
            ("svc-backup@contoso.com", true),
            ("svc-@contoso.com", true),
            ("xsvc-backup@contoso.com", false),
            ("anybody@admin.contoso.com", true),
            ("anybody@contoso.com", false),
            ("5a3f6c1e-52d2-4d0b-9a43-0c3f4d9b7a01", true),
            ("padded@contoso.com", true),
        ];
        for (name, is_protected) in cases {
            let user = UserId::new(name).unwrap();
            assert_eq!(protected.pattern_of(&user).is_some(), is_protected, "{name}");
        }
        let listed =
            ["break-glass@contoso.com", "5a3f6c1e-52d2-4d0b-9a43-0c3f4d9b7a01", "padded@contoso.com"];
        assert_eq!(protected.users().collect::<Vec<_>>(), listed);
        assert_eq!(Protected::default().pattern_of(&UserId::new("a@b").unwrap()), None);
    }

    #[test]
    fn a_star_may_stand_anywhere_and_several_times() {
        for (pattern, text, does) in [
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("*b", "äb", true),
            ("a**", "a", true),
        ] {
            assert_eq!(matches(pattern, text), does, "{pattern} {text}");
        }
    }

    #[test]
    fn a_ward_is_known_by_name_and_by_id_and_the_first_reason_counts() {
        let why = |code| Why { code, reason: String::new() };
        let mut wards = Wards::default();
        wards.add(["Admin@contoso.com", "5A3F6C1E-52d2-4d0b-9a43-0c3f4d9b7a01"], &why(OwnCode::Protected));
        wards.add(["admin@contoso.com"], &why(OwnCode::Privileged));
        let refusal = |name| wards.refusal(&UserId::new(name).unwrap());
        assert_eq!(refusal("ADMIN@contoso.com"), Some(&why(OwnCode::Protected)));
        assert_eq!(refusal("5a3f6c1e-52d2-4d0b-9a43-0c3f4d9b7a01"), Some(&why(OwnCode::Protected)));
        assert_eq!(refusal("alex@contoso.com"), None);
    }
}
