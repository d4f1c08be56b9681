//! What the tenant says and does about phones.

use serde::{Deserialize, Serialize};

use crate::model::phone::PhoneType;
use crate::transport::exchange::Response;

use super::reply;
use super::route::PASSWORD;
use super::users::{KeptPhone, SmsPolicy, User, Users, place};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'body> {
    phone_number: Option<&'body str>,
    phone_type: Option<&'body str>,
}

/// A phone as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'user> {
    #[serde(rename = "@odata.type", skip_serializing_if = "Option::is_none")]
    odata_type: Option<&'static str>,
    id: &'static str,
    phone_number: std::borrow::Cow<'user, str>,
    phone_type: &'static str,
    sms_sign_in_state: &'static str,
    created_date_time: Option<&'static str>,
}

/// Whether numbers are shown whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// They are.
    Whole,
    /// Only the last four digits are, as to the role Authentication Administrator. The form of the mask is an assumption.
    Masked,
}

/// What a write came to, besides its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Changed,
    Nothing,
    /// It was refused for going against the order rules.
    AgainstOrder,
}

pub(super) type Done = (Response, Effect);

fn refused(response: Response) -> Done {
    (response, Effect::Nothing)
}

pub(super) fn list(users: &Users, index: usize, numbers: Numbers) -> Vec<serde_json::Value> {
    let all = PhoneType::ALL.into_iter().filter_map(|phone_type| show(users, index, phone_type, numbers));
    all.filter_map(|shown| serde_json::to_value(shown).ok()).collect()
}

/// All methods of a user who has so many authenticator apps besides.
pub(super) fn methods(
    users: &Users,
    index: usize,
    numbers: Numbers,
    authenticators: u32,
) -> Vec<serde_json::Value> {
    let typed = |shown: Shown<'_>| {
        serde_json::to_value(Shown {
            odata_type: Some("#microsoft.graph.phoneAuthenticationMethod"),
            ..shown
        })
        .ok()
    };
    let phones = PhoneType::ALL.into_iter().filter_map(|phone_type| show(users, index, phone_type, numbers));
    let mut all: Vec<_> = phones.filter_map(typed).collect();
    let mut password = password();
    password["@odata.type"] = "#microsoft.graph.passwordAuthenticationMethod".into();
    all.push(password);
    let apps = users.get(index).authenticators + authenticators;
    all.extend((1..=apps).map(|app| {
        serde_json::json!({
            "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
            "id": format!("app-{app}"),
            "displayName": format!("Phone {app}"),
        })
    }));
    all
}

pub(super) fn password() -> serde_json::Value {
    serde_json::json!({"id": PASSWORD, "password": null, "createdDateTime": null})
}

pub(super) fn get(users: &Users, index: usize, phone_type: PhoneType, numbers: Numbers) -> Response {
    show(users, index, phone_type, numbers)
        .map_or_else(reply::not_registered, |shown| reply::json(200, &shown))
}

fn show(users: &Users, index: usize, phone_type: PhoneType, numbers: Numbers) -> Option<Shown<'_>> {
    let phone = users.get(index).phones[place(phone_type)].as_ref()?;
    let phone_number = match numbers {
        Numbers::Whole => phone.number.as_ref().into(),
        Numbers::Masked => masked(&phone.number).into(),
    };
    Some(Shown {
        odata_type: None,
        id: phone_type.method_id(),
        phone_number,
        phone_type: phone_type.name(),
        sms_sign_in_state: sms_state(users, index, phone_type),
        created_date_time: None,
    })
}

/// `+1 ******0123`
fn masked(number: &str) -> String {
    let (country, rest) = number.split_once(' ').unwrap_or(("", number));
    let visible = rest.len().saturating_sub(4);
    let hidden = "*".repeat(visible);
    format!("{country} {hidden}{}", rest.get(visible..).unwrap_or_default())
}

/// The state of a phone (Graph v1.0, enum `authenticationMethodSignInState`).
pub(super) fn sms_state(users: &Users, index: usize, phone_type: PhoneType) -> &'static str {
    let user = users.get(index);
    match (phone_type, user.sms_policy, &user.phones[0]) {
        (PhoneType::AlternateMobile | PhoneType::Office, _, _) | (PhoneType::Mobile, _, None) => {
            "notSupported"
        }
        (PhoneType::Mobile, SmsPolicy::NotAllowed, _) => "notAllowedByPolicy",
        (PhoneType::Mobile, SmsPolicy::Allowed, Some(mobile)) if mobile.signs_in => "ready",
        (PhoneType::Mobile, SmsPolicy::Allowed, Some(_)) if users.is_taken(index) => "phoneNumberNotUnique",
        (PhoneType::Mobile, SmsPolicy::Allowed, Some(_)) => "notEnabled",
    }
}

