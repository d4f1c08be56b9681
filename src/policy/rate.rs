//! How fast requests may leave so that the service answers nearly none of them 429. Pure: answers with their times in,
//! a rate and a number of places on the wire out.
//!
//! It begins by feeling its way: a few requests on the wire, more with every answer. At the first sign of a limit it
//! cruises: the rate at which requests were really accepted, approached quickly, kept a little under, and after a while
//! probed beyond, along the curve of CUBIC (RFC 9438). How long "a while" is follows from what a probe costs. Where others
//! draw on the same quota it gives way at each 429 and grows again, so that the shares become level.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::company::{Company, Stretch};
use super::cruise::{Costs, Cruise, Epoch, boost_for};
use super::descent::{Descent, STEEPEST};
use super::growth::{Growth, KEPT};
use super::ramp::{Prospect, Ramp};
use super::renewal::Renewal;
use super::throttle_scope::Hits;

/// What the controller is told before it begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateSettings {
    /// No more requests are on the wire, whatever the latency.
    pub in_flight: NonZeroUsize,
    /// About how many requests will be sent: the more there are, the less a few that are refused on the way weigh.
    pub expected: u64,
    /// The limit that an earlier run found, in requests a second; `None` where nothing is known.
    pub learned: Option<f64>,
    /// So many requests a second were accepted from an earlier run that met no limit and was at least half as large; `None`
    /// where none was.
    pub unrefused: Option<f64>,
    /// How much of what is found is used, above 0 and up to 1.
    pub share: f64,
}

/// An answer that is no 429.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passed {
    /// When its request left.
    pub sent_at: Duration,
    /// When it came.
    pub at: Duration,
    /// How much of the quota is used, where the service says so: Graph does from 0.8 on, and throttles from 1.0 on
    /// (Microsoft Graph, "Microsoft Graph throttling guidance").
    pub used: Option<f64>,
}

/// An answer 429.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throttled {
    /// When its request left.
    pub sent_at: Duration,
    /// When it came.
    pub at: Duration,
    /// How long nobody is to send.
    pub hold: Duration,
    /// Whether the hold says something about the quota. One that was cut short, or was made up here, does not.
    pub hold_is_told: bool,
    /// Who is hit.
    pub hits: Hits,
}

/// Finds the rate for one kind of request.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    settings: RateSettings,
    phase: Phase,
    /// Of an answer, in seconds, smoothed; `None` before the first.
    latency: Option<f64>,
    /// What the last answer said of the quota; 0 where it said nothing.
    used: f64,
    /// Whether the service has said, since the last 429, that most of the quota is used.
    is_braked: bool,
    /// In all.
    accepted: u64,
    epoch: Epoch,
    /// Since the first limit was met.
    since_met: Epoch,
    last_hold: Option<Hold>,
    descent: Option<Descent>,
    company: Company,
    renewal: Renewal,
    saving: Saving,
    last_answer: f64,
    /// The part of the pace that is this run's, above 0 and up to 1.
    part: f64,
    /// The pace that another run sets, and until when it is believed.
    led: Option<(f64, f64)>,
    /// What was known before the last 429, and that: what other runs had accepted by then may be heard of later.
    before_hold: Option<Box<(Self, Throttled)>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Hold {
    began: f64,
    span: f64,
    /// Whether nothing was accepted between the one before and this one.
    is_repeated: bool,
    /// Whether anything was accepted that left after it.
    is_over: bool,
}

/// Whether the quota saves up what is not used during a hold.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Saving {
    /// Until something speaks against it.
    Taken,
    /// What was spent after a hold was not there.
    Doubted,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// No limit was met.
    Ramp(Ramp),
    /// The limit is known.
    Cruise(Cruise),
}

/// A limit that differs from the last one by so much is a new one.
const NEW_FROM: f64 = 0.25;
/// What is used after everybody in the tenant was hit.
const DEPTH_FOR_ALL: f64 = 0.85;
/// From here on the service says how much is used.
const USED_TOLD_FROM: f64 = 0.8;
/// And from here on it throttles.
const USED_UP: f64 = 1.0;
/// A pace that another run has set is believed for so many seconds after it was heard of.
const LED_FOR: f64 = 3.0;
/// A pace that is told stands still so many seconds after the last answer, and many round trips.
const IDLE_AFTER: f64 = 1.0;
/// Beyond the limit it is no more than so many times what was accepted since, or than so many times the limit.
const BEYOND_SENT: f64 = 4.0;
const BEYOND_ANYWAY: f64 = 1.1;
/// The brake leaves so much of the rate: else nobody would see that there is room again.
const HARDEST_BRAKE: f64 = 0.1;
/// While the service says how much is used, the brake is what holds the rate, and the limit is this many times what was
/// accepted on the average: so a quota that begins anew at fixed times is used up just before the end of each.
const HEADROOM: f64 = 1.4;
/// An estimate from fewer accepted requests is none.
const ENOUGH: u64 = 5;
/// After so many round trips what was on the wire at the beginning weighs nothing any more.
const MANY_ROUNDS: f64 = 10.0;
/// One from fewer than these is a guess.
const GUESSED_FROM: u64 = 2;
/// What takes no longer than so many holds is too little to look for more.
const LAST_HOLDS: f64 = 10.0;
/// A hold that is no more than this share of the time between two 429s is short.
const SHORT_HOLD: f64 = 0.5;
/// What was accepted is close to the rate that was refused from here on: the limit lies between them.
const CLOSE: f64 = 0.9;
/// By so many seconds a Retry-After is longer than it need be, since it counts whole ones.
const ROUNDED_BY: f64 = 1.0;
/// A window that was used up long before its end was used by no more than so many times its average.
const BEFORE_END: f64 = 1.4;
/// And what came between two pauses that were soon after one another, by no more than so many times.
const BEFORE_PAUSE: f64 = 10.0;
/// Without an estimate the limit is lowered by this.
const BLIND_STEP: f64 = 0.8;
/// A hold after which nothing was accepted is doubled, up to so many seconds.
const LONGEST_DOUBLED: f64 = 64.0;
/// No rate is lower: a request in ten minutes.
const SLOWEST: f64 = 1.0 / 600.0;
/// Nor is any higher.
const FASTEST: f64 = 1e6;

