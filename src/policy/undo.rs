//! What takes back what a run did to a user's phones: pure, so that nothing is known of the user but what the run noted.

use std::fmt;

use crate::model::action::Action;
use crate::model::outcome::Status;
use crate::model::phone::{Comparison, Phone, PhoneChange, PhoneNumber, PhoneType, is_same_number};
use crate::model::row::RowNumber;
use crate::model::user_state::{Expectation, Expected, HeldPhone, SmsSignIn};

/// A row of a run, and what it noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub row: RowNumber,
    /// What it asked for.
    pub action: Action,
    /// How it ended.
    pub status: Status,
    /// The last answer's status; `None` where none came.
    pub http_status: Option<u16>,
    /// What the user had before it, as far as that was read: each phone that it was going to change, `None` for none.
    pub before: Vec<(PhoneType, Option<HeldPhone>)>,
    /// Whether it looked at what there is before it wrote: what is not in `before` was then as it should be.
    pub looks: bool,
    /// Whether it is to be taken back.
    pub is_selected: bool,
}

/// One thing that takes something back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// What the user must have for it: what the run left, or what there was before.
    pub expected: Expectation,
    /// The rows that it takes back.
    pub rows: Vec<RowNumber>,
}

/// A row that changed something, or may have, and that cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub row: RowNumber,
    /// Why.
    pub why: Reason,
}

/// Why a row cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It reset a password, and nobody knows the old one.
    Password,
    /// What there was before it was not read.
    NotRead,
    /// What there was before it was hidden.
    Hidden,
    /// A file of rows would not give the number that there was before it.
    Unreadable,
    /// A row behind it, which is not to be taken back, changed the same phone.
    Superseded(RowNumber),
}

impl Reason {
    /// The reason without its particulars.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Password => "passwords cannot be taken back: nobody can read what there was",
            Self::NotRead => "what the user had before the row was not read",
            Self::Hidden => "the number that the user had before the row was hidden from the run's role",
            Self::Unreadable => {
                "the number that the user had before the row is none that an input file may hold"
            }
            Self::Superseded(_) => "a row behind it, which is not taken back, changed the same phone",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password | Self::NotRead | Self::Hidden | Self::Unreadable => f.write_str(self.told()),
            Self::Superseded(row) => {
                write!(f, "row {row} changed the same phone behind it, and is not taken back")
            }
        }
    }
}

/// What is to be done for a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undoing {
    /// In this order.
    pub steps: Vec<Step>,
    /// What stays, in the order of the rows.
    pub left: Vec<Left>,
}

/// What became of one phone.
#[derive(Debug, Default)]
struct Trail {
    /// What there was before the first row that is taken back; `None` before there is one.
    origin: Option<Result<Option<HeldPhone>, Reason>>,
    /// What there may be now.
    now: Vec<Option<HeldPhone>>,
    /// Whether a number came, went or changed, and not the SMS sign-in alone.
    is_moved: bool,
    rows: Vec<RowNumber>,
}

/// What a row did to one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    Put(PhoneNumber),
    Removed,
    Switched { on: bool },
}

/// What takes back these rows of one user, which stand in the order of the file. Steps become rows of a file again: a
/// number is put back only where that `gives` it as it is.
#[must_use]
pub fn undo(rows: &[Done], gives: impl Fn(&Phone) -> bool) -> Undoing {
    let mut trails: [Trail; 3] = Default::default();
    let mut left = Vec::new();
    for row in rows.iter().filter(|row| may_have_changed(row)) {
        if row.action.resets() && row.is_selected {
            left.push(Left { row: row.row, why: Reason::Password });
        }
        for (phone_type, deed) in deeds(&row.action) {
            trails[phone_type.index()].follow(row, phone_type, &deed);
        }
    }
    let mut plans = Vec::new();
    for (phone_type, trail) in PhoneType::ALL.into_iter().zip(&trails) {
        match trail.target() {
            None => {}
            Some(Err(why)) => left.extend(trail.left(why)),
            Some(Ok(target)) => {
                let plan = Plan { phone_type, trail, target };
                match plan.number() {
                    Some(Action::SetPhone(phone)) if !gives(&phone) => {
                        left.extend(trail.left(Reason::Unreadable));
                    }
                    _ => plans.push(plan),
                }
            }
        }
    }
    left.sort_by_key(|left| left.row);
    left.dedup();
    Undoing { steps: steps(&plans), left }
}

