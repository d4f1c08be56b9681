//! What the doctor finds, against a simulated tenant.

use serde_json::Value;

use super::support::ended::Ended;
use super::support::world::World;

const SECRET: &str = "s3cret-of-the-app";
const PHONES: &str = "user,action,phone\na@contoso.com,add,+1 2065550100\nb@contoso.com,add,+1 2065550101\n";
const RESETS: &str = "user,action,new_password\na@contoso.com,reset,N3w-password\n";

fn world(flags: &[&str]) -> World {
    let world = World::new()
        .variable("AUTHWAVE_ACCESS_TOKEN", "")
        .variable("AUTHWAVE_CLIENT_SECRET", SECRET)
        .variable("AUTHWAVE_TENANT", "contoso.com")
        .variable("AUTHWAVE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
        .simulator(flags)
        .file("phones.csv", PHONES)
        .file("resets.csv", RESETS);
    let root = world.tenant().root.clone();
    world.variable("AUTHWAVE_GRAPH_ROOT", &root).variable("AUTHWAVE_AUTHORITY", &root)
}

#[track_caller]
fn doctor(world: &World, arguments: &[&str], code: i32) -> Ended {
    let ended = world.authwave(&[&["doctor"], arguments, &["--log", "trace"]].concat()).exits(code);
    let said = ended.stdout.clone() + &ended.stderr;
    assert!(!said.contains(SECRET) && !said.contains("simulated-token"), "{said}");
    assert!(!ended.stdout.contains('\u{1b}'), "no colours without a terminal");
    assert_eq!(world.tenant().count("writes"), 0, "a doctor changes nothing");
    ended
}

#[track_caller]
fn has(ended: &Ended, lines: &[&str]) {
    for line in lines {
        assert!(ended.stdout.contains(line), "no {line:?} in\n{}", ended.stdout);
    }
}

#[test]
fn a_run_that_lacks_nothing_is_said_to_be_fit() {
    let ended = doctor(&world(&[]), &["phones.csv"], 0);
    has(
        &ended,
        &[
            "✓ authority",
            "✓ clock       right within two minutes",
            "✓ sign-in     a token by client-secret",
            "an app's own (app-only), app 11111111-2222-3333-4444-555555555555, lives ",
            "✓ tenant      contoso.com",
            "✓ permission  to change phones (2 rows): UserAuthenticationMethod.ReadWrite.All",
            "✓ graph       the phones of a@contoso.com can be read",
        ],
    );
    assert!(!ended.stdout.contains('✗'), "{}", ended.stdout);
}

#[test]
fn a_missing_permission_is_named_with_the_least_one_and_where_it_is_granted() {
    let world = world(&["--permissions", "User.Read.All"]);
    let ended = doctor(&world, &["phones.csv"], 3);
    has(
        &ended,
        &[
            "✗ permission  to change phones (2 rows): none",
            "→ grant UserAuthMethod-Phone.ReadWrite.All (where the tenant does not know it yet, \
             UserAuthenticationMethod.ReadWrite.All) in App registrations, API permissions, Microsoft Graph, Application",
        ],
    );
    let ended = doctor(&world, &[], 0);
    has(&ended, &["– permission  to change phones: none", "✓ graph       the phones of nobody can be read"]);
}

/// What a run looks up for its guards: it begins without some of it, and says so; it does not begin where two spellings may
/// be one user.
#[test]
fn what_the_guards_read_is_looked_at_too() {
    const BOTH: &str = "user,action,phone\na@contoso.com,add,+1 2065550100\n\
        00000000-0000-0000-0000-000000000001,add,+1 2065550101\n";
    const BLIND: [&str; 2] = ["--permissions", "UserAuthenticationMethod.ReadWrite.All"];
    let guarded = |flags: &[&str]| {
        let list = "[protected]\nusers = [\"boss@contoso.com\"]\n";
        world(flags).guarded().file("both.csv", BOTH).file("authwave.toml", list)
    };
    let blind = guarded(&BLIND);
    let ended = doctor(&blind, &["both.csv"], 3);
    has(
        &ended,
        &[
            "✗ permission  to tell users by name from those by object id: none\n",
            "→ use one spelling of users in the file, or grant User.ReadBasic.All\n",
            "– permission  to see who holds directory roles: none; a run warns",
            "– permission  to look up [protected] users: none; a run guards them by the spelling",
        ],
    );
    // One spelling is enough for a run to begin.
    doctor(&blind, &["phones.csv"], 0);
    let allowed = format!("{},Directory.Read.All", BLIND[1]);
    let ended = doctor(&guarded(&[BLIND[0], &allowed]), &["both.csv"], 0);
    has(
        &ended,
        &[
            "✓ permission  to tell users by name from those by object id: Directory.Read.All\n",
            "✓ permission  to see who holds directory roles: Directory.Read.All\n",
            "✓ permission  to look up [protected] users: Directory.Read.All\n",
        ],
    );
}

#[test]
fn resets_by_an_app_are_told_and_a_person_s_role_is_looked_at() {
    let ended = doctor(&world(&[]), &["resets.csv"], 3);
    has(&ended, &["✗ resets      1 row wants to reset passwords", "authwave sign-in"]);

    let person = world(&["--delegated-tokens"]);
    let ended = doctor(&person, &["resets.csv"], 0);
    has(
        &ended,
        &[
            "admin@contoso.com's (delegated)",
            "✓ permission  to reset passwords (1 row): UserAuthenticationMethod.ReadWrite.All",
            "✓ role        to reset passwords (1 row): Authentication Administrator",
        ],
    );
    let reader = world(&["--delegated-tokens", "--roles", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"]);
    let ended = doctor(&reader, &["resets.csv"], 3);
    has(
        &ended,
        &[
            "✗ role        to reset passwords (1 row): none that the token names",
            "→ assign Authentication Administrator or Privileged Authentication Administrator",
        ],
    );
}

#[test]
fn what_stops_a_sign_in_is_told_once_and_as_json_too() {
    let wrong = world(&["--tenant", "fabrikam.com"]);
    let ended = doctor(&wrong, &["resets.csv"], 3);
    has(
        &ended,
        &["✗ sign-in     cannot sign in", "AADSTS90002", "✗ resets      1 row wants to reset passwords"],
    );

    let late = world(&["--clock-ahead", "10m"]);
    let told: Value = serde_json::from_str(&doctor(&late, &["phones.csv", "--json"], 3).stdout).unwrap();
    assert_eq!(told["ok"], false);
    let clock = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "clock").unwrap();
    assert_eq!(clock["state"], "failed");
    assert!(clock["cure"].as_str().unwrap().contains("10 min behind"), "{clock}");

    let ended = doctor(&world(&[]), &["phones.csv", "--json"], 0);
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout).unwrap()["ok"], true);
}

#[test]
fn what_cannot_be_reached_is_named() {
    let world = world(&[]).variable("AUTHWAVE_AUTHORITY", "http://127.0.0.1:9");
    let ended = world.authwave(&["doctor"]).exits(3);
    has(&ended, &["✗ authority   http://127.0.0.1:9: not sent", "→ look at the name, the proxy"]);
}

#[test]
fn a_cloud_that_lacks_something_and_settings_that_are_wrong_are_told() {
    let ended = doctor(&world(&[]), &["resets.csv", "--cloud", "china"], 3);
    has(&ended, &["✗ cloud", "which Graph does not offer in the cloud china"]);
    doctor(&world(&[]), &["--cloud", "mars"], 2);
    doctor(&world(&[]), &["no-such.csv"], 2);
}
