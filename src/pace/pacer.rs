//! The gate that every request passes: a place on the wire, no hold, and last a token of the rate.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::fellows::{Fellows, RunId, Told, ToldLane, leader};
use super::lane::{Heard, Lane};
use super::limiter::Limiter;
use crate::model::event::Access;
use crate::policy::forecast::KnownPace;
use crate::policy::rate::{Rate, RateSettings};
use crate::policy::throttle_scope::{Lanes, ThrottleScope};

/// How fast requests may leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceSettings {
    /// Ceiling, in requests a second, above 0; `None` for none.
    pub requests_per_second: Option<f64>,
    /// How many requests may be on the wire at once.
    pub in_flight: NonZeroUsize,
    /// So many reads may be under way at once, since several share a place on the wire; `None` where each takes its own.
    pub shared_by: Option<NonZeroUsize>,
    /// How the tenant's pace is found; `None` where nothing but the two numbers above bounds it.
    pub seek: Option<Seek>,
}

/// How the tenant's pace is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seek {
    /// About how many requests will be sent.
    pub expected: u64,
    /// What earlier runs found.
    pub learned: Learned,
    /// How much of what is found is used, above 0 and up to 1.
    pub share: f64,
}

/// What earlier runs found.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Learned {
    /// The limits that were met.
    pub limits: Limits,
    /// How fast one went that met no limit, in requests a second, where it was at least half as large.
    pub unrefused: Limits,
}

/// What a run saw of requests of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The limit that was met, in requests a second.
    pub limit: Option<f64>,
    /// Answers that were no 429.
    pub accepted: u64,
    /// Answers 429.
    pub throttled: u64,
}

/// Limits in requests a second; `None` where none is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Of GETs.
    pub reads: Option<f64>,
    /// Of all others.
    pub writes: Option<f64>,
}

impl Limits {
    /// The one of these requests.
    #[must_use]
    pub const fn of(&self, access: Access) -> Option<f64> {
        match access {
            Access::Read => self.reads,
            Access::Write => self.writes,
        }
    }
}

impl PaceSettings {
    /// What is known of the pace where these limits were `found` so far.
    #[must_use]
    pub fn known(&self, found: Limits) -> KnownPace {
        let (learned, share) =
            self.seek.map_or((Limits::default(), 1.0), |seek| (seek.learned.limits, seek.share));
        KnownPace {
            reads: found.reads.or(learned.reads),
            writes: found.writes.or(learned.writes),
            share,
            ceiling: self.requests_per_second,
        }
    }
}

/// What a 429 says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    /// When its request left.
    pub sent_at: Instant,
    /// How long nobody is to send.
    pub hold: Duration,
    /// Whether the service said so, and meant it: then it tells something about the quota.
    pub hold_is_told: bool,
    /// Who is hit, and what may not be sent.
    pub scope: ThrottleScope,
}

/// Admits requests in the order in which they ask.
pub struct Pacer {
    settings: PaceSettings,
    /// All that may be on the wire, reads and writes together.
    wire: Semaphore,
    ceiling: Option<Limiter>,
    reads: Lane,
    writes: Lane,
    /// What the other runs told last.
    fellows: Mutex<Fellows>,
}

/// A place on the wire, given back when dropped.
#[derive(Debug)]
pub struct Permit<'pacer> {
    lane: &'pacer Lane,
    place: Option<SemaphorePermit<'pacer>>,
    /// `None` where it leaves in the place of another one.
    _wire: Option<SemaphorePermit<'pacer>>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.lane.give_back(place);
        }
    }
}

impl Pacer {
    /// A pacer whose clock starts now.
    #[must_use]
    pub fn new(settings: PaceSettings) -> Self {
        let PaceSettings { requests_per_second, in_flight, shared_by, seek } = settings;
        let lane = |access| {
            let in_flight = shared_by.filter(|_| access == Access::Read).unwrap_or(in_flight);
            let rate = seek.map(|Seek { expected, learned, share }| {
                let Learned { limits, unrefused } = learned;
                let (learned, unrefused) = (limits.of(access), unrefused.of(access));
                Rate::new(RateSettings { in_flight, expected, learned, unrefused, share })
            });
            Lane::new(rate, in_flight)
        };
        Self {
            settings,
            wire: Semaphore::new(in_flight.get()),
            ceiling: requests_per_second.map(|rate| Limiter::new(Some(rate))),
            reads: lane(Access::Read),
            writes: lane(Access::Write),
            fellows: Mutex::default(),
        }
    }

