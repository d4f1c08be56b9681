//! report.html: one page that stands alone.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use jiff::Timestamp;

use super::chart::{Chart, Column, rounded};
use super::guide::{Advice, advice};
use super::holders::{Line, lines};
use super::shortened::shortened;
use super::verdict::{Errand, Presence, Verdict, verdict};
use crate::model::digest::Digest;
use crate::model::latency::{BOUNDS_MS, Times};
use crate::model::numbers::Numbers;
use crate::model::outcome::Status;
use crate::model::stats::RequestCounts;
use crate::model::thousands::grouped;
use crate::model::throughput::{Interval, Throughput};
use crate::policy::holders::Holders;

/// What the page is made of.
#[derive(Debug)]
pub struct Facts<'run> {
    /// The rows' file, without its directory.
    pub input: String,
    /// What it was for.
    pub errand: Errand,
    /// How many rows it has, or users who are to be read.
    pub rows: u64,
    /// When the run began.
    pub started_at: String,
    /// For how long it was worked on.
    pub worked: String,
    /// Whether nothing real was touched.
    pub is_rehearsal: bool,
    /// The tenant's id or domain, where it is known.
    pub tenant: Option<&'run str>,
    /// Without version.
    pub graph_root: &'run str,
    /// `v1.0` or `beta`.
    pub api_version: &'run str,
    /// Of the program that began it.
    pub program_version: &'run str,
    /// What rows and operations came to.
    pub digest: &'run Digest,
    /// Rows whose number signs in another user, and who has it.
    pub holders: &'run Holders,
    /// What was sent.
    pub requests: &'run RequestCounts,
    /// How that went over time.
    pub throughput: &'run Throughput,
    /// For how long everybody paused.
    pub held: String,
    /// What the tenant allows, in words.
    pub limits: Vec<String>,
    /// What to type next: commands, and what to do before them.
    pub next: Vec<String>,
    /// What was asked for.
    pub settings: Vec<(String, String)>,
    /// Whether phone numbers are shown.
    pub numbers: Numbers,
    /// Whether somebody works on it.
    pub presence: Presence,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'run> {
    facts: &'run Facts<'run>,
    verdict: Verdict,
    pace: Vec<Chart>,
    operations: Option<Chart>,
    /// The headings of the errors, in their order.
    anchors: Vec<String>,
    holders: Vec<Line>,
}

/// The whole page.
#[must_use]
pub fn page(facts: &Facts<'_>) -> String {
    let times = &facts.digest.operation_times;
    let page = Page {
        facts,
        verdict: verdict(facts.digest, (facts.errand, facts.rows), facts.presence),
        pace: vec![rates(facts.throughput), throttled(facts.throughput), latencies(facts.throughput)],
        operations: (!times.is_empty()).then(|| operation_times(times)),
        anchors: anchors(facts.digest.errors.iter().map(|group| group.code.as_str())),
        holders: lines(facts.holders, facts.numbers),
    };
    let Ok(text) = page.render() else { unreachable!("writing to a string cannot fail") };
    text
}

impl Page<'_> {
    fn tiles(&self) -> [(Status, u64, &'static str); 6] {
        Status::ALL.map(|status| {
            let count = self.facts.digest.rows.of(status);
            let class = match status {
                Status::Succeeded | Status::Unchanged => "good",
                Status::Failed | Status::Unknown if count > 0 => "bad",
                Status::Pending | Status::Unprocessed if count > 0 => "warn",
                Status::Failed | Status::Unknown | Status::Pending | Status::Unprocessed => "none",
            };
            (status, count, class)
        })
    }

    /// What it is a report of.
    fn title(&self) -> String {
        let input = self.text(&self.facts.input);
        match self.facts.errand {
            Errand::Rows => input.into_owned(),
            Errand::Snapshot => format!("Snapshot of {input}"),
            Errand::Plan => format!("What was read for the plan of {input}"),
        }
    }

    /// Free text as it may be shown.
    fn text<'text>(&self, text: &'text str) -> Cow<'text, str> {
        self.facts.numbers.in_text(shortened(text))
    }
}

/// What the guide says, each with its heading. What stands between backticks is to be typed.
pub(super) const fn paragraphs(advice: &Advice) -> [(&'static str, &'static str); 3] {
    [("", advice.cause), ("Cure:", advice.cure), ("Permission:", advice.permission)]
}

/// By which each code's heading can be linked to: `error-phone-number-not-unique`. Codes that differ in what stands in no
/// such name are counted.
fn anchors<'code>(codes: impl Iterator<Item = &'code str>) -> Vec<String> {
    let mut taken: HashMap<String, u32> = HashMap::new();
    let told = |code| {
        let name = anchor(code);
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}--{count}") }
    };
    codes.map(told).collect()
}

