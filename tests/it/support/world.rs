//! A directory, a tenant or none, and the program: one sentence a step.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

use super::ended::Ended;
use super::scripted::{Answer, Scripted};
use super::simulator::{AUTHWAVE, Simulator};

/// The token that runs use, to be found wherever it leaks to.
pub(crate) const TOKEN: &str = "tok.en-0f-the-tests";

/// Nobody is asked, nobody's roles are looked up, and nothing is read to be taken back, so that tests of other things need
/// not speak of it.
const UNGUARDED: [&str; 3] = ["AUTHWAVE_YES", "AUTHWAVE_ALLOW_PRIVILEGED", "AUTHWAVE_NO_BEFORE_IMAGES"];

/// Where a test takes place.
#[derive(Debug)]
pub(crate) struct World {
    dir: TempDir,
    variables: Vec<(&'static str, String)>,
    simulator: Option<Simulator>,
    scripted: Option<Scripted>,
}

impl World {
    /// A world without a tenant, with a token in the environment.
    pub(crate) fn new() -> Self {
        // Nobody listens on port 9 ("discard"), so that no test finds a metadata service.
        let nobody = "http://127.0.0.1:9".to_owned();
        let variables =
            vec![("AUTHWAVE_ACCESS_TOKEN", TOKEN.to_owned()), ("AUTHWAVE_METADATA_ENDPOINT", nobody)];
        let variables = [variables, UNGUARDED.map(|name| (name, "true".to_owned())).to_vec()].concat();
        Self { dir: tempfile::tempdir().unwrap(), variables, simulator: None, scripted: None }
    }

    /// With the brakes that a run has where nobody says anything.
    pub(crate) fn guarded(mut self) -> Self {
        self.variables.retain(|(name, _)| !UNGUARDED.contains(name));
        self
    }