/// Whether a row may have left something else than it found.
const fn may_have_changed(row: &Done) -> bool {
    match row.status {
        Status::Succeeded | Status::Unknown | Status::Pending => true,
        // What stands before the phone that failed was done.
        Status::Failed => matches!(row.action, Action::SetPhones(_)),
        // A session that broke off may have written what a later one found to be so already.
        Status::Unchanged => !row.before.is_empty(),
        Status::Unprocessed => false,
    }
}

fn deeds(action: &Action) -> Vec<(PhoneType, Deed)> {
    let put = |phone: &Phone| (phone.phone_type, Deed::Put(phone.number.clone()));
    match action {
        Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => vec![put(phone)],
        Action::SetPhones(changes) => changes
            .iter()
            .map(|change| match change {
                PhoneChange::Set(phone) => put(phone),
                PhoneChange::Delete(phone_type) => (*phone_type, Deed::Removed),
            })
            .collect(),
        Action::DeletePhone(phone_type) => vec![(*phone_type, Deed::Removed)],
        Action::EnableSmsSignIn => vec![(PhoneType::Mobile, Deed::Switched { on: true })],
        Action::DisableSmsSignIn => vec![(PhoneType::Mobile, Deed::Switched { on: false })],
        Action::ListMethods | Action::ListPhones | Action::ResetPassword(_) | Action::SetPassword(_) => {
            Vec::new()
        }
    }
}

impl Trail {
    fn follow(&mut self, row: &Done, phone_type: PhoneType, deed: &Deed) {
        let found = found(row, phone_type, deed);
        if matches!(found, Found::Nothing) {
            return;
        }
        if !row.is_selected {
            if let Some(Ok(_)) = self.origin {
                self.origin = Some(Err(Reason::Superseded(row.row)));
            }
            return;
        }
        self.rows.push(row.row);
        self.is_moved |= !matches!(deed, Deed::Switched { .. });
        let origin = self.origin.get_or_insert(match found {
            Found::Phone(phone) => Ok(phone),
            Found::Unread | Found::Nothing => Err(Reason::NotRead),
        });
        let Ok(origin) = origin else { return };
        let before = if self.now.is_empty() { vec![origin.clone()] } else { std::mem::take(&mut self.now) };
        let after = deed.apply(&before);
        self.now = if row.status == Status::Succeeded { after } else { [after, before].concat() };
    }

    /// What there shall be again.
    fn target(&self) -> Option<Result<Option<HeldPhone>, Reason>> {
        let origin = self.origin.clone()?;
        Some(match origin {
            Ok(Some(phone)) if self.is_moved && is_masked(&phone.number) => Err(Reason::Hidden),
            Ok(Some(phone)) if !self.is_moved && phone.sms == SmsSignIn::Unknown => Err(Reason::NotRead),
            origin => origin,
        })
    }

    /// Its rows, which stay.
    fn left(&self, why: Reason) -> impl Iterator<Item = Left> {
        self.rows.iter().map(move |row| Left { row: *row, why })
    }

    /// Whether a number has to come, go or change for it.
    fn needs_number(&self, target: Option<&HeldPhone>) -> bool {
        !self.now.iter().all(|now| has_same_number(now.as_ref(), target))
    }
}

/// What a row found of a phone.
enum Found {
    /// This.
    Phone(Option<HeldPhone>),
    /// It did not look.
    Unread,
    /// It looked, and there was nothing to do.
    Nothing,
}

fn found(row: &Done, phone_type: PhoneType, deed: &Deed) -> Found {
    if let Some((_, phone)) = row.before.iter().find(|(found, _)| *found == phone_type) {
        return Found::Phone(phone.clone());
    }
    match row.action {
        // Graph stores a new phone only where there is none of its type.
        Action::AddPhone(_) if row.is_answered_well() => Found::Phone(None),
        Action::AddPhone(_) => Found::Unread,
        // These look in any case before they set a number.
        Action::SetPhone(_) | Action::SetPhones(_) if matches!(deed, Deed::Put(_)) => Found::Nothing,
        _ if row.looks => Found::Nothing,
        _ => Found::Unread,
    }
}

