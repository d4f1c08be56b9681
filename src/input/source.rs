//! The input of a run: one file as a stream of work.

use std::path::Path;

use crate::model::fingerprint::Fingerprint;
use crate::model::header::Header;
use crate::model::row::{Row, RowNumber, RowSet};
use crate::model::task::Work;

use super::columns::{self, Needed};
use super::records::{InputError, Record, Records};
use super::remarks::Remark;
use super::rows::{ActionSource, InputSettings, Interpreter, Rejected};

/// A file that is read row by row, and again from its first row after [`Input::rewind`].
///
/// The file stays open, so the second reading sees the same file even if another took its name.
/// As an iterator it yields each data row once, in file order, and ends after an error.
#[derive(Debug)]
pub struct Input {
    records: Records,
    interpreter: Interpreter,
    has_ended: bool,
    /// Rows that are passed over.
    left_out: RowSet,
}

impl Input {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be opened or read, or its header cannot be used.
    pub fn open(path: &Path, settings: InputSettings) -> Result<Self, InputError> {
        let needed = match settings.action {
            ActionSource::Column => Needed::UserAndAction,
            ActionSource::ListMethods => Needed::User,
        };
        let mapping = &settings.mapping;
        let records = Records::open(path, &settings.form, |name| mapping.meaning(name).is_some())?;
        let header = columns::header(records.names().to_vec(), needed, mapping)
            .map_err(|source| InputError::Header { path: path.to_owned(), source })?;
        Ok(Self {
            records,
            interpreter: Interpreter::new(header, settings),
            has_ended: false,
            left_out: RowSet::default(),
        })
    }

    /// What the columns are for.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.interpreter.header()
    }

    /// The file, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.records.path()
    }

    /// The form of the file, for people: "Windows-1252, separated by semicolons".
    #[must_use]
    pub fn form(&self) -> String {
        self.records.form()
    }

    /// What is to be said of the row that was read last.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        self.interpreter.remarks()
    }

    /// The name of a column and what may be shown of its cell in a row.
    #[must_use]
    pub fn cell(&self, row: &Row, column: Option<usize>) -> (String, String) {
        self.interpreter.cell(row, column)
    }

    /// Whether rows say what to do, and not the command.
    #[must_use]
    pub const fn says_what_to_do(&self) -> bool {
        matches!(self.interpreter.action_source(), ActionSource::Column)
    }

    /// All other files that rows pointed into so far, for their passwords.
    pub fn password_files(&self) -> impl Iterator<Item = &Path> {
        self.interpreter.password_files()
    }

    /// Refuses these rows from now on.
    pub fn reject(&mut self, rejected: Rejected) {
        self.interpreter.reject(rejected);
    }

    /// Reads a row that is not behind already, without a look at those before it.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn read_row(&mut self, row: RowNumber) -> Result<Option<Work>, InputError> {
        self.records.skip_to(row)?;
        let record = self.records.read()?;
        Ok(record.map(|record| self.interpreter.work(record)))
    }

    /// Passes over these rows from now on, without a look at what they say.
    pub fn leave_out(&mut self, rows: RowSet) {
        self.left_out = rows;
    }

    /// What tells the file from others, and from itself after a change. Leaves it at its first row.
    ///
    /// # Errors
    /// When the file cannot be read a second time, as a pipe cannot.
    pub fn fingerprint(&mut self) -> Result<Fingerprint, InputError> {
        self.has_ended = false;
        self.records.fingerprint()
    }

    /// The next row that is not left out.
    fn record(&mut self) -> Result<Option<Record>, InputError> {
        let mut next = RowNumber(self.records.number().0 + 1);
        if self.left_out.contains(next) {
            while self.left_out.contains(next) {
                next.0 += 1;
            }
            self.records.skip_to(next)?;
        }
        self.records.read()
    }

    /// Goes back to the first row.
    ///
    /// # Errors
    /// When the file cannot be read a second time, as a pipe cannot.
    pub fn rewind(&mut self) -> Result<(), InputError> {
        self.has_ended = false;
        self.records.rewind()
    }
}

