//! Quotas and the ways in which a 429 asks for a pause.

use std::time::Duration;

use super::client::{Client, Told, avery, of, settings};
use crate::model::phone::PhoneType::Office;
use crate::simulator::faults::FaultRates;
use crate::simulator::settings::TenantSettings;
use crate::simulator::throttle::{Quota, RetryAfterForm};

const TEN_IN_TEN_SECONDS: Quota = Quota::Window { requests: 10, span: Duration::from_secs(10) };

fn reading(quota: Quota) -> Client {
    Client::new(TenantSettings { reads: Some(quota.into()), ..settings() })
}

fn look(client: &mut Client) -> Told {
    client.get(&avery("phoneMethods"))
}

#[test]
fn a_429_says_who_is_throttled_and_for_how_long() {
    let mut client = reading(Quota::Bucket { per_second: 0.4, burst: 1.0 });
    look(&mut client);
    let told = look(&mut client);
    assert_eq!(told.refusal(), (429, "TooManyRequests"));
    assert_eq!(told.message(), "Please retry again later.");
    let headers = told.headers;
    assert_eq!(headers.retry_after.as_deref(), Some("3"));
    assert_eq!(
        headers.throttle_scope.as_deref(),
        Some("Tenant_Application/Read/simulated-app/simulated-tenant")
    );
    assert_eq!(headers.throttle_information.as_deref(), Some("ReadLimitExceeded"));
    assert_eq!(headers.date.as_deref(), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    assert!(headers.request_id.is_some());
}

#[test]
fn a_pause_has_the_form_that_was_chosen() {
    for (retry_after, value) in [
        (RetryAfterForm::Seconds, Some("3")),
        (RetryAfterForm::Fraction, Some("2.501")),
        (RetryAfterForm::Date, Some("Thu, 01 Jan 2026 00:00:04 GMT")),
        (RetryAfterForm::Absent, None),
        (RetryAfterForm::Absurd, Some("86400")),
    ] {
        let reads = Some(Quota::Bucket { per_second: 0.4, burst: 1.0 }.into());
        let mut client = Client::new(TenantSettings { reads, retry_after, ..settings() });
        look(&mut client);
        let told = look(&mut client);
        assert_eq!((told.status, told.headers.retry_after.as_deref()), (429, value));
        assert_eq!(told.headers.date.is_some(), value.is_some());
    }
}

#[test]
fn from_four_fifths_of_the_quota_on_answers_tell_the_share() {
    let mut client = reading(TEN_IN_TEN_SECONDS);
    let shares: Vec<Option<String>> =
        (0..11).map(|_| look(&mut client).headers.throttle_limit_percentage).collect();
    let told: Vec<Option<&str>> = shares.iter().map(Option::as_deref).collect();
    let mut expected = vec![None; 7];
    expected.extend([Some("0.80"), Some("0.90"), Some("1.00"), None]);
    assert_eq!(told, expected);
}

#[test]
fn reads_and_writes_have_quotas_of_their_own() {
    let one = Quota::Window { requests: 1, span: Duration::from_mins(1) };
    let mut client = Client::new(TenantSettings { writes: Some(one.into()), ..settings() });
    assert_eq!(client.add(Office, "+1 2065550123").status, 201);
    let told = client.add(Office, "+1 2065550123");
    assert_eq!(
        (told.status, told.headers.throttle_information.as_deref()),
        (429, Some("WriteLimitExceeded"))
    );
    assert_eq!(look(&mut client).status, 200);
    let mut client = reading(one);
    assert_eq!(look(&mut client).status, 200);
    assert_eq!(look(&mut client).status, 429);
    assert_eq!(client.add(Office, "+1 2065550123").status, 201);
}

#[test]
fn a_throttled_write_is_not_done() {
    let one = Quota::Window { requests: 1, span: Duration::from_mins(1) };
    let mut client = Client::new(TenantSettings { writes: Some(one.into()), ..settings() });
    client.add(Office, "+1 2065550123");
    assert_eq!(client.add_to("blake@contoso.com", Office, "+1 2065550123").status, 429);
    assert_eq!(client.tenant.user("blake@contoso.com"), None);
}

#[test]
fn who_waits_as_asked_is_let_in() {
    for retry_after in [RetryAfterForm::Seconds, RetryAfterForm::Fraction] {
        for quota in [TEN_IN_TEN_SECONDS, Quota::Bucket { per_second: 0.7, burst: 3.0 }] {
            let mut client =
                Client::new(TenantSettings { reads: Some(quota.into()), retry_after, ..settings() });
            let mut throttled = 0;
            for _ in 0..50 {
                let told = look(client.after(120));
                if let Some(pause) = told.headers.retry_after {
                    throttled += 1;
                    client.now += Duration::from_secs_f64(pause.parse().unwrap());
                    assert_eq!(look(&mut client).status, 200);
                }
            }
            assert!(throttled > 0, "the quota was never met");
            assert_eq!(client.tenant.ledger().early, 0);
        }
    }
}

#[test]
fn requests_that_come_while_a_pause_runs_are_early() {
    let (reads, retry_after) = (Some(TEN_IN_TEN_SECONDS.into()), RetryAfterForm::Fraction);
    let mut client = Client::new(TenantSettings { reads, retry_after, ..settings() });
    for _ in 0..11 {
        look(&mut client);
    }
    assert_eq!(client.tenant.ledger().early, 0, "the one that was told to wait is not");
    look(client.after(1));
    client.add(Office, "+1 2065550123");
    assert_eq!(client.tenant.ledger().early, 1, "writes have a quota of their own");
    look(client.after(9_998));
    assert_eq!(client.tenant.ledger().early, 2);
    look(client.after(1));
    assert_eq!((client.tenant.ledger().early, client.tenant.ledger().throttled), (2, 3));
}

#[test]
fn a_pause_in_whole_seconds_runs_to_its_own_end_not_to_the_quota_s() {
    let mut client = reading(Quota::Bucket { per_second: 0.4, burst: 1.0 });
    look(&mut client);
    assert_eq!(look(&mut client).headers.retry_after.as_deref(), Some("3"));
    assert_eq!(look(client.after(2_500)).status, 200, "the quota allows it");
    assert_eq!(client.tenant.ledger().early, 1, "but it was asked to wait longer");
}

#[test]
fn a_429_without_a_time_makes_nobody_early() {
    let faults = FaultRates { throttle_bare: 1.0, ..FaultRates::default() };
    let mut client = Client::new(TenantSettings { faults, ..settings() });
    for _ in 0..3 {
        let told = client.get(&of("blake@contoso.com", "methods"));
        assert_eq!((told.status, told.headers.retry_after), (429, None));
    }
    let ledger = client.tenant.ledger();
    assert_eq!((ledger.throttled, ledger.early), (3, 0));
}
