//! What an authority's error means for the person who runs this, and how to mend it
//! (Entra ID, "Microsoft Entra authentication and authorization error codes").

/// The cure by the number behind `AADSTS`.
const BY_NUMBER: [(u32, &str); 31] = [
    (
        7_000_215,
        "the client secret is wrong: give the secret's value, not its id (App registrations, Certificates & secrets)",
    ),
    (7_000_222, "the client secret has run out: make a new one (App registrations, Certificates & secrets)"),
    (
        7_000_218,
        "the app may not sign people in without a secret: set 'Allow public client flows' to yes (App registrations, Authentication)",
    ),
    (700_016, "the tenant knows no such app: look at sign_in.client_id and tenant.id, and at the cloud"),
    (7_000_112, "the app is disabled: enable it (Enterprise applications, Properties)"),
    (
        700_027,
        "the certificate is not among the app's: upload its public part (App registrations, Certificates & secrets)",
    ),
    (
        700_024,
        "the assertion is not valid at this time: the machine's clock or the federated token's age is wrong",
    ),
    (
        700_021,
        "the assertion's issuer is not the federated credential's: look at it (App registrations, Certificates & secrets)",
    ),
    (
        700_211,
        "no federated credential of the app has this issuer: add one (App registrations, Certificates & secrets)",
    ),
    (
        700_212,
        "no federated credential of the app has this audience: it should be api://AzureADTokenExchange",
    ),
    (
        700_213,
        "no federated credential of the app has this subject: add one for this repository, branch or service account",
    ),
    (70_021, "no federated credential of the app fits this token: compare issuer, subject and audience"),
    (90_002, "there is no such tenant in this cloud: look at tenant.id and tenant.cloud"),
    (900_023, "tenant.id is neither a tenant's id nor a domain of one"),
    (900_383, "the tenant is in another cloud: look at tenant.cloud"),
    (
        65_001,
        "nobody has consented to the app's permissions: an admin grants them (App registrations, API permissions, Grant admin consent)",
    ),
    (
        90_094,
        "an admin must consent to the app's permissions (App registrations, API permissions, Grant admin consent)",
    ),
    (500_011, "this tenant has no such API: the Graph root and the cloud do not fit the tenant"),
    (70_011, "the scope is not valid: look at tenant.graph_root"),
    (50_105, "the account is not assigned to the app (Enterprise applications, Users and groups)"),
    (
        53_003,
        "Conditional Access forbids this sign-in: an admin may except the app or the account; many tenants forbid device code sign-in",
    ),
    (530_003, "Conditional Access wants a registered device, which a device code sign-in cannot show"),
    (53_000, "Conditional Access wants a compliant device, which a device code sign-in cannot show"),
    (50_076, "the tenant wants multifactor authentication: run `authwave sign-in` again"),
    (50_079, "the account must set up multifactor authentication first: sign in once in a browser"),
    (50_057, "the account is disabled"),
    (50_173, "the sign-in was revoked, as after a change of password: run `authwave sign-in` again"),
    (70_008, "the sign-in has run out: run `authwave sign-in` again"),
    (
        70_043,
        "the sign-in has run out, as Conditional Access's sign-in frequency wants: run `authwave sign-in` again",
    ),
    (700_082, "the sign-in has run out after a time without use: run `authwave sign-in` again"),
    (700_003, "the device was deleted or disabled: run `authwave sign-in` again"),
];

/// The cure by the OAuth 2.0 error, where its number says nothing.
const BY_ERROR: [(&str, &str); 4] = [
    (
        "authorization_declined",
        "the sign-in was declined in the browser; run `authwave sign-in` to try again",
    ),
    ("expired_token", "nobody entered the code in time; run `authwave sign-in` to get another"),
    ("invalid_grant", "run `authwave sign-in` again"),
    ("interaction_required", "somebody must sign in again: run `authwave sign-in`"),
];

/// The cure for an error, by the first `AADSTS` number in its description or else by its name.
#[must_use]
pub fn cure(error: &str, description: &str) -> Option<&'static str> {
    let by_number = number(description)
        .and_then(|number| BY_NUMBER.iter().find(|(known, _)| *known == number).map(|(_, cure)| *cure));
    by_number.or_else(|| BY_ERROR.iter().find(|(known, _)| *known == error).map(|(_, cure)| *cure))
}

/// The first `AADSTS` number in a text.
#[must_use]
pub fn number(text: &str) -> Option<u32> {
    let (_, behind) = text.split_once("AADSTS")?;
    let digits = behind.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_cured_by_its_number_and_else_by_its_name() {
        for (error, description, word) in [
            ("invalid_client", "AADSTS7000215: Invalid client secret provided.", "not its id"),
            ("invalid_grant", "AADSTS70043: The refresh token has expired", "sign-in frequency"),
            ("invalid_grant", "AADSTS1: something new", "authwave sign-in"),
            ("expired_token", "", "in time"),
            ("access_denied", "AADSTS53003: Access has been blocked", "Conditional Access"),
        ] {
            assert!(cure(error, description).unwrap().contains(word), "{description}");
        }
        assert_eq!(cure("invalid_client", "AADSTS: x"), None);
        assert_eq!(cure("", ""), None);
    }

    #[test]
    fn no_number_is_named_twice_and_every_cure_is_the_end_of_a_sentence() {
        let mut numbers: Vec<u32> = BY_NUMBER.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), BY_NUMBER.len());
        assert!(BY_NUMBER.iter().all(|(_, cure)| !cure.ends_with('.')));
    }
}
