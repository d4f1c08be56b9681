//! Every kind of sign-in against a simulated authority, over real sockets: what it needs, and how it can fail.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::exit_codes::adds;
use super::support::ended::Ended;
use super::support::world::World;

const APP: &str = "11111111-2222-3333-4444-555555555555";
pub(super) const SECRET: &str = "s3cret-of-the-app";
pub(super) const PASSWORD: &str = "p4ssword-of-the-certificate";

/// What the simulator's own secrets begin with, as tokens of every sort, and ours.
pub(super) const SECRETS: [&str; 7] = [
    SECRET,
    PASSWORD,
    "simulated-token",
    "simulated-refresh",
    "simulated-identity-header",
    "simulated-pipeline-token",
    "simulated-federated",
];

/// An RSA certificate of one's own and its key, in PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    key: KeyPair,
    der: Vec<u8>,
}

impl Pair {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(vec!["authwave.contoso.com".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        Self { certificate: certificate.pem(), der: certificate.der().to_vec(), key }
    }

    pub(super) fn pem(&self) -> String {
        self.key.serialize_pem() + &self.certificate
    }

    pub(super) fn pkcs12(&self) -> Vec<u8> {
        let certificate = Certificate::from_der(&self.der).unwrap();
        let key = PrivateKey::from_der(&self.key.serialize_der()).unwrap();
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("authwave", key, [certificate]);
        store.add_entry("authwave", KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(PASSWORD).write().unwrap()
    }
}

/// A world whose environment holds no token, with rows to add, and a tenant whose simulator has these flags.
fn world(flags: &[&str]) -> World {
    World::new()
        .variable("AUTHWAVE_ACCESS_TOKEN", "")
        .variable("AUTHWAVE_SIMULATOR_CLIENT_SECRET", SECRET)
        .simulator(flags)
        .file("in.csv", &adds(12))
}

pub(super) fn private(world: World, name: &str, content: impl AsRef<[u8]>) -> World {
    fs::write(world.path(name), content).unwrap();
    fs::set_permissions(world.path(name), Permissions::from_mode(0o600)).unwrap();
    world
}

pub(super) fn settings(world: World, sign_in: &str) -> World {
    let root = world.tenant().root.clone();
    let text = format!(
        "[tenant]\nauthority = \"{root}\"\nid = \"contoso.com\"\n[sign_in]\nclient_id = \"{APP}\"\n{sign_in}\n"
    );
    world.file("authwave.toml", &text)
}

/// A program on the path that prints a token which the simulator grants, as JSON.
pub(super) fn program(world: World, name: &str, print: &str) -> World {
    let root = world.tenant().root.clone();
    // Bash reaches a socket by itself, so that nothing need be installed.
    let form =
        format!("client_id={APP}&client_secret={SECRET}&grant_type=client_credentials&scope=x/.default");
    let host = root.trim_start_matches("http://").replace(':', "/");
    let script = format!(
        "#!/bin/bash\nexec 3<>/dev/tcp/{host}\nprintf 'POST /contoso.com/oauth2/v2.0/token HTTP/1.1\\r\\nHost: x\\r\\n\
         Connection: close\\r\\nContent-Length: {}\\r\\n\\r\\n%s' '{form}' >&3\n\
         body=$(while read -r line <&3; do [[ $line == '{{'* ]] && echo \"$line\"; done; echo \"$line\")\n\
         token=${{body#*access_token\\\":\\\"}}\ntoken=${{token%%\\\"*}}\n{print}\n",
        form.len(),
    );
    let world = private(world, name, script);
    fs::set_permissions(world.path(name), Permissions::from_mode(0o700)).unwrap();
    let path = world.path("").display().to_string();
    world.variable("PATH", &path)
}

#[track_caller]
fn assert_no_secret(ended: &Ended) {
    let said = ended.stdout.clone() + &ended.stderr;
    let everything = if ended.directory().exists() { ended.everything() } else { said };
    for secret in SECRETS {
        assert!(!everything.contains(secret), "{secret} in\n{everything}");
    }
}

/// Runs long enough for several tokens, with all that can be logged, and finds every row done and no secret anywhere.
#[track_caller]
fn outlives_its_tokens(world: &World) {
    let ended = world.run("in.csv", &["--requests-per-second", "4", "--log", "trace"]).exits(0);
    assert_eq!(ended.column("status"), ["succeeded"; 12]);
    let ledger = world.tenant().ledger();
    assert!(ledger["tokens"].as_u64().unwrap() > 1, "{ledger}");
    assert_eq!(ledger["by_status"].get("401"), None, "{ledger}");
    assert_no_secret(&ended);
}

#[track_caller]
fn is_refused(world: &World, code: i32, words: &[&str]) {
    let mut ended = world.run("in.csv", &["--log", "trace"]).exits(code);
    for word in words {
        ended = ended.stderr_has(word);
    }
    assert_no_secret(&ended);
    assert!(!ended.directory().exists());
    assert_eq!(world.tenant().count("requests"), 0, "nothing may be asked of Graph");
}

/// Tokens that live so short that a run needs several.
const SHORT: [&str; 2] = ["--token-lifetime", "2s"];

#[test]
fn an_app_s_certificate_signs_in_again_and_again() {
    let pair = Pair::new();
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public.pem");
    fs::write(&public, &pair.certificate).unwrap();
    let flags = [&SHORT[..], &["--certificate", public.to_str().unwrap()]].concat();

    let kind = "kind = \"client-certificate\"\nclient_certificate_file = \"app.pem\"";
    let world = settings(private(self::world(&flags), "app.pem", pair.pem()), kind);
    outlives_its_tokens(&world);

    let kind = "kind = \"client-certificate\"\nclient_certificate_file = \"app.pfx\"";
    let world = settings(private(self::world(&flags), "app.pfx", pair.pkcs12()), kind);
    is_refused(&world, 2, &["app.pfx", "AUTHWAVE_CLIENT_CERTIFICATE_PASSWORD"]);
    let world = world.variable("AUTHWAVE_CLIENT_CERTIFICATE_PASSWORD", PASSWORD);
    outlives_its_tokens(&world);
}

#[test]
fn a_certificate_that_cannot_sign_in_says_why() {
    let (pair, other) = (Pair::new(), Pair::new());
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public.pem");
    fs::write(&public, &other.certificate).unwrap();
    let kind = "kind = \"client-certificate\"\nclient_certificate_file = \"app.pem\"";
    let world = self::world(&["--certificate", public.to_str().unwrap()]);
    let world = settings(private(world, "app.pem", pair.pem()), kind);
    is_refused(&world, 3, &["AADSTS700027", "not among the app's"]);

    let world = private(world, "app.pem", pair.key.serialize_pem() + &other.certificate);
    is_refused(&world, 2, &["its private key is not that of its first certificate"]);
    let world = private(world, "app.pem", &pair.certificate);
    is_refused(&world, 2, &["there is no private key in it"]);
    let world = private(world, "app.pem", "no certificate");
    is_refused(&world, 2, &["it is neither PEM nor PKCS#12"]);
    fs::write(world.path("app.pem"), other.pem()).unwrap();
    fs::set_permissions(world.path("app.pem"), Permissions::from_mode(0o644)).unwrap();
    is_refused(&world, 2, &["others may read it (mode 644); chmod 600 it"]);
}

#[test]
fn a_clock_that_is_off_by_ten_minutes_is_told() {
    let pair = Pair::new();
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public.pem");
    fs::write(&public, &pair.certificate).unwrap();
    for (ahead, told) in [("10m", "clock is 10 min behind"), ("-10m", "clock is 10 min ahead")] {
        let world = self::world(&["--certificate", public.to_str().unwrap(), "--clock-ahead", ahead]);
        let kind = "kind = \"client-certificate\"\nclient_certificate_file = \"app.pem\"";
        let world = settings(private(world, "app.pem", pair.pem()), kind);
        is_refused(&world, 3, &["AADSTS700024", told]);
    }
}

#[test]
fn a_wrong_tenant_and_a_missing_consent_are_told_with_the_cure() {
    for (flags, words) in [
        (["--tenant", "fabrikam.com"], ["AADSTS90002", "tenant.cloud"]),
        (["--sign-in-fault", "no-consent"], ["AADSTS65001", "Grant admin consent"]),
    ] {
        let world = settings(self::world(&flags), "").variable("AUTHWAVE_CLIENT_SECRET", SECRET);
        is_refused(&world, 3, &words);
    }
}

#[test]
fn a_busy_authority_is_asked_again_when_it_says_so() {
    let world = self::world(&["--sign-in-fault", "busy=1", "--sign-in-fault", "errors=1"]);
    let world = settings(world, "").variable("AUTHWAVE_CLIENT_SECRET", SECRET);
    let ended = world.run("in.csv", &[]).exits(0);
    assert_eq!(world.tenant().count("tokens"), 3);
    assert_no_secret(&ended);
}

#[test]
fn a_token_that_is_revoked_in_mid_run_is_replaced_by_one_that_proves_what_is_asked_for() {
    let world = self::world(&["--sign-in-fault", "revoked=5"]);
    let world = settings(world, "").variable("AUTHWAVE_CLIENT_SECRET", SECRET);
    let ended = world.run("in.csv", &["--in-flight", "2"]).exits(0);
    assert_eq!(ended.column("status"), ["succeeded"; 12]);
    assert_eq!(world.tenant().count("tokens"), 2);
    let refused = world.tenant().ledger()["by_status"]["401"].as_u64().unwrap();
    assert!((1..=2).contains(&refused), "{refused}");
}

#[test]
fn a_virtual_machine_s_identity_signs_in_and_auto_finds_it() {
    for (flags, identity) in [
        (&[][..], ""),
        (&["--managed-identity", "user-assigned"][..], "managed_identity_client_id = \"user-assigned\""),
    ] {
        let world = self::world(&[&SHORT[..], flags].concat());
        let root = world.tenant().root.clone();
        let kind = format!("kind = \"managed-identity\"\n{identity}");
        let world = settings(world, &kind).variable("AUTHWAVE_METADATA_ENDPOINT", &root);
        outlives_its_tokens(&world);
    }
    let world = self::world(&["--managed-identity", "another", "--sign-in-fault", "busy=1"]);
    let root = world.tenant().root.clone();
    let world = settings(world, "").variable("AUTHWAVE_METADATA_ENDPOINT", &root);
    is_refused(&world, 3, &["Identity not found; give this resource", "managed_identity_client_id"]);
    let world = settings(world, "managed_identity_client_id = \"another\"");
    world.run("in.csv", &[]).exits(0).stderr_has("signs in with managed-identity\n");
}

#[test]
fn an_app_service_s_identity_signs_in() {
    let world = self::world(&SHORT);
    let url = format!("{}/msi/token", world.tenant().root);
    let world = settings(world, "").variable("IDENTITY_ENDPOINT", &url);
    let world = world.variable("IDENTITY_HEADER", "simulated-identity-header");
    outlives_its_tokens(&world);
    let world = world.variable("IDENTITY_ENDPOINT", "http://example.com/msi/token");
    world
        .run("in.csv", &["--run-dir", "no"])
        .exits(2)
        .stderr_has("IDENTITY_ENDPOINT")
        .stderr_lacks("simulated-identity");
}

#[test]
fn a_pipeline_s_and_a_cluster_s_own_token_signs_in() {
    let world = private(self::world(&SHORT), "token", "simulated-federated-token-of-a-cluster\n");
    let world = settings(world, "").variable("AZURE_FEDERATED_TOKEN_FILE", "token");
    outlives_its_tokens(&world);
    let ended = world.run("in.csv", &["--run-dir", "said"]).exits(0);
    assert!(ended.stderr.contains("signs in with workload-identity\n"), "{}", ended.stderr);

    for (url, url_variable, token_variable, further) in [
        ("github/oidc?a=b", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""),
        ("pipelines/oidc", "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", "service_connection = \"c\""),
    ] {
        let world = self::world(&SHORT);
        let url = format!("{}/{url}", world.tenant().root);
        let world = settings(world, &format!("kind = \"workload-identity\"\n{further}"));
        let world = world.variable(url_variable, &url).variable(token_variable, "simulated-pipeline-token");
        outlives_its_tokens(&world);
    }
}

#[test]
fn a_federated_token_that_is_refused_or_missing_is_told() {
    let world = settings(self::world(&[]), "kind = \"workload-identity\"");
    is_refused(&world, 2, &["AZURE_FEDERATED_TOKEN_FILE", "id-token: write"]);
    let world = world.variable("AZURE_FEDERATED_TOKEN_FILE", "token");
    is_refused(&world, 3, &["cannot use the federated token in token: No such file"]);
    let world = private(world, "token", "of somebody else");
    is_refused(&world, 3, &["AADSTS700213", "subject"]);
    let url = format!("{}/github/oidc", world.tenant().root);
    let world =
        world.variable("AZURE_FEDERATED_TOKEN_FILE", "").variable("ACTIONS_ID_TOKEN_REQUEST_URL", &url);
    let world = world.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "stale");
    is_refused(&world, 3, &["answered 401", "id-token: write"]);
}

#[test]
fn whoever_is_signed_in_with_the_azure_cli_signs_in() {
    let world = program(
        self::world(&SHORT),
        "az",
        "printf '{\"accessToken\":\"%s\",\"expiresOn\":\"x\"}' \"$token\"",
    );
    let world = settings(world, "");
    outlives_its_tokens(&world);

    let world = program(self::world(&[]), "az", "echo \"ERROR: AADSTS70043: $token\" >&2; exit 1");
    let world = settings(world, "kind = \"azure-cli\"");
    is_refused(&world, 3, &["az ended with AADSTS70043"]);
    let world = program(world, "az", "echo \"ERROR: $token: please run az login\" >&2; exit 1");
    is_refused(&world, 3, &["sign in with `az login`"]);
    let world = settings(world, "").variable("PATH", "/nowhere");
    is_refused(&world, 2, &["AUTHWAVE_CLIENT_SECRET", "Looked for besides", "az: No such file"]);
}

#[test]
fn a_program_s_token_signs_in() {
    for print in ["echo \"$token\"", "printf '{\"access_token\":\"%s\",\"expires_in\":2}' \"$token\""] {
        let world = program(self::world(&SHORT), "get-token", print);
        let world = settings(world, "kind = \"token-command\"\ntoken_command = [\"./get-token\", \"graph\"]");
        outlives_its_tokens(&world);
    }
    for (print, told) in [
        ("echo \"$token\"; exit 4", "./get-token ended with exit status: 4"),
        ("echo", "printed no token that lives"),
        ("echo \"the token is $token\"", "printed no token that lives"),
        ("printf '{\"access_token\":\"%s\",\"expires_on\":5}' \"$token\"", "printed no token that lives"),
    ] {
        let world = program(self::world(&[]), "get-token", print);
        let world = settings(world, "kind = \"token-command\"\ntoken_command = [\"./get-token\"]");
        is_refused(&world, 3, &[told]);
    }
}

/// The arguments of a command that signs in or out.
pub(super) fn session<'world>(world: &'world World, command: &'world str) -> [&'world str; 4] {
    [command, "--graph-root", &world.tenant().root, "-vv"]
}

