//! Reads what a refused token's successor must prove, from `WWW-Authenticate`
//! (Microsoft identity platform, "Claims challenges, claims requests, and client capabilities").

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Standard alphabet; some services leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claims that a challenge asks for, as JSON; `None` where it asks for none or cannot be understood.
///
/// Challenges and their parameters may stand in any order.
#[must_use]
pub fn claims(www_authenticate: &str) -> Option<String> {
    let is_asked = parameter(www_authenticate, "error").is_some_and(|error| error == "insufficient_claims");
    let encoded = parameter(www_authenticate, "claims").filter(|_| is_asked)?;
    let json = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    serde_json::from_str::<serde_json::Value>(&json).ok().filter(serde_json::Value::is_object).map(|_| json)
}

/// The first value of a parameter, with or without quotes.
fn parameter<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    let mut rest = text;
    loop {
        let at = rest.find(name)?;
        let (before, behind) = (&rest[..at], &rest[at + name.len()..]);
        let is_whole = before.ends_with([' ', ',', '\t']) || before.is_empty();
        let behind_blanks = behind.trim_start();
        match behind_blanks.strip_prefix('=').map(str::trim_start) {
            Some(value) if is_whole => {
                return Some(match value.strip_prefix('"') {
                    Some(quoted) => quoted.split('"').next().unwrap_or_default(),
                    None => value.split([',', ' ']).next().unwrap_or_default(),
                });
            }
            Some(_) | None => rest = behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

    #[test]
    fn claims_are_found_wherever_they_stand_in_the_challenge() {
        let encoded = BASE64.encode(JSON);
        for challenge in [
            format!(
                r#"Bearer realm="", authorization_uri="https://login.test/x", error="insufficient_claims", claims="{encoded}""#
            ),
            format!(
                r#"Bearer claims="{}", error="insufficient_claims", realm="""#,
                encoded.trim_end_matches('=')
            ),
            format!("Basic realm=\"x\", Bearer error=insufficient_claims,claims={encoded}"),
        ] {
            assert_eq!(claims(&challenge).as_deref(), Some(JSON), "{challenge}");
        }
    }

    #[test]
    fn a_challenge_without_claims_that_make_sense_asks_for_none() {
        let encoded = BASE64.encode(JSON);
        for challenge in [
            String::new(),
            r#"Bearer realm="", authorization_uri="https://login.test/common/oauth2/authorize""#.to_owned(),
            format!(r#"Bearer error="invalid_token", claims="{encoded}""#),
            r#"Bearer error="insufficient_claims", claims="%%%""#.to_owned(),
            r#"Bearer error="insufficient_claims", claims="bm8ganNvbg==""#.to_owned(),
            format!(r#"Bearer error="insufficient_claims", no-claims="{encoded}""#),
            r#"Bearer error="insufficient_claims", claims"#.to_owned(),
        ] {
            assert_eq!(claims(&challenge), None, "{challenge}");
        }
    }
}
