//! What a limit that an earlier run found is worth now, and how a new finding joins it. Pure.

use std::time::Duration;

/// A limit that a run found, or a rate at which it met none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// In requests a second, above 0.
    pub per_second: f64,
    /// How many requests it rests on.
    pub requests: u64,
}

const DAY: Duration = Duration::from_hours(24);
/// For so long a limit is believed as it was found.
const FRESH_FOR: Duration = DAY.saturating_mul(7);
/// So long after it was found it is forgotten.
const FORGOTTEN_AFTER: Duration = DAY.saturating_mul(30);
/// What is left of it right before that.
const LEAST_LEFT: f64 = 0.7;
/// A limit that rests on fewer requests was found in passing.
const SURE_FROM: u64 = 100;
/// Such a limit ages so many times as fast.
const UNSURE_AGES_BY: u32 = 4;
/// Two limits that differ by less are the same one.
const AGREES_WITHIN: f64 = 0.25;
/// No finding weighs more than one that rests on so many requests, so that the latest ones are heard.
const MOST_WEIGHT: u64 = 5_000;
/// A run that met no limit speaks for one of so many times as many requests.
const SPEAKS_FOR: u64 = 2;
/// What a shorter run was allowed to says nothing of the long run.
const LONG_ENOUGH: Duration = Duration::from_mins(1);

impl Finding {
    /// Whether it rests on enough requests to be no chance: 100.
    #[must_use]
    pub const fn is_sure(&self) -> bool {
        self.requests >= SURE_FROM
    }

    fn counted_age(&self, age: Duration) -> Duration {
        if self.is_sure() { age } else { age.saturating_mul(UNSURE_AGES_BY) }
    }

    /// Where a run should begin that knows of it, in requests a second: lower as time goes by, since a quota may have
    /// been cut meanwhile, and `None` once it is too old. A sure limit is believed for 7 days, then falls evenly to
    /// 70 % at 30 days. One that rests on fewer than 100 requests ages four times as fast.
    #[must_use]
    pub fn start(&self, age: Duration) -> Option<f64> {
        let age = self.counted_age(age);
        if age >= FORGOTTEN_AFTER {
            return None;
        }
        let fades_for = FORGOTTEN_AFTER.saturating_sub(FRESH_FOR);
        let faded = age.saturating_sub(FRESH_FOR).as_secs_f64() / fades_for.as_secs_f64();
        Some(self.per_second * (1.0 - faded * (1.0 - LEAST_LEFT)))
    }

    /// Whether a run that met no limit went so much faster, for so long, that this one is none any more. A short run
    /// may have lived on what the quota had saved up.
    #[must_use]
    pub fn is_refuted_by(&self, requests: u64, time: Duration) -> bool {
        let per_second = requests as f64 / time.as_secs_f64();
        time >= LONG_ENOUGH && per_second > self.per_second * (1.0 + AGREES_WITHIN)
    }

    /// Whether a rate at which no limit was met says something to a job of so many requests. A larger one may use up what
    /// the quota had saved up for the smaller one.
    #[must_use]
    pub const fn speaks_for(&self, expected: u64) -> bool {
        expected <= self.requests.saturating_mul(SPEAKS_FOR)
    }

    /// Whether this rate, at which no limit was met either, takes the place of the one from `before`, found `age` ago: it
    /// is no lower and rests on about as many requests, or the other one is too old. A lower one contradicts nothing: that
    /// run was held back by something else.
    #[must_use]
    pub fn outweighs(&self, before: Self, age: Duration) -> bool {
        let Some(known) = before.start(age) else { return true };
        self.speaks_for(before.requests) && self.per_second >= known
    }

