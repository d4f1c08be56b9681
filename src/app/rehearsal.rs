//! A tenant inside the process, with the users of a file in the state that the file takes for granted.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::model::action::Action;
use crate::model::phone::{Phone, PhoneChange, PhoneNumber, PhoneType};
use crate::model::task::Task;
use crate::settings::connection::Target;
use crate::simulator::ledger::Ledger;
use crate::simulator::server::serve;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tenant::Tenant;
use crate::simulator::users::{Population, SeedUser};

use super::clock::wall_clock;
use super::error::AppError;

/// How long the rehearsal's tenant takes for an answer: enough that people see it work.
const LATENCY: Duration = Duration::from_millis(20);

/// What stands where a row takes for granted that there is a phone: a number that is nobody's.
const PLACEHOLDER: &str = "+1 2025550100";

/// What the users of a file must have for its first rows to make sense.
#[derive(Debug, Clone, Default)]
pub(super) struct Seeds(HashMap<Box<str>, Known>);

/// What is known of one user: for each type whether a row has spoken of it, and whether it must have been there.
#[derive(Debug, Clone, Default)]
struct Known {
    is_spoken_of: [bool; 3],
    must_exist: [bool; 3],
    /// Whether a row removes a phone, which a user without another strong method would not be allowed.
    loses_phones: bool,
    /// What a row that is done has left there; `None` where no row did.
    left: [Option<Left>; 3],
}

/// What a row that is done has left of a phone.
#[derive(Debug, Clone)]
enum Left {
    Number(PhoneNumber),
    Nothing,
}

impl Seeds {
    /// Looks at the next row of the file.
    pub(super) fn note(&mut self, task: &Task) {
        let known = self.0.entry(task.user.as_str().to_lowercase().into()).or_default();
        let (phone_type, takes_for_granted) = match &task.action {
            Action::ListMethods | Action::ListPhones | Action::ResetPassword(_) | Action::SetPassword(_) => {
                return;
            }
            Action::SetPhones(changes) => return changes.iter().for_each(|change| known.note(change)),
            Action::AddPhone(phone) | Action::SetPhone(phone) => (phone.phone_type, false),
            Action::UpdatePhone(phone) => (phone.phone_type, true),
            Action::DeletePhone(phone_type) => {
                known.loses_phones = true;
                (*phone_type, true)
            }
            Action::EnableSmsSignIn | Action::DisableSmsSignIn => (PhoneType::Mobile, true),
        };
        known.expect(phone_type, takes_for_granted);
    }

    /// A row that was noted was done by an earlier session of the run.
    pub(super) fn note_done(&mut self, task: &Task) {
        let Some(known) = self.0.get_mut(task.user.as_str().to_lowercase().as_str()) else { return };
        match &task.action {
            Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
                known.left[place(phone.phone_type)] = Some(Left::Number(phone.number.clone()));
            }
            Action::SetPhones(changes) => changes.iter().for_each(|change| known.leave(change)),
            Action::DeletePhone(phone_type) => known.left[place(*phone_type)] = Some(Left::Nothing),
            Action::ListMethods
            | Action::ListPhones
            | Action::EnableSmsSignIn
            | Action::DisableSmsSignIn
            | Action::ResetPassword(_)
            | Action::SetPassword(_) => {}
        }
    }

    fn into_users(self) -> impl Iterator<Item = SeedUser> {
        self.0.into_iter().map(|(name, known)| {
            let there = known.left.into_iter().zip(known.must_exist).map(|(left, must_exist)| match left {
                Some(Left::Number(number)) => Some(number),
                Some(Left::Nothing) => None,
                None => must_exist.then(|| PhoneNumber::from_formatted(PLACEHOLDER)),
            });
            let phones = PhoneType::ALL.into_iter().zip(there);
            let phones =
                phones.filter_map(|(phone_type, number)| Some(Phone { phone_type, number: number? }));
            let authenticators = u32::from(known.loses_phones);
            SeedUser { phones: phones.collect(), authenticators, ..SeedUser::named(name) }
        })
    }
}

impl Known {
    fn note(&mut self, change: &PhoneChange) {
        let is_deleted = matches!(change, PhoneChange::Delete(_));
        self.loses_phones |= is_deleted;
        self.expect(change.phone_type(), is_deleted);
        if change.phone_type() == PhoneType::AlternateMobile {
            // The row says nothing of the mobile beside which it comes, so that one is there.
            self.speak(PhoneType::Mobile, true);
        }
    }

