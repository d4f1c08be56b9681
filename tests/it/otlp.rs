//! What an OpenTelemetry collector is told of a run; for a build with the feature `otlp`.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::support::scripted::{Answer, Heard, Scripted};
use super::support::world::World;

const ROWS: &str = "user,action,phone_number,new_password\n\
                    a@contoso.com,set-phone,+1 2065550123,\n\
                    b@contoso.com,enable-sms-sign-in,,\n\
                    c@contoso.com,reset-password,,Correct-Horse-7\n";

fn collector() -> Scripted {
    Scripted::start((0..100).map(|_| Answer::empty(200).with("Content-Type", "application/x-protobuf")))
}

fn text(value: &KeyValue) -> String {
    match value.value.as_ref().and_then(|value| value.value.as_ref()).unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn labels(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

fn of<'heard>(heard: &'heard [Heard], path: &str) -> Vec<&'heard [u8]> {
    heard.iter().filter(|heard| heard.target == path).map(|heard| heard.body.as_slice()).collect()
}

fn spans(heard: &[Heard]) -> Vec<Span> {
    let requests =
        of(heard, "/v1/traces").into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap());
    let resources = requests.flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// The last that was told of each, which has the sums.
fn metrics(heard: &[Heard]) -> BTreeMap<String, Metric> {
    let requests =
        of(heard, "/v1/metrics").into_iter().map(|body| ExportMetricsServiceRequest::decode(body).unwrap());
    let resources = requests.flat_map(|request| request.resource_metrics);
    let metrics = resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics);
    metrics.map(|metric| (metric.name.clone(), metric)).collect()
}

fn sum(metric: &Metric, wanted: &[(&str, &str)]) -> i64 {
    let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    let fits = |attributes: &[KeyValue]| {
        let labels = labels(attributes);
        wanted.iter().all(|(name, value)| labels.get(*name).is_some_and(|known| known == value))
    };
    let points = sum.data_points.iter().filter(|point| fits(&point.attributes));
    let values = points.map(|point| match point.value {
        Some(number_data_point::Value::AsInt(number)) => number,
        _ => panic!("{point:?}"),
    });
    values.sum()
}

#[test]
fn a_collector_is_told_of_every_row_every_request_and_the_counts() {
    let (world, collector) = (World::new().file("in.csv", ROWS).simulator(&[]), collector());
    let ended = world.run("in.csv", &["--otlp-endpoint", &collector.root]).exits(1);
    let heard = collector.heard();
    assert!(heard.iter().all(|heard| heard.header("content-type") == Some("application/x-protobuf")));

    let spans = spans(&heard);
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let (rows, requests) = (named("row"), named("request"));
    let mut told: Vec<_> = rows.iter().map(|row| labels(&row.attributes)).collect();
    told.sort_by_key(|row| row["row"].clone());
    let told: Vec<_> = told.iter().map(|row| (row["action"].as_str(), row["status"].as_str())).collect();
    assert_eq!(
        told,
        [("set-phone", "succeeded"), ("enable-sms-sign-in", "failed"), ("reset-password", "pending")]
    );
    // Every request belongs to a row, but those that follow the reset, which has left its row.
    let of_rows =
        requests.iter().filter(|request| rows.iter().any(|row| row.span_id == request.parent_span_id));
    let ids: Vec<String> =
        of_rows.map(|request| labels(&request.attributes)["client_request_id"].clone()).collect();
    for id in ended.column("client_request_id") {
        assert!(ids.contains(&id), "{id} is not in {ids:?}");
    }
    assert_eq!(requests.len() as u64, world.tenant().count("requests"));
    assert!(spans.iter().all(|span| span.end_time_unix_nano >= span.start_time_unix_nano));

    let metrics = metrics(&heard);
    assert_eq!(sum(&metrics["authwave.rows"], &[]), 3);
    assert_eq!(sum(&metrics["authwave.rows"], &[("action", "set-phone"), ("status", "succeeded")]), 1);
    assert_eq!(sum(&metrics["authwave.errors"], &[("code", "resourceNotFound")]), 1);
    assert_eq!(sum(&metrics["authwave.operations.open"], &[]), 0);
    let total = ended.summary()["requests"]["total"].as_i64().unwrap();
    assert_eq!(sum(&metrics["authwave.requests"], &[]), total);
    let Some(Data::Histogram(latency)) = &metrics["authwave.request.latency"].data else { panic!() };
    assert_eq!(latency.data_points.iter().map(|point| point.count).sum::<u64>(), total.unsigned_abs());

    for body in heard.iter().map(|heard| String::from_utf8_lossy(&heard.body)) {
        for private in ["contoso", "2065550123", "Correct-Horse", "/operations/"] {
            assert!(!body.contains(private), "{private}");
        }
    }
}

#[test]
fn the_standard_variables_name_the_collector_its_headers_and_the_service() {
    let collector = collector();
    let world = World::new()
        .file("in.csv", ROWS)
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.root)
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=night")
        .variable("OTEL_SERVICE_NAME", "nightly");
    world.run("in.csv", &["--rehearse"]).exits(0);
    let heard = collector.heard();
    assert!(
        !heard.is_empty() && heard.iter().all(|heard| heard.header("x-tenant") == Some("night")),
        "{heard:?}"
    );
    let request = ExportTraceServiceRequest::decode(of(&heard, "/v1/traces")[0]).unwrap();
    let resource = request.resource_spans[0].resource.clone().unwrap();
    assert_eq!(labels(&resource.attributes)["service.name"], "nightly");
    let before = heard.len();
    world.variable("OTEL_SDK_DISABLED", "true").run("in.csv", &["--rehearse", "--run-dir", "again"]).exits(0);
    assert_eq!(collector.heard().len(), before);
}

#[test]
fn a_collector_that_is_not_there_stops_nothing_and_is_told_of() {
    let world = World::new().file("in.csv", ROWS);
    let ended = world.run("in.csv", &["--rehearse", "--otlp-endpoint", "http://127.0.0.1:9"]).exits(0);
    ended.stderr_has("the collector was not told everything");
    for bad in ["collector", "ftp://127.0.0.1", "http://name:word@127.0.0.1"] {
        let ended = world.run("in.csv", &["--rehearse", "--run-dir", "x", "--otlp-endpoint", bad]).exits(2);
        let ended = ended.stderr_has("--otlp-endpoint (AUTHWAVE_OTLP_ENDPOINT, output.otlp_endpoint)");
        assert!(!ended.stderr.contains("name:word"), "{}", ended.stderr);
    }
}
