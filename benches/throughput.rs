//! How fast a run is beside `wrk`, how well it fills a slow line and a quota that it does not know, what memory it takes,
//! and how fast it starts.
//!
//! `cargo bench --bench throughput` measures the real binary against `authwave simulator` on loopback, each on a core
//! of its own, in turn with `wrk` posting the same body to the same simulator, and with the program's HTTP client alone
//! doing so. Needs `wrk` and `taskset` (Debian: wrk, util-linux). `-- quick` measures less, and the names of cases measure
//! these alone: `start-up`, `full-speed`, `slow-line`, `quotas`, `fairness`, `memory`. Nothing is asserted: it prints
//! medians and ratios.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]

#[path = "throughput/quotas.rs"]
mod quotas;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use authwave::model::secret::Secret;
use authwave::transport::exchange::{Body, Method, Request, Transport as _};
use authwave::transport::http::{Http, HttpSettings, Priority, Reach};
use tokio::task::JoinSet;

use support::{CLIENT_CORE, PROGRAM, Result, Simulator, Used, in_a_directory, input, median, now, watch};

/// The program's.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IN_FLIGHT: usize = 64;

/// Asks this benchmark, started anew, to be the bare client.
const BARE: &str = "bare-client";

type Case = fn(&Path, &Size) -> Result<()>;

/// In the order in which they are measured.
const CASES: [(&str, Case); 6] = [
    ("start-up", |_, _| start_up()),
    ("full-speed", full_speed),
    ("slow-line", |dir, _| slow_line(dir)),
    ("quotas", |dir, size| quotas::quotas(dir, size.quota_rows)),
    ("fairness", |dir, size| quotas::fairness(dir, size.shared_seconds)),
    ("memory", memory),
];

struct Size {
    rows: u32,
    many_rows: u32,
    rounds: usize,
    /// For 50/s and for 800/s.
    quota_rows: [u32; 2],
    /// How long a quota is shared.
    shared_seconds: u32,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, root, rows] = &arguments[..]
        && word == BARE
    {
        return bare(root, rows.parse()?);
    }
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let size = if has("quick") {
        Size { rows: 50_000, many_rows: 200_000, rounds: 3, quota_rows: [1_000, 8_000], shared_seconds: 60 }
    } else {
        Size {
            rows: 200_000,
            many_rows: 1_000_000,
            rounds: 5,
            quota_rows: [4_000, 40_000],
            shared_seconds: 180,
        }
    };
    let is_any_named = CASES.iter().any(|(name, _)| has(name));
    in_a_directory(|dir| {
        let mut cases = CASES.into_iter().filter(|(name, _)| !is_any_named || has(name));
        cases.try_for_each(|(_, measure)| measure(dir, &size))
    })
}

/// No limit, no latency, 64 connections, one POST a row, results written.
fn full_speed(dir: &Path, size: &Size) -> Result<()> {
    let input = input(dir, size.rows)?;
    let mut ratios = Vec::new();
    println!("full speed: {} rows of add-phone, 64 in flight, no latency", size.rows);
    for round in 1..=size.rounds {
        let posted = {
            let simulator = Simulator::start(&[])?;
            wrk(&simulator, dir)?
        };
        let bare = {
            let simulator = Simulator::start(&[])?;
            watch(Command::new("taskset").args(["-c", CLIENT_CORE]).arg(std::env::current_exe()?).args([
                BARE,
                &simulator.root,
                &size.rows.to_string(),
            ]))?
        };
        let simulator = Simulator::start(&[])?;
        let run = run(&simulator, dir, &input)?.used;
        ratios.push(run.rate(size.rows) / posted);
        println!(
            "  round {round}: wrk {posted:.0}/s, the HTTP client alone {:.0}/s ({:.1} µs of CPU a request), \
             authwave {:.0}/s ({:.1} µs a row), ratio {:.2}",
            bare.rate(size.rows),
            bare.cpu_us(size.rows),
            run.rate(size.rows),
            run.cpu_us(size.rows),
            run.rate(size.rows) / posted
        );
    }
    println!(
        "  median ratio {:.2} (the whole process, from start to exit; wanted: 0.50)",
        median(&mut ratios)
    );
    Ok(())
}

