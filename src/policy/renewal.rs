//! Quotas that begin anew at times that nobody tells: once used up, all is refused until then, whatever Retry-After says.
//! One long wait would end long behind that time, and a count from refusal to refusal depends on when in its window each
//! one came. So the waiting is cut into short pauses where much was accepted before, and the limit is a long average.

/// What was seen of such times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Renewal {
    /// When the last row of refusals began, in seconds, and how many there were.
    began: f64,
    refusals: u64,
    /// What was accepted before them.
    accepted: u64,
    /// Whether such a row was long since the quota was last known to be of this kind.
    is_seen: bool,
    /// Accepted requests and seconds from row to row, older ones with less weight.
    sum: (f64, f64),
}

/// Before a row of refusals that says something so many were accepted.
const MANY: u64 = 100;
/// So many refusals in so many seconds are a long row.
const LONG_ROW: u64 = 4;
const LONG_WAIT: f64 = 10.0;
/// Pauses are doubled from here on only when they have cost one refusal in so many accepted requests, in seconds.
const SHORT_PAUSE: f64 = 8.0;
const ACCEPTED_A_REFUSAL: u64 = 250;
/// What older rows weigh beside the next one.
const FADED: f64 = 0.7;
/// The quota is to be used up a little before its time: what is left over then is lost, and the wait is short.
const HEADROOM: f64 = 1.1;

impl Renewal {
    /// Nothing yet.
    pub(super) const NONE: Self =
        Self { began: 0.0, refusals: 0, accepted: 0, is_seen: false, sum: (0.0, 0.0) };

    /// A request is refused at `now`, for the first time since `accepted` were accepted in `span` seconds; `None` where
    /// nobody knows since when.
    pub(super) fn note_refusal(&mut self, now: f64, accepted: u64, span: Option<f64>) {
        let before = if accepted < MANY { Self::NONE } else { *self };
        let (requests, seconds) = before.sum;
        let sum = match span {
            Some(span) => (FADED * requests + accepted as f64, FADED * seconds + span),
            None => before.sum,
        };
        *self = Self { began: now, refusals: 1, accepted, sum, ..before };
    }

    /// So is the next one, nothing being accepted between. Gives the pause behind a pause of `last` seconds.
    pub(super) fn note_another(&mut self, now: f64, last: f64) -> f64 {
        self.refusals += 1;
        let is_long = self.refusals >= LONG_ROW && now - self.began > LONG_WAIT;
        self.is_seen |= is_long && self.accepted >= MANY;
        let is_cheap = self.refusals * ACCEPTED_A_REFUSAL <= self.accepted;
        if last >= SHORT_PAUSE && is_cheap { last } else { 2.0 * last }
    }

    /// What a pause of so many seconds costs: where the quota is of this kind, no more than comes behind its time.
    pub(super) fn cost_of(&self, pause: f64) -> f64 {
        if self.limit().is_some() { pause.min(SHORT_PAUSE) } else { pause }
    }

    /// The limit, in requests a second; `None` where the quota is none of this kind.
    pub(super) fn limit(&self) -> Option<f64> {
        let (requests, seconds) = self.sum;
        (self.is_seen && seconds > 0.0).then(|| HEADROOM * requests / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_short_while_they_cost_little() {
        let mut renewal = Renewal::NONE;
        renewal.note_refusal(60.0, 3_000, None);
        let (mut now, mut pause, mut pauses) = (60.0, 1.0, Vec::new());
        while now < 250.0 {
            now += pause;
            pause = renewal.note_another(now, pause);
            pauses.push(pause);
        }
        let whole: Vec<String> = pauses.iter().map(f64::to_string).collect();
        assert_eq!(whole[..4], ["2", "4", "8", "8"]);
        assert_eq!(whole[11..13], ["16", "32"], "{pauses:?}");
        let mut few = Renewal::NONE;
        few.note_refusal(60.0, 50, None);
        let doubled = [16.0, 32.0].map(|last| few.note_another(90.0, last).to_string());
        assert_eq!(doubled, ["32", "64"]);
        assert_eq!(few.limit(), None);
    }

    #[test]
    fn the_limit_is_an_average_over_several_windows() {
        let mut renewal = Renewal::NONE;
        // 3,000 in 150 s, used up at another time in each window.
        let mut last = None;
        for (window, used_up_after) in [100.0, 60.0, 130.0, 90.0, 120.0, 70.0].into_iter().enumerate() {
            let now = window as f64 * 150.0 + used_up_after;
            renewal.note_refusal(now, 3_000, last.map(|last| now - last));
            for at in 1..6 {
                renewal.note_another(now + 4.0 * f64::from(at), 4.0);
            }
            last = Some(now);
        }
        let limit = renewal.limit().unwrap() / HEADROOM;
        assert!((18.0..22.5).contains(&limit), "{limit}");
        renewal.note_refusal(5_000.0, 20, Some(10.0));
        assert_eq!(renewal.limit(), None, "these refusals have another cause");
    }
}
