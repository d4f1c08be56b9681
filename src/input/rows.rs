//! What one row means: a task, or a row that cannot be done and the first reason why.

use crate::model::action::Action;
use crate::model::header::Header;
use crate::model::phone::{Phone, PhoneNumber, PhoneType};
use crate::model::row::{Row, RowNumber};
use crate::model::secret::Secret;
use crate::model::task::{InvalidRow, Prior, Task, Work};
use crate::model::user::UserId;

use super::known_numbers::KnownNumbers;
use super::passwords::Passwords;
use super::phone_text::{Country, PhoneTextError, Written};
use super::records::Record;
use super::words::{Verb, phone_type, verb};

/// How long a password may be, in characters (GRAPH "concept-sspr-policy").
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;

/// How much of a field stands in a message.
const SHOWN_CHARS: usize = 80;

/// Stands for a password in a message.
const HIDDEN: &str = "(hidden)";

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputSettings {
    /// The country of numbers without `+`; `None` refuses such numbers.
    pub default_country: Option<Country>,
    /// Where a row's action comes from.
    pub action: ActionSource,
}

/// Why a row cannot be done.
struct Fault {
    /// `None` where it is the line as a whole.
    column: Option<usize>,
    reason: String,
}

impl Fault {
    fn of_line(reason: String) -> Self {
        Self { column: None, reason }
    }

    fn at(column: Option<usize>, reason: impl Into<String>) -> Self {
        Self { column, reason: reason.into() }
    }
}

/// Turns rows into work.
#[derive(Debug)]
pub struct Interpreter {
    header: Header,
    settings: InputSettings,
    passwords: Passwords,
    known_numbers: KnownNumbers,
}

impl Interpreter {
    /// An interpreter for the rows below `header`.
    #[must_use]
    pub fn new(header: Header, settings: InputSettings) -> Self {
        Self { header, settings, passwords: Passwords::default(), known_numbers: KnownNumbers::default() }
    }

    /// What the columns are for.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What a row means.
    pub fn work(&mut self, record: Record) -> Work {
        match self.understand(&record) {
            Ok((user, action)) => Work::Task(Task { row: record.row, user, action, prior: Prior::Untried }),
            Err(fault) => Work::Invalid(self.invalid(record.row, fault)),
        }
    }

    fn understand(&mut self, record: &Record) -> Result<(UserId, Action), Fault> {
        let row = &record.row;
        self.as_many_fields_as_names(row)?;
        if !record.is_utf8 {
            return Err(Fault::of_line("is not UTF-8 text: save the file as \"CSV UTF-8\"".to_owned()));
        }
        let user = UserId::new(trimmed(row, self.header.user))
            .map_err(|error| Fault::at(self.header.user, error.to_string()))?;
        let action = match self.settings.action {
            ActionSource::ListMethods => Action::ListMethods,
            ActionSource::Column => self.action(row, &user)?,
        };
        Ok((user, action))
    }

    fn as_many_fields_as_names(&self, row: &Row) -> Result<(), Fault> {
        let (fields, names) = (row.fields.len(), self.header.names.len());
        if fields == names {
            return Ok(());
        }
        let cure = if row.fields.iter().any(|field| field.contains('\n')) {
            "a double quote may not be closed"
        } else if fields > names {
            "put a field that holds a comma between double quotes"
        } else {
            "fill the row up with commas"
        };
        Err(Fault::of_line(format!("has {fields} fields where the header has {names}: {cure}")))
    }

