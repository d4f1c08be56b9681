//! The tenant behind real sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::{epoch, reset_path};
use crate::model::secret::Secret;
use crate::simulator::faults::FaultRates;
use crate::simulator::server::serve;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tenant::Tenant;
use crate::simulator::throttle::Quota;
use crate::transport::exchange::{Body, Method, Request, SendError, Transport as _};
use crate::transport::http::{Http, HttpSettings, Priority, Reach};

/// A tenant that listens on a port of its own, until it is dropped.
struct Served {
    address: SocketAddr,
    tenant: Arc<Mutex<Tenant>>,
    stop: CancellationToken,
    running: JoinSet<std::io::Result<()>>,
}

impl Served {
    async fn with(change: impl FnOnce(&mut TenantSettings)) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = TenantSettings::plain(format!("http://{address}"), epoch());
        change(&mut settings);
        let tenant = Arc::new(Mutex::new(Tenant::new(settings)));
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(serve(listener, Arc::clone(&tenant), stop.clone()));
        Self { address, tenant, stop, running }
    }

    async fn plain() -> Self {
        Self::with(|_| {}).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request {
            method,
            url: format!("http://{}/v1.0{path}", self.address),
            bearer: Some(Secret::new("somebody's")),
            client_request_id: String::new(),
            body: None,
            fields: Vec::new(),
        }
    }
}

fn http() -> Http {
    Http::new(&HttpSettings {
        timeout: Duration::from_mins(1),
        extra_roots: None,
        idle_connections: 4,
        reach: Reach::Loopback,
        priority: Priority::Normal,
    })
    .unwrap()
}

