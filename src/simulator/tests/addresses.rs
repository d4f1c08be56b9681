//! Users, paths and pages.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, ORIGIN, PASSWORD, avery, of, phone_path, reset_path, seed, settings};
use crate::model::phone::PhoneType::{self, AlternateMobile, Mobile, Office};
use crate::simulator::settings::{Permission, TenantSettings};
use crate::simulator::users::{Population, SeedUser};
use crate::transport::exchange::Method;

const NUMBER: &str = "+1 2065550123";

#[test]
fn name_in_any_case_and_object_id_are_the_same_user() {
    let mut client = Client::plain();
    client.add_to("Avery@Contoso.com", Mobile, NUMBER);
    let object_id = client.tenant.user("avery@contoso.com").unwrap().object_id;
    for name in [
        "Avery@Contoso.com",
        "avery@contoso.com",
        "AVERY@CONTOSO.COM",
        "avery%40contoso.com",
        &object_id,
        &object_id.to_uppercase(),
    ] {
        let path = of(name, &format!("phoneMethods/{}", Mobile.method_id()));
        assert_eq!(client.get(&path).body["phoneNumber"], NUMBER, "{name}");
        let path = format!("/users('{name}')/authentication/phoneMethods/{}", Mobile.method_id());
        assert_eq!(client.get(&path).body["phoneNumber"], NUMBER, "{name}");
    }
    assert_eq!(client.tenant.user_count(), 1);
    let told = client.get("/users/avery@contoso.com");
    assert_eq!(told.body, json!({"id": object_id, "userPrincipalName": "Avery@Contoso.com"}));
}

#[test]
fn a_user_may_be_added_by_object_id() {
    let id = "ed178e23-7447-4892-baf8-fc46f8af26ce";
    let mut client = Client::new(TenantSettings { population: Population::Listed, ..settings() });
    client.tenant.add_user(seed(id, &[(Office, NUMBER)]));
    assert_eq!(client.tenant.user(id).unwrap().object_id, id);
    assert_eq!(client.get(&of(&id.to_uppercase(), "phoneMethods")).listed().len(), 1);
}

#[test]
fn names_with_special_characters_reach_their_own_users() {
    let mut client = Client::new(TenantSettings { population: Population::Listed, ..settings() });
    for name in
        ["alice_fabrikam.com#EXT#@contoso.com", "$x@contoso.com", "o'neil@contoso.com", "jürgen@contoso.com"]
    {
        client.tenant.add_user(SeedUser::named(name));
    }
    for (segment, status) in [
        ("/users/alice_fabrikam.com%23EXT%23@contoso.com", 200),
        // A raw # begins a fragment, which never reaches a server.
        ("/users/alice_fabrikam.com#EXT#@contoso.com", 404),
        ("/users('%24x%40contoso.com')", 200),
        ("/users('o%27%27neil@contoso.com')", 200),
        ("/users/o%27neil@contoso.com", 200),
        ("/users/j%C3%BCrgen@contoso.com", 200),
        ("/users/J%C3%9CRGEN@contoso.com", 200),
    ] {
        assert_eq!(client.get(segment).status, status, "{segment}");
    }
}

#[test]
fn a_user_who_is_not_listed_is_unknown_to_every_request() {
    let mut client = Client::new(TenantSettings { population: Population::Listed, ..settings() });
    let unknown = (404, "Request_ResourceNotFound");
    let told = client.get(&avery("methods"));
    assert_eq!(told.refusal(), unknown);
    assert_eq!(
        told.message(),
        "Resource 'avery@contoso.com' does not exist or one of its queried reference-property objects are not present."
    );
    assert_eq!(client.add(Mobile, NUMBER).refusal(), unknown);
    assert_eq!(client.patch(&phone_path(Mobile), &json!({"phoneNumber": NUMBER})).refusal(), unknown);
    assert_eq!(client.delete(&phone_path(Mobile)).refusal(), unknown);
    assert_eq!(client.act(&format!("{}/enableSmsSignIn", phone_path(Mobile))).refusal(), unknown);
    assert_eq!(client.act(&reset_path()).refusal(), unknown);
    assert_eq!(client.tenant.user_count(), 0);
    client.tenant.add_user(SeedUser::named("avery@contoso.com"));
    assert_eq!(client.get(&avery("methods")).status, 200);
}

