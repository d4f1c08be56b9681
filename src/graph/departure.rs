//! Requests on their way: alone, or several reads in one batch.

use tokio::time::Instant;

use super::batch::{self, MOST};
use super::client::Graph;
use super::line::{Arrived, Called, Place};
use crate::model::secret::Secret;
use crate::pace::pacer::Permit;
use crate::transport::exchange::{Request, Response, SendError, Transport};

/// How a request may leave.
pub(super) enum Departure<'graph> {
    /// It was admitted itself, and goes with this token.
    Admitted(Permit<'graph>, Secret),
    /// Another one has taken it along.
    Along(Called),
}

impl<T: Transport, C> Graph<T, C> {
    /// Lets a request wait where others can take it along; `None` where it goes alone.
    pub(super) fn enter_line(&self, request: &Request) -> Option<Place<'_>> {
        let line = self.line.as_ref().filter(|_| batch::may_hold(request, self.root().base()))?;
        line.enter(request)
    }

    /// Sends a request that was admitted, in one batch with as many of those in the line as need not wait for anything.
    /// What the answers say about pace is heeded before anybody hears of them.
    pub(super) async fn send(
        &self,
        request: Request,
        permit: Permit<'_>,
        (sent_at, early): (Instant, bool),
    ) -> Arrived {
        let access = request.method.access();
        let heeded = |result: Result<Response, SendError>| {
            let pause = result.as_ref().ok().and_then(|response| self.heed(access, sent_at, response));
            (result, pause)
        };
        let line = self.line.as_ref().filter(|_| batch::may_hold(&request, self.root().base()));
        let (Some(line), Some(bearer)) = (line, request.bearer.clone()) else {
            let arrived = heeded(self.send_once(request).await);
            drop(permit);
            return arrived;
        };
        let beside = self.pacer.admit_beside(access, line.len().min(MOST - 1));
        let called = line.take(beside.len()).into_iter().map(|waiting| waiting.call(sent_at, &bearer, early));
        let (along, tell): (Vec<Request>, Vec<_>) = called.unzip();
        if along.is_empty() {
            let arrived = heeded(self.send_once(request).await);
            drop(permit);
            return arrived;
        }
        let requests: Vec<Request> = std::iter::once(request).chain(along).collect();
        let whole = self.send_once(batch::compose(&requests, self.root().base(), bearer)).await;
        if whole.as_ref().is_ok_and(batch::is_unknown) {
            line.close();
        }
        // All of them first: a hold begins before anybody goes on.
        let arrived: Vec<Arrived> = batch::split(&whole, requests.len()).into_iter().map(heeded).collect();
        drop((permit, beside));
        let mut arrived = arrived.into_iter();
        let own = arrived.next();
        for (tell, arrived) in tell.into_iter().zip(arrived) {
            // Nobody hears it where the run was aborted meanwhile.
            let _ = tell.send(arrived);
        }
        own.unwrap_or((whole, None))
    }

    async fn send_once(&self, request: Request) -> Result<Response, SendError> {
        tokio::select! {
            biased;
            result = self.transport.send(request) => result,
            () = self.shutdown.aborting() => Err(aborted()),
        }
    }
}

/// No answer is waited for any more.
pub(super) fn aborted() -> SendError {
    SendError::MaybeSent("the run was aborted".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::task::JoinSet;

    use crate::graph::call::{CallError, look_at_account};
    use crate::graph::session::Session;
    use crate::graph::tests::Desk;
    use crate::model::event::{Answered, Event};
    use crate::model::user::UserId;
    use crate::transport::exchange::Response;
    use crate::transport::scripted::{Answer, Scripted, answer};

    const LATENCY: Duration = Duration::from_millis(50);

    /// Four reads that come at once to one place on the wire; what each was told, in their order.
    async fn four(answers: impl IntoIterator<Item = Answer>) -> (Desk, Vec<Result<Response, CallError>>) {
        let desk = Desk::shared_by(20, Scripted::new(answers).with_latency(LATENCY));
        let mut reads = JoinSet::new();
        for at in 0..4 {
            let graph = Arc::clone(&desk.graph);
            reads.spawn(async move {
                let user = UserId::new(&format!("user{at}@contoso.com")).unwrap();
                (at, Session::new(&graph).call(look_at_account(&user)).await)
            });
        }
        let mut told = reads.join_all().await;
        told.sort_by_key(|(at, _)| *at);
        (desk, told.into_iter().map(|(_, told)| told).collect())
    }

    fn lines(desk: &Desk) -> Vec<String> {
        let short =
            |line: String| line.split_once("?$select").map(|(line, _)| line.to_owned()).unwrap_or(line);
        desk.script.lines().into_iter().map(short).collect()
    }

    fn bodies(told: &[Result<Response, CallError>]) -> Vec<&[u8]> {
        told.iter().map(|told| told.as_ref().unwrap().body.as_ref()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn reads_that_wait_for_the_wire_leave_together_and_each_gets_its_own_answer() {
        let body = r#"{"responses":[{"id":"2","status":200,"body":3},{"id":"0","status":200,"body":1},{"id":"1","status":404,"body":2}]}"#;
        let (mut desk, told) = four([answer(200, "0"), answer(200, body)]).await;
        assert_eq!(lines(&desk), ["GET /users/user0%40contoso.com", "POST /$batch"]);
        assert!(matches!(&told[2], Err(CallError::Refused(failure)) if failure.http_status == Some(404)));
        assert_eq!(bodies(&[told[0].clone(), told[1].clone(), told[3].clone()]), [b"0", b"1", b"3"]);
        let asked = desk.script.asked();
        for user in 1..4 {
            assert!(asked[1].body.contains(&format!(r#""url":"/users/user{user}%40contoso.com?"#)), "{user}");
        }
        let is_first = |event: &Event| matches!(event, Event::Answered(Answered { attempt: 1, .. }));
        assert_eq!(desk.events().iter().filter(|event| is_first(event)).count(), 4);
        assert_eq!(desk.graph.pacer().on_the_wire(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_throttled_in_a_batch_holds_everybody_and_goes_again() {
        let body = r#"{"responses":[{"id":"0","status":200,"body":1},
            {"id":"1","status":429,"headers":{"Retry-After":"5"},"body":{}},{"id":"2","status":200,"body":3}]}"#;
        let (desk, told) = four([answer(200, "0"), answer(200, body), answer(200, "2")]).await;
        assert_eq!(bodies(&told), [b"0", b"1", b"2", b"3"]);
        assert_eq!(lines(&desk)[2], "GET /users/user2%40contoso.com");
        assert_eq!(desk.script.times(), [0, 50, 5_100]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_fails_whole_is_tried_again_read_by_read() {
        for whole in [answer(503, "<html>"), answer(200, "{"), crate::transport::scripted::lost()] {
            let again = (1..4).map(|_| answer(200, "again"));
            let (desk, told) = four([answer(200, "0"), whole].into_iter().chain(again)).await;
            assert_eq!(bodies(&told)[1..], [b"again"; 3]);
            assert_eq!(desk.script.left(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_takes_no_batches_is_sent_none_any_more() {
        let alone = (1..4).map(|_| answer(200, "alone"));
        let (desk, told) = four([answer(200, "0"), answer(400, "{}")].into_iter().chain(alone)).await;
        assert_eq!(bodies(&told)[1..], [b"alone"; 3]);
        assert_eq!(lines(&desk).iter().filter(|line| line.contains("$batch")).count(), 1);
        assert!(desk.graph.line.as_ref().is_some_and(crate::graph::line::Line::is_closed));
    }
}
