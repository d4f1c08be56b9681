//! Phones: one of each type, the order of mobile and alternateMobile, the form of numbers, SMS sign-in.

use serde_json::{Value, json};

use super::client::{Client, avery, of, phone_path, seed, settings};
use crate::model::phone::PhoneType::{self, AlternateMobile, Mobile, Office};
use crate::simulator::phones::Numbers;
use crate::simulator::settings::TenantSettings;
use crate::simulator::users::{SeedUser, SmsPolicy};

const NUMBER: &str = "+1 2065550123";
const OTHER: &str = "+1 2065550199";

fn number(client: &Client, phone_type: PhoneType) -> Option<String> {
    let user = client.tenant.user("avery@contoso.com").unwrap();
    match phone_type {
        Mobile => user.mobile,
        AlternateMobile => user.alternate_mobile,
        Office => user.office,
    }
}

fn state(client: &Client, user: &str) -> &'static str {
    client.tenant.user(user).unwrap().sms_sign_in_state
}

#[test]
fn a_user_has_one_phone_of_each_type() {
    let mut client = Client::plain();
    for phone_type in PhoneType::ALL {
        assert_eq!(client.add(phone_type, NUMBER).status, 201, "{phone_type}");
        for again in [NUMBER, OTHER] {
            assert_eq!(client.add(phone_type, again).refusal(), (409, "conflict"), "{phone_type}");
        }
        assert_eq!(number(&client, phone_type).as_deref(), Some(NUMBER), "{phone_type}");
    }
    let listed = client.get(&avery("phoneMethods"));
    let types: Vec<&Value> = listed.listed().iter().map(|phone| &phone["phoneType"]).collect();
    assert_eq!(types, ["mobile", "alternateMobile", "office"]);
}

#[test]
fn a_patch_changes_the_number_in_place_and_says_nothing() {
    let mut client = Client::plain();
    for phone_type in PhoneType::ALL {
        client.add(phone_type, NUMBER);
        for body in
            [json!({"phoneNumber": OTHER}), json!({"phoneNumber": OTHER, "phoneType": phone_type.name()})]
        {
            let told = client.patch(&phone_path(phone_type), &body);
            assert_eq!((told.status, told.body), (204, Value::Null), "{phone_type}");
        }
        assert_eq!(number(&client, phone_type).as_deref(), Some(OTHER), "{phone_type}");
    }
}

#[test]
fn a_patch_cannot_change_the_type() {
    let mut client = Client::plain();
    client.add(Mobile, NUMBER);
    let told = client.patch(&phone_path(Mobile), &json!({"phoneNumber": OTHER, "phoneType": "office"}));
    assert_eq!(told.refusal(), (400, "badRequest"));
    assert_eq!(number(&client, Mobile).as_deref(), Some(NUMBER));
}

#[test]
fn a_phone_that_is_not_there_cannot_be_read_changed_removed_or_switched() {
    let mut client = Client::with([seed("avery@contoso.com", &[])]);
    for phone_type in PhoneType::ALL {
        let path = phone_path(phone_type);
        let missing = (404, "resourceNotFound");
        assert_eq!(client.get(&path).refusal(), missing);
        assert_eq!(client.patch(&path, &json!({"phoneNumber": NUMBER})).refusal(), missing);
        assert_eq!(client.delete(&path).refusal(), missing);
        assert_eq!(client.act(&format!("{path}/enableSmsSignIn")).refusal(), missing);
        assert_eq!(client.act(&format!("{path}/disableSmsSignIn")).refusal(), missing);
    }
    let nobody_s = avery("phoneMethods/00000000-0000-0000-0000-000000000000");
    assert_eq!(client.get(&nobody_s).refusal(), (404, "resourceNotFound"));
    assert_eq!(client.delete(&nobody_s).refusal(), (404, "resourceNotFound"));
}

