//! The error guide: docs/errors.md is made of the program's own table, and no code is made past it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use authwave::report::guide::{Advice, CHAPTERS};

use super::support::world::{World, of_the_project};

/// Writes docs/errors.md anew instead of comparing it.
const WRITE: &str = "AUTHWAVE_WRITE_DOCS";

fn page(text: &mut String, advice: &Advice) {
    let also: Vec<String> = advice.also.iter().map(|code| format!("`{code}`")).collect();
    writeln!(text, "\n### `{}`\n", advice.code).unwrap();
    if !also.is_empty() {
        writeln!(text, "Also: {}.\n", also.join(", ")).unwrap();
    }
    writeln!(text, "**Cause.** {}\n\n**Cure.** {}", advice.cause, advice.cure).unwrap();
    if !advice.permission.is_empty() {
        writeln!(text, "\n**Permission.** {}.", advice.permission.trim_end_matches('.')).unwrap();
    }
}

/// docs/errors.md as it shall be.
fn guide() -> String {
    let mut text =
        "# Errors\n\nWhat the column `error_code` of results.csv can hold: why a row ended as `failed` or \
                    `unknown`, and what to do.\n`authwave explain CODE` tells the same. This page is made of \
                    `src/report/guide_texts.rs`.\n"
            .to_owned();
    for chapter in CHAPTERS {
        writeln!(text, "\n## {}\n\n{}", chapter.title, chapter.about).unwrap();
        for advice in chapter.advice {
            page(&mut text, advice);
        }
    }
    text
}

#[test]
fn every_code_has_its_page_in_the_docs_and_no_page_is_about_an_unknown_one() {
    let path = of_the_project("docs/errors.md");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, guide()).unwrap();
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == guide(), "docs/errors.md is out of date: {WRITE}=1 cargo test --test it error_guide");
}

#[test]
fn no_code_of_ours_is_made_past_the_guide() {
    let mut made = Vec::new();
    for path in sources(Path::new(&of_the_project("src"))) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        // From each `Failure {` to its brace.
        let literals = code.split("Failure {").skip(1).filter_map(|rest| rest.split('}').next());
        if literals.into_iter().any(|literal| literal.contains("code: \"")) {
            made.push(path);
        }
    }
    assert!(made.is_empty(), "name the code in model/error_code.rs and use Failure::own: {made:?}");
}

/// All files below `directory` but the simulator's, which speaks as Graph does, and those of tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_dir() && path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        if ["simulator", "tests", "tests.rs", "samples.rs", "guide_texts.rs"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() { files.extend(sources(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn the_program_explains_a_code() {
    let told = World::new().authwave(&["explain", "no-answer"]).exits(0).stdout;
    assert!(
        told.contains("Cause: The request was sent") && told.contains("Cure: Run unfinished.csv"),
        "{told}"
    );
    let all = World::new().authwave(&["explain"]).exits(0).stdout;
    assert!(all.contains("\nphoneNumberNotUnique "), "{all}");
}
