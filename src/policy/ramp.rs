//! How many requests are on the wire as long as no limit was met: a few, then more with every answer, and never many more
//! than may be refused when the limit is met.

/// What is known beforehand, and what was seen of the latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prospect {
    /// How many requests will be sent by all that go along.
    pub(super) expected: f64,
    /// The limit that an earlier run found, in requests a second.
    pub(super) learned: Option<f64>,
    /// So many requests a second were accepted from an earlier run of about the same size, which met no limit.
    pub(super) unrefused: Option<f64>,
    /// Of an answer, in seconds; `None` before the first.
    pub(super) latency: Option<f64>,
    /// No more may be on the wire.
    pub(super) most: f64,
}

/// So many requests may be on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ramp {
    window: f64,
}

/// Requests on the wire at the beginning.
const FIRST_WINDOW: f64 = 4.0;
/// How many may be on the wire when the first limit is met, since all of them may be refused: one in so many of all
/// requests, fewer where the limit is about known, or, where that is little, one in so many up to so many.
const REQUESTS_A_PLACE: f64 = 150.0;
const KNOWN_REQUESTS_A_PLACE: f64 = 250.0;
const FEW_REQUESTS_A_PLACE: f64 = 65.0;
const FEW_PLACES: f64 = 20.0;
/// Or as many as so many times the rate needs at which an earlier run met no limit, up to one in so many of all requests.
const BEYOND_UNREFUSED: f64 = 2.0;
const UNREFUSED_REQUESTS_A_PLACE: f64 = 45.0;
/// From this latency on, in seconds, they leave at no more than so many times the rate at which they come back.
const SPREAD_FROM: f64 = 0.02;
const SPREAD: f64 = 1.25;
/// Beyond that the window grows by so many a second.
const PLACES_A_SECOND: f64 = 1.0;
/// No window grows further by what other runs had accepted between two words.
const MOST_HEARD: u64 = 1_000;
/// A ramp that ends at no more than so many times its average has been one of many round trips.
const LONG_RAMP: f64 = 3.0;
/// No answer counts as quicker, in seconds.
const SHORTEST: f64 = 1e-4;

impl Ramp {
    /// One request feels its way.
    pub(super) const ALONE: Self = Self { window: 1.0 };

    pub(super) const fn new(learned: Option<f64>) -> Self {
        let window = match learned {
            Some(limit) => limit.clamp(1.0, FIRST_WINDOW),
            None => FIRST_WINDOW,
        };
        Self { window }
    }

    /// How many may be on the wire.
    pub(super) const fn places(self) -> f64 {
        self.window
    }

    /// Requests a second that may leave; `None` where only the places on the wire bound them.
    pub(super) fn per_second(self, prospect: &Prospect) -> Option<f64> {
        match prospect.latency {
            // Before the first answer nobody knows what a place on the wire means.
            None => prospect.learned,
            // What left together comes back together, and would leave together again.
            Some(latency) if latency >= SPREAD_FROM => Some(SPREAD * self.window / latency),
            Some(_) => None,
        }
    }

    /// After `count` answers, of which the last came so many seconds after the one before them.
    pub(super) fn answered(self, prospect: &Prospect, count: u64, elapsed: f64) -> Self {
        let grown = (1..count.min(MOST_HEARD)).fold(self, |ramp, _| ramp.grown(prospect, 0.0));
        let window = grown.grown(prospect, elapsed).window.min(prospect.most);
        Self { window }
    }

    fn grown(self, prospect: &Prospect, elapsed: f64) -> Self {
        let Prospect { expected, learned, unrefused, latency, .. } = *prospect;
        let latency = latency.unwrap_or_default();
        let (at_once, soon) = if let Some(rate) = learned {
            (rate * latency, expected / KNOWN_REQUESTS_A_PLACE)
        } else {
            let few = (expected / FEW_REQUESTS_A_PLACE).clamp(FIRST_WINDOW, FEW_PLACES);
            let again = BEYOND_UNREFUSED * unrefused.unwrap_or_default() * latency;
            let again = again.min(expected / UNREFUSED_REQUESTS_A_PLACE);
            (0.0, (expected / REQUESTS_A_PLACE).max(few).max(again))
        };
        let window = if self.window < at_once.max(soon) {
            (self.window + 1.0).max(at_once)
        } else {
            self.window + PLACES_A_SECOND * elapsed
        };
        Self { window }
    }

    /// The limit where so many a second were accepted on the average. What the quota had saved up before counts, too, so
    /// this is too much rather than too little.
    pub(super) fn limit(self, average: f64, latency: Option<f64>) -> f64 {
        let sent = latency.map_or(average, |latency| self.window / latency.max(SHORTEST));
        // The average of a long ramp is of slower times, too.
        if (average..LONG_RAMP * average).contains(&sent) {
            (average * sent).sqrt()
        } else {
            average.min(sent)
        }
    }
}
