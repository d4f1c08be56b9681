//! Where notes wait for the thread that commits them. The thread is woken once a group, not once a note: under load a
//! wake-up costs more than a note.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::note::Note;

/// No more notes than this are committed at once. Of the 512 rows that are under way where nobody says otherwise enough are
/// left to go on with meanwhile: with more in a group the run waits for each commit, with fewer the commits cost more.
const GROUP: usize = 320;

/// No note waits longer for its commit.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long company is waited for where somebody waits for the commit.
const URGENT_PATIENCE: Duration = Duration::from_millis(8);

/// How many full groups may wait; beyond it the run waits.
const FULL_GROUPS: usize = 8;

/// Notes on their way from one thread to another.
#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
    /// There is something new to know for the thread that commits.
    arrived: Condvar,
    /// There is room again.
    taken: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Groups that wait for no company any more.
    full: VecDeque<Group>,
    notes: Vec<Note>,
    /// Notes that are kept, on their way back: an allocator takes memory back more cheaply in the thread that asked for it.
    spent: Vec<Note>,
    /// How many events had been shown with the last of them.
    shown: u64,
    /// Whether somebody waits for the commit of one of them.
    is_urgent: bool,
    is_closed: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.full.is_empty() && self.notes.is_empty()
    }

    /// Takes the notes that are no group yet.
    fn group(&mut self) -> Group {
        let room = Vec::with_capacity(self.notes.len());
        self.is_urgent = false;
        Group { notes: std::mem::replace(&mut self.notes, room), shown: self.shown }
    }
}

/// One of the two ends of an inbox. With it goes the inbox: nothing comes any more, or nobody takes it.
#[derive(Debug)]
pub(super) struct End(Arc<Inbox>);

impl End {
    /// Both ends of a new inbox.
    pub(super) fn both() -> (Self, Self) {
        let inbox = Arc::<Inbox>::default();
        (Self(Arc::clone(&inbox)), Self(inbox))
    }

    /// Adds a note; waits where there is no room.
    pub(super) fn push(&self, shown: u64, note: Note) {
        self.0.push(shown, note);
    }

    /// Waits for notes, and for their company; `None` once nothing will come.
    pub(super) fn take(&self) -> Option<Group> {
        self.0.take()
    }

    /// Lets the thread that made the notes drop them.
    pub(super) fn give_back(&self, group: Group) {
        let before = std::mem::replace(&mut self.0.lock().spent, group.notes);
        drop(before);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.arrived.notify_one();
        self.0.taken.notify_one();
    }
}

/// Notes that are committed together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) notes: Vec<Note>,
    /// How many events had been shown with the last of them.
    pub(super) shown: u64,
}

impl Inbox {
    fn push(&self, shown: u64, note: Note) {
        let mut waiting = self.lock();
        while waiting.full.len() >= FULL_GROUPS && !waiting.is_closed {
            waiting = self.taken.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.is_closed {
            return;
        }
        let is_first = waiting.notes.is_empty();
        let is_first_urgent = note.is_urgent() && !waiting.is_urgent;
        waiting.is_urgent |= note.is_urgent();
        waiting.shown = shown;
        waiting.notes.push(note);
        let is_full = waiting.notes.len() == GROUP;
        if is_full {
            let group = waiting.group();
            waiting.full.push_back(group);
        }
        let spent = std::mem::take(&mut waiting.spent);
        drop(waiting);
        drop(spent);
        if is_first || is_first_urgent || is_full {
            self.arrived.notify_one();
        }
    }

    fn take(&self) -> Option<Group> {
        let waiting =
            self.arrived.wait_while(self.lock(), |waiting| waiting.is_empty() && !waiting.is_closed);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        while waiting.full.is_empty() && !waiting.is_closed {
            let patience = if waiting.is_urgent { URGENT_PATIENCE } else { PATIENCE };
            let Some(left) = patience.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
                break;
            };
            let woken = self.arrived.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let group = waiting.full.pop_front().unwrap_or_else(|| waiting.group());
        drop(waiting);
        self.taken.notify_one();
        (!group.notes.is_empty()).then_some(group)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::model::row::RowNumber;

    fn begun(row: u64) -> Note {
        Note::Begun([RowNumber(row)].into())
    }

    #[test]
    fn notes_come_out_in_their_order_and_the_last_ones_after_the_end() {
        let (notes, inbox) = End::both();
        let sender = thread::spawn(move || (1..=10_000).for_each(|row| notes.push(row, begun(row))));
        let (mut seen, mut largest) = (0, 0);
        while let Some(group) = inbox.take() {
            for note in &group.notes {
                seen += 1;
                assert!(matches!(note, Note::Begun(rows) if rows[0].0 == seen));
            }
            assert_eq!(group.shown, seen);
            largest = largest.max(group.notes.len());
        }
        sender.join().unwrap();
        assert_eq!(seen, 10_000);
        assert!(largest <= GROUP, "{largest}");
    }

    #[test]
    fn a_group_holds_so_many_notes_at_most_and_knows_what_was_shown_with_its_last() {
        let (notes, inbox) = End::both();
        let count = (2 * GROUP + 5) as u64;
        (1..=count).for_each(|row| notes.push(row * 10, begun(row)));
        drop(notes);
        let taken: Vec<_> = std::iter::from_fn(|| inbox.take()).map(|g| (g.notes.len(), g.shown)).collect();
        let full = |groups: u64| (GROUP, groups * GROUP as u64 * 10);
        assert_eq!(taken, [full(1), full(2), (5, count * 10)]);
    }

    #[test]
    fn where_nobody_takes_notes_any_more_nobody_waits_for_room() {
        let (notes, inbox) = End::both();
        drop(inbox);
        (0..=(2 * FULL_GROUPS * GROUP) as u64).for_each(|row| notes.push(row, begun(row)));
    }
}
