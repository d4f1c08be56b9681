//! Every command with every log level and each secret in play: none of them stands in what it says or writes.

use std::fs;
use std::path::Path;
use std::thread;

use super::kinds::{PASSWORD, Pair, SECRET, SECRETS, private, program, session, settings};
use super::support::world::{TOKEN, World};

/// What a log filter can be, from nothing to all that the libraries say.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const NEW_PASSWORD: &str = "N3w-password";

fn rows() -> String {
    let resets = format!("a@contoso.com,reset,,{NEW_PASSWORD}-1\nb@contoso.com,reset,,{NEW_PASSWORD}-2\n");
    format!(
        "user,action,phone,new_password\n{resets}a@contoso.com,add,+1 2065550100,\na@contoso.com,list,,\n"
    )
}

/// A tenant in which every token is an admin's, so that resets are done.
fn world(flags: &[&str]) -> World {
    World::new()
        .variable("AUTHWAVE_ACCESS_TOKEN", "")
        .variable("AUTHWAVE_SIMULATOR_CLIENT_SECRET", SECRET)
        .simulator(&[&["--delegated-tokens", "--reset-duration", "100ms"], flags].concat())
        .file("in.csv", &rows())
}

/// All files below a directory but those that hold secrets by their nature: the input, the user's own, a kept sign-in.
fn files(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let holds_secrets = ["in.csv", "app.pem", "app.pfx", "token", "get-token", "sign-in"];
        if path.file_name().is_some_and(|name| holds_secrets.iter().any(|known| name == *known)) {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else {
            let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), content));
        }
    }
}

/// What each command says at a level, all having ended as they should.
fn all_commands(world: &World, level: &str) -> Vec<(String, String)> {
    let root = &world.tenant().root;
    let (run_dir, again) = (format!("run-{level}"), format!("again-{level}"));
    let (plan, planned, undone) =
        (format!("plan-{level}"), format!("planned-{level}"), format!("undone-{level}"));
    let document = format!("{plan}/plan.json");
    let end = ["--graph-root", root, "--log", level, "--backoff-base", "10ms", "--share-tenant"];
    let commands = [
        (vec!["doctor", "in.csv"], &[0, 3][..]),
        (vec!["plan", "in.csv", "--run-dir", &plan, "--details"], &[0]),
        // The levels work on the same users, so that what was planned may have moved.
        (vec!["run", "--plan", &document, "--run-dir", &planned], &[0, 1]),
        (vec!["run", "in.csv", "--run-dir", &run_dir, "--operation-timeout", "1ms"], &[0, 5]),
        (vec!["operations", &run_dir, "--operation-timeout", "1m"], &[0]),
        (vec!["resume", &run_dir], &[0]),
        (vec!["snapshot", "in.csv", "--run-dir", &again], &[0]),
        (vec!["verify", &run_dir], &[0, 1]),
        (vec!["undo", &run_dir, "--run-dir", &undone, "--details"], &[0, 1]),
        (vec!["check", "in.csv"], &[0, 2]),
        (vec!["report", &run_dir], &[0]),
    ];
    commands
        .map(|(command, codes)| {
            let is_alone = matches!(command[0], "check" | "report");
            let end = if is_alone { &[][..] } else { &end };
            let ended = world.authwave(&[&command[..], end].concat());
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(codes.iter().any(|code| ended.has_code(*code)), "{command:?} {level}:\n{said}");
            (format!("{command:?} at {level}"), said)
        })
        .into()
}

/// Runs every command at every level and looks for every secret.
fn leaks_nowhere(world: &World) {
    let private_key = fs::read_to_string(world.path("app.pem")).unwrap_or_default();
    let key_line = private_key.lines().nth(1).unwrap_or("-----BEGIN PRIVATE KEY-----").to_owned();
    let secrets: Vec<&str> = SECRETS
        .iter()
        .copied()
        .chain([TOKEN, PASSWORD, NEW_PASSWORD, "simulated-device-code", &key_line])
        .collect();
    let assert_clean = |what: &str, text: &str| {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {what}:\n{text}");
        }
    };
    // Side by side, for most of the time they wait for the tenant.
    let said = thread::scope(|scope| {
        let levels = LEVELS.map(|level| scope.spawn(move || all_commands(world, level)));
        levels.map(|level| level.join().unwrap())
    });
    for (command, said) in said.iter().flatten() {
        assert_clean(command, said);
    }
    let mut found = Vec::new();
    files(&world.path(""), &mut found);
    assert!(found.len() > LEVELS.len() * 8, "{}", found.len());
    for (path, content) in found {
        assert_clean(&path, &content);
    }
}

#[test]
fn a_token_leaks_nowhere() {
    let world = settings(world(&[]), "kind = \"token\"").variable("AUTHWAVE_ACCESS_TOKEN", TOKEN);
    leaks_nowhere(&world);
}

#[test]
fn a_client_secret_leaks_nowhere() {
    leaks_nowhere(&settings(world(&[]), "").variable("AUTHWAVE_CLIENT_SECRET", SECRET));
}

#[test]
fn a_certificate_s_key_and_password_leak_nowhere() {
    let pair = Pair::new();
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public.pem");
    fs::write(&public, &pair.certificate).unwrap();
    let world = private(world(&["--certificate", public.to_str().unwrap()]), "app.pfx", pair.pkcs12());
    let world = private(world, "app.pem", pair.pem());
    let kind = "kind = \"client-certificate\"\nclient_certificate_file = \"app.pfx\"";
    leaks_nowhere(&settings(world, kind).variable("AUTHWAVE_CLIENT_CERTIFICATE_PASSWORD", PASSWORD));
}

#[test]
fn a_kept_sign_in_leaks_nowhere() {
    let world = settings(world(&[]), "kind = \"device-code\"");
    world.authwave(&session(&world, "sign-in")).exits(0);
    leaks_nowhere(&world);
}

#[test]
fn what_a_platform_hands_out_leaks_nowhere() {
    let world = settings(self::world(&[]), "kind = \"managed-identity\"");
    let url = format!("{}/msi/token", world.tenant().root);
    let header = "simulated-identity-header";
    leaks_nowhere(&world.variable("IDENTITY_ENDPOINT", &url).variable("IDENTITY_HEADER", header));

    let world = settings(self::world(&[]), "kind = \"workload-identity\"");
    let url = format!("{}/github/oidc?a=b", world.tenant().root);
    let world = world.variable("ACTIONS_ID_TOKEN_REQUEST_URL", &url);
    leaks_nowhere(&world.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "simulated-pipeline-token"));
}

#[test]
fn what_a_program_prints_leaks_nowhere() {
    let world = program(world(&[]), "get-token", "echo \"$token\"; echo \"$token\" >&2");
    leaks_nowhere(&settings(world, "kind = \"token-command\"\ntoken_command = [\"./get-token\"]"));
}