/// 50 ms of latency: what of in-flight / latency is reached, and by `wrk`.
fn slow_line(dir: &Path) -> Result<()> {
    let (rows, latency) = (20_000, ["--latency", "50ms"]);
    let input = input(dir, rows)?;
    let run = run(&Simulator::start(&latency)?, dir, &input)?;
    let posted = wrk(&Simulator::start(&latency)?, dir)?;
    let (reached, possible) = (f64::from(rows) / run.run_time.as_secs_f64(), 64.0 / 0.05);
    println!(
        "50 ms latency: {reached:.0} rows/s of {possible:.0} = {:.1} % (wanted: 95 %); wrk {posted:.0}/s, ratio {:.2}",
        reached / possible * 100.0,
        reached / posted
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
            run.used.peak_kib / 1024.0
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

struct Measured {
    used: Used,
    /// From the first to the last row, as the program tells it.
    run_time: Duration,
}

fn run(simulator: &Simulator, dir: &Path, input: &Path) -> Result<Measured> {
    let run_dir = dir.join("run");
    if run_dir.exists() {
        fs::remove_dir_all(&run_dir)?;
    }
    let used = watch(
        Command::new("taskset")
            .args([
                "-c",
                CLIENT_CORE,
                PROGRAM,
                "run",
                "--yes",
                "--allow-privileged",
                "--quiet",
                "--graph-root",
                &simulator.root,
            ])
            .arg("--run-dir")
            .arg(&run_dir)
            .arg(input)
            .env("AUTHWAVE_ACCESS_TOKEN", "benchmark"),
    )?;
    let summary = fs::read_to_string(run_dir.join("summary.json"))?;
    let milliseconds = summary
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"duration_ms\": ")?.trim_end_matches(',').parse().ok())
        .ok_or("no duration in summary.json")?;
    Ok(Measured { used, run_time: Duration::from_millis(milliseconds) })
}

/// The program's HTTP client and nothing else: what a run cannot be cheaper than.
fn bare(root: &str, rows: u32) -> Result<()> {
    let http = Http::new(&HttpSettings {
        timeout: Duration::from_secs(75),
        extra_roots: None,
        idle_connections: IN_FLIGHT,
        reach: Reach::Loopback,
        priority: Priority::Normal,
    })?;
    let next = Arc::new(AtomicU32::new(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut posting = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            posting.spawn(post(http.clone(), root.to_owned(), Arc::clone(&next), rows));
        }
        while let Some(posted) = posting.join_next().await {
            posted??;
        }
        Ok(())
    })
}

async fn post(http: Http, root: String, next: Arc<AtomicU32>, rows: u32) -> std::result::Result<(), String> {
    loop {
        let row = next.fetch_add(1, Ordering::Relaxed);
        if row > rows {
            return Ok(());
        }
        let body = Body { content_type: "application/json", bytes: BODY.as_bytes().into() };
        let request = Request {
            method: Method::Post,
            url: format!("{root}/v1.0/users/user{row}%40contoso.com/authentication/phoneMethods"),
            bearer: Some(Secret::new("benchmark")),
            client_request_id: "5a3f6c1e-52d2-4d0b-9a43-0c3f4d9b7a01".to_owned(),
            body: Some(body),
            fields: Vec::new(),
        };
        let response = http.send(request).await.map_err(|error| error.to_string())?;
        if response.status != 201 {
            return Err(format!("answered {}", response.status));
        }
    }
}

fn wrk(simulator: &Simulator, dir: &Path) -> Result<f64> {
    let script = dir.join("post.lua");
    fs::write(&script, WRK_SCRIPT)?;
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

const BODY: &str = r#"{"phoneNumber":"+1 4255550100","phoneType":"office"}"#;

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
