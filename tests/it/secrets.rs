//! What must stand nowhere: passwords, tokens, client secrets.

use super::support::world::{TOKEN, World};

const PASSWORDS: [&str; 3] = ["P4ssword-with,comma", "P4ssword with \"quotes\"", " P4ssword in blanks "];

fn resets() -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["ticket", "user", "action", "new_password"]).unwrap();
    for (i, password) in PASSWORDS.iter().enumerate() {
        let (ticket, user) = (format!("INC-{i}"), format!("u{i}@contoso.com"));
        writer.write_record([ticket.as_str(), user.as_str(), "reset-password", password]).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
fn passwords_and_tokens_stand_in_no_output_and_no_file_and_the_leftover_still_resets() {
    let world = World::new().file("in.csv", &resets()).simulator(&["--refuse-writes"]);
    let ended = world.run("in.csv", &["-vv"]).exits(1);
    let everything = ended.everything();
    for secret in PASSWORDS.iter().map(|password| password.trim()).chain(["P4ssword", TOKEN]) {
        assert!(!everything.contains(secret), "{secret} in\n{everything}");
    }
    assert_eq!(ended.lines("unfinished.csv").len(), 3);

    let world = world.simulator(&["--reset-duration", "50ms"]);
    let again = world.run("out/unfinished.csv", &["--run-dir", "again", "-vv"]).exits(0);
    assert_eq!(again.column("ticket"), ["INC-0", "INC-1", "INC-2"]);
    for (i, password) in PASSWORDS.iter().enumerate() {
        let user = world.tenant().user(&format!("u{i}@contoso.com")).unwrap();
        assert_eq!(user["password"], *password);
    }
    let everything = again.everything();
    assert!(!everything.contains("P4ssword") && !everything.contains(TOKEN), "{everything}");
}

#[test]
fn even_the_libraries_own_logs_show_no_secret() {
    let world = World::new().file("in.csv", &resets()).simulator(&["--reset-duration", "50ms"]);
    let everything = world.run("in.csv", &["--log", "trace"]).exits(0).everything();
    assert!(!everything.contains("P4ssword"), "a password in the logs");
    assert!(!everything.contains(TOKEN), "the token in the logs");
}

#[test]
fn a_bad_row_with_a_password_is_told_without_it() {
    let text = "user,action,new_password\nnobody,reset,P4ssword-1\na@contoso.com,reset,P4s\na@contoso.com,fly,P4ssword-2\n";
    let world = World::new().file("in.csv", text);
    world.run("in.csv", &["--rehearse"]).exits(2).stderr_has("row 1, ").stderr_lacks("P4s");
    let ended = world.run("in.csv", &["--rehearse", "--skip-invalid", "-vv"]).exits(1);
    assert!(!ended.everything().contains("P4s"), "{}", ended.everything());
}
