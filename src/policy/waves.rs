//! Which rows of a file are to be done now: a pure reading of the rows, in the order of the file, and of a moment that is passed in.
//!
//! A user's rows are done in the order of the file, so what touches the same thing as an earlier row that is not due
//! waits behind it, and what earlier runs have done is done once more where an earlier row is sent only now. Memory: a key
//! for each user who has a row that waits, or one that was done and one that was not.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::action::Action;
use crate::model::task::{Prior, Task};

use super::earlier::{Earlier, Place};

/// What a row touches: rows of one user that touch the same keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touched {
    /// The phones, SMS sign-in included.
    Phones,
    /// The password.
    Password,
}

impl Touched {
    /// What an action touches; `None` for one that only reads.
    #[must_use]
    pub const fn by(action: &Action) -> Option<Self> {
        match action {
            Action::ListMethods | Action::ListPhones => None,
            Action::AddPhone(_)
            | Action::UpdatePhone(_)
            | Action::SetPhone(_)
            | Action::SetPhones(_)
            | Action::DeletePhone(_)
            | Action::EnableSmsSignIn
            | Action::DisableSmsSignIn => Some(Self::Phones),
            Action::ResetPassword(_) | Action::SetPassword(_) => Some(Self::Password),
        }
    }
}

/// When a row is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// In this run.
    Now,
    /// Not before this moment.
    NotBefore(Timestamp),
    /// Not before an earlier row of its user, which waits.
    Behind,
    /// An earlier run has done it.
    Done(Place),
}

/// Tells which rows are due. It is shown all rows of a file, in their order.
#[derive(Debug, Clone)]
pub struct Waves {
    now: Timestamp,
    /// The users who have a row that waits, by [order key](crate::model::user::UserId::order_key).
    waiting: HashSet<(u64, Touched)>,
    earlier: Arc<Earlier>,
    /// The users who have a row that is sent now, as far as earlier runs know them.
    sent: HashSet<(u64, Touched)>,
}

impl Waves {
    /// At a moment, behind what earlier runs have done.
    #[must_use]
    pub fn at(now: Timestamp, earlier: Arc<Earlier>) -> Self {
        Self { now, waiting: HashSet::new(), earlier, sent: HashSet::new() }
    }

    /// When a row is done. What an earlier session of the run has begun is always due.
    pub fn due(&mut self, task: &Task) -> Due {
        let touched = Touched::by(&task.action).map(|touched| (task.user.order_key(), touched));
        let due = if task.prior == Prior::Untried { self.due_untried(task, touched) } else { Due::Now };
        if due == Due::Now && self.earlier.knows(&task.user) {
            self.sent.extend(touched);
        }
        due
    }

    fn due_untried(&mut self, task: &Task, touched: Option<(u64, Touched)>) -> Due {
        let is_behind_one_that_is_sent = touched.is_some_and(|touched| self.sent.contains(&touched));
        if let Some(place) = self.earlier.find(task).filter(|_| !is_behind_one_that_is_sent) {
            return Due::Done(place);
        }
        if let Some(moment) = task.not_before.filter(|moment| *moment > self.now) {
            self.waiting.extend(touched);
            return Due::NotBefore(moment);
        }
        if !self.waiting.is_empty() && touched.is_some_and(|touched| self.waiting.contains(&touched)) {
            return Due::Behind;
        }
        Due::Now
    }
}