impl Rate {
    /// Nothing has been sent, and the time is zero.
    #[must_use]
    pub const fn new(settings: RateSettings) -> Self {
        Self {
            settings,
            phase: Phase::Ramp(Ramp::new(settings.learned)),
            latency: None,
            used: 0.0,
            is_braked: false,
            accepted: 0,
            epoch: Epoch { began: 0.0, accepted: 0 },
            since_met: Epoch { began: 0.0, accepted: 0 },
            last_hold: None,
            descent: None,
            company: Company::NONE,
            renewal: Renewal::NONE,
            saving: Saving::Taken,
            last_answer: 0.0,
            part: 1.0,
            led: None,
            before_hold: None,
        }
    }

    /// Requests a second that may leave at `now`; `None` where only the places on the wire bound them.
    #[must_use]
    pub fn rate(&self, now: Duration) -> Option<f64> {
        let whole = match self.phase {
            Phase::Ramp(ramp) => ramp.per_second(&self.prospect())?,
            Phase::Cruise(cruise) => {
                let now = now.as_secs_f64();
                match self.led {
                    Some((pace, until)) if now < until => pace,
                    Some(_) | None => self.cruising(&cruise, now),
                }
            }
        };
        Some((whole * self.settings.share * self.part).clamp(SLOWEST, FASTEST))
    }

    /// Requests a second that all may send together who draw on the quota, at `now`; `None` where no limit was met. What
    /// nobody tries proves nothing, so it is not much more than what was sent.
    #[must_use]
    pub fn pace(&self, now: Duration) -> Option<f64> {
        let Phase::Cruise(cruise) = self.phase else { return None };
        let patience = IDLE_AFTER + MANY_ROUNDS * self.latency.unwrap_or_default();
        let idle_from = self.last_answer.max(cruise.began) + patience;
        let now = now.as_secs_f64().min(idle_from);
        let pace = self.cruising(&cruise, now);
        Some(match cruise.beyond {
            Some(beyond) => {
                pace.min((BEYOND_SENT * beyond.per_second(now)).max(BEYOND_ANYWAY * cruise.limit))
            }
            None => pace,
        })
    }

    /// The part of the pace that is this run's.
    #[must_use]
    pub const fn part(&self) -> f64 {
        self.part
    }

    /// Takes a `part` of the pace, which another run sets where it is `led`; `limit` is the one that was found there.
    pub fn go_along(&mut self, part: f64, led: Option<f64>, limit: Option<f64>, now: Duration) {
        let until = now.as_secs_f64() + LED_FOR;
        (self.part, self.led) = (part, led.map(|pace| (pace, until)));
        let Some(limit) = limit.filter(|_| led.is_some()) else { return };
        // Whoever has to go on alone begins there.
        match &mut self.phase {
            Phase::Cruise(cruise) => (cruise.limit, cruise.certain) = (limit, cruise.certain.min(limit)),
            Phase::Ramp(_) => {
                let now = now.as_secs_f64();
                let epoch = Epoch { began: now, accepted: 0 };
                (self.epoch, self.since_met) = (epoch, epoch);
                self.phase = Phase::Cruise(Cruise { limit, certain: limit, ..Cruise::plain(now) });
            }
        }
    }

