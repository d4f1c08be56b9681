//! A terminal in which the program runs, as util-linux's `script` gives one, and what can be seen on it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::simulator::AUTHWAVE;
use super::world::World;

const LINES: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// A terminal with a command in it that has not ended yet.
pub(crate) struct Terminal<'world> {
    world: &'world World,
    process: Child,
    keyboard: ChildStdin,
    wire: ChildStdout,
    /// All that came to it.
    came: Vec<u8>,
    screen: vt100::Parser,
}

impl World {
    /// Begins a command in a terminal of 24 lines and 80 columns.
    pub(crate) fn in_a_terminal(&self, arguments: &[&str]) -> Terminal<'_> {
        let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
        let inside =
            format!("stty rows {LINES} cols {COLUMNS}; echo $$ >pid; exec {AUTHWAVE} {}", words.join(" "));
        let script = Command::new("script");
        let mut script = self.furnish(script, &["-qefc", &inside, "/dev/null"]);
        let path = std::env::var_os("PATH").unwrap_or_default();
        script.env("PATH", path).env("SHELL", "/bin/sh").env("TERM", "xterm");
        let mut process = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, wire) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let screen = vt100::Parser::new(LINES, COLUMNS, 0);
        Terminal { world: self, process, keyboard, wire, came: Vec::new(), screen }
    }
}

impl Terminal<'_> {
    /// Types this.
    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until this was written to it, behind all that was waited for before.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) {
        let at = loop {
            let came = self.came.windows(text.len()).position(|bytes| bytes == text.as_bytes());
            match came {
                Some(at) => break at,
                None => assert!(self.read(), "it ended without {text:?}, with\n{}", self.seen()),
            }
        };
        self.came.drain(..at + text.len());
    }

    /// Sends the program a signal, as `-USR1`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = fs::read_to_string(self.world.path("pid")).unwrap();
        assert!(Command::new("kill").args([signal, id.trim()]).status().unwrap().success());
    }

    /// What can be seen on it.
    pub(crate) fn seen(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits for the end; gives the exit code and what can be seen then.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while self.read() {}
        (self.process.wait().unwrap().code(), self.seen())
    }

    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let read = self.wire.read(&mut bytes).unwrap();
        self.came.extend(&bytes[..read]);
        self.screen.process(&bytes[..read]);
        read > 0
    }
}
