//! The tenant's pace: found in one run, remembered for the next, told before the start and in the summary.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::support::world::World;

const UNKNOWN: &str = "this tenant's pace is not known yet and will be found";

/// A token that says whose it is.
fn token(tenant: &str) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(format!(r#"{{"tid":"{tenant}","appid":"app"}}"#)))
}

/// As many users, whose names begin so, get a phone.
fn adds(name: &str, rows: usize) -> String {
    (1..=rows).fold("user,action,phone_type,phone_number\n".to_owned(), |mut text, row| {
        writeln!(text, "{name}{row}@contoso.com,add-phone,office,+1 4255550100").unwrap();
        text
    })
}

/// So few that the slowest machine sends more.
const QUOTA: [&str; 2] = ["--writes-per-second", "40"];

/// A tenant that says nothing of its quota before a 429.
fn world() -> World {
    let quota = [&QUOTA[..], &["--usage", "silent"]].concat();
    World::new().variable("AUTHWAVE_ACCESS_TOKEN", &token("one")).simulator(&quota)
}

/// What is remembered of tenants.
fn remembered(world: &World) -> Vec<PathBuf> {
    let directory = world.path(".local/state/authwave/pace");
    fs::read_dir(directory)
        .map_or_else(|_| Vec::new(), |files| files.map(|file| file.unwrap().path()).collect())
}

#[test]
fn what_one_run_finds_the_next_one_knows_and_no_other_tenant_s() {
    let world = world().file("one.csv", &adds("a", 150)).file("two.csv", &adds("b", 20));
    let first = world.run("one.csv", &["--run-dir", "first"]).exits(0);
    first.stderr_has(&format!("150 rows ≈ 150 writes; {UNKNOWN}\n"));

    let files = remembered(&world);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&files[0]).unwrap();
    let content: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&content["tenant"], &content["client_id"]), (&"one".into(), &"app".into()));
    let limit = content["writes"]["requests_per_second"].as_f64().unwrap();
    assert!((20.0..80.0).contains(&limit), "{text}");
    assert!(content["reads"].is_null() && !text.contains("e30"), "{text}");

    world.run("two.csv", &["--run-dir", "second"]).exits(0).stderr_has("; at this tenant's learned ");
    let polite = ["--run-dir", "third", "--polite"];
    world.run("two.csv", &polite).stderr_has("; at 50 % (--polite) of this tenant's learned ");
    let other = world.variable("AUTHWAVE_ACCESS_TOKEN", &token("other"));
    other.run("two.csv", &["--run-dir", "fourth"]).stderr_has(UNKNOWN);
}

#[test]
fn where_nothing_is_refused_the_next_run_is_soon_faster_than_the_last_one_was() {
    let world = World::new().variable("AUTHWAVE_ACCESS_TOKEN", &token("one"));
    let world = world.simulator(&["--latency", "80ms"]);
    let duration = |name: &str| {
        world.file_again("rows.csv", &adds(name, 900));
        let ended = world.run("rows.csv", &["--run-dir", name]).exits(0);
        // No limit was met, so there is none to tell.
        ended.stderr_has(UNKNOWN).summary()["duration_ms"].as_u64().unwrap()
    };
    let first = duration("a");
    let files = remembered(&world);
    let content: serde_json::Value = serde_json::from_str(&fs::read_to_string(&files[0]).unwrap()).unwrap();
    assert_eq!((&content["writes"], &content["unrefused"]["writes"]["requests"]), (&().into(), &900.into()));
    let second = duration("b");
    // 14 on the wire and more, and then 20.
    assert!(second * 10 < first * 9, "{first} ms, {second} ms");
}