    fn action(&mut self, row: &Row, user: &UserId) -> Result<Action, Fault> {
        let column = self.header.action;
        let verb = verb(trimmed(row, column)).map_err(|reason| Fault::at(column, reason))?;
        Ok(match verb {
            Verb::ListMethods => Action::ListMethods,
            Verb::AddPhone => Action::AddPhone(self.phone(row)?),
            Verb::UpdatePhone => Action::UpdatePhone(self.phone(row)?),
            Verb::SetPhone => Action::SetPhone(self.phone(row)?),
            Verb::DeletePhone => Action::DeletePhone(self.phone_type(row)?.ok_or_else(|| self.no_type())?),
            Verb::EnableSmsSignIn => self.mobile_only(row).map(|()| Action::EnableSmsSignIn)?,
            Verb::DisableSmsSignIn => self.mobile_only(row).map(|()| Action::DisableSmsSignIn)?,
            Verb::ResetPassword => Action::ResetPassword(Some(self.password(row, user)?)),
        })
    }

    fn phone(&mut self, row: &Row) -> Result<Phone, Fault> {
        let phone_type = self.phone_type(row)?.unwrap_or(PhoneType::Mobile);
        let Some(column) = self.header.phone_number else {
            return Err(Fault::of_line(
                "needs a phone number: the file has no column phone_number".to_owned(),
            ));
        };
        Written::read(row.field(column).trim(), phone_type)
            .and_then(|written| self.number(row.number, &written))
            .map(|number| Phone { phone_type, number })
            .map_err(|error| Fault::at(Some(column), error.to_string()))
    }

    fn number(&mut self, row: RowNumber, written: &Written<'_>) -> Result<PhoneNumber, PhoneTextError> {
        let known = self.known_numbers.code_digits(row, written.plain());
        if let Some(number) = known.and_then(|digits| written.with_country_code(digits)) {
            return Ok(number);
        }
        let number = written.checked(self.settings.default_country)?;
        if let Some(digits) = written.country_code_digits(&number) {
            self.known_numbers.note(row, written.plain(), digits);
        }
        Ok(number)
    }

    fn phone_type(&self, row: &Row) -> Result<Option<PhoneType>, Fault> {
        let column = self.header.phone_type;
        phone_type(trimmed(row, column)).map_err(|reason| Fault::at(column, reason))
    }

    /// A deletion cannot be taken back, so what goes is said and not assumed.
    fn no_type(&self) -> Fault {
        let reason = "is empty: say which phone to delete (mobile, alternateMobile or office)";
        match self.header.phone_type {
            Some(column) => Fault::at(Some(column), reason),
            None => Fault::of_line("needs a phone type: the file has no column phone_type".to_owned()),
        }
    }

    fn mobile_only(&self, row: &Row) -> Result<(), Fault> {
        match self.phone_type(row)? {
            None | Some(PhoneType::Mobile) => Ok(()),
            Some(PhoneType::AlternateMobile | PhoneType::Office) => {
                Err(Fault::at(self.header.phone_type, "cannot sign in by SMS: only the mobile can"))
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
            (column, found.map_err(|error| Fault::at(column, error.to_string()))?)
        } else if self.header.new_password.is_none() {
            return Err(Fault::of_line("needs a password: the file has no column new_password".to_owned()));
        } else {
            return Err(Fault::at(self.header.new_password, "is empty: give the new password"));
        };
        acceptable(&secret).map_err(|reason| Fault::at(column, reason))?;
        Ok(secret)
    }

    fn invalid(&self, row: Row, fault: Fault) -> InvalidRow {
        let (column, value) = match fault.column {
            None => ("-".to_owned(), String::new()),
            Some(column) => (self.header.names[column].trim().to_owned(), self.shown(&row, column)),
        };
        InvalidRow { row, column, value, reason: fault.reason }
    }

    fn shown(&self, row: &Row, column: usize) -> String {
        if Some(column) == self.header.new_password && !row.field(column).is_empty() {
            return HIDDEN.to_owned();
        }
        let text = self.header.shown(row, column).trim();
        match text.char_indices().nth(SHOWN_CHARS) {
            None => text.to_owned(),
            Some((end, _)) => format!("{}…", &text[..end]),
        }
    }
}

/// The trimmed field in a column, empty where the file has no such column.
fn trimmed(row: &Row, column: Option<usize>) -> &str {
    column.map_or("", |column| row.field(column).trim())
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
