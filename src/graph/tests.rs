//! The rules of a conversation with Graph, in virtual time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::call::{CallError, create_phone, delete_phone, list_phones};
use super::client::{Graph, GraphParts, RetrySettings, Root};
use super::session::Session;
use crate::model::event::{Answered, Event};
use crate::model::phone::{Phone, PhoneNumber, PhoneType};
use crate::model::user::UserId;
use crate::pace::pacer::{PaceSettings, Pacer};
use crate::pace::shutdown::Shutdown;
use crate::policy::backoff::Backoff;
use crate::transport::exchange::{Headers, Response};
use crate::transport::scripted::{Answer, Scripted, Tokens, answer, later, lost, not_sent, refusal};

pub(crate) const RETRY: RetrySettings = RetrySettings {
    budget: Duration::from_mins(15),
    backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_mins(1) },
    max_retry_after: Duration::from_mins(10),
};

/// A tenant that answers as scripted.
pub(crate) struct Desk {
    pub(crate) graph: Arc<Graph<Scripted, Tokens>>,
    pub(crate) script: Scripted,
    pub(crate) inbox: mpsc::Receiver<Event>,
}

impl Desk {
    pub(crate) fn with(script: Scripted, tokens: Tokens, retry: RetrySettings) -> Self {
        let in_flight = NonZeroUsize::new(64).unwrap();
        let pace = PaceSettings { requests_per_second: None, in_flight, shared_by: None, seek: None };
        Self::paced(script, (tokens, retry), pace)
    }

    /// One place on the wire, which up to so many reads share.
    pub(crate) fn shared_by(reads: usize, script: Scripted) -> Self {
        let in_flight = NonZeroUsize::MIN;
        let pace = PaceSettings {
            requests_per_second: None,
            in_flight,
            shared_by: NonZeroUsize::new(reads),
            seek: None,
        };
        Self::paced(script, (Tokens::up_to(2), RETRY), pace)
    }

    fn paced(script: Scripted, (tokens, retry): (Tokens, RetrySettings), pace: PaceSettings) -> Self {
        let (events, inbox) = mpsc::channel(10_000);
        let parts = GraphParts {
            root: Root::new("https://graph.microsoft.com", "v1.0").unwrap(),
            pacer: Arc::new(Pacer::new(pace)),
            shutdown: Shutdown::default(),
            events,
            retry,
            random: fastrand::Rng::with_seed(7),
        };
        Self { graph: Arc::new(Graph::new(script.clone(), tokens, parts)), script, inbox }
    }

    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(Scripted::new(answers), Tokens::up_to(2), RETRY)
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.inbox.try_recv().ok()).collect()
    }
}

pub(crate) fn user() -> UserId {
    UserId::new("avery@contoso.com").unwrap()
}

pub(crate) fn mobile(number: &str) -> Phone {
    Phone { phone_type: PhoneType::Mobile, number: PhoneNumber::from_formatted(number) }
}

