//! The run in one sentence.

use crate::model::action::Action;
use crate::model::digest::Digest;
use crate::model::outcome::Status;
use crate::model::stats::RowCounts;
use crate::model::thousands::grouped;

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// All is as it should be.
    Good,
    /// Something is still to come.
    Open,
    /// Something has to be done.
    Bad,
}

impl Mood {
    /// Of the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Open => "warn",
            Self::Bad => "bad",
        }
    }

    /// For who sees no colours.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "All done",
            Self::Open => "Not over yet",
            Self::Bad => "Needs attention",
        }
    }
}

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Its rows were to be done.
    Rows,
    /// The users of its rows were to be read.
    Snapshot,
    /// The same, to plan what a run would do.
    Plan,
}

impl Errand {
    /// What a journal calls so.
    #[must_use]
    pub fn of(command: &str) -> Self {
        match command {
            "snapshot" => Self::Snapshot,
            "plan" => Self::Plan,
            _ => Self::Rows,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rows => "run",
            Self::Snapshot => "snapshot",
            Self::Plan => "plan",
        }
    }

    /// What is counted.
    const fn counted(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Snapshot | Self::Plan => "users",
        }
    }
}

/// Whether a process works on the run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// One does.
    UnderWay,
    /// None does.
    Over,
}

/// The run in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How it went.
    pub mood: Mood,
    /// What came of it.
    pub sentence: String,
}

/// Of a run whose input has so many rows, or users where it reads each of them once.
#[must_use]
pub fn verdict(digest: &Digest, (errand, rows): (Errand, u64), presence: Presence) -> Verdict {
    let counts = &digest.rows;
    let done = counts.succeeded + counts.unchanged;
    let ended = counts.total() - counts.not_reached();
    let last = digest.sessions.last();
    let (of, left) = (grouped(rows), rows.saturating_sub(ended));
    let (name, counted) = (errand.name(), errand.counted());
    let told = |sentence: String, mood| Verdict { mood, sentence };
    if presence == Presence::UnderWay {
        return told(
            format!("The {name} is under way: {} of {of} {counted} have ended.", grouped(ended)),
            Mood::Open,
        );
    }
    if last.is_some_and(|session| session.ended_at.is_none()) || digest.in_doubt > 0 {
        let sentence = format!(
            "The {name} broke off: {} of {of} {counted} have ended, {} are in doubt, {} were never tried. Nothing is \
             lost; resume goes on.",
            grouped(ended),
            grouped(digest.in_doubt),
            grouped(left.saturating_sub(digest.in_doubt)),
        );
        return told(sentence, Mood::Bad);
    }
    if left > 0 {
        let sentence =
            format!("The {name} stopped before its end: {} of {of} {counted} have ended.", grouped(ended));
        return told(sentence, Mood::Bad);
    }
    let mut parts: Vec<String> = [Status::Failed, Status::Unknown, Status::Pending]
        .iter()
        .filter(|status| counts.of(**status) > 0)
        .map(|status| in_words(*status, counts.of(*status)))
        .collect();
    if counts.not_due > 0 {
        parts.push(format!("{} not due yet", are(counts.not_due)));
    }
    let parts = parts.join(", ");
    if errand != Errand::Rows {
        let users = match counts.succeeded {
            1 => "1 user was".to_owned(),
            many => format!("{} users were", grouped(many)),
        };
        let sentence = match parts.as_str() {
            "" => format!("{users} read, nothing was written."),
            parts => format!("{users} read, nothing was written; {parts}."),
        };
        return told(sentence, mood(counts));
    }
    if parts.is_empty() {
        let sentence = match rows {
            0 => "There were no rows, and nothing was to be done.".to_owned(),
            1 => format!("The only row is as it should be: {}.", done_in_words(digest)),
            _ => format!("All {of} rows are as they should be: {}.", done_in_words(digest)),
        };
        return told(sentence, Mood::Good);
    }
    told(format!("{} of {of} rows are as they should be; {parts}.", grouped(done)), mood(counts))
}

const fn mood(counts: &RowCounts) -> Mood {
    match counts {
        RowCounts { failed: 0, unknown: 0, pending: 0, not_due: 0, .. } => Mood::Good,
        RowCounts { failed: 0, unknown: 0, .. } => Mood::Open,
        _ => Mood::Bad,
    }
}

/// What was done where all went well. Who was read was not changed.
fn done_in_words(digest: &Digest) -> String {
    let read = digest.by_action.get(Action::ListMethods.name()).map_or(0, |counts| counts.succeeded);
    let changed = format!("{} changed", were(digest.rows.succeeded.saturating_sub(read)));
    let unchanged = format!("{} so already", were(digest.rows.unchanged));
    if read == 0 {
        format!("{changed}, {unchanged}")
    } else {
        format!("{changed}, {} read, {unchanged}", were(read))
    }
}

fn are(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "is" } else { "are" })
}

fn were(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "was" } else { "were" })
}

