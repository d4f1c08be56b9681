//! What machines are told of a run: events, metrics, logs.

use std::fs;

use serde_json::Value;

use super::support::ended::Ended;
use super::support::world::World;

const ROWS: &str = "user,action,phone_number,new_password\n\
                    a@contoso.com,set-phone,+1 2065550123,\n\
                    b@contoso.com,add-phone,+1 2065550124,\n\
                    c@contoso.com,enable-sms-sign-in,,\n\
                    d@contoso.com,reset-password,,Correct-Horse-7\n";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

#[test]
fn every_event_is_a_line_of_json_without_numbers_secrets_or_addresses() {
    let world = World::new().file("in.csv", ROWS).simulator(&[]);
    world.run("in.csv", &["--events", "events.ndjson"]).exits(1);
    let text = fs::read_to_string(world.path("events.ndjson")).unwrap();
    let events = lines(&text);
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    assert_eq!(of("answered").len() as u64, world.tenant().count("requests"));
    assert_eq!((of("accepted").len(), of("closed").len(), of("found").len()), (1, 1, 1));
    let mut ended: Vec<(u64, &str)> = of("ended")
        .iter()
        .map(|end| (end["data"]["row"].as_u64().unwrap(), end["data"]["status"].as_str().unwrap()))
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, [(1, "succeeded"), (2, "succeeded"), (3, "failed"), (4, "succeeded")]);
    assert!(text.contains("+1 ******0123") && events.iter().all(|event| event["version"] == 1), "{text}");
    for secret in ["2065550123", "Correct-Horse", "/operations/"] {
        assert!(!text.contains(secret), "{secret}");
    }
    // A later run goes on behind it, and shows numbers where that is asked for.
    world.run("in.csv", &["--events", "events.ndjson", "--show-numbers", "--run-dir", "again"]);
    let both = fs::read_to_string(world.path("events.ndjson")).unwrap();
    assert!(both.starts_with(&text) && both.contains("+1 2065550123"), "{both}");
}

#[test]
fn metrics_agree_with_the_summary_and_name_nobody() {
    let world = World::new().file("in.csv", ROWS).simulator(&[]);
    let ended = world.run("in.csv", &["--metrics-file", "authwave.prom"]).exits(1);
    let text = fs::read_to_string(world.path("authwave.prom")).unwrap();
    for line in [
        "authwave_rows_wanted 4",
        "authwave_rows_total{action=\"set-phone\",status=\"succeeded\"} 1",
        "authwave_rows_total{action=\"enable-sms-sign-in\",status=\"failed\"} 1",
        "authwave_errors_total{code=\"resourceNotFound\"} 1",
        "authwave_operations_open 0",
        "# UNIT authwave_request_latency_seconds seconds",
    ] {
        assert!(text.lines().any(|stands| stands == line), "no {line} in\n{text}");
    }
    let sum = |name: &str| -> f64 {
        let counts =
            text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
        counts.map(|count| count.parse::<f64>().unwrap()).sum()
    };
    let requests = ended.summary()["requests"]["total"].as_f64().unwrap();
    assert!((sum("authwave_requests_total{") - requests).abs() < 0.5, "{text}");
    assert!((sum("authwave_request_latency_seconds_count{") - requests).abs() < 0.5, "{text}");
    assert!(text.ends_with("# EOF\n") && !text.contains("contoso"), "{text}");
}

#[test]
fn metrics_that_cannot_be_written_stop_nothing() {
    let world = World::new().file("in.csv", ROWS);
    let ended = world.run("in.csv", &["--rehearse", "--metrics-file", "nowhere/authwave.prom"]).exits(0);
    assert_eq!(ended.stderr.matches("the metrics cannot be written to nowhere/authwave.prom").count(), 1);
}