    /// What to remember behind a run that found `self` where `before` was remembered, found `age` ago. Two that agree
    /// are averaged by what they rest on. Where they do not, the new one counts, unless it was found in passing and the
    /// old one is still believed: then the truth is looked for between them.
    #[must_use]
    pub fn joined(self, before: Self, age: Duration) -> Self {
        if before.start(age).is_none() {
            return self;
        }
        if (self.per_second / before.per_second - 1.0).abs() < AGREES_WITHIN {
            let weight = |finding: &Self| finding.requests.clamp(1, MOST_WEIGHT) as f64;
            let (new, old) = (weight(&self), weight(&before));
            let per_second = (self.per_second * new + before.per_second * old) / (new + old);
            return Self {
                per_second,
                requests: self.requests.saturating_add(before.requests).min(MOST_WEIGHT),
            };
        }
        let is_contradicted = self.is_sure() || !before.is_sure() || before.counted_age(age) > FRESH_FOR;
        let per_second =
            if is_contradicted { self.per_second } else { (self.per_second * before.per_second).sqrt() };
        Self { per_second, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SURE: Finding = Finding { per_second: 100.0, requests: 1_000 };
    const PASSING: Finding = Finding { per_second: 100.0, requests: 20 };

    fn days(days: u32) -> Duration {
        DAY * days
    }

    #[test]
    fn old_knowledge_fades_and_unsure_knowledge_faster() {
        for (finding, age, start) in [
            (SURE, 0, Some(100.0)),
            (SURE, 7, Some(100.0)),
            (SURE, 30, None),
            (PASSING, 1, Some(100.0)),
            (PASSING, 8, None),
        ] {
            assert_eq!(finding.start(days(age)), start, "{finding:?} after {age} days");
        }
        let (half_way, last) = (SURE.start(days(18) + DAY / 2), SURE.start(days(29) + DAY.mul_f64(0.99999)));
        assert!((half_way.unwrap() - 85.0).abs() < 0.01, "{half_way:?}");
        assert!((last.unwrap() - 70.0).abs() < 0.01, "{last:?}");
        assert_eq!(SURE.start(Duration::MAX), None);
    }

    #[test]
    fn findings_that_agree_are_averaged_by_what_they_rest_on() {
        let new = Finding { per_second: 120.0, requests: 3_000 };
        let joined = new.joined(SURE, days(1));
        assert_eq!(joined, Finding { per_second: 115.0, requests: 4_000 });
        // The latest are heard, however many came before.
        let old = Finding { per_second: 100.0, requests: u64::MAX };
        assert!(Finding { per_second: 120.0, requests: 5_000 }.joined(old, days(1)).per_second >= 110.0);
    }

    #[test]
    fn a_sure_finding_replaces_what_it_contradicts_and_one_in_passing_is_half_believed() {
        let sure = Finding { per_second: 25.0, requests: 500 };
        let passing = Finding { per_second: 25.0, requests: 20 };
        assert_eq!(sure.joined(SURE, days(1)), sure);
        assert_eq!(passing.joined(SURE, days(1)), Finding { per_second: 50.0, requests: 20 });
        // Where the old one is unsure itself, has faded or is forgotten, there is nothing to hold against the new one.
        assert_eq!(passing.joined(PASSING, days(1)), passing);
        assert_eq!(passing.joined(SURE, days(8)), passing);
        assert_eq!(passing.joined(SURE, days(31)), passing);
    }

    #[test]
    fn a_long_run_that_went_faster_and_met_no_limit_refutes_the_old_one() {
        let minute = Duration::from_mins(1);
        assert!(SURE.is_refuted_by(60 * 130, minute));
        assert!(!SURE.is_refuted_by(60 * 120, minute), "about as fast");
        assert!(!SURE.is_refuted_by(59 * 500, Duration::from_secs(59)), "too short");
        assert!(!SURE.is_refuted_by(0, Duration::ZERO));
    }

    #[test]
    fn a_rate_that_met_no_limit_speaks_for_jobs_about_as_large_until_another_one_does() {
        assert!(SURE.speaks_for(2_000) && !SURE.speaks_for(2_001));
        assert!(Finding { per_second: 1.0, requests: u64::MAX }.speaks_for(u64::MAX));
        for (per_second, requests, age, outweighs) in [
            (100.0, 500, 1, true),
            (100.0, 499, 1, false),
            (99.0, 5_000, 1, false),
            (90.0, 5_000, 29, true),
            (20.0, 499, 31, true),
        ] {
            let new = Finding { per_second, requests };
            assert_eq!(new.outweighs(SURE, days(age)), outweighs, "{new:?} after {age} days");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_remembered_a_start_is_between_seven_tenths_and_all_of_it(
            per_second in 0.001..1e6_f64, requests in any::<u64>(), hours in 0..10_000_u64,
        ) {
            if let Some(start) = (Finding { per_second, requests }).start(Duration::from_hours(hours)) {
                prop_assert!(start <= per_second && start >= per_second * 0.699);
            }
        }
    }
}
