//! The run in one sentence.

use crate::model::digest::Digest;
use crate::model::outcome::Status;

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

/// Of a run whose input has so many rows.
#[must_use]
pub fn verdict(digest: &Digest, rows: u64, presence: Presence) -> Verdict {
    let counts = &digest.rows;
    let done = counts.succeeded + counts.unchanged;
    let ended = counts.total() - counts.not_reached();
    let last = digest.sessions.last();
    let (of, left) = (grouped(rows), rows.saturating_sub(ended));
    let told = |sentence: String, mood| Verdict { mood, sentence };
    if presence == Presence::UnderWay {
        return told(
            format!("The run is under way: {} of {of} rows have ended.", grouped(ended)),
            Mood::Open,
        );
    }
    if last.is_some_and(|session| session.ended_at.is_none()) {
        let sentence = format!(
            "The run broke off: {} of {of} rows have ended, {} are in doubt, {} were never tried. Nothing is lost; resume \
             goes on.",
            grouped(ended),
            grouped(digest.in_doubt),
            grouped(left.saturating_sub(digest.in_doubt)),
        );
        return told(sentence, Mood::Bad);
    }
    if left > 0 {
        let sentence = format!("The run stopped before its end: {} of {of} rows have ended.", grouped(ended));
        return told(sentence, Mood::Bad);
    }
    let mut parts: Vec<String> = [Status::Failed, Status::Unknown, Status::Pending]
        .iter()
        .filter(|status| counts.of(**status) > 0)
        .map(|status| format!("{} {}", grouped(counts.of(*status)), in_words(*status)))
        .collect();
    if counts.not_due > 0 {
        parts.push(format!("{} are not due yet", grouped(counts.not_due)));
    }
    if parts.is_empty() {
        let sentence = format!(
            "All {of} rows are as they should be: {} were changed, {} were so already.",
            grouped(counts.succeeded),
            grouped(counts.unchanged)
        );
        return told(sentence, Mood::Good);
    }
    let mood = if counts.failed + counts.unknown > 0 { Mood::Bad } else { Mood::Open };
    told(format!("{} of {of} rows are as they should be; {}.", grouped(done), parts.join(", ")), mood)
}

const fn in_words(status: Status) -> &'static str {
    match status {
        Status::Failed => "failed",
        Status::Unknown => "may have been done, and it could not be found out",
        Status::Pending => "are password resets that have not ended yet",
        Status::Succeeded | Status::Unchanged | Status::Unprocessed => status.name(),
    }
}

/// Thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (digit, left) in digits.chars().zip((0..digits.len()).rev()) {
        text.push(digit);
        if left > 0 && left % 3 == 0 {
            text.push(',');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::digest::SessionDigest;
    use crate::model::stats::RowCounts;

    fn told(rows: RowCounts, ended_at: Option<Timestamp>, presence: Presence) -> (Mood, String) {
        let session = SessionDigest {
            number: 1,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at,
            stop_reason: None,
            exit_code: None,
            requests: 0,
            throttled: 0,
        };
        let digest = Digest { rows, sessions: vec![session], in_doubt: 2, ..Digest::default() };
        let Verdict { mood, sentence } = verdict(&digest, 10, presence);
        (mood, sentence)
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
            (Mood::Open, "9 of 10 rows are as they should be; 1 are not due yet.")
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