#[test]
fn events_go_on_behind_half_a_line_and_where_they_cannot_be_written_the_run_does() {
    let world = World::new().file("in.csv", ROWS).file("events.ndjson", "{\"version\":1,\"at\":\"20");
    world.run("in.csv", &["--rehearse", "--events", "events.ndjson"]).exits(0);
    let text = fs::read_to_string(world.path("events.ndjson")).unwrap();
    let (half, whole) = text.split_once('\n').unwrap();
    assert_eq!(half, "{\"version\":1,\"at\":\"20");
    assert!(lines(whole).len() > 4, "{whole}");
    for (place, told) in [("/dev/full", "events cannot be written"), ("nowhere/events", "no events are told")]
    {
        let flags = ["--rehearse", "--events", place, "--run-dir", &format!("at-{}", place.len())];
        let ended = world.run("in.csv", &flags).exits(0);
        assert_eq!(ended.stderr.matches(told).count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn resets_that_are_pending_are_open_in_the_metrics_whoever_had_them_accepted() {
    let rows = "user,action,new_password\na@contoso.com,reset,Correct-Horse-7\n";
    let world =
        World::new().file("in.csv", rows).simulator(&["--reset-duration", "4s", "--delegated-tokens"]);
    let open = |name: &str| {
        let text = fs::read_to_string(world.path(name)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("authwave_operations_open ")).unwrap();
        line.parse::<i64>().unwrap()
    };
    world.run("in.csv", &["--operation-timeout", "1s", "--metrics-file", "run.prom"]).exits(5);
    assert_eq!(open("run.prom"), 1);
    world.operations(&["--operation-timeout", "30s", "--metrics-file", "followed.prom"]).exits(0);
    assert_eq!(open("followed.prom"), 0);
}

#[test]
fn logs_are_objects_with_row_action_attempt_and_client_request_id() {
    let world = World::new().file("in.csv", ROWS).simulator(&[]);
    let ended = world.run("in.csv", &["--log-format", "json", "-vv"]).exits(1);
    let logs: Vec<Value> = ended.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let refused = logs.iter().find(|log| log["message"] == "not accepted").unwrap();
    let (row, request) = (&refused["spans"][0], &refused["spans"][1]);
    assert_eq!((row["name"].as_str(), row["row"].as_u64()), (Some("row"), Some(3)), "{refused}");
    assert_eq!(row["action"], "enable-sms-sign-in", "{refused}");
    assert_eq!(
        (request["name"].as_str(), request["attempt"].as_u64()),
        (Some("request"), Some(1)),
        "{refused}"
    );
    assert_eq!((request["status"].as_u64(), request["code"].as_str()), (Some(404), Some("resourceNotFound")));
    let id = &ended.column("client_request_id")[2];
    assert_eq!(request["client_request_id"].as_str(), Some(id.as_str()), "{refused}");
    world
        .run("in.csv", &["--log-format", "xml", "--run-dir", "x"])
        .exits(2)
        .stderr_has("there are text and json");
}

/// What is said of a run in lines of JSON, with the level of each.
fn told(ended: &Ended) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let logs = lines(&ended.stderr);
    let told = logs.iter().filter(|log| log["target"] == "authwave::told");
    told.map(|log| (text(&log["level"]), text(&log["message"]))).collect()
}

#[test]
fn beside_logs_as_json_nothing_is_said_in_another_format() {
    let world = World::new().file("in.csv", &(ROWS.to_owned() + "e@contoso.com,fly,,\n")).simulator(&[]);
    let json = ["--log-format", "json"];
    let refused = world.run("in.csv", &json).exits(2);
    let (level, message) = told(&refused).pop().unwrap();
    assert_eq!((level.as_str(), &message[..27]), ("ERROR", "1 of 5 rows cannot be done;"));
    let ended = world.run("in.csv", &[&json[..], &["--skip-invalid"]].concat()).exits(1);
    let told = told(&ended);
    assert!(told.iter().all(|(level, _)| level == "INFO"), "{told:?}");
    let first_words = [
        "reading in.csv: UTF-8",
        "in.csv: row 5, action 'fly'",
        "5 rows \u{2248} ",
        "5 rows in ",
        "files: out",
    ];
    for begin in first_words {
        assert!(told.iter().any(|(_, line)| line.starts_with(begin)), "{begin}: {told:?}");
    }
    // What is to be typed is told as it is.
    assert!(told.last().unwrap().1.ends_with("authwave run out/unfinished.csv"), "{told:?}");
    world.run("in.csv", &[&json[..], &["--rehearse", "--quiet", "--run-dir", "again"]].concat()).exits(2);
}

#[test]
fn a_status_line_is_an_object_where_logs_are() {
    let world = World::new().file("in.csv", ROWS).simulator(&["--latency", "500ms"]);
    let mut running = world.begin("in.csv", &["--in-flight", "1", "--log-format", "json"]);
    while world.tenant().count("requests") < 1 {}
    running.signal("-USR1");
    running.says("\"message\":\"0/4 rows, ");
    assert_eq!(
        told(&running.end().exits(1)).iter().filter(|(_, line)| line.contains("/4 rows, ")).count(),
        1
    );
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_that_knows_no_collector_says_so_before_anything_is_sent() {
    let world = World::new().file("in.csv", ROWS);
    let ended = world.run("in.csv", &["--rehearse", "--otlp-endpoint", "http://127.0.0.1:4318"]).exits(2);
    ended.stderr_has("build it with --features otlp");
}
