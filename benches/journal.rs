//! What the journal costs, and how soon a run that was killed goes on.
//!
//! `cargo bench --bench journal` runs the engine with results.csv alone and with the journal before it, in turn, against
//! `authwave simulator` on loopback, each on a core of its own; then it kills the real program in a run of very many rows
//! and takes the run up again. Needs `taskset` (Debian: util-linux). `-- quick` measures less. Nothing is asserted.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]
#![expect(dead_code, reason = "not every benchmark needs all that they share")]

mod support;

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use authwave::actions::conduct::Conduct;
use authwave::engine::lost_resets::LostResets;
use authwave::engine::operations::PollSettings;
use authwave::engine::run::{RowsError, RunSettings, run};
use authwave::graph::client::{Graph, GraphParts, RetrySettings, Root};
use authwave::input::checks::check;
use authwave::input::rows::InputSettings;
use authwave::input::source::Input;
use authwave::journal::record::{RunRecord, SessionStart};
use authwave::journal::store::Store;
use authwave::journal::writer::Journal;
use authwave::model::event::{Event, Observer, ObserverError};
use authwave::model::secret::Secret;
use authwave::model::timeline::Timeline;
use authwave::pace::pacer::{PaceSettings, Pacer};
use authwave::pace::shutdown::Shutdown;
use authwave::policy::backoff::Backoff;
use authwave::results::rows::Results;
use authwave::sign_in::access_token::AccessToken;
use authwave::transport::http::{Http, HttpSettings, Priority, Reach};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use support::{
    CLIENT_CORE, PROGRAM, Result, Simulator, in_a_directory, input, median, now, pause, peak, watch,
};

/// The program's.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IN_FLIGHT: usize = 64;

/// Ask this benchmark, started anew, to be one run.
const WITHOUT: &str = "without-journal";
const WITH: &str = "with-journal";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, root, dir, file] = &arguments[..]
        && (word == WITH || word == WITHOUT)
    {
        let dir = Path::new(dir);
        return one_run(root, dir, Path::new(file), (word == WITH).then_some(()));
    }
    let is_quick = std::env::args().any(|argument| argument == "quick");
    let (rows, rounds, many) = if is_quick { (50_000, 3, 200_000) } else { (200_000, 5, 1_000_000) };
    in_a_directory(|dir| {
        let file = input(dir, rows)?;
        cost(dir, (&file, rows), rounds, Cores::One)?;
        cost(dir, (&file, rows), rounds, Cores::All)?;
        resume(dir, many)
    })
}

/// Where the program may run; the simulator has a core of its own.
#[derive(Clone, Copy)]
enum Cores {
    /// The journal's thread takes from the time of the others.
    One,
    /// As users run it: the journal's thread works beside the others, if need be on the simulator's core.
    All,
}

impl Cores {
    const fn list(self) -> &'static str {
        match self {
            Self::One => CLIENT_CORE,
            Self::All => "0,1",
        }
    }
}

/// Rows a second with the journal and without.
fn cost(dir: &Path, (file, rows): (&Path, u32), rounds: usize, cores: Cores) -> Result<()> {
    let mut ratios = Vec::new();
    let place = match cores {
        Cores::One => "on one core",
        Cores::All => "on all cores",
    };
    println!("the journal: {rows} rows of add-phone, {IN_FLIGHT} in flight, no latency, the program {place}");
    for round in 1..=rounds {
        let measure = |word: &str| {
            let simulator = Simulator::start(&[])?;
            let place = dir.join(format!("{word}-{round}"));
            std::fs::create_dir(&place)?;
            let used = watch(
                Command::new("taskset")
                    .args(["-c", cores.list()])
                    .arg(std::env::current_exe()?)
                    .args([word, simulator.root.as_str()])
                    .args([place.as_path(), file]),
            );
            std::fs::remove_dir_all(&place)?;
            used
        };
        let (without, with) = (measure(WITHOUT)?, measure(WITH)?);
        ratios.push(with.rate(rows) / without.rate(rows));
        println!(
            "  round {round}: without {:.0}/s ({:.1} µs of CPU a row), with {:.0}/s ({:.1} µs), ratio {:.2}",
            without.rate(rows),
            without.cpu_us(rows),
            with.rate(rows),
            with.cpu_us(rows),
            with.rate(rows) / without.rate(rows)
        );
    }
    println!("  median ratio {:.2} (wanted: 0.85)", median(&mut ratios));
    Ok(())
}

/// results.csv, and the journal before it or not.
struct Kept {
    journal: Option<Journal>,
    results: Results,
}

impl Observer for Kept {
    fn observe(&mut self, event: &Event) -> std::result::Result<(), ObserverError> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.observe(event))?;
        self.results.observe(event)
    }

    fn tick(&mut self, now: Instant) -> std::result::Result<(), ObserverError> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.tick(now))?;
        self.results.tick(now)
    }

    fn kept(&mut self, count: u64) -> impl Future<Output = std::result::Result<u64, ObserverError>> {
        let kept = self.journal.as_mut().map(|journal| journal.kept(count));
        async move {
            match kept {
                Some(kept) => kept.await,
                None => Ok(count),
            }
        }
    }
}

