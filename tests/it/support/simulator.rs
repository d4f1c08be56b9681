//! `authwave simulator` as a process of its own, and a plain HTTP GET to look into it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The program under test.
pub(crate) const AUTHWAVE: &str = env!("CARGO_BIN_EXE_authwave");

/// A simulated tenant; it ends with this value.
#[derive(Debug)]
pub(crate) struct Simulator {
    process: Child,
    // The pipe stays open, so that the process can print what it saw.
    _stdout: BufReader<ChildStdout>,
    /// `http://127.0.0.1:PORT`.
    pub(crate) root: String,
}

impl Simulator {
    /// Starts one on a free port. `command` brings flags, environment and directory.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let root = line.split([' ', ';']).find(|word| word.starts_with("http://"));
        let root = root.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();
        Self { process, _stdout: stdout, root }
    }

    /// What it saw so far.
    pub(crate) fn ledger(&self) -> Value {
        self.show("ledger").unwrap()
    }

    /// One count of the ledger.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.ledger()[name].as_u64().unwrap_or_else(|| panic!("no count {name}"))
    }

    /// What a user has now; `None` for one that nobody asked about yet.
    pub(crate) fn user(&self, name: &str) -> Option<Value> {
        self.show(&format!("users/{}", utf8_percent_encode(name, NON_ALPHANUMERIC)))
    }

    fn show(&self, what: &str) -> Option<Value> {
        let address = self.root.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /simulator/{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        head.starts_with("HTTP/1.1 200").then(|| serde_json::from_str(body).unwrap())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
