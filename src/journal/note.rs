//! What is kept of an event.

use super::record::Traffic;
use super::row_end::RowEnd;
use crate::model::event::{BeforeImage, Event};
use crate::model::header::Header;
use crate::model::method::Method;
use crate::model::operation::Operation;
use crate::model::row::RowNumber;
use crate::model::user::UserId;

/// What is kept of an event, or of many.
#[derive(Debug, Clone)]
pub(super) enum Note {
    Begun(Box<[RowNumber]>),
    Found(Box<BeforeImage>),
    Operation(Box<Operation>),
    Listed { row: RowNumber, user: UserId, methods: Vec<Method> },
    Ended(RowEnd),
    Traffic(Box<Traffic>),
}

impl Note {
    /// `None` for what is only counted.
    pub(super) fn of(event: &Event, header: &Header) -> Option<Self> {
        match event {
            Event::Begun(rows) => Some(Self::Begun(rows.clone())),
            Event::Found(image) => Some(Self::Found(image.clone())),
            Event::Accepted(operation) | Event::Polled(operation) | Event::Closed(operation) => {
                Some(Self::Operation(operation.clone()))
            }
            Event::Listed { row, user, methods } => {
                Some(Self::Listed { row: *row, user: user.clone(), methods: methods.clone() })
            }
            Event::Ended(ended) => Some(Self::Ended(RowEnd::of(ended, header))),
            Event::Answered(_) | Event::Held { .. } | Event::SignInLost { .. } => None,
        }
    }

    /// Whether somebody waits for it to be kept.
    pub(super) const fn is_urgent(&self) -> bool {
        matches!(self, Self::Begun(_) | Self::Found(_))
    }
}
