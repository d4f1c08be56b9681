//! What every action asks and how its row ends, answer by answer.

use crate::graph::session::Session;
use crate::graph::tests::{Desk, RETRY, user};
use crate::graph::trace::Trace;
use crate::model::action::Action;
use crate::model::event::Event;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::outcome::Status;
use crate::model::phone::{Phone, PhoneChange, PhoneNumber, PhoneType};
use crate::model::row::{Row, RowNumber};
use crate::model::secret::Secret;
use crate::model::task::{Prior, Task};
use crate::transport::exchange::{Headers, Response};
use crate::transport::scripted::{Answer, Scripted, Tokens, answer, lost, refusal};

use super::conduct::Conduct;
use super::perform::{Step, perform};
use super::reset_password::{Look, look};

const NUMBER: &str = "+1 2065550123";
const PHONES: &str = "/users/avery%40contoso.com/authentication/phoneMethods";
const MOBILE: &str = "/3179e48a-750b-4051-897c-87b9720928f7";
const ALTERNATE: &str = "/b6332ec1-7057-4abe-9331-3d72feddfe41";

fn phone(phone_type: PhoneType) -> Phone {
    Phone { phone_type, number: PhoneNumber::from_formatted(NUMBER) }
}

async fn step(action: Action, answers: Vec<Answer>) -> (Step, Vec<String>) {
    step_after(Trace::NOTHING_SENT, action, answers).await
}

async fn step_after(trace: Trace, action: Action, answers: Vec<Answer>) -> (Step, Vec<String>) {
    let desk = Desk::with(Scripted::new(answers), Tokens::up_to(1), RETRY);
    let row = Row { number: RowNumber(1), fields: Box::default() };
    let task = Task { row, user: user(), action, not_before: None, prior: Prior::Untried, expected: None };
    let step = perform(&mut Session::after(&desk.graph, trace), &task, Conduct::PLAIN).await;
    assert_eq!(desk.script.left(), 0, "answers are left over after {:?}", desk.script.lines());
    (step, desk.script.lines())
}

/// What was asked, as `POST`, `GET`, … for short.
fn methods(lines: &[String]) -> String {
    let methods: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    methods.join(" ")
}

fn stored(phone_type: PhoneType, number: &str, state: &str) -> String {
    format!(
        r#"{{"id":"{}","phoneNumber":"{number}","phoneType":"{phone_type}","smsSignInState":"{state}"}}"#,
        phone_type.method_id()
    )
}

