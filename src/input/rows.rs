//! What one row means: a task, or a row that cannot be done and the first reason why.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::header::Header;
use crate::model::phone::{Phone, PhoneChange, PhoneType};
use crate::model::row::{Row, RowNumber};
use crate::model::secret::Secret;
use crate::model::task::{InvalidRow, Prior, Task, WHOLE_ROW, Work};
use crate::model::user::UserId;
use crate::model::wards::Protected;

use super::content::Form;
use super::meanings::Mapping;
use super::moment_text::moment;
use super::passwords::Passwords;
use super::phone_text::{Checked, Country, PhoneTextError, Written};
use super::records::{Record, Span};
use super::remarks::{Cause, Remark, Severity};
use super::shape;
use super::spelling::is_spelling_of;
use super::tidy::is_invisible;
use super::words::{Verb, phone_type, verb};

/// How long a password may be, in characters (GRAPH "concept-sspr-policy").
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;

/// How much of a field stands in a message.
const SHOWN_CHARS: usize = 80;

/// Stands for a text of several lines in a message.
const SEVERAL_LINES: &str = "(text of several lines)";

/// Stands for a password in a message.
const HIDDEN: &str = "(hidden)";

/// The word in the place of a number that shall be removed.
const CLEAR: &str = "clear";

/// Where a row's action comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ActionSource {
    /// From its `action` column.
    #[default]
    Column,
    /// Every row lists the methods of its user, whatever else it says.
    ListMethods,
}

/// How rows are understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputSettings {
    /// What is said of the file's form.
    pub form: Form,
    /// What is said of its columns.
    pub mapping: Mapping,
    /// The country of numbers without `+`; `None` refuses such numbers.
    pub default_country: Option<Country>,
    /// Where times without an offset are told; `None` refuses such times.
    pub time_zone: Option<TimeZone>,
    /// Where a row's action comes from.
    pub action: ActionSource,
    /// Whom no row may change.
    pub protected: Protected,
    /// The names of who is signed in, where that is known before there is a connection: no row may change him either.
    pub signed_in: Protected,
}

/// Why a row cannot be done.
struct Fault(Remark);

impl Fault {
    fn of_line(cause: Cause, reason: impl Into<String>) -> Self {
        Self::at(None, cause, reason)
    }

    fn at(column: Option<usize>, cause: Cause, reason: impl Into<String>) -> Self {
        Self(Remark { cause, column, text: reason.into() })
    }
}

/// Turns rows into work.
#[derive(Debug)]
pub struct Interpreter {
    header: Header,
    settings: InputSettings,
    passwords: Passwords,
    rejected: Rejected,
    /// What is to be said of the row that was understood last.
    remarks: Vec<Remark>,
}

/// Rows that can be understood, and cannot be done beside others.
pub type Rejected = BTreeMap<RowNumber, Remark>;

impl Interpreter {
    /// An interpreter for the rows below `header`.
    #[must_use]
    pub fn new(header: Header, settings: InputSettings) -> Self {
        let passwords = Passwords::in_files(settings.form.clone(), settings.mapping.clone());
        Self { header, settings, passwords, rejected: Rejected::default(), remarks: Vec::new() }
    }

    /// Refuses these rows from now on.
    pub fn reject(&mut self, rejected: Rejected) {
        self.rejected = rejected;
    }

    /// All files in which a password was looked for.
    pub fn password_files(&self) -> impl Iterator<Item = &Path> {
        self.passwords.files()
    }

    /// Where a row's action comes from.
    #[must_use]
    pub const fn action_source(&self) -> ActionSource {
        self.settings.action
    }

    /// What is to be said of the row that was understood last.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// What the columns are for.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What a row means.
    pub fn work(&mut self, record: Record) -> Work {
        self.remarks.clear();
        match self.understand(&record) {
            Ok((user, action, not_before)) => {
                let (row, prior) = (record.row, Prior::Untried);
                Work::Task(Task { row, user, action, not_before, prior, expected: None })
            }
            Err(fault) => {
                self.remarks.push(fault.0.clone());
                Work::Invalid(self.invalid(record.row, fault))
            }
        }
    }

