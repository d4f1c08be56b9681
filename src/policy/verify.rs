//! Whether what a row asked for still stands: a pure comparison with what was read since.

use crate::model::action::Action;
use crate::model::method::Method;
use crate::model::phone::{Comparison, PhoneChange, PhoneNumber, PhoneType, signs_in};
use crate::model::row::RowNumber;

/// What became of what a row asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It stands.
    Holds,
    /// Something else does.
    Differs,
    /// A later row of the run asked for something else.
    Superseded,
    /// The numbers that tell are masked for this sign-in.
    Hidden,
    /// The user could not be read.
    Unread,
    /// Graph shows no passwords.
    Unseen,
    /// The row only reads.
    ReadOnly,
    /// The run did not do the row.
    NotDone,
}

impl Verdict {
    /// All of them, in the order in which people are told.
    pub const ALL: [Self; 8] = [
        Self::Holds,
        Self::Differs,
        Self::Superseded,
        Self::Hidden,
        Self::Unread,
        Self::Unseen,
        Self::ReadOnly,
        Self::NotDone,
    ];

    /// The word in verify.csv.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Differs => "differs",
            Self::Superseded => "superseded",
            Self::Hidden => "hidden",
            Self::Unread => "unread",
            Self::Unseen => "unseen",
            Self::ReadOnly => "read-only",
            Self::NotDone => "not-done",
        }
    }

    /// Whether it leaves open that the row was done and stands, where that could have been known.
    #[must_use]
    pub const fn is_doubtful(self) -> bool {
        matches!(self, Self::Differs | Self::Hidden | Self::Unread)
    }
}

/// What was found about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What became of what it asked for.
    pub verdict: Verdict,
    /// What stands where it asked for something: `mobile +1 2065550123, SMS sign-in ready`; may be empty.
    pub found: String,
    /// What a person should know besides; may be empty.
    pub detail: String,
}

impl Finding {
    /// One without anything that was looked at.
    #[must_use]
    pub fn unlooked(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { verdict, found: String::new(), detail: detail.into() }
    }
}

/// One thing of a user that rows can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Phone(PhoneType),
    /// Whether the mobile signs in by SMS.
    SmsSignIn,
}

/// What shall stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted<'row> {
    Number(&'row PhoneNumber),
    Nothing,
    SignsIn(bool),
}

/// Whether what an action leaves behind can be read.
#[must_use]
pub const fn is_visible(action: &Action) -> bool {
    match action {
        Action::ListMethods | Action::ListPhones | Action::ResetPassword(_) | Action::SetPassword(_) => false,
        Action::AddPhone(_)
        | Action::UpdatePhone(_)
        | Action::SetPhone(_)
        | Action::SetPhones(_)
        | Action::DeletePhone(_)
        | Action::EnableSmsSignIn
        | Action::DisableSmsSignIn => true,
    }
}

/// Compares what a row asked for with the phones that its user has now. `later` are the rows of the same user behind it
/// that may have changed something.
#[must_use]
pub fn judge(action: &Action, later: &[(RowNumber, Action)], phones: &[Method]) -> Finding {
    let wanted = wanted(action);
    if wanted.is_empty() {
        return match action {
            Action::ResetPassword(_) | Action::SetPassword(_) => {
                Finding::unlooked(Verdict::Unseen, "Graph shows no passwords")
            }
            _ => Finding::unlooked(Verdict::ReadOnly, ""),
        };
    }
    let mut finding = Finding::unlooked(Verdict::Superseded, "");
    let (mut found, mut details) = (Vec::new(), Vec::new());
    for (place, wanted) in wanted {
        if let Some((row, _)) = later.iter().rev().find(|(_, action)| touches(action, place)) {
            details.push(format!("{} was set again by row {row}", name(place)));
            continue;
        }
        let stored = stored(phones, place);
        let verdict = compare(wanted, stored);
        // The worst of several decides; what was superseded says nothing.
        let weight = |verdict| {
            [Verdict::Superseded, Verdict::Holds, Verdict::Hidden, Verdict::Differs]
                .iter()
                .position(|other| *other == verdict)
        };
        if weight(verdict) > weight(finding.verdict) {
            finding.verdict = verdict;
        }
        found.push(told(place, stored));
    }
    Finding { found: found.join("; "), detail: details.join("; "), ..finding }
}

