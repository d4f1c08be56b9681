//! The HTTP client against real sockets on loopback, one rule a test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Version;
use hyper::service::service_fn;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::exchange::{Body, Method, Request, SendError, Transport as _};
use super::http::{Http, HttpSettings, Priority, Reach};

/// A server on loopback with TLS: its root, its certificate as PEM, and the HTTP versions that it was asked in.
struct TlsServer {
    root: String,
    pem: Vec<u8>,
    versions: Arc<Mutex<Vec<Version>>>,
    _serving: JoinSet<()>,
}

async fn tls_server() -> TlsServer {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let versions = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&versions);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate breaks off here.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let seen = Arc::clone(&seen);
            let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                seen.lock().unwrap().push(request.version());
                async {
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(Bytes::from("{}"))))
                }
            });
            let _ =
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        }
    });
    TlsServer { root, pem: cert.pem().into_bytes(), versions, _serving: serving }
}

fn client(reach: Reach, extra_roots: Option<Vec<u8>>) -> Http {
    through(Matcher::builder().build(), reach, extra_roots)
}

/// Not the environment's proxies, since the machine that runs the tests may have some.
fn through(proxies: Matcher, reach: Reach, extra_roots: Option<Vec<u8>>) -> Http {
    let timeout = Duration::from_secs(75);
    Http::through(
        proxies,
        &HttpSettings { timeout, extra_roots, idle_connections: 4, reach, priority: Priority::Normal },
    )
    .unwrap()
}

fn get(url: &str) -> Request {
    Request {
        method: Method::Get,
        url: url.to_owned(),
        bearer: None,
        client_request_id: String::new(),
        body: None,
        fields: Vec::new(),
    }
}