    /// What the row of a journal asked for: of a row with several phones a journal has only the fields, as they were
    /// written.
    #[must_use]
    pub fn asked(&mut self, task: &Task) -> Action {
        if !matches!(task.action, Action::SetPhones(_)) {
            return task.action.clone();
        }
        match self.work(Record { row: task.row.clone(), is_readable: true, span: Span::Unknown }) {
            Work::Task(understood) => understood.action,
            Work::Invalid(_) | Work::PassedOver(_) => task.action.clone(),
        }
    }

    fn understand(&mut self, record: &Record) -> Result<(UserId, Action, Option<Timestamp>), Fault> {
        let row = &record.row;
        shape::as_many_fields_as_names(record, &self.header).map_err(Fault)?;
        if !record.is_readable {
            let reason = "holds bytes that are no text: save the file as \"CSV UTF-8\", or name its encoding with \
                          --encoding";
            return Err(Fault::of_line(Cause::Unreadable, reason));
        }
        shape::holds_no_other_row(record, &self.header).map_err(Fault)?;
        let user = self.user(row)?;
        let action = match self.settings.action {
            ActionSource::ListMethods => Action::ListMethods,
            ActionSource::Column if self.header.action.is_none() => self.phones(row)?,
            ActionSource::Column => self.action(row, &user)?,
        };
        let not_before = self.not_before(row)?;
        if let Some(reason) = self.refusal(&user).filter(|_| action.writes()) {
            return Err(Fault::at(self.header.user, Cause::Protected, reason));
        }
        match self.rejected.get(&row.number) {
            None => Ok((user, action, not_before)),
            Some(remark) => Err(Fault(remark.clone())),
        }
    }

    /// Why no row may change what a user has.
    fn refusal(&self, user: &UserId) -> Option<String> {
        let InputSettings { protected, signed_in, .. } = &self.settings;
        let listed = |pattern| format!("is protected ({pattern} in [protected]): take the row out");
        let is_self = |_| "is the signed-in admin: let somebody else do this row".to_owned();
        protected.pattern_of(user).map(listed).or_else(|| signed_in.pattern_of(user).map(is_self))
    }

    /// Who is only read has no time to wait for.
    fn not_before(&self, row: &Row) -> Result<Option<Timestamp>, Fault> {
        let column = self.header.not_before;
        match (self.settings.action, trimmed(row, column)) {
            (ActionSource::ListMethods, _) | (ActionSource::Column, "") => Ok(None),
            (ActionSource::Column, text) => moment(text, self.settings.time_zone.as_ref())
                .map(Some)
                .map_err(|error| Fault::at(column, Cause::NotBefore, error.to_string())),
        }
    }

    fn user(&mut self, row: &Row) -> Result<UserId, Fault> {
        let column = self.header.user;
        let text = trimmed(row, column);
        let seen = if text.is_ascii() { text } else { text.trim_matches(is_invisible).trim() };
        if seen.len() < text.len() {
            self.remark(column, Cause::Invisible, format!("is read as {seen}"));
        }
        UserId::new(seen).map_err(|error| Fault::at(column, Cause::User, error.to_string()))
    }

    fn remark(&mut self, column: Option<usize>, cause: Cause, text: impl Into<String>) {
        self.remarks.push(Remark { cause, column, text: text.into() });
    }

    fn action(&mut self, row: &Row, user: &UserId) -> Result<Action, Fault> {
        let column = self.header.action;
        let verb = verb(trimmed(row, column)).map_err(|reason| Fault::at(column, Cause::Action, reason))?;
        Ok(match verb {
            Verb::ListMethods => Action::ListMethods,
            Verb::AddPhone => Action::AddPhone(self.phone(row)?),
            Verb::UpdatePhone => Action::UpdatePhone(self.phone(row)?),
            Verb::SetPhone => Action::SetPhone(self.phone(row)?),
            Verb::SetPhones => self.phones(row)?,
            Verb::DeletePhone => self.deletion(row)?,
            Verb::EnableSmsSignIn => self.mobile_only(row).map(|()| Action::EnableSmsSignIn)?,
            Verb::DisableSmsSignIn => self.mobile_only(row).map(|()| Action::DisableSmsSignIn)?,
            Verb::ResetPassword => Action::ResetPassword(Some(self.password(row, user)?)),
        })
    }

