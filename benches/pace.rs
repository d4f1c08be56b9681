//! How a run fares with all kinds of quotas, in virtual time: `cargo bench --bench pace` writes docs/pace.md anew, with the
//! figures that stood there before beside the new ones. `-- WORD` prints the tenants with this word in their name.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

#[path = "../tests/pace/cell.rs"]
mod cell;
#[path = "../tests/pace/grid.rs"]
mod grid;

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use authwave::pace::pacer::{Learned, Limits};
use authwave::simulator::throttle::{Allowance, Quota};

use cell::{Bond, Cell, Fared, Shares};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pace.md");
/// The table begins behind this line.
const HEAD: &str = "| tenant | ideal | blind: time | 429 | learned: time | 429 | early | lost | before |\n\
                    |---|---|---|---|---|---|---|---|---|\n";

/// Of the tables of quotas that several runs share.
const SHARED_HEAD: &str = "Four processes on one quota, ten minutes, 50 ms, 16 plays in which each begins 0 s to 3 s after the \
                           one before.";
const FELLOWS: &str = "On one machine, where they tell each other what they do:";
const STRANGERS: &str = "On four machines, where none knows of another:";
const SHARED_COLUMNS: &str = "| quota | used, at least | shares | plays with all within a quarter of 25 % | 429, at most |\n\
                              |---|---|---|---|---|\n";

fn main() {
    let word = std::env::args().nth(1).filter(|word| !word.is_empty() && !word.starts_with("--"));
    let page = fs::read_to_string(PAGE).unwrap_or_default();
    let (text, before) = page.split_once(HEAD).unwrap_or((&page, ""));
    let before = figures(before);
    let mut table = String::new();
    for cell in grid::grid() {
        if word.as_ref().is_none_or(|word| cell.name.contains(word.as_str())) {
            let row = row(&cell, before.get(cell.name.as_str()).map_or("", String::as_str));
            print!("{row}");
            table.push_str(&row);
        }
    }
    let [fellows, strangers] = [Bond::Fellows, Bond::Strangers].map(fairness);
    let fairness = format!("{SHARED_HEAD}\n\n{FELLOWS}\n\n{fellows}\n{STRANGERS}\n\n{strangers}");
    println!("{fairness}");
    if word.is_none() {
        fs::write(PAGE, format!("{text}{HEAD}{table}\n{fairness}")).unwrap();
    }
}

fn row(cell: &Cell, before: &str) -> String {
    let blind = cell.play(Learned::default());
    let known = match cell.allowance {
        // What a run before the change would have found.
        Allowance { later: Some(_), quota: Quota::Bucket { per_second, .. }, .. } => {
            Learned { limits: Limits { reads: None, writes: Some(per_second) }, ..Learned::default() }
        }
        _ => blind.found,
    };
    let learned = cell.play(known);
    let ideal = cell.ideal().as_secs_f64();
    let told =
        |fared: &Fared| format!("{:.3} | {:.2} %", fared.wall.as_secs_f64() / ideal, fared.throttled_share());
    let (early, lost) = (blind.early + learned.early, blind.lost + learned.lost);
    let Cell { name, .. } = cell;
    let (blind, learned) = (told(&blind), told(&learned));
    format!("| {name} | {ideal:.0} s | {blind} | {learned} | {early} | {lost} | {before} |\n")
}

/// By tenant: the times that stood in a table.
fn figures(table: &str) -> HashMap<String, String> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = fields.get(1)?;
        Some(((*name).to_owned(), format!("{}, {}", fields.get(3)?, fields.get(5)?)))
    };
    table.lines().filter_map(row).collect()
}

/// How four runs share quotas for ten minutes. What each gets is a matter of chance, too, so they begin at other times in each
/// of many plays.
fn fairness(bond: Bond) -> String {
    let rows = grid::shared().into_iter().map(|(cell, rate)| {
        let time = Duration::from_mins(10);
        let plays =
            (0..=30).step_by(2).map(|tenths| cell.share(4, Duration::from_millis(100 * tenths), time, bond));
        let plays: Vec<Shares> = plays.collect();
        let level = plays.iter().filter(|play| play.widest() <= 0.25).count();
        let shares = plays.iter().flat_map(|play| {
            let total = play.total();
            play.done.iter().map(move |done| *done as f64 * 100.0 / total)
        });
        let (least, most) =
            shares.fold((100.0_f64, 0.0_f64), |(least, most), share| (least.min(share), most.max(share)));
        let used =
            plays.iter().map(|play| play.total() * 100.0 / (rate * time.as_secs_f64())).fold(100.0, f64::min);
        let throttled = plays.iter().map(|play| play.throttled).fold(0.0, f64::max);
        let (name, count) = (&cell.name, plays.len());
        format!(
            "| {name} | {used:.1} % | {least:.1} to {most:.1} % | {level} of {count} | {throttled:.2} % |\n"
        )
    });
    format!("{SHARED_COLUMNS}{}", rows.collect::<String>())
}