#[tokio::test]
async fn http_2_is_spoken_over_tls_and_extra_roots_are_trusted() {
    let server = tls_server().await;
    let http = client(Reach::Internet, Some(server.pem.clone()));
    for _ in 0..2 {
        let response = http.send(get(&server.root)).await.unwrap();
        assert_eq!((response.status, response.body.as_ref()), (200, b"{}".as_slice()));
    }
    assert_eq!(*server.versions.lock().unwrap(), [Version::HTTP_2, Version::HTTP_2]);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_sent_nothing() {
    let server = tls_server().await;
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem().into_bytes();
    let told = client(Reach::Internet, Some(other)).send(get(&server.root)).await;
    assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
    assert!(server.versions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    let told = client(Reach::Internet, Some(tls_server().await.pem)).send(get("http://localhost:1/")).await;
    assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let told = client(Reach::Loopback, None).send(get(&root)).await;
    assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
}

/// A proxy on loopback that opens tunnels, and the heads of what it was asked for.
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

/// `answer` is what it says to CONNECT; after a 200 it leads to the host that was asked for.
async fn proxy(answer: &'static str) -> Proxy {
    let (listener, address) = listen().await;
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let head = head(&mut client).await;
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            seen.lock().unwrap().push(head);
            client.write_all(answer.as_bytes()).await.unwrap();
            if answer.contains(" 200 ") {
                let mut server = TcpStream::connect(target.replace("localhost", "127.0.0.1")).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
    });
    Proxy { address, heads, _serving: serving }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Reads to the end of a request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn the_internet_is_reached_through_the_proxy_that_is_set() {
    let (server, proxy) = (tls_server().await, proxy("HTTP/1.1 200 Here you are\r\n\r\n").await);
    let proxies = Matcher::builder().https(format!("http://ann:pa55@{}", proxy.address)).build();
    let http = through(proxies, Reach::Internet, Some(server.pem.clone()));
    for _ in 0..2 {
        assert_eq!(http.send(get(&server.root)).await.unwrap().status, 200);
    }
    assert_eq!(*server.versions.lock().unwrap(), [Version::HTTP_2, Version::HTTP_2]);
    let heads = proxy.heads.lock().unwrap();
    let [head] = &heads[..] else { panic!("{heads:?}") };
    let host = server.root.trim_start_matches("https://");
    assert!(head.starts_with(&format!("connect {host} http/1.1\r\n")), "{head}");
    assert!(head.contains("\r\nuser-agent: authwave/"), "{head}");
    // base64 of "ann:pa55", in small letters as the head was read.
    assert!(head.contains("\r\nproxy-authorization: basic yw5uonbhntu=\r\n"), "{head}");
    assert!(!head.contains("\r\nauthorization:"), "{head}");
}

#[tokio::test]
async fn a_host_that_no_proxy_names_is_reached_directly() {
    let (server, proxy) = (tls_server().await, proxy("HTTP/1.1 200 OK\r\n\r\n").await);
    let proxies =
        Matcher::builder().https(format!("http://{}", proxy.address)).no("example.com,localhost").build();
    let http = through(proxies, Reach::Internet, Some(server.pem.clone()));
    assert_eq!(http.send(get(&server.root)).await.unwrap().status, 200);
    assert!(proxy.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_proxy_does_not_let_through_was_not_sent() {
    let server = tls_server().await;
    for answer in [
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    ] {
        let proxy = proxy(answer).await;
        let proxies = Matcher::builder().all(format!("http://ann:pa55@{}", proxy.address)).build();
        let told = through(proxies, Reach::Internet, Some(server.pem.clone())).send(get(&server.root)).await;
        let Err(SendError::NotSent(reason)) = told else { panic!("{told:?}") };
        assert!(reason.starts_with("tunnel error: "), "{reason}");
        assert!(!reason.contains("pa55"), "{reason}");
    }
    assert!(server.versions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_on_this_machine_is_never_reached_through_a_proxy() {
    let (listener, address) = listen().await;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let head = head(&mut client).await;
        assert!(head.starts_with("get /x http/1.1\r\n"), "{head}");
        client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    let settings = HttpSettings {
        timeout: Duration::from_secs(75),
        extra_roots: None,
        idle_connections: 4,
        reach: Reach::Loopback,
        priority: Priority::Normal,
    };
    let response = Http::new(&settings).unwrap().send(get(&format!("http://{address}/x"))).await;
    assert_eq!(response.unwrap().status, 204);
}

/// Sends to a server that says only this much and then nothing more, and lets the time run out.
async fn never_ending(said: &'static str) -> Result<super::exchange::Response, SendError> {
    let (listener, address) = listen().await;
    let (has_spoken, was_spoken) = oneshot::channel();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        head(&mut client).await;
        client.write_all(said.as_bytes()).await.unwrap();
        has_spoken.send(()).unwrap();
        // Holds the connection open for as long as the other side does.
        let _ = client.read(&mut [0]).await;
    });
    let mut sending = JoinSet::new();
    sending.spawn(async move { client(Reach::Loopback, None).send(get(&format!("http://{address}"))).await });
    was_spoken.await.unwrap();
    // From here on time passes as soon as nobody has anything to do.
    tokio::time::pause();
    sending.join_next().await.unwrap().unwrap()
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_leaves_doubt() {
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        assert_eq!(never_ending(said).await, Err(SendError::MaybeSent("timed out".to_owned())));
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_status_counts_where_the_body_does_not_come_in_time() {
    let response = never_ending("HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\n{\"id\": ").await.unwrap();
    assert_eq!((response.status, response.body.as_ref()), (201, b"{\"id\": ".as_slice()));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_was_idle_is_not_used_again() {
    let (listener, address) = listen().await;
    let (has_seen_close, saw_close) = oneshot::channel();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut has_seen_close = Some(has_seen_close);
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            head(&mut client).await;
            client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            client.shutdown().await.unwrap();
            // Ends when the client, too, has closed.
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
            if let Some(seen) = has_seen_close.take() {
                seen.send(()).unwrap();
            }
        }
    });
    let http = client(Reach::Loopback, None);
    let root = format!("http://{address}");
    assert_eq!(http.send(get(&root)).await.unwrap().status, 204);
    saw_close.await.unwrap();
    assert_eq!(http.send(get(&root)).await.unwrap().status, 204);
}

#[tokio::test]
async fn a_body_is_read_whole_in_however_many_pieces_it_comes_and_its_connection_is_kept() {
    let (listener, address) = listen().await;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        client.set_nodelay(true).unwrap();
        for pieces in [["abcd", "efgh"], ["", "abcdefgh"], ["abcdefg", "h"]] {
            head(&mut client).await;
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n").await.unwrap();
            for piece in pieces {
                client.write_all(piece.as_bytes()).await.unwrap();
                // Others get to read what is there so far.
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
        }
    });
    let http = client(Reach::Loopback, None);
    for _ in 0..3 {
        let response = http.send(get(&format!("http://{address}"))).await.unwrap();
        assert_eq!(response.body, "abcdefgh");
    }
}

#[tokio::test]
async fn a_post_says_how_long_its_body_is_even_where_it_has_none() {
    let (listener, address) = listen().await;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut heads = Vec::new();
        for length in [0, 0, 2] {
            heads.push(head(&mut client).await);
            client.read_exact(&mut vec![0; length]).await.unwrap();
            client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
        heads
    });
    let http = client(Reach::Loopback, None);
    let url = format!("http://{address}/v1.0/x?y=z");
    let body = Body { content_type: "application/json", bytes: Bytes::from("{}") };
    for (method, body) in [(Method::Get, None), (Method::Post, None), (Method::Post, Some(body))] {
        assert_eq!(http.send(Request { method, body, ..get(&url) }).await.unwrap().status, 204);
    }
    let heads = serving.join_next().await.unwrap().unwrap();
    for (head, length) in heads.iter().zip([None, Some("0"), Some("2")]) {
        assert!(head.contains(&format!("\r\nhost: {address}\r\n")), "{head}");
        let told = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(told, length, "{head}");
    }
}
