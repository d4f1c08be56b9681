//! What a seed makes.

use std::collections::HashSet;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

use authwave::actions::conduct::{BeforeImages, Conduct};
use authwave::engine::operations::PollSettings;
use authwave::engine::run::RunSettings;
use authwave::graph::client::RetrySettings;
use authwave::model::action::Action;
use authwave::model::error_code::OwnCode;
use authwave::model::phone::{Phone, PhoneChange, PhoneNumber, PhoneType};
use authwave::model::row::{Row, RowNumber};
use authwave::model::secret::Secret;
use authwave::model::task::{InvalidRow, Prior, Task, Work};
use authwave::model::user::UserId;
use authwave::pace::pacer::{Learned, Limits, PaceSettings, Seek};
use authwave::policy::backoff::Backoff;
use authwave::policy::failures::FailureLimit;
use authwave::simulator::faults::FaultRates;
use authwave::simulator::resets::ResetSettings;
use authwave::simulator::settings::TenantSettings;
use authwave::simulator::throttle::{Quota, RetryAfterForm};
use authwave::simulator::tokens::{TokenKind, TokenSettings};
use authwave::simulator::users::{Population, SeedUser, SmsPolicy};

pub(crate) const ORIGIN: &str = "https://graph.test";

/// How a session ends that does not come to its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All that is in memory is gone; the journal keeps what was committed.
    Crash,
    /// The first signal.
    Drain,
    /// Both signals.
    Abort,
}

/// A session that is cut short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) fate: Fate,
    /// After so long.
    pub(crate) after: Duration,
    /// Then nobody does anything for so long.
    pub(crate) rest: Duration,
}

/// What a life plays besides what every life does: one in four has something of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Nothing.
    Plain,
    /// Some rows wait for their time.
    Waves,
    /// Some users go first.
    Canary,
    /// What users have is read first, in batches; then some are changed by somebody else, and the rows go by the plan.
    Planned,
}

impl Theme {
    /// Each share of the seeds has all of them.
    fn of(seed: u64) -> Self {
        match seed / super::SHARES % 12 {
            0 => Self::Waves,
            1 => Self::Canary,
            2 => Self::Planned,
            _ => Self::Plain,
        }
    }
}

/// A whole life of a run.
pub(crate) struct Plan {
    pub(crate) theme: Theme,
    pub(crate) epoch: Timestamp,
    pub(crate) tenant: TenantSettings,
    pub(crate) users: Vec<SeedUser>,
    pub(crate) rows: Vec<Work>,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) pace: PaceSettings,
    pub(crate) retry: RetrySettings,
    pub(crate) run: RunSettings,
    pub(crate) random: Rng,
}

impl Plan {
    /// Whether two rows of a user remove the same phone.
    pub(crate) fn has_phones_removed_twice(&self) -> bool {
        let mut removed = HashSet::new();
        let tasks = self.rows.iter().filter_map(Work::task);
        let removals =
            tasks.flat_map(|task| removed_by(&task.action).into_iter().map(|phone| (&task.user, phone)));
        removals
            .fold(false, |is_twice, (user, phone)| !removed.insert((user.as_str(), phone.name())) || is_twice)
    }

    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let epoch = Timestamp::from_second(1_767_225_600).unwrap();
        let count = random.usize(1..=12);
        let users = (0..count).map(|at| seed_user(at, &mut random)).collect();
        let rows = rows(count, &mut random);
        let cuts = (0..random.usize(0..=5)).map(|_| cut(&mut random)).collect();
        let in_flight = random.usize(1..=24);
        let plan = Self {
            theme: Theme::of(seed),
            epoch,
            tenant: tenant(seed, epoch, &mut random),
            users,
            rows,
            cuts,
            pace: PaceSettings {
                requests_per_second: random.bool().then(|| 0.5 + random.f64() * 50.0),
                in_flight: NonZeroUsize::new(in_flight).unwrap(),
                shared_by: None,
                seek: (random.u8(..3) == 0).then(|| seek(&mut random)),
            },
            retry: RetrySettings {
                budget: seconds(&mut random, 60..=1_200),
                backoff: Backoff { base: seconds(&mut random, 1..=4), cap: Duration::from_mins(1) },
                max_retry_after: Duration::from_mins(10),
            },
            run: RunSettings {
                window: in_flight * random.usize(1..=4),
                look_ahead: random.usize(1..=40),
                polls: PollSettings {
                    timeout: seconds(&mut random, 5..=900),
                    polls_beside_rows: random.usize(1..=4),
                    polls_alone: in_flight,
                },
                failures: (random.u8(..8) == 0).then_some(FailureLimit::Count(3)),
                max_duration: (random.u8(..8) == 0).then(|| seconds(&mut random, 5..=120)),
                conduct: conduct(&mut random),
                canary: None,
            },
            random,
        };
        plan.on_its_theme()
    }

    fn on_its_theme(mut self) -> Self {
        match self.theme {
            Theme::Plain | Theme::Planned => {}
            Theme::Waves => {
                for work in &mut self.rows {
                    if let Work::Task(task) = work
                        && self.random.u8(..3) == 0
                    {
                        let wait = [60, 3_600, 200_000][self.random.usize(..3)];
                        task.not_before = Some(self.epoch + seconds(&mut self.random, 0..=wait));
                    }
                }
            }
            Theme::Canary => self.run.canary = NonZeroU64::new(self.random.u64(1..=4)),
        }
        self
    }

    /// When the last of its rows is due, from the beginning on.
    pub(crate) fn all_are_due(&self) -> Duration {
        let due = |work: &Work| work.task()?.not_before?.duration_since(self.epoch).try_into().ok();
        self.rows.iter().filter_map(due).max().unwrap_or_default()
    }
}

