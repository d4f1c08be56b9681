//! Runs in which all goes wrong that can: a seed makes rows and faults, and a small model says what the tenant
//! must hold at the end.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use super::stage::{Played, Rows, Stage, phone, plain, rows, user};
use crate::model::action::Action;
use crate::model::event::Ended;
use crate::model::outcome::Status;
use crate::model::phone::PhoneType::{self, AlternateMobile, Mobile, Office};
use crate::model::secret::Secret;
use crate::model::task::{Task, Work};
use crate::simulator::faults::FaultRates;
use crate::simulator::resets::ResetSettings;
use crate::simulator::settings::TenantSettings;
use crate::simulator::users::{Population, SeedUser, UserState};

const USERS: usize = 40;

/// What stands in one place of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    /// Nothing, or this text.
    Known(Option<String>),
    /// A row left it in doubt.
    InDoubt,
}

impl Held {
    fn text(text: impl Into<String>) -> Self {
        Self::Known(Some(text.into()))
    }

    fn allows(&self, held: Option<&String>) -> bool {
        match self {
            Self::Known(wanted) => wanted.as_ref() == held,
            Self::InDoubt => true,
        }
    }
}

/// What one user must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    /// By type, in the order of [`PhoneType::ALL`].
    phones: [Held; 3],
    /// Whether the mobile signs in; `None` where a row left it in doubt.
    signs_in: Option<bool>,
    password: Held,
}

const fn place(phone_type: PhoneType) -> usize {
    match phone_type {
        Mobile => 0,
        AlternateMobile => 1,
        Office => 2,
    }
}

impl Model {
    fn of(seed: &SeedUser) -> Self {
        let number = |phone_type| {
            let phone = seed.phones.iter().find(|phone| phone.phone_type == phone_type);
            Held::Known(phone.map(|phone| phone.number.to_string()))
        };
        Self { phones: PhoneType::ALL.map(number), signs_in: Some(false), password: Held::Known(None) }
    }

    /// A row has ended so.
    fn note(&mut self, action: &Action, status: Status) {
        match status {
            Status::Failed | Status::Unprocessed => {}
            Status::Unknown | Status::Pending => self.doubt(action),
            Status::Succeeded | Status::Unchanged => self.set(action, status),
        }
    }

    fn set(&mut self, action: &Action, status: Status) {
        match action {
            Action::ListMethods => {}
            Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
                self.phones[place(phone.phone_type)] = Held::text(phone.number.as_str());
                if phone.phone_type == Mobile && status == Status::Succeeded {
                    self.signs_in = Some(true);
                }
            }
            Action::DeletePhone(phone_type) => {
                self.phones[place(*phone_type)] = Held::Known(None);
                if *phone_type == Mobile {
                    self.signs_in = Some(false);
                }
            }
            Action::EnableSmsSignIn => self.signs_in = Some(true),
            Action::DisableSmsSignIn => self.signs_in = Some(false),
            Action::ResetPassword(Some(password)) => self.password = Held::text(password.expose()),
            Action::ResetPassword(None) => self.password = Held::InDoubt,
        }
    }

    fn doubt(&mut self, action: &Action) {
        if let Action::ResetPassword(_) = action {
            self.password = Held::InDoubt;
        }
        let is_switch = matches!(action, Action::EnableSmsSignIn | Action::DisableSmsSignIn);
        match action.phone_type() {
            Some(phone_type) if !is_switch => self.phones[place(phone_type)] = Held::InDoubt,
            Some(_) | None => {}
        }
        if action.phone_type() == Some(Mobile) {
            self.signs_in = None;
        }
    }

    #[track_caller]
    fn assert_holds(&self, user: &UserState) {
        let held = [&user.mobile, &user.alternate_mobile, &user.office];
        for (wanted, held) in self.phones.iter().zip(held) {
            assert!(wanted.allows(held.as_ref()), "{self:?} is not {user:?}");
        }
        let signs_in = user.sms_sign_in_state == "ready";
        assert!(self.signs_in.is_none_or(|wanted| wanted == signs_in), "{self:?} is not {user:?}");
        assert!(self.password.allows(user.password.as_ref()), "{self:?} is not {user:?}");
    }
}

