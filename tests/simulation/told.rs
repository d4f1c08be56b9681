//! What a run tells when it has ended: results.csv, operations.csv and summary.json, made from its journal, beside each
//! other and beside the tenant's ledger.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use csv::StringRecord;

use authwave::journal::record::Traffic;
use authwave::journal::store::Store;
use authwave::model::event::{Event, Observer as _};
use authwave::model::header::Header;
use authwave::model::outcome::Status;
use authwave::model::row::RowNumber;
use authwave::model::stats::Stats;
use authwave::model::timeline::Timeline;
use authwave::results::operations::Operations;
use authwave::results::rows::Results;
use authwave::results::summary::Summary;
use authwave::simulator::ledger::Ledger;

/// A run's files, read back.
pub(crate) struct Told {
    /// As the journal has them.
    pub(crate) statuses: Vec<(RowNumber, Status)>,
    results: Vec<StringRecord>,
    operations: Vec<StringRecord>,
    summary: Summary,
}

impl Told {
    /// Makes the files, and reads them.
    pub(crate) fn by(store: &Store, timeline: Timeline) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        let (results, operations, summary) =
            (path("results.csv"), path("operations.csv"), path("summary.json"));
        let (mut stats, mut statuses) = (Stats::default(), Vec::new());
        let mut rows_file = Results::create(&results, &Header::default(), timeline).unwrap();
        let mut operations_file = Operations::create(&operations, timeline).unwrap();
        let replayed = store.replay(&timeline, |event| {
            stats.add(&event);
            rows_file.observe(&event).unwrap();
            operations_file.observe(&event).unwrap();
            if let Event::Ended(ended) = &event {
                statuses.push((ended.work.row().number, ended.outcome.status));
            }
        });
        replayed.unwrap();
        rows_file.finish().unwrap();
        operations_file.finish().unwrap();
        let Traffic { requests, held, throughput } = store.traffic().unwrap();
        let stats = Stats { requests, held, ..stats };
        let told = Summary {
            sessions: store.sessions().unwrap(),
            ..Summary::counted(&stats, &throughput, store.working_time().unwrap())
        };
        told.write(&summary).unwrap();
        let summary = serde_json::from_slice(&std::fs::read(summary).unwrap()).unwrap();
        Self { statuses, results: lines(&results), operations: lines(&operations), summary }
    }

    /// The files say the same.
    #[track_caller]
    pub(crate) fn assert_agrees(&self, sessions: u64, lasted: Duration) {
        let (summary, rows) = (&self.summary, self.summary.rows);
        let in_file: Vec<&str> = self.results.iter().map(|line| &line[5]).collect();
        let in_journal: Vec<&str> = self.statuses.iter().map(|(_, status)| status.name()).collect();
        assert_eq!(in_file, in_journal);
        let count = |status: Status| in_file.iter().filter(|told| **told == status.name()).count() as u64;
        assert_eq!(
            Status::ALL.map(count),
            [rows.succeeded, rows.unchanged, rows.failed, rows.unknown, rows.pending, rows.unprocessed]
        );
        assert_eq!(rows.total, in_file.len() as u64);
        let mut by_action: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for line in &self.results {
            let action = if line[2].is_empty() { "invalid" } else { &line[2] };
            *by_action.entry(action.to_owned()).or_default().entry(line[5].to_owned()).or_default() += 1;
        }
        assert_eq!(summary.by_action, by_action);

        let ended = |status: &str| self.operations.iter().filter(|line| &line[3] == status).count() as u64;
        let told = &summary.operations;
        assert_eq!([told.succeeded, told.failed], ["succeeded", "failed"].map(ended));
        let closed = told.succeeded + told.failed + told.timed_out;
        assert_eq!(closed, self.operations.len() as u64);
        assert_eq!(closed, told.accepted, "the last session waits for every operation, or gives it up");

        let requests = &summary.requests;
        assert_eq!(requests.reads + requests.writes, requests.total, "{requests:?}");
        assert_eq!(requests.by_status.values().sum::<u64>(), requests.total, "{requests:?}");
        assert_eq!(requests.by_status.get("429").copied().unwrap_or_default(), requests.throttled);
        assert_eq!(requests.early, 0, "{requests:?}");
        let intervals = &summary.pace.intervals;
        let went = intervals.iter().map(|interval| interval.reads + interval.writes + interval.throttled);
        assert_eq!(went.sum::<u64>(), requests.total, "{intervals:?}");
        assert_eq!(summary.sessions, sessions);
        assert!(Duration::from_millis(summary.duration_ms) <= lasted, "{summary:?}");
    }

    /// The tenant saw what the summary tells. `told` is how many requests the sessions told of that did not crash;
    /// `answers` came to us, by status.
    #[track_caller]
    pub(crate) fn assert_is_seen(&self, ledger: &Ledger, told: u64, answers: Option<BTreeMap<String, u64>>) {
        let requests = &self.summary.requests;
        let ours = [requests.total, requests.reads, requests.writes];
        let theirs = [ledger.requests, ledger.reads, ledger.writes];
        assert!(told <= requests.total, "{requests:?}, and sessions told of {told}");
        match answers {
            // A process that crashed has not told of its last requests.
            None => assert!(
                ours.iter().zip(theirs).all(|(ours, theirs)| *ours <= theirs),
                "{requests:?} {ledger}"
            ),
            Some(mut answers) => {
                assert_eq!(ours, theirs, "{ledger}");
                // An abort, and a reset that is given up, wait for no answer.
                let unheard = ledger.requests - answers.values().sum::<u64>();
                *answers.entry("none".to_owned()).or_default() += unheard;
                answers.retain(|_, count| *count > 0);
                assert_eq!(requests.by_status, answers, "{ledger}");
            }
        }
        assert!(requests.throttled <= ledger.throttled, "{requests:?} {ledger}");
        assert!(self.summary.operations.accepted <= ledger.resets, "{ledger}");
        let succeeded = |action: &str| {
            let counts = self.summary.by_action.get(action);
            counts.and_then(|counts| counts.get("succeeded")).copied().unwrap_or_default()
        };
        assert!(succeeded("reset-password") <= ledger.resets, "{ledger}");
        // No number stands in two rows, so each that was set was a change.
        let set = ["add-phone", "update-phone", "set-phone"].map(succeeded);
        assert!(set.iter().sum::<u64>() <= ledger.changes, "{set:?} {ledger}");
    }
}

fn lines(path: &Path) -> Vec<StringRecord> {
    csv::Reader::from_path(path).unwrap().records().collect::<Result<_, _>>().unwrap()
}