fn in_words(status: Status, count: u64) -> String {
    match status {
        Status::Unknown => format!("{} may have been done, and it could not be found out", grouped(count)),
        Status::Pending if count == 1 => "1 is a password reset that has not ended yet".to_owned(),
        Status::Pending => format!("{} are password resets that have not ended yet", grouped(count)),
        Status::Failed | Status::Succeeded | Status::Unchanged | Status::Unprocessed => {
            format!("{} {}", grouped(count), status.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::digest::SessionDigest;

    fn told(rows: RowCounts, ended_at: Option<Timestamp>, presence: Presence) -> (Mood, String) {
        told_of((Errand::Rows, 10), (rows, 0), (ended_at, presence))
    }

    fn told_of(
        of: (Errand, u64),
        (rows, read): (RowCounts, u64),
        (ended_at, presence): (Option<Timestamp>, Presence),
    ) -> (Mood, String) {
        let session = SessionDigest {
            number: 1,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at,
            stop_reason: None,
            exit_code: None,
            requests: 0,
            throttled: 0,
        };
        let read = RowCounts { succeeded: read, ..RowCounts::default() };
        let by_action = [("list-methods".to_owned(), read)].into();
        let in_doubt = if ended_at.is_none() { 2 } else { 0 };
        let digest = Digest { rows, by_action, sessions: vec![session], in_doubt, ..Digest::default() };
        let Verdict { mood, sentence } = verdict(&digest, of, presence);
        (mood, sentence)
    }

    #[test]
    fn who_was_only_read_was_not_changed() {
        let over = (Some(Timestamp::UNIX_EPOCH), Presence::Over);
        let rows = RowCounts { succeeded: 7, unchanged: 3, ..RowCounts::default() };
        let (_, sentence) = told_of((Errand::Rows, 10), (rows, 5), over);
        assert_eq!(
            sentence,
            "All 10 rows are as they should be: 2 were changed, 5 were read, 3 were so already."
        );
        let read = RowCounts { succeeded: 200, ..RowCounts::default() };
        for errand in [Errand::Snapshot, Errand::Plan] {
            let told = told_of((errand, 200), (read, 200), over);
            assert_eq!(told, (Mood::Good, "200 users were read, nothing was written.".to_owned()));
            let (mood, sentence) = told_of((errand, 201), (RowCounts { failed: 1, ..read }, 200), over);
            assert_eq!(sentence, "200 users were read, nothing was written; 1 failed.");
            assert_eq!(mood, Mood::Bad);
        }
        let (_, sentence) = told_of((Errand::Plan, 300), (read, 200), over);
        assert_eq!(sentence, "The plan stopped before its end: 200 of 300 users have ended.");
    }

    #[test]
    fn one_row_and_none_are_told_as_such() {
        let over = (Some(Timestamp::UNIX_EPOCH), Presence::Over);
        let told = |rows, counts| told_of((Errand::Rows, rows), (counts, 0), over).1;
        let changed = RowCounts { succeeded: 1, ..RowCounts::default() };
        assert_eq!(told(1, changed), "The only row is as it should be: 1 was changed, 0 were so already.");
        assert_eq!(told(0, RowCounts::default()), "There were no rows, and nothing was to be done.");
        let pending = RowCounts { pending: 1, ..changed };
        let sentence = "1 of 2 rows are as they should be; 1 is a password reset that has not ended yet.";
        assert_eq!(told(2, pending), sentence);
    }

    #[test]
    fn each_way_in_which_a_run_can_stand_has_its_sentence() {
        let (end, over) = (Some(Timestamp::UNIX_EPOCH), Presence::Over);
        let done = RowCounts { succeeded: 7, unchanged: 3, ..RowCounts::default() };
        let (mood, sentence) = told(done, end, over);
        assert_eq!(sentence, "All 10 rows are as they should be: 7 were changed, 3 were so already.");
        assert_eq!(mood, Mood::Good);
        let (mood, sentence) = told(RowCounts { succeeded: 4, failed: 1, pending: 2, ..done }, end, over);
        assert_eq!(
            sentence,
            "7 of 10 rows are as they should be; 1 failed, 2 are password resets that have not ended yet."
        );
        assert_eq!(mood, Mood::Bad);
        assert_eq!(told(RowCounts { succeeded: 6, pending: 1, ..done }, end, over).0, Mood::Open);
        let waiting = RowCounts { succeeded: 6, unprocessed: 1, not_due: 1, ..done };
        let (mood, sentence) = told(waiting, end, over);
        assert_eq!(
            (mood, sentence.as_str()),
            (Mood::Open, "9 of 10 rows are as they should be; 1 is not due yet.")
        );
        let (mood, sentence) = told(RowCounts { succeeded: 1, ..RowCounts::default() }, end, over);
        assert_eq!(
            (mood, sentence.as_str()),
            (Mood::Bad, "The run stopped before its end: 1 of 10 rows have ended.")
        );
        let (_, sentence) = told(RowCounts { succeeded: 1, ..RowCounts::default() }, None, over);
        assert!(
            sentence.starts_with(
                "The run broke off: 1 of 10 rows have ended, 2 are in doubt, 7 were never tried."
            ),
            "{sentence}"
        );
        let (mood, sentence) =
            told(RowCounts { succeeded: 1, ..RowCounts::default() }, None, Presence::UnderWay);
        assert_eq!((mood, sentence.as_str()), (Mood::Open, "The run is under way: 1 of 10 rows have ended."));
    }
}
