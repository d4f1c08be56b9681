//! What the benchmarks share: a simulator on a core of its own, and what a process takes.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_authwave");
pub(crate) const SIMULATOR_CORE: &str = "0";
pub(crate) const CLIENT_CORE: &str = "1";

/// Does something in a directory that is gone afterwards.
pub(crate) fn in_a_directory(measure: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("authwave-bench-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let measured = measure(&dir);
    fs::remove_dir_all(&dir)?;
    measured
}

pub(crate) struct Simulator {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) root: String,
}

impl Simulator {
    pub(crate) fn start(flags: &[&str]) -> Result<Self> {
        let mut child = Command::new("taskset")
            .args(["-c", SIMULATOR_CORE, PROGRAM, "simulator", "--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start taskset: {error}"))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let root = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
        let root = root.ok_or("the simulator says no address")?.trim_end_matches(';').to_owned();
        Ok(Self { child, root })
    }
}

impl Simulator {
    /// What it saw so far.
    pub(crate) fn ledger(&self) -> Result<serde_json::Value> {
        let address = self.root.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /simulator/ledger HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the simulator gives no ledger")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process took.
pub(crate) struct Used {
    /// From start to exit.
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: f64,
}

impl Used {
    pub(crate) fn rate(&self, rows: u32) -> f64 {
        f64::from(rows) / self.wall.as_secs_f64()
    }

    pub(crate) fn cpu_us(&self, rows: u32) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(rows)
    }
}

/// Runs a command to its end; nothing else that this process started may end meanwhile.
pub(crate) fn watch(command: &mut Command) -> Result<Used> {
    let (began, cpu_before) = (now(), cpu_of_children()?);
    let mut child = command.spawn()?;
    let mut peak_kib = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak_kib = peak(child.id()).unwrap_or(peak_kib);
        pause();
    };
    let wall = began.elapsed();
    if status.success() {
        Ok(Used { wall, cpu: cpu_of_children()?.saturating_sub(cpu_before), peak_kib })
    } else {
        Err(format!("it ended with {status}").into())
    }
}

/// What all children that have ended took: to the microsecond, where /proc counts in steps of 10 ms.
#[cfg(unix)]
fn cpu_of_children() -> Result<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;

    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    Ok(Duration::from_micros(microseconds.cast_unsigned()))
}

#[cfg(not(unix))]
fn cpu_of_children() -> Result<Duration> {
    Err("this system has no getrusage".into())
}

/// The most memory that a process has held, in KiB (Linux: proc(5)).
pub(crate) fn peak(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

pub(crate) fn input(dir: &Path, rows: u32) -> Result<PathBuf> {
    users(dir, "user", rows)
}

/// Each of as many users, whose names begin so, gets a phone.
pub(crate) fn users(dir: &Path, name: &str, rows: u32) -> Result<PathBuf> {
    let path = dir.join(format!("{name}-{rows}.csv"));
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "user,action,phone_type,phone_number")?;
    for row in 1..=rows {
        writeln!(file, "{name}{row}@contoso.com,add-phone,office,+1 4255550100")?;
    }
    file.flush()?;
    Ok(path)
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "between two looks at another process")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
