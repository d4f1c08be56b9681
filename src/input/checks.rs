//! One pass over the whole input before anything is sent, and a second look at rows that concern each other.

use std::collections::BTreeMap;

use crate::model::action::Action;
use crate::model::demand::Demand;
use crate::model::row::{Row, RowNumber};
use crate::model::task::{InvalidRow, Work};

use super::columns::near_misses;
use super::neighbours::{Comparison, Neighbours, Remarks};
use super::records::InputError;
use super::remarks::{Cause, Remark, Severity};
use super::rows::Rejected;
use super::source::Input;

/// How many invalid rows are kept to be shown.
pub const MAX_EXAMPLES: usize = 50;

/// How many examples of one cause are kept.
const EXAMPLES_OF_A_CAUSE: usize = 5;

/// One cell of which something is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The row.
    pub row: RowNumber,
    /// The column's name as the file spells it, or [`WHOLE_ROW`](crate::model::task::WHOLE_ROW).
    pub column: String,
    /// What stands there; never a password.
    pub value: String,
    /// The end of the sentence "row 7, `phone_number` '123' …".
    pub text: String,
}

/// All cells of which the same is to be said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// What a pass over the input found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Data rows, the invalid ones too.
    pub rows: u64,
    /// Rows that cannot be done.
    pub invalid: u64,
    /// The first of them, at most [`MAX_EXAMPLES`].
    pub examples: Vec<InvalidRow>,
    /// Rows that change something, resets among them.
    pub writes: u64,
    /// Rows that reset a password.
    pub resets: u64,
    /// Valid rows by their action's name.
    pub by_action: BTreeMap<&'static str, u64>,
    /// What the valid rows cost.
    pub forecast: Demand,
    /// What is to be said, by cause.
    pub groups: BTreeMap<Cause, Group>,
    /// Columns that are carried through and whose name is almost one that has a meaning.
    pub near_misses: Vec<(String, &'static str)>,
    /// What is to be said of rows beside others.
    pub beside: BTreeMap<RowNumber, Vec<Remark>>,
    /// Rows that cannot be done beside others.
    pub rejected: Rejected,
}

impl Findings {
    /// How many cells have remarks of this weight.
    #[must_use]
    pub fn count(&self, severity: Severity) -> u64 {
        self.of(severity).map(|(_, group)| group.count).sum()
    }

    /// The groups of this weight.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = (Cause, &Group)> {
        self.groups
            .iter()
            .filter(move |(cause, _)| cause.severity() == severity)
            .map(|(cause, group)| (*cause, group))
    }

    fn add(&mut self, input: &Input, work: &Work) {
        self.rows += 1;
        for remark in input.remarks() {
            self.say(input, work.row(), remark);
        }
        match work {
            Work::Task(task) => self.add_action(&task.action),
            Work::Invalid(invalid) => self.add_invalid(invalid),
            Work::PassedOver(passed) => self.add_action(&passed.task.action),
        }
    }

    fn say(&mut self, input: &Input, row: &Row, remark: &Remark) {
        let group = self.groups.entry(remark.cause).or_default();
        group.count += 1;
        if group.examples.len() < EXAMPLES_OF_A_CAUSE {
            let (column, value) = input.cell(row, remark.column);
            group.examples.push(Example { row: row.number, column, value, text: remark.text.clone() });
        }
    }

    fn add_invalid(&mut self, invalid: &InvalidRow) {
        self.invalid += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(invalid.clone());
        }
    }

    fn add_action(&mut self, action: &Action) {
        *self.by_action.entry(action.name()).or_default() += 1;
        self.forecast += Demand::of_action(action);
        self.writes += u64::from(action.writes());
        self.resets += u64::from(matches!(action, Action::ResetPassword(_) | Action::SetPassword(_)));
    }

    /// A row that was taken for a good one cannot be done beside others.
    fn take_back(&mut self, input: &Input, invalid: &InvalidRow) {
        // Nothing but SMS sign-in is refused because of other rows.
        let action = Action::EnableSmsSignIn;
        if let Some(count) = self.by_action.get_mut(action.name()) {
            *count -= 1;
        }
        self.by_action.retain(|_, count| *count > 0);
        self.writes -= 1;
        self.forecast = self.forecast.without(&Demand::of_action(&action));
        for remark in input.remarks() {
            self.say(input, &invalid.row, remark);
        }
        self.add_invalid(invalid);
    }
}