#[test]
fn an_alternate_mobile_needs_a_mobile() {
    let mut client = Client::plain();
    assert_eq!(client.add(AlternateMobile, NUMBER).refusal(), (400, "badRequest"));
    client.add(Office, NUMBER);
    assert_eq!(client.add(AlternateMobile, NUMBER).refusal(), (400, "badRequest"));
    client.add(Mobile, NUMBER);
    assert_eq!(client.add(AlternateMobile, OTHER).status, 201);
    assert_eq!(client.tenant.ledger().order_violations, 2);
}

#[test]
fn a_mobile_stays_as_long_as_an_alternate_mobile_does() {
    let mut client = Client::with([seed("avery@contoso.com", &[(Mobile, NUMBER), (AlternateMobile, OTHER)])]);
    assert_eq!(client.delete(&phone_path(Mobile)).refusal(), (400, "badRequest"));
    assert_eq!(number(&client, Mobile).as_deref(), Some(NUMBER));
    assert_eq!(client.tenant.ledger().order_violations, 1);
    assert_eq!(client.delete(&phone_path(AlternateMobile)).status, 204);
    assert_eq!(client.delete(&phone_path(Mobile)).status, 204);
    assert_eq!(client.get(&avery("phoneMethods")).body, json!({"value": []}));
}

#[test]
fn the_phone_that_is_the_default_method_cannot_be_removed_but_changed() {
    for phone_type in PhoneType::ALL {
        let phones = [(Mobile, NUMBER), (phone_type, NUMBER)];
        let phones = if phone_type == Mobile { &phones[..1] } else { &phones[..] };
        let user = SeedUser { default_phone: Some(phone_type), ..seed("avery@contoso.com", phones) };
        let mut client = Client::with([user]);
        let path = phone_path(phone_type);
        assert_eq!(client.delete(&path).refusal(), (400, "badRequest"), "{phone_type}");
        assert_eq!(client.patch(&path, &json!({"phoneNumber": OTHER})).status, 204, "{phone_type}");
        assert_eq!(client.tenant.ledger().order_violations, 0);
    }
}

#[test]
fn numbers_are_taken_in_the_documented_form_and_as_bare_e164() {
    for (text, is_taken) in [
        ("+1 2065550123", true),
        ("+44 7911123456", true),
        ("+44 07777777778", true),
        ("+12065550123", true),
        ("+491701234567", true),
        ("2065550123", false),
        ("1 2065550123", false),
        ("+1 206 555 0123", false),
        ("+1 206-555-0123", false),
        ("+1 (206) 5550123", false),
        ("+1 206.555.0123", false),
        ("+ 2065550123", false),
        ("+1234 2065550123", false),
        ("+1 ", false),
        ("+1", false),
        ("+1  2065550123", false),
        (" +1 2065550123", false),
        ("+1 2065550123 ", false),
        ("+1 20655501a3", false),
        ("+1 123456789012345678", false),
        ("+1 ٢٠٦٥٥٥٠١٢٣", false),
        ("", false),
    ] {
        let mut client = Client::plain();
        let told = client.add(Mobile, text);
        if is_taken {
            assert_eq!((told.status, &told.body["phoneNumber"]), (201, &json!(text)));
        } else {
            assert_eq!(told.refusal(), (400, "badRequest"), "{text:?}");
            assert_eq!(number(&client, Mobile), None, "{text:?}");
        }
        client.tenant.add_user(seed("blake@contoso.com", &[(Mobile, OTHER)]));
        let path = of("blake@contoso.com", &format!("phoneMethods/{}", Mobile.method_id()));
        let status = client.patch(&path, &json!({"phoneNumber": text})).status;
        // Where the number was taken by Avery, it is stored all the same.
        assert_eq!(status, if is_taken { 409 } else { 400 }, "{text:?}");
    }
}

#[test]
fn only_an_office_phone_has_an_extension() {
    for (text, phone_type, status) in [
        ("+1 2065550123x123", Office, 201),
        ("+12065550123x1", Office, 201),
        ("+1 2065550123x", Office, 400),
        ("+1 2065550123x1x2", Office, 400),
        ("+1 2065550123X12", Office, 400),
        ("+1 2065550123 x12", Office, 400),
        ("+1 2065550123x123", Mobile, 400),
        ("+1 2065550123x123", AlternateMobile, 400),
    ] {
        let mut client = Client::with([seed("avery@contoso.com", &[])]);
        if phone_type == AlternateMobile {
            client.add(Mobile, NUMBER);
        }
        assert_eq!(client.add(phone_type, text).status, status, "{phone_type} {text}");
    }
}