/// Sends a request by hand and reads head and body of its answer; an empty head where the connection breaks.
async fn exchange(stream: &mut TcpStream, line: &str, body: &str) -> (String, String) {
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(char::from(byte)),
            Err(_) => return (head, String::new()),
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

const PHONES: &str = "/v1.0/users/avery@contoso.com/authentication/phoneMethods";
const PHONE: &str = r#"{"phoneNumber":"+1 2065550123","phoneType":"mobile"}"#;

#[tokio::test]
async fn one_connection_takes_many_requests() {
    let served = Served::plain().await;
    let mut stream = served.connect().await;
    for (line, body, expected) in [
        (format!("GET {PHONES}"), "", "200"),
        (format!("POST {PHONES}"), PHONE, "201"),
        (format!("POST {PHONES}"), PHONE, "409"),
        (format!("DELETE {PHONES}/3179e48a-750b-4051-897c-87b9720928f7"), "", "204"),
        (format!("GET {PHONES}"), "", "200"),
    ] {
        let (head, _) = exchange(&mut stream, &line, body).await;
        assert_eq!(status(&head), expected, "{line}");
    }
    assert_eq!(served.tenant.lock().unwrap().ledger().requests, 5);
}

#[tokio::test]
async fn a_path_reaches_the_tenant_as_it_was_sent() {
    let served = Served::plain().await;
    let mut stream = served.connect().await;
    for (segment, name) in [
        ("users/50%2525%40contoso.com", "50%25@contoso.com"),
        ("users/alice_fabrikam.com%23EXT%23%40contoso.com", "alice_fabrikam.com#EXT#@contoso.com"),
        ("users('%24o%27%27x%40contoso.com')", "$o'x@contoso.com"),
        ("users/a%2Fb@contoso.com", "a/b@contoso.com"),
    ] {
        let line = format!("POST /v1.0/{segment}/authentication/phoneMethods");
        let (head, _) = exchange(&mut stream, &line, &PHONE.replace("mobile", "office")).await;
        assert_eq!(status(&head), "201", "{segment}");
        let user = served.tenant.lock().unwrap().user(name).unwrap();
        assert_eq!(user.office.as_deref(), Some("+1 2065550123"), "{name}");
    }
}

#[tokio::test]
async fn the_program_s_own_client_sees_every_header_that_decides() {
    let writes = Some(Quota::Window { requests: 1, span: Duration::from_hours(24 * 365) });
    let served = Served::with(|settings| settings.writes = writes.map(Into::into)).await;
    let http = http();
    let told = http.send(served.request(Method::Post, &reset_path())).await.unwrap();
    assert_eq!(told.status, 202);
    assert_eq!(told.headers.throttle_limit_percentage.as_deref(), Some("1.00"));
    assert!(uuid::Uuid::try_parse(&told.headers.request_id.unwrap()).is_ok());
    let location = told.headers.location.unwrap();
    let url = location.clone();
    let followed = http.send(Request { url, ..served.request(Method::Get, "") }).await.unwrap();
    assert_eq!(followed.status, 200, "{location}");

    let told = http.send(served.request(Method::Post, &reset_path())).await.unwrap();
    assert_eq!(told.status, 429);
    assert!(told.headers.retry_after.is_some() && told.headers.date.is_some());
    assert_eq!(told.headers.throttle_information.as_deref(), Some("WriteLimitExceeded"));
    assert!(told.headers.throttle_scope.unwrap().contains("/Write/"));

    let nobody = Request { bearer: None, ..served.request(Method::Get, "/users/a@b.c") };
    let told = http.send(nobody).await.unwrap();
    assert_eq!(told.status, 401);
    assert!(told.headers.www_authenticate.unwrap().starts_with("Bearer "));
}

#[tokio::test]
async fn a_connection_that_breaks_on_purpose_gives_no_byte_of_an_answer() {
    let rates = FaultRates::default();
    for (faults, is_done) in
        [(FaultRates { reset_before: 1.0, ..rates }, false), (FaultRates { reset_after: 1.0, ..rates }, true)]
    {
        let served = Served::with(|settings| settings.faults = faults).await;
        let (head, body) = exchange(&mut served.connect().await, &format!("POST {PHONES}"), PHONE).await;
        assert_eq!((head.as_str(), body.as_str()), ("", ""));
        let stored = served.tenant.lock().unwrap().user("avery@contoso.com").and_then(|user| user.mobile);
        assert_eq!(stored.is_some(), is_done);

        let body = Body { content_type: "application/json", bytes: Bytes::from_static(PHONE.as_bytes()) };
        let request = served.request(Method::Post, "/users/blake@contoso.com/authentication/phoneMethods");
        let told = http().send(Request { body: Some(body), ..request }).await;
        assert!(matches!(told, Err(SendError::MaybeSent(_))), "{told:?}");
        assert_eq!(served.tenant.lock().unwrap().ledger().by_status["none"], 2, "it is not sent again");
    }
}

#[tokio::test]
async fn ledger_and_users_can_be_looked_at_without_being_counted() {
    let served = Served::plain().await;
    let mut stream = served.connect().await;
    exchange(&mut stream, &format!("POST {PHONES}"), PHONE).await;
    let (head, body) = exchange(&mut stream, "GET /simulator/ledger", "").await;
    assert_eq!(status(&head), "200");
    let ledger: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(ledger["requests"], 1);
    assert_eq!(ledger["by_status"]["201"], 1);
    assert_eq!(ledger, serde_json::to_value(served.tenant.lock().unwrap().ledger()).unwrap());

    let (_, body) = exchange(&mut stream, "GET /simulator/users/AVERY%40contoso.com", "").await;
    let user: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&user["name"], &user["mobile"]), (&"avery@contoso.com".into(), &"+1 2065550123".into()));

    for nothing in ["users/blake@contoso.com", "users", "ledger/1", "", "other"] {
        let (head, _) = exchange(&mut stream, &format!("GET /simulator/{nothing}"), "").await;
        assert_eq!(status(&head), "404", "{nothing}");
    }
    assert_eq!(served.tenant.lock().unwrap().ledger().requests, 1);
}

#[tokio::test]
async fn what_the_tenant_cannot_understand_is_refused_at_the_door() {
    let served = Served::plain().await;
    let (head, _) = exchange(&mut served.connect().await, &format!("PUT {PHONES}"), PHONE).await;
    assert_eq!(status(&head), "405");
    let exactly = "{}".to_owned() + &" ".repeat((1 << 20) - 2);
    let (head, _) = exchange(&mut served.connect().await, &format!("POST {PHONES}"), &exactly).await;
    assert_eq!(status(&head), "400", "the tenant has seen it");
    let longer = exactly + " ";
    let (head, _) = exchange(&mut served.connect().await, &format!("POST {PHONES}"), &longer).await;
    assert_eq!(status(&head), "413");
    assert_eq!(served.tenant.lock().unwrap().ledger().requests, 1);
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let mut served = Served::plain().await;
    let mut stream = served.connect().await;
    exchange(&mut stream, &format!("GET {PHONES}"), "").await;
    served.stop.cancel();
    assert!(matches!(served.running.join_next().await, Some(Ok(Ok(())))));
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "open connections are closed");
}
