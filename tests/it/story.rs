//! docs/story.md shows what its commands really say.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};

use super::support::simulator::AUTHWAVE;
use super::support::world::{World, of_the_project};

/// Asks this test to write what it sees.
const WRITE: &str = "AUTHWAVE_WRITE_DOCS";

/// What there was before the story begins.
const BEFORE: &str = "user,action,phone_number\n\
                      adele@contoso.com,add-phone,+1 2065550199\n\
                      diego@contoso.com,add-phone,+1 2065550198\n";

/// What somebody else does before the last command.
const MEANWHILE: &str = "user,action,phone_number\nalex@contoso.com,update-phone,+1 2065550177\n";

/// The first fenced block of a kind.
fn block(text: &str, kind: &str) -> String {
    let (_, rest) = text.split_once(&format!("```{kind}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn at(world: &World, line: &str) -> Output {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &line.replacen("authwave", AUTHWAVE, usize::from(line.starts_with("authwave")))]);
    shell.current_dir(world.path("")).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", world.path(""));
    shell
        .env("AUTHWAVE_GRAPH_ROOT", &world.tenant().root)
        .env("AUTHWAVE_ACCESS_TOKEN", "tok.en-0f-the-tests");
    shell.output().unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    text(&output.stderr) + &text(&output.stdout)
}

/// What differs from one telling to the next is told alike.
fn settled(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(|word| match word {
            hash if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => "3f9c…e41b",
            span if span.split_once('.').is_some_and(|(whole, part)| whole.len() == 1 && part.len() == 1) => {
                "0.1"
            }
            word => word,
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn every_command_of_the_story_says_what_stands_below_it() {
    let path = of_the_project("docs/story.md");
    let story = fs::read_to_string(&path).unwrap();
    let world = World::new()
        .guarded()
        .simulator(&[])
        .file("wave.csv", &block(&story, "csv"))
        .file("authwave.toml", &block(&story, "toml"))
        .file("before.csv", BEFORE)
        .file("meanwhile.csv", MEANWHILE);
    world.run("before.csv", &["--yes", "--run-dir", "before"]).exits(0);
    let here = world.path("").display().to_string();
    let here = here.trim_end_matches('/').to_owned();
    let mut told = String::new();
    for (number, part) in story.split("```console\n").enumerate() {
        let Some((block, prose)) = part.split_once("```\n").filter(|_| number > 0) else {
            told += part;
            continue;
        };
        told += "```console\n";
        for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
            if line.contains("--run-dir undone") {
                world.run("meanwhile.csv", &["--yes", "--run-dir", "meanwhile"]).exits(0);
            }
            write!(told, "$ {line}\n{}", settled(&said(&at(&world, line)).replace(&here, "/srv/wave")))
                .unwrap();
        }
        told += "```\n";
        told += prose;
    }
    if std::env::var_os(WRITE).is_some() {
        return fs::write(&path, &told).unwrap();
    }
    assert!(told == story, "docs/story.md is out of date: {WRITE}=1 cargo test --test it story\n{told}");
}
