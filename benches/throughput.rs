//! How fast a run is beside `wrk`, how well it fills a slow line, what memory it takes, and how fast it starts.
//!
//! `cargo bench --bench throughput` measures the real binary against `authwave simulator` on loopback, each on a core
//! of its own, in turn with `wrk` posting the same body to the same simulator. Needs `wrk` and `taskset` (Debian: wrk,
//! util-linux). `-- quick` measures less. Nothing is asserted: it prints medians and ratios.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PROGRAM: &str = env!("CARGO_BIN_EXE_authwave");
const SIMULATOR_CORE: &str = "0";
const CLIENT_CORE: &str = "1";

struct Size {
    rows: u32,
    many_rows: u32,
    rounds: usize,
}

fn main() -> Result<()> {
    let is_quick = std::env::args().any(|argument| argument == "quick");
    let size = if is_quick {
        Size { rows: 50_000, many_rows: 200_000, rounds: 3 }
    } else {
        Size { rows: 200_000, many_rows: 1_000_000, rounds: 5 }
    };
    let dir = std::env::temp_dir().join(format!("authwave-bench-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let measured = start_up()
        .and_then(|()| full_speed(&dir, &size))
        .and_then(|()| slow_line(&dir))
        .and_then(|()| memory(&dir, &size));
    fs::remove_dir_all(&dir)?;
    measured
}

/// No limit, no latency, 64 connections, one POST a row, results written.
fn full_speed(dir: &Path, size: &Size) -> Result<()> {
    let input = input(dir, size.rows)?;
    let script = dir.join("post.lua");
    fs::write(&script, WRK_SCRIPT)?;
    let mut ratios = Vec::new();
    println!("full speed: {} rows of add-phone, 64 in flight, no latency", size.rows);
    for round in 1..=size.rounds {
        let posted = {
            let simulator = Simulator::start(&[])?;
            wrk(&simulator, &script)?
        };
        let simulator = Simulator::start(&[])?;
        let run = run(&simulator, dir, &input)?;
        let rows_per_second = f64::from(size.rows) / run.wall.as_secs_f64();
        let cpu_per_row = run.cpu.as_secs_f64() * 1e6 / f64::from(size.rows);
        ratios.push(rows_per_second / posted);
        println!(
            "  round {round}: wrk {posted:.0}/s, authwave {rows_per_second:.0}/s ({cpu_per_row:.1} µs of CPU a row), ratio {:.2}",
            rows_per_second / posted
        );
    }
    println!(
        "  median ratio {:.2} (the whole process, from start to exit; wanted: 0.50)",
        median(&mut ratios)
    );
    Ok(())
}

/// 50 ms of latency: what of in-flight / latency is reached.
fn slow_line(dir: &Path) -> Result<()> {
    let rows = 20_000;
    let input = input(dir, rows)?;
    let simulator = Simulator::start(&["--latency", "50ms"])?;
    let run = run(&simulator, dir, &input)?;
    let (reached, possible) = (f64::from(rows) / run.run_time.as_secs_f64(), 64.0 / 0.05);
    println!(
        "50 ms latency: {reached:.0} rows/s of {possible:.0} = {:.1} % (wanted: 95 %)",
        reached / possible * 100.0
    );
    Ok(())
}

/// Peak resident memory over very many rows.
fn memory(dir: &Path, size: &Size) -> Result<()> {
    for rows in [size.many_rows / 10, size.many_rows] {
        let input = input(dir, rows)?;
        let simulator = Simulator::start(&[])?;
        let run = run(&simulator, dir, &input)?;
        println!(
            "memory at {rows} rows: peak {:.1} MiB (wanted at 1,000,000: 64 MiB)",
            run.peak_kib / 1024.0
        );
    }
    Ok(())
}

/// `--version`.
fn start_up() -> Result<()> {
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..21 {
        let began = now();
        Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).status()?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!("--version: median {:.1} ms (wanted: 10 ms)", median(&mut times));
    Ok(())
}

struct Simulator {
    child: Child,
    root: String,
}

impl Simulator {
    fn start(flags: &[&str]) -> Result<Self> {
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

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Measured {
    /// From start to exit.
    wall: Duration,
    /// From the first to the last row, as the program tells it.
    run_time: Duration,
    cpu: Duration,
    peak_kib: f64,
}

fn run(simulator: &Simulator, dir: &Path, input: &Path) -> Result<Measured> {
    let run_dir = dir.join("run");
    if run_dir.exists() {
        fs::remove_dir_all(&run_dir)?;
    }
    let began = now();
    let mut child = Command::new("taskset")
        .args(["-c", CLIENT_CORE, PROGRAM, "run", "--quiet", "--graph-root", &simulator.root])
        .arg("--run-dir")
        .arg(&run_dir)
        .arg(input)
        .env("AUTHWAVE_ACCESS_TOKEN", "benchmark")
        .spawn()?;
    let (mut peak_kib, mut cpu) = (0.0, Duration::ZERO);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if let Some((peak, used)) = usage(child.id()) {
            (peak_kib, cpu) = (peak, used);
        }
        pause();
    };
    let wall = began.elapsed();
    if !status.success() {
        return Err(format!("the run ended with {status}").into());
    }
    let summary = fs::read_to_string(run_dir.join("summary.json"))?;
    let milliseconds = summary
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"duration_ms\": ")?.trim_end_matches(',').parse().ok())
        .ok_or("no duration in summary.json")?;
    Ok(Measured { wall, run_time: Duration::from_millis(milliseconds), cpu, peak_kib })
}

/// Peak memory and CPU time of a process (Linux: proc(5); a tick is 10 ms).
fn usage(id: u32) -> Option<(f64, Duration)> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((peak, Duration::from_millis(ticks * 10)))
}

fn wrk(simulator: &Simulator, script: &Path) -> Result<f64> {
    let output = Command::new("taskset")
        .args(["-c", CLIENT_CORE, "wrk", "-t1", "-c64", "-d5s", "-s"])
        .arg(script)
        .arg(&simulator.root)
        .output()
        .map_err(|error| format!("cannot start wrk: {error}"))?;
    let text = String::from_utf8(output.stdout)?;
    if text.contains("Non-2xx") {
        return Err(format!("wrk saw errors: {text}").into());
    }
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    rate.ok_or_else(|| format!("wrk tells no rate: {text}").into())
}

/// The same body for everybody, each request for another user, as a run does it.
const WRK_SCRIPT: &str = r#"
local n = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer benchmark"
wrk.body = '{"phoneNumber":"+1 4255550100","phoneType":"office"}'
request = function()
  n = n + 1
  return wrk.format(nil, "/v1.0/users/user" .. n .. "%40contoso.com/authentication/phoneMethods")
end
"#;

fn input(dir: &Path, rows: u32) -> Result<PathBuf> {
    let path = dir.join(format!("{rows}.csv"));
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "user,action,phone_type,phone_number")?;
    for row in 1..=rows {
        writeln!(file, "user{row}@contoso.com,add-phone,office,+1 4255550100")?;
    }
    file.flush()?;
    Ok(path)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "between two looks at another process")]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