    /// The limit that was found, in requests a second; `None` where none was met.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        match self.phase {
            Phase::Ramp(_) => None,
            // What the brake holds is used up to its end: the limit is what is accepted.
            Phase::Cruise(_) if self.is_braked && self.epoch.accepted >= ENOUGH => {
                Some(self.epoch.per_second(self.last_answer))
            }
            // What was accepted over a long time is the best witness, and what was since the last 429: then a bucket was empty.
            Phase::Cruise(cruise) => {
                let average = self.accepted_in(&self.since_met);
                let is_held = self.last_hold.is_some_and(|hold| !hold.is_over);
                let is_telling = self.saving != Saving::None && self.epoch.accepted >= ENOUGH && !is_held;
                let of_late = if is_telling { self.accepted_in(&self.epoch) } else { 0.0 };
                Some(cruise.certain.max(average).max(of_late))
            }
        }
    }

    /// What was accepted in a second up to the last request of which the answer is known, or to the last answer where it is
    /// early: then answers of before are among them.
    fn accepted_in(&self, epoch: &Epoch) -> f64 {
        let latency = self.latency.unwrap_or_default();
        let is_early = self.last_answer - epoch.began < MANY_ROUNDS * latency;
        epoch.per_second(if is_early { self.last_answer } else { self.last_answer - latency })
    }

    /// How many requests may be on the wire at `now`; at least 1.
    #[must_use]
    pub fn places(&self, now: Duration) -> usize {
        let most = self.settings.in_flight.get();
        let wanted = match self.phase {
            // Where a hold brought nothing, the first one after the next goes alone.
            _ if self.last_hold.is_some_and(|hold| hold.is_repeated && !hold.is_over) => 1.0,
            Phase::Ramp(ramp) => ramp.places() * self.settings.share * self.part,
            Phase::Cruise(_) => {
                let needed = self.rate(now).unwrap_or_default() * self.latency.unwrap_or_default();
                // A place too few adds the latency to the time between two requests.
                (1.0 + 1.5 * needed).floor().max((0.95 + needed).ceil())
            }
        };
        whole(wanted).clamp(1, most)
    }

    /// Learns from an answer that is no 429.
    pub fn passed(&mut self, answer: &Passed) {
        self.note_latency((answer.at.saturating_sub(answer.sent_at)).as_secs_f64());
        self.accept(answer, 1);
    }

    /// Learns from `count` answers that other runs had, of which `answer` is the last.
    pub fn passed_elsewhere(&mut self, answer: &Passed, count: u64) {
        if self.latency.is_none() {
            self.note_latency((answer.at.saturating_sub(answer.sent_at)).as_secs_f64());
        }
        match (self.last_hold, self.before_hold.take()) {
            (Some(hold), Some(before)) if answer.sent_at.as_secs_f64() < hold.began + hold.span => {
                let (mut again, refusal) = *before;
                again.accept(answer, count);
                again.throttled_elsewhere(&refusal);
                again.latency = self.latency;
                (again.used, again.is_braked) = (self.used, self.is_braked);
                again.last_answer = self.last_answer;
                again.accepted += self.epoch.accepted;
                again.epoch.accepted += self.epoch.accepted;
                again.since_met.accepted += self.epoch.accepted;
                *self = Self { part: self.part, led: self.led, ..again };
            }
            _ => self.accept(answer, count),
        }
    }

    fn accept(&mut self, answer: &Passed, count: u64) {
        // Answers of other runs are heard of late.
        let (sent_at, now) = (answer.sent_at.as_secs_f64(), answer.at.as_secs_f64().max(self.last_answer));
        for accepted in [&mut self.accepted, &mut self.epoch.accepted, &mut self.since_met.accepted] {
            *accepted = accepted.saturating_add(count);
        }
        if let Some(hold) = &mut self.last_hold
            && sent_at >= hold.began
        {
            hold.is_over = true;
        }
        self.used = answer.used.filter(|used| used.is_finite()).unwrap_or_default();
        let elapsed = now - std::mem::replace(&mut self.last_answer, now);
        let is_near = self.used >= USED_TOLD_FROM;
        self.is_braked |= is_near;
        self.phase = match self.phase {
            Phase::Ramp(_) if is_near && now > self.epoch.began => Phase::Cruise(self.first_soft_limit(now)),
            Phase::Ramp(ramp) => Phase::Ramp(ramp.answered(&self.prospect(), count, elapsed)),
            Phase::Cruise(cruise) if is_near => Phase::Cruise(self.near(cruise, now, elapsed)),
            Phase::Cruise(cruise) => Phase::Cruise(self.far(cruise, sent_at, count)),
        };
    }

    /// Learns from a 429. Gives the pause that everybody has to make.
    pub fn throttled(&mut self, answer: &Throttled) -> Duration {
        self.note_latency((answer.at.saturating_sub(answer.sent_at)).as_secs_f64());
        self.throttled_elsewhere(answer)
    }

    /// Learns from a 429 that another run had. Gives the pause that everybody has to make.
    pub fn throttled_elsewhere(&mut self, answer: &Throttled) -> Duration {
        let (sent_at, now) = (answer.sent_at.as_secs_f64(), answer.at.as_secs_f64());
        self.last_answer = now;
        self.used = 0.0;
        self.is_braked = false;
        let span = answer.hold.as_secs_f64();
        let span = match self.last_hold {
            // It left before anybody there had heard of the hold, and says nothing new.
            Some(hold) if sent_at < hold.began + hold.span => return answer.hold,
            // Nothing was accepted since: what the hold should have brought is not there yet.
            Some(hold) if !hold.is_over => {
                self.before_hold = None;
                let span = span.max(self.renewal.note_another(now, hold.span).min(LONGEST_DOUBLED));
                match &mut self.phase {
                    Phase::Cruise(cruise) => cruise.began = now + span,
                    Phase::Ramp(_) => self.epoch.began = now + span,
                }
                span
            }
            Some(_) | None => {
                self.before_hold = None;
                self.before_hold = Some(Box::new((self.clone(), *answer)));
                if let Phase::Cruise(cruise) = self.phase {
                    // It was spent, and was not there.
                    if self.saving == Saving::Taken && was_boosted(&cruise, sent_at) {
                        self.saving = Saving::Doubted;
                    }
                }
                let is_row_to_row = matches!(self.phase, Phase::Cruise(_));
                let since = is_row_to_row.then_some(sent_at - self.epoch.began);
                self.renewal.note_refusal(now, self.epoch.accepted, since);
                let counted = if answer.hold_is_told { span } else { span.min(1.0) };
                if self.limit().is_none() {
                    self.since_met = Epoch { began: sent_at, accepted: 0 };
                }
                let is_used_up = self.epoch.accepted == 0 && answer.hold_is_told;
                if is_used_up && matches!(self.phase, Phase::Ramp(_)) {
                    // That says nothing of the quota: it is felt for again.
                    self.company.note_used_up();
                    self.phase = Phase::Ramp(Ramp::ALONE);
                    self.settings.unrefused = None;
                    self.epoch = Epoch { began: now + span, accepted: 0 };
                } else {
                    self.phase = Phase::Cruise(self.met(sent_at, counted, now + span, answer.hits));
                    self.epoch = Epoch { began: sent_at, accepted: 0 };
                }
                span
            }
        };
        let is_repeated = self.last_hold.is_some_and(|hold| !hold.is_over);
        self.last_hold = Some(Hold { began: now, span, is_repeated, is_over: false });
        Duration::try_from_secs_f64(span).unwrap_or(answer.hold).max(answer.hold)
    }

    /// The limit was met by a request that left at `sent_at`; the curve begins after the hold.
    fn met(&mut self, sent_at: f64, hold: f64, began: f64, hits: Hits) -> Cruise {
        let mut limit = self.estimate(sent_at, hold);
        let depth = match hits {
            Hits::Us => 1.0,
            Hits::Everybody => DEPTH_FOR_ALL,
        };
        if let Phase::Cruise(cruise) = self.phase {
            if let Some(growth) = self.growth_after(&cruise, sent_at) {
                let (limit, certain) = self.given_way(&cruise, sent_at, limit);
                let growth = Some(growth);
                return Cruise { limit, certain, depth, growth, ..Cruise::plain(began) };
            }
            (limit, self.descent) = Descent::step(self.descent, self.epoch.accepted, (cruise.limit, limit));
        }
        let held_since = match self.phase {
            Phase::Ramp(_) if self.settings.learned == Some(limit) => f64::NEG_INFINITY,
            Phase::Cruise(cruise) if (limit / cruise.limit - 1.0).abs() < NEW_FROM => cruise.held_since,
            Phase::Ramp(_) | Phase::Cruise(_) => began,
        };
        // A bucket has the next request's room soon; who waits for longer waits for a window to end, which saves nothing.
        if hold > 1.0 / limit + ROUNDED_BY || self.renewal.limit().is_some() {
            self.saving = Saving::None;
        }
        let is_first = matches!(self.phase, Phase::Ramp(_)) && self.settings.learned.is_none();
        // A first limit that was measured has in it what the quota had saved up before, so it is too high already.
        let is_high = is_first && self.epoch.accepted >= ENOUGH;
        let is_boosted = self.saving == Saving::Taken && hold > 0.0 && !is_high;
        let boosted_until = if is_boosted { began + boost_for(hold) } else { began };
        // Behind a probe the limit lies somewhere between what was accepted and what was refused.
        let certain = match self.phase {
            Phase::Cruise(Cruise { beyond: Some(_), limit: before, .. }) => before.min(limit),
            Phase::Ramp(_) | Phase::Cruise(_) => limit,
        };
        let is_guess = is_first && self.epoch.accepted < GUESSED_FROM;
        let is_ramp = matches!(self.phase, Phase::Ramp(_));
        // What a first limit has in it of what was saved up is not there again.
        if is_ramp && !is_guess && (self.saving == Saving::None || !is_first) {
            self.company.expect(limit);
        }
        Cruise {
            limit,
            certain,
            began,
            held_since,
            is_guess,
            depth,
            boosted_until,
            beyond: None,
            growth: None,
        }
    }

    /// How the rate grows behind a 429 on the way, where there are others.
    fn growth_after(&mut self, cruise: &Cruise, sent_at: f64) -> Option<Growth> {
        // Whoever takes a part leaves the rest to them already.
        if self.settings.share < 1.0 {
            return None;
        }
        let is_of_boost = cruise.beyond.is_none() && was_boosted(cruise, sent_at);
        if self.epoch.accepted < ENOUGH {
            self.company.note_few();
        } else if !is_of_boost {
            self.company.note_refusal(&Stretch {
                accepted: self.epoch.per_second(sent_at),
                span: sent_at - self.epoch.began,
                is_probe: cruise.beyond.is_some(),
                is_saved: self.saving != Saving::None,
            });
        }
        self.company.growth()
    }

    /// The limit that is left after a 429 among others, and how much of it is certain; `alone` is what it would be without
    /// them.
    fn given_way(&self, cruise: &Cruise, sent_at: f64, alone: f64) -> (f64, f64) {
        let average = self.epoch.per_second(sent_at);
        let present = cruise.per_second(sent_at, &self.costs(), self.probes(cruise)) / cruise.depth;
        let most = if self.saving == Saving::None { BEFORE_END } else { BEFORE_PAUSE } * average;
        let limit = match cruise.growth {
            None => alone.min(KEPT * present),
            Some(_) => KEPT * present.min(most),
        };
        let limit = limit.max(SLOWEST);
        (limit, limit.min(average))
    }

    /// The limit that a 429 shows: what was accepted since the last one, the pause after it included.
    fn estimate(&self, sent_at: f64, hold: f64) -> f64 {
        let accepted = self.epoch.accepted as f64;
        let span = (sent_at - self.epoch.began).max(1e-3);
        let limit = match self.phase {
            Phase::Ramp(ramp) => {
                let average = accepted.max(0.5) / (span + hold);
                match self.settings.learned {
                    Some(learned) if self.epoch.accepted < ENOUGH || average >= learned / 2.0 => learned,
                    Some(_) | None => ramp.limit(average, self.latency),
                }
            }
            Phase::Cruise(cruise) => {
                self.renewal.limit().unwrap_or_else(|| self.corrected(&cruise, sent_at, span))
            }
        };
        limit.max(SLOWEST)
    }

    /// The limit after a 429 on the way, `span` after the last one. What was accepted since the last one is no more than
    /// the quota gave: what was left unused may have been lost. What was accepted since more than the limit left is no less.
    fn corrected(&self, cruise: &Cruise, sent_at: f64, span: f64) -> f64 {
        let accepted = self.epoch.accepted as f64;
        let at_least = accepted / span;
        let present = self.cruising(cruise, sent_at) * self.settings.share;
        match cruise.beyond {
            Some(Epoch { began, accepted }) => {
                // The refused one came as far behind the last as each of the others.
                let measured = (accepted + 1) as f64 / (sent_at - began).max(1e-3);
                let at_most = if accepted < ENOUGH { present } else { measured };
                let at_least = at_least.max(cruise.limit);
                (at_least * at_most.max(at_least)).sqrt()
            }
            None if present >= cruise.limit && sent_at < cruise.boosted_until => cruise.limit.max(at_least),
            None if cruise.held_since.is_infinite() && was_boosted(cruise, sent_at) => cruise.limit,
            None if present >= cruise.limit => (cruise.limit * present).sqrt().max(at_least),
            None if self.epoch.accepted < ENOUGH => cruise.limit * BLIND_STEP,
            None => {
                let given = accepted / (span - self.lost(span));
                let given = if given > CLOSE * present { (given * present).sqrt() } else { given };
                given.clamp(cruise.limit / STEEPEST, cruise.limit)
            }
        }
    }

    /// What of the `span` since the last 429 went by in its hold, and brought nothing since the quota does not save up. A
    /// hold that is a large part of it may have brought all that was accepted after it.
    fn lost(&self, span: f64) -> f64 {
        let hold = self.last_hold.map_or(0.0, |hold| hold.began + hold.span - self.epoch.began);
        match self.saving {
            _ if hold > span * SHORT_HOLD => 0.0,
            Saving::Taken => 0.0,
            Saving::Doubted => hold / 2.0,
            Saving::None => hold,
        }
    }

    /// Nothing is said of how much is used, or it is little.
    fn far(&self, mut cruise: Cruise, sent_at: f64, count: u64) -> Cruise {
        let is_beyond = self.probes(&cruise) && sent_at - cruise.began > cruise.cycle(&self.costs());
        match &mut cruise.beyond {
            Some(beyond) => beyond.accepted += count,
            None if is_beyond => cruise.beyond = Some(Epoch { began: sent_at, accepted: 0 }),
            None => {}
        }
        cruise
    }

    /// The service says that most of the quota is used, before any 429.
    fn first_soft_limit(&self, now: f64) -> Cruise {
        let average = self.epoch.per_second(now);
        let limit = self.settings.learned.unwrap_or(average).max(SLOWEST);
        Cruise { limit, certain: limit, ..Cruise::plain(now) }
    }

    /// While most of the quota is used the curve stands still: the less is left, the slower, until no more is used than
    /// comes back.
    fn near(&self, mut cruise: Cruise, now: f64, elapsed: f64) -> Cruise {
        cruise.began += elapsed;
        if self.epoch.accepted >= ENOUGH {
            cruise.limit = cruise.limit.max(self.epoch.per_second(now) * HEADROOM);
        }
        cruise
    }

    fn cruising(&self, cruise: &Cruise, now: f64) -> f64 {
        let brake = ((USED_UP - self.used) / (USED_UP - USED_TOLD_FROM)).clamp(HARDEST_BRAKE, 1.0);
        (cruise.per_second(now, &self.costs(), self.probes(cruise)) * brake).clamp(SLOWEST, FASTEST)
    }

    /// Whether more is looked for than there was: not by whoever takes a part, and not for the last few requests, which
    /// would gain less by it than a pause takes.
    fn probes(&self, cruise: &Cruise) -> bool {
        let left = self.settings.expected as f64 / self.part - self.accepted as f64;
        let is_worth_it = left <= 0.0 || left / cruise.limit >= LAST_HOLDS * self.costs().hold;
        self.settings.share >= 1.0 && is_worth_it
    }

    fn costs(&self) -> Costs {
        Costs {
            latency: self.latency.unwrap_or_default(),
            hold: self.renewal.cost_of(self.last_hold.map_or(1.0, |hold| hold.span)),
        }
    }

    fn prospect(&self) -> Prospect {
        let RateSettings { in_flight, expected, learned, unrefused, .. } = self.settings;
        Prospect {
            expected: expected as f64 / self.part,
            learned,
            unrefused,
            latency: self.latency,
            most: in_flight.get() as f64 / self.part,
        }
    }

    fn note_latency(&mut self, latency: f64) {
        let smoothed = self.latency.map_or(latency, |before| before + (latency - before) / 8.0);
        self.latency = Some(smoothed);
    }
}

