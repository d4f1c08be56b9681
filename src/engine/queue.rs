//! Which task is next: one user's rows one at a time, in file order, however far apart they stand.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};

use crate::model::task::{Task, Work};

/// What the queue hands out.
#[derive(Debug)]
pub enum Next {
    /// Something to do, or to report.
    Work(Work),
    /// Nothing now: every row within the look-ahead waits for an earlier row of its user.
    Wait,
    /// The input is at its end, and nothing waits.
    Exhausted,
}

/// Rows of the input, held back while an earlier row of the same user is under way.
///
/// It reads ahead at most `look_ahead` rows that must wait, so its memory is bounded.
#[derive(Debug)]
pub struct Queue<R> {
    rows: R,
    look_ahead: usize,
    is_at_end: bool,
    /// Users with a row under way, and their rows that wait behind it. The keys may collide; see
    /// [`UserId::order_key`](crate::model::user::UserId::order_key).
    busy: HashMap<u64, VecDeque<Task>>,
    waiting: usize,
    /// The next rows of users whose row before has ended.
    ready: VecDeque<Task>,
}

impl<R, E> Queue<R>
where
    R: Iterator<Item = Result<Work, E>>,
{
    /// A queue over `rows`.
    #[must_use]
    pub fn new(rows: R, look_ahead: usize) -> Self {
        Self { rows, look_ahead, is_at_end: false, busy: HashMap::new(), waiting: 0, ready: VecDeque::new() }
    }

    /// The next thing that may begin now. A task's user is busy until [`Queue::release`].
    ///
    /// # Errors
    /// When the input cannot be read any further.
    pub fn begin_next(&mut self) -> Result<Next, E> {
        if let Some(task) = self.ready.pop_front() {
            return Ok(Next::Work(Work::Task(task)));
        }
        while !self.is_at_end && self.waiting < self.look_ahead {
            match self.rows.next().transpose()? {
                None => self.is_at_end = true,
                Some(work @ (Work::Invalid(_) | Work::PassedOver(_))) => return Ok(Next::Work(work)),
                Some(Work::Task(task)) => {
                    let order_key = task.user.order_key();
                    match self.busy.entry(order_key) {
                        Entry::Vacant(free) => {
                            free.insert(VecDeque::new());
                            return Ok(Next::Work(Work::Task(task)));
                        }
                        Entry::Occupied(mut line) => line.get_mut().push_back(task),
                    }
                    self.waiting += 1;
                }
            }
        }
        let is_exhausted = self.is_at_end && self.waiting == 0;
        Ok(if is_exhausted { Next::Exhausted } else { Next::Wait })
    }

    /// The next row that has waited for an earlier one of its user and may begin now, without a look at further rows.
    pub fn begin_ready(&mut self) -> Option<Task> {
        self.ready.pop_front()
    }

    /// Whether there is one.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The row under way of the user with this key has ended: the user's next row may begin.
    pub fn release(&mut self, order_key: u64) {
        let Entry::Occupied(mut line) = self.busy.entry(order_key) else { return };
        match line.get_mut().pop_front() {
            Some(task) => {
                self.waiting -= 1;
                self.ready.push_back(task);
            }
            None => {
                line.remove();
            }
        }
    }

    /// The next row that has not begun, whoever is busy: for a run that stops.
    ///
    /// # Errors
    /// When the input cannot be read any further; then there is no next one.
    pub fn next_unreached(&mut self) -> Option<Result<Work, E>> {
        if self.waiting > 0 {
            self.waiting = 0;
            self.ready.extend(self.busy.drain().flat_map(|(_, line)| line));
        }
        if let Some(task) = self.ready.pop_front() {
            return Some(Ok(Work::Task(task)));
        }
        let next = if self.is_at_end { None } else { self.rows.next() };
        self.is_at_end = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::model::action::Action;
    use crate::model::row::{Row, RowNumber};
    use crate::model::task::Prior;
    use crate::model::user::UserId;

    fn task(number: u64, user: u8) -> Work {
        Work::Task(Task {
            row: Row { number: RowNumber(number), fields: Box::default() },
            user: UserId::new(&format!("user{user}@contoso.com")).unwrap(),
            action: Action::ListMethods,
            prior: Prior::Untried,
            not_before: None,
            expected: None,
        })
    }

    type Rows = std::vec::IntoIter<Result<Work, Infallible>>;

    fn queue(users: &[u8], look_ahead: usize) -> Queue<Rows> {
        let rows: Vec<_> = users.iter().zip(1..).map(|(user, number)| Ok(task(number, *user))).collect();
        Queue::new(rows.into_iter(), look_ahead)
    }

    fn next(queue: &mut Queue<Rows>) -> Option<Task> {
        match queue.begin_next().unwrap() {
            Next::Work(Work::Task(task)) => Some(task),
            Next::Work(Work::Invalid(_) | Work::PassedOver(_)) => unreachable!(),
            Next::Wait | Next::Exhausted => None,
        }
    }

    #[test]
    fn a_user_s_second_row_waits_for_the_first_and_others_pass() {
        let mut queue = queue(&[1, 1, 2], 10);
        let first = next(&mut queue).unwrap();
        assert_eq!(next(&mut queue).unwrap().row.number, RowNumber(3));
        assert!(matches!(queue.begin_next(), Ok(Next::Wait)));
        queue.release(first.user.order_key());
        assert_eq!(next(&mut queue).unwrap().row.number, RowNumber(2));
        assert!(matches!(queue.begin_next(), Ok(Next::Exhausted)));
    }

    #[test]
    fn it_reads_no_further_than_the_look_ahead() {
        let mut queue = queue(&[1, 1, 1, 1, 2], 2);
        next(&mut queue).unwrap();
        assert!(matches!(queue.begin_next(), Ok(Next::Wait)));
        assert_eq!(queue.rows.len(), 2, "the second user must not have been reached");
    }

    #[test]
    fn stopping_gives_every_row_that_has_not_begun_once() {
        let mut queue = queue(&[1, 1, 2, 1, 3, 3], 2);
        let begun = next(&mut queue).unwrap();
        next(&mut queue).unwrap();
        queue.release(begun.user.order_key());
        let mut rest: Vec<u64> =
            std::iter::from_fn(|| queue.next_unreached()).map(|work| work.unwrap().row().number.0).collect();
        rest.sort_unstable();
        assert_eq!(rest, [2, 4, 5, 6]);
        assert!(matches!(queue.begin_next(), Ok(Next::Exhausted)));
    }

    proptest! {
        /// Whatever ends when: every row comes once, one row a user at a time, in file order.
        #[test]
        fn rows_of_a_user_come_in_file_order_one_at_a_time(
            users in proptest::collection::vec(0_u8..6, 0..60),
            look_ahead in 1_usize..20,
            picks in proptest::collection::vec(any::<proptest::sample::Index>(), 200),
        ) {
            let mut queue = queue(&users, look_ahead);
            let mut under_way: Vec<Task> = Vec::new();
            let mut begun: Vec<(u64, u64)> = Vec::new();
            let mut picks = picks.into_iter();
            loop {
                while let Some(task) = next(&mut queue) {
                    let key = task.user.order_key();
                    prop_assert!(under_way.iter().all(|other| other.user.order_key() != key));
                    begun.push((key, task.row.number.0));
                    under_way.push(task);
                    prop_assert!(queue.waiting <= look_ahead);
                }
                if under_way.is_empty() { break }
                let at = picks.next().map_or(0, |pick| pick.index(under_way.len()));
                let ended = under_way.swap_remove(at);
                queue.release(ended.user.order_key());
            }
            prop_assert_eq!(begun.len(), users.len());
            begun.sort_by_key(|(key, _)| *key);
            prop_assert!(begun.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 < pair[1].1));
        }
    }
}
