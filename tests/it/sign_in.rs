//! Sign-in with a client secret against the simulated authority.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::exit_codes::adds;
use super::support::ended::Ended;
use super::support::world::World;

const SECRET: &str = "s3cret-of-the-app";

/// A world whose app signs in with its secret, and the flags of its runs.
fn world(flags: &[&str], secret: &str) -> World {
    World::new()
        .variable("AUTHWAVE_ACCESS_TOKEN", "")
        .variable("AUTHWAVE_SIMULATOR_CLIENT_SECRET", SECRET)
        .variable("AUTHWAVE_CLIENT_SECRET", secret)
        .variable("AUTHWAVE_TENANT", "contoso.com")
        .variable("AUTHWAVE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
        .simulator(flags)
}

#[test]
fn a_short_lived_token_is_renewed_as_long_as_the_run_takes() {
    let world = world(&["--token-lifetime", "3s"], SECRET).file("in.csv", &adds(60));
    let root = world.tenant().root.clone();
    let ended = world.run("in.csv", &["--authority", &root, "--requests-per-second", "10", "-vv"]).exits(0);
    assert_eq!(ended.column("status"), ["succeeded"; 60]);
    let ledger = world.tenant().ledger();
    assert!(ledger["tokens"].as_u64().unwrap() > 1, "{ledger}");
    assert_eq!(ledger["changes"], 60);
    assert_eq!(ledger["by_status"].get("401"), None);
    let everything = ended.everything();
    assert!(!everything.contains(SECRET) && !everything.contains("simulated-token"), "{everything}");
}

#[test]
fn a_client_secret_that_is_refused_exits_with_3_and_leaves_nothing_behind() {
    let world = world(&[], "wrong-s3cret").file("in.csv", &adds(3));
    let root = world.tenant().root.clone();
    let ended = world
        .run("in.csv", &["--authority", &root, "-vv"])
        .exits(3)
        .stderr_has("cannot sign in; nothing was sent")
        .stderr_has("AADSTS7000215")
        .stderr_lacks("wrong-s3cret");
    assert!(!ended.directory().exists());
    assert_eq!(world.tenant().count("requests"), 0);
}

#[test]
fn an_app_alone_is_told_that_it_cannot_reset_passwords() {
    let text = "user,action,new_password\na@contoso.com,reset,N0t-by-an-app\n";
    let world = world(&[], SECRET).file("in.csv", text);
    let root = world.tenant().root.clone();
    let ended = world.run("in.csv", &["--authority", &root]).exits(2);
    assert!(!ended.directory().exists());
    assert_eq!(world.tenant().count("requests"), 0);
    ended
        .stderr_has("1 row wants to reset passwords")
        .stderr_has("authwave sign-in")
        .stderr_has("password-profile");
    let checked = world.authwave(&["check", "in.csv"]).exits(2);
    checked.stderr_has("1 row wants to reset passwords").stderr_has("password-profile");
    world.authwave(&["check", "in.csv", "--reset-method", "password-profile"]).exits(0);
    world.authwave(&["check", "in.csv", "--sign-in", "device-code"]).exits(0);
}

/// A world whose settings file says where the app's secret is, and whose environment holds none.
fn world_with_settings(sign_in: &str) -> World {
    let world = world(&[], "").file("in.csv", &adds(3));
    let authority = world.tenant().root.clone();
    let settings = format!("[tenant]\nauthority = \"{authority}\"\n\n[sign_in]\n{sign_in}\n");
    world.file("authwave.toml", &settings)
}

/// Runs with all that can be logged, and asserts that neither the secret nor a token is in what came out.
#[track_caller]
fn run_without_a_leak(world: &World, code: i32) -> Ended {
    let ended = world.run("in.csv", &["--log", "trace"]).exits(code);
    let said = ended.stdout.clone() + &ended.stderr;
    let everything = if ended.directory().exists() { ended.everything() } else { said };
    assert!(!everything.contains(SECRET) && !everything.contains("simulated-token"), "{everything}");
    ended
}

/// Asserts that nothing was asked for or written, not even a token.
#[track_caller]
fn assert_nothing_was_sent(world: &World, ended: &Ended) {
    let ledger = world.tenant().ledger();
    assert_eq!((ledger["tokens"].as_u64(), ledger["requests"].as_u64()), (Some(0), Some(0)));
    assert!(!ended.directory().exists());
}

const SECRET_FILE: &str = "client_secret_file = \"secret\"";

fn chmod(world: &World, name: &str, mode: u32) {
    fs::set_permissions(world.path(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_client_secret_in_a_file_of_its_own_signs_in() {
    let world = world_with_settings(SECRET_FILE).file("secret", &format!("{SECRET}\n"));
    chmod(&world, "secret", 0o600);
    let ended = run_without_a_leak(&world, 0);
    assert_eq!(ended.column("status"), ["succeeded"; 3]);
    assert_eq!(world.tenant().count("tokens"), 1);
}

#[test]
fn a_client_secret_s_file_that_others_may_read_is_refused_with_the_cure() {
    let world = world_with_settings(SECRET_FILE).file("secret", SECRET);
    for (mode, told) in [(0o640, "640"), (0o604, "604"), (0o660, "660")] {
        chmod(&world, "secret", mode);
        let ended = run_without_a_leak(&world, 2);
        assert_nothing_was_sent(&world, &ended);
        ended.stderr_has(&format!(
            "error: the settings cannot be used: cannot use the secret in secret: others may read it (mode {told}); \
             chmod 600 it"
        ));
    }
}

#[test]
fn a_client_secret_s_file_that_is_empty_or_missing_is_named() {
    let world = world_with_settings(SECRET_FILE);
    let ended = run_without_a_leak(&world, 2);
    assert_nothing_was_sent(&world, &ended);
    ended.stderr_has("cannot use the secret in secret: No such file");

    let world = world.file("secret", " \n");
    chmod(&world, "secret", 0o600);
    let ended = run_without_a_leak(&world, 2);
    assert_nothing_was_sent(&world, &ended);
    ended.stderr_has("cannot use the secret in secret: it is empty");
}

/// A settings line for a command that a shell carries out.
fn secret_command(script: &str) -> String {
    format!("client_secret_command = [\"/bin/sh\", \"-c\", '{script}']")
}

#[test]
fn a_client_secret_that_a_command_prints_signs_in() {
    let world = world_with_settings(&secret_command("cat vault")).file("vault", &format!("{SECRET}\n"));
    let ended = run_without_a_leak(&world, 0);
    assert_eq!(ended.column("status"), ["succeeded"; 3]);
    assert_eq!(world.tenant().count("tokens"), 1);
}

#[test]
fn a_client_secret_s_command_that_fails_or_prints_nothing_says_so_and_never_what_it_printed() {
    for (script, told) in [
        ("cat vault; cat vault >&2; exit 7", "/bin/sh ended with exit status: 7"),
        ("cat vault >&2", "/bin/sh printed nothing"),
        ("echo", "/bin/sh printed nothing"),
        ("cat vault; printf \"\\377\"", "/bin/sh printed no UTF-8"),
    ] {
        let world = world_with_settings(&secret_command(script)).file("vault", SECRET);
        let ended = run_without_a_leak(&world, 2);
        assert_nothing_was_sent(&world, &ended);
        ended
            .stderr_has(&format!("error: the settings cannot be used: client_secret_command failed: {told}"));
    }
}

#[test]
fn a_client_secret_s_command_that_cannot_be_started_is_named() {
    let world = world_with_settings("client_secret_command = [\"./no-such-vault\", \"read\"]");
    let ended = run_without_a_leak(&world, 2);
    assert_nothing_was_sent(&world, &ended);
    ended.stderr_has("client_secret_command failed: ./no-such-vault: No such file");

    let world = world_with_settings("client_secret_command = []");
    run_without_a_leak(&world, 2).stderr_has("client_secret_command failed: it is empty");
}

#[test]
fn what_a_cloud_lacks_is_told_before_anything_is_sent() {
    let text = "user,action\na@contoso.com,list\nb@contoso.com,enable-sms-sign-in\n";
    let world = world(&[], SECRET).file("in.csv", text);
    let root = world.tenant().root.clone();
    let ended = world.run("in.csv", &["--authority", &root, "--cloud", "china"]).exits(2);
    assert_nothing_was_sent(&world, &ended);
    let told = "1 row wants to list methods, which Graph does not offer in the cloud china; 1 row wants to switch SMS";
    ended.stderr_has(told);
    world.authwave(&["check", "in.csv", "--cloud", "china"]).exits(2).stderr_has(told);
    let checked = world.authwave(&["check", "in.csv", "--cloud", "china", "--json"]).exits(2);
    let checked: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(checked["obstacles"].as_array().map(Vec::len), Some(2), "{checked}");
    world.authwave(&["check", "in.csv"]).exits(0);
    let phones = world.file("in.csv", &adds(2));
    phones.run("in.csv", &["--authority", &root, "--cloud", "china"]).exits(0);
}

#[test]
fn an_app_alone_sets_passwords_in_profiles_where_it_is_told_to_also_in_a_resumed_run() {
    let rows: Vec<String> = (0..4).map(|i| format!("u{i}@contoso.com,reset,N3w-password-{i}")).collect();
    let text = format!("user,action,new_password\n{}\n", rows.join("\n"));
    let world = world(&[], SECRET).file("in.csv", &text);
    let root = world.tenant().root.clone();
    let flags = ["--authority", &root, "--reset-method", "password-profile", "--log", "trace"];
    let ended = world
        .run("in.csv", &[&flags[..], &["--requests-per-second", "2", "--max-duration", "600ms"]].concat())
        .exits(130);
    assert!(!ended.everything().contains("N3w-password"), "{}", ended.everything());
    let ended = world.resume(&["--authority", &root, "--max-duration", "1h", "--log", "trace"]).exits(0);
    assert_eq!(ended.column("status"), ["succeeded"; 4]);
    assert_eq!(ended.column("action"), ["reset-password"; 4]);
    assert!(!ended.everything().contains("N3w-password"), "{}", ended.everything());
    for i in 0..4 {
        let user = world.tenant().user(&format!("u{i}@contoso.com")).unwrap();
        assert_eq!(user["password"], format!("N3w-password-{i}"));
    }
    assert_eq!(world.tenant().count("resets"), 0);
}