/// `POST phoneMethods`. The codes of its refusals are assumptions; that it refuses is documented.
pub(super) fn add(users: &mut Users, index: usize, body: &[u8]) -> Done {
    let Ok(sent) = serde_json::from_slice::<Sent<'_>>(body) else {
        return refused(reply::bad_request("The body is no JSON object."));
    };
    let known = |name: &str| PhoneType::ALL.into_iter().find(|phone_type| phone_type.name() == name);
    let Some(phone_type) = sent.phone_type.and_then(known) else {
        return refused(reply::bad_request("phoneType is missing or unknown."));
    };
    let Some(number) = sent.phone_number.filter(|number| is_number(number, phone_type)) else {
        return refused(reply::bad_request("phoneNumber is missing or malformed."));
    };
    let user = users.get_mut(index);
    if user.phones[place(phone_type)].is_some() {
        let message = "A phone of this type exists already for this user.";
        return refused(reply::error(409, "conflict", message));
    }
    if phone_type == PhoneType::AlternateMobile && user.phones[0].is_none() {
        let response = reply::bad_request("An alternateMobile phone needs a mobile phone.");
        return (response, Effect::AgainstOrder);
    }
    store(user, phone_type, number);
    (registered(users, index, phone_type, 201), Effect::Changed)
}

/// `PATCH phoneMethods/{id}`.
pub(super) fn update(users: &mut Users, index: usize, phone_type: PhoneType, body: &[u8]) -> Done {
    let Ok(sent) = serde_json::from_slice::<Sent<'_>>(body) else {
        return refused(reply::bad_request("The body is no JSON object."));
    };
    if sent.phone_type.is_some_and(|name| name != phone_type.name()) {
        return refused(reply::bad_request("phoneType cannot be changed."));
    }
    let Some(number) = sent.phone_number.filter(|number| is_number(number, phone_type)) else {
        return refused(reply::bad_request("phoneNumber is missing or malformed."));
    };
    if users.get(index).phones[place(phone_type)].is_none() {
        return refused(reply::not_registered());
    }
    if phone_type == PhoneType::Mobile {
        users.release_sms(index);
    }
    store(users.get_mut(index), phone_type, number);
    (registered(users, index, phone_type, 204), Effect::Changed)
}

fn store(user: &mut User, phone_type: PhoneType, number: &str) {
    user.phones[place(phone_type)] = Some(KeptPhone { number: number.into(), signs_in: false });
}

/// A mobile of a user who may sign in by SMS is registered for it by itself. Where the number is taken that fails,
/// but the phone stays (observed in production runbooks).
fn registered(users: &mut Users, index: usize, phone_type: PhoneType, status: u16) -> Response {
    let is_tried = phone_type == PhoneType::Mobile && users.get(index).sms_policy == SmsPolicy::Allowed;
    if is_tried && !users.register_sms(index) {
        return reply::error(
            409,
            "phoneNumberNotUnique",
            "The phone number is used by another user for SMS sign-in.",
        );
    }
    match (status, show(users, index, phone_type, Numbers::Whole)) {
        (201, Some(shown)) => reply::json(201, &shown),
        _ => reply::empty(status),
    }
}

/// `DELETE phoneMethods/{id}`.
pub(super) fn delete(users: &mut Users, index: usize, phone_type: PhoneType) -> Done {
    let user = users.get(index);
    if user.phones[place(phone_type)].is_none() {
        return refused(reply::not_registered());
    }
    if phone_type == PhoneType::Mobile && user.phones[1].is_some() {
        let response =
            reply::bad_request("The mobile phone cannot be removed while an alternateMobile exists.");
        return (response, Effect::AgainstOrder);
    }
    if user.default_phone == Some(phone_type) {
        return refused(reply::bad_request("The user's default method cannot be removed."));
    }
    if phone_type == PhoneType::Mobile {
        users.release_sms(index);
    }
    users.get_mut(index).phones[place(phone_type)] = None;
    (reply::empty(204), Effect::Changed)
}

/// `POST …/enableSmsSignIn`.
pub(super) fn enable_sms(users: &mut Users, index: usize, phone_type: PhoneType) -> Done {
    if users.get(index).phones[place(phone_type)].is_none() {
        return refused(reply::not_registered());
    }
    if phone_type != PhoneType::Mobile {
        return refused(reply::bad_request("SMS sign-in is supported for mobile phones only."));
    }
    if users.get(index).sms_policy == SmsPolicy::NotAllowed {
        return refused(reply::error(400, "notAllowedByPolicy", "SMS sign-in is not allowed for this user."));
    }
    if !users.register_sms(index) {
        let message = "The phone number is used by another user for SMS sign-in.";
        return refused(reply::error(409, "phoneNumberNotUnique", message));
    }
    (reply::empty(204), Effect::Changed)
}

/// `POST …/disableSmsSignIn`.
pub(super) fn disable_sms(users: &mut Users, index: usize, phone_type: PhoneType) -> Done {
    if users.get(index).phones[place(phone_type)].is_none() {
        return refused(reply::not_registered());
    }
    users.release_sms(index);
    (reply::empty(204), Effect::Changed)
}

/// `+{country code} {number}x{extension}`, bare E.164 included; an extension on office phones only.
fn is_number(text: &str, phone_type: PhoneType) -> bool {
    let (number, extension) = match text.split_once('x') {
        Some((number, extension)) => (number, Some(extension)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_extension = extension.is_none_or(|extension| phone_type == PhoneType::Office && digits(extension));
    let Some(rest) = number.strip_prefix('+') else { return false };
    let is_plain = match rest.split_once(' ') {
        Some((country, national)) => digits(country) && country.len() <= 3 && digits(national),
        None => digits(rest),
    };
    is_extension && is_plain && (7..=17).contains(&rest.len())
}
