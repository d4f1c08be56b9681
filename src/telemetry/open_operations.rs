//! Which password resets have not ended.

use std::collections::HashSet;

use crate::model::event::Event;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::row::RowNumber;

/// The resets that are open: accepted by this process, or by an earlier one and followed by this.
#[derive(Debug, Default)]
pub(super) struct OpenOperations(HashSet<RowNumber>);

impl OpenOperations {
    /// By how many there are more, or fewer, after the event.
    pub(super) fn note(&mut self, event: &Event) -> i64 {
        match event {
            Event::Closed(operation) if has_ended(operation) => -i64::from(self.0.remove(&operation.row)),
            // One that is closed since nobody waits for it any longer has not ended.
            Event::Accepted(operation) | Event::Polled(operation) | Event::Closed(operation) => {
                i64::from(self.0.insert(operation.row))
            }
            Event::Answered(_)
            | Event::Held { .. }
            | Event::SignInLost { .. }
            | Event::Begun(_)
            | Event::Found(_)
            | Event::Listed { .. }
            | Event::Ended(_) => 0,
        }
    }
}

fn has_ended(operation: &Operation) -> bool {
    matches!(operation.status, OperationStatus::Succeeded | OperationStatus::Failed)
}