fn phones(stored: &[String]) -> Answer {
    answer(200, &format!(r#"{{"value":[{}]}}"#, stored.join(",")))
}

fn one(number: &str) -> Answer {
    phones(&[stored(PhoneType::Mobile, number, "notEnabled")])
}

fn none() -> Answer {
    phones(&[])
}

fn unknown() -> Answer {
    refusal(404, "Request_ResourceNotFound")
}

fn taken() -> Answer {
    refusal(409, "phoneNumberNotUnique")
}

/// A row of the tables: the answers, how the row ends, what was asked, and a word from detail or error.
type Case = (Vec<Answer>, Status, &'static str, &'static str);

async fn check(action: &Action, cases: Vec<Case>) {
    check_after(Trace::NOTHING_SENT, action, cases).await;
}

async fn check_after(trace: Trace, action: &Action, cases: Vec<Case>) {
    for (answers, status, asked, word) in cases {
        let shown = format!("{} {answers:?}", action.name());
        let (step, lines) = step_after(trace.clone(), action.clone(), answers).await;
        let Step::Ended(outcome) = step else { panic!("the row is still open") };
        let lines = methods(&lines);
        assert_eq!((outcome.status, lines.as_str()), (status, asked), "{outcome:?} after {shown}");
        let told = format!("{} {:?}", outcome.detail, outcome.failure);
        assert!(told.contains(word), "{word:?} is not in {told:?} after {shown}");
        let must_say_why = matches!(status, Status::Failed | Status::Unknown);
        assert_eq!(outcome.failure.is_some(), must_say_why, "{outcome:?} after {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn add_phone_ends_as_the_answers_say() {
    use Status::{Failed, Succeeded, Unchanged, Unknown};
    let created = || answer(201, &stored(PhoneType::Mobile, NUMBER, "ready"));
    check(
        &Action::AddPhone(phone(PhoneType::Mobile)),
        vec![
            (vec![created()], Succeeded, "POST", "SMS sign-in: ready"),
            (vec![answer(200, "")], Succeeded, "POST", ""),
            (vec![answer(201, r#"{"id":"#)], Succeeded, "POST", ""),
            // Exists already: the codes are not documented, so the phones tell.
            (vec![refusal(409, "conflict"), one("+12065550123")], Unchanged, "POST GET", "already"),
            (vec![refusal(400, ""), one(NUMBER)], Unchanged, "POST GET", "already"),
            (vec![refusal(409, "conflict"), one("+1 2065550999")], Failed, "POST GET", "set-phone"),
            (vec![refusal(409, "conflict"), one("+1 ******0123")], Failed, "POST GET", "hidden"),
            (vec![refusal(400, "invalidPhone"), none()], Failed, "POST GET", "invalidPhone"),
            // Stored, but somebody else signs in with the number.
            (vec![taken(), one(NUMBER)], Succeeded, "POST GET", "not registered (phoneNumberNotUnique)"),
            (vec![taken(), none(), one(NUMBER)], Succeeded, "POST GET GET", "SMS sign-in was not registered"),
            (vec![taken(), none(), none()], Failed, "POST GET GET", "phoneNumberNotUnique"),
            (vec![taken(), one("+1 ******0123")], Unknown, "POST GET", "phoneNumberNotUnique"),
            (vec![taken(), refusal(403, "accessDenied")], Unknown, "POST GET", "phoneNumberNotUnique"),
            // Lost answers are settled by reading back, never by sending again first.
            (vec![lost(), one(NUMBER)], Succeeded, "POST GET", "reading back"),
            (vec![answer(504, ""), one(NUMBER)], Succeeded, "POST GET", "reading back"),
            (vec![lost(), none(), created()], Succeeded, "POST GET POST", "ready"),
            (
                vec![lost(), none(), refusal(409, "conflict"), one(NUMBER)],
                Succeeded,
                "POST GET POST GET",
                "reading back",
            ),
            (vec![lost(), one("+1 2065550999")], Failed, "POST GET", "set-phone"),
            (vec![lost(), one("+1 ******0123")], Unknown, "POST GET", "may have been done"),
            (vec![lost(), refusal(403, "accessDenied")], Unknown, "POST GET", "may have been done"),
            // A user made a moment ago.
            (vec![unknown(), created()], Succeeded, "POST POST", "ready"),
            (vec![unknown(), unknown(), unknown()], Failed, "POST POST POST", "no such user"),
            // A replica that does not know the user says nothing of what another one stored.
            (vec![lost(), unknown(), one(NUMBER)], Succeeded, "POST GET GET", "reading back"),
            (
                vec![lost(), unknown(), unknown(), unknown()],
                Unknown,
                "POST GET GET GET",
                "may have been done",
            ),
            (vec![refusal(409, "conflict"), unknown(), one(NUMBER)], Unchanged, "POST GET GET", "already"),
            (vec![refusal(403, "accessDenied")], Failed, "POST", "Authentication Administrator"),
            (vec![refusal(405, "x")], Failed, "POST", "x"),
        ],
    )
    .await;
    check(
        &Action::AddPhone(phone(PhoneType::AlternateMobile)),
        vec![(vec![refusal(400, "badRequest"), none()], Failed, "POST GET", "needs a mobile")],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn update_phone_ends_as_the_answers_say() {
    use Status::{Failed, Succeeded, Unknown};
    check(
        &Action::UpdatePhone(phone(PhoneType::Mobile)),
        vec![
            (vec![answer(204, "")], Succeeded, "PATCH", ""),
            (vec![answer(200, &stored(PhoneType::Mobile, NUMBER, "ready"))], Succeeded, "PATCH", ""),
            (vec![answer(202, "<html>")], Succeeded, "PATCH", ""),
            (vec![lost(), answer(204, "")], Succeeded, "PATCH PATCH", ""),
            (vec![unknown(), none()], Failed, "PATCH GET", "no mobile phone to update"),
            (vec![unknown(), unknown(), answer(204, "")], Succeeded, "PATCH GET PATCH", ""),
            (vec![unknown(); 6], Failed, "PATCH GET PATCH GET PATCH GET", "no such user"),
            (vec![taken(), one(NUMBER)], Succeeded, "PATCH GET", "SMS sign-in was not registered"),
            (vec![taken(), one("+1 2065550999"), one(NUMBER)], Succeeded, "PATCH GET GET", "not registered"),
            (vec![taken(), one("+1 2065550999"), one("+1 2065550999")], Failed, "PATCH GET GET", "NotUnique"),
            (vec![taken(), one("+1 ******0123")], Unknown, "PATCH GET", "NotUnique"),
            (vec![lost(), refusal(400, "x"), one(NUMBER)], Succeeded, "PATCH PATCH GET", "reading back"),
            (vec![lost(), refusal(400, "x"), one("+1 2065550999")], Failed, "PATCH PATCH GET", "x"),
            (vec![refusal(400, "invalidPhone")], Failed, "PATCH", "invalidPhone"),
            // Other words for a number that is not unique.
            (vec![refusal(409, "conflict"), one(NUMBER)], Succeeded, "PATCH GET", "reading back"),
            (vec![refusal(409, "conflict"), one("+1 2065550999")], Failed, "PATCH GET", "conflict"),
            (vec![refusal(409, "conflict"), one("+1 ******0123")], Failed, "PATCH GET", "conflict"),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn set_phone_does_what_is_missing_and_no_more() {
    use Status::{Failed, Succeeded, Unchanged, Unknown};
    let created = || answer(201, "");
    check(
        &Action::SetPhone(phone(PhoneType::Mobile)),
        vec![
            (vec![one("+1 206-555-0123")], Unchanged, "GET", "already"),
            (vec![none(), created()], Succeeded, "GET POST", ""),
            (vec![one("+1 2065550999"), answer(204, "")], Succeeded, "GET PATCH", ""),
            (vec![one("+1 ******0123"), answer(204, "")], Succeeded, "GET PATCH", ""),
            (vec![none(), lost(), one(NUMBER)], Succeeded, "GET POST GET", "reading back"),
            (vec![none(), lost(), none(), created()], Succeeded, "GET POST GET POST", ""),
            (vec![none(), lost(), refusal(403, "x")], Unknown, "GET POST GET", "may have been done"),
            (vec![one("+1 2065550999"), lost(), answer(204, "")], Succeeded, "GET PATCH PATCH", ""),
            // Somebody else changed it between reading and writing.
            (
                vec![none(), refusal(409, "conflict"), one("+1 2065550999"), answer(204, "")],
                Succeeded,
                "GET POST GET PATCH",
                "",
            ),
            (vec![one("+1 2065550999"), unknown(), none(), created()], Succeeded, "GET PATCH GET POST", ""),
            (vec![none(), taken(), one(NUMBER)], Succeeded, "GET POST GET", "not registered"),
            (vec![none(), refusal(409, "conflict"), one(NUMBER)], Succeeded, "GET POST GET", "reading back"),
            (vec![none(), refusal(400, "invalidPhone"), none()], Failed, "GET POST GET", "invalidPhone"),
            (vec![none(), refusal(403, "accessDenied")], Failed, "GET POST", "Authentication Administrator"),
            (vec![unknown(), one(NUMBER)], Unchanged, "GET GET", ""),
            (vec![unknown(), unknown(), unknown()], Failed, "GET GET GET", "no such user"),
            (vec![refusal(403, "accessDenied")], Failed, "GET", "accessDenied"),
        ],
    )
    .await;
    check(
        &Action::SetPhone(phone(PhoneType::AlternateMobile)),
        vec![(vec![none(), refusal(400, "badRequest"), none()], Failed, "GET POST GET", "needs a mobile")],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_doubt_about_a_number_that_is_hidden_stays() {
    let hidden = || one("+1 ******0123");
    let refused =
        |status| vec![hidden(), answer(500, ""), refusal(status, "x"), hidden(), refusal(status, "x")];
    let again = || vec![hidden(), refusal(400, "x")];
    check(
        &Action::SetPhone(phone(PhoneType::Mobile)),
        vec![
            (refused(403), Status::Unknown, "GET PATCH PATCH GET PATCH", "may have been done"),
            (
                [refused(400), again(), again(), again()].concat(),
                Status::Unknown,
                "GET PATCH PATCH GET PATCH GET PATCH GET PATCH GET PATCH",
                "may have been done",
            ),
        ],
    )
    .await;
    check_after(
        Trace::IN_DOUBT,
        &Action::SetPhone(phone(PhoneType::Mobile)),
        vec![(
            vec![hidden(), hidden(), refusal(403, "x")],
            Status::Unknown,
            "GET GET PATCH",
            "may have been done",
        )],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_write_in_doubt_that_could_not_be_read_back_before_an_abort_is_unknown() {
    for action in [Action::SetPhone(phone(PhoneType::Mobile)), Action::AddPhone(phone(PhoneType::Mobile))] {
        let read_first = if matches!(action, Action::SetPhone(_)) { vec![none()] } else { Vec::new() };
        let desk = Desk::new(read_first.into_iter().chain([lost()]));
        let row = Row { number: RowNumber(1), fields: Box::default() };
        let task =
            Task { row, user: user(), action, not_before: None, prior: Prior::Untried, expected: None };
        let shutdown = desk.graph.shutdown().clone();
        let mut session = Session::new(&desk.graph);
        // The wait before the read-back is under way when the abort comes.
        let (step, ()) = tokio::join!(perform(&mut session, &task, Conduct::PLAIN), async {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            shutdown.abort();
        });
        let Step::Ended(outcome) = step else { panic!("{step:?}") };
        assert_eq!(outcome.status, Status::Unknown, "{}", task.action.name());
    }
}

#[tokio::test(start_paused = true)]
async fn delete_phone_tells_a_missing_phone_from_a_missing_user() {
    use Status::{Failed, Succeeded, Unchanged, Unknown};
    let both =
        || phones(&[stored(PhoneType::Mobile, NUMBER, ""), stored(PhoneType::AlternateMobile, NUMBER, "")]);
    check(
        &Action::DeletePhone(PhoneType::Mobile),
        vec![
            (vec![answer(204, "")], Succeeded, "DELETE", ""),
            (vec![unknown(), none()], Unchanged, "DELETE GET", "no mobile phone"),
            (vec![unknown(), answer(200, ""), none()], Unchanged, "DELETE GET GET", "no mobile phone"),
            (vec![lost(), unknown(), none()], Succeeded, "DELETE DELETE GET", "reading back"),
            (vec![lost(), answer(204, "")], Succeeded, "DELETE DELETE", ""),
            (vec![unknown(); 6], Failed, "DELETE GET DELETE GET DELETE GET", "no such user"),
            (vec![refusal(400, "badRequest"), both()], Failed, "DELETE GET", "before the alternateMobile"),
            (vec![refusal(409, "conflict"), one(NUMBER)], Failed, "DELETE GET", "default method"),
            (vec![unknown(), one(NUMBER)], Failed, "DELETE GET", "Request_ResourceNotFound"),
            (vec![lost(), unknown(), refusal(403, "x")], Unknown, "DELETE DELETE GET", "may have been done"),
            (vec![refusal(403, "accessDenied")], Failed, "DELETE", "Authentication Administrator"),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn sms_sign_in_is_told_as_it_is_read_back() {
    use Status::{Failed, Succeeded, Unchanged};
    let state = |state| phones(&[stored(PhoneType::Mobile, NUMBER, state)]);
    check(
        &Action::EnableSmsSignIn,
        vec![
            (vec![answer(204, ""), state("ready")], Succeeded, "POST GET", "SMS sign-in: ready"),
            (vec![answer(204, ""), state("notConfigured")], Succeeded, "POST GET", "notConfigured"),
            (vec![answer(204, ""), state("notEnabled")], Failed, "POST GET", "SMS sign-in: notEnabled"),
            (vec![refusal(400, "x"), state("ready")], Unchanged, "POST GET", "SMS sign-in: ready"),
            (vec![refusal(400, "x"), state("notAllowedByPolicy")], Failed, "POST GET", "policy"),
            (vec![refusal(409, "x"), state("phoneNumberNotUnique")], Failed, "POST GET", "another user"),
            (vec![refusal(404, "x"), none()], Failed, "POST GET", "needs a mobile"),
            (vec![lost(), answer(204, ""), state("ready")], Succeeded, "POST POST GET", "ready"),
            (vec![answer(204, ""), refusal(403, "x")], Succeeded, "POST GET", "could not be read back"),
            (vec![unknown(); 6], Failed, "POST GET POST GET POST GET", "no such user"),
        ],
    )
    .await;
    check(
        &Action::DisableSmsSignIn,
        vec![
            (vec![answer(204, ""), state("notEnabled")], Succeeded, "POST GET", "SMS sign-in: notEnabled"),
            (vec![answer(204, ""), state("ready")], Failed, "POST GET", "SMS sign-in: ready"),
            (vec![refusal(404, "x"), none()], Unchanged, "POST GET", "no mobile"),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn list_methods_reads_every_page_on_the_graph_root_and_no_other() {
    use Status::{Failed, Succeeded};
    let password =
        r##"{"@odata.type":"#microsoft.graph.passwordAuthenticationMethod","id":"28c1","password":null}"##;
    let unheard_of =
        r##"{"@odata.type":"#microsoft.graph.palmAuthenticationMethod","id":"9","phoneNumber":null}"##;
    let page = |next: &str| answer(200, &format!(r#"{{"value":[{password}],"@odata.nextLink":"{next}"}}"#));
    let last = || answer(200, &format!(r#"{{"value":[{unheard_of}]}}"#));
    check(
        &Action::ListMethods,
        vec![
            (vec![last()], Succeeded, "GET", "1 method"),
            (vec![page("https://graph.microsoft.com/v1.0/next"), last()], Succeeded, "GET GET", "2 methods"),
            (vec![page("https://evil.example/v1.0/next")], Failed, "GET", "foreign-next-link"),
            (vec![answer(200, r#"{"value":[{"#), last()], Succeeded, "GET GET", "1 method"),
            (vec![answer(200, "<html>"); 4], Failed, "GET GET GET GET", "unreadable-answer"),
            (vec![lost(), last()], Succeeded, "GET GET", "1 method"),
            (vec![unknown(), unknown(), unknown()], Failed, "GET GET GET", "no such user"),
        ],
    )
    .await;
}

#[expect(clippy::unnecessary_wraps, reason = "an answer is a result")]
fn accepted(location: Option<&str>) -> Answer {
    let headers = Headers { location: location.map(str::to_owned), ..Headers::default() };
    Ok(Response { status: 202, headers, ..Response::default() })
}

#[tokio::test(start_paused = true)]
async fn a_reset_follows_graph_s_own_addresses_only() {
    let reset = || Action::ResetPassword(Some(Secret::new("Sample-4Test")));
    let url = "https://graph.microsoft.com/v1.0/users/1/authentication/operations/74bf?aadgdc=BY01P&aadgsu=x";
    let (opened, lines) = step(reset(), vec![lost(), accepted(Some(url))]).await;
    let Step::Opened(operation) = opened else { panic!("{opened:?}") };
    assert_eq!((operation.url.as_str(), operation.id.as_str()), (url, "74bf"));
    let path = "/users/avery%40contoso.com/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword";
    assert_eq!(lines, vec![format!("POST {path}"); 2], "a reset to a given password may be repeated");

    let (failed, unknown_end) = (Status::Failed, Status::Unknown);
    let foreign = "https://graph.microsoft.com.evil.example/v1.0/users/1/authentication/operations/2";
    check(
        &reset(),
        vec![
            (vec![accepted(Some(foreign))], failed, "POST", "foreign-operation-url"),
            (
                vec![accepted(Some("http://graph.microsoft.com/v1.0/x"))],
                failed,
                "POST",
                "foreign-operation-url",
            ),
            (vec![accepted(None)], unknown_end, "POST", "no-operation-url"),
            (vec![accepted(Some(""))], unknown_end, "POST", "no-operation-url"),
            (vec![refusal(403, "accessDenied")], failed, "POST", "signed-in admin"),
            (vec![refusal(400, "passwordPolicy")], failed, "POST", "passwordPolicy"),
            (vec![unknown(), unknown(), unknown()], failed, "POST POST POST", "no such user"),
        ],
    )
    .await;
}

fn operation(id: &str) -> Operation {
    Operation {
        row: RowNumber(1),
        user: user(),
        id: id.to_owned(),
        url: String::new(),
        status: OperationStatus::NotStarted,
        status_detail: String::new(),
        created_at: String::new(),
        last_action_at: String::new(),
        accepted_at: tokio::time::Instant::now(),
        finished_at: None,
        polls: 0,
        follows_doubt: false,
        may_be_overtaken: false,
        retry_after: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_cannot_be_followed_is_an_operation_that_is_given_up() {
    let foreign = "https://graph.microsoft.us/v1.0/users/1/authentication/operations/2";
    for (location, id, url) in [(Some(foreign), "2", foreign), (None, "", "")] {
        let mut desk = Desk::with(Scripted::new([accepted(location)]), Tokens::up_to(1), RETRY);
        let action = Action::ResetPassword(None);
        let row = Row { number: RowNumber(1), fields: Box::default() };
        let task =
            Task { row, user: user(), action, not_before: None, prior: Prior::Untried, expected: None };
        perform(&mut Session::new(&desk.graph), &task, Conduct::PLAIN).await;
        let told: Vec<_> = desk
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Accepted(told) | Event::Closed(told) => Some((told.id, told.url, told.status)),
                _ => None,
            })
            .collect();
        // A run that was killed before the row's end was kept asks for it later, and must not.
        let mut kept = Operation { url: url.to_owned(), ..operation(id) };
        let looked = look(&mut Session::new(&desk.graph), &mut kept).await;
        assert!(matches!(looked, Look::Refused(_)), "{looked:?}");
        assert_eq!(desk.script.lines().len(), 1);
        let told_with = |status| (id.to_owned(), url.to_owned(), status);
        assert_eq!(told, [told_with(OperationStatus::NotStarted), told_with(OperationStatus::TimedOut)]);
    }
}

#[tokio::test(start_paused = true)]
async fn fixed_ids_and_documented_bodies_are_used() {
    for (action, line, body) in [
        (
            Action::AddPhone(phone(PhoneType::Office)),
            format!("POST {PHONES}"),
            r#"{"phoneNumber":"+1 2065550123","phoneType":"office"}"#,
        ),
        (
            Action::UpdatePhone(phone(PhoneType::AlternateMobile)),
            format!("PATCH {PHONES}{ALTERNATE}"),
            r#"{"phoneNumber":"+1 2065550123"}"#,
        ),
        (Action::DeletePhone(PhoneType::Mobile), format!("DELETE {PHONES}{MOBILE}"), ""),
        (Action::EnableSmsSignIn, format!("POST {PHONES}{MOBILE}/enableSmsSignIn"), ""),
        (Action::DisableSmsSignIn, format!("POST {PHONES}{MOBILE}/disableSmsSignIn"), ""),
    ] {
        let desk = Desk::new([answer(204, ""), none()]);
        let row = Row { number: RowNumber(1), fields: Box::default() };
        perform(
            &mut Session::new(&desk.graph),
            &Task { row, user: user(), action, not_before: None, prior: Prior::Untried, expected: None },
            Conduct::PLAIN,
        )
        .await;
        let asked = &desk.script.asked()[0];
        assert_eq!((asked.line.as_str(), asked.body.as_str()), (line.as_str(), body));
    }
}

/// A session of the run broke off between a write and its answer; this one goes on.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_session_may_have_written_is_read_back_before_anything_is_sent() {
    use Status::{Failed, Succeeded, Unknown};
    let mobile = || phone(PhoneType::Mobile);
    let state = |state| phones(&[stored(PhoneType::Mobile, NUMBER, state)]);
    let other = || one("+1 4255550100");
    let masked = || one("+1 XXXXXXXX23");
    let done = || answer(204, "");
    let in_doubt = |action, cases| async move { check_after(Trace::IN_DOUBT, &action, cases).await };
    in_doubt(
        Action::AddPhone(mobile()),
        vec![
            (vec![one(NUMBER)], Succeeded, "GET", "reading back"),
            (vec![none(), answer(201, "")], Succeeded, "GET POST", ""),
            (vec![other()], Failed, "GET", "another mobile number"),
            (vec![masked()], Unknown, "GET", "interrupted"),
            (vec![refusal(403, "x")], Unknown, "GET", "interrupted"),
            (vec![unknown(), answer(201, "")], Succeeded, "GET POST", ""),
            // The earlier write arrived behind the look at the user.
            (vec![none(), refusal(409, "x"), one(NUMBER)], Succeeded, "GET POST GET", "reading back"),
        ],
    )
    .await;
    for action in [Action::UpdatePhone(mobile()), Action::SetPhone(mobile())] {
        let again = if matches!(action, Action::SetPhone(_)) { vec![other()] } else { Vec::new() };
        let written = [vec![other()], again.clone(), vec![done()]].concat();
        let asked = if again.is_empty() { "GET PATCH" } else { "GET GET PATCH" };
        in_doubt(
            action,
            vec![(vec![one(NUMBER)], Succeeded, "GET", "reading back"), (written, Succeeded, asked, "")],
        )
        .await;
    }
    in_doubt(
        Action::DeletePhone(PhoneType::Mobile),
        vec![
            (vec![none()], Succeeded, "GET", "reading back"),
            (vec![one(NUMBER), done()], Succeeded, "GET DELETE", ""),
            (vec![one(NUMBER), unknown(), none()], Succeeded, "GET DELETE GET", "reading back"),
        ],
    )
    .await;
    in_doubt(
        Action::EnableSmsSignIn,
        vec![
            (vec![state("ready")], Succeeded, "GET", "SMS sign-in: ready"),
            (vec![state("notEnabled"), done(), state("ready")], Succeeded, "GET POST GET", "ready"),
        ],
    )
    .await;
    in_doubt(Action::DisableSmsSignIn, vec![(vec![state("notEnabled")], Succeeded, "GET", "notEnabled")])
        .await;
    // Nothing can be read back: a made-up password would be another one, a given one is the same.
    in_doubt(Action::ResetPassword(None), vec![(vec![], Unknown, "", "reset it again")]).await;
    let given = Action::ResetPassword(Some(Secret::new("Sample-4Test")));
    in_doubt(
        given,
        vec![
            (vec![accepted(None)], Unknown, "POST", "no-operation-url"),
            (vec![refusal(403, "accessDenied")], Unknown, "POST", "may have been done"),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_without_a_password_of_its_own_is_never_repeated_in_doubt() {
    use Status::{Failed, Unknown};
    check(
        &Action::ResetPassword(None),
        vec![
            (vec![lost()], Unknown, "POST", "reset it again"),
            (vec![refusal(504, "UnknownError")], Unknown, "POST", "reset it again"),
            (vec![refusal(403, "accessDenied")], Failed, "POST", "signed-in admin"),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn set_phone_tells_what_was_there_before_it_writes() {
    let before = async |read: Answer| {
        let mut desk = Desk::new([read, answer(204, "")]);
        let row = Row { number: RowNumber(7), fields: Box::default() };
        let action = Action::SetPhone(phone(PhoneType::Mobile));
        let task =
            Task { row, user: user(), action, not_before: None, prior: Prior::Untried, expected: None };
        perform(&mut Session::new(&desk.graph), &task, Conduct::PLAIN).await;
        let mut found = Vec::new();
        while let Ok(event) = desk.inbox.try_recv() {
            if let Event::Found(image) = event {
                found.push((image.row.0, image.phone_number));
            }
        }
        found
    };
    assert_eq!(before(none()).await, [(7, None)]);
    assert_eq!(before(one("+1 4255550100")).await, [(7, Some("+1 4255550100".to_owned()))]);
}

#[tokio::test(start_paused = true)]
async fn several_phones_are_brought_to_what_the_row_says_one_after_the_other() {
    let set = |phone_type| PhoneChange::Set(phone(phone_type));
    let delete = PhoneChange::Delete;
    let both = Action::SetPhones([set(PhoneType::Mobile), set(PhoneType::AlternateMobile)].into());
    let stored_both = || {
        phones(&[
            stored(PhoneType::Mobile, NUMBER, "notEnabled"),
            stored(PhoneType::AlternateMobile, NUMBER, ""),
        ])
    };
    check(
        &both,
        vec![
            (
                vec![none(), answer(201, "{}"), one(NUMBER), answer(201, "{}")],
                Status::Succeeded,
                "GET POST GET POST",
                "mobile: succeeded; alternateMobile: succeeded",
            ),
            (
                vec![stored_both(), stored_both()],
                Status::Unchanged,
                "GET GET",
                "mobile: unchanged, the user has",
            ),
            (
                vec![one(NUMBER), one(NUMBER), answer(201, "{}")],
                Status::Succeeded,
                "GET GET POST",
                "mobile: unchanged",
            ),
            (
                vec![none(), refusal(403, "denied")],
                Status::Failed,
                "GET POST",
                "; alternateMobile: not tried",
            ),
            // What is read back is known, so that the second phone's row is told as it is.
            (
                vec![none(), lost(), one(NUMBER), stored_both()],
                Status::Succeeded,
                "GET POST GET GET",
                "alternateMobile: unchanged",
            ),
        ],
    )
    .await;
    let clear = Action::SetPhones([delete(PhoneType::AlternateMobile), delete(PhoneType::Mobile)].into());
    check(
        &clear,
        vec![
            (
                vec![answer(204, ""), answer(204, "")],
                Status::Succeeded,
                "DELETE DELETE",
                "alternateMobile: succeeded; mobile: succeeded",
            ),
            (
                vec![refusal(404, "x"), none(), refusal(404, "x"), none()],
                Status::Unchanged,
                "DELETE GET DELETE GET",
                "unchanged",
            ),
        ],
    )
    .await;
    check(&Action::SetPhones([].into()), vec![(vec![], Status::Unchanged, "", "names no phone")]).await;
    check_after(
        Trace::IN_DOUBT,
        &both,
        vec![(vec![stored_both(), stored_both()], Status::Succeeded, "GET GET", "reading back shows")],
    )
    .await;
    // The earlier session removed the first and was stopped before the second.
    let removed = vec![one(NUMBER), one(NUMBER), answer(204, "")];
    check_after(
        Trace::IN_DOUBT,
        &clear,
        vec![(removed, Status::Succeeded, "GET GET DELETE", "reading back shows that it is gone; mobile")],
    )
    .await;
}