    /// Graph deletes a type, whatever its number (`DELETE …/phoneMethods/{id}`): who writes one may mean this one alone.
    fn deletion(&mut self, row: &Row) -> Result<Action, Fault> {
        let phone_type = self.phone_type(row)?.ok_or_else(|| self.no_type())?;
        let column = self.number_column(phone_type);
        if !trimmed(row, column).is_empty() {
            let text = format!("is not looked at: the {phone_type} goes, whatever its number is");
            self.remark(column, Cause::IgnoredNumber, text);
        }
        Ok(Action::DeletePhone(phone_type))
    }

    /// Where a row has the number of a phone.
    fn number_column(&self, phone_type: PhoneType) -> Option<usize> {
        let own = PhoneType::ALL.into_iter().zip(self.header.phones).find(|(own, _)| *own == phone_type);
        self.header.phone_number.or_else(|| own.and_then(|(_, column)| column))
    }

    fn phone(&mut self, row: &Row) -> Result<Phone, Fault> {
        let phone_type = self.phone_type(row)?.unwrap_or(PhoneType::Mobile);
        let column = self.number_column(phone_type);
        let reason = "needs a phone number: the file has no column phone_number";
        let column = column.ok_or_else(|| Fault::of_line(Cause::NoPhone, reason))?;
        self.phone_in(row, column, phone_type)
    }

    fn phone_in(&mut self, row: &Row, column: usize, phone_type: PhoneType) -> Result<Phone, Fault> {
        let fault = |error: PhoneTextError| Fault::at(Some(column), error.cause(), error.to_string());
        let written = Written::read(row.field(column), phone_type).map_err(fault)?;
        let country = self.country(row, written.plain())?;
        let Checked { number, causes } = written.checked(phone_type, country).map_err(fault)?;
        for cause in causes {
            let text = match cause.severity() {
                Severity::Note => format!("is read as {number}"),
                Severity::Bad | Severity::Warning => format!("is {number}: {}", cause.told()),
            };
            self.remark(Some(column), cause, text);
        }
        Ok(Phone { phone_type, number })
    }

    /// The country of a number that is written so: the row's own, else the default.
    fn country(&self, row: &Row, plain: &str) -> Result<Option<Country>, Fault> {
        let column = self.header.country;
        match trimmed(row, column) {
            "" => Ok(self.settings.default_country),
            _ if plain.starts_with('+') => Ok(None),
            letters => Country::new(letters)
                .map(Some)
                .map_err(|error| Fault::at(column, Cause::Country, error.to_string())),
        }
    }

    /// The phones that a user shall have, in an order that Graph accepts: an alternate mobile exists beside a mobile only
    /// (GRAPH "concept-authentication-phone-options").
    fn phones(&mut self, row: &Row) -> Result<Action, Fault> {
        let [mobile, alternate, office] = self.header.phones;
        if [mobile, alternate, office] == [None; 3] {
            let reason = "needs phone numbers: the file has no column mobile, alternate_mobile or office";
            return Err(Fault::of_line(Cause::NoPhone, reason));
        }
        let columns = PhoneType::ALL.into_iter().zip([mobile, alternate, office]);
        let changes = columns.map(|(phone_type, column)| self.change(row, column, phone_type));
        let [mobile, alternate_change, office] =
            changes.collect::<Result<Vec<_>, _>>()?.try_into().unwrap_or([None, None, None]);
        let is_deleted = |change: &Option<PhoneChange>| matches!(change, Some(PhoneChange::Delete(_)));
        if is_deleted(&mobile) && matches!(alternate_change, Some(PhoneChange::Set(_))) {
            let reason = "needs a mobile: clear both, or keep the mobile";
            return Err(Fault::at(alternate, Cause::AlternateWithoutMobile, reason));
        }
        // Whoever loses a phone has the others before, and an alternate mobile goes before its mobile.
        let changes = [mobile, alternate_change, office].into_iter().flatten();
        let (deletions, mut in_order): (Vec<_>, Vec<_>) =
            changes.partition(|change| matches!(change, PhoneChange::Delete(_)));
        in_order.extend(deletions.into_iter().rev());
        Ok(Action::SetPhones(in_order.into_iter().collect()))
    }

    /// What a cell says of a phone: nothing where it is blank, `clear`, or a number.
    fn change(
        &mut self,
        row: &Row,
        column: Option<usize>,
        phone_type: PhoneType,
    ) -> Result<Option<PhoneChange>, Fault> {
        let Some(column) = column else { return Ok(None) };
        match row.field(column).trim() {
            "" => Ok(None),
            word if is_spelling_of(word, CLEAR) => Ok(Some(PhoneChange::Delete(phone_type))),
            _ => self.phone_in(row, column, phone_type).map(PhoneChange::Set).map(Some),
        }
    }