/// What a user's rows may ask for. No write stands there twice, since the ledger would take the second for a repetition.
fn actions(at: usize) -> Vec<Action> {
    let number = |step| at * 20 + step;
    vec![
        Action::ListMethods,
        Action::AddPhone(phone(Mobile, number(1))),
        Action::AddPhone(phone(AlternateMobile, number(2))),
        Action::AddPhone(phone(Office, number(3))),
        Action::UpdatePhone(phone(Mobile, number(4))),
        Action::UpdatePhone(phone(AlternateMobile, number(5))),
        Action::SetPhone(phone(Mobile, number(6))),
        Action::SetPhone(phone(Office, number(7))),
        Action::DeletePhone(Mobile),
        Action::DeletePhone(AlternateMobile),
        Action::DeletePhone(Office),
        Action::EnableSmsSignIn,
        Action::DisableSmsSignIn,
        Action::ResetPassword(Some(Secret::new(format!("password-{at}-1")))),
        Action::ResetPassword(Some(Secret::new(format!("password-{at}-2")))),
    ]
}

/// A few rows a user, in any order.
fn shuffled(random: &mut Rng) -> Rows {
    let mut tasks: Vec<(String, Action)> = (0..USERS)
        .flat_map(|at| {
            let mut actions = actions(at);
            random.shuffle(&mut actions);
            actions.truncate(random.usize(1..=9));
            actions.into_iter().map(move |action| (user(at), action))
        })
        .collect();
    random.shuffle(&mut tasks);
    rows(tasks)
}

fn seeds(random: &mut Rng) -> Vec<SeedUser> {
    (0..USERS)
        .map(|at| {
            let types = &[Mobile, AlternateMobile, Office][..random.usize(..=3)];
            let phones = types.iter().map(|phone_type| phone(*phone_type, at * 20 + 10 + place(*phone_type)));
            SeedUser { phones: phones.collect(), ..SeedUser::named(user(at)) }
        })
        .collect()
}

/// All kinds of faults, each so often.
pub(super) fn everything(rate: f64) -> FaultRates {
    FaultRates {
        throttle: rate,
        throttle_bare: rate,
        error_before: rate,
        error_after: rate,
        reset_before: rate,
        reset_after: rate,
        html: rate,
        half_json: rate,
        empty_body: rate,
        slow: rate,
        slow_by: Duration::from_secs(20),
    }
}

pub(super) fn troubled(seed: u64, faults: FaultRates) -> TenantSettings {
    TenantSettings {
        seed,
        faults,
        population: Population::Listed,
        latency: Duration::from_millis(80),
        resets: ResetSettings {
            failures: 0.2,
            unknown_for: Duration::from_secs(1),
            ..ResetSettings::default()
        },
        ..plain()
    }
}

/// A run to be, and what its tenant holds before it.
pub(super) struct Trial {
    pub(super) stage: Stage,
    file: Rows,
    models: HashMap<String, Model>,
}

impl Trial {
    /// Makes rows and users from the seed of the settings.
    pub(super) fn new(settings: TenantSettings) -> Self {
        let mut random = Rng::with_seed(settings.seed);
        let users = seeds(&mut random);
        let file = shuffled(&mut random);
        let models = users.iter().map(|seed| (seed.name.clone(), Model::of(seed))).collect();
        let stage = Stage { seed: settings.seed, ..Stage::new(settings) };
        for user in users {
            stage.tenant.lock().unwrap().add_user(user);
        }
        Self { stage, file, models }
    }

    /// Plays the run, and checks it against the model however it ended.
    pub(super) async fn play(self) -> Played {
        let Self { stage, file, mut models } = self;
        let (count, seed) = (file.len(), stage.seed);
        let played = stage.play(file).await;
        played.assert_each_ended_once(count);
        assert_in_order(&played);
        for ended in played.by_row() {
            let Work::Task(Task { user, action, .. }) = &ended.work else {
                unreachable!("all rows are valid")
            };
            models.get_mut(user.as_str()).unwrap().note(action, ended.outcome.status);
        }
        let tenant = played.tenant.lock().unwrap();
        for (name, model) in &models {
            model.assert_holds(&tenant.user(name).unwrap());
        }
        let ledger = tenant.ledger().clone();
        drop(tenant);
        assert_eq!((ledger.double_writes, ledger.blind_repeats), (0, 0), "seed {seed}: {ledger}");
        assert_eq!(ledger.requests, played.end.stats.requests.total, "seed {seed}");
        played
    }
}

#[track_caller]
fn assert_in_order(played: &Played) {
    let mut last: HashMap<&str, &Ended> = HashMap::new();
    for ended in played.by_row() {
        let Work::Task(task) = &ended.work else { unreachable!("all rows are valid") };
        if let Some(before) = last.insert(task.user.as_str(), ended) {
            assert!(
                ended.started_at.is_none_or(|start| before.ended_at <= start),
                "{ended:?} after {before:?}"
            );
            assert!(before.ended_at <= ended.ended_at);
        }
    }
}
