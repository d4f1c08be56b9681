//! What is told of a file before anything is sent, and files to start from.

use std::fs;
use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use serde_json::Value;

use super::support::ended::Line;
use super::support::world::World;

const ODD: &str = "\
user,action,phone,note,phne_type
avery@contoso.com,set,'+44 (0)20 7946 0958,x,
blake@contoso.com,set,4.47E+11,x,
casey@contoso.com,set,+1 2065550123,x,
drew@contoso.com,set,+1 206 555 0123,x,
drew@contoso.com,enable-sms-sign-in,,x,
";

fn lines(text: &str) -> Vec<Line> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|line| line.unwrap()).collect()
}

#[test]
fn check_tells_everything_by_cause_and_sends_nothing() {
    let world = World::new().file("in.csv", ODD).simulator(&[]);
    let ended = world.authwave(&["check", "in.csv"]).exits(2);
    for told in [
        "reading in.csv: UTF-8, separated by commas\n",
        "5 rows (3 set-phone)\n",
        "warning: column `phne_type` is carried through; is phone_type meant?",
        "bad rounded (1): ",
        "  row 2, phone '4.47E+11' was rounded by a spreadsheet",
        "bad shared-for-sms (1): ",
        "warning shared-number (2): ",
        "note text-mark (1): ",
        "  row 1, phone ''+44 (0)20 7946 0958' is read as +44 2079460958\n",
        "a run sends at most 3 reads and 3 writes\n",
        "2 of 5 rows cannot be done\n",
    ] {
        assert!(ended.stdout.contains(told), "no {told:?} in\n{}", ended.stdout);
    }
    assert_eq!(world.tenant().count("requests"), 0);
}

#[test]
fn check_speaks_json_and_exits_with_0_where_every_row_can_be_done() {
    let world = World::new().file("in.csv", "UPN;Mobile\navery@contoso.com;020 7946 0958\n");
    let ended = world.authwave(&["check", "in.csv", "--json", "--default-country", "GB"]).exits(0);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told["schema_version"], 1);
    assert_eq!(told["form"], "UTF-8, separated by semicolons");
    assert_eq!((&told["rows"], &told["bad_rows"]), (&1.into(), &0.into()));
    assert_eq!(told["by_action"]["set-phones"], 1);
    assert_eq!(told["forecast"]["writes"], 1);
    let causes: Vec<_> = told["findings"].as_array().unwrap().iter().map(|group| &group["cause"]).collect();
    assert_eq!(causes, ["not-mobile", "national-number"]);
    assert_eq!(told["findings"][1]["examples"][0]["column"], "Mobile");
}

#[test]
fn an_annotated_copy_has_the_findings_of_each_row_and_no_password() {
    let text = "user,action,phone,new_password\navery@contoso.com,reset,,S3cret!!\nblake@contoso.com,add,12,\n\
                casey@contoso.com,enable-sms-sign-in,,\ncasey@contoso.com,enable-sms-sign-in,,\n";
    let world = World::new().file("in.csv", text);
    world.authwave(&["check", "in.csv", "--write-findings", "out.csv"]).exits(2);
    let copy = fs::read_to_string(world.path("out.csv")).unwrap();
    assert!(!copy.contains("S3cret"));
    let findings: Vec<_> = lines(&copy).into_iter().map(|line| line["findings"].clone()).collect();
    assert_eq!(findings[0], "");
    assert!(findings[1].starts_with("phone has no country code"), "{findings:?}");
    assert_eq!(findings[3], "action repeats row 3");
    world
        .authwave(&["check", "in.csv", "--write-findings", "out.csv"])
        .exits(2)
        .stderr_has("cannot write the findings");
    world.authwave(&["check", "in.csv", "--write-findings", "out.xlsx"]).exits(2);
    let bytes = fs::read(world.path("out.xlsx")).unwrap();
    let mut workbook = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = workbook.worksheet_range("checked").unwrap();
    assert_eq!(range.get((0, 4)), Some(&Data::String("findings".to_owned())));
    assert!(matches!(range.get((2, 4)), Some(Data::String(text)) if text.starts_with("phone has no")));
    assert!(!range.cells().any(|(_, _, cell)| cell.to_string().contains("S3cret")));
}

#[test]
fn a_run_says_what_it_reads_and_warns_before_it_sends() {
    let world = World::new().file("in.csv", ODD).simulator(&[]);
    world
        .run("in.csv", &["--skip-invalid"])
        .exits(1)
        .stderr_has("reading in.csv: UTF-8, separated by commas")
        .stderr_has("in.csv: warning: several users have this number (rows 3, 4)")
        .stderr_has("2 cells were not read as written: authwave check in.csv")
        .stderr_has(
            "row 5, action 'enable-sms-sign-in' cannot be: the user's mobile is that of other users, too",
        );
}

#[test]
fn a_template_is_a_file_whose_rows_can_all_be_done() {
    for flags in [&["template"][..], &["template", "--wide"]] {
        let world = World::new();
        let template = world.authwave(flags).exits(0).stdout;
        world.file_again("in.csv", &template);
        world.authwave(&["check", "in.csv"]).exits(0);
        let ended = world.run("in.csv", &["--rehearse"]).exits(0);
        assert_eq!(ended.results().len(), template.lines().count() - 1);
    }
}

#[test]
fn a_template_as_a_workbook_can_be_read_again() {
    let world = World::new();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_authwave"))
        .args(["template", "--wide", "--xlsx"])
        .env_clear()
        .output()
        .unwrap();
    fs::write(world.path("in.xlsx"), output.stdout).unwrap();
    let ended = world.authwave(&["check", "in.xlsx"]).exits(0);
    assert!(ended.stdout.contains("sheet 'authwave' of a workbook"), "{}", ended.stdout);
    assert!(ended.stdout.contains("2 rows (2 set-phones)"), "{}", ended.stdout);
}

/// Guards look at users before rows that say nothing of a look: what `check` foresees has these reads as the run's own
/// forecast has them.
#[test]
fn check_foresees_the_requests_that_a_run_foresees() {
    const ROWS: &str = "user,action,phone,phone_type\n\
        avery@contoso.com,add,+1 2065550100,mobile\n\
        blake@contoso.com,update,+1 2065550101,mobile\n\
        casey@contoso.com,delete,,office\n\
        drew@contoso.com,set,+1 2065550102,mobile\n\
        emery@contoso.com,enable-sms-sign-in,,\n\
        finley@contoso.com,list,,\n";
    for (guards, reads) in [("", 6), ("[run]\nno_before_images = true\n", 4)] {
        let world = World::new().guarded().file("in.csv", ROWS).file("authwave.toml", guards);
        let checked = world.authwave(&["check", "in.csv"]).exits(0);
        let told = format!("a run sends at most {reads} reads and 5 writes\n");
        assert!(checked.stdout.contains(&told), "no {told:?} in\n{}", checked.stdout);
        let ran = world.authwave(&["run", "in.csv", "--rehearse"]).exits(0);
        ran.stderr_has(&format!("6 rows ≈ 5 writes + {reads} reads\n"));
    }
}
