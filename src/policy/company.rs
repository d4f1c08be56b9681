//! Whether others draw on the same quota.
//!
//! Nobody says so. But whoever is alone has, from one 429 to the next, what the quota gives, and that stays the same. Among
//! others it is what they leave, and that goes up and down with every 429 that one of them gets. And a limit that is lowered
//! a little at each 429 is met later and later by whoever is alone.

use super::growth::Growth;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Company {
    is_here: bool,
    /// In requests a second: what was accepted from one 429 to the next, smoothed; `None` before the first.
    usual: Option<f64>,
    /// The last one.
    last: f64,
    /// How long it took, in seconds; 0 where its 429 was asked for.
    last_span: f64,
    /// How many in a row were about the same.
    alike: u32,
    /// How many 429s came among others.
    refusals: u32,
}

/// From one 429 to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// In requests a second, on the average.
    pub(super) accepted: f64,
    /// In seconds, above 0.
    pub(super) span: f64,
    /// Whether the 429 at its end was asked for, by a rate beyond the limit.
    pub(super) is_probe: bool,
    /// Whether the quota saves up what is not used.
    pub(super) is_saved: bool,
}

/// So much of the usual is less than anybody alone would have,
const LESS: f64 = 0.8;
/// and so much is more; it says nothing of a quota that begins anew at fixed times, of which a row may meet one more.
const MORE: f64 = 1.25;
/// Whoever is alone corrects a limit until it is met later and later: in no less than so many times the time before.
const SOONER: f64 = 0.5;
/// What the newest weighs in the usual.
const NEWEST: f64 = 0.3;
/// Others have gone once so many in a row were within this of the one before.
const ALIKE: u32 = 8;
const WITHIN: f64 = 0.03;

impl Company {
    /// Nobody, as far as is known.
    pub(super) const NONE: Self =
        Self { is_here: false, usual: None, last: 0.0, last_span: 0.0, alike: 0, refusals: 0 };

    /// The very first request was refused: somebody had used the quota up.
    pub(super) const fn note_used_up(&mut self) {
        self.is_here = true;
    }

    /// What the quota gives whoever is alone, in requests a second, is thought to be this.
    pub(super) const fn expect(&mut self, limit: f64) {
        self.usual = Some(limit);
    }

    /// A 429, and what there was since the one before.
    pub(super) fn note_refusal(&mut self, since: &Stretch) {
        let Stretch { accepted, span, is_probe, is_saved } = *since;
        self.refusals += u32::from(self.is_here);
        let usual = self.usual.unwrap_or(accepted);
        let is_less = accepted < LESS * usual;
        let is_more = is_saved && accepted > MORE * usual;
        let is_sooner = is_saved && !is_probe && span < SOONER * self.last_span;
        self.is_here |= is_less || is_more || is_sooner;
        self.last_span = if is_probe { 0.0 } else { span };
        self.usual = Some(usual + (accepted - usual) * NEWEST);
        let step = accepted / std::mem::replace(&mut self.last, accepted).max(f64::MIN_POSITIVE);
        if (step - 1.0).abs() < WITHIN {
            self.note_alike();
        } else {
            self.alike = 0;
        }
    }

    /// A 429 before which hardly anything was accepted since the last one: that is much the same as the one before.
    pub(super) const fn note_few(&mut self) {
        self.note_alike();
    }

    const fn note_alike(&mut self) {
        self.alike += 1;
        if self.alike >= ALIKE {
            (self.is_here, self.refusals) = (false, 0);
        }
    }

    /// How the rate grows among others; `None` where there are none.
    pub(super) fn growth(&self) -> Option<Growth> {
        self.is_here.then(|| Growth::after(self.refusals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(accepted: f64) -> Stretch {
        Stretch { accepted, span: 10.0, is_probe: false, is_saved: true }
    }

    fn is_here(stretches: impl IntoIterator<Item = Stretch>) -> bool {
        let mut company = Company::NONE;
        for since in stretches {
            company.note_refusal(&since);
        }
        company.growth().is_some()
    }

    #[test]
    fn who_is_alone_has_about_the_same_again_and_again() {
        assert!(!is_here([42.7, 40.0, 46.3, 47.2, 50.9, 49.7, 48.3, 49.8].map(stretch)));
    }

    #[test]
    fn much_less_or_more_than_before_comes_from_others() {
        let in_windows = |accepted| Stretch { is_saved: false, ..stretch(accepted) };
        assert!(is_here([50.0, 51.0, 38.0].map(stretch)));
        assert!(is_here([50.0, 51.0, 38.0].map(in_windows)));
        assert!(is_here([50.0, 51.0, 65.0].map(stretch)));
        assert!(!is_here([50.0, 51.0, 65.0].map(in_windows)), "a row may meet one window more");
    }

    #[test]
    fn a_limit_that_is_met_sooner_than_before_is_met_by_others_unless_it_was_asked_for() {
        let lasted = |span| Stretch { span, ..stretch(50.0) };
        assert!(!is_here([10.0, 19.0, 30.0, 28.0].map(lasted)));
        assert!(is_here([10.0, 19.0, 30.0, 12.0].map(lasted)));
        assert!(!is_here([lasted(30.0), Stretch { is_probe: true, ..lasted(12.0) }, lasted(5.0)]));
        assert!(!is_here([30.0, 12.0].map(|span| Stretch { is_saved: false, ..lasted(span) })));
    }

    #[test]
    fn what_was_expected_counts() {
        let mut company = Company::NONE;
        company.expect(100.0);
        company.note_refusal(&stretch(40.0));
        assert!(company.growth().is_some());
    }

    #[test]
    fn a_quota_too_small_to_tell_is_nobody_elses_after_a_while() {
        let mut company = Company::NONE;
        company.note_used_up();
        (0..ALIKE).for_each(|_| company.note_few());
        assert_eq!(company.growth(), None);
    }

    #[test]
    fn they_are_gone_once_all_is_alike_for_long() {
        let mut company = Company::NONE;
        company.note_used_up();
        let mut refusals = 0;
        while company.growth().is_some() {
            company.note_refusal(&stretch(50.0));
            refusals += 1;
        }
        assert_eq!(refusals, 9);
        company.note_refusal(&stretch(30.0));
        assert_eq!(company.growth(), Some(Growth::after(0)), "who comes anew is new");
    }
}
