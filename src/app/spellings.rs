//! Users who stand in a file by name and by object id. Only Graph can tell: a plan has read them all, and a run looks up
//! those of the rarer spelling.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::actions::look::Seen;
use crate::input::records::InputError;
use crate::input::source::Input;
use crate::journal::store::Store;
use crate::model::error_code::OwnCode;
use crate::model::outlook::Why;
use crate::model::row::RowNumber;
use crate::model::task::{Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;
use crate::model::wards::Protected;

use super::error::AppError;

/// How many rows that change something have their user by which spelling.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mix {
    names: u64,
    ids: u64,
}

impl Mix {
    /// Of a file that has not been read yet.
    pub(super) fn of(input: &mut Input) -> Result<Self, InputError> {
        let mut mix = Self::default();
        for work in input {
            if let Work::Task(task) = work? {
                mix.note(&task);
            }
        }
        Ok(mix)
    }

    pub(super) fn note(&mut self, task: &Task) {
        let is_id = task.action.writes() && task.user.is_object_id();
        self.ids += u64::from(is_id);
        self.names += u64::from(task.action.writes() && !is_id);
    }

    /// How many rows there are that change something.
    pub(super) const fn rows(self) -> u64 {
        self.names + self.ids
    }

    pub(super) const fn is_mixed(self) -> bool {
        self.names > 0 && self.ids > 0
    }

    /// How many rows have the rarer spelling.
    pub(super) fn rarer(self) -> u64 {
        self.names.min(self.ids)
    }

    pub(super) fn is_rarer(self, user: &UserId) -> bool {
        user.is_object_id() == (self.ids <= self.names)
    }

    /// What is to be said of rows whose users only a plan can guard.
    pub(super) fn warning(self, protected: &Protected) -> Option<String> {
        (self.ids > 0 && protected.has_patterns()).then(|| {
            format!(
                "warning: patterns in [protected] guard users by their names, and {} of the rows have theirs by object id; \
                 authwave plan reads their names, and run --plan keeps to it\n",
                self.ids
            )
        })
    }
}

/// By the order keys of what users are called besides: by which key the file has them, and their first row.
pub(super) type Others = HashMap<u64, (u64, RowNumber)>;

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

    /// Finds them among rows of the other spelling.
    pub(super) fn among<E>(rows: impl Iterator<Item = Result<Task, E>>, others: &Others) -> Result<Self, E> {
        let mut later = HashMap::new();
        // Nothing to compare with: the file need not be read.
        for task in rows.take_while(|_| !others.is_empty()) {
            let Task { row, user, .. } = task?;
            let Some((other, first)) = others.get(&user.order_key()) else { continue };
            // Whichever row comes first, its spelling counts.
            if row.number < *first {
                later.entry(*other).or_insert(row.number);
            } else if !later.contains_key(other) {
                later.insert(user.order_key(), *first);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Action;
    use crate::model::phone::PhoneType;
    use crate::model::row::Row;
    use crate::model::task::Prior;

    const ID: &str = "ed178e23-7447-4892-baf8-fc46f8af26ce";

    fn task(number: u64, user: &str) -> Task {
        Task {
            row: Row { number: RowNumber(number), fields: Box::default() },
            user: UserId::new(user).unwrap(),
            action: Action::DeletePhone(PhoneType::Office),
            prior: Prior::Untried,
            not_before: None,
            expected: None,
        }
    }

    #[test]
    fn the_later_spelling_is_refused_whichever_of_them_is_the_rarer() {
        let ids: Others =
            [(task(0, "adele@contoso.com").user.order_key(), (task(0, ID).user.order_key(), RowNumber(5)))]
                .into();
        for (first, refused) in [(2, [ID, "adele@contoso.com"]), (7, ["Adele@contoso.com", ID])] {
            let names = [
                task(first, "Adele@contoso.com"),
                task(9, "adele@contoso.com"),
                task(10, "alex@contoso.com"),
            ];
            let found = Spellings::among(names.into_iter().map(Ok::<_, ()>), &ids).unwrap();
            let [refused, done] = refused.map(|user| found.refusal(&task(11, user)));
            assert_eq!((refused.unwrap().code, done), (OwnCode::Contradiction, None), "{first}");
            assert_eq!(found.refusal(&Task { action: Action::ListMethods, ..task(11, ID) }), None);
        }
    }

    #[test]
    fn the_rarer_spelling_is_that_of_fewer_rows_that_change_something() {
        let mut mix = Mix::default();
        mix.note(&task(1, "adele@contoso.com"));
        mix.note(&Task { action: Action::ListMethods, ..task(2, ID) });
        assert!(!mix.is_mixed());
        for number in [3, 4] {
            mix.note(&task(number, ID));
        }
        assert!(mix.is_mixed() && mix.is_rarer(&task(1, "alex@contoso.com").user));
        assert_eq!((mix.rarer(), mix.is_rarer(&task(1, ID).user)), (1, false));
        assert_eq!(mix.warning(&Protected::new(["bg@contoso.com"])), None);
        let told = mix.warning(&Protected::new(["bg-*"])).unwrap();
        assert!(told.contains("2 of the rows have theirs by object id"), "{told}");
    }
}