    /// Waits until a request may leave. Cancel-safe.
    pub async fn admit(&self, access: Access) -> Permit<'_> {
        let lane = self.lane(access);
        let _one_more = lane.wait();
        loop {
            // Whoever waits for the end of a hold has no place meanwhile: after it there may be fewer of them.
            lane.wait_for_hold().await;
            let permit = self.place(lane).await;
            if lane.is_held() {
                continue;
            }
            // Last, so that a crowd that was held is spaced again and does not stampede.
            lane.limiter.take().await;
            if let Some(ceiling) = &self.ceiling {
                ceiling.take().await;
            }
            if !lane.is_held() {
                return permit;
            }
        }
    }

    async fn place<'pacer>(&'pacer self, lane: &'pacer Lane) -> Permit<'pacer> {
        let (place, wire) = if self.settings.shared_by.is_some() {
            // Who waits for the wire may be taken along by another, who has to find a place free for it.
            let wire = self.wire.acquire().await;
            (lane.places.acquire().await, wire)
        } else {
            (lane.places.acquire().await, self.wire.acquire().await)
        };
        let (Ok(place), Ok(wire)) = (place, wire) else { unreachable!("the semaphores are never closed") };
        Permit { lane, place: Some(place), _wire: Some(wire) }
    }

    /// Lets up to `most` requests leave in the place of one that was admitted: as many as need not wait for anything.
    /// Each has a place in the lane and takes a token, as if it had come alone.
    pub fn admit_beside(&self, access: Access, most: usize) -> Vec<Permit<'_>> {
        let lane = self.lane(access);
        let may_leave = || self.ceiling.as_ref().is_none_or(Limiter::try_take) && lane.limiter.try_take();
        let one = || {
            let place = lane.places.try_acquire().ok()?;
            let permit = Permit { lane, place: Some(place), _wire: None };
            may_leave().then_some(permit)
        };
        std::iter::from_fn(one).take(most).collect()
    }

    /// Whether several reads may share a place on the wire.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.settings.shared_by.is_some()
    }

    /// How many requests may be under way at once, those that share a place counted one by one.
    #[must_use]
    pub fn under_way(&self) -> NonZeroUsize {
        self.settings.shared_by.unwrap_or(self.in_flight())
    }

    /// Learns from an answer that is no 429. `used` is the share of the quota that it tells of.
    pub fn passed(&self, access: Access, sent_at: Instant, used: Option<f64>) {
        self.lane(access).passed(sent_at, used);
    }

    /// Learns from a 429, and lets nobody leave meanwhile. Returns by how much that prolongs the pause: nothing where a
    /// longer hold runs already.
    pub fn throttled(&self, refusal: &Refusal) -> Duration {
        let Refusal { sent_at, hold, hold_is_told, scope: ThrottleScope { hits, lanes } } = *refusal;
        self.prolonged_by(lanes, |lane| lane.throttled(sent_at, (hold, hold_is_told), hits))
    }

    /// Lets nobody leave for `span` from now. Returns by how much that prolongs the pause: nothing where a longer hold
    /// runs already.
    pub fn hold(&self, span: Duration) -> Duration {
        self.prolonged_by(Lanes::Both, |_| span)
    }

    /// Holds each of the lanes for its own span. A pause of reads beside one of writes is one pause.
    fn prolonged_by(&self, lanes: Lanes, span: impl Fn(&Lane) -> Duration) -> Duration {
        let now = Instant::now();
        let end = || self.each(Lanes::Both).filter_map(Lane::held_until).fold(now, Instant::max);
        let before = end();
        self.each(lanes).for_each(|lane| lane.hold_until(now.checked_add(span(lane))));
        end().duration_since(before)
    }

    /// How many requests are on the wire or admitted to it.
    #[must_use]
    pub fn on_the_wire(&self) -> usize {
        self.in_flight().get() - self.wire.available_permits()
    }

    /// How many requests wait for admission.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.reads.waiting() + self.writes.waiting()
    }

    /// How many requests may be on the wire at once.
    #[must_use]
    pub const fn in_flight(&self) -> NonZeroUsize {
        self.settings.in_flight
    }

    /// How long the present hold of such requests still runs; `None` without one.
    #[must_use]
    pub fn hold_left(&self, access: Access) -> Option<Duration> {
        self.lane(access).hold_left()
    }

    /// How long it takes until everything may leave; `None` where it may.
    #[must_use]
    pub fn longest_hold_left(&self) -> Option<Duration> {
        self.each(Lanes::Both).filter_map(Lane::hold_left).max()
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self, access: Access) -> Seen {
        let lane = self.lane(access);
        let (accepted, throttled) = lane.answered();
        Seen { limit: lane.limit(), accepted, throttled }
    }

    /// The limits that were found so far.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { reads: self.reads.limit(), writes: self.writes.limit() }
    }

    /// What is known of the pace so far, from an earlier run where this one met no limit: as much of it as is this
    /// run's beside others.
    #[must_use]
    pub fn known(&self) -> KnownPace {
        self.part_of(self.settings.known(self.limits()))
    }

    /// What this run itself has found of its pace so far.
    #[must_use]
    pub fn found(&self) -> KnownPace {
        let Limits { reads, writes } = self.limits();
        self.part_of(KnownPace { reads, writes, ..self.settings.known(Limits::default()) })
    }

    fn part_of(&self, pace: KnownPace) -> KnownPace {
        let part_of = |limit: Option<f64>, lane: &Lane| limit.map(|limit| limit * lane.part());
        let (reads, writes) = (part_of(pace.reads, &self.reads), part_of(pace.writes, &self.writes));
        KnownPace { reads, writes, ..pace }
    }

    /// Whether it looks for the tenant's pace.
    #[must_use]
    pub const fn seeks(&self) -> bool {
        self.settings.seek.is_some()
    }

    /// What the other runs on the tenant are to be told. To be asked for again and again, since it is seen then how much
    /// would be sent.
    #[must_use]
    pub fn tell(&self) -> Told {
        let takes_all = self.takes_all();
        let (reads, writes) = (self.reads.tell(takes_all), self.writes.tell(takes_all));
        Told { age: self.writes.age(), takes_all, reads, writes }
    }

    /// Learns from what all other runs on the tenant told, of which this one is `me`, and keeps one pace with them.
    pub fn hear(&self, me: RunId, fellows: Fellows) {
        let mut before = self.fellows.lock().unwrap_or_else(PoisonError::into_inner);
        if fellows.is_empty() && before.is_empty() {
            return;
        }
        // All that a younger one ever did was in the time of this one.
        let age = self.writes.age();
        for (id, _) in fellows.iter().filter(|(_, (_, told))| told.age <= age) {
            before.entry(*id).or_insert((Instant::now(), Told::NOTHING));
        }
        let leader = fellows.get(&leader((me, self.takes_all()), &fellows)).map(|(_, told)| told);
        let hear = |lane: &Lane, of: fn(&Told) -> &ToldLane| {
            let heard = fellows.iter().map(|(id, (then, told))| {
                let before = before.get(id).map(|(_, told)| of(told));
                Heard { then: *then, told: of(told), before }
            });
            lane.hear(&heard.collect::<Vec<_>>(), leader.map(of));
        };
        hear(&self.reads, |told| &told.reads);
        hear(&self.writes, |told| &told.writes);
        before.extend(fellows);
    }

    fn takes_all(&self) -> bool {
        self.settings.seek.is_none_or(|seek| seek.share >= 1.0)
    }

    fn lane(&self, access: Access) -> &Lane {
        match access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
        }
    }

    fn each(&self, lanes: Lanes) -> impl Iterator<Item = &Lane> {
        let is_meant = move |access| match lanes {
            Lanes::Both => true,
            Lanes::Reads => access == Access::Read,
            Lanes::Writes => access == Access::Write,
        };
        [(Access::Read, &self.reads), (Access::Write, &self.writes)]
            .into_iter()
            .filter_map(move |(access, lane)| is_meant(access).then_some(lane))
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Pacer({} in flight, ceiling: {:?}, limits: {:?})",
            self.in_flight(),
            self.ceiling,
            self.limits()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;
    use crate::policy::throttle_scope::Hits;

    fn pacer(requests_per_second: Option<f64>, in_flight: usize) -> Arc<Pacer> {
        let in_flight = NonZeroUsize::new(in_flight).unwrap();
        Arc::new(Pacer::new(PaceSettings { requests_per_second, in_flight, shared_by: None, seek: None }))
    }

    /// Starts `count` requests that are answered after `latency`; gives the moments at which they left.
    async fn departures(pacer: &Arc<Pacer>, count: usize, latency: Duration) -> Vec<Duration> {
        let (mut tasks, began) = (JoinSet::new(), Instant::now());
        for number in 0..count {
            let pacer = Arc::clone(pacer);
            tasks.spawn(async move {
                let _permit = pacer.admit(Access::Write).await;
                let left_at = began.elapsed();
                tokio::time::sleep(latency).await;
                (number, left_at)
            });
        }
        let mut left: Vec<_> = tasks.join_all().await;
        left.sort_by_key(|(number, left_at)| (*left_at, *number));
        assert!(left.is_sorted_by_key(|(number, _)| *number), "served out of turn");
        left.into_iter().map(|(_, left_at)| left_at).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_in_flight_are_on_the_wire() {
        let left = departures(&pacer(None, 4), 12, Duration::from_secs(1)).await;
        let seconds: Vec<u64> = left.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_ceiling_holds_and_is_reached_whatever_its_size() {
        for (rate, count) in
            [(0.4, 10), (5.0, 100), (39.0, 800), (41.0, 800), (1_000.0, 20_000), (7_000.0, 70_000)]
        {
            let left = departures(&pacer(Some(rate), 64), count, Duration::ZERO).await;
            let span = left.last().unwrap().abs_diff(left[0]).as_secs_f64();
            let reached = (count - 1) as f64 / span;
            assert!(reached <= rate * 1.01 + 1.0, "{rate}: {reached}");
            assert!(reached >= rate * 0.95, "{rate}: {reached}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_waiters_are_served_in_turn_at_the_set_rate() {
        let left = departures(&pacer(Some(1_000.0), 64), 10_000, Duration::from_millis(10)).await;
        let span = left.last().unwrap().as_secs_f64();
        assert!((9.8..=10.3).contains(&span), "{span}");
        let longest_gap = left.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap();
        assert!(longest_gap <= Duration::from_millis(3), "{longest_gap:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_leaves_during_a_hold_even_one_that_was_prolonged() {
        for rate in [None, Some(50.0)] {
            let pacer = pacer(rate, 8);
            pacer.hold(Duration::from_secs(5));
            let prolong = async {
                tokio::time::sleep(Duration::from_secs(4)).await;
                pacer.hold(Duration::from_secs(6));
                pacer.hold(Duration::from_secs(1));
            };
            let (left, ()) = tokio::join!(departures(&pacer, 20, Duration::ZERO), prolong);
            assert!(left[0] >= Duration::from_secs(10), "{rate:?}: {left:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reads_and_writes_that_pause_at_once_pause_once() {
        let (pacer, sent_at) = (pacer(None, 8), Instant::now());
        let refused = |seconds, lanes| {
            let hold = Duration::from_secs(seconds);
            let scope = ThrottleScope { hits: Hits::Us, lanes };
            pacer.throttled(&Refusal { sent_at, hold, hold_is_told: true, scope }).as_secs()
        };
        let prolonged = [refused(5, Lanes::Writes), refused(3, Lanes::Reads), refused(7, Lanes::Reads)];
        assert_eq!(prolonged, [5, 0, 2]);
        assert_eq!(pacer.hold_left(Access::Write), Some(Duration::from_secs(5)));
        assert_eq!(
            (pacer.hold(Duration::from_secs(6)).as_secs(), pacer.hold(Duration::from_secs(9)).as_secs()),
            (0, 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_crowd_is_spaced_again() {
        let pacer = pacer(Some(10.0), 64);
        pacer.hold(Duration::from_secs(30));
        let left = departures(&pacer, 40, Duration::ZERO).await;
        let in_first_second = left.iter().filter(|at| **at < Duration::from_secs(31)).count();
        assert!((9..=12).contains(&in_first_second), "{in_first_second}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_begins_while_one_waits_for_its_turn_is_obeyed() {
        let pacer = pacer(Some(1.0), 4);
        let begin = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            pacer.hold(Duration::from_secs(20));
        };
        let (left, ()) = tokio::join!(departures(&pacer, 4, Duration::ZERO), begin);
        let held = Duration::from_millis(1_501)..Duration::from_millis(21_499);
        assert!(left.iter().all(|at| !held.contains(at)), "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_go_along_take_places_and_tokens_of_their_own_and_never_wait() {
        let number = NonZeroUsize::new;
        let shared = |rate| {
            let settings = PaceSettings {
                requests_per_second: rate,
                in_flight: number(1).unwrap(),
                shared_by: number(30),
                seek: None,
            };
            Pacer::new(settings)
        };
        let pacer = shared(None);
        let first = pacer.admit(Access::Read).await;
        assert_eq!((pacer.admit_beside(Access::Read, 19).len(), pacer.on_the_wire()), (19, 1));
        drop(first);

        // 25 ms are made up for: at 200 a second five requests, of which the first took one.
        for (rate, along) in [(0.5, 0), (200.0, 4), (400.0, 9), (2_000.0, 19)] {
            let pacer = shared(Some(rate));
            let _first = pacer.admit(Access::Read).await;
            assert_eq!(pacer.admit_beside(Access::Read, 19).len(), along, "{rate}");
        }
    }

    fn seeking(share: f64) -> Pacer {
        let seek = Seek { expected: 10_000, learned: Learned::default(), share };
        let in_flight = NonZeroUsize::new(64).unwrap();
        Pacer::new(PaceSettings { requests_per_second: None, in_flight, shared_by: None, seek: Some(seek) })
    }

    /// `count` answers, and then a 429 that asks for a second.
    async fn meets_a_limit(pacer: &Pacer, count: u32) {
        for _ in 0..count {
            let sent_at = Instant::now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            pacer.passed(Access::Write, sent_at, None);
        }
        let hold = Duration::from_secs(1);
        let scope = ThrottleScope { hits: Hits::Us, lanes: Lanes::Writes };
        pacer.throttled(&Refusal { sent_at: Instant::now(), hold, hold_is_told: true, scope });
    }

    const fn id(began: u64) -> RunId {
        RunId { began, process: 1 }
    }

    fn told(began: u64, pacer: &Pacer) -> Fellows {
        Fellows::from([(id(began), (Instant::now(), pacer.tell()))])
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_one_run_is_asked_for_is_made_by_all() {
        let (elder, younger) = (seeking(1.0), seeking(1.0));
        meets_a_limit(&elder, 100).await;
        younger.hear(id(2), told(1, &elder));
        assert_eq!(younger.hold_left(Access::Write), Some(Duration::from_secs(1)));
        assert_eq!(younger.hold_left(Access::Read), None);
        // So is one that has nothing to do with the pace.
        elder.hold(Duration::from_secs(5));
        younger.hear(id(2), told(1, &elder));
        assert_eq!(younger.hold_left(Access::Read), Some(Duration::from_secs(5)));
        // It is nobody's any more whom it was not said to.
        assert_eq!(younger.tell().writes.held_for, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_elder_sets_the_pace_and_learns_from_all_that_a_younger_one_ever_did() {
        let (elder, younger) = (seeking(1.0), seeking(1.0));
        meets_a_limit(&younger, 200).await;
        elder.hear(id(1), told(2, &younger));
        let (found, set) = (elder.limits().writes.unwrap(), elder.tell().writes.pace);
        let limit = younger.limits().writes.unwrap();
        assert!((found / limit - 1.0).abs() < 0.3, "{found} of {limit}");
        younger.hear(id(2), told(1, &elder));
        assert_eq!(younger.known().writes.map(|half| half * 2.0), Some(found));
        // The elder turns out to have nothing to send, and leaves all to it.
        tokio::time::advance(Duration::from_secs(5)).await;
        younger.hear(id(2), told(1, &elder));
        assert_eq!(younger.known().writes, younger.limits().writes);
        // The younger one came when nobody knows what the elder had done before.
        let third = seeking(1.0);
        third.hear(id(3), told(1, &elder));
        assert_eq!(third.limits().writes, Some(found));
        third.hear(id(3), Fellows::new());
        assert!(third.tell().writes.pace.is_some() && set.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_polite_sets_no_pace_for_others() {
        let (polite, other) = (seeking(0.5), seeking(1.0));
        meets_a_limit(&polite, 100).await;
        other.hear(id(2), told(1, &polite));
        polite.hear(id(1), told(2, &other));
        assert!(!polite.tell().takes_all);
        // It leaves to the others what it does not take.
        assert!(!polite.tell().writes.is_short && other.tell().writes.is_short);
        meets_a_limit(&other, 300).await;
        let limit = other.limits().writes;
        other.hear(id(2), told(1, &polite));
        assert_eq!(other.limits().writes, limit);
    }
}
