//! The examples for cron, systemd and Kubernetes do what docs/scheduling.md says of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::support::simulator::AUTHWAVE;
use super::support::world::World;

const PHONES: &str = "user,mobile,alternate_mobile\n\
                      adele@contoso.com,+1 2065550100,+1 2065550101\n\
                      diego@contoso.com,+1 2065550102,\n";

fn sample(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/nightly").join(name)).unwrap()
}

/// What cron gives to a shell: all behind the five fields of the time.
fn of_cron() -> String {
    let text = sample("crontab");
    let line = text.lines().find(|line| line.starts_with(|c: char| c.is_ascii_digit())).unwrap();
    line.splitn(6, ' ').last().unwrap().trim().to_owned()
}

fn of_systemd() -> String {
    let text = sample("authwave.service");
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned();
    format!("cd {} && {}", value("WorkingDirectory="), value("ExecStart="))
}

fn of_kubernetes() -> String {
    let text = sample("cronjob.yaml");
    let list = |key: &str| -> Vec<String> {
        let list = text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
        serde_json::from_str(list).unwrap()
    };
    let place = text.lines().find_map(|line| line.trim().strip_prefix("workingDir: ")).unwrap();
    format!("cd {place} && {} {}", list("command: ").join(" "), list("args: ").join(" "))
}

/// The command at this world's places and against its tenant; the settings file stands beside the rows.
fn at_home(world: &World, command: &str) -> Command {
    let here = world.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let command = command
        .replace("/usr/local/bin/authwave", AUTHWAVE)
        .replace("/etc/authwave", here)
        .replace("/var/lib/authwave", here);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &command]).env_clear().env("HOME", here);
    shell.env("AUTHWAVE_CONFIG", format!("{here}/authwave.toml"));
    shell.env("AUTHWAVE_ACCESS_TOKEN", "tok.en-0f-the-tests");
    shell
}

fn world() -> World {
    let world = World::new().file("phones.csv", PHONES).simulator(&[]);
    let settings = format!("[tenant]\ngraph_root = \"{}\"\n", world.tenant().root);
    world.file("authwave.toml", &settings)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn is_a_good_night(command: &str) {
    let world = world();
    let first = at_home(&world, command).output().unwrap();
    assert_eq!((first.status.code(), told(&first).as_str()), (Some(0), ""));
    let writes = world.tenant().count("writes");
    assert_eq!(writes, 3);
    // A later night on which nothing has drifted reads, and writes nothing.
    let second = at_home(&world, command).output().unwrap();
    assert_eq!((second.status.code(), told(&second).as_str()), (Some(0), ""));
    assert_eq!(world.tenant().count("writes"), writes);
    // A bad night says so in a few lines, which name the directory and the next step.
    world.file_again("phones.csv", "user,action\nnew@contoso.com,enable-sms-sign-in\n");
    let third = at_home(&world, command).output().unwrap();
    let told = told(&third);
    assert_eq!(third.status.code(), Some(1), "{told}");
    assert!(told.contains("1 failed") && told.contains("files: runs/") && told.contains("next: "), "{told}");
    assert!(told.lines().count() <= 10 && told.lines().all(|line| line.len() < 998), "{told}");
}

#[test]
fn cron_s_line_is_silent_on_a_good_night_and_brief_on_a_bad_one() {
    is_a_good_night(&of_cron());
}

#[test]
fn systemd_s_service_is_silent_on_a_good_night_and_brief_on_a_bad_one() {
    is_a_good_night(&of_systemd());
}

#[test]
fn kubernetes_s_job_is_silent_on_a_good_night_and_brief_on_a_bad_one() {
    is_a_good_night(&of_kubernetes());
}

#[test]
fn every_example_names_the_settings_file_in_which_the_guards_stand() {
    for name in ["crontab", "authwave.service", "cronjob.yaml"] {
        let text = sample(name);
        let named = text.lines().filter(|line| line.contains("AUTHWAVE_CONFIG"));
        assert!(named.clone().count() == 1, "{name}");
        assert!(named.into_iter().all(|line| line.contains("/etc/authwave/authwave.toml")), "{name}");
    }
}

#[test]
fn a_night_that_overlaps_another_is_refused_and_names_it() {
    let world = World::new().file("phones.csv", PHONES).simulator(&["--latency", "2s"]);
    let settings = format!("[tenant]\ngraph_root = \"{}\"\nid = \"contoso.com\"\n", world.tenant().root);
    let world = world.file("authwave.toml", &settings);
    let mut first = at_home(&world, &of_cron()).spawn().unwrap();
    while world.tenant().count("requests") == 0 {
        assert_eq!(first.try_wait().unwrap(), None, "it is over before it began");
    }
    let second = at_home(&world, &of_cron()).output().unwrap();
    let told = told(&second);
    assert_eq!(second.status.code(), Some(2), "{told}");
    assert!(told.contains("process"), "{told}");
    assert_eq!(first.wait().unwrap().code(), Some(0));
}
