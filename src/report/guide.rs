//! The error guide: what each code in the column `error_code` means and how to mend it. docs/errors.md is made of it.
//!
//! Codes of Graph that nobody documents are told by the HTTP status, as Graph's own guidance says ("Microsoft Graph error
//! responses": do not branch on messages).

use super::guide_texts::{GRAPH, OWN, STATUSES};

pub use super::guide_texts::Advice;

impl Advice {
    fn is_about(&self, code: &str) -> bool {
        [self.code].iter().chain(self.also).any(|known| known.eq_ignore_ascii_case(code))
    }
}

/// A part of the guide.
#[derive(Debug, Clone, Copy)]
pub struct Chapter {
    /// Its heading.
    pub title: &'static str,
    /// What its codes have in common.
    pub about: &'static str,
    /// Its codes.
    pub advice: &'static [Advice],
}

/// The whole guide.
pub const CHAPTERS: [Chapter; 3] = [
    Chapter {
        title: "Codes of authwave",
        about: "Nothing that Graph said explains the row's end, so the code is authwave's own.",
        advice: OWN,
    },
    Chapter {
        title: "Codes of Graph",
        about: "Graph answered with this code. Its messages stand in `error_message` as Graph wrote them.",
        advice: GRAPH,
    },
    Chapter {
        title: "All other codes",
        about: "Graph has more codes than are documented. What is not listed above is told by the HTTP status of the \
                answer (`http_status` in results.csv); `http-` with a status is also the code where Graph named none.",
        advice: STATUSES,
    },
];

/// What is known of a code that came with this status.
#[must_use]
pub fn advice(code: &str, http_status: Option<u16>) -> &'static Advice {
    let named = OWN.iter().chain(GRAPH).chain(STATUSES).find(|advice| advice.is_about(code));
    named.unwrap_or_else(|| by_status(status_in(code).or(http_status)))
}

/// A code of ours as `http-409` tells a status itself.
fn status_in(code: &str) -> Option<u16> {
    code.strip_prefix("http-")?.parse().ok()
}

fn by_status(http_status: Option<u16>) -> &'static Advice {
    let kind = match http_status {
        Some(status) => {
            let exact = format!("http-{status}");
            if let Some(advice) = STATUSES.iter().find(|advice| advice.is_about(&exact)) {
                return advice;
            }
            match status {
                300..=399 => "http-3xx",
                400..=499 => "http-4xx",
                500..=599 => "http-5xx",
                _ => "http-other",
            }
        }
        None => "http-other",
    };
    let found = STATUSES.iter().find(|advice| advice.code == kind);
    // the tests hold that all four kinds are there.
    found.unwrap_or(&STATUSES[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error_code::OwnCode;

    #[test]
    fn every_code_of_ours_has_its_page_and_no_page_is_about_another() {
        let pages: Vec<&str> = OWN.iter().map(|advice| advice.code).collect();
        assert_eq!(pages, OwnCode::ALL.map(OwnCode::name));
    }

    #[test]
    fn no_code_stands_twice_and_no_page_is_without_cause_or_cure() {
        let mut seen = Vec::new();
        for advice in CHAPTERS.iter().flat_map(|chapter| chapter.advice) {
            assert!(!advice.cause.is_empty() && !advice.cure.is_empty(), "{}", advice.code);
            for code in [advice.code].iter().chain(advice.also) {
                let code = code.to_ascii_lowercase();
                assert!(!seen.contains(&code), "{code}");
                seen.push(code);
            }
        }
    }

    #[test]
    fn whatever_graph_says_is_explained_by_its_code_or_else_by_its_status() {
        let told = |code, status| advice(code, status).code;
        assert_eq!(told("PhoneNumberNotUnique", Some(409)), "phoneNumberNotUnique");
        assert_eq!(told("http-403", None), "http-403");
        assert_eq!(told("Authorization_RequestDenied", Some(403)), "http-403");
        assert_eq!(told("neverHeardOf", Some(403)), "http-403");
        assert_eq!(told("neverHeardOf", None), "http-other");
        for status in 0..=999 {
            let code = told("neverHeardOf", Some(status));
            let kind = match status {
                300..=399 => "http-3xx",
                400..=499 => "http-4",
                500..=599 => "http-5",
                _ => "http-other",
            };
            assert!(code.starts_with(kind), "{status}: {code}");
            assert_eq!(advice(&format!("http-{status}"), None).code, code);
        }
    }
}