/// Notes a row behind all that are there, and forgets those that no judgement needs any more: for each phone, and the SMS
/// sign-in, the last row counts. So few are kept, however many rows a user has.
pub fn note_later(later: &mut Vec<(RowNumber, Action)>, row: (RowNumber, Action)) {
    later.push(row);
    let mut places = PhoneType::ALL.map(Place::Phone).to_vec();
    places.push(Place::SmsSignIn);
    let mut counts = |(_, action): &(RowNumber, Action)| {
        let before = places.len();
        places.retain(|place| !touches(action, *place));
        places.len() < before
    };
    let mut kept: Vec<_> = later.drain(..).rev().filter(|row| counts(row)).collect();
    kept.reverse();
    *later = kept;
}

fn wanted(action: &Action) -> Vec<(Place, Wanted<'_>)> {
    let number = |phone_type, number| (Place::Phone(phone_type), Wanted::Number(number));
    match action {
        Action::ListMethods | Action::ListPhones | Action::ResetPassword(_) | Action::SetPassword(_) => {
            Vec::new()
        }
        Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
            vec![number(phone.phone_type, &phone.number)]
        }
        Action::SetPhones(changes) => changes
            .iter()
            .map(|change| match change {
                PhoneChange::Set(phone) => number(phone.phone_type, &phone.number),
                PhoneChange::Delete(phone_type) => (Place::Phone(*phone_type), Wanted::Nothing),
            })
            .collect(),
        Action::DeletePhone(phone_type) => vec![(Place::Phone(*phone_type), Wanted::Nothing)],
        Action::EnableSmsSignIn => vec![(Place::SmsSignIn, Wanted::SignsIn(true))],
        Action::DisableSmsSignIn => vec![(Place::SmsSignIn, Wanted::SignsIn(false))],
    }
}

/// Whether an action changes what stands in a place. A mobile that comes or goes takes its SMS sign-in with it: Graph
/// registers a new number by itself where the policy allows it (Graph v1.0, `authentication-post-phonemethods`).
fn touches(action: &Action, place: Place) -> bool {
    wanted(action).iter().any(|(theirs, _)| {
        *theirs == place || (*theirs, place) == (Place::Phone(PhoneType::Mobile), Place::SmsSignIn)
    })
}

fn stored(phones: &[Method], place: Place) -> Option<&Method> {
    let phone_type = match place {
        Place::Phone(phone_type) => phone_type,
        Place::SmsSignIn => PhoneType::Mobile,
    };
    phones.iter().find(|phone| {
        phone.method_id.eq_ignore_ascii_case(phone_type.method_id())
            || phone.phone_type.eq_ignore_ascii_case(phone_type.name())
    })
}

fn compare(wanted: Wanted<'_>, stored: Option<&Method>) -> Verdict {
    let holds = match (wanted, stored) {
        (Wanted::Number(number), Some(stored)) => match number.compare(&stored.phone_number) {
            Comparison::Same => true,
            Comparison::Different => false,
            Comparison::Masked => return Verdict::Hidden,
        },
        (Wanted::Nothing, stored) => stored.is_none(),
        (Wanted::SignsIn(wanted), Some(stored)) => signs_in(&stored.sms_sign_in_state) == wanted,
        // Without a mobile nobody signs in by SMS.
        (Wanted::SignsIn(wanted), None) => !wanted,
        (Wanted::Number(_), None) => false,
    };
    if holds { Verdict::Holds } else { Verdict::Differs }
}

fn name(place: Place) -> &'static str {
    match place {
        Place::Phone(phone_type) => phone_type.name(),
        Place::SmsSignIn => "SMS sign-in",
    }
}