/// Most runs keep what there was, so that they can be taken back.
fn conduct(random: &mut Rng) -> Conduct {
    let before = if random.u8(..4) == 0 { BeforeImages::LeftOut } else { BeforeImages::Kept };
    Conduct { before, ..Conduct::PLAIN }
}

fn seek(random: &mut Rng) -> Seek {
    let mut limit = || random.bool().then(|| 2.0 + random.f64() * 50.0);
    let mut limits = || Limits { reads: limit(), writes: limit() };
    let learned = Learned { limits: limits(), unrefused: limits() };
    Seek { expected: random.u64(..1_000), learned, share: [0.5, 1.0][random.usize(..2)] }
}

fn seconds(random: &mut Rng, range: std::ops::RangeInclusive<u64>) -> Duration {
    Duration::from_secs(random.u64(range))
}

pub(crate) fn user(at: usize) -> String {
    format!("user{at}@contoso.com")
}

/// A number that stands in one row only, or is nobody's at the beginning.
fn phone(phone_type: PhoneType, number: usize) -> Phone {
    Phone { phone_type, number: PhoneNumber::from_formatted(format!("+1 206{number:07}")) }
}

fn seed_user(at: usize, random: &mut Rng) -> SeedUser {
    let types = &PhoneType::ALL[..random.usize(..=3)];
    let phones = types.iter().zip(1..).map(|(phone_type, step)| phone(*phone_type, at * 20 + step));
    let sms_policy = if random.u8(..8) == 0 { SmsPolicy::NotAllowed } else { SmsPolicy::Allowed };
    let default_phone = (random.u8(..10) == 0).then_some(PhoneType::Mobile);
    SeedUser { phones: phones.collect(), sms_policy, default_phone, ..SeedUser::named(user(at)) }
}

fn removed_by(action: &Action) -> Vec<PhoneType> {
    match action {
        Action::DeletePhone(phone_type) => vec![*phone_type],
        Action::SetPhones(changes) => {
            let removals = changes.iter().filter(|change| matches!(change, PhoneChange::Delete(_)));
            removals.map(PhoneChange::phone_type).collect()
        }
        _ => Vec::new(),
    }
}

/// What a user's rows may ask for. No number stands there twice, so that each on the wire tells its row.
fn actions(at: usize) -> Vec<Action> {
    let number = |step| at * 20 + 3 + step;
    vec![
        Action::ListMethods,
        Action::AddPhone(phone(PhoneType::Mobile, number(1))),
        Action::AddPhone(phone(PhoneType::AlternateMobile, number(2))),
        Action::AddPhone(phone(PhoneType::Office, number(3))),
        Action::UpdatePhone(phone(PhoneType::Mobile, number(4))),
        Action::UpdatePhone(phone(PhoneType::AlternateMobile, number(5))),
        Action::SetPhone(phone(PhoneType::Mobile, number(6))),
        Action::SetPhone(phone(PhoneType::AlternateMobile, number(7))),
        Action::SetPhone(phone(PhoneType::Office, number(8))),
        Action::SetPhones(
            [
                PhoneChange::Set(phone(PhoneType::Mobile, number(9))),
                PhoneChange::Set(phone(PhoneType::AlternateMobile, number(10))),
                PhoneChange::Set(phone(PhoneType::Office, number(11))),
            ]
            .into(),
        ),
        Action::SetPhones(
            [
                PhoneChange::Set(phone(PhoneType::Mobile, number(12))),
                PhoneChange::Delete(PhoneType::AlternateMobile),
                PhoneChange::Delete(PhoneType::Office),
            ]
            .into(),
        ),
        Action::DeletePhone(PhoneType::Mobile),
        Action::DeletePhone(PhoneType::AlternateMobile),
        Action::DeletePhone(PhoneType::Office),
        Action::EnableSmsSignIn,
        Action::DisableSmsSignIn,
        Action::ResetPassword(Some(Secret::new(format!("password-{at}-1")))),
        Action::ResetPassword(Some(Secret::new(format!("password-{at}-2")))),
        Action::ResetPassword(None),
    ]
}