/// What `authwave run` does with a file, as far as it matters here: checks it, and does its rows.
fn one_run(root: &str, dir: &Path, file: &Path, journal: Option<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut input = Input::open(file, InputSettings::default())?;
        check(&mut input, |_| {})?;
        input.rewind()?;
        let start = Instant::now();
        let timeline = Timeline::new(start, Timestamp::UNIX_EPOCH);
        let results = Results::create(&dir.join("results.csv"), input.header(), timeline)?;
        let journal = match journal {
            None => None,
            Some(()) => Some(Journal::start(store(root, dir, &mut input, start)?)?),
        };
        let mut kept = Kept { journal, results };
        let (events, inbox) = mpsc::channel(1_024);
        let http = Http::new(&HttpSettings {
            timeout: Duration::from_secs(75),
            extra_roots: None,
            idle_connections: IN_FLIGHT,
            reach: Reach::Loopback,
            priority: Priority::Normal,
        })?;
        let in_flight = NonZeroUsize::new(IN_FLIGHT).ok_or("none in flight")?;
        let parts = GraphParts {
            root: Root::new(root, "v1.0")?,
            pacer: Arc::new(Pacer::new(PaceSettings {
                requests_per_second: None,
                in_flight,
                shared_by: None,
                seek: None,
            })),
            shutdown: Shutdown::default(),
            events,
            retry: RetrySettings {
                budget: Duration::from_mins(15),
                backoff: Backoff::default(),
                max_retry_after: Duration::from_mins(10),
            },
            random: fastrand::Rng::with_seed(7),
        };
        let graph = Arc::new(Graph::new(http, AccessToken::new(Secret::new("benchmark")), parts));
        let polls = PollSettings { timeout: Duration::from_mins(10), polls_beside_rows: 8, polls_alone: 64 };
        let settings = RunSettings {
            window: 512,
            look_ahead: 10_000,
            polls,
            failures: None,
            max_duration: None,
            conduct: Conduct::PLAIN,
            canary: None,
        };
        let rows = input.map(|work| work.map_err(RowsError::from));
        let end = run(graph, rows, settings, LostResets::default(), (inbox, &mut kept)).await;
        if let Some(stop) = end.stop {
            return Err(format!("the run stopped: {stop:?}").into());
        }
        if let Some(journal) = kept.journal {
            journal.finish().1?;
        }
        Ok(kept.results.finish()?)
    })
}

fn store(root: &str, dir: &Path, input: &mut Input, start: Instant) -> Result<Store> {
    let record = RunRecord {
        program_version: String::new(),
        command: "run".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        input: input.path().to_owned(),
        fingerprint: input.fingerprint()?,
        header: input.header().clone(),
        rows: 0,
        graph_root: root.to_owned(),
        api_version: "v1.0".to_owned(),
        tenant: None,
        is_rehearsal: false,
        settings: "{}".to_owned(),
    };
    let mut store = Store::create(&dir.join("journal.sqlite"), record)?;
    let session =
        SessionStart { program_version: String::new(), process_id: 0, started_at: Timestamp::UNIX_EPOCH };
    store.begin_session(&session, start)?;
    Ok(store)
}

/// How soon a run of so many rows sends again after it was killed near its end, and what memory that takes.
fn resume(dir: &Path, rows: u32) -> Result<()> {
    let (file, simulator) = (input(dir, rows)?, Simulator::start(&[])?);
    let run_dir = dir.join("killed");
    let mut killed = Command::new("taskset")
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
            "--run-dir",
        ])
        .args([&run_dir, &file])
        .env("AUTHWAVE_ACCESS_TOKEN", "benchmark")
        .spawn()?;
    while requests(&simulator)? < u64::from(rows) / 100 * 99 {
        pause();
    }
    killed.kill()?;
    killed.wait()?;
    let (before, began) = (requests(&simulator)?, now());
    let mut resumed = Command::new("taskset")
        .args(["-c", CLIENT_CORE, PROGRAM, "resume", "--quiet"])
        .arg(&run_dir)
        .env("AUTHWAVE_ACCESS_TOKEN", "benchmark")
        .spawn()?;
    while requests(&simulator)? == before {
        pause();
    }
    let sends_after = began.elapsed();
    let mut peak_kib = 0.0;
    let status = loop {
        if let Some(status) = resumed.try_wait()? {
            break status;
        }
        peak_kib = peak(resumed.id()).unwrap_or(peak_kib);
        pause();
    };
    println!(
        "resume of {rows} rows, killed at 99 %: sends after {:.1} s (wanted at 1,000,000: 5 s), ends after {:.1} s with \
         {status}, peak {:.1} MiB (wanted: 64 MiB), journal {:.0} MB",
        sends_after.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        peak_kib / 1024.0,
        std::fs::metadata(run_dir.join("journal.sqlite"))?.len() as f64 / 1e6
    );
    Ok(())
}

/// What the simulator's own ledger says.
fn requests(simulator: &Simulator) -> Result<u64> {
    let address = simulator.root.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /simulator/ledger HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").ok_or("no ledger")?.1;
    let ledger: serde_json::Value = serde_json::from_str(body)?;
    ledger["requests"].as_u64().ok_or_else(|| "no requests in the ledger".into())
}
