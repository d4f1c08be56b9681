//! What counts are told apart by, the same for all who count.

use crate::model::event::Access;
use crate::model::stats::INVALID;
use crate::model::task::Work;

pub(super) const fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
    }
}

/// An answer's status, or that none came.
pub(super) fn status(status: Option<u16>) -> String {
    status.map_or_else(|| "none".to_owned(), |status| status.to_string())
}

pub(super) fn action(work: &Work) -> &'static str {
    work.task().map_or(INVALID, |task| task.action.name())
}
