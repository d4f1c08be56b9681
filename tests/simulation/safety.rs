//! Never less safe: at no moment has a user fewer usable methods than before, unless a row says so that is under way.
//!
//! It is looked at behind every request that came to the tenant, whether anybody heard the answer or not.

use std::collections::{HashMap, HashSet};

use authwave::model::action::Action;
use authwave::model::phone::{PhoneChange, PhoneType};
use authwave::model::row::RowNumber;
use authwave::model::task::Work;
use authwave::simulator::users::{SeedUser, UserState};

/// What a user can sign in with, besides the password, which nobody can take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Usable {
    Phone(PhoneType),
    /// The mobile, as the first factor.
    SmsSignIn,
}

/// Watches the users.
#[derive(Default)]
pub(crate) struct Safety {
    watched: HashMap<String, Watched>,
    /// Methods that rows took away because they say so.
    pub(crate) taken: u64,
}

struct Watched {
    has: HashSet<Usable>,
    /// What each of the user's rows says to take away, in the order of the file.
    rows: Vec<(RowNumber, Vec<Usable>)>,
}

impl Safety {
    pub(crate) fn new(users: impl IntoIterator<Item = UserState>, rows: &[Work]) -> Self {
        let watch = |user: UserState| {
            let theirs = |work| Work::task(work).filter(|task| task.user.as_str() == user.name);
            let rows = rows.iter().filter_map(theirs).map(|task| (task.row.number, takes(&task.action)));
            let watched = Watched { has: usable(&user), rows: rows.collect() };
            (user.name, watched)
        };
        Self { watched: users.into_iter().map(watch).collect(), taken: 0 }
    }

    /// A request for this user has come to the tenant. `begun` tells in which order beginnings of rows were committed.
    #[track_caller]
    pub(crate) fn look_at(&mut self, user: &UserState, begun: impl Fn(RowNumber) -> Option<u64>) {
        let Some(watched) = self.watched.get_mut(&user.name) else { return };
        let now = usable(user);
        let lost: Vec<Usable> = watched.has.difference(&now).copied().collect();
        // A user's rows are done one at a time, so the last to begin is the one under way.
        let under_way = watched.rows.iter().filter(|(row, _)| begun(*row).is_some());
        let under_way = under_way.max_by_key(|(row, _)| begun(*row));
        let may_take = |method: &Usable| under_way.is_some_and(|(_, takes)| takes.contains(method));
        for method in &lost {
            assert!(may_take(method), "{} has lost {method:?} under {under_way:?}", user.name);
        }
        watched.has = now;
        self.taken += lost.len() as u64;
    }

    /// What a user had at the beginning stands at the end, unless one of their rows says otherwise.
    #[track_caller]
    pub(crate) fn assert_kept(before: &SeedUser, after: &UserState, rows: &[Work]) {
        let theirs = |work| Work::task(work).filter(|task| task.user.as_str() == before.name);
        let told: Vec<Usable> = rows.iter().filter_map(theirs).flat_map(|task| takes(&task.action)).collect();
        let after = usable(after);
        let mut kept = before.phones.iter().map(|phone| Usable::Phone(phone.phone_type));
        assert!(
            kept.all(|method| after.contains(&method) || told.contains(&method)),
            "{before:?} has {after:?}"
        );
    }
}

fn usable(user: &UserState) -> HashSet<Usable> {
    let phones = PhoneType::ALL.into_iter().zip([&user.mobile, &user.alternate_mobile, &user.office]);
    let phones =
        phones.filter(|(_, number)| number.is_some()).map(|(phone_type, _)| Usable::Phone(phone_type));
    phones.chain((user.sms_sign_in_state == "ready").then_some(Usable::SmsSignIn)).collect()
}

/// What a row says to take away.
fn takes(action: &Action) -> Vec<Usable> {
    let phone = |phone_type| match phone_type {
        PhoneType::Mobile => vec![Usable::Phone(phone_type), Usable::SmsSignIn],
        PhoneType::AlternateMobile | PhoneType::Office => vec![Usable::Phone(phone_type)],
    };
    match action {
        Action::DeletePhone(phone_type) => phone(*phone_type),
        Action::SetPhones(changes) => changes
            .iter()
            .flat_map(|change| match change {
                PhoneChange::Set(_) => Vec::new(),
                PhoneChange::Delete(phone_type) => phone(*phone_type),
            })
            .collect(),
        Action::DisableSmsSignIn => vec![Usable::SmsSignIn],
        Action::ListMethods
        | Action::ListPhones
        | Action::AddPhone(_)
        | Action::UpdatePhone(_)
        | Action::SetPhone(_)
        | Action::EnableSmsSignIn
        | Action::ResetPassword(_)
        | Action::SetPassword(_) => Vec::new(),
    }
}
