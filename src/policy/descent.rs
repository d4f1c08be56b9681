//! Tells refusals that come whatever the rate from those that a lower rate ends.
//!
//! A limit that is too high is lowered by each 429 until the 429s end. Where they go on just as before, they have another
//! cause: a part of the service that is overloaded, or a fault. A run that went on lowering its rate would come to a stop
//! and be refused all the same.

/// A row of 429s that lowered the limit, none of which has brought fewer of them yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Descent {
    /// The limit before the first of them.
    from: f64,
    /// And after it: so much was really accepted.
    top: f64,
    steps: u32,
    /// Since the first of them.
    accepted: u64,
}

/// A descent of fewer steps says nothing,
const STEPS: u32 = 4;
/// nor one on which fewer requests were accepted,
const ACCEPTED: u64 = 20;
/// nor one that has left more of the limit.
const LEFT: f64 = 0.5;
/// Lowering has helped once so many times as many requests were accepted in a row as between two steps.
const HELPED: u64 = 10;
/// No 429 shows that the limit is less than one in so many of what it was thought to be: perhaps little was asked for.
pub(super) const STEEPEST: f64 = 8.0;
/// A step that leaves no more of the limit was cut short, and counts for nothing.
const SHORT_STEP: f64 = 1.05 / STEEPEST;
/// What the limit is raised to after a descent that did not help: the 429s said nothing of it, so it may be higher.
const RAISED: f64 = 2.5;

impl Descent {
    /// The limit after a 429 before which `accepted` were accepted in a row, where the last one's was `before` and this one
    /// says `now`; and the descent that it belongs to.
    pub(super) fn step(
        descent: Option<Self>,
        accepted: u64,
        (before, now): (f64, f64),
    ) -> (f64, Option<Self>) {
        let running = descent.filter(|descent| !descent.has_helped(accepted) && now < descent.from);
        let descent = match running {
            // A step that was cut short has not come to the limit yet.
            Some(descent) if now < before && now > before * SHORT_STEP => {
                Self { steps: descent.steps + 1, accepted: descent.accepted + accepted, ..descent }
            }
            Some(descent) => Self { accepted: descent.accepted + accepted, ..descent },
            None if now < before && now > before * SHORT_STEP => {
                Self { from: before, top: now, steps: 1, accepted: 0 }
            }
            None => return (now, None),
        };
        if descent.is_in_vain(now) { (descent.top * RAISED, None) } else { (now, Some(descent)) }
    }

    fn has_helped(&self, accepted: u64) -> bool {
        accepted * u64::from(self.steps) > HELPED * self.accepted.max(1) && self.steps > 1
    }

    fn is_in_vain(&self, limit: f64) -> bool {
        self.steps >= STEPS && self.accepted >= ACCEPTED && limit < self.top * LEFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits after 429s, each of which came when so many were accepted in a row and says so much.
    fn limits(first: f64, steps: &[(u64, f64)]) -> Vec<f64> {
        let (mut limit, mut descent) = (first, None);
        let mut limits = Vec::new();
        for (accepted, says) in steps {
            (limit, descent) = Descent::step(descent, *accepted, (limit, *says));
            limits.push(limit);
        }
        limits
    }

    #[test]
    fn a_limit_that_was_too_high_is_lowered_until_the_429s_end() {
        let steps = [(500, 20.0), (30, 11.0), (30, 10.0), (3_000, 9.8), (3_000, 9.6), (3_000, 9.5)];
        assert_eq!(limits(50.0, &steps), [20.0, 11.0, 10.0, 9.8, 9.6, 9.5]);
    }

    #[test]
    fn where_429s_come_whatever_the_limit_it_goes_back_to_what_was_accepted_and_beyond() {
        let steps = [(25, 16.0), (25, 10.0), (25, 7.5), (25, 6.0), (25, 25.0)];
        assert_eq!(limits(50.0, &steps), [16.0, 10.0, 7.5, 16.0 * RAISED, 25.0]);
        // A fifth at once was measured, too.
        let steps = [(25, 160.0), (25, 100.0), (25, 82.0), (25, 75.0)];
        assert_eq!(limits(800.0, &steps).last(), Some(&(160.0 * RAISED)));
    }

    #[test]
    fn a_few_requests_and_steps_that_were_cut_short_say_nothing() {
        let few = [(1, 40.0), (1, 32.0), (1, 25.0), (1, 20.0), (1, 16.0), (1, 12.0)];
        assert_eq!(limits(50.0, &few).last(), Some(&12.0));
        let short = [(100, 1_000.0), (100, 125.0), (100, 15.6), (100, 1.95), (100, 0.25)];
        assert_eq!(limits(8_000.0, &short).last(), Some(&0.25));
    }
}
