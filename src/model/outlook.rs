//! What rows would do, one after the other, to users whose state was read once: pure.

use std::collections::HashMap;

use super::action::Action;
use super::error_code::OwnCode;
use super::foresight::{Deed, Kind, LastMethod, foresee, kind};
use super::phone::{Comparison, PhoneType};
use super::row::RowNumber;
use super::task::Task;
use super::user::UserId;
use super::user_state::UserState;

/// What reading a user told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// What there is.
    State(UserState),
    /// Nothing is planned for this user.
    Blocked(Why),
}

/// Why nothing is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The `error_code` of a row that ends for it.
    pub code: OwnCode,
    /// For people.
    pub reason: String,
}

/// What a row would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What comes of it as a whole.
    pub kind: Kind,
    /// What is done, in order.
    pub deeds: Vec<Deed>,
    /// What the user has before the row, behind the rows before it; `None` where that is not known.
    pub before: Option<UserState>,
    /// Why nothing is done, where the row is blocked.
    pub why: Option<Why>,
}

impl Planned {
    /// A row that nothing is planned for.
    #[must_use]
    pub const fn blocked(why: Why, before: Option<UserState>) -> Self {
        Self { kind: Kind::Blocked, deeds: Vec::new(), before, why: Some(why) }
    }
}

/// A user behind the rows that were looked at.
#[derive(Debug)]
struct User {
    known: Known,
    /// The last row that gave a phone its number.
    set_by: [Option<RowNumber>; 3],
}

/// The users of a file. It holds some hundred bytes for each from the first row to the last.
#[derive(Debug, Default)]
pub struct Outlook {
    /// How many rows of each are still to come, by order key.
    rows_to_come: HashMap<u64, u32>,
    /// By order key.
    users: HashMap<u64, User>,
    last_method: LastMethod,
}

impl Outlook {
    /// An outlook that knows nobody yet.
    #[must_use]
    pub fn new(last_method: LastMethod) -> Self {
        Self { last_method, ..Self::default() }
    }

    /// Counts a row before any is planned, so that it is known which of a user's rows is the last.
    pub fn expect(&mut self, user: &UserId) {
        *self.rows_to_come.entry(user.order_key()).or_default() += 1;
    }

    /// Whether it was noted what reading the user told.
    #[must_use]
    pub fn knows(&self, user: &UserId) -> bool {
        self.users.contains_key(&user.order_key())
    }

    /// Takes leave of a row that was counted; behind the last one its user is forgotten.
    pub fn pass(&mut self, user: &UserId) {
        let key = user.order_key();
        let to_come = self.rows_to_come.get_mut(&key);
        if to_come.is_none_or(|to_come| std::mem::replace(to_come, to_come.saturating_sub(1)) <= 1) {
            self.rows_to_come.remove(&key);
            self.users.remove(&key);
        }
    }

    /// Notes what reading a user told.
    pub fn note(&mut self, user: &UserId, known: Known) {
        self.users.insert(user.order_key(), User { known, set_by: [None; 3] });
    }

    /// What the next row of the file would do, behind all rows before it.
    pub fn plan(&mut self, task: &Task) -> Planned {
        let Some(user) = self.users.get_mut(&task.user.order_key()) else {
            let why = Why { code: OwnCode::Unread, reason: "the user was not read".to_owned() };
            return Planned::blocked(why, None);
        };
        let state = match &mut user.known {
            Known::State(state) => state,
            Known::Blocked(why) => return Planned::blocked(why.clone(), None),
        };
        let before = state.clone();
        if let Some(why) = contradiction(&task.action, &before, user.set_by) {
            return Planned::blocked(why, Some(before));
        }
        match foresee(&task.action, state, self.last_method) {
            Err(block) => {
                let why = Why { code: block.code(), reason: block.to_string() };
                Planned::blocked(why, Some(before))
            }
            Ok(deeds) => {
                for deed in &deeds {
                    deed.apply(state);
                }
                for phone in task.action.phones() {
                    user.set_by[phone.phone_type.index()] = Some(task.row.number);
                }
                if let Action::DeletePhone(phone_type) = task.action {
                    user.set_by[phone_type.index()] = None;
                }
                Planned { kind: kind(&deeds), deeds, before: Some(before), why: None }
            }
        }
    }
}