#[test]
fn a_body_that_says_no_phone_is_refused() {
    let mut client = Client::plain();
    for body in [
        json!({}),
        json!([]),
        json!("text"),
        json!(null),
        json!({"phoneNumber": NUMBER}),
        json!({"phoneType": "mobile"}),
        json!({"phoneNumber": NUMBER, "phoneType": "fax"}),
        json!({"phoneNumber": NUMBER, "phoneType": "Mobile"}),
        json!({"phoneNumber": 12_065_550_123_u64, "phoneType": "mobile"}),
    ] {
        let told = client.post(&avery("phoneMethods"), &body);
        assert_eq!(told.refusal(), (400, "badRequest"), "{body}");
    }
    assert_eq!(client.act(&avery("phoneMethods")).refusal(), (400, "badRequest"));
    assert_eq!(client.tenant.ledger().changes, 0);
}

#[test]
fn a_mobile_is_registered_for_sms_sign_in_by_itself_and_the_others_are_not() {
    let mut client = Client::plain();
    for (phone_type, expected) in
        [(Mobile, "ready"), (AlternateMobile, "notSupported"), (Office, "notSupported")]
    {
        assert_eq!(client.add(phone_type, NUMBER).body["smsSignInState"], expected);
        assert_eq!(client.get(&phone_path(phone_type)).body["smsSignInState"], expected);
    }
}

#[test]
fn a_number_that_signs_in_somebody_else_is_stored_but_not_registered() {
    let mut client = Client::plain();
    client.add_to("blake@contoso.com", Mobile, "+12065550123");
    assert_eq!(client.add(Mobile, NUMBER).refusal(), (409, "phoneNumberNotUnique"));
    assert_eq!(number(&client, Mobile).as_deref(), Some(NUMBER));
    assert_eq!(state(&client, "avery@contoso.com"), "phoneNumberNotUnique");
    assert_eq!(state(&client, "blake@contoso.com"), "ready");
    let enable = format!("{}/enableSmsSignIn", phone_path(Mobile));
    assert_eq!(client.act(&enable).refusal(), (409, "phoneNumberNotUnique"));

    // The same by PATCH.
    client.add_to("casey@contoso.com", Mobile, OTHER);
    let casey = of("casey@contoso.com", &format!("phoneMethods/{}", Mobile.method_id()));
    let told = client.patch(&casey, &json!({"phoneNumber": NUMBER}));
    assert_eq!(told.refusal(), (409, "phoneNumberNotUnique"));
    assert_eq!(client.tenant.user("casey@contoso.com").unwrap().mobile.as_deref(), Some(NUMBER));

    // When the number is given up, the next one may have it.
    let blake = of("blake@contoso.com", &format!("phoneMethods/{}", Mobile.method_id()));
    assert_eq!(client.delete(&blake).status, 204);
    assert_eq!(state(&client, "avery@contoso.com"), "notEnabled");
    assert_eq!(client.act(&enable).status, 204);
    assert_eq!(state(&client, "avery@contoso.com"), "ready");
    assert_eq!(state(&client, "casey@contoso.com"), "phoneNumberNotUnique");
}

#[test]
fn a_mobile_may_have_the_number_that_it_signed_in_with_before() {
    let mut client = Client::plain();
    client.add(Mobile, NUMBER);
    for number in [OTHER, NUMBER] {
        assert_eq!(client.patch(&phone_path(Mobile), &json!({"phoneNumber": number})).status, 204);
        assert_eq!(state(&client, "avery@contoso.com"), "ready");
    }
}