/// Reads the input from where it is to its end and shows each row to `see`, and looks again at rows that concern each
/// other. It refuses from then on those that cannot be done beside others, and is left anywhere.
///
/// # Errors
/// When the file cannot be read to its end.
pub fn check(input: &mut Input, mut see: impl FnMut(&Work)) -> Result<Findings, InputError> {
    let near_misses = near_misses(input.header()).into_iter().map(|(name, meant)| (name.to_owned(), meant));
    let mut findings = Findings { near_misses: near_misses.collect(), ..Findings::default() };
    let mut neighbours = input.says_what_to_do().then(Neighbours::default);
    while let Some(work) = input.next() {
        let work = work?;
        findings.add(input, &work);
        if let (Work::Task(task), Some(neighbours)) = (&work, &mut neighbours) {
            neighbours.note(task);
        }
        see(&work);
    }
    if let Some(neighbours) = neighbours {
        look_again(input, neighbours, &mut findings)?;
    }
    Ok(findings)
}

fn look_again(input: &mut Input, neighbours: Neighbours, findings: &mut Findings) -> Result<(), InputError> {
    let (rows, sign_ins) = neighbours.candidates();
    if rows.is_empty() {
        return Ok(());
    }
    let header = input.header().clone();
    let mut comparison = Comparison::new(&header);
    input.rewind()?;
    for row in rows.iter() {
        if let Some(Work::Task(task)) = input.read_row(row)? {
            comparison.look_at(&task);
        }
    }
    let (beside, rejected) = comparison.end(&sign_ins);
    tell(input, &beside, findings)?;
    findings.beside = beside;
    findings.rejected = rejected.clone();
    input.reject(rejected);
    input.rewind()?;
    for row in findings.rejected.keys().copied().collect::<Vec<_>>() {
        if let Some(Work::Invalid(invalid)) = input.read_row(row)? {
            findings.take_back(input, &invalid);
        }
    }
    findings.examples.sort_by_key(|invalid| invalid.row.number);
    Ok(())
}

