//! Users who stand in a file by name and by object id. Only Graph can tell, so a plan does, which has read them all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::actions::look::Seen;
use crate::input::source::Input;
use crate::journal::store::Store;
use crate::model::error_code::OwnCode;
use crate::model::outlook::Why;
use crate::model::row::RowNumber;
use crate::model::task::{Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;

use super::error::AppError;

/// The later of two spellings of a user, by order key, with the first row of the other.
#[derive(Debug, Default)]
pub(super) struct Spellings(HashMap<u64, RowNumber>);

impl Spellings {
    /// Finds them among the users that were read, each for their first row. Memory holds some 30 bytes of each meanwhile.
    pub(super) fn find(input: &mut Input, (store, timeline): (&Store, &Timeline)) -> Result<Self, AppError> {
        let (mut later, mut first) = (HashMap::new(), HashMap::<u64, (u64, RowNumber)>::new());
        input.rewind()?;
        for work in input {
            let Work::Task(Task { row, user, .. }) = work? else { continue };
            let Some(ended) = store.end_of(row.number, timeline)? else { continue };
            let id = Seen::of(&ended.outcome.detail).object_id;
            let Some(id) = id.and_then(|id| UserId::new(&id).ok()) else { continue };
            match first.entry(id.order_key()) {
                Entry::Vacant(vacant) => {
                    vacant.insert((user.order_key(), row.number));
                }
                Entry::Occupied(other) if other.get().0 != user.order_key() => {
                    later.insert(user.order_key(), other.get().1);
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(Self(later))
    }

    /// Why a row is not done: rows of one user keep their order under one spelling only.
    pub(super) fn refusal(&self, task: &Task) -> Option<Why> {
        let first = self.0.get(&task.user.order_key()).filter(|_| task.action.writes())?;
        Some(Why {
            code: OwnCode::Contradiction,
            reason: format!(
                "is the user of row {first}, spelt in another way; rows of one user keep their order under one spelling only, \
                 so use one in the file"
            ),
        })
    }
}