fn resets() -> String {
    let rows: Vec<String> = (0..12).map(|i| format!("u{i}@contoso.com,reset,N3w-password-{i}")).collect();
    format!("user,action,new_password\n{}\n", rows.join("\n"))
}

#[test]
fn a_person_who_signed_in_once_resets_passwords_in_later_runs_until_signed_out() {
    let world = self::world(
        &[&SHORT[..], &["--sign-in-fault=pending=1,slow-down=1", "--reset-duration=50ms"]].concat(),
    );
    let world = settings(world, "").file("in.csv", &resets());
    let ended = world.authwave(&session(&world, "sign-in")).exits(0);
    let code = format!(
        "\n\n  {}/device\n\nand enter this code within 15 minutes:\n\n  SIM00001\n\n",
        world.tenant().root
    );
    assert!(ended.stdout.contains(&code), "{}", ended.stdout);
    assert!(ended.stdout.contains("admin@contoso.com is signed in"), "{}", ended.stdout);
    assert_no_secret(&ended.stderr_has("It is not encrypted"));

    let kept = world.path(".local/state/authwave/sign-in");
    let file = fs::read_dir(kept).unwrap().next().unwrap().unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read_to_string(file.path()).unwrap();
    assert!(first.contains("simulated-refresh-token-"), "{first}");

    outlives_its_tokens(&world);
    assert_ne!(fs::read_to_string(file.path()).unwrap(), first, "the newest refresh token is kept");

    let ended = world.authwave(&session(&world, "sign-out")).exits(0);
    assert!(ended.stdout.starts_with("signed out"), "{}", ended.stdout);
    let ended = world.run("in.csv", &["--sign-in", "device-code", "--run-dir", "no"]).exits(3);
    ended.stderr_has("nobody has signed in to this tenant with this app: run `authwave sign-in`");
    let ended = world.authwave(&session(&world, "sign-out")).exits(0);
    assert!(ended.stdout.starts_with("nobody was signed in"), "{}", ended.stdout);
}

#[test]
fn a_sign_in_that_is_declined_or_runs_out_exits_with_3_and_keeps_nothing() {
    for (fault, word) in [("declined", "declined in the browser"), ("expired", "in time")] {
        let world = settings(self::world(&["--sign-in-fault", fault]), "");
        let ended = world.authwave(&session(&world, "sign-in")).exits(3).stderr_has(word);
        assert_no_secret(&ended);
        world.run("in.csv", &["--sign-in", "device-code"]).exits(3).stderr_has("nobody has signed in");
    }
}

#[test]
fn a_sign_in_that_was_revoked_is_told_with_what_to_do() {
    let world = settings(self::world(&["--sign-in-fault", "refresh-revoked"]), "");
    world.authwave(&session(&world, "sign-in")).exits(0);
    is_refused(&world, 3, &["AADSTS50173", "run `authwave sign-in` again"]);
}