fn tell(input: &mut Input, beside: &Remarks, findings: &mut Findings) -> Result<(), InputError> {
    input.rewind()?;
    for (number, remarks) in beside {
        if let Some(work) = input.read_row(*number)? {
            for remark in remarks {
                findings.say(input, work.row(), remark);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::rows::InputSettings;
    use super::*;

    fn checked(text: &str) -> Findings {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        fs::write(&path, text).unwrap();
        let mut input = Input::open(&path, InputSettings::default()).unwrap();
        check(&mut input, |_| {}).unwrap()
    }

    fn requests(findings: &Findings) -> (u64, u64) {
        (findings.forecast.reads, findings.forecast.writes)
    }

    fn told(text: &str) -> Vec<String> {
        let findings = checked(text);
        let examples = findings.groups.iter().flat_map(|(cause, group)| {
            group.examples.iter().map(|Example { row, column, text, .. }| {
                format!("{}: row {row}, {column} {text}", cause.name())
            })
        });
        examples.collect()
    }

    #[test]
    fn a_pass_counts_every_row_shows_each_and_keeps_the_first_invalid_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        let mut text = "user,action,phone,new_password\na@b.c,list,,\na@b.c,reset,,S3cret!!\n".to_owned();
        text.push_str("a@b.c,set,+1 2065550123,\n");
        text.push_str(&"nobody,list,,\n".repeat(MAX_EXAMPLES + 10));
        fs::write(&path, text).unwrap();
        let mut input = Input::open(&path, InputSettings::default()).unwrap();
        let mut seen = 0;
        let findings = check(&mut input, |_| seen += 1).unwrap();
        assert_eq!((findings.rows, findings.invalid, seen), (63, 60, 63));
        assert_eq!(findings.examples.len(), MAX_EXAMPLES);
        assert_eq!(findings.examples[0].row.number.0, 4);
        assert_eq!((findings.writes, findings.resets), (2, 1));
        assert_eq!(requests(&findings), (3, 2));
        assert_eq!(findings.groups[&Cause::User].count, 60);
        assert_eq!(findings.groups[&Cause::User].examples.len(), EXAMPLES_OF_A_CAUSE);
        assert_eq!(
            findings.by_action,
            BTreeMap::from([("list-methods", 1), ("reset-password", 1), ("set-phone", 1)])
        );
    }

    #[test]
    fn rows_that_contradict_each_other_are_told_with_the_earlier_one() {
        let header = "user,action,phone_type,phone\n";
        for (rows, expected) in [
            (
                "a@b.c,set,,+12065550123\nA@B.C,set,,+12065550124\n",
                "two-numbers: row 2, phone gives the user another mobile number than row 1 (+1 2065550123)",
            ),
            (
                "a@b.c,delete,office,\na@b.c,update,office,+12065550123\n",
                "delete-then-update: row 2, phone cannot be updated: row 1 deletes it before. Use set-phone",
            ),
            (
                "a@b.c,add,,+12065550123\na@b.c,add,,+1 206 555 0123\n",
                "duplicate-row: row 2, phone repeats row 1",
            ),
            (
                "a@b.c,delete,office,\na@b.c,delete,office,\n",
                "duplicate-row: row 2, phone_type deletes what row 1 deletes",
            ),
            (
                "a@b.c,disable-sms-sign-in,,\na@b.c,disable-sms-sign-in,,\n",
                "duplicate-row: row 2, action repeats row 1",
            ),
            (
                "a@b.c,delete,office,+12065550123\nb@b.c,delete,office,\n",
                "ignored-number: row 1, phone is not looked at: the office goes, whatever its number is",
            ),
        ] {
            assert_eq!(told(&format!("{header}{rows}")), [expected]);
        }
        for rows in [
            "a@b.c,add,,+12065550123\na@b.c,add,office,+12065550124\na@b.c,enable-sms-sign-in,,\n",
            "a@b.c,set,,+12065550123\na@b.c,delete,mobile,\na@b.c,add,,+12065550124\n",
            "a@b.c,add,,+12065550123\na@b.c,update,,+12065550123\n",
            "a@b.c,add,office,+12065550123\nb@b.c,add,office,+12065550123\n",
            "a@b.c,list,,\na@b.c,list,,\n",
        ] {
            assert_eq!(told(&format!("{header}{rows}")), [""; 0], "{rows}");
        }
    }

    #[test]
    fn two_resets_of_a_user_repeat_each_other_only_where_the_password_is_the_same() {
        let header = "user,action,new_password\na@b.c,reset,S3cret!!\nb@b.c,reset,S3cret!!\n";
        assert_eq!(
            told(&format!("{header}A@b.c,reset,S3cret!!\n")),
            ["duplicate-row: row 3, action repeats row 1"]
        );
        assert_eq!(
            told(&format!("{header}A@b.c,reset,0ther!!!\n")),
            ["two-passwords: row 3, action gives the user another password than row 1"]
        );
    }

    #[test]
    fn one_number_of_several_users_is_told_with_the_rows_and_signs_in_none_of_them() {
        let text = "user,action,phone\na@b.c,set,+12065550123\nb@b.c,set,+12065550124\nc@b.c,set,+1 206 555 0123\n\
                    c@b.c,enable-sms-sign-in,\nb@b.c,enable-sms-sign-in,\n";
        assert_eq!(
            told(text),
            [
                "shared-for-sms: row 4, action cannot be: the user's mobile is that of other users, too (row 1), and a \
                 number signs in one user only",
                "shared-number: row 1, phone is the number of other users, too (row 3)",
                "shared-number: row 3, phone is the number of other users, too (row 1)",
            ]
        );
        let findings = checked(text);
        assert_eq!((findings.rows, findings.invalid), (5, 1));
        assert_eq!(findings.examples[0].row.number.0, 4);
        assert_eq!(findings.by_action["enable-sms-sign-in"], 1);
        assert_eq!(requests(&findings), (4, 4));
    }

    #[test]
    fn a_row_that_was_refused_beside_others_stays_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        let text =
            "upn,mobile,action\na@b.c,+12065550123,set\nb@b.c,+12065550123,set\na@b.c,,enable-sms-sign-in\n";
        fs::write(&path, text).unwrap();
        let mut input = Input::open(&path, InputSettings::default()).unwrap();
        check(&mut input, |_| {}).unwrap();
        input.rewind().unwrap();
        let works: Vec<_> = input.map(Result::unwrap).collect();
        assert!(matches!(&works[2], Work::Invalid(invalid) if invalid.column == "action"));
    }

    #[test]
    fn phones_in_columns_of_their_own_are_compared_like_rows() {
        let text = "upn,mobile,alternate_mobile,office\na@b.c,+12065550123,+12065550123,\na@b.c,+12065550124,,\n\
                    b@b.c,,+12065550124,clear\n";
        assert_eq!(
            told(text),
            [
                "shared-number: row 2, mobile is the number of other users, too (row 3)",
                "shared-number: row 3, alternate_mobile is the number of other users, too (row 2)",
                "two-numbers: row 2, mobile gives the user another mobile number than row 1 (+1 2065550123)",
            ]
        );
        assert_eq!(requests(&checked(text)), (4, 5));
    }

    #[test]
    fn a_column_that_is_almost_known_is_named() {
        let findings = checked("user,action,phne_number\na@b.c,list,1\n");
        assert_eq!(findings.near_misses, [("phne_number".to_owned(), "phone_number")]);
    }
}
