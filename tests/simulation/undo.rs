//! A life behind a life: what a run did is taken back, with crashes, faults and quotas of its own, and whoever could be
//! taken back whole has what they had before the run.

use std::collections::BTreeMap;

use authwave::actions::conduct::BeforeImages;
use authwave::journal::store::Store;
use authwave::model::event::{Ended, Event};
use authwave::model::phone::PhoneType;
use authwave::model::row::{Row, RowNumber};
use authwave::model::task::{Prior, Task, Work};
use authwave::model::timeline::Timeline;
use authwave::model::user::UserId;
use authwave::policy::undo::{Done, Undoing, undo};
use authwave::simulator::tenant::Tenant;
use authwave::simulator::users::SeedUser;

use super::plan::Plan;

/// What takes a run back.
#[derive(Default)]
pub(crate) struct Undo {
    /// Row by row.
    pub(crate) rows: Vec<Work>,
    /// Each user's rows, and whether something stays that cannot be taken back.
    users: BTreeMap<String, (Vec<RowNumber>, bool)>,
}

impl Undo {
    /// Of what the journal of a run says.
    pub(crate) fn of(store: &Store, timeline: &Timeline, plan: &Plan) -> Self {
        let mut done: BTreeMap<String, Vec<Done>> = BTreeMap::new();
        for ended in ends(store, timeline) {
            let row = ended.work.row().number;
            // A journal does not keep what a row with several phones asked for: the file has it.
            let at = usize::try_from(row.0).unwrap() - 1;
            let Work::Task(task) = &plan.rows[at] else { continue };
            done.entry(task.user.as_str().to_owned()).or_default().push(Done {
                row,
                action: task.action.clone(),
                status: ended.outcome.status,
                http_status: ended.http_status,
                before: store.before(row).unwrap(),
                looks: plan.run.conduct.before == BeforeImages::Kept,
                is_selected: true,
            });
        }
        let mut taken_back = Self::default();
        for (user, done) in done {
            let undoing = undo(&done, |_| true);
            taken_back.add(&user, undoing);
        }
        taken_back
    }

    fn add(&mut self, user: &str, Undoing { steps, left }: Undoing) {
        let first = self.rows.len();
        for step in steps {
            let number = RowNumber(self.rows.len() as u64 + 1);
            self.rows.push(Work::Task(Task {
                row: Row { number, fields: Box::default() },
                user: UserId::new(user).unwrap(),
                action: step.action,
                not_before: None,
                prior: Prior::Untried,
                expected: Some(Box::new(step.expected)),
            }));
        }
        let rows = self.rows[first..].iter().map(|work| work.row().number).collect();
        self.users.insert(user.to_owned(), (rows, !left.is_empty()));
    }

    /// Compares those with before who could be taken back whole, and tells how many had something to be taken back.
    #[track_caller]
    pub(crate) fn judge(
        &self,
        store: &Store,
        timeline: &Timeline,
        (before, tenant): (&[SeedUser], &Tenant),
    ) -> u64 {
        let is_done =
            ends(store, timeline).map(|ended| (ended.work.row().number, ended.outcome.status.is_done()));
        let is_done: BTreeMap<RowNumber, bool> = is_done.collect();
        let mut restored = 0;
        for user in before {
            let Some((rows, leaves)) = self.users.get(&user.name) else { continue };
            if *leaves || !rows.iter().all(|row| is_done[row]) {
                continue;
            }
            let now = tenant.user(&user.name).unwrap();
            let had = |phone_type: PhoneType| {
                let phone = user.phones.iter().find(|phone| phone.phone_type == phone_type);
                phone.map(|phone| phone.number.as_str().to_owned())
            };
            let wanted = PhoneType::ALL.map(had);
            assert_eq!(
                [now.mobile, now.alternate_mobile, now.office],
                wanted,
                "{} behind {rows:?}",
                user.name
            );
            restored += u64::from(!rows.is_empty());
        }
        restored
    }
}

fn ends(store: &Store, timeline: &Timeline) -> impl Iterator<Item = Ended> {
    let mut ends = Vec::new();
    store
        .replay(timeline, |event| {
            if let Event::Ended(ended) = event {
                ends.push((*ended).clone());
            }
        })
        .unwrap();
    ends.into_iter()
}