#[test]
fn a_new_user_is_unknown_for_the_user_lag() {
    let lag = Duration::from_secs(3);
    // Where everyone exists, it counts from the first mention.
    let mut client = Client::new(TenantSettings { user_lag: lag, ..settings() });
    for (wait, status) in [(10_000, 404), (2_999, 404), (1, 201)] {
        assert_eq!(client.after(wait).add(Mobile, NUMBER).status, status, "{wait}");
    }
    // Where users are listed, from the beginning.
    let listed = TenantSettings { user_lag: lag, population: Population::Listed, ..settings() };
    let mut client = Client::new(listed);
    client.tenant.add_user(SeedUser::named("avery@contoso.com"));
    for (wait, status) in [(2_999, 404), (1, 201)] {
        assert_eq!(client.after(wait).add(Mobile, NUMBER).status, status, "{wait}");
    }
}

#[test]
fn a_wrong_segment_is_named_with_400() {
    let mut client = Client::plain();
    for (path, segment) in [
        (avery("phonemethods"), "phonemethods"),
        (avery("methods/1/2/3"), "methods"),
        (avery(&format!("methods/{PASSWORD}/setPassword")), "setPassword"),
        (avery("methods/00000000-0000-0000-0000-000000000000/resetPassword"), "resetPassword"),
        ("/groups/1".to_owned(), "groups"),
        (format!("{ORIGIN}/v2.0/users/a@b.c"), "/v2.0/users/a@b.c"),
    ] {
        let told = client.get(&path);
        assert_eq!(told.refusal(), (400, "BadRequest"), "{path}");
        assert_eq!(told.message(), format!("Resource not found for the segment '{segment}'."));
    }
    assert_eq!(client.tenant.user_count(), 0, "nobody was mentioned");
}

#[test]
fn a_method_that_a_path_does_not_take_is_405() {
    let mut client = Client::with([seed("avery@contoso.com", &[(Mobile, NUMBER)])]);
    let body = json!({"phoneNumber": NUMBER, "phoneType": "office"});
    for (method, path) in [
        (Method::Get, reset_path()),
        (Method::Get, format!("{}/enableSmsSignIn", phone_path(Mobile))),
        (Method::Get, format!("{}/disableSmsSignIn", phone_path(Mobile))),
        (Method::Post, avery("methods")),
        (Method::Patch, avery("phoneMethods")),
        (Method::Delete, avery("phoneMethods")),
        (Method::Post, phone_path(Mobile)),
        (Method::Delete, avery(&format!("passwordMethods/{PASSWORD}"))),
        (Method::Patch, reset_path()),
        (Method::Delete, "/users/avery@contoso.com".to_owned()),
    ] {
        let told = client.ask(method, &path, Some(&body));
        assert_eq!(told.refusal(), (405, "Request_BadRequest"), "{method:?} {path}");
        assert_eq!(told.message(), "Specified HTTP method is not allowed for the request target.");
    }
    assert_eq!(client.tenant.ledger().changes, 0);
}

#[test]
fn the_password_method_is_everybody_s_and_shows_no_password() {
    let mut client = Client::plain();
    let password = json!({"id": PASSWORD, "password": null, "createdDateTime": null});
    for path in ["methods", "passwordMethods"] {
        let told = client.get(&avery(&format!("{path}/{PASSWORD}")));
        assert_eq!((told.status, &told.body), (200, &password), "{path}");
    }
    assert_eq!(client.get(&avery("passwordMethods")).body, json!({"value": [password]}));
    let other = avery("methods/00000000-0000-0000-0000-000000000000");
    assert_eq!(client.get(&other).refusal(), (404, "resourceNotFound"));
}

