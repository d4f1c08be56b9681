//! Small files, each made the way that a program makes them, with all that is to be said of them.
//!
//! A file's name tells its origin; `@gb` at the end of its stem stands for `--default-country GB`.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::world::{World, of_the_project};

fn files() -> Vec<PathBuf> {
    let directory = of_the_project("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn findings(file: &Path) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    let world = World::new();
    fs::copy(file, world.path(name)).unwrap();
    let country = name.split_once('@').and_then(|(_, rest)| rest.split_once('.')).map(|(country, _)| country);
    let mut arguments = vec!["check", name];
    arguments.extend(country.iter().flat_map(|country| ["--default-country", country]));
    let ended = world.authwave(&arguments);
    format!("{}{}", ended.stdout, ended.stderr)
}

#[test]
fn every_file_has_its_findings() {
    let files = files();
    assert!(files.len() >= 60, "{}", files.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(of_the_project("tests/corpus.findings"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            insta::assert_snapshot!(name, findings(&file));
        }
    });
}