/// Whether a refusal is to be laid to what was spent after a hold.
fn was_boosted(cruise: &Cruise, sent_at: f64) -> bool {
    sent_at - cruise.began <= 3.0 * (cruise.boosted_until - cruise.began)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a small positive number")]
fn whole(places: f64) -> usize {
    places.clamp(0.0, 1e6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(50);

    fn settings() -> RateSettings {
        RateSettings {
            in_flight: NonZeroUsize::new(64).unwrap(),
            expected: 5_000,
            learned: None,
            unrefused: None,
            share: 1.0,
        }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// `count` answers that come one after the other at `rate`, from `from` on; gives the time after them.
    fn pass(rate: &mut Rate, from: f64, count: u32, per_second: f64, used: Option<f64>) -> f64 {
        let mut now = from;
        for _ in 0..count {
            now += 1.0 / per_second;
            let at = seconds(now);
            rate.passed(&Passed { sent_at: at.saturating_sub(LATENCY), at, used });
        }
        now
    }

    fn refuse(rate: &mut Rate, at: f64, hold: f64) -> Duration {
        refuse_by(rate, at, hold, Hits::Us)
    }

    fn refuse_by(rate: &mut Rate, at: f64, hold: f64, hits: Hits) -> Duration {
        let sent_at = seconds(at).saturating_sub(LATENCY);
        rate.throttled(&Throttled { sent_at, at: seconds(at), hold: seconds(hold), hold_is_told: true, hits })
    }

    /// A run that met a limit of 50 a second after 10 s.
    fn cruising(settings: RateSettings) -> (Rate, f64) {
        let mut rate = Rate::new(settings);
        let now = pass(&mut rate, 0.0, 550, 55.0, None);
        refuse(&mut rate, now, 1.0);
        (rate, now + 1.0)
    }

    #[test]
    fn without_a_sign_of_a_limit_there_is_no_rate_and_more_and_more_places() {
        let mut rate = Rate::new(settings());
        assert_eq!((rate.rate(Duration::ZERO), rate.places(Duration::ZERO)), (None, 4));
        let now = pass(&mut rate, 0.0, 10, 1_000.0, None);
        assert_eq!(rate.places(seconds(now)), 14);
        pass(&mut rate, now, 100_000, 1_000.0, None);
        assert_eq!((rate.places(seconds(now)), rate.limit()), (64, None));
    }

    #[test]
    fn a_small_job_begins_with_few_places_since_all_of_them_may_be_refused() {
        let mut rate = Rate::new(RateSettings { expected: 300, ..settings() });
        let now = pass(&mut rate, 0.0, 300, 1_000.0, None);
        assert!(rate.places(seconds(now)) <= 9, "{}", rate.places(seconds(now)));
    }

    #[test]
    fn what_an_earlier_run_sent_without_a_429_is_sent_again_and_twice_as_much() {
        let places = |unrefused| {
            let mut rate = Rate::new(RateSettings { expected: 3_000, unrefused, ..settings() });
            assert_eq!((rate.rate(Duration::ZERO), rate.places(Duration::ZERO)), (None, 4), "it is no limit");
            let now = pass(&mut rate, 0.0, 60, 1_000.0, None);
            assert_eq!(rate.limit(), None);
            rate.places(seconds(now))
        };
        // 20 on the wire, at that latency.
        let again = places(Some(20.0 / LATENCY.as_secs_f64()));
        assert!((39..=41).contains(&again) && places(None) <= 20, "{again}, {}", places(None));
    }

    #[test]
    fn what_an_earlier_run_sent_without_a_429_says_nothing_once_the_first_request_is_refused() {
        let unrefused = Some(20.0 / LATENCY.as_secs_f64());
        let mut rate = Rate::new(RateSettings { expected: 3_000, unrefused, ..settings() });
        refuse(&mut rate, 0.05, 1.0);
        let now = pass(&mut rate, 1.1, 60, 1_000.0, None);
        assert_eq!(rate.limit(), None);
        assert!(rate.places(seconds(now)) <= 20, "{}", rate.places(seconds(now)));
    }

    #[test]
    fn a_429_sets_the_limit_to_what_was_really_accepted_the_hold_included() {
        let (rate, now) = cruising(settings());
        // 550 in 10 s and one of hold.
        let limit = rate.limit().unwrap();
        assert!((49.5..=50.5).contains(&limit), "{limit}");
        let after_boost = seconds(now + 3.0);
        let present = rate.rate(after_boost).unwrap();
        assert!((0.9 * limit..limit).contains(&present), "{present} of {limit}");
        assert!(rate.places(after_boost) <= 5, "{}", rate.places(after_boost));
    }

    #[test]
    fn the_rate_comes_back_to_just_under_the_limit_stays_there_and_then_probes_beyond() {
        let (mut rate, now) = cruising(settings());
        let limit = rate.limit().unwrap();
        pass(&mut rate, now, 1, 50.0, None);
        let at = |after: f64| rate.rate(seconds(now + after)).unwrap() / limit;
        let curve: Vec<f64> = (2..40).map(|second| at(f64::from(second))).collect();
        assert!(curve.is_sorted(), "{curve:?}");
        assert!(curve[0] < 0.99 && curve[37] > 1.2, "{curve:?}");
    }

    #[test]
    fn what_a_hold_saved_up_is_spent_but_not_where_it_lasted_until_a_window_ended() {
        for (hold, is_spent) in [(1.0, true), (8.0, false)] {
            let mut rate = Rate::new(settings());
            let now = pass(&mut rate, 0.0, 550, 55.0, None);
            refuse(&mut rate, now, 1.0);
            let is_high = rate.rate(seconds(now + 1.1)).unwrap();
            assert!(is_high < rate.limit().unwrap(), "{is_high}: a first limit has in it what was saved up");
            let now = pass(&mut rate, now + 1.0, 500, 50.0, None);
            refuse(&mut rate, now, hold);
            let limit = rate.limit().unwrap();
            let present = rate.rate(seconds(now + hold + 0.1)).unwrap();
            assert_eq!(present > 1.2 * limit, is_spent, "{present} of {limit} after {hold} s");
        }
    }

    #[test]
    fn a_first_limit_that_was_seven_times_too_high_is_right_after_the_second_429() {
        let mut rate = Rate::new(settings());
        let before = |now: f64| seconds((now - 0.005).max(0.0));
        let (mut now, mut limits) = (0.0, Vec::new());
        // A bucket of 2,000 that gives 200 a second.
        for (accepted, per_second) in [(2_060, 6_600.0), (230, 1_400.0)] {
            for _ in 0..accepted {
                now += 1.0 / per_second;
                rate.passed(&Passed { sent_at: before(now), at: seconds(now), used: None });
            }
            let hold = seconds(1.0);
            let (sent_at, at) = (before(now), seconds(now));
            rate.throttled(&Throttled { sent_at, at, hold, hold_is_told: true, hits: Hits::Us });
            now += 1.0;
            limits.push(rate.limit().unwrap());
        }
        assert!(limits[0] > 1_400.0 && (180.0..=210.0).contains(&limits[1]), "{limits:?}");
        // What the pause saved up is still spent.
        let present = rate.rate(seconds(now + 0.1)).unwrap();
        assert!(present > 1.3 * limits[1], "{present} of {limits:?}");
    }

    #[test]
    fn for_the_last_few_requests_no_more_is_looked_for() {
        for (expected, probes) in [(5_000, true), (2_900, false), (0, true)] {
            let (mut rate, now) = cruising(RateSettings { expected, ..settings() });
            let now = pass(&mut rate, now, 2_000, 49.0, None);
            let (limit, present) = (rate.limit().unwrap(), rate.rate(seconds(now)).unwrap());
            assert_eq!(present > 1.3 * limit, probes, "{present} of {limit}, {expected} expected");
        }
    }

    #[test]
    fn what_is_accepted_since_the_last_429_is_found_to_be_no_more_than_the_limit() {
        let (mut rate, now) = cruising(settings());
        let before = rate.limit().unwrap();
        pass(&mut rate, now, 1_000, 55.0, None);
        let limit = rate.limit().unwrap();
        assert!((1.03 * before..=1.1 * before).contains(&limit), "{limit} after {before}");
    }

    #[test]
    fn a_429_that_comes_before_the_answers_of_others_makes_no_limit_of_them() {
        let mut rate = Rate::new(settings());
        let answer = |sent: f64, at: f64| Passed { sent_at: seconds(sent), at: seconds(at), used: None };
        for request in 0..200 {
            let at = 0.3 + f64::from(request) / 50.0;
            rate.passed(&answer(at - 0.3, at));
        }
        let hold = seconds(10.0);
        rate.throttled(&Throttled {
            sent_at: seconds(4.3),
            at: seconds(4.31),
            hold,
            hold_is_told: true,
            hits: Hits::Us,
        });
        for request in 0..14 {
            let at = 4.32 + f64::from(request) / 50.0;
            rate.passed(&answer(at - 0.3, at));
            let limit = rate.limit().unwrap();
            assert!(limit < 60.0, "{limit} after {request}");
        }
    }

    #[test]
    fn a_pace_that_nobody_sends_at_is_not_told_for_long_and_not_believed_for_long() {
        let (mut rate, now) = cruising(settings());
        let now = pass(&mut rate, now, 100, 45.0, None);
        let (limit, much_later) = (rate.limit().unwrap(), seconds(now + 10_000.0));
        assert!(rate.pace(much_later).unwrap() < 1.1 * limit);
        rate.go_along(0.5, Some(500.0), Some(500.0), seconds(now));
        assert_eq!(rate.rate(seconds(now + 2.9)), Some(250.0));
        assert_ne!(rate.rate(seconds(now + 3.1)), Some(250.0));
    }

    #[test]
    fn answers_to_what_was_on_the_wire_when_the_hold_began_change_nothing() {
        let (mut rate, now) = cruising(settings());
        let before = rate.limit();
        assert_eq!(refuse(&mut rate, now - 0.99, 1.0), seconds(1.0));
        assert_eq!(rate.limit(), before);
    }

    #[test]
    fn what_other_runs_had_accepted_before_a_429_counts_although_it_is_heard_of_later() {
        let (mut rate, now) = cruising(settings());
        let alone = rate.limit().unwrap();
        let at = seconds(now - 1.1);
        rate.passed_elsewhere(&Passed { sent_at: at.saturating_sub(LATENCY), at, used: None }, 550);
        let together = rate.limit().unwrap();
        assert!((1.9..=2.1).contains(&(together / alone)), "{together} after {alone}");
    }

    #[test]
    fn a_429_of_another_run_counts_as_an_own_one_does_and_what_left_before_it_was_heard_of_does_not() {
        let (mut rate, now) = cruising(settings());
        let now = pass(&mut rate, now, 500, 45.0, None);
        let mut own = rate.clone();
        refuse(&mut own, now, 1.0);
        let answer = Throttled {
            sent_at: seconds(now).saturating_sub(LATENCY),
            at: seconds(now),
            hold: seconds(1.0),
            hold_is_told: true,
            hits: Hits::Us,
        };
        assert_eq!(rate.throttled_elsewhere(&answer), seconds(1.0));
        assert_eq!(rate, own);
        // That one left 20 ms after the pause had begun elsewhere.
        assert_eq!(refuse(&mut rate, now + 0.07, 1.0), seconds(1.0));
        assert_eq!(rate.limit(), own.limit());
    }

    #[test]
    fn who_is_led_takes_a_part_and_goes_on_from_there_where_nobody_leads_any_more() {
        let mut rate = Rate::new(settings());
        pass(&mut rate, 0.0, 10, 100.0, None);
        let now = seconds(1.0);
        rate.go_along(0.25, Some(80.0), Some(84.0), now);
        assert_eq!((rate.rate(now), rate.limit()), (Some(20.0), Some(84.0)));
        assert_eq!(rate.places(now), 2, "20/s at 50 ms");
        rate.go_along(1.0, None, None, now);
        let alone = rate.rate(now).unwrap();
        assert!((75.0..84.0).contains(&alone), "{alone}");
    }

    #[test]
    fn a_hold_that_brought_nothing_is_doubled_and_the_first_after_it_goes_alone() {
        let (mut rate, now) = cruising(settings());
        let limit = rate.limit();
        assert_eq!(refuse(&mut rate, now + 0.1, 1.0), seconds(2.0));
        assert_eq!(refuse(&mut rate, now + 2.2, 1.0), seconds(4.0));
        assert_eq!((rate.places(seconds(now + 6.3)), rate.limit()), (1, limit));
        pass(&mut rate, now + 6.3, 1, 10.0, None);
        assert!(rate.places(seconds(now + 7.0)) > 1);
    }

    #[test]
    fn what_an_earlier_run_found_counts_once_a_limit_is_met() {
        let learned = RateSettings { learned: Some(20.0), ..settings() };
        assert_eq!(Rate::new(learned).rate(Duration::ZERO), Some(20.0));
        let (rate, _) = cruising(learned);
        assert_eq!(rate.limit(), Some(20.0));
    }

    #[test]
    fn a_429_that_hits_everybody_slows_down_further() {
        let present = |hits| {
            let mut rate = Rate::new(settings());
            let now = pass(&mut rate, 0.0, 550, 55.0, None);
            refuse_by(&mut rate, now, 1.0, hits);
            rate.rate(seconds(now + 5.0)).unwrap()
        };
        assert!(present(Hits::Everybody) < 0.9 * present(Hits::Us));
    }

    #[test]
    fn who_is_polite_takes_half_and_looks_for_no_more() {
        let polite = RateSettings { share: 0.5, ..settings() };
        let (rate, now) = cruising(polite);
        let limit = rate.limit().unwrap();
        let present = rate.rate(seconds(now + 100_000.0)).unwrap();
        assert!((0.5..=0.53).contains(&(present / limit)), "{present} of {limit}");
    }

    #[test]
    fn a_quota_that_is_nearly_used_up_slows_down_before_any_429() {
        let mut rate = Rate::new(settings());
        let now = pass(&mut rate, 0.0, 400, 100.0, None);
        let now = pass(&mut rate, now, 1, 100.0, Some(0.85));
        let soft = rate.rate(seconds(now)).unwrap();
        assert!(soft < 100.0, "{soft}");
        let now = pass(&mut rate, now, 100, 100.0, Some(0.99));
        assert!(rate.rate(seconds(now)).unwrap() < soft);
    }

    #[test]
    fn while_the_used_share_is_told_the_limit_is_what_is_accepted() {
        let mut rate = Rate::new(settings());
        let now = pass(&mut rate, 0.0, 400, 100.0, None);
        let now = pass(&mut rate, now, 400, 100.0, Some(0.9));
        // A window that begins anew.
        pass(&mut rate, now, 100, 100.0, None);
        let limit = rate.limit().unwrap();
        assert!((99.0..=101.0).contains(&limit), "{limit}");
    }

    #[test]
    fn a_used_share_that_is_no_number_says_nothing() {
        let (mut rate, now) = cruising(settings());
        for used in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let now = pass(&mut rate, now, 1, 50.0, Some(used));
            let present = rate.rate(seconds(now)).unwrap();
            assert!((40.0..=80.0).contains(&present), "{used}: {present}");
        }
    }

    #[test]
    fn no_rate_is_ever_lower_than_a_request_in_ten_minutes() {
        let mut rate = Rate::new(settings());
        for at in 1..2_000 {
            refuse(&mut rate, f64::from(at) * 700.0, 600.0);
        }
        assert!(rate.rate(seconds(2e6)).unwrap() >= 1.0 / 600.0);
    }

    #[test]
    fn a_limit_that_was_guessed_from_a_single_request_is_soon_put_to_the_test() {
        let mut rate = Rate::new(settings());
        pass(&mut rate, 0.0, 1, 1_000.0, None);
        refuse(&mut rate, 0.06, 1.0);
        assert!(rate.limit().unwrap() < 1.0);
        // Nothing else is refused: it had another cause.
        let mut now = 1.1;
        while now < 120.0 && rate.rate(seconds(now)).unwrap() < 10.0 {
            let present = rate.rate(seconds(now)).unwrap();
            now = pass(&mut rate, now, 1, present, None);
        }
        assert!(now < 100.0, "{now}");
    }

    #[test]
    fn a_quota_that_was_used_up_before_the_first_request_is_felt_for_again() {
        let mut rate = Rate::new(settings());
        refuse(&mut rate, 0.06, 8.0);
        assert_eq!((rate.limit(), rate.places(seconds(8.1))), (None, 1));
        let now = pass(&mut rate, 8.1, 40, 400.0, None);
        assert!(rate.limit().is_none() && rate.places(seconds(now)) > 16);
        // Whoever used it up is still there.
        refuse(&mut rate, now, 8.0);
        let now = pass(&mut rate, now + 8.0, 60, 20.0, None);
        let present = rate.rate(seconds(now)).unwrap();
        refuse(&mut rate, now, 1.0);
        let left = rate.rate(seconds(now + 1.0)).unwrap();
        assert!(left < 0.81 * present, "{left} of {present}");
    }

    #[test]
    fn among_others_each_429_takes_a_fifth_which_grows_again() {
        let (mut rate, now) = cruising(settings());
        let mut now = pass(&mut rate, now, 500, 50.0, None);
        refuse(&mut rate, now, 1.0);
        // Less than before, whatever the rate.
        now = pass(&mut rate, now + 1.0, 200, 25.0, None);
        refuse(&mut rate, now, 1.0);
        for _ in 0..5 {
            now += 1.0;
            let after = rate.rate(seconds(now)).unwrap();
            now = pass(&mut rate, now, 100, after, None);
            let present = rate.rate(seconds(now)).unwrap();
            assert!((1.01..3.0).contains(&(present / after)), "{present} after {after}");
            refuse(&mut rate, now, 1.0);
            let left = rate.rate(seconds(now)).unwrap();
            assert!((0.75..0.85).contains(&(left / present)), "{left} of {present}");
        }
    }

    #[test]
    fn who_is_polite_gives_way_by_taking_a_part() {
        let (mut rate, mut now) = cruising(RateSettings { share: 0.5, ..settings() });
        for accepted in [25.0, 15.0, 25.0, 15.0] {
            now = pass(&mut rate, now, 100, accepted, None);
            refuse(&mut rate, now, 1.0);
            now += 1.0;
        }
        assert_eq!(rate.company.growth(), None);
    }

    #[test]
    fn a_quota_that_is_used_up_for_long_is_felt_for_as_if_nothing_had_been_before() {
        let mut rate = Rate::new(settings());
        let mut now = 0.06;
        for _ in 0..6 {
            now += refuse(&mut rate, now, 1.0).as_secs_f64() + 0.1;
        }
        let now = pass(&mut rate, now, 100, 33.0, None);
        refuse(&mut rate, now, 1.0);
        let limit = rate.limit().unwrap();
        assert!((15.0..60.0).contains(&limit), "{limit}");
    }

    #[test]
    fn however_long_others_have_been_gone_the_next_429_finds_a_limit() {
        let (mut rate, now) = cruising(settings());
        let mut now = pass(&mut rate, now, 500, 50.0, None);
        for accepted in [50.0, 25.0] {
            refuse(&mut rate, now, 1.0);
            now = pass(&mut rate, now + 1.0, 200, accepted, None);
        }
        refuse(&mut rate, now, 1.0);
        // Something else holds it down.
        let now = pass(&mut rate, now + 1.0, 200_000, 20.0, None);
        refuse(&mut rate, now, 1.0);
        let limit = rate.limit().unwrap();
        assert!((10.0..=200.0).contains(&limit), "{limit}");
    }
}