    /// A file in the working directory.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// A further file in the working directory.
    pub(crate) fn file_again(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A variable in the environment of all that is started from now on; an empty one counts as none.
    pub(crate) fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Starts a simulated tenant with these flags.
    pub(crate) fn simulator(mut self, flags: &[&str]) -> Self {
        let mut command = self.command(&["simulator", "--listen", "127.0.0.1:0"]);
        self.simulator = Some(Simulator::start(command.args(flags)));
        self
    }

    /// Starts a server that gives these answers, one after the other.
    pub(crate) fn answers(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.scripted = Some(Scripted::start(answers));
        self
    }

    /// The simulated tenant.
    pub(crate) fn tenant(&self) -> &Simulator {
        self.simulator.as_ref().unwrap()
    }

    /// The scripted server.
    pub(crate) fn server(&self) -> &Scripted {
        self.scripted.as_ref().unwrap()
    }

    /// A path in the working directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Does the rows of a file against this world's tenant, with short backoffs; the run directory is `out`, where the
    /// flags name no other.
    pub(crate) fn run(&self, file: &str, flags: &[&str]) -> Ended {
        self.authwave(&self.arguments("run", file, flags))
    }

    /// Looks what a run of a file would do.
    pub(crate) fn plan(&self, file: &str, flags: &[&str]) -> Ended {
        self.authwave(&self.arguments("plan", file, flags))
    }

    /// Carries a plan out.
    pub(crate) fn by_plan(&self, plan: &str, flags: &[&str]) -> Ended {
        let arguments = self.arguments("run", "--plan", flags);
        let (head, tail) = arguments.split_at(2);
        self.authwave(&[head, &[plan.to_owned()], tail].concat())
    }

    /// Does what [`World::run`] does where no file may grow beyond so many KiB, as on a disk that is full.
    pub(crate) fn run_in_little_space(&self, kibibytes: u32, file: &str, flags: &[&str]) -> Ended {
        let arguments = self.arguments("run", file, flags);
        // The limit counts blocks of 512 bytes (POSIX). Without the signal a write beyond it just fails.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kibibytes * 2);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, AUTHWAVE]);
        let output = self.furnish(command, &arguments).stdin(Stdio::null()).output().unwrap();
        Ended::new(&output, self.run_directory(&arguments))
    }

    /// Takes the run in `out` up again.
    pub(crate) fn resume(&self, flags: &[&str]) -> Ended {
        self.take_up("resume", flags)
    }

    /// Goes on following the resets of the run in `out`.
    pub(crate) fn operations(&self, flags: &[&str]) -> Ended {
        self.take_up("operations", flags)
    }

    /// Reads the users of the run in `out` again.
    pub(crate) fn verify(&self, flags: &[&str]) -> Ended {
        self.take_up("verify", flags)
    }

    fn take_up(&self, command: &str, flags: &[&str]) -> Ended {
        self.authwave(&[&[command, "out"], flags].concat())
    }

    /// Begins what [`World::resume`] does, and does not wait.
    pub(crate) fn begin_to_resume(&self, flags: &[&str]) -> Running {
        self.spawn(&[&["resume", "out"], flags].concat())
    }

    /// Begins what [`World::verify`] does, and does not wait.
    pub(crate) fn begin_to_verify(&self, flags: &[&str]) -> Running {
        self.spawn(&[&["verify", "out"], flags].concat())
    }

    /// Begins to take a run back into `out`, and does not wait.
    pub(crate) fn begin_undo(&self, run: &str, flags: &[&str]) -> Running {
        self.spawn(&[&["undo", run, "--run-dir", "out"], flags].concat())
    }

    /// Reads the users of a file.
    pub(crate) fn snapshot(&self, file: &str, flags: &[&str]) -> Ended {
        self.authwave(&self.arguments("snapshot", file, flags))
    }

    /// Begins what [`World::run`] does, and does not wait.
    pub(crate) fn begin(&self, file: &str, flags: &[&str]) -> Running {
        self.spawn(&self.arguments("run", file, flags))
    }

    /// Begins to read the users of a file, and does not wait.
    pub(crate) fn begin_snapshot(&self, file: &str, flags: &[&str]) -> Running {
        self.spawn(&self.arguments("snapshot", file, flags))
    }

    /// Begins a command that reads rows from its standard input.
    pub(crate) fn begin_to_read(&self, arguments: &[&str]) -> Running {
        self.spawn_with(Stdio::piped(), arguments)
    }

    fn spawn<S: AsRef<str>>(&self, arguments: &[S]) -> Running {
        self.spawn_with(Stdio::null(), arguments)
    }

    fn spawn_with<S: AsRef<str>>(&self, stdin: Stdio, arguments: &[S]) -> Running {
        let mut command = self.command(arguments);
        let mut process = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        Running { process, stderr, said: String::new(), directory: self.run_directory(arguments) }
    }

    /// The program with just these arguments.
    pub(crate) fn authwave<S: AsRef<str>>(&self, arguments: &[S]) -> Ended {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        Ended::new(&output, self.run_directory(arguments))
    }

    fn command<S: AsRef<str>>(&self, arguments: &[S]) -> Command {
        self.furnish(Command::new(AUTHWAVE), arguments)
    }

    pub(crate) fn furnish<S: AsRef<str>>(&self, mut command: Command, arguments: &[S]) -> Command {
        command.args(arguments.iter().map(AsRef::as_ref)).current_dir(&self.dir).env_clear();
        command.env("HOME", self.dir.path()).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn arguments(&self, command: &str, file: &str, flags: &[&str]) -> Vec<String> {
        let mut arguments: Vec<String> =
            [command, file].iter().chain(flags).map(ToString::to_string).collect();
        let root = match (&self.simulator, &self.scripted) {
            (Some(simulator), _) => Some(&simulator.root),
            (None, Some(scripted)) => Some(&scripted.root),
            (None, None) => None,
        };
        let defaults = [
            ("--graph-root", root.map(String::as_str)),
            ("--run-dir", Some("out")),
            ("--backoff-base", Some("10ms")),
            ("--backoff-cap", Some("50ms")),
        ];
        for (flag, value) in defaults {
            if let Some(value) = value.filter(|_| !flags.contains(&flag)) {
                arguments.extend([flag.to_owned(), value.to_owned()]);
            }
        }
        arguments
    }

    fn run_directory<S: AsRef<str>>(&self, arguments: &[S]) -> PathBuf {
        let mut arguments = arguments.iter().map(AsRef::as_ref);
        let named = arguments.find(|argument| *argument == "--run-dir").and_then(|_| arguments.next());
        self.dir.path().join(named.unwrap_or("out"))
    }
}

/// A command that has not ended yet.
#[derive(Debug)]
pub(crate) struct Running {
    process: Child,
    stderr: BufReader<ChildStderr>,
    /// What was read from it so far.
    said: String,
    directory: PathBuf,
}

impl Running {
    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it no longer ends by this signal.
    pub(crate) fn catches(&self, signal: u32) {
        let caught = || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
            let mask =
                status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
            u64::from_str_radix(&mask, 16).unwrap()
        };
        while caught() & 1 << (signal - 1) == 0 {}
    }

    /// Gives it all that it reads.
    pub(crate) fn reads(&mut self, text: &str) {
        self.process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Sends a signal, as `-INT`.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it says this on standard error.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) {
        while !self.said.contains(text) {
            let read = self.stderr.read_line(&mut self.said).unwrap();
            assert!(read > 0, "it ended without {text:?}, with\n{}", self.said);
        }
    }

    /// The next line that it says on standard error.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let from = self.said.len();
        assert!(self.stderr.read_line(&mut self.said).unwrap() > 0, "it ended with\n{}", self.said);
        self.said[from..].to_owned()
    }

    /// A file of the run directory as it is now; empty where it is not there yet.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap_or_default()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        // Nothing but the last lines goes to standard output, so that pipe cannot fill meanwhile.
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut output = self.process.wait_with_output().unwrap();
        output.stderr = self.said.into_bytes();
        Ended::new(&output, self.directory)
    }
}

/// A file of the project.
pub(crate) fn of_the_project(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}