#[test]
fn sms_sign_in_is_switched_off_and_on_as_often_as_one_likes() {
    let mut client = Client::plain();
    client.add(Mobile, NUMBER);
    for (action, expected) in [
        ("disableSmsSignIn", "notEnabled"),
        ("disableSmsSignIn", "notEnabled"),
        ("enableSmsSignIn", "ready"),
        ("enableSmsSignIn", "ready"),
    ] {
        let told = client.act(&format!("{}/{action}", phone_path(Mobile)));
        assert_eq!((told.status, told.body), (204, Value::Null), "{action}");
        assert_eq!(client.get(&phone_path(Mobile)).body["smsSignInState"], expected, "{action}");
    }
}

#[test]
fn an_action_is_known_by_its_short_and_its_long_name_below_both_collections() {
    let mut client = Client::plain();
    client.add(Mobile, NUMBER);
    for collection in ["methods", "phoneMethods"] {
        for prefix in ["", "microsoft.graph."] {
            let path = |action| avery(&format!("{collection}/{}/{prefix}{action}", Mobile.method_id()));
            assert_eq!(client.act(&path("disableSmsSignIn")).status, 204);
            assert_eq!(state(&client, "avery@contoso.com"), "notEnabled");
            assert_eq!(client.act(&path("enableSmsSignIn")).status, 204);
            assert_eq!(state(&client, "avery@contoso.com"), "ready");
        }
    }
}

#[test]
fn only_a_mobile_signs_in_by_sms() {
    let mut client = Client::with([seed(
        "avery@contoso.com",
        &[(Mobile, NUMBER), (AlternateMobile, OTHER), (Office, OTHER)],
    )]);
    for phone_type in [AlternateMobile, Office] {
        let told = client.act(&format!("{}/enableSmsSignIn", phone_path(phone_type)));
        assert_eq!(told.refusal(), (400, "badRequest"), "{phone_type}");
    }
    assert_eq!(client.act(&format!("{}/disableSmsSignIn", phone_path(Mobile))).status, 204);
}

#[test]
fn where_the_policy_forbids_sms_sign_in_a_mobile_is_stored_and_cannot_be_enabled() {
    let user = SeedUser { sms_policy: SmsPolicy::NotAllowed, ..SeedUser::named("avery@contoso.com") };
    let mut client = Client::with([user]);
    let told = client.add(Mobile, NUMBER);
    assert_eq!((told.status, &told.body["smsSignInState"]), (201, &json!("notAllowedByPolicy")));
    let told = client.act(&format!("{}/enableSmsSignIn", phone_path(Mobile)));
    assert_eq!(told.refusal(), (400, "notAllowedByPolicy"));
    // The number signs nobody in, so it is free for somebody else.
    assert_eq!(client.add_to("blake@contoso.com", Mobile, NUMBER).status, 201);
    assert_eq!(state(&client, "blake@contoso.com"), "ready");
}

#[test]
fn a_seeded_mobile_signs_nobody_in_until_it_is_enabled() {
    let mut client = Client::with([seed("avery@contoso.com", &[(Mobile, NUMBER)])]);
    assert_eq!(state(&client, "avery@contoso.com"), "notEnabled");
    assert_eq!(client.act(&format!("{}/enableSmsSignIn", phone_path(Mobile))).status, 204);
    assert_eq!(state(&client, "avery@contoso.com"), "ready");
}

#[test]
fn masked_numbers_show_the_country_and_four_digits() {
    let mut client = Client::new(TenantSettings { numbers: Numbers::Masked, ..settings() });
    client.tenant.add_user(seed("avery@contoso.com", &[(Mobile, NUMBER), (Office, "+442071234567")]));
    let masked = [json!("+1 ******0123"), json!(" *********4567")];
    assert_eq!(client.get(&phone_path(Mobile)).body["phoneNumber"], masked[0]);
    for list in ["phoneMethods", "methods"] {
        let told = client.get(&avery(list));
        let numbers: Vec<&Value> =
            told.listed().iter().map(|phone| &phone["phoneNumber"]).filter(|n| n.is_string()).collect();
        assert_eq!(numbers, [&masked[0], &masked[1]], "{list}");
    }
    assert_eq!(number(&client, Mobile).as_deref(), Some(NUMBER), "what is stored is whole");
}
