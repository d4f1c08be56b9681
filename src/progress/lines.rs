//! What is shown of a run at one moment, as lines of text: a pure function of what is known and of the width.

use std::time::Duration;

use super::screen::Paint;
use crate::model::outcome::Status;
use crate::model::stats::RowCounts;
use crate::model::thousands::grouped;
use crate::policy::forecast::Span;

/// What is known at one moment.
#[derive(Debug, Clone)]
pub(super) struct Glance {
    pub(super) rows: RowCounts,
    pub(super) total: u64,
    pub(super) rows_per_second: f64,
    /// What the tenant allows, in requests a second; `None` where it is not known.
    pub(super) read_limit: Option<f64>,
    pub(super) write_limit: Option<f64>,
    pub(super) throttled: u64,
    /// Requests to which no answer came; most are tried again.
    pub(super) unanswered: u64,
    pub(super) in_flight: usize,
    pub(super) open_operations: u64,
    pub(super) pause: Option<Pause>,
    /// Until the end, as far as can be told.
    pub(super) left: Option<Duration>,
    /// The most frequent error codes so far.
    pub(super) errors: Vec<(String, u64)>,
}

/// A pause for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    /// How long the tenant asked for.
    pub(super) asked: Duration,
    /// How much of it is left.
    pub(super) left: Duration,
}

/// The widest bar.
const BAR: usize = 40;

const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

/// Always as many lines, so that what is above and below stays where it is. None is wider than `width`.
pub(super) fn block(glance: &Glance, width: usize, paint: Paint) -> Vec<String> {
    let calm = |parts: Vec<String>| fitted(&parts, width);
    let (pause, errors) = (fitted(&[pause(glance)], width), fitted(&errors(glance), width));
    vec![
        bar(glance, width),
        calm(pace(glance)),
        calm(counts(&glance.rows)),
        calm(wire(glance)),
        painted(pause, glance.pause.map(|_| YELLOW), paint),
        painted(errors, glance.errors.first().map(|_| RED), paint),
    ]
}

/// All that matters in one line, what matters most first.
pub(super) fn line(glance: &Glance) -> String {
    let mut parts = vec![progress(glance)];
    parts.extend(pace(glance));
    if glance.pause.is_some() {
        parts.push(pause(glance));
    }
    parts.extend(counts(&glance.rows));
    parts.extend(wire(glance));
    if !glance.errors.is_empty() {
        parts.extend(errors(glance));
    }
    parts.join(", ")
}

fn progress(glance: &Glance) -> String {
    format!("{}/{} rows", grouped(done(glance)), grouped(glance.total))
}

fn done(glance: &Glance) -> u64 {
    glance.rows.total()
}

fn bar(glance: &Glance, width: usize) -> String {
    let text = progress(glance);
    let share = done(glance) as f64 / glance.total.max(1) as f64;
    let percent = format!("{:>3.0} %", (share * 100.0).floor().min(100.0));
    let room = width.saturating_sub(text.len() + percent.len() + 4).min(BAR);
    if room < 5 {
        return fitted(&[text, percent.trim_start().to_owned()], width);
    }
    let full = (0..room).filter(|cell| (*cell as f64 + 0.5) / (room as f64) < share).count();
    format!("[{}{}] {percent} {text}", "#".repeat(full), "-".repeat(room - full))
}

fn pace(glance: &Glance) -> Vec<String> {
    let mut parts = vec![format!("{:.1} rows/s", glance.rows_per_second)];
    if let Some(left) = glance.left {
        parts.push(format!("ETA {}", Span(left)));
    }
    for (limit, name) in [(glance.write_limit, "writes"), (glance.read_limit, "reads")] {
        if let Some(limit) = limit {
            parts.push(format!("limit found {limit:.1} {name}/s"));
        }
    }
    parts
}

fn counts(rows: &RowCounts) -> Vec<String> {
    let is_told = |status: &Status| rows.of(*status) > 0 || *status == Status::Succeeded;
    let told = Status::ALL.into_iter().filter(is_told);
    told.map(|status| format!("{} {status}", grouped(rows.of(status)))).collect()
}

fn wire(glance: &Glance) -> Vec<String> {
    let mut parts = vec![format!("{} in flight", glance.in_flight)];
    if glance.open_operations > 0 {
        parts.insert(0, format!("{} resets open", grouped(glance.open_operations)));
    }
    parts.push(format!("{} throttled", grouped(glance.throttled)));
    if glance.unanswered > 0 {
        parts.push(format!("{} without an answer", grouped(glance.unanswered)));
    }
    parts
}

fn pause(glance: &Glance) -> String {
    match glance.pause {
        Some(Pause { asked, left }) => {
            // What has begun counts whole.
            let (asked, left) = (asked.as_secs_f64().ceil(), left.as_secs_f64().ceil());
            format!("paused {left} s more: tenant asked for {asked} s")
        }
        None => "no pause".to_owned(),
    }
}

