//! A unit of work: a row that was understood, or one that was not.

use jiff::Timestamp;

use super::action::Action;
use super::error_code::OwnCode;
use super::operation::Operation;
use super::outcome::{Failure, Outcome};
use super::row::Row;
use super::user::UserId;
use super::user_state::Expectation;

/// A row that was understood: do this to this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The line that asked for it.
    pub row: Row,
    /// To whom.
    pub user: UserId,
    /// What.
    pub action: Action,
    /// The moment before which it is not due; `None` where it always is.
    pub not_before: Option<Timestamp>,
    /// What an earlier session of the run did about it.
    pub prior: Prior,
    /// What the user must have for it to be done, by the plan that it is part of; `None` without a plan.
    pub expected: Option<Box<Expectation>>,
}

/// What an earlier session of a run did about a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Prior {
    /// Nothing that could have changed anything.
    #[default]
    Untried,
    /// It may have written; how that ended is not known. With it goes why not, where the session lived to tell.
    InDoubt(Option<Box<Failure>>),
    /// Its reset was accepted, and the operation had not ended.
    Accepted(Box<Operation>),
}

/// Stands in the place of a column's name where something is said of the row as a whole.
pub const WHOLE_ROW: &str = "-";

/// A row that cannot be done, with the first reason found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// The line itself.
    pub row: Row,
    /// The name of the column at fault as the file spells it, or [`WHOLE_ROW`].
    pub column: String,
    /// What stands there; for a password a placeholder, never the text.
    pub value: String,
    /// What is wrong and how to mend it, as the end of the sentence "row 7, `phone_number` '123' …".
    pub reason: String,
    /// The `error_code` of its end.
    pub code: OwnCode,
    /// Whether an earlier session of the run may have done it all the same, before it was refused.
    pub may_be_done: bool,
}

impl InvalidRow {
    /// The row's end in the results.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let message = if self.column == WHOLE_ROW {
            format!("the row {}", self.reason)
        } else {
            format!("{} '{}' {}", self.column, self.value, self.reason)
        };
        Failure::own(self.code, None, message)
    }
}

/// A row that was understood and is not done this time: nothing is sent for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// What it asks for.
    pub task: Task,
    /// How it ends, and why.
    pub outcome: Outcome,
}

/// What the input yields for each data row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// To be done.
    Task(Task),
    /// To be reported.
    Invalid(InvalidRow),
    /// To be reported, too: not this time.
    PassedOver(Box<PassedOver>),
}

impl Work {
    /// What it asks for, where that was understood.
    #[must_use]
    pub const fn task(&self) -> Option<&Task> {
        match self {
            Self::Task(task) => Some(task),
            Self::PassedOver(passed) => Some(&passed.task),
            Self::Invalid(_) => None,
        }
    }

    /// The line behind it.
    #[must_use]
    pub const fn row(&self) -> &Row {
        match self {
            Self::Task(task) => &task.row,
            Self::Invalid(invalid) => &invalid.row,
            Self::PassedOver(passed) => &passed.task.row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::RowNumber;
    use super::*;

    #[test]
    fn what_is_wrong_with_a_row_as_a_whole_is_said_of_the_row() {
        let message = |column: &str, value: &str| {
            let row = Row { number: RowNumber(1), fields: Box::default() };
            let (column, value, reason) = (column.to_owned(), value.to_owned(), "is wrong".to_owned());
            InvalidRow { row, column, value, reason, code: OwnCode::InvalidRow, may_be_done: false }
                .failure()
                .message
        };
        assert_eq!(message(WHOLE_ROW, ""), "the row is wrong");
        assert_eq!(message("phone", "12"), "phone '12' is wrong");
    }
}