fn told(place: Place, stored: Option<&Method>) -> String {
    let name = name(place);
    match (place, stored) {
        (Place::Phone(_), Some(stored)) => format!("{name} {}", stored.phone_number),
        (Place::Phone(_), None) => format!("no {name} phone"),
        (Place::SmsSignIn, Some(stored)) => format!("{name} {}", stored.sms_sign_in_state),
        (Place::SmsSignIn, None) => "no mobile phone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phone::Phone;

    const NUMBER: &str = "+1 2065550123";

    fn phone(phone_type: PhoneType, number: &str) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(number) }
    }

    fn mobile(number: &str) -> Phone {
        phone(PhoneType::Mobile, number)
    }

    fn has(phone_type: PhoneType, number: &str, state: &str) -> Method {
        Method {
            method_id: phone_type.method_id().to_owned(),
            phone_number: number.to_owned(),
            sms_sign_in_state: state.to_owned(),
            ..Method::default()
        }
    }

    #[test]
    fn few_of_many_later_rows_are_kept_and_they_judge_as_all_would() {
        let numbers = ["+1 2065550101", "+1 2065550102"];
        let action = |choice: u8| match choice {
            0..3 => Action::SetPhone(phone(PhoneType::ALL[usize::from(choice)], numbers[0])),
            3 => Action::DeletePhone(PhoneType::Office),
            4 => Action::EnableSmsSignIn,
            5 => Action::DisableSmsSignIn,
            6 => Action::SetPhones(
                [PhoneChange::Set(mobile(numbers[1])), PhoneChange::Delete(PhoneType::Office)].into(),
            ),
            _ => Action::ListMethods,
        };
        let mut random = fastrand::Rng::with_seed(7);
        let has = [has(PhoneType::Mobile, numbers[0], "ready")];
        for _ in 0..500 {
            let rows: Vec<(RowNumber, Action)> =
                (1..=random.u64(1..30)).map(|row| (RowNumber(row), action(random.u8(0..8)))).collect();
            let mut kept = Vec::new();
            for row in &rows {
                note_later(&mut kept, row.clone());
                assert!(kept.len() <= 4, "{kept:?}");
            }
            for (at, (row, action)) in rows.iter().enumerate() {
                let later: Vec<_> = kept.iter().filter(|(kept, _)| kept > row).cloned().collect();
                assert_eq!(judge(action, &later, &has), judge(action, &rows[at + 1..], &has), "{rows:?}");
            }
        }
    }

    #[test]
    fn every_action_is_compared_with_what_it_asked_for() {
        use Verdict::{Differs, Hidden, Holds, ReadOnly, Unseen};
        let ready = || vec![has(PhoneType::Mobile, "+12065550123", "ready")];
        let off = || vec![has(PhoneType::Mobile, "+1 2065550999", "notEnabled")];
        let masked = || vec![has(PhoneType::Mobile, "+1 ******0123", "notConfigured")];
        let set = |number: &str| Action::SetPhone(mobile(number));
        let both = Action::SetPhones(
            [PhoneChange::Set(mobile(NUMBER)), PhoneChange::Delete(PhoneType::Office)].into(),
        );
        for (action, cases) in [
            (Action::AddPhone(mobile(NUMBER)), [Holds, Differs, Hidden, Differs]),
            (Action::UpdatePhone(mobile(NUMBER)), [Holds, Differs, Hidden, Differs]),
            (set(NUMBER), [Holds, Differs, Hidden, Differs]),
            (Action::DeletePhone(PhoneType::Mobile), [Differs, Differs, Differs, Holds]),
            (Action::DeletePhone(PhoneType::Office), [Holds, Holds, Holds, Holds]),
            (both, [Holds, Differs, Hidden, Differs]),
            (Action::EnableSmsSignIn, [Holds, Differs, Holds, Differs]),
            (Action::DisableSmsSignIn, [Differs, Holds, Differs, Holds]),
            (Action::ResetPassword(None), [Unseen, Unseen, Unseen, Unseen]),
            (Action::ListMethods, [ReadOnly, ReadOnly, ReadOnly, ReadOnly]),
        ] {
            let verdicts =
                [ready(), off(), masked(), vec![]].map(|phones| judge(&action, &[], &phones).verdict);
            assert_eq!(verdicts, cases, "{}", action.name());
        }
        assert_eq!(judge(&set(NUMBER), &[], &off()).found, "mobile +1 2065550999");
        assert_eq!(judge(&set(NUMBER), &[], &[]).found, "no mobile phone");
        assert_eq!(judge(&Action::EnableSmsSignIn, &[], &off()).found, "SMS sign-in notEnabled");
    }

    #[test]
    fn what_a_later_row_set_again_is_no_difference() {
        let later = |action| [(RowNumber(7), action)];
        let phones = [has(PhoneType::Mobile, "+1 2065550999", "notEnabled")];
        let set = Action::SetPhone(mobile(NUMBER));
        let verdict = |action: &Action, next| judge(action, &later(next), &phones).verdict;
        let update = || Action::UpdatePhone(mobile("+1 2065550999"));
        assert_eq!(verdict(&set, update()), Verdict::Superseded);
        assert_eq!(verdict(&Action::EnableSmsSignIn, update()), Verdict::Superseded);
        assert_eq!(verdict(&set, Action::EnableSmsSignIn), Verdict::Differs);
        assert_eq!(verdict(&set, Action::DeletePhone(PhoneType::Office)), Verdict::Differs);
        let told = judge(&set, &later(update()), &phones);
        assert_eq!(told.detail, "mobile was set again by row 7");
        // Of several phones those that nobody set again still count.
        let office = PhoneChange::Set(phone(PhoneType::Office, NUMBER));
        let both = Action::SetPhones([PhoneChange::Set(mobile(NUMBER)), office].into());
        assert_eq!(verdict(&both, update()), Verdict::Differs);
        let alone = Action::SetPhones([PhoneChange::Set(mobile(NUMBER))].into());
        assert_eq!(verdict(&alone, update()), Verdict::Superseded);
    }
}