fn errors(glance: &Glance) -> Vec<String> {
    if glance.errors.is_empty() {
        return vec!["no errors so far".to_owned()];
    }
    // Codes are Graph's, or whoever's stands between.
    let printable = |code: &str| code.replace(char::is_control, "\u{fffd}");
    let told = glance.errors.iter().map(|(code, count)| format!("{} {}", grouped(*count), printable(code)));
    told.enumerate().map(|(place, text)| if place == 0 { format!("errors: {text}") } else { text }).collect()
}

/// As many parts as there is room for; where not even the first has, its beginning.
fn fitted(parts: &[String], width: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let comma = if text.is_empty() { "" } else { ", " };
        if text.chars().count() + comma.len() + part.chars().count() > width {
            break;
        }
        text = text + comma + part;
    }
    match parts.first() {
        Some(first) if text.is_empty() => {
            first.chars().take(width.saturating_sub(1)).chain(['…']).take(width).collect()
        }
        Some(_) | None => text,
    }
}

fn painted(text: String, colour: Option<&str>, paint: Paint) -> String {
    match (colour, paint) {
        (Some(colour), Paint::Colour) => format!("{colour}{text}{PLAIN}"),
        (None, _) | (_, Paint::Plain) => text,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn glance() -> Glance {
        Glance {
            rows: RowCounts {
                succeeded: 1_200,
                unchanged: 30,
                failed: 3,
                unknown: 1,
                ..RowCounts::default()
            },
            total: 12_000,
            rows_per_second: 14.25,
            read_limit: None,
            write_limit: Some(20.0),
            throttled: 2,
            unanswered: 0,
            in_flight: 8,
            open_operations: 0,
            pause: None,
            left: Some(Duration::from_mins(13)),
            errors: vec![("phoneNumberNotUnique".to_owned(), 3), ("http-500".to_owned(), 1)],
        }
    }

    fn held() -> Glance {
        let pause = Pause { asked: Duration::from_secs(12), left: Duration::from_millis(6_400) };
        Glance { pause: Some(pause), open_operations: 5, unanswered: 7, left: None, ..glance() }
    }

    fn begun() -> Glance {
        let (rows, errors) = (RowCounts::default(), Vec::new());
        Glance { rows, errors, left: None, write_limit: None, rows_per_second: 0.0, throttled: 0, ..glance() }
    }

    #[test]
    fn the_block_tells_all_that_matters_in_every_width() {
        let mut shown = String::new();
        for (name, glance) in [("begun", begun()), ("under way", glance()), ("held", held())] {
            for width in [80, 40, 20] {
                let lines = block(&glance, width, Paint::Plain).join("\n");
                let _ = write!(shown, "{name}, {width} columns\n{lines}\n\n");
            }
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_plain_line_tells_the_same() {
        insta::assert_snapshot!(line(&glance()), @"1,234/12,000 rows, 14.2 rows/s, ETA 13 min, limit found 20.0 writes/s, 1,200 succeeded, 30 unchanged, 3 failed, 1 unknown, 8 in flight, 2 throttled, errors: 3 phoneNumberNotUnique, 1 http-500");
        insta::assert_snapshot!(line(&held()), @"1,234/12,000 rows, 14.2 rows/s, limit found 20.0 writes/s, paused 7 s more: tenant asked for 12 s, 1,200 succeeded, 30 unchanged, 3 failed, 1 unknown, 5 resets open, 8 in flight, 2 throttled, 7 without an answer, errors: 3 phoneNumberNotUnique, 1 http-500");
    }

    #[test]
    fn colour_comes_with_words_and_only_where_it_is_wanted() {
        let coloured = block(&held(), 80, Paint::Colour);
        assert!(coloured[4].starts_with("\u{1b}[33mpaused") && coloured[5].starts_with("\u{1b}[31merrors"));
        assert!(!block(&held(), 80, Paint::Plain).join("").contains('\u{1b}'));
        assert!(!block(&begun(), 80, Paint::Colour).join("").contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal_and_there_are_always_as_many(
            width in 1_usize..200, done in 0_u64..2_000_000, code in "\\PC{0,30}\\p{Cc}{0,2}\\PC{0,30}",
        ) {
            let rows = RowCounts { succeeded: done, failed: done, ..RowCounts::default() };
            let glance = Glance { rows, errors: vec![(code, done)], ..held() };
            let lines = block(&glance, width, Paint::Plain);
            prop_assert_eq!(lines.len(), 6);
            for line in lines {
                prop_assert!(line.chars().count() <= width, "{:?}", line);
                prop_assert!(!line.contains(char::is_control), "{:?}", line);
            }
        }
    }
}
