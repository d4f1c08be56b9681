//! Microsoft's tutorial "Get started with the authentication methods API", step by step.

use serde_json::{Value, json};

use super::client::{Client, ORIGIN, PASSWORD};
use crate::transport::exchange::Method;

const USER: &str = "avery.howard@wingtiptoysonline.com";
const MOBILE: &str = "3179e48a-750b-4051-897c-87b9720928f7";
const OFFICE: &str = "e37fc753-ff3b-4958-9484-eaa9425c82bc";

fn url(rest: &str) -> String {
    format!("{ORIGIN}/beta/users/{USER}/authentication/{rest}")
}

fn password() -> Value {
    json!({
        "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
        "id": PASSWORD,
        "password": null,
        "createdDateTime": null,
    })
}

fn phone(id: &str, number: &str, phone_type: &str, state: &str) -> Value {
    json!({
        "id": id,
        "phoneNumber": number,
        "phoneType": phone_type,
        "smsSignInState": state,
        "createdDateTime": null,
    })
}

#[test]
fn the_tutorial_s_story_goes_as_it_is_told() {
    let mut client = Client::plain();
    // Step 2: a new user has a password only.
    let told = client.get(&url("methods"));
    assert_eq!((told.status, told.body), (200, json!({"value": [password()]})));

    // Step 3: add two phones, and look.
    let mobile = phone(MOBILE, "+1 2065550123", "mobile", "ready");
    let told =
        client.post(&url("phoneMethods"), &json!({"phoneType": "mobile", "phoneNumber": "+1 2065550123"}));
    assert_eq!((told.status, told.body), (201, mobile.clone()));
    let office = phone(OFFICE, "+1 4255550199", "office", "notSupported");
    let told =
        client.post(&url("phoneMethods"), &json!({"phoneType": "office", "phoneNumber": "+1 4255550199"}));
    assert_eq!((told.status, told.body), (201, office.clone()));
    let told = client.get(&url("phoneMethods"));
    assert_eq!((told.status, told.body), (200, json!({"value": [mobile, office]})));

    // Step 4: remove the office phone; nothing is said, and it is gone.
    let told = client.delete(&url(&format!("phoneMethods/{OFFICE}")));
    assert_eq!((told.status, told.body), (204, Value::Null));
    let mut typed = mobile;
    typed["@odata.type"] = "#microsoft.graph.phoneAuthenticationMethod".into();
    let told = client.get(&url("methods"));
    assert_eq!((told.status, told.body), (200, json!({"value": [typed, password()]})));

    // Step 5: reset the password, and follow the operation by its address, which has the object id in it.
    let object_id = client.tenant.user(USER).unwrap().object_id;
    let reset = url(&format!("passwordMethods/{PASSWORD}/resetPassword"));
    let told = client.post(&reset, &json!({"newPassword": "29sdjfw#fajsdA_a_3an3223"}));
    assert_eq!((told.status, &told.body), (202, &json!({})));
    let location = told.location();
    let id = location
        .strip_prefix(&format!("{ORIGIN}/beta/users/{object_id}/authentication/operations/"))
        .and_then(|rest| rest.strip_suffix("?aadgdc=SIM01P&aadgsu=ssprprod-a"))
        .unwrap();
    let told = client.after(4_000).ask(Method::Get, &location, None);
    let last = told.body["lastActionDateTime"].clone();
    let expected = json!({
        "id": id,
        "createdDateTime": "2026-01-01T00:00:00Z",
        "lastActionDateTime": last,
        "status": "succeeded",
        "statusDetail": "ResetSuccess",
        "resourceLocation": format!("/users/{object_id}/authentication/methods/{PASSWORD}"),
    });
    assert_eq!((told.status, told.body), (200, expected));
    let ends = ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z"];
    assert!(ends.iter().any(|end| last == *end), "{last}");
    assert_eq!(client.tenant.user(USER).unwrap().password.as_deref(), Some("29sdjfw#fajsdA_a_3an3223"));
}