impl Done {
    fn is_answered_well(&self) -> bool {
        self.status == Status::Succeeded
            && self.http_status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Deed {
    /// What there may be behind it.
    fn apply(&self, before: &[Option<HeldPhone>]) -> Vec<Option<HeldPhone>> {
        let switched = |on: bool, phone: &HeldPhone| {
            let states = SmsSignIn::NAMED.into_iter().filter(move |state| state.is_on() == on);
            let number = phone.number.clone();
            states.map(move |sms| Some(HeldPhone { number: number.clone(), sms })).collect::<Vec<_>>()
        };
        match self {
            Self::Put(number) => vec![Some(unsaid(number.as_str()))],
            Self::Removed => vec![None],
            Self::Switched { on } => before
                .iter()
                .flat_map(|phone| phone.as_ref().map_or(vec![None], |phone| switched(*on, phone)))
                .collect(),
        }
    }
}

/// A phone of which nobody says whether it signs in.
fn unsaid(number: &str) -> HeldPhone {
    HeldPhone { number: number.into(), sms: SmsSignIn::Unknown }
}

fn is_masked(number: &str) -> bool {
    PhoneNumber::from_formatted(number).compare(number) == Comparison::Masked
}

fn has_same_number(one: Option<&HeldPhone>, other: Option<&HeldPhone>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => is_same_number(&one.number, &other.number),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// A phone that is taken back.
struct Plan<'trail> {
    phone_type: PhoneType,
    trail: &'trail Trail,
    target: Option<HeldPhone>,
}

impl Plan<'_> {
    /// What gives the phone its number back, or takes it away.
    fn number(&self) -> Option<Action> {
        if !self.trail.needs_number(self.target.as_ref()) {
            return None;
        }
        Some(match &self.target {
            Some(phone) => Action::SetPhone(Phone {
                phone_type: self.phone_type,
                number: PhoneNumber::from_formatted(phone.number.clone()),
            }),
            None => Action::DeletePhone(self.phone_type),
        })
    }

    /// What switches SMS sign-in back. Behind a number that comes back only a switch that somebody may have made counts:
    /// all else follows from the number and the policy.
    fn switch(&self) -> Option<Action> {
        let phone = self.target.as_ref().filter(|_| self.phone_type == PhoneType::Mobile)?;
        let is_switch = !self.trail.is_moved || matches!(phone.sms, SmsSignIn::Ready | SmsSignIn::NotEnabled);
        is_switch.then_some(if phone.sms.is_on() {
            Action::EnableSmsSignIn
        } else {
            Action::DisableSmsSignIn
        })
    }

    /// What there may be before it is taken back: what the run left, or what shall be.
    fn expected(&self) -> Expected {
        Expected::OneOf(self.trail.now.iter().cloned().chain([self.target.clone()]).collect())
    }

    /// What there is once the number is back.
    fn restored(&self) -> Expected {
        self.target.as_ref().map_or(Expected::Absent, |phone| Expected::Phone(unsaid(&phone.number)))
    }
}

/// Phones come before they go, the mobile first and last, since an alternate one needs it; the switch comes behind its number.
fn steps(plans: &[Plan<'_>]) -> Vec<Step> {
    let mut expected = Expectation::default();
    for plan in plans {
        expected.phones[plan.phone_type.index()] = plan.expected();
    }
    let (gone, kept): (Vec<_>, Vec<_>) = plans.iter().partition(|plan| plan.target.is_none());
    let numbers = kept.iter().chain(gone.iter().rev()).filter_map(|plan| Some((plan, plan.number()?)));
    let switches = kept.iter().filter_map(|plan| Some((plan, plan.switch()?)));
    let mut steps = Vec::new();
    for (plan, action) in numbers.chain(switches) {
        steps.push(Step { action, expected: expected.clone(), rows: plan.trail.rows.clone() });
        expected.phones[plan.phone_type.index()] = plan.restored();
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use PhoneType::{AlternateMobile, Mobile, Office};

    fn undo(rows: &[Done]) -> Undoing {
        super::undo(rows, |_| true)
    }

    fn number(last_digit: u8) -> String {
        format!("+1 425555010{last_digit}")
    }

    fn phone(phone_type: PhoneType, last_digit: u8) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(number(last_digit)) }
    }

    fn held(last_digit: u8, sms: SmsSignIn) -> Option<HeldPhone> {
        HeldPhone { number: number(last_digit).into(), sms }.into()
    }

    fn unsaid(last_digit: u8) -> Option<HeldPhone> {
        held(last_digit, SmsSignIn::Unknown)
    }

    fn row(
        row: u64,
        action: Action,
        before: impl IntoIterator<Item = (PhoneType, Option<HeldPhone>)>,
    ) -> Done {
        let (status, before) = (Status::Succeeded, before.into_iter().collect());
        let row = RowNumber(row);
        Done { row, action, status, http_status: Some(204), before, looks: true, is_selected: true }
    }

    fn set(phone_type: PhoneType, last_digit: u8) -> Action {
        Action::SetPhone(phone(phone_type, last_digit))
    }

    fn actions(rows: &[Done]) -> Vec<Action> {
        undo(rows).steps.into_iter().map(|step| step.action).collect()
    }

    fn left(rows: &[Done]) -> Vec<(u64, Reason)> {
        let undoing = undo(rows);
        assert_eq!(undoing.steps, [], "what is left is not touched");
        undoing.left.into_iter().map(|left| (left.row.0, left.why)).collect()
    }

    #[test]
    fn each_kind_of_row_is_taken_back_to_what_it_found() {
        let ready = || held(1, SmsSignIn::NotAllowedByPolicy);
        let cases = [
            (set(Office, 2), Office, unsaid(1), vec![set(Office, 1)]),
            (Action::UpdatePhone(phone(Mobile, 2)), Mobile, ready(), vec![set(Mobile, 1)]),
            (set(Office, 2), Office, None, vec![Action::DeletePhone(Office)]),
            (Action::DeletePhone(Office), Office, unsaid(1), vec![set(Office, 1)]),
            (Action::EnableSmsSignIn, Mobile, held(1, SmsSignIn::NotEnabled), vec![Action::DisableSmsSignIn]),
            (Action::DisableSmsSignIn, Mobile, held(1, SmsSignIn::Ready), vec![Action::EnableSmsSignIn]),
            (
                set(Mobile, 2),
                Mobile,
                held(1, SmsSignIn::Ready),
                vec![set(Mobile, 1), Action::EnableSmsSignIn],
            ),
            (
                set(Mobile, 2),
                Mobile,
                held(1, SmsSignIn::NotEnabled),
                vec![set(Mobile, 1), Action::DisableSmsSignIn],
            ),
        ];
        for (action, phone_type, before, wanted) in cases {
            let rows = [row(1, action, [(phone_type, before)])];
            assert_eq!(actions(&rows), wanted, "{rows:?}");
            assert_eq!(undo(&rows).left, [], "{rows:?}");
        }
    }

    #[test]
    fn a_user_is_to_be_as_the_run_left_them_or_as_they_were_and_other_phones_are_no_matter() {
        let [step, switch] =
            &undo(&[row(1, set(Mobile, 2), [(Mobile, held(1, SmsSignIn::Ready))])]).steps[..]
        else {
            panic!("two steps");
        };
        let either = Expected::OneOf(vec![unsaid(2), held(1, SmsSignIn::Ready)]);
        assert_eq!(step.expected.phones, [either, Expected::Anything, Expected::Anything]);
        assert_eq!(switch.expected.phones[0], Expected::Phone(unsaid(1).unwrap()));
    }

    #[test]
    fn several_rows_of_a_phone_are_taken_back_at_once_to_what_the_first_found() {
        let rows = [
            row(3, set(Office, 2), [(Office, unsaid(1))]),
            row(5, Action::DeletePhone(Office), [(Office, unsaid(2))]),
            row(8, Action::AddPhone(phone(Office, 4)), []),
        ];
        let steps = undo(&rows).steps;
        assert_eq!(steps.len(), 1);
        assert_eq!((&steps[0].action, &steps[0].rows[..]), (&set(Office, 1), &[3, 5, 8].map(RowNumber)[..]));
        // And back again by itself, it is nothing at all.
        let rows = [rows[0].clone(), row(4, set(Office, 1), [(Office, unsaid(2))])];
        assert_eq!(undo(&rows), Undoing::default());
    }

    #[test]
    fn a_mobile_comes_before_the_alternate_one_and_goes_behind_it() {
        let deleted = [
            row(1, Action::DeletePhone(AlternateMobile), [(AlternateMobile, unsaid(2))]),
            row(2, Action::DeletePhone(Mobile), [(Mobile, unsaid(1))]),
        ];
        assert_eq!(actions(&deleted), [set(Mobile, 1), set(AlternateMobile, 2)]);
        let added = [
            row(1, Action::AddPhone(phone(Mobile, 1)), []),
            row(2, Action::AddPhone(phone(AlternateMobile, 2)), []),
        ];
        assert_eq!(actions(&added), [Action::DeletePhone(AlternateMobile), Action::DeletePhone(Mobile)]);
    }

    #[test]
    fn a_row_with_several_phones_is_taken_back_phone_by_phone_also_where_it_failed_on_the_way() {
        let changes = [PhoneChange::Set(phone(Office, 2)), PhoneChange::Delete(AlternateMobile)];
        let wide =
            row(1, Action::SetPhones(changes.into()), [(Office, unsaid(1)), (AlternateMobile, unsaid(3))]);
        assert_eq!(actions(std::slice::from_ref(&wide)), [set(AlternateMobile, 3), set(Office, 1)]);
        let failed = Done { status: Status::Failed, before: vec![(Office, unsaid(1))], ..wide };
        let steps = undo(&[failed]).steps;
        assert_eq!(steps.len(), 1);
        let either = Expected::OneOf(vec![unsaid(2), unsaid(1), unsaid(1)]);
        assert_eq!(steps[0].expected.phones[Office.index()], either, "nobody knows how far it came");
    }

    #[test]
    fn what_may_have_been_done_is_taken_back_where_it_was() {
        // The last is what a session that broke off may have done before this one found it.
        for status in [Status::Unknown, Status::Unchanged] {
            let doubtful = Done { status, ..row(1, set(Office, 2), [(Office, None)]) };
            let steps = undo(&[doubtful]).steps;
            assert_eq!(steps[0].action, Action::DeletePhone(Office));
            assert_eq!(
                steps[0].expected.phones[Office.index()],
                Expected::OneOf(vec![unsaid(2), None, None])
            );
        }
    }

    #[test]
    fn rows_that_changed_nothing_are_left_out() {
        for (status, before) in
            [(Status::Unprocessed, true), (Status::Failed, true), (Status::Unchanged, false)]
        {
            let before = before.then_some((Office, unsaid(1)));
            let row = Done { status, ..row(1, set(Office, 2), before) };
            assert_eq!(undo(&[row]), Undoing::default(), "{status}");
        }
        let alike =
            [Action::EnableSmsSignIn, Action::DeletePhone(Office), set(Mobile, 1), Action::ListMethods];
        for action in alike {
            assert_eq!(undo(&[row(1, action, [])]), Undoing::default());
        }
    }

    #[test]
    fn what_cannot_be_taken_back_is_told_and_not_touched() {
        let reset = row(1, Action::ResetPassword(None), []);
        assert_eq!(left(&[reset]), [(1, Reason::Password)]);
        let masked =
            held(1, SmsSignIn::Ready).map(|phone| HeldPhone { number: "+1 ******0101".into(), ..phone });
        assert_eq!(left(&[row(1, set(Mobile, 2), [(Mobile, masked.clone())])]), [(1, Reason::Hidden)]);
        // A switch needs no number.
        let switch = row(1, Action::DisableSmsSignIn, [(Mobile, masked)]);
        assert_eq!(actions(&[switch]), [Action::EnableSmsSignIn]);

        let blind = |action| Done { looks: false, ..row(1, action, []) };
        for action in
            [Action::DeletePhone(Office), Action::UpdatePhone(phone(Mobile, 1)), Action::EnableSmsSignIn]
        {
            assert_eq!(left(&[blind(action)]), [(1, Reason::NotRead)]);
        }
        // The answer to an addition was lost: who stored the phone is not known.
        let lost = Done { http_status: Some(504), ..row(1, Action::AddPhone(phone(Office, 1)), []) };
        assert_eq!(left(&[lost]), [(1, Reason::NotRead)]);
    }

    #[test]
    fn a_number_that_no_file_gives_back_is_left_with_the_switches_of_its_phone() {
        let moved = row(1, set(Mobile, 2), [(Mobile, held(1, SmsSignIn::Ready))]);
        let switched = row(2, Action::DisableSmsSignIn, [(Mobile, unsaid(2))]);
        let office = row(3, set(Office, 2), [(Office, unsaid(3))]);
        let rows = [moved, switched, office];
        let Undoing { steps, left } = super::undo(&rows, |phone| phone.number.as_str() != number(1));
        let left: Vec<_> = left.iter().map(|left| (left.row.0, left.why)).collect();
        assert_eq!(left, [(1, Reason::Unreadable), (2, Reason::Unreadable)]);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].action, set(Office, 3));
        // Where the number need not come back, the switch does.
        let switch = row(1, Action::DisableSmsSignIn, [(Mobile, held(1, SmsSignIn::Ready))]);
        assert_eq!(super::undo(&[switch], |_| false).steps[0].action, Action::EnableSmsSignIn);
    }

    #[test]
    fn a_row_behind_which_another_one_stays_is_left() {
        let first = row(1, set(Office, 2), [(Office, unsaid(1))]);
        let second = row(2, set(Office, 3), [(Office, unsaid(2))]);
        let stays = Done { is_selected: false, ..second.clone() };
        assert_eq!(left(&[first.clone(), stays]), [(1, Reason::Superseded(RowNumber(2)))]);
        let stays = Done { is_selected: false, ..first };
        assert_eq!(actions(&[stays, second]), [set(Office, 2)], "back to what the row itself found");
    }
}