fn anchor(code: &str) -> String {
    let mut name = "error".to_owned();
    let mut before = '-';
    for c in shortened(code).chars() {
        let begins = before.is_ascii_lowercase() && c.is_ascii_uppercase();
        if c.is_ascii_alphanumeric() && (begins || !before.is_ascii_alphanumeric()) {
            name.push('-');
        }
        name.extend(c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase()));
        before = c;
    }
    name
}

pub(super) fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(count)) }
}

fn moment(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Columns of intervals: so many whatever the run's length.
fn over_time(throughput: &Throughput, values: impl Fn(&Interval) -> (Vec<f64>, Option<f64>)) -> Vec<Column> {
    let column = |(interval, number): (&_, u64)| {
        let (values, limit) = values(interval);
        Column { at: clock(number * throughput.interval_ms / 1_000), values, limit }
    };
    throughput.answered().iter().zip(0..).map(column).collect()
}

/// A time since the beginning.
fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn rates(throughput: &Throughput) -> Chart {
    let seconds = throughput.interval_ms as f64 / 1e3;
    let is_known =
        |limit: fn(&Interval) -> Option<f64>| throughput.answered().iter().any(|one| limit(one).is_some());
    // One line, and of one thing: what counts for the other is another limit.
    let (limit_name, limit): (_, fn(&Interval) -> Option<f64>) = match () {
        () if is_known(|one| one.write_limit) => (Some("limit of writes"), |one| one.write_limit),
        () if is_known(|one| one.read_limit) => (Some("limit of reads"), |one| one.read_limit),
        () => (None, |_| None),
    };
    let columns = over_time(throughput, |one| {
        (vec![one.writes as f64 / seconds, one.reads as f64 / seconds], limit(one))
    });
    let highest = columns.iter().map(|column| column.values.iter().sum()).fold(0.0, f64::max);
    Chart {
        id: "chart-rate",
        title: "Requests a second",
        in_words: format!(
            "{} at most, over {} of work.",
            rounded(highest),
            clock(columns.len() as u64 * throughput.interval_ms / 1_000)
        ),
        axis: "time",
        series: &["writes", "reads"],
        limit_name,
        height: 220,
        columns,
        ..Chart::default()
    }
}

fn throttled(throughput: &Throughput) -> Chart {
    let columns = over_time(throughput, |one| (vec![one.throttled as f64], None));
    let total: u64 = throughput.intervals.iter().map(|one| one.throttled).sum();
    Chart {
        id: "chart-throttled",
        title: "Answered 429: the tenant asks for less",
        in_words: if total == 0 { "None.".to_owned() } else { format!("{} in all.", grouped(total)) },
        axis: "time",
        series: &["429s"],
        first_class: 2,
        height: 130,
        columns,
        ..Chart::default()
    }
}

fn latencies(throughput: &Throughput) -> Chart {
    let (reads, writes) = (throughput.read_times, throughput.write_times);
    let mut all = reads;
    all.take(&writes);
    Chart {
        id: "chart-latency",
        title: "How long answers took",
        in_words: in_words(&all),
        axis: "up to",
        series: &["writes", "reads"],
        height: 200,
        columns: classes(&[&writes, &reads]),
        ..Chart::default()
    }
}

fn operation_times(times: &Times) -> Chart {
    Chart {
        id: "chart-operations",
        title: "How long resets took from acceptance to end",
        in_words: in_words(times),
        axis: "up to",
        series: &["resets"],
        height: 160,
        columns: classes(&[times]),
        ..Chart::default()
    }
}

fn in_words(times: &Times) -> String {
    let within = |share| times.within(share).map_or_else(|| "more than 50 s".to_owned(), span);
    if times.is_empty() {
        return "None were answered.".to_owned();
    }
    format!("Half within {}, 95 % within {}, 99 % within {}.", within(0.5), within(0.95), within(0.99))
}

fn classes(series: &[&Times]) -> Vec<Column> {
    let names = BOUNDS_MS.iter().map(|ms| span(Duration::from_millis(*ms))).chain(["more".to_owned()]);
    names
        .enumerate()
        .map(|(class, at)| {
            let values = series.iter().map(|times| times.counts()[class] as f64).collect();
            Column { at, values, limit: None }
        })
        .collect()
}

fn span(span: Duration) -> String {
    if span.as_millis() < 1_000 {
        format!("{} ms", span.as_millis())
    } else {
        format!("{} s", span.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::super::holders::tests::most;
    use super::*;
    use crate::model::digest::{ErrorExample, ErrorGroup, PendingReset, SessionDigest};
    use crate::model::latency::CLASSES;
    use crate::model::row::RowNumber;
    use crate::model::throughput::MOST_INTERVALS;

    /// A digest with as much text as there may be, all of it `text`.
    fn digest(text: &str) -> Digest {
        let text = text.to_owned();
        let example = ErrorExample {
            row: RowNumber(1_000_000),
            user: text.clone(),
            action: "reset-password".to_owned(),
            phone_number: "+1 2065550123".to_owned(),
            status: Status::Failed,
            message: text.clone(),
            detail: text.clone(),
            request_id: String::new(),
        };
        let group = |number| ErrorGroup {
            code: format!("code-{number}"),
            http_status: Some(403),
            failed: 1_000_000,
            unknown: 1,
            examples: vec![example.clone(); 3],
        };
        let (at, user) = (Timestamp::UNIX_EPOCH, text.clone());
        let session = SessionDigest {
            number: 1,
            started_at: at,
            ended_at: Some(at),
            stop_reason: Some(text),
            exit_code: Some(4),
            requests: 7,
            throttled: 1,
        };
        let mut digest = Digest {
            errors: (0..50).map(group).collect(),
            pending: vec![PendingReset { row: RowNumber(7), user, accepted_at: at, polls: 3 }; 50],
            sessions: vec![session; 20],
            ..Digest::default()
        };
        digest.operations.accepted = 9;
        digest.operation_times.add(Duration::from_secs(3));
        digest
    }

    fn throughput() -> Throughput {
        let interval = Interval {
            reads: 123_456,
            writes: 654_321,
            throttled: 7,
            write_limit: Some(20.25),
            ..Interval::default()
        };
        let intervals = vec![interval; MOST_INTERVALS];
        let mut throughput = Throughput { intervals, ..Throughput::default() };
        throughput.write_times.add(Duration::from_millis(30));
        throughput
    }

    fn shown(digest: &Digest, numbers: Numbers) -> String {
        shown_when(digest, numbers, Presence::Over)
    }

    fn shown_when(digest: &Digest, numbers: Numbers, presence: Presence) -> String {
        shown_with(digest, &Holders::default(), (numbers, presence))
    }

    fn shown_with(digest: &Digest, holders: &Holders, (numbers, presence): (Numbers, Presence)) -> String {
        page(&Facts {
            input: "+44 7700900123.csv".to_owned(),
            errand: Errand::Rows,
            rows: 3,
            started_at: "then".to_owned(),
            worked: "2s".to_owned(),
            is_rehearsal: true,
            tenant: Some("contoso.com"),
            graph_root: "https://graph.microsoft.com",
            api_version: "v1.0",
            program_version: "0.1.0",
            digest,
            holders,
            requests: &RequestCounts::default(),
            throughput: &throughput(),
            held: "0s".to_owned(),
            limits: vec!["20.0 writes a second".to_owned()],
            next: vec!["authwave resume runs/wave".to_owned()],
            settings: vec![("pace.in_flight".to_owned(), "8".to_owned())],
            numbers,
            presence,
        })
    }

    #[test]
    fn the_longest_page_is_below_two_mebibytes() {
        for text in ["<".repeat(100_000), "\u{1F600}".repeat(100_000)] {
            let name = text.chars().next().into_iter().cycle().take(200).collect::<String>();
            let shown = (Numbers::Masked, Presence::Over);
            let length = shown_with(&digest(&text), &most(&name), shown).len();
            assert!(length < 2 << 20, "{length}");
        }
    }

    #[test]
    fn a_user_named_script_is_text_and_nothing_else() {
        let page = shown(&digest("<script>alert(1)</script>\" onload='x'"), Numbers::Masked);
        assert!(!page.contains("<script"), "unescaped");
        assert!(
            page.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34; onload=&#39;x&#39;"),
            "not there"
        );
    }

    #[test]
    fn holders_of_numbers_are_told_where_there_are_any() {
        let told =
            |holders: &Holders| shown_with(&Digest::default(), holders, (Numbers::Masked, Presence::Over));
        assert!(!told(&Holders::default()).contains("id=\"holders\""));
        let mut found = most("<b>");
        let page = told(&found);
        for part in [
            "1,000,000 rows with a mobile",
            "The first 50 of them",
            "who has it in the tenant",
            "+1 ******0177",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(
            page.contains("&#60;b&#62;@contoso.com (row 1, mobile, succeeded)") && !page.contains("<b>@")
        );
        assert!(!page.contains("2065550177"));
        found.searched = None;
        assert!(!told(&found).contains("who has it in the tenant"));
    }

    #[test]
    fn numbers_are_shown_only_to_those_who_ask() {
        let mut digest = digest("is +44 7700900123 now");
        // Users are told by their names, whatever these are.
        let examples = digest.errors.iter_mut().flat_map(|group| &mut group.examples);
        examples.map(|example| &mut example.user).for_each(String::clear);
        digest.pending.clear();
        let masked = shown(&digest, Numbers::Masked);
        assert!(masked.contains("+44 ******0123") && masked.contains("+1 ******0123"));
        assert!(!masked.contains("7700900123") && !masked.contains("2065550123"));
        // The input's name is nobody's own.
        for place in ["<title>authwave: +44 ******0123.csv</title>", "<h1>+44 ******0123.csv</h1>"] {
            assert!(masked.contains(place), "{place}");
        }
        let all = shown(&digest, Numbers::Shown);
        assert!(all.contains("+44 7700900123") && all.contains("+1 2065550123"));
    }

    #[test]
    fn commands_in_causes_and_cures_stand_out() {
        let mut digest = digest("x");
        digest.errors[0].code = "invalid-row".to_owned();
        let page = shown(&digest, Numbers::Masked);
        assert!(page.contains("<p><strong>Cure:</strong> Mend the row in unfinished.csv"), "no cure");
        assert!(page.contains(" <code>authwave check FILE</code> tells all such rows"), "no command");
        assert!(!page.contains('`'), "a mark of the guide");
    }

    #[test]
    fn headings_of_errors_are_linked_to_by_their_codes() {
        let codes = [
            "phoneNumberNotUnique",
            "http-403",
            "Authorization_RequestDenied",
            "a b",
            "a-B",
            "\u{e4}\"><b>",
            "404",
            "",
        ];
        let expected = [
            "error-phone-number-not-unique",
            "error-http-403",
            "error-authorization-request-denied",
            "error-a-b",
            "error-a-b--2",
            "error-b",
            "error-404",
            "error",
        ];
        assert_eq!(anchors(codes.into_iter()), expected);
        let page = shown(&digest("x"), Numbers::Masked);
        for number in 0..50 {
            assert_eq!(page.matches(&format!("<h3 id=\"error-code-{number}\">")).count(), 1, "{number}");
            // From the list of causes, and from the heading itself.
            assert_eq!(page.matches(&format!("<a href=\"#error-code-{number}\">")).count(), 2, "{number}");
        }
    }

    #[test]
    fn open_resets_have_not_ended_yet_while_somebody_waits_for_them() {
        let digest = digest("is");
        let told = |presence| shown_when(&digest, Numbers::Masked, presence);
        assert!(told(Presence::UnderWay).contains("0 failed, 9 have not ended yet."));
        assert!(told(Presence::Over).contains("0 failed, 9 had not ended when nobody waited any longer."));
    }

    #[test]
    fn the_charts_tell_what_was_counted() {
        let throughput = throughput();
        let rate = rates(&throughput);
        assert_eq!(
            (rate.columns.len(), rate.columns[0].values.as_slice()),
            (120, &[654_321.0, 123_456.0][..])
        );
        assert_eq!(rate.columns[61].at, "1:01");
        assert_eq!(rate.in_words, "777777 at most, over 2:00 of work.");
        assert_eq!(super::throttled(&throughput).in_words, "840 in all.");
        let latency = latencies(&throughput);
        assert_eq!(latency.columns.len(), CLASSES);
        assert_eq!(latency.in_words, "Half within 50 ms, 95 % within 50 ms, 99 % within 50 ms.");
    }

    #[test]
    fn the_limit_says_whose_it_is_and_stands_in_the_table() {
        let one =
            |write_limit, read_limit| Interval { reads: 5, write_limit, read_limit, ..Interval::default() };
        let chart = |intervals| rates(&Throughput { intervals, ..Throughput::default() });
        let limits = |chart: &Chart| chart.columns.iter().map(|column| column.limit).collect::<Vec<_>>();
        let both = chart(vec![one(None, Some(40.0)), one(Some(20.0), Some(40.0))]);
        assert_eq!((both.limit_name, limits(&both)), (Some("limit of writes"), vec![None, Some(20.0)]));
        let reads = chart(vec![one(None, None), one(None, Some(40.0))]);
        assert_eq!((reads.limit_name, limits(&reads)), (Some("limit of reads"), vec![None, Some(40.0)]));
        assert_eq!(chart(vec![one(None, None)]).limit_name, None);
        let page = shown(&Digest::default(), Numbers::Masked);
        assert!(page.contains("<th scope=\"col\" class=\"n\">limit of writes</th></tr>"), "no heading");
        assert!(page.contains("<td class=\"n\">20</td></tr>"), "no limit");
    }
}
