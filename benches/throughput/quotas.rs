//! The real program against a tenant whose quota it does not know: alone, once more with what it remembers, and four
//! processes at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{CLIENT_CORE, PROGRAM, Result, Simulator, now, pause, users};

/// Says whose it is, so that the pace is remembered: a JWT of `{"tid":"benchmark"}`, signed by nobody.
const TOKEN: &str = "e30.eyJ0aWQiOiJiZW5jaG1hcmsifQ.e30";

const LATENCY: Duration = Duration::from_millis(20);

/// A quota: a bucket of a second's worth.
struct Cell {
    per_second: u32,
    rows: u32,
}

/// Time beside the ideal one, 429s and what was lost, for quotas of 50/s and 800/s.
pub(crate) fn quotas(dir: &Path, rows: [u32; 2]) -> Result<()> {
    let cells = [Cell { per_second: 50, rows: rows[0] }, Cell { per_second: 800, rows: rows[1] }];
    println!(
        "quotas that nobody knows beforehand, {LATENCY:?} latency (wanted: 1.15 and 3 % blind, 1.05 and 1 % learned)"
    );
    for cell in cells {
        let simulator = cell.tenant()?;
        for knowledge in ["blind", "learned"] {
            cell.measure(&simulator, dir, knowledge)?;
            // The bucket fills again.
            (0..150).for_each(|_| pause());
        }
    }
    Ok(())
}

/// What four processes get of one quota.
pub(crate) fn fairness(dir: &Path, seconds: u32) -> Result<()> {
    // More than there will be time for.
    let cell = Cell { per_second: 200, rows: 200 * seconds };
    let simulator = cell.tenant()?;
    let until = format!("{seconds}s");
    let names = ["fair-a", "fair-b", "fair-c", "fair-d"];
    let mut runs = Vec::new();
    for name in names {
        let input = users(dir, name, cell.rows)?;
        let flags = ["--share-tenant", "--max-duration", &until];
        let mut run = authwave(&simulator, dir, (name, &input), &flags)?;
        // It would say how to go on.
        runs.push((name, run.stderr(Stdio::null()).spawn()?));
    }
    let mut done = Vec::new();
    for (name, mut run) in runs {
        wait(&mut run, 130)?;
        done.push(count(&summary(dir, name)?["rows"]["succeeded"]));
    }
    let (total, ledger) = (done.iter().sum::<f64>(), simulator.ledger()?);
    let allowed = f64::from(cell.per_second * (seconds + 1));
    let shares: Vec<String> = done.iter().map(|one| format!("{:.1} %", one / total * 100.0)).collect();
    println!(
        "four processes on {}/s for {seconds} s: {:.1} % of it used (wanted: 90 %), shares {} (wanted: 18.8 to 31.2 %), \
         {:.2} % 429",
        cell.per_second,
        total / allowed * 100.0,
        shares.join(", "),
        count(&ledger["throttled"]) / count(&ledger["requests"]) * 100.0
    );
    Ok(())
}

impl Cell {
    fn tenant(&self) -> Result<Simulator> {
        let (quota, latency) = (self.per_second.to_string(), format!("{}ms", LATENCY.as_millis()));
        Simulator::start(&["--writes-per-second", &quota, "--usage", "silent", "--latency", &latency])
    }

    fn measure(&self, simulator: &Simulator, dir: &Path, knowledge: &str) -> Result<()> {
        let Self { per_second, rows } = *self;
        let name = format!("{knowledge}-{per_second}");
        let input = users(dir, &name, rows)?;
        let (before, began) = (simulator.ledger()?, now());
        wait(&mut authwave(simulator, dir, (&name, &input), &[])?.spawn()?, 0)?;
        let (wall, after, summary) = (began.elapsed(), simulator.ledger()?, summary(dir, &name)?);
        let seen = |key: &str| count(&after[key]) - count(&before[key]);
        let ideal = f64::from(rows - per_second) / f64::from(per_second) + LATENCY.as_secs_f64();
        println!(
            "  {per_second}/s {knowledge}, {rows} rows: {:.1} s of {ideal:.1} s = {:.3}; {:.2} % 429; early {} (as the \
             tenant saw it, {} of them on the wire already); lost {} of the tenant's and {} of the results; \
             {:.1} % of the quota used",
            wall.as_secs_f64(),
            wall.as_secs_f64() / ideal,
            seen("throttled") / seen("requests") * 100.0,
            seen("early"),
            seen("early") - count(&summary["requests"]["early"]),
            f64::from(rows) - seen("changes"),
            u64::from(rows) - results(dir, &name)?,
            summary["pace"]["writes"]["quota_used"].as_f64().unwrap_or_default() * 100.0,
        );
        Ok(())
    }
}

/// A run that keeps what it remembers in `dir`.
fn authwave(
    simulator: &Simulator,
    dir: &Path,
    (name, input): (&str, &PathBuf),
    flags: &[&str],
) -> Result<Command> {
    let run_dir = dir.join(name);
    if run_dir.exists() {
        fs::remove_dir_all(&run_dir)?;
    }
    let mut command = Command::new("taskset");
    command
        .args([
            "-c",
            CLIENT_CORE,
            PROGRAM,
            "run",
            "--yes",
            "--quiet",
            "--graph-root",
            &simulator.root,
            "--run-dir",
        ])
        .arg(&run_dir)
        .arg(input);
    command.args(flags).env("AUTHWAVE_ACCESS_TOKEN", TOKEN).env("XDG_STATE_HOME", dir.join("state"));
    Ok(command)
}

fn wait(run: &mut Child, code: i32) -> Result<()> {
    match run.wait()?.code() {
        Some(exit) if exit == code => Ok(()),
        other => Err(format!("it ended with {other:?}").into()),
    }
}

fn summary(dir: &Path, name: &str) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(dir.join(name).join("summary.json"))?)?)
}

/// How many rows succeeded.
fn results(dir: &Path, name: &str) -> Result<u64> {
    let text = fs::read_to_string(dir.join(name).join("results.csv"))?;
    Ok(text.lines().filter(|line| line.contains(",succeeded,")).count() as u64)
}

fn count(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}
