//! How names are compared: without case, spaces, `-` and `_`.

/// How alike two names must be (0 to 1) before one is offered for the other.
const ALIKE: f64 = 0.6;

/// A name reduced to what is compared.
#[must_use]
pub fn folded(name: &str) -> String {
    let ignored = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '_');
    name.chars().filter(ignored).flat_map(char::to_lowercase).collect()
}

/// Whether `name` is `canonical` for a reader who does not mind case, spaces, `-` and `_`.
///
/// `canonical` is in folded form already. Allocates nothing: it is asked for every row.
#[must_use]
pub fn is_spelling_of(name: &str, canonical: &str) -> bool {
    let mut rest = canonical.bytes();
    let mut letters = name.bytes().filter(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'-' | b'_'));
    letters.all(|byte| rest.next() == Some(byte.to_ascii_lowercase())) && rest.next().is_none()
}

/// The known name that is most like `name`, where one is alike enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = folded(name);
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&name, &folded(other));
    known
        .into_iter()
        .map(|other| (other, likeness(other)))
        .filter(|(_, likeness)| *likeness >= ALIKE)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(other, _)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_spaces_hyphens_and_underscores() {
        for name in ["phone_type", "Phone Type", "PHONE-TYPE", "phoneType", " phone_ type"] {
            assert_eq!(folded(name), "phonetype");
            assert!(is_spelling_of(name, "phonetype"), "{name}");
        }
        for name in ["", "phone", "phonetypes", "phone.type"] {
            assert!(!is_spelling_of(name, "phonetype"), "{name}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_alike() {
        assert_eq!(nearest("ad-phone", ["add-phone", "set-phone"]), Some("add-phone"));
        assert_eq!(nearest("explode", ["add-phone", "set-phone"]), None);
    }
}
