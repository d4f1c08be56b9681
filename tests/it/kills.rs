//! The program is killed at many moments and taken up again each time: nothing is lost, nothing that was known is done
//! again.

use std::fmt::Write as _;

use rusqlite::Connection;

use super::support::ended::Line;
use super::support::world::{Running, World};

const USERS: usize = 720;

/// Three rows a user, of every action that writes; most with the order traps of one user's phones.
fn wave() -> String {
    let mut text = "user,action,phone_type,phone_number,new_password\n".to_owned();
    for i in 0..USERS {
        let user = format!("u{i}@contoso.com");
        let number = |area: u16| format!("+1 {area}555{i:04}");
        let (first, second) = (number(206), number(425));
        let rows = match i % 6 {
            0 => [
                format!("add,mobile,{first},"),
                format!("update,mobile,{second},"),
                format!("add,office,{first},"),
            ],
            1 => [
                format!("set,mobile,{first},"),
                format!("set,alternateMobile,{second},"),
                "delete,alternateMobile,,".to_owned(),
            ],
            2 => [
                format!("add,mobile,{first},"),
                "disable-sms-sign-in,,,".to_owned(),
                "enable-sms-sign-in,,,".to_owned(),
            ],
            3 => [
                format!("add,office,{first},"),
                format!("set,office,{second},"),
                "delete,office,,".to_owned(),
            ],
            4 => ["list,,,".to_owned(), format!("add,mobile,{second},"), "delete,mobile,,".to_owned()],
            _ => [
                format!("reset,,,K1lled-{i}-a"),
                format!("add,mobile,{first},"),
                format!("reset,,,K1lled-{i}-b"),
            ],
        };
        for row in rows {
            writeln!(text, "{user},{row}").unwrap();
        }
    }
    text
}

/// What a user has at the end: mobile, office, whether the mobile signs in, password.
fn assert_has_all(world: &World, i: usize) {
    let user = world.tenant().user(&format!("u{i}@contoso.com")).unwrap();
    let number = |area: u16| format!("+1 {area}555{i:04}");
    let (first, second) = (Some(number(206)), Some(number(425)));
    let (mobile, office, password) = match i % 6 {
        0 => (second, first, None),
        1 | 2 => (first, None, None),
        3 | 4 => (None, None, None),
        _ => (first, None, Some(format!("K1lled-{i}-b"))),
    };
    let has = |name: &str| user[name].as_str().map(str::to_owned);
    assert_eq!((has("mobile"), has("office"), has("password")), (mobile, office, password), "{user}");
    assert_eq!(has("alternateMobile"), None, "{user}");
    if i % 6 == 2 {
        assert_eq!(user["sms_sign_in_state"], "ready", "{user}");
    }
}

/// Kills the process once so many further requests have come to the tenant, or before it sends any.
fn kill_after(world: &World, running: Running, requests: u64) {
    let before = world.tenant().count("requests");
    while world.tenant().count("requests") < before + requests {}
    running.signal("-KILL");
    running.end();
    let journal = Connection::open(world.path("out/journal.sqlite")).unwrap();
    let sound: String = journal.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn killed_at_thirty_six_moments_every_row_is_done_once_and_nothing_known_is_done_again() {
    let flags = [
        "--latency",
        "4ms",
        "--reset-duration",
        "50ms..400ms",
        "--delegated-tokens",
        "--authenticators",
        "1",
    ];
    let world = World::new().file("in.csv", &wave()).simulator(&flags);
    let mut random = fastrand::Rng::with_seed(7);
    kill_after(&world, world.begin("in.csv", &["--in-flight", "16", "--window", "40"]), 1);
    for kill in 1..36 {
        // Some at once, before a session has sent anything; most in full swing.
        let requests = if kill % 9 == 0 { 0 } else { random.u64(1..150) };
        kill_after(&world, world.begin_to_resume(&[]), requests);
    }
    let ended = world.resume(&[]).exits(1);
    // A process that was killed at once was none.
    assert!(ended.summary()["sessions"].as_u64().unwrap() > 30);
    let numbers: Vec<String> = (1..=USERS * 3).map(|row| row.to_string()).collect();
    assert_eq!(ended.column("row"), numbers);
    // Nobody knows when the first of two sendings of a user's first reset ends: so the second reset is not sure of itself.
    let not_sure = |line: &Line| {
        let row: usize = line["row"].parse().unwrap();
        row.is_multiple_of(18) && line["status"] == "unknown" && line["error_code"] == "earlier-reset-lost"
    };
    let (unknown, not_done): (Vec<_>, Vec<_>) =
        ended.results().into_iter().filter(|line| line["status"] != "succeeded").partition(not_sure);
    assert!(not_done.is_empty(), "{not_done:#?}");
    let journal = Connection::open(world.path("out/journal.sqlite")).unwrap();
    let sent_twice = "SELECT count(DISTINCT row) FROM operations WHERE follows_doubt & 1 AND row % 18 = 16";
    let sent_twice: u32 = journal.query_row(sent_twice, [], |row| row.get(0)).unwrap();
    assert_eq!(unknown.len(), sent_twice as usize);
    (0..USERS).for_each(|i| assert_has_all(&world, i));
    let ledger = world.tenant().ledger();
    let count = |name: &str| ledger[name].as_u64().unwrap();
    assert_eq!((count("blind_repeats"), count("order_violations")), (0, 0), "{ledger}");
    // A reset cannot be read back: one whose answer nobody noted is sent once more, with the same password.
    let resets = (USERS / 6 * 2) as u64;
    assert_eq!(count("double_writes"), count("resets") - resets, "{ledger}");
    // Every user of five has so many changes; a change that was done twice would be one too many.
    let changes = USERS as u64 / 6 * (3 + 3 + 3 + 3 + 2 + 1);
    assert_eq!(count("changes"), changes, "{ledger}");
}