    fn leave(&mut self, change: &PhoneChange) {
        self.left[place(change.phone_type())] = Some(match change {
            PhoneChange::Set(phone) => Left::Number(phone.number.clone()),
            PhoneChange::Delete(_) => Left::Nothing,
        });
    }

    fn expect(&mut self, phone_type: PhoneType, takes_for_granted: bool) {
        self.speak(phone_type, takes_for_granted);
        if phone_type == PhoneType::AlternateMobile && takes_for_granted {
            // An alternate that is there stands beside a mobile.
            self.speak(PhoneType::Mobile, true);
        }
    }

    fn speak(&mut self, phone_type: PhoneType, takes_for_granted: bool) {
        let at = place(phone_type);
        if !self.is_spoken_of[at] {
            self.is_spoken_of[at] = true;
            self.must_exist[at] = takes_for_granted;
        }
    }
}

/// Where a type stands in a list of all.
fn place(phone_type: PhoneType) -> usize {
    PhoneType::ALL.iter().position(|other| *other == phone_type).unwrap_or_default()
}

/// The tenant of a rehearsal, on a thread of its own so that it does not stand in the run's way.
#[derive(Debug)]
pub(super) struct RehearsalTenant {
    address: SocketAddr,
    tenant: Arc<Mutex<Tenant>>,
    stop: CancellationToken,
    thread: JoinHandle<io::Result<()>>,
}

impl RehearsalTenant {
    /// Starts one where the target is a rehearsal.
    pub(super) fn start_for(target: &Target, seeds: Seeds) -> Result<Option<Self>, AppError> {
        match target {
            Target::Tenant(_) => Ok(None),
            Target::Rehearsal => Self::start(seeds)
                .map(Some)
                .map_err(|source| AppError::System { what: "start the rehearsal's tenant", source }),
        }
    }

    fn start(seeds: Seeds) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let origin = format!("http://{address}");
        let settings = TenantSettings {
            population: Population::Listed,
            latency: LATENCY,
            ..TenantSettings::plain(origin, wall_clock())
        };
        let mut tenant = Tenant::new(settings);
        seeds.into_users().for_each(|user| tenant.add_user(user));
        let tenant = Arc::new(Mutex::new(tenant));
        let stop = CancellationToken::new();
        let (served, until) = (Arc::clone(&tenant), stop.clone());
        let thread = thread::Builder::new().name("rehearsal".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime
                .block_on(async { serve(tokio::net::TcpListener::from_std(listener)?, served, until).await })
        })?;
        Ok(Self { address, tenant, stop, thread })
    }

    /// The Graph root and the authority.
    pub(super) fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it and gives its account of what it saw.
    pub(super) fn stop(self) -> Ledger {
        self.stop.cancel();
        // What it could not serve shows in the run's own results.
        let _ = self.thread.join();
        self.tenant.lock().unwrap_or_else(PoisonError::into_inner).ledger().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::{Row, RowNumber};
    use crate::model::task::Prior;
    use crate::model::user::UserId;

    fn seeded(actions: Vec<Action>) -> Vec<PhoneType> {
        let mut seeds = Seeds::default();
        for action in actions {
            let row = Row { number: RowNumber(1), fields: Box::default() };
            let user = UserId::new("Avery@contoso.com").unwrap();
            seeds.note(&Task { row, user, action, not_before: None, prior: Prior::Untried, expected: None });
        }
        let users: Vec<SeedUser> = seeds.into_users().collect();
        assert_eq!(users.len(), 1);
        users[0].phones.iter().map(|phone| phone.phone_type).collect()
    }

    #[test]
    fn the_first_row_that_speaks_of_a_phone_tells_whether_it_was_there() {
        let phone = |phone_type| Phone { phone_type, number: PhoneNumber::from_formatted(PLACEHOLDER) };
        let mobile = || phone(PhoneType::Mobile);
        assert_eq!(seeded(vec![Action::ListMethods]), []);
        assert_eq!(seeded(vec![Action::UpdatePhone(mobile())]), [PhoneType::Mobile]);
        assert_eq!(seeded(vec![Action::AddPhone(mobile()), Action::UpdatePhone(mobile())]), []);
        assert_eq!(seeded(vec![Action::DeletePhone(PhoneType::Office)]), [PhoneType::Office]);
        assert_eq!(seeded(vec![Action::EnableSmsSignIn, Action::AddPhone(mobile())]), [PhoneType::Mobile]);
        let both = [PhoneType::Mobile, PhoneType::AlternateMobile];
        assert_eq!(seeded(vec![Action::DeletePhone(PhoneType::AlternateMobile)]), both);
    }
}