#[test]
fn pages_lead_to_the_next_one_until_all_was_shown() {
    let phones = [(Mobile, NUMBER), (AlternateMobile, NUMBER), (Office, NUMBER)];
    for (page_size, sizes) in
        [(1, vec![1, 1, 1, 1]), (2, vec![2, 2]), (3, vec![3, 1]), (4, vec![4]), (9, vec![4])]
    {
        let mut client = Client::new(TenantSettings { page_size, ..settings() });
        client.tenant.add_user(seed("avery@contoso.com", &phones));
        let mut told = client.get(&avery("methods"));
        let mut seen: Vec<Value> = told.listed().to_vec();
        let mut seen_sizes = vec![seen.len()];
        while let Some(next) = told.body["@odata.nextLink"].as_str() {
            assert!(
                next.starts_with(&format!("{ORIGIN}/v1.0/users/avery@contoso.com/authentication/methods?"))
            );
            told = client.get(next);
            seen.extend(told.listed().to_vec());
            seen_sizes.push(told.listed().len());
        }
        assert_eq!(seen_sizes, sizes, "{page_size}");
        let ids: Vec<&str> = seen.iter().filter_map(|method| method["id"].as_str()).collect();
        let expected = PhoneType::ALL.map(PhoneType::method_id).into_iter().chain([PASSWORD]);
        assert_eq!(ids, expected.collect::<Vec<_>>());
    }
}

#[test]
fn without_permission_reads_pass_and_every_write_is_403() {
    let mut client = Client::new(TenantSettings { permission: Permission::ReadOnly, ..settings() });
    client.tenant.add_user(seed("avery@contoso.com", &[(Mobile, NUMBER)]));
    assert_eq!(client.get(&avery("methods")).status, 200);
    let denied = (403, "accessDenied");
    assert_eq!(client.add(Office, NUMBER).refusal(), denied);
    assert_eq!(client.patch(&phone_path(Mobile), &json!({"phoneNumber": NUMBER})).refusal(), denied);
    assert_eq!(client.delete(&phone_path(Mobile)).refusal(), denied);
    assert_eq!(client.act(&reset_path()).refusal(), denied);
    assert_eq!(client.tenant.ledger().changes, 0);
}

#[test]
fn all_users_are_listed_page_by_page_with_what_was_selected() {
    let mut client = Client::plain();
    for at in 0..250 {
        client.tenant.add_user(SeedUser::named(format!("user{at}@contoso.com")));
    }
    for (query, sizes) in [
        ("", vec![100, 100, 50]),
        ("?$select=id,userPrincipalName&$top=120", vec![120, 120, 10]),
        ("?$top=999&$select=id,accountEnabled", vec![250]),
    ] {
        let (mut names, mut seen_sizes) = (Vec::new(), Vec::new());
        let mut told = client.get(&format!("/users{query}"));
        loop {
            seen_sizes.push(told.listed().len());
            for user in told.listed() {
                assert_eq!(user.get("accountEnabled").is_some(), query.contains("accountEnabled"));
                names.push(user["userPrincipalName"].as_str().unwrap().to_owned());
            }
            let Some(next) = told.body["@odata.nextLink"].as_str() else { break };
            assert!(next.starts_with(&format!("{ORIGIN}/v1.0/users?")), "{next}");
            told = client.get(next);
        }
        assert_eq!(seen_sizes, sizes, "{query}");
        assert_eq!(names, (0..250).map(|at| format!("user{at}@contoso.com")).collect::<Vec<_>>());
    }
    client = Client::new(TenantSettings { page_size: 2, ..settings() });
    (0..3).for_each(|at| client.tenant.add_user(SeedUser::named(format!("user{at}@contoso.com"))));
    assert_eq!(client.get("/users?$top=999").listed().len(), 2);
    for wrong in ["0", "1000"] {
        assert_eq!(client.get(&format!("/users?$top={wrong}")).refusal(), (400, "Request_BadRequest"));
    }
    assert_eq!(client.ask(Method::Post, "/users", Some(&json!({}))).status, 405);
}

#[test]
fn users_whom_the_directory_does_not_know_yet_are_not_listed() {
    let lag = Duration::from_secs(5);
    let mut client = Client::new(TenantSettings { user_lag: lag, ..settings() });
    client.tenant.add_user(SeedUser::named("avery@contoso.com"));
    assert!(client.get("/users").listed().is_empty());
    client.now += lag;
    assert_eq!(client.get("/users").listed().len(), 1);
}