impl Iterator for Input {
    type Item = Result<Work, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        // Work is large, and is made where it goes.
        match self.record() {
            Ok(Some(record)) => Some(Ok(self.interpreter.work(record))),
            ended => {
                self.has_ended = true;
                ended.err().map(Err)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::meanings::Mapping;
    use super::super::phone_text::Country;
    use super::*;
    use crate::model::action::Action;
    use crate::model::phone::{Phone, PhoneChange, PhoneNumber, PhoneType};
    use crate::model::secret::Secret;
    use crate::model::task::{InvalidRow, Task};

    const HEADER: &str = "user,action,phone_type,phone_number,new_password,note\n";

    fn open(text: &[u8], settings: InputSettings) -> (TempDir, Input) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        fs::write(&path, text).unwrap();
        let input = Input::open(&path, settings).unwrap();
        (dir, input)
    }

    fn work(line: &str) -> Work {
        let (_dir, mut input) = open(format!("{HEADER}{line}\n").as_bytes(), InputSettings::default());
        input.next().unwrap().unwrap()
    }

    fn action(line: &str) -> Action {
        match work(line) {
            Work::Task(task) => task.action,
            work @ (Work::Invalid(_) | Work::PassedOver(_)) => panic!("{line}: {work:?}"),
        }
    }

    fn invalid(line: &str) -> InvalidRow {
        match work(line) {
            work @ (Work::Task(_) | Work::PassedOver(_)) => panic!("{line}: {work:?}"),
            Work::Invalid(invalid) => invalid,
        }
    }

    fn phone(phone_type: PhoneType, number: &str) -> Phone {
        Phone { phone_type, number: PhoneNumber::from_formatted(number) }
    }

    #[test]
    fn each_action_takes_the_columns_that_it_needs_and_ignores_the_others() {
        let mobile = phone(PhoneType::Mobile, "+1 2065550123");
        let office = phone(PhoneType::Office, "+1 4255550199x42");
        for (line, expected) in [
            (" a@b.c , list ,fax? no matter,nor this,nor that,", Action::ListMethods),
            ("a@b.c,add,,+12065550123,,", Action::AddPhone(mobile.clone())),
            ("a@b.c,Update Phone, Mobile , +1 206 555 0123 ,,", Action::UpdatePhone(mobile.clone())),
            ("a@b.c,set,OFFICE,+1 4255550199 ext. 42,,", Action::SetPhone(office)),
            ("a@b.c,remove,alternate mobile,junk,,", Action::DeletePhone(PhoneType::AlternateMobile)),
            ("a@b.c,enable-sms-sign-in,,,,", Action::EnableSmsSignIn),
            ("a@b.c,disable-sms-sign-in,mobile,,,", Action::DisableSmsSignIn),
            ("a@b.c,reset,x,y,  S3cret!!  ,", Action::ResetPassword(Some(Secret::new("  S3cret!!  ")))),
        ] {
            assert_eq!(action(line), expected, "{line}");
        }
    }

    #[test]
    fn an_invalid_row_names_its_column_its_value_and_the_cure() {
        for (line, column, value, reason) in [
            ("avery,add,,+12065550123,,", "user", "avery", "neither a user principal name"),
            (",add,,+12065550123,,", "user", "", "is empty"),
            ("a@b.c,,,,,", "action", "", "is empty"),
            ("a@b.c,ad-phone,,,,", "action", "ad-phone", "did you mean add-phone?"),
            ("a@b.c,add,fax,+12065550123,,", "phone_type", "fax", "use mobile, alternateMobile or office"),
            ("a@b.c,add,,,,", "phone_number", "", "is empty"),
            ("a@b.c,add,,2065550123,,", "phone_number", "2065550123", "no country code"),
            ("a@b.c,add,,+1 2065550123x1,,", "phone_number", "+1 2065550123x1", "only the office"),
            ("a@b.c,delete,,,,", "phone_type", "", "say which phone to delete"),
            ("a@b.c,enable-sms-sign-in,office,,,", "phone_type", "office", "only the mobile can"),
            ("a@b.c,reset,,,,", "new_password", "", "give the new password"),
            ("a@b.c,reset,,,1234567,", "new_password", "(hidden)", "has 7 characters"),
            ("a@b.c,reset,,,Generate,", "new_password", "(hidden)", "cannot be handed on yet"),
            ("a@b.c,list,,", "-", "", "has 4 fields where the header has 6: fill the row up"),
            ("a@b.c,list,,,,one,two", "-", "", "has 7 fields where the header has 6: put a field"),
            ("a@b.c,\"list\nb@b.c\",x", "-", "", "a double quote may not be closed"),
        ] {
            let invalid = invalid(line);
            assert_eq!((invalid.column.as_str(), invalid.value.as_str()), (column, value), "{line}");
            assert!(invalid.reason.contains(reason), "{line}: {}", invalid.reason);
        }
    }

    #[test]
    fn a_password_has_8_to_256_characters_of_whatever_script() {
        for password in ["ä".repeat(8), "x".repeat(256)] {
            assert_eq!(
                action(&format!("a@b.c,reset,,,{password},")),
                Action::ResetPassword(Some(Secret::new(password)))
            );
        }
        assert!(
            invalid(&format!("a@b.c,reset,,,{},", "ä".repeat(257))).reason.contains("has 257 characters")
        );
    }

    #[test]
    fn a_column_that_the_file_does_not_have_is_told_as_such() {
        let (_dir, input) =
            open(b"user,action\na@b.c,add\na@b.c,delete\na@b.c,reset\n", InputSettings::default());
        let reasons: Vec<_> = input
            .map(|work| match work.unwrap() {
                Work::Invalid(invalid) => invalid.reason,
                work @ (Work::Task(_) | Work::PassedOver(_)) => panic!("{work:?}"),
            })
            .collect();
        for (reason, column) in reasons.iter().zip(["phone_number", "phone_type", "new_password"]) {
            assert!(reason.ends_with(&format!("the file has no column {column}")), "{reason}");
        }
    }

    #[test]
    fn a_row_that_is_not_utf8_is_invalid_and_the_next_is_read() {
        let (_dir, input) = open(
            "user,action\nj#rgen@b.c,list\na@b.c,list\n\u{fc}@b.c,list\n"
                .bytes()
                .map(|byte| if byte == b'#' { 0xfc } else { byte })
                .collect::<Vec<_>>()
                .as_slice(),
            InputSettings::default(),
        );
        let works: Vec<_> = input.map(Result::unwrap).collect();
        let [Work::Invalid(first), Work::Task(second), _] = &works[..] else { panic!("{works:?}") };
        assert!(first.reason.contains("--encoding"));
        assert_eq!(second.row.number.0, 2);
    }

    #[test]
    fn rows_that_a_quote_without_end_swallowed_are_not_lost_without_a_word() {
        let text = "note,user,action\nx,a@b.c,list\n\"open,b@b.c,list\nx,c@b.c,list\n";
        let (_dir, input) = open(text.as_bytes(), InputSettings::default());
        let works: Vec<_> = input.map(Result::unwrap).collect();
        let Work::Invalid(row) = &works[1] else { panic!("{works:?}") };
        assert_eq!(
            row.reason,
            "has 1 field where the header has 3, and goes from line 3 to line 4 of the file: a double quote may not be \
             closed"
        );
        let text = "user,action,note\na@b.c,list,\"two\nlines, and more\"\nb@b.c,list,\"open\nc@b.c,list,x\n";
        let (_dir, input) = open(text.as_bytes(), InputSettings::default());
        let works: Vec<_> = input.map(Result::unwrap).collect();
        let [Work::Task(_), Work::Invalid(second)] = &works[..] else { panic!("{works:?}") };
        assert_eq!(second.column, "note");
        assert_eq!(
            second.reason,
            "takes in line 5 of the file, which looks like another row: close the double quote in line 4"
        );
    }

    #[test]
    fn a_quote_without_end_is_told_also_where_users_are_all_that_a_file_has() {
        let settings = || InputSettings { action: ActionSource::ListMethods, ..InputSettings::default() };
        for (text, place) in [
            (
                "upn\na@b.c\n\"b@b.c\nc@b.c\nd@b.c\n",
                "lines 4 and 5 of the file, 2 of which look like other rows: close",
            ),
            ("upn\na@b.c\n\"b@b.c\nc@b.c", "line 4 of the file, which looks like another row: close"),
        ] {
            let (_dir, input) = open(text.as_bytes(), settings());
            let works: Vec<_> = input.map(Result::unwrap).collect();
            let [Work::Task(_), Work::Invalid(swallower)] = &works[..] else { panic!("{works:?}") };
            assert_eq!(swallower.reason, format!("takes in {place} the double quote in line 3"));
        }
        // What is no user is no row either.
        let (_dir, mut input) = open(b"upn\n\"a@b.c\nnobody\"\n", settings());
        let Some(Ok(Work::Invalid(row))) = input.next() else { panic!("must be invalid") };
        assert_eq!(row.column, "upn");
    }

    #[test]
    fn rows_that_a_quote_swallowed_are_counted_and_their_lines_named() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "sep=,\nuser,action,note\n# a comment\na@b.c,list,\"my\nown\"\n\nb@b.c,list,\"open\nc@b.c,list,x\n\
                        ,,\nd@b.c,list,\"\nlost@b.c,list,x\n";
            let (_dir, input) = open(text.replace('\n', end).as_bytes(), InputSettings::default());
            let works: Vec<_> = input.map(Result::unwrap).collect();
            let [Work::Task(_), Work::Invalid(swallower), Work::Task(_)] = &works[..] else {
                panic!("{works:?}")
            };
            assert_eq!(
                swallower.reason,
                "takes in lines 8 to 10 of the file, 2 of which look like other rows: close the double quote in line 7"
            );
        }
    }

    #[test]
    fn a_character_that_is_cut_in_two_by_a_comma_is_not_utf8() {
        let (_dir, mut input) =
            open(b"user,action,note\na@b.c,list\xc3,\xa4\nb@b.c,list,\xc3\xa4\n", InputSettings::default());
        let Some(Ok(Work::Invalid(row))) = input.next() else { panic!("must be invalid") };
        assert!(row.reason.contains("UTF-8"), "{}", row.reason);
    }

    #[test]
    fn fields_stay_as_written_so_that_results_can_carry_them_through() {
        let work = work("  a@b.c ,list,,,, two  words ");
        assert_eq!(work.row().field(5), " two  words ");
        assert_eq!(work.row().field(0), "  a@b.c ");
    }

    #[test]
    fn a_default_country_lets_numbers_stand_without_plus() {
        let settings = InputSettings { default_country: Country::new("us").ok(), ..InputSettings::default() };
        let (_dir, mut input) = open(b"user,action,phone\na@b.c,add,(206) 555-0123\n", settings);
        let Some(Ok(Work::Task(task))) = input.next() else { panic!("must be a task") };
        assert_eq!(task.action, Action::AddPhone(phone(PhoneType::Mobile, "+1 2065550123")));
    }

    const WIDE: &str = "UPN,Mobile,Alternate Mobile,Office,note\n";

    fn changes(line: &str) -> Result<Vec<PhoneChange>, String> {
        let (_dir, mut input) = open(format!("{WIDE}{line}\n").as_bytes(), InputSettings::default());
        match input.next().unwrap().unwrap() {
            Work::Task(Task { action: Action::SetPhones(changes), .. }) => Ok(changes.into_vec()),
            work @ (Work::Task(_) | Work::PassedOver(_)) => panic!("{work:?}"),
            Work::Invalid(invalid) => Err(format!("{} {}", invalid.column, invalid.reason)),
        }
    }

    #[test]
    fn a_row_that_says_which_phones_a_user_shall_have_is_done_in_an_order_that_graph_accepts() {
        let set = |phone_type, number| PhoneChange::Set(phone(phone_type, number));
        let delete = PhoneChange::Delete;
        let (mobile, alternate, office) = (PhoneType::Mobile, PhoneType::AlternateMobile, PhoneType::Office);
        let number = "+1 2065550123";
        for (line, expected) in [
            (
                "a@b.c,+12065550123,+12065550123,+12065550123x9,",
                vec![set(mobile, number), set(alternate, number), set(office, "+1 2065550123x9")],
            ),
            ("a@b.c,clear,Clear,,", vec![delete(alternate), delete(mobile)]),
            ("a@b.c,+12065550123,clear,clear,", vec![set(mobile, number), delete(office), delete(alternate)]),
            // Who loses the one has the other before.
            ("a@b.c,clear,clear,+12065550123,", vec![set(office, number), delete(alternate), delete(mobile)]),
            ("a@b.c, ,,+12065550123,", vec![set(office, number)]),
            ("a@b.c,,,,x", vec![]),
        ] {
            assert_eq!(changes(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_row_of_phones_that_contradicts_itself_or_holds_no_numbers_is_refused_with_its_column() {
        assert!(
            changes("a@b.c,clear,+12065550123,,").unwrap_err().starts_with("Alternate Mobile needs a mobile")
        );
        assert!(changes("a@b.c,,,Building 3,").unwrap_err().starts_with("Office holds 'B'"));
        assert!(changes("a@b.c,+12065550123x1,,,").unwrap_err().starts_with("Mobile has an extension"));
    }

    #[test]
    fn a_row_with_an_action_takes_the_number_of_its_type_where_there_is_no_other() {
        let text = "upn,action,phone_type,mobile,office\na@b.c,add,,+12065550123,+12065550124\n\
                    a@b.c,set,office,+12065550123,+12065550124\na@b.c,set-phones,,,clear\n";
        let (_dir, input) = open(text.as_bytes(), InputSettings::default());
        let actions: Vec<_> = input
            .map(|work| match work.unwrap() {
                Work::Task(task) => task.action,
                work @ (Work::Invalid(_) | Work::PassedOver(_)) => panic!("{work:?}"),
            })
            .collect();
        assert_eq!(
            actions,
            [
                Action::AddPhone(phone(PhoneType::Mobile, "+1 2065550123")),
                Action::SetPhone(phone(PhoneType::Office, "+1 2065550124")),
                Action::SetPhones([PhoneChange::Delete(PhoneType::Office)].into()),
            ]
        );
    }

    #[test]
    fn a_row_s_own_country_goes_before_the_default_and_is_looked_at_only_where_it_is_needed() {
        let settings = InputSettings { default_country: Country::new("us").ok(), ..InputSettings::default() };
        let text = "user,action,phone,country\na@b.c,add,020 7946 0958,gb\na@b.c,add,(206) 555-0123,\n\
                    a@b.c,add,020 7946 0958,Germany\na@b.c,add,+1 2065550123,Germany\n";
        let (_dir, mut input) = open(text.as_bytes(), settings);
        let mut next = || match input.next().unwrap().unwrap() {
            Work::Task(task) => task.action.phone().unwrap().number.to_string(),
            Work::Invalid(invalid) => format!("{} {}", invalid.column, invalid.reason),
            Work::PassedOver(passed) => panic!("{passed:?}"),
        };
        assert_eq!(next(), "+44 2079460958");
        assert_eq!(next(), "+1 2065550123");
        assert!(next().starts_with("country is not a country"));
        assert_eq!(next(), "+1 2065550123");
    }

    #[test]
    fn columns_mean_what_the_user_says() {
        let mut mapping = Mapping::default();
        mapping.add_pair("user=Mail").unwrap();
        mapping.add_pair("phone_number=Handy").unwrap();
        let settings = InputSettings { mapping, ..InputSettings::default() };
        let (_dir, mut input) = open(b"Mail;action;Handy;upn\na@b.c;add;+12065550123;x\n", settings);
        let Some(Ok(Work::Task(task))) = input.next() else { panic!("must be a task") };
        assert_eq!(task.user.as_str(), "a@b.c");
        assert_eq!(task.action, Action::AddPhone(phone(PhoneType::Mobile, "+1 2065550123")));
    }

    #[test]
    fn what_was_read_otherwise_than_it_is_written_is_told_of_its_cell() {
        let text = "user,action,phone\n\u{200e}a@b.c,add,'+44 (0)20 7946 0958\n";
        let (_dir, mut input) = open(text.as_bytes(), InputSettings::default());
        let work = input.next().unwrap().unwrap();
        let told: Vec<_> = input
            .remarks()
            .iter()
            .map(|remark| {
                let (column, value) = input.cell(work.row(), remark.column);
                (remark.cause.name(), column, value, remark.text.clone())
            })
            .collect();
        let of_phone = |cause, text: &str| {
            (cause, "phone".to_owned(), "'+44 (0)20 7946 0958".to_owned(), text.to_owned())
        };
        assert_eq!(
            told[0],
            ("invisible", "user".to_owned(), "\u{200e}a@b.c".to_owned(), "is read as a@b.c".to_owned())
        );
        assert_eq!(
            told[1..],
            [
                of_phone("text-mark", "is read as +44 2079460958"),
                of_phone("trunk-zero", "is read as +44 2079460958"),
                of_phone("not-mobile", "is +44 2079460958: the number of a mobile phone is none of a mobile"),
            ]
        );
    }

    #[test]
    fn every_row_can_be_made_to_list_methods() {
        let settings = InputSettings { action: ActionSource::ListMethods, ..InputSettings::default() };
        let (_dir, input) = open(b"upn\na@b.c\nnobody\n\nb@b.c\n", settings);
        let works: Vec<_> = input.map(Result::unwrap).collect();
        assert!(matches!(&works[0], Work::Task(task) if task.action == Action::ListMethods));
        assert!(matches!(&works[1], Work::Invalid(_)));
        assert_eq!(works[2].row().number.0, 3);
    }

    #[test]
    fn a_second_reading_yields_the_same() {
        let text = format!("\u{feff}{HEADER}a@b.c,list,,,,\n# no\nb@b.c,add,,1,,\n");
        let (dir, mut input) = open(text.as_bytes(), InputSettings::default());
        let first: Vec<_> = input.by_ref().map(Result::unwrap).collect();
        assert!(input.next().is_none());
        fs::remove_file(dir.path().join("in.csv")).unwrap();
        input.rewind().unwrap();
        assert_eq!(input.map(Result::unwrap).collect::<Vec<_>>(), first);
    }

    #[test]
    fn a_number_that_was_changed_before_the_second_reading_is_checked_anew() {
        let rows = |numbers: [&str; 3]| {
            numbers
                .iter()
                .fold("user,action,phone\n".to_owned(), |text, number| text + "a@b.c,add," + number + "\n")
        };
        let text = rows(["+1 2065550123", "+1 2065550124", "+49 (0)30 123456"]);
        let (dir, mut input) = open(text.as_bytes(), InputSettings::default());
        assert!(input.by_ref().all(|work| matches!(work, Ok(Work::Task(_)))));
        fs::write(dir.path().join("in.csv"), rows(["+1 2065550199", "+1 0005550124", "+49 (0)30 123456"]))
            .unwrap();
        input.rewind().unwrap();
        let works: Vec<_> = input.map(Result::unwrap).collect();
        let [Work::Task(first), Work::Invalid(second), Work::Task(third)] = &works[..] else {
            panic!("{works:?}")
        };
        assert_eq!(first.action, Action::AddPhone(phone(PhoneType::Mobile, "+1 2065550199")));
        assert!(second.reason.contains("no range"), "{}", second.reason);
        assert_eq!(third.action, Action::AddPhone(phone(PhoneType::Mobile, "+49 30123456")));
    }

    #[test]
    fn a_password_may_stand_in_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = dir.path().join("secrets.csv");
        fs::write(&secrets, "user,new_password\na@b.c,S3cret!!\nb@b.c,short\n").unwrap();
        let path = dir.path().join("in.csv");
        let at = secrets.display();
        fs::write(
            &path,
            format!(
                "user,action,new_password,new_password_from\na@b.c,reset,,{at}#1\na@b.c,reset,0therOne,{at}#9\n\
                 b@b.c,reset,,{at}#2\nb@b.c,reset,,{at}#1\n"
            ),
        )
        .unwrap();
        let works: Vec<_> =
            Input::open(&path, InputSettings::default()).unwrap().map(Result::unwrap).collect();
        let [Work::Task(first), Work::Task(second), Work::Invalid(third), Work::Invalid(fourth)] = &works[..]
        else {
            panic!("{works:?}")
        };
        assert_eq!(first.action, Action::ResetPassword(Some(Secret::new("S3cret!!"))));
        assert_eq!(second.action, Action::ResetPassword(Some(Secret::new("0therOne"))));
        assert_eq!((third.column.as_str(), third.value.clone()), ("new_password_from", format!("{at}#2")));
        assert!(third.reason.contains("has 5 characters"), "{}", third.reason);
        assert_eq!(fourth.reason, "points at a row of another user");
    }
}