fn rows(users: usize, random: &mut Rng) -> Vec<Work> {
    let mut asked: Vec<Option<(usize, Action)>> = (0..users)
        .flat_map(|at| {
            let mut actions = actions(at);
            random.shuffle(&mut actions);
            actions.truncate(random.usize(1..=9));
            actions.into_iter().map(move |action| Some((at, action)))
        })
        .collect();
    if random.u8(..4) == 0 {
        asked.push(None);
    }
    random.shuffle(&mut asked);
    asked.into_iter().zip(1..).map(|(asked, number)| work(asked, number)).collect()
}

fn work(asked: Option<(usize, Action)>, number: u64) -> Work {
    let row = Row { number: RowNumber(number), fields: Box::default() };
    match asked {
        Some((at, action)) => Work::Task(Task {
            row,
            user: UserId::new(&user(at)).unwrap(),
            action,
            prior: Prior::Untried,
            not_before: None,
            expected: None,
        }),
        None => Work::Invalid(InvalidRow {
            row,
            column: "user".to_owned(),
            value: String::new(),
            reason: "is empty".to_owned(),
            code: OwnCode::InvalidRow,
            may_be_done: false,
        }),
    }
}

fn cut(random: &mut Rng) -> Cut {
    let fate = match random.u8(..6) {
        0 => Fate::Drain,
        1 => Fate::Abort,
        _ => Fate::Crash,
    };
    // Most soon after the start, some late, a few in the first milliseconds.
    let longest = [10, 1_000, 5_000, 20_000, 120_000][random.usize(..5)];
    let after = Duration::from_millis(random.u64(0..=longest));
    let rest = [0, 1, 60, 7_200, 90_000][random.usize(..5)];
    Cut { fate, after, rest: Duration::from_secs(random.u64(0..=rest)) }
}

fn tenant(seed: u64, epoch: Timestamp, random: &mut Rng) -> TenantSettings {
    TenantSettings {
        seed,
        population: Population::Listed,
        user_lag: Duration::from_secs([0, 0, 0, 3][random.usize(..4)]),
        latency: Duration::from_millis(random.u64(1..=300)),
        reads: (random.u8(..3) == 0).then(|| {
            Quota::Bucket { per_second: 1.0 + random.f64() * 20.0, burst: 1.0 + random.f64() * 20.0 }.into()
        }),
        writes: (random.u8(..3) == 0)
            .then(|| Quota::Window { requests: random.u32(1..=20), span: seconds(random, 1..=20) }.into()),
        retry_after: [
            RetryAfterForm::Seconds,
            RetryAfterForm::Fraction,
            RetryAfterForm::Date,
            RetryAfterForm::Absent,
            RetryAfterForm::Absurd,
        ][random.usize(..5)],
        faults: faults(random),
        resets: ResetSettings {
            duration: (Duration::from_secs(1), seconds(random, 1..=60)),
            failures: [0.0, 0.3][random.usize(..2)],
            never_ending: [0.0, 0.2][random.usize(..2)],
            unknown_for: Duration::from_secs(random.u64(..3)),
            retry_after: random.bool().then(|| seconds(random, 1..=5)),
            ..ResetSettings::default()
        },
        tokens: TokenSettings {
            lifetime: seconds(random, 60..=3_600),
            kind: TokenKind::Delegated,
            client_secret: Some("s3cret".to_owned()),
        },
        // A user's three phones are one page, as Graph has it; the list of all methods may be several.
        page_size: random.usize(3..=6),
        ..TenantSettings::plain(ORIGIN, epoch)
    }
}

/// None, few, many, or one kind alone.
fn faults(random: &mut Rng) -> FaultRates {
    let most = [0.0, 0.02, 0.06, 0.12][random.usize(..4)];
    let alone = random.u8(..20);
    let mut rate = |kind: u8| match alone {
        10.. => random.f64() * most,
        _ if alone == kind => 0.3,
        _ => 0.0,
    };
    FaultRates {
        throttle: rate(0),
        throttle_bare: rate(1),
        error_before: rate(2),
        error_after: rate(3),
        reset_before: rate(4),
        reset_after: rate(5),
        html: rate(6),
        half_json: rate(7),
        empty_body: rate(8),
        slow: rate(9),
        slow_by: seconds(random, 1..=70),
    }
}
