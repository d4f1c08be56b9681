//! An HTTP/1.1 server on a real socket that says what a test tells it to, and records what it hears.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;
use tokio::time::Instant;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Answers.
    Response { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// Closes the connection once the request was read.
    Close,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    /// An answer with any body.
    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Response { status, headers: Vec::new(), body: body.to_owned() }
    }

    /// The same answer with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        match &mut self {
            Self::Response { headers, .. } => headers.push((name, value.to_owned())),
            Self::Close => panic!("a closed connection has no headers"),
        }
        self
    }
}

/// A request as it stood on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) arrived: Instant,
    /// Just before the answer was sent.
    pub(crate) answered: Instant,
}

impl Heard {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Method and target.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

#[derive(Debug, Default)]
struct Book {
    answers: VecDeque<Answer>,
    heard: Vec<Heard>,
}

/// The server. Its threads end with the test process.
#[derive(Debug)]
pub(crate) struct Scripted {
    /// `http://127.0.0.1:PORT`.
    pub(crate) root: String,
    book: Arc<Mutex<Book>>,
}

impl Scripted {
    /// Listens on a free port. Requests beyond the last answer get 418, which no client takes for a success.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book { answers: answers.into_iter().collect(), heard: Vec::new() }));
        let shared = Arc::clone(&book);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, book) = (stream.unwrap(), Arc::clone(&shared));
                thread::spawn(move || converse(&stream, &book));
            }
        });
        Self { root, book }
    }

    /// Adds an answer that could not be known before the server's address was.
    pub(crate) fn then(&self, answer: Answer) {
        lock(&self.book).answers.push_back(answer);
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        lock(&self.book).heard.clone()
    }

    /// Method and target of all requests so far.
    pub(crate) fn heard_lines(&self) -> Vec<String> {
        self.heard().iter().map(Heard::line).collect()
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers request after request until either side closes.
fn converse(stream: &TcpStream, book: &Mutex<Book>) {
    let mut reader = BufReader::new(stream);
    while let Some(mut heard) = read(&mut reader) {
        let answer = {
            let mut book = lock(book);
            let answer = book.answers.pop_front().unwrap_or_else(|| Answer::empty(418));
            heard.answered = Instant::now();
            book.heard.push(heard);
            answer
        };
        match answer {
            Answer::Close => return,
            Answer::Response { status, headers, body } => {
                let mut text = format!("HTTP/1.1 {status} Scripted\r\n");
                for (name, value) in headers {
                    write!(text, "{name}: {value}\r\n").unwrap();
                }
                if status != 204 {
                    write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
                }
                text += "\r\n";
                text += &body;
                let mut writer = stream;
                if writer.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Heard> {
    let first = line(reader)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let arrived = Instant::now();
    let mut headers = Vec::new();
    while let Some(header) = line(reader).filter(|line| !line.is_empty()) {
        let (name, value) = header.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut heard = Heard { method, target, headers, body: Vec::new(), arrived, answered: arrived };
    let length = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
    heard.body = vec![0; length];
    reader.read_exact(&mut heard.body).ok()?;
    Some(heard)
}

fn line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut text = String::new();
    let read = reader.read_line(&mut text).ok()?;
    (read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
}
