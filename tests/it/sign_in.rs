//! Sign-in with a client secret against the simulated authority.

use super::exit_codes::adds;
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
    let row = world.run("in.csv", &["--authority", &root]).exits(1).only_row();
    assert_eq!((row["status"].as_str(), row["http_status"].as_str()), ("failed", "403"));
    assert!(row["detail"].contains("signed-in admin"), "{row:?}");
}