/// Nothing waits.
impl Default for Waves {
    fn default() -> Self {
        Self::at(Timestamp::MAX, Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::model::event::Ended;
    use crate::model::outcome::{Outcome, Status};
    use crate::model::phone::{Phone, PhoneNumber, PhoneType};
    use crate::model::row::{Row, RowNumber};
    use crate::model::secret::Secret;
    use crate::model::task::Work;
    use crate::model::user::UserId;

    fn now() -> Timestamp {
        "2026-03-01T07:00:00Z".parse().unwrap()
    }

    fn task(user: &str, action: Action, not_before: Option<&str>) -> Task {
        Task {
            row: Row { number: RowNumber(1), fields: Box::default() },
            user: UserId::new(user).unwrap(),
            action,
            not_before: not_before.map(|text| text.parse().unwrap()),
            prior: Prior::Untried,
            expected: None,
        }
    }

    fn mobile() -> Action {
        let number = PhoneNumber::from_formatted("+1 2065550101");
        Action::SetPhone(Phone { phone_type: PhoneType::Mobile, number })
    }

    #[test]
    fn a_row_is_due_from_its_moment_on() {
        let mut waves = Waves::at(now(), Arc::default());
        for (not_before, due) in [
            (None, Due::Now),
            (Some("2026-03-01T06:59:59Z"), Due::Now),
            (Some("2026-03-01T07:00:00Z"), Due::Now),
            (Some("2026-03-01T07:00:01Z"), Due::NotBefore("2026-03-01T07:00:01Z".parse().unwrap())),
        ] {
            assert_eq!(waves.due(&task("a@b.c", Action::ListMethods, not_before)), due, "{not_before:?}");
        }
        assert_eq!(Waves::default().due(&task("a@b.c", mobile(), Some("9999-12-01T00:00:00Z"))), Due::Now);
    }

    #[test]
    fn what_touches_the_same_waits_behind_an_earlier_row_of_its_user() {
        let mut waves = Waves::at(now(), Arc::default());
        let later = Some("2026-04-01T00:00:00Z");
        assert_eq!(waves.due(&task("a@b.c", Action::EnableSmsSignIn, None)), Due::Now);
        assert!(matches!(waves.due(&task("a@b.c", mobile(), later)), Due::NotBefore(_)));
        assert_eq!(
            waves.due(&task("A@b.c", Action::EnableSmsSignIn, Some("2026-01-01T00:00:00Z"))),
            Due::Behind
        );
        assert_eq!(waves.due(&task("a@b.c", Action::ListMethods, None)), Due::Now);
        assert_eq!(waves.due(&task("a@b.c", Action::ResetPassword(Some(Secret::new("x"))), None)), Due::Now);
        assert_eq!(waves.due(&task("b@b.c", mobile(), None)), Due::Now);
    }

    #[test]
    fn what_was_done_is_not_sent_again_unless_an_earlier_row_of_its_user_is_sent_only_now() {
        let reset = || Action::ResetPassword(Some(Secret::new("x")));
        let done =
            [task("a@b.c", mobile(), None), task("a@b.c", reset(), None), task("b@b.c", mobile(), None)];
        let mut earlier = Earlier::default();
        for task in &done {
            let ended = Ended {
                work: Work::Task(task.clone()),
                outcome: Outcome::new(Status::Succeeded, ""),
                attempts: 1,
                http_status: None,
                started_at: None,
                ended_at: Instant::now(),
                request_id: String::new(),
                client_request_id: String::new(),
                operation_id: String::new(),
            };
            earlier.note(0, (task, &task.action), &ended);
        }
        earlier.sort();
        let waves = Waves::at(now(), earlier.into());
        let is_done = |due| matches!(due, Due::Done(Place { run: 0, row: RowNumber(1) }));

        let mut all = waves.clone();
        assert!(done.iter().all(|task| is_done(all.due(task))));
        let later = Some("2026-04-01T00:00:00Z");
        assert!(
            is_done(waves.clone().due(&task("a@b.c", mobile(), later))),
            "done is done, whatever its time"
        );

        let mut behind = waves.clone();
        assert_eq!(behind.due(&task("a@b.c", Action::DeletePhone(PhoneType::Mobile), None)), Due::Now);
        assert_eq!(behind.due(&done[0]), Due::Now, "or the phone would stay deleted");
        assert!(is_done(behind.due(&done[1])), "no phone is a reason to reset a password once more");
        assert!(is_done(behind.due(&done[2])));

        let mut waiting = waves;
        assert!(matches!(waiting.due(&task("a@b.c", Action::EnableSmsSignIn, later)), Due::NotBefore(_)));
        assert!(is_done(waiting.due(&done[0])), "what waits is not sent");
    }

    #[test]
    fn a_row_that_reads_keeps_nobody_waiting() {
        let mut waves = Waves::at(now(), Arc::default());
        let _ = waves.due(&task("a@b.c", Action::ListMethods, Some("2026-04-01T00:00:00Z")));
        assert_eq!(waves.due(&task("a@b.c", mobile(), None)), Due::Now);
    }

    #[test]
    fn what_was_begun_is_settled_whatever_its_time() {
        let begun =
            Task { prior: Prior::InDoubt(None), ..task("a@b.c", mobile(), Some("2026-04-01T00:00:00Z")) };
        assert_eq!(Waves::at(now(), Arc::default()).due(&begun), Due::Now);
    }
}
