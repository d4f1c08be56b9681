//! What each column of the header is for.

use thiserror::Error;

use crate::model::header::Header;

use super::spelling::{folded, nearest};

/// What is wrong with a header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// A column without which no row can be understood.
    #[error("no column `{column}`; the file has: {found}{hint}")]
    Missing {
        /// Its name.
        column: &'static str,
        /// The names that are there.
        found: String,
        /// The nearest of them, as the end of the sentence; may be empty.
        hint: String,
    },
    /// Two columns with one meaning.
    #[error("columns `{first}` and `{second}` mean the same: keep one of them")]
    Duplicate {
        /// As written.
        first: String,
        /// As written.
        second: String,
    },
    /// One column whose name holds a separator that is no comma.
    #[error("the columns are separated by {0:?}: save the file with commas")]
    Separator(char),
    /// A column that would be carried through to the results with the passwords in it.
    #[error(
        "column `{0}` seems to hold passwords, and extra columns are copied into the results: \
         name it new_password, or take it out"
    )]
    Password(String),
}

/// The columns that must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// `user` and `action`.
    UserAndAction,
    /// `user`.
    User,
}

const USER: &[&str] = &["user", "upn", "userprincipalname", "id", "objectid"];
const ACTION: &[&str] = &["action"];
const PHONE_TYPE: &[&str] = &["phonetype"];
const PHONE_NUMBER: &[&str] = &["phonenumber", "phone", "number"];
const NEW_PASSWORD: &[&str] = &["newpassword"];
const NEW_PASSWORD_FROM: &[&str] = &["newpasswordfrom"];

/// Names that people give to a column of passwords and that are not ours.
const OTHER_PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "pw",
    "newpwd",
    "newpasswd",
    "temppassword",
    "temporarypassword",
    "initialpassword",
    "userpassword",
    "passwort",
    "kennwort",
    "motdepasse",
];

/// Finds out what each column is for.
///
/// # Errors
/// When a needed column is missing, two mean the same, or the names cannot be what was meant.
pub fn header(names: Vec<String>, needed: Needed) -> Result<Header, HeaderError> {
    separated_by_commas(&names)?;
    let mut header = Header { names, ..Header::default() };
    for column in 0..header.names.len() {
        place(&mut header, column)?;
    }
    if header.user.is_none() {
        return Err(missing("user", USER, &header.names));
    }
    if header.action.is_none() && needed == Needed::UserAndAction {
        return Err(missing("action", ACTION, &header.names));
    }
    Ok(header)
}

fn place(header: &mut Header, column: usize) -> Result<(), HeaderError> {
    let name = folded(&header.names[column]);
    let is_one_of = |meaning: &[&str]| meaning.contains(&name.as_str());
    if is_one_of(OTHER_PASSWORDS) {
        return Err(HeaderError::Password(header.names[column].trim().to_owned()));
    }
    let meanings = [
        (USER, &mut header.user),
        (ACTION, &mut header.action),
        (PHONE_TYPE, &mut header.phone_type),
        (PHONE_NUMBER, &mut header.phone_number),
        (NEW_PASSWORD, &mut header.new_password),
        (NEW_PASSWORD_FROM, &mut header.new_password_from),
    ];
    let Some((_, position)) = meanings.into_iter().find(|(meaning, _)| is_one_of(meaning)) else {
        header.extra.push(column);
        return Ok(());
    };
    match position.replace(column) {
        None => Ok(()),
        Some(first) => Err(HeaderError::Duplicate {
            first: header.names[first].trim().to_owned(),
            second: header.names[column].trim().to_owned(),
        }),
    }
}

fn separated_by_commas(names: &[String]) -> Result<(), HeaderError> {
    let [only] = names else { return Ok(()) };
    only.chars().find(|c| matches!(c, ';' | '\t' | '|')).map_or(Ok(()), |c| Err(HeaderError::Separator(c)))
}

fn missing(column: &'static str, meaning: &[&str], names: &[String]) -> HeaderError {
    let found = names.iter().map(|name| name.trim()).collect::<Vec<_>>().join(", ");
    let alike = meaning.iter().find_map(|word| nearest(word, names.iter().map(String::as_str)));
    let hint = alike.map_or_else(String::new, |name| format!("; is `{}` meant?", name.trim()));
    HeaderError::Missing { column, found, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[&str]) -> Result<Header, HeaderError> {
        header(names.iter().map(|name| (*name).to_owned()).collect(), Needed::UserAndAction)
    }

    #[test]
    fn columns_are_known_by_name_and_by_alias_in_any_spelling() {
        for user in ["user", "UPN", "userPrincipalName", "User Principal Name", "id", "object-id"] {
            assert_eq!(read(&[user, "Action"]).unwrap().user, Some(0), "{user}");
        }
        for number in ["phone_number", "Phone", "number", "PhoneNumber"] {
            assert_eq!(read(&["user", "action", number]).unwrap().phone_number, Some(2), "{number}");
        }
        let all =
            read(&["note", "new password", "user", "phone-type", "action", "new_password_from", "city"]);
        let all = all.unwrap();
        assert_eq!((all.new_password, all.new_password_from), (Some(1), Some(5)));
        assert_eq!((all.phone_type, all.extra), (Some(3), vec![0, 6]));
    }

    #[test]
    fn two_columns_with_one_meaning_are_refused() {
        let error = read(&["user", "action", "UPN"]).unwrap_err();
        assert_eq!(error.to_string(), "columns `user` and `UPN` mean the same: keep one of them");
    }

    #[test]
    fn two_extra_columns_may_have_one_name() {
        assert_eq!(read(&["user", "action", "x", "x", "", ""]).unwrap().extra, [2, 3, 4, 5]);
    }

    #[test]
    fn a_missing_column_is_told_with_the_names_found_and_the_nearest() {
        let error = read(&["usr", "action", "city"]).unwrap_err();
        assert_eq!(error.to_string(), "no column `user`; the file has: usr, action, city; is `usr` meant?");
        let error = read(&["user", "acton"]).unwrap_err();
        assert_eq!(error.to_string(), "no column `action`; the file has: user, acton; is `acton` meant?");
        let error = read(&["user", "city"]).unwrap_err();
        assert_eq!(error.to_string(), "no column `action`; the file has: user, city");
        assert!(header(vec!["user".to_owned()], Needed::User).is_ok());
    }

    #[test]
    fn another_separator_is_named() {
        let error = read(&["user;action;phone"]).unwrap_err();
        assert_eq!(error.to_string(), "the columns are separated by ';': save the file with commas");
    }

    #[test]
    fn a_password_column_under_another_name_is_refused_because_it_would_be_copied() {
        for name in ["password", "Temp Password", "PWD"] {
            assert!(matches!(read(&["user", "action", name]), Err(HeaderError::Password(_))), "{name}");
        }
        assert!(read(&["user", "action", "password_last_changed"]).is_ok());
    }
}
