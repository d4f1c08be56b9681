//! The words of the `action` and `phone_type` columns.

use crate::model::phone::PhoneType;

use super::spelling::{is_spelling_of, nearest};

/// What an `action` cell asks for, before its arguments are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read the methods.
    ListMethods,
    /// Add a phone.
    AddPhone,
    /// Change a phone's number.
    UpdatePhone,
    /// Add or change, as needed.
    SetPhone,
    /// Bring several phones to what the row says.
    SetPhones,
    /// Remove a phone.
    DeletePhone,
    /// Let the mobile sign in by SMS.
    EnableSmsSignIn,
    /// Stop it from signing in by SMS.
    DisableSmsSignIn,
    /// Set a new password.
    ResetPassword,
}

/// Every word that names an action, folded, the full name of each before its short ones.
const VERBS: [(&str, &str, Verb); 16] = [
    ("addphone", "add-phone", Verb::AddPhone),
    ("add", "add", Verb::AddPhone),
    ("updatephone", "update-phone", Verb::UpdatePhone),
    ("update", "update", Verb::UpdatePhone),
    ("setphone", "set-phone", Verb::SetPhone),
    ("set", "set", Verb::SetPhone),
    ("setphones", "set-phones", Verb::SetPhones),
    ("deletephone", "delete-phone", Verb::DeletePhone),
    ("delete", "delete", Verb::DeletePhone),
    ("remove", "remove", Verb::DeletePhone),
    ("resetpassword", "reset-password", Verb::ResetPassword),
    ("reset", "reset", Verb::ResetPassword),
    ("listmethods", "list-methods", Verb::ListMethods),
    ("list", "list", Verb::ListMethods),
    ("enablesmssignin", "enable-sms-sign-in", Verb::EnableSmsSignIn),
    ("disablesmssignin", "disable-sms-sign-in", Verb::DisableSmsSignIn),
];

/// The action that a cell names.
///
/// # Errors
/// Why it names none, as the end of a sentence, with the nearest word there is.
pub fn verb(text: &str) -> Result<Verb, String> {
    if text.is_empty() {
        return Err("is empty: say what to do, for example add-phone".to_owned());
    }
    let exact = VERBS.iter().find(|(_, name, _)| text == *name);
    let known = exact.or_else(|| VERBS.iter().find(|(folded, _, _)| is_spelling_of(text, folded)));
    known.map(|(_, _, verb)| *verb).ok_or_else(|| match nearest(text, VERBS.map(|(_, name, _)| name)) {
        Some(name) => format!("is not an action; did you mean {name}?"),
        None => "is not an action: use list-methods, add-phone, update-phone, set-phone, set-phones, \
                 delete-phone, enable-sms-sign-in, disable-sms-sign-in or reset-password"
            .to_owned(),
    })
}

/// The phone type that a cell names; `None` where it is blank.
///
/// # Errors
/// Why it names none, as the end of a sentence.
pub fn phone_type(text: &str) -> Result<Option<PhoneType>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(exact) = PhoneType::ALL.into_iter().find(|phone_type| phone_type.name() == text) {
        return Ok(Some(exact));
    }
    let spelling = |phone_type: &PhoneType| match phone_type {
        PhoneType::Mobile => is_spelling_of(text, "mobile"),
        PhoneType::AlternateMobile => is_spelling_of(text, "alternatemobile"),
        PhoneType::Office => is_spelling_of(text, "office"),
    };
    PhoneType::ALL.into_iter().find(spelling).map(Some).ok_or_else(|| {
        match nearest(text, PhoneType::ALL.map(PhoneType::name)) {
            Some(name) => format!("is not a phone type; did you mean {name}?"),
            None => "is not a phone type: use mobile, alternateMobile or office".to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::spelling::folded;
    use super::*;

    #[test]
    fn every_word_of_the_table_is_in_folded_form() {
        for (word, name, _) in VERBS {
            assert_eq!(folded(name), word);
        }
    }

    #[test]
    fn an_action_is_known_by_its_name_and_its_short_names_in_any_spelling() {
        for (text, expected) in [
            ("list-methods", Verb::ListMethods),
            ("LIST", Verb::ListMethods),
            ("Add Phone", Verb::AddPhone),
            ("add", Verb::AddPhone),
            ("update_phone", Verb::UpdatePhone),
            ("update", Verb::UpdatePhone),
            ("setPhone", Verb::SetPhone),
            ("set", Verb::SetPhone),
            ("delete-phone", Verb::DeletePhone),
            ("delete", Verb::DeletePhone),
            ("Remove", Verb::DeletePhone),
            ("enableSmsSignIn", Verb::EnableSmsSignIn),
            ("disable-sms-sign-in", Verb::DisableSmsSignIn),
            ("reset-password", Verb::ResetPassword),
            ("RESET", Verb::ResetPassword),
        ] {
            assert_eq!(verb(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_unknown_action_is_answered_with_the_nearest_one() {
        for (text, name) in [("ad-phone", "add-phone"), ("resett", "reset"), ("deleet", "delete")] {
            assert_eq!(verb(text), Err(format!("is not an action; did you mean {name}?")));
        }
        assert!(verb("explode").is_err_and(|reason| reason.contains("list-methods, add-phone")));
        assert!(verb("").is_err_and(|reason| reason.starts_with("is empty")));
    }

    #[test]
    fn a_phone_type_is_known_in_any_spelling() {
        assert_eq!(phone_type(""), Ok(None));
        assert_eq!(phone_type("Alternate Mobile"), Ok(Some(PhoneType::AlternateMobile)));
        assert_eq!(phone_type("MOBILE"), Ok(Some(PhoneType::Mobile)));
        assert_eq!(phone_type("office"), Ok(Some(PhoneType::Office)));
        assert_eq!(phone_type("offise"), Err("is not a phone type; did you mean office?".to_owned()));
        assert!(phone_type("fax").is_err());
    }
}