/// An earlier row of the file gave a phone another number: whichever of the two comes last would stand.
fn contradiction(action: &Action, state: &UserState, set_by: [Option<RowNumber>; 3]) -> Option<Why> {
    let contradicted = action.phones().into_iter().find_map(|phone| {
        let row = set_by[phone.phone_type.index()]?;
        let held = state.phone(phone.phone_type)?;
        let differs = phone.number.compare(&held.number) != Comparison::Same;
        differs.then_some((phone.phone_type, row))
    });
    contradicted.map(|(phone_type, row): (PhoneType, RowNumber)| Why {
        code: OwnCode::Contradiction,
        reason: format!(
            "row {row} of the file gives this user another {phone_type} number; keep one of them"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phone::{Phone, PhoneChange, PhoneNumber};
    use crate::model::row::Row;
    use crate::model::task::Prior;
    use crate::model::user_state::{HeldPhone, SmsSignIn};

    const ADELE: &str = "adele.vance@contoso.com";

    fn phone(phone_type: PhoneType, last_digit: u8) -> Phone {
        let number = PhoneNumber::from_formatted(format!("+1 425555010{last_digit}"));
        Phone { phone_type, number }
    }

    fn task(row: u64, action: Action) -> Task {
        let row = Row { number: RowNumber(row), fields: Box::default() };
        let user = UserId::new(ADELE).unwrap();
        Task { row, user, action, not_before: None, prior: Prior::Untried, expected: None }
    }

    fn outlook(state: UserState) -> Outlook {
        let mut outlook = Outlook::new(LastMethod::Kept);
        outlook.note(&UserId::new(&ADELE.to_uppercase()).unwrap(), Known::State(state));
        outlook
    }

    fn kinds(outlook: &mut Outlook, actions: impl IntoIterator<Item = Action>) -> Vec<Kind> {
        let tasks = actions.into_iter().zip(1..).map(|(action, row)| task(row, action));
        tasks.map(|task| outlook.plan(&task).kind).collect()
    }

    #[test]
    fn a_row_is_planned_behind_the_rows_before_it() {
        let mut outlook = outlook(UserState::default());
        let actions = [
            Action::AddPhone(phone(PhoneType::Mobile, 0)),
            Action::AddPhone(phone(PhoneType::AlternateMobile, 1)),
            Action::SetPhone(phone(PhoneType::Mobile, 0)),
            Action::EnableSmsSignIn,
            Action::DeletePhone(PhoneType::Mobile),
            Action::DeletePhone(PhoneType::AlternateMobile),
        ];
        let told = kinds(&mut outlook, actions);
        let wanted = [Kind::Create, Kind::Create, Kind::Nothing, Kind::Switch, Kind::Blocked, Kind::Delete];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_blocked_row_changes_nothing_for_those_behind_it() {
        let mut outlook = outlook(UserState::default());
        let planned = outlook.plan(&task(1, Action::AddPhone(phone(PhoneType::AlternateMobile, 1))));
        assert_eq!((planned.kind, planned.why.unwrap().code), (Kind::Blocked, OwnCode::Blocked));
        assert_eq!(kinds(&mut outlook, [Action::DeletePhone(PhoneType::AlternateMobile)]), [Kind::Nothing]);
    }

    #[test]
    fn two_numbers_for_one_phone_are_a_contradiction_unless_it_is_deleted_between() {
        let set = |digit| Action::SetPhone(phone(PhoneType::Office, digit));
        let mut twice = outlook(UserState::default());
        twice.plan(&task(1, set(1)));
        let why = twice.plan(&task(2, set(2))).why.unwrap();
        assert_eq!(why.code, OwnCode::Contradiction);
        assert!(why.reason.contains("row 1"), "{}", why.reason);
        let wide = Action::SetPhones([PhoneChange::Set(phone(PhoneType::Office, 3))].into());
        assert_eq!(twice.plan(&task(3, wide)).kind, Kind::Blocked);

        let mut state = UserState { other_strong: Some(1), ..UserState::default() };
        let held = HeldPhone { number: "+1 4255550109".into(), sms: SmsSignIn::NotSupported };
        state.set(PhoneType::Office, Some(held));
        let told = kinds(&mut outlook(state), [set(1), Action::DeletePhone(PhoneType::Office), set(2)]);
        assert_eq!(told, [Kind::Change, Kind::Delete, Kind::Create]);
    }

    #[test]
    fn a_user_who_was_not_read_or_may_not_be_touched_is_blocked() {
        let mut outlook = Outlook::new(LastMethod::Kept);
        let row = task(1, Action::ListMethods);
        assert_eq!(outlook.plan(&row).why.unwrap().code, OwnCode::Unread);
        let why = Why { code: OwnCode::Disabled, reason: "the account is disabled".to_owned() };
        outlook.note(&row.user, Known::Blocked(why.clone()));
        assert_eq!(outlook.plan(&row), Planned::blocked(why, None));
    }

    #[test]
    fn a_user_is_known_from_the_first_row_to_the_last() {
        let mut outlook = Outlook::new(LastMethod::Kept);
        let rows = [task(1, Action::ListMethods), task(2, Action::EnableSmsSignIn)];
        for row in &rows {
            outlook.expect(&row.user);
        }
        outlook.note(&rows[0].user, Known::State(UserState::default()));
        let known = rows.iter().map(|row| {
            outlook.pass(&row.user);
            outlook.knows(&row.user)
        });
        assert_eq!(known.collect::<Vec<_>>(), [true, false]);
        assert!(outlook.rows_to_come.is_empty() && outlook.users.is_empty());
    }

    #[test]
    fn what_a_user_has_before_a_row_is_what_the_rows_before_it_leave() {
        let mut outlook = outlook(UserState::default());
        outlook.plan(&task(1, Action::AddPhone(phone(PhoneType::Mobile, 0))));
        let before = outlook.plan(&task(2, Action::SetPhone(phone(PhoneType::Mobile, 0)))).before.unwrap();
        assert_eq!(&*before.phone(PhoneType::Mobile).unwrap().number, "+1 4255550100");
    }
}
