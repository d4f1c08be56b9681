//! Exit codes: what scripts and cron learn.

use std::process::ExitCode;

use crate::engine::run::Stop;
use crate::model::stats::RowCounts;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every row that was due succeeded or was unchanged.
    Done,
    /// The run ended; some rows failed or are unknown.
    SomeFailed,
    /// Usage, settings or input are wrong; nothing was sent.
    Wrong,
    /// Sign-in or permission was refused: the run stopped at once.
    Refused,
    /// A fault of the run stopped it.
    Stopped,
    /// Nothing failed, but resets are still pending.
    Pending,
    /// A plan holds changes, and was asked to say so.
    Changes,
    /// Ctrl-C, SIGTERM, or the run took as long as it may.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            Self::Wrong => 2,
            Self::Refused => 3,
            Self::Stopped => 4,
            Self::Pending => 5,
            Self::Changes => 6,
            Self::Interrupted => 130,
        }
    }

    /// How a run ends that counted `rows` and stopped for `stop`, if it did.
    #[must_use]
    pub const fn of(rows: &RowCounts, stop: Option<&Stop>) -> Self {
        match stop {
            Some(Stop::Interrupted | Stop::Aborted | Stop::TimeUp(_)) => Self::Interrupted,
            Some(Stop::SignIn(_) | Stop::Permission) => Self::Refused,
            Some(Stop::Rows(_) | Stop::Observer(_) | Stop::Failures { .. } | Stop::Canary { .. }) => {
                Self::Stopped
            }
            // Rows that are not due wait for another run. Unreached without a stop: an earlier session of the run stopped, and only resets were followed since.
            None if rows.failed > 0 || rows.unknown > 0 || rows.not_reached() > 0 => Self::SomeFailed,
            None if rows.pending > 0 => Self::Pending,
            None => Self::Done,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(failed: u64, unknown: u64, pending: u64, stop: Option<&Stop>) -> u8 {
        let rows = RowCounts { succeeded: 7, failed, unknown, pending, ..RowCounts::default() };
        Exit::of(&rows, stop).code()
    }

    #[test]
    fn the_worst_that_happened_decides() {
        assert_eq!(code(0, 0, 0, None), 0);
        assert_eq!(code(1, 0, 0, None), 1);
        assert_eq!(code(0, 1, 0, None), 1);
        assert_eq!(code(0, 0, 1, None), 5);
        assert_eq!(code(1, 0, 1, None), 1);
        let waiting = RowCounts { unprocessed: 2, not_due: 2, ..RowCounts::default() };
        assert_eq!(Exit::of(&waiting, None), Exit::Done);
        assert_eq!(Exit::of(&RowCounts { unprocessed: 3, ..waiting }, None), Exit::SomeFailed);
        assert_eq!(code(9, 9, 9, Some(&Stop::Interrupted)), 130);
        assert_eq!(code(9, 9, 9, Some(&Stop::Permission)), 3);
        assert_eq!(code(0, 0, 0, Some(&Stop::SignIn(String::new()))), 3);
        assert_eq!(code(0, 0, 0, Some(&Stop::Rows("broken".into()))), 4);
        assert_eq!(code(0, 0, 0, Some(&Stop::TimeUp(std::time::Duration::from_secs(1)))), 130);
        let limit = crate::policy::failures::FailureLimit::Count(8);
        assert_eq!(code(9, 0, 0, Some(&Stop::Failures { failed: 9, ended: 9, limit })), 4);
    }
}