    fn phone_type(&self, row: &Row) -> Result<Option<PhoneType>, Fault> {
        let column = self.header.phone_type;
        phone_type(trimmed(row, column)).map_err(|reason| Fault::at(column, Cause::PhoneType, reason))
    }

    /// A deletion cannot be taken back, so what goes is said and not assumed.
    fn no_type(&self) -> Fault {
        let reason = "is empty: say which phone to delete (mobile, alternateMobile or office)";
        match self.header.phone_type {
            Some(column) => Fault::at(Some(column), Cause::PhoneType, reason),
            None => Fault::of_line(Cause::PhoneType, "needs a phone type: the file has no column phone_type"),
        }
    }

    fn mobile_only(&self, row: &Row) -> Result<(), Fault> {
        match self.phone_type(row)? {
            None | Some(PhoneType::Mobile) => Ok(()),
            Some(PhoneType::AlternateMobile | PhoneType::Office) => {
                let reason = "cannot sign in by SMS: only the mobile can";
                Err(Fault::at(self.header.phone_type, Cause::PhoneType, reason))
            }
        }
    }

    fn password(&mut self, row: &Row, user: &UserId) -> Result<Secret, Fault> {
        // Not trimmed: a blank is a character that passwords may begin and end with.
        let password = self.header.new_password.map_or("", |column| row.field(column));
        let reference = trimmed(row, self.header.new_password_from);
        let (column, secret) = if !password.is_empty() {
            (self.header.new_password, Secret::new(password))
        } else if !reference.is_empty() {
            let column = self.header.new_password_from;
            let found = self.passwords.find(reference, user);
            (column, found.map_err(|error| Fault::at(column, Cause::Password, error.to_string()))?)
        } else if self.header.new_password.is_none() {
            let reason = "needs a password: the file has no column new_password";
            return Err(Fault::of_line(Cause::Password, reason));
        } else {
            let reason = "is empty: give the new password";
            return Err(Fault::at(self.header.new_password, Cause::Password, reason));
        };
        acceptable(&secret).map_err(|reason| Fault::at(column, Cause::Password, reason))?;
        Ok(secret)
    }

    fn invalid(&self, row: Row, fault: Fault) -> InvalidRow {
        let Fault(Remark { column, text, cause }) = fault;
        let (column, value) = self.cell(&row, column);
        let code = if cause == Cause::Protected { OwnCode::Protected } else { OwnCode::InvalidRow };
        InvalidRow { row, column, value, reason: text, code, may_be_done: false }
    }

    /// The name of a column and what may be shown of its cell.
    #[must_use]
    pub fn cell(&self, row: &Row, column: Option<usize>) -> (String, String) {
        column.map_or_else(
            || (WHOLE_ROW.to_owned(), String::new()),
            |column| (self.header.names[column].trim().to_owned(), self.shown(row, column)),
        )
    }

    fn shown(&self, row: &Row, column: usize) -> String {
        if Some(column) == self.header.new_password && !row.field(column).is_empty() {
            return HIDDEN.to_owned();
        }
        let text = self.header.shown(row, column).trim();
        if text.contains(['\n', '\r']) {
            return SEVERAL_LINES.to_owned();
        }
        match text.char_indices().nth(SHOWN_CHARS) {
            None => text.to_owned(),
            Some((end, _)) => format!("{}…", &text[..end]),
        }
    }
}

/// The trimmed field in a column, empty where the file has no such column.
fn trimmed(row: &Row, column: Option<usize>) -> &str {
    let text = column.map_or("", |column| row.field(column));
    // Nearly every cell begins and ends so, and needs no look at what white space there is.
    match text.as_bytes() {
        [] => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Whether a text can be a password at all; Entra ID has further rules, which it tells itself.
fn acceptable(password: &Secret) -> Result<(), String> {
    let text = password.expose();
    if text.trim().eq_ignore_ascii_case("generate") {
        return Err("asks for a generated password, which cannot be handed on yet: give the password itself"
            .to_owned());
    }
    let chars = text.chars().count();
    if PASSWORD_CHARS.contains(&chars) {
        return Ok(());
    }
    let (least, most) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
    Err(format!("has {chars} characters: Entra ID takes {least} to {most}"))
}
