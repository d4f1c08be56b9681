//! Input in the forms that people have, and output for spreadsheets, by the whole program.

use std::fs;
use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};

use calamine::{Data, Reader as _, Xlsx};

use super::support::simulator::AUTHWAVE;
use super::support::world::World;

const WIDE: &str = "UPN;Mobile;AlternateMobile;OfficePhone;Büro\r\n\
                    avery@contoso.com;'+1 2065550123;+1 2065550124;clear;=1+1\r\n\
                    blake@contoso.com;;;+1 4255550199x12;Köln\r\n;;;;\r\n";

fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[test]
fn one_row_a_user_is_done_in_order_and_stays_one_line() {
    let world = World::new().simulator(&[]);
    fs::write(world.path("in.csv"), windows_1252(WIDE)).unwrap();
    let ended = world.run("in.csv", &[]).exits(0).stderr_has("Windows-1252, separated by semicolons");
    assert_eq!(ended.column("action"), ["set-phones", "set-phones"]);
    assert_eq!(ended.column("status"), ["succeeded", "succeeded"]);
    let detail = ended.column("detail");
    assert!(detail[0].starts_with("mobile: succeeded"), "{detail:?}");
    assert!(detail[0].contains("; alternateMobile: succeeded"), "{detail:?}");
    assert!(detail[0].ends_with("; office: unchanged, the user has no office phone"), "{detail:?}");
    assert_eq!(ended.column("Büro"), ["=1+1", "Köln"]);
    assert_eq!(ended.column("Mobile"), ["'+1 2065550123", ""]);
    let again = world.run("in.csv", &["--run-dir", "again"]).exits(0);
    assert_eq!(again.column("status"), ["unchanged", "unchanged"]);
    // results.csv is input, too.
    let results = fs::read_to_string(world.path("out/results.csv")).unwrap();
    world.file_again("results.csv", &results);
    let fed_back = world.run("results.csv", &["--run-dir", "fed back"]).exits(0);
    assert_eq!(fed_back.summary()["rows"]["unchanged"], 2);
}

#[test]
fn the_first_phone_that_is_not_done_ends_its_row_and_the_others_are_named() {
    let world = World::new()
        .file("in.csv", "upn,mobile,office\nnobody@contoso.com,+1 2065550123,+1 2065550124\n")
        .file("users.csv", "user\nknown@contoso.com\n")
        .simulator(&["--users", "users.csv"]);
    let ended = world.run("in.csv", &["--retry-budget", "1s"]).exits(1);
    let row = ended.only_row();
    assert_eq!((row["status"].as_str(), row["http_status"].as_str()), ("failed", "404"));
    assert!(row["detail"].starts_with("mobile: failed, no such user"), "{row:?}");
    assert!(row["detail"].ends_with("; office: not tried"), "{row:?}");
}

#[test]
fn standard_input_is_read_like_a_file() {
    let world = World::new();
    let mut process = Command::new(env!("CARGO_BIN_EXE_authwave"))
        .args(["run", "-", "--rehearse", "--run-dir", "out"])
        .current_dir(world.path("."))
        .env_clear()
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = "user\taction\tphone\r\navery@contoso.com\tadd\t+1 2065550123\r\n";
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    process.stdin.take().unwrap().write_all(&utf16).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let results = fs::read_to_string(world.path("out/results.csv")).unwrap();
    assert!(results.contains("\n1,avery@contoso.com,add-phone,mobile,+1 2065550123,succeeded,"), "{results}");
}

#[test]
fn columns_can_be_named_and_a_resumed_run_knows_their_names() {
    let text = "Mail|Was|Handy\nnobody@contoso.com|add|020 7946 0958\navery@contoso.com|add|020 7946 0959\n";
    let world = World::new()
        .file("in.csv", text)
        .file("users.csv", "user\navery@contoso.com\n")
        .file("authwave.toml", "[input.columns]\naction = \"was\"\n[output]\nxlsx = true\n")
        .simulator(&["--users", "users.csv"]);
    let flags = ["--map", "user=Mail,phone_number=Handy", "--default-country", "GB", "--delimiter", "pipe"];
    let stop = ["--max-failures", "0", "--in-flight", "1", "--window", "1", "--retry-budget", "1s"];
    world.run("in.csv", &[&flags[..], &stop].concat()).exits(4);
    fs::remove_file(world.path("authwave.toml")).unwrap();
    let ended = world.resume(&["--max-failures", "9"]).exits(1).stderr_has(
        "authwave run out/unfinished.csv --map=user=Mail --map=phone_number=Handy --map=action=was --default-country=GB\n",
    );
    assert_eq!(ended.column("status"), ["failed", "succeeded"]);
    assert_eq!(ended.column("phone_number"), ["+44 2079460958", "+44 2079460959"]);
    assert!(ended.directory().join("results.xlsx").exists());
}

#[test]
fn a_row_that_cannot_be_done_beside_others_is_not_done_by_a_resumed_run_either() {
    let text = "user,action,phone\nnobody@contoso.com,list,\navery@contoso.com,set,+1 2065550123\n\
                blake@contoso.com,set,+1 2065550123\navery@contoso.com,enable-sms-sign-in,\n";
    let world = World::new()
        .file("in.csv", text)
        .file("users.csv", "user\navery@contoso.com\nblake@contoso.com\n")
        .simulator(&["--users", "users.csv"]);
    let stop = ["--max-failures", "0", "--in-flight", "1", "--window", "1", "--retry-budget", "1s"];
    world.run("in.csv", &[&["--skip-invalid"], &stop[..]].concat()).exits(4);
    let ended = world.resume(&["--max-failures", "9"]).exits(1);
    assert_eq!(ended.column("status"), ["failed", "succeeded", "succeeded", "failed"]);
    assert_eq!(ended.column("error_code")[3], "invalid-row");
}

#[test]
fn a_run_writes_a_workbook_where_that_is_asked_for() {
    let text = "user,action,phone\navery@contoso.com,add,+1 2065550123\nnobody,list,\n";
    let world = World::new().file("in.csv", text);
    let flags = ["--rehearse", "--skip-invalid", "--xlsx"];
    let ended = world.run("in.csv", &flags).exits(1);
    let bytes = fs::read(ended.directory().join("results.xlsx")).unwrap();
    let mut workbook = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(workbook.sheet_names(), ["results", "operations", "methods", "unfinished"]);
    let range = workbook.worksheet_range("results").unwrap();
    assert_eq!(range.get((1, 4)), Some(&Data::String("+1 2065550123".to_owned())));
    assert_eq!(range.get((2, 5)), Some(&Data::String("failed".to_owned())));
    let ended = World::new().file("in.csv", text).run("in.csv", &["--rehearse", "--skip-invalid"]).exits(1);
    assert!(!ended.directory().join("results.xlsx").exists());
}

#[test]
fn output_that_does_not_get_to_its_place_is_told() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(AUTHWAVE).arg("template").stdout(Stdio::from(full)).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let warning = "warning: not everything could be written to standard output: No space left on device (os error 28)\n";
    assert_eq!(told, warning);
    // Who has read enough of it is told nothing.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(AUTHWAVE).arg("template").stdout(writer).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
