//! What checking a file costs, beside reading it with the `csv` crate alone.
//!
//! `cargo bench --bench check` makes a file of a million rows, each another user's mobile, and runs `authwave check` on it in
//! turn with a program that only reads its records, once into one buffer and once each as a string record of its own, all pinned
//! to one core. Needs `taskset` (Debian: util-linux). `-- quick` measures less. Nothing is asserted.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]
#![expect(dead_code, reason = "not every benchmark needs all that they share")]

mod support;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{CLIENT_CORE, PROGRAM, Result, Used, in_a_directory, median, watch};

/// Asks this benchmark, started anew, to read the file's records into one buffer and nothing else.
const READ: &str = "read-records";

/// The same, each as a string record of its own.
const READ_OWNED: &str = "read-owned-records";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, file] = &arguments[..]
        && (word == READ || word == READ_OWNED)
    {
        let file = Path::new(file);
        return if word == READ { read(file) } else { read_owned(file) };
    }
    let is_quick = arguments.iter().any(|argument| argument == "quick");
    let (rows, rounds) = if is_quick { (200_000, 3) } else { (1_000_000, 7) };
    in_a_directory(|dir| {
        let file = table(dir, rows)?;
        let name = file.to_str().ok_or("the directory has no name in UTF-8")?;
        let (mut ratios, mut owned_ratios) = (Vec::new(), Vec::new());
        let (mut cpu, mut peak_kib) = (Vec::new(), 0.0_f64);
        let this = std::env::current_exe()?;
        for round in 1..=rounds {
            let alone = on_one_core(&this, &[READ, name])?;
            let owned = on_one_core(&this, &[READ_OWNED, name])?;
            let check = on_one_core(Path::new(PROGRAM), &["check", name])?;
            println!(
                "  round {round}: csv alone {:.2} s of CPU, with strings {:.2} s, check {:.2} s in {:.2} s, peak {:.1} MiB",
                alone.cpu.as_secs_f64(),
                owned.cpu.as_secs_f64(),
                check.cpu.as_secs_f64(),
                check.wall.as_secs_f64(),
                check.peak_kib / 1024.0
            );
            ratios.push(check.cpu.as_secs_f64() / alone.cpu.as_secs_f64());
            owned_ratios.push(check.cpu.as_secs_f64() / owned.cpu.as_secs_f64());
            cpu.push(check.cpu.as_secs_f64());
            peak_kib = peak_kib.max(check.peak_kib);
        }
        println!(
            "check of {rows} rows: median {:.2} s of CPU (wanted: 3), {:.1} times csv alone (wanted: 6), {:.1} times csv with \
             strings, peak {:.1} MiB (wanted: 64)",
            median(&mut cpu),
            median(&mut ratios),
            median(&mut owned_ratios),
            peak_kib / 1024.0
        );
        Ok(())
    })
}

fn on_one_core(program: &Path, arguments: &[&str]) -> Result<Used> {
    watch(
        Command::new("taskset").args(["-c", CLIENT_CORE]).arg(program).args(arguments).stdout(Stdio::null()),
    )
}

/// Rows as people have them, each with another user and number.
fn table(dir: &Path, rows: u32) -> Result<PathBuf> {
    let path = dir.join("wave.csv");
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "user,action,phone_type,phone_number,department")?;
    for row in 0..rows {
        writeln!(file, "user{row}@contoso.com,set-phone,mobile,+1 206{:07},Sales", 2_000_000 + row)?;
    }
    file.flush()?;
    Ok(path)
}

fn read_owned(file: &Path) -> Result<()> {
    let mut fields = 0;
    for record in csv::Reader::from_path(file)?.into_records() {
        fields += record?.len();
    }
    println!("{fields} fields");
    Ok(())
}

fn read(file: &Path) -> Result<()> {
    let mut reader = csv::Reader::from_path(file)?;
    let mut record = csv::ByteRecord::new();
    let mut fields = 0;
    while reader.read_byte_record(&mut record)? {
        fields += record.len();
    }
    println!("{fields} fields");
    Ok(())
}