#[tokio::test(start_paused = true)]
async fn what_was_surely_not_done_is_sent_again_and_what_was_refused_is_not() {
    for status in [400, 402, 403, 404, 405, 409, 410, 412, 423, 301, 302, 304, 418] {
        let desk = Desk::new([refusal(status, "no")]);
        let told = Session::new(&desk.graph).call(create_phone(&user(), &mobile("+1 2065550123"))).await;
        assert!(
            matches!(told, Err(CallError::Refused(failure)) if failure.http_status == Some(status)),
            "{status}"
        );
    }
    for first in [not_sent(), answer(429, ""), later(429, "3")] {
        let desk = Desk::new([first, answer(201, "{}")]);
        let told = Session::new(&desk.graph).call(create_phone(&user(), &mobile("+1 2065550123"))).await;
        assert_eq!(told.map(|response| response.status), Ok(201));
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_write_is_repeated_only_where_that_is_harmless() {
    let doubtful: Vec<Answer> = [408, 500, 502, 503, 504, 507, 509]
        .into_iter()
        .map(|status| answer(status, "<html>gateway</html>"))
        .chain([lost()])
        .collect();
    for first in doubtful {
        let desk = Desk::new([first.clone(), answer(201, "")]);
        let told = Session::new(&desk.graph).call(create_phone(&user(), &mobile("+1 2065550123"))).await;
        assert!(matches!(told, Err(CallError::Doubtful(_))), "{first:?}");
        assert_eq!(desk.script.left(), 1, "{first:?}");

        for harmless in [delete_phone(&user(), PhoneType::Mobile), list_phones(&user())] {
            let desk = Desk::new([first.clone(), answer(204, "")]);
            let told = Session::new(&desk.graph).call(harmless).await;
            assert_eq!(told.map(|response| response.status), Ok(204), "{first:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_write_leaves_the_write_in_doubt() {
    let desk = Desk::new([lost(), refusal(404, "resourceNotFound")]);
    let told = Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await;
    assert!(matches!(told, Err(CallError::Doubtful(failure)) if failure.http_status == Some(404)));
    // A read that was lost is in nobody's way.
    let desk = Desk::new([lost(), refusal(404, "resourceNotFound")]);
    let told = Session::new(&desk.graph).call(list_phones(&user())).await;
    assert!(matches!(told, Err(CallError::Refused(_))));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_to_the_millisecond_in_every_form() {
    for (value, milliseconds) in [("7", 7_000), ("2.128", 2_128), ("0.1", 100), ("86400", 600_000)] {
        for status in [429, 503, 504] {
            let desk = Desk::new([later(status, value), answer(200, r#"{"value":[]}"#)]);
            Session::new(&desk.graph).call(list_phones(&user())).await.unwrap();
            assert_eq!(desk.script.times(), [0, milliseconds], "{status} {value}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_to_come_back_at_once_backs_off_all_the_same() {
    for status in [408, 429, 500, 503] {
        let answers = [later(status, "0"), later(status, "0.02"), later(status, "0"), answer(200, "{}")];
        let desk = Desk::new(answers);
        Session::new(&desk.graph).call(list_phones(&user())).await.unwrap();
        let times = desk.script.times();
        assert!(times[3] >= 1_000, "{status} {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_throttled_call_holds_everybody() {
    let mut answers = vec![later(429, "30")];
    answers.extend((0..21).map(|_| answer(200, r#"{"value":[]}"#)));
    let (mut desk, began) = (Desk::new(answers), Instant::now());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..21 {
        let graph = Arc::clone(&desk.graph);
        calls.spawn(async move {
            tokio::task::yield_now().await;
            Session::new(&graph).call(list_phones(&user())).await.map(|_| ())
        });
        // The first call is answered before the others begin.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(calls.join_all().await.into_iter().all(|told| told.is_ok()));
    let times = desk.script.times();
    assert_eq!(times[0], 0);
    assert!(times[1..].iter().all(|at| *at >= 30_000), "{times:?}");
    let held: Vec<Event> =
        desk.events().into_iter().filter(|event| matches!(event, Event::Held { .. })).collect();
    let span = Duration::from_secs(30);
    assert_eq!(held, [Event::Held { span, until: began + span }]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_begins_while_a_token_is_waited_for_is_obeyed() {
    let tokens = Tokens::up_to(1).after(Duration::from_secs(3));
    let mut desk = Desk::with(Scripted::new([answer(200, r#"{"value":[]}"#)]), tokens, RETRY);
    let hold = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        desk.graph.pacer.hold(Duration::from_secs(20));
    };
    let mut session = Session::new(&desk.graph);
    let (told, ()) = tokio::join!(session.call(list_phones(&user())), hold);
    told.unwrap();
    // The hold ends at 21 s; then a token is asked for anew, since the first one aged meanwhile.
    assert_eq!(desk.script.times(), [24_000]);
    drop(session);
    let told = desk.events();
    assert!(matches!(told[..], [Event::Answered(Answered { early: false, .. })]), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_says_of_the_quota_is_told() {
    for (value, told) in [
        ("0.85", Some(85)),
        (" 1.8 ", Some(180)),
        ("99", Some(255)),
        ("-1", Some(0)),
        ("NaN", None),
        ("much", None),
    ] {
        let headers = Headers { throttle_limit_percentage: Some(value.to_owned()), ..Headers::default() };
        let mut desk = Desk::new([Ok(Response { status: 204, headers, ..Response::default() })]);
        Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Office)).await.unwrap();
        let [Event::Answered(answered)] = &desk.events()[..] else { panic!("one answer") };
        assert_eq!(answered.used_percent, told, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_retry_after_the_hold_grows_until_something_is_accepted() {
    // "Come back at once" counts as no time at all.
    let desk = Desk::new([answer(429, ""), later(429, "0"), answer(429, ""), answer(204, "")]);
    Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Office)).await.unwrap();
    let times = desk.script.times();
    let waits: Vec<u128> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, most) in waits.iter().zip([2_000, 4_000, 8_000]) {
        assert!((most / 2..=most).contains(wait), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_gives_up_when_its_time_is_used_up() {
    let retry = RetrySettings { budget: Duration::from_secs(100), ..RETRY };
    let script = Scripted::new((0..40).map(|_| later(429, "30")));
    let desk = Desk::with(script, Tokens::up_to(1), retry);
    let told = Session::new(&desk.graph).call(list_phones(&user())).await;
    assert!(matches!(told, Err(CallError::Refused(failure)) if failure.http_status == Some(429)));
    assert_eq!(desk.script.times(), [0, 30_000, 60_000, 90_000]);

    let script = Scripted::new((0..400).map(|_| lost()));
    let desk = Desk::with(script, Tokens::up_to(1), retry);
    let told = Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await;
    assert!(matches!(told, Err(CallError::Doubtful(_))));
    assert!(*desk.script.times().last().unwrap() <= 100_000);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_pacer_costs_a_row_none_of_its_time() {
    let retry = RetrySettings { budget: Duration::from_secs(100), ..RETRY };
    let desk = Desk::with(Scripted::new([later(429, "1"), answer(204, "")]), Tokens::up_to(1), retry);
    desk.graph.pacer.hold(Duration::from_hours(1));
    assert!(Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await.is_ok());
    assert_eq!(desk.script.times(), [3_600_000, 3_601_000]);
}

#[tokio::test(start_paused = true)]
async fn a_401_renews_the_token_once_and_a_second_one_ends_the_run() {
    let mut desk = Desk::new([answer(401, ""), answer(204, "")]);
    assert!(Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await.is_ok());
    let bearers: Vec<String> = desk.script.asked().into_iter().map(|asked| asked.bearer).collect();
    assert_eq!(bearers, ["token-1", "token-2"]);
    assert!(!desk.events().iter().any(|event| matches!(event, Event::SignInLost { .. })));

    // Though the sign-in would give more tokens.
    let script = Scripted::new([answer(401, ""), answer(401, "")]);
    let mut desk = Desk::with(script, Tokens::up_to(9), RETRY);
    let told = Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await;
    assert!(matches!(told, Err(CallError::Refused(failure)) if failure.http_status == Some(401)));
    assert!(desk.events().iter().any(|event| matches!(event, Event::SignInLost { .. })));

    let mut desk = Desk::with(Scripted::new([answer(401, "")]), Tokens::up_to(1), RETRY);
    assert!(Session::new(&desk.graph).call(list_phones(&user())).await.is_err());
    assert!(desk.events().iter().any(|event| matches!(event, Event::SignInLost { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_lost_after_a_lost_write_leaves_the_write_in_doubt() {
    let lost_later = || Tokens::up_to(1).refused_from(2);
    let desk = Desk::with(Scripted::new([lost()]), lost_later(), RETRY);
    let told = Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await;
    assert!(matches!(&told, Err(CallError::Doubtful(failure)) if failure.code == "sign-in"), "{told:?}");
    // A read that was lost is in nobody's way, nor is a write that was surely not done.
    let desk = Desk::with(Scripted::new([lost()]), lost_later(), RETRY);
    let told = Session::new(&desk.graph).call(list_phones(&user())).await;
    assert!(matches!(&told, Err(CallError::Refused(failure)) if failure.code == "sign-in"), "{told:?}");
    let desk = Desk::with(Scripted::new([later(429, "1")]), lost_later(), RETRY);
    let told = Session::new(&desk.graph).call(delete_phone(&user(), PhoneType::Mobile)).await;
    assert!(matches!(&told, Err(CallError::Refused(failure)) if failure.code == "sign-in"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_keeps_its_request_id_across_attempts_and_counts_them() {
    let desk = Desk::new([later(429, "1"), later(429, "1"), answer(204, "")]);
    let mut session = Session::new(&desk.graph);
    session.call(delete_phone(&user(), PhoneType::Mobile)).await.unwrap();
    let told = session.into_trace();
    assert_eq!(told.told().attempts, 3);
    assert_eq!(told.told().http_status, Some(204));
    assert!(uuid::Uuid::try_parse(&told.told().client_request_id).is_ok());
    let attempts: Vec<u32> = {
        let mut desk = desk;
        let answered = desk.events().into_iter().filter_map(|event| match event {
            Event::Answered(answered) => Some(answered.attempt),
            _ => None,
        });
        answered.collect()
    };
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn draining_stops_what_waits_but_not_what_is_on_the_wire() {
    let desk = Desk::with(
        Scripted::new([answer(204, "")]).with_latency(Duration::from_secs(10)),
        Tokens::up_to(1),
        RETRY,
    );
    let shutdown = desk.graph.shutdown().clone();
    let mut session = Session::new(&desk.graph);
    let (told, ()) = tokio::join!(session.call(delete_phone(&user(), PhoneType::Mobile)), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.drain();
    });
    assert!(told.is_ok(), "it was on the wire");
    let told = session.call(delete_phone(&user(), PhoneType::Office)).await;
    assert_eq!(told, Err(CallError::Stopped));

    let desk = Desk::new([later(429, "60")]);
    let shutdown = desk.graph.shutdown().clone();
    let began = Instant::now();
    let mut session = Session::new(&desk.graph);
    let (told, ()) = tokio::join!(session.call(delete_phone(&user(), PhoneType::Mobile)), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.drain();
    });
    assert_eq!(told, Err(CallError::Stopped));
    assert_eq!(began.elapsed(), Duration::from_secs(1), "a hold is not waited for");
}

#[tokio::test(start_paused = true)]
async fn finding_out_goes_on_while_the_run_drains_and_ends_when_it_aborts() {
    let desk = Desk::new([lost(), answer(200, r#"{"value":[]}"#)]);
    desk.graph.shutdown().drain();
    assert!(
        Session::new(&desk.graph).fetch_to_settle::<serde_json::Value>(list_phones(&user())).await.is_ok()
    );
    desk.graph.shutdown().abort();
    assert_eq!(
        Session::new(&desk.graph).fetch_to_settle::<serde_json::Value>(list_phones(&user())).await,
        Err(CallError::Stopped)
    );
}

#[tokio::test(start_paused = true)]
async fn aborting_leaves_a_write_on_the_wire_in_doubt() {
    let desk = Desk::with(
        Scripted::new([answer(204, "")]).with_latency(Duration::from_secs(50)),
        Tokens::up_to(1),
        RETRY,
    );
    let shutdown = desk.graph.shutdown().clone();
    let mut session = Session::new(&desk.graph);
    let (told, ()) = tokio::join!(session.call(delete_phone(&user(), PhoneType::Mobile)), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.abort();
    });
    assert!(matches!(told, Err(CallError::Doubtful(_))), "{told:?}");
}