#[test]
fn a_run_that_was_stopped_has_found_something_too_and_resume_tells_what_is_left() {
    let world = world().file("in.csv", &adds("a", 150));
    let stopped = world.run("in.csv", &["--max-duration", "1s"]).exits(130);
    let done = stopped.column("status").iter().filter(|status| *status == "succeeded").count();
    assert_eq!(remembered(&world).len(), 1);
    let resumed = world.resume(&["--max-duration", "1h"]).exits(0);
    let left = 150 - done;
    let resumed = resumed.stderr_has(&format!("{left} rows ≈ {left} writes; at this tenant's learned "));

    // The summary tells of both sessions, as the tenant saw them.
    let (summary, ledger) = (resumed.summary(), world.tenant().ledger());
    let pace = &summary["pace"];
    let sum = |key: &str| -> u64 {
        pace["intervals"].as_array().unwrap().iter().map(|interval| interval[key].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("reads"), sum("writes")), (0, 150));
    assert_eq!(ledger["throttled"], sum("throttled"));
    assert_eq!(
        (&summary["requests"]["throttled"], &summary["requests"]["early"]),
        (&ledger["throttled"], &0.into())
    );
    assert!(sum("throttled") > 0 && sum("held_ms") > 0, "{pace}");
    let limit = pace["writes"]["limit_per_second"].as_f64().unwrap();
    assert!((20.0..80.0).contains(&limit), "{pace}");
    let intervals = pace["intervals"].as_array().unwrap();
    let known = intervals.iter().filter(|interval| interval["write_limit_per_second"].is_f64()).count();
    // Not only at the end of each session.
    assert!(known > 2 && known + 2 >= intervals.len(), "{pace}");
    // How much of it a run of three seconds used is the machine's affair.
    assert!((0.01..2.0).contains(&pace["writes"]["quota_used"].as_f64().unwrap()), "{pace}");
    assert!(pace["reads"]["limit_per_second"].is_null() && pace["quota_used_told"].is_null(), "{pace}");
}

#[test]
fn what_graph_tells_of_its_quota_stands_in_the_summary() {
    let quota = [&QUOTA[..], &["--usage", "told"]].concat();
    let world = World::new().file("in.csv", &adds("a", 120)).simulator(&quota);
    let summary = world.run("in.csv", &[]).exits(0).summary();
    let told = summary["pace"]["quota_used_told"].as_f64().unwrap();
    assert!((0.8..=1.8).contains(&told), "{}", summary["pace"]);
}

#[test]
fn a_memory_that_cannot_be_used_never_stops_a_run() {
    let world = world().file("in.csv", &adds("a", 120)).file("again.csv", &adds("b", 2));
    world.run("in.csv", &["--run-dir", "first"]).exits(0);
    let file = &remembered(&world)[0];
    for (run_dir, content, reason) in [
        ("second", "\u{0}{half", "it cannot be understood"),
        ("third", r#"{"version":99}"#, "a newer authwave wrote it (version 99)"),
    ] {
        fs::write(file, content).unwrap();
        world.run("again.csv", &["--run-dir", run_dir]).exits(0).stderr_has(reason).stderr_has(UNKNOWN);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), r#"{"version":99}"#);
}

#[test]
fn a_rehearsal_and_a_token_that_does_not_say_whose_it_is_leave_no_memory() {
    let world = world().file("in.csv", &adds("a", 120)).file("one.csv", "user,action\na@contoso.com,list\n");
    world
        .run("one.csv", &["--rehearse", "--run-dir", "rehearsal"])
        .exits(0)
        .stderr_has("1 row ≈ 1 read\n")
        .stderr_lacks("pace");
    let opaque = world.variable("AUTHWAVE_ACCESS_TOKEN", "opaque");
    let ended = opaque.run("in.csv", &[]).exits(0).stderr_has(UNKNOWN);
    assert!(ended.summary()["pace"]["writes"]["limit_per_second"].is_f64(), "a limit was found");
    assert_eq!(remembered(&opaque).len(), 0);
}

#[test]
fn a_snapshot_tells_each_user_once() {
    let text = "user,action\na@contoso.com,list\nb@contoso.com,list\nA@contoso.com,list\n";
    let world = world().file("in.csv", text);
    world.snapshot("in.csv", &[]).exits(0).stderr_has("2 rows ≈ 2 reads; ");
}

#[test]
fn runs_beside_each_other_on_one_machine_share_what_there_is() {
    let names = ["a", "b", "c"];
    let mut world = world();
    for name in names {
        world = world.file(&format!("{name}.csv"), &adds(name, 1_000));
    }
    let runs = names.map(|name| {
        let flags = ["--run-dir", name, "--share-tenant", "--max-duration", "8s", "--log", "info"];
        world.begin(&format!("{name}.csv"), &flags)
    });
    let ended = runs.map(|run| run.end().exits(130).stderr_has("in step with 2 other runs on this tenant"));
    let done = ended.each_ref().map(|ended| ended.summary()["rows"]["succeeded"].as_u64().unwrap());
    // Whoever began first had what was saved up; on a busy machine the others come late.
    let even = done.iter().sum::<u64>() / 3;
    assert!(done.iter().all(|done| *done >= even / 2), "{done:?}");
    let tenant = fs::read_dir(world.path(".local/state/authwave/step")).unwrap().next().unwrap().unwrap();
    assert_eq!(fs::metadata(tenant.path()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(tenant.path()).unwrap().count(), 0, "nothing is left of runs that ended");
}
