//! What each column of the header is for.

use thiserror::Error;

use crate::model::header::Header;

use super::meanings::{Mapping, Meaning};
use super::spelling::{folded, nearest};

/// What is wrong with a header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// A column without which no row can be understood.
    #[error("no column `{column}`; the file has: {found}{hint}")]
    Missing {
        /// Its name.
        column: Meaning,
        /// The names that are there.
        found: String,
        /// The nearest of them, as the end of the sentence; may be empty.
        hint: String,
    },
    /// Two columns with one meaning.
    #[error(
        "columns `{first}` and `{second}` mean the same: keep one of them, or say --map {meaning}={first}"
    )]
    Duplicate {
        /// What they mean.
        meaning: Meaning,
        /// As written.
        first: String,
        /// As written.
        second: String,
    },
    /// A column that the user named and that is not there.
    #[error("no column `{column}` for {meaning}; the file has: {found}")]
    NotThere {
        /// What it was to mean.
        meaning: Meaning,
        /// What the user named.
        column: String,
        /// The names that are there.
        found: String,
    },
    /// A column that would be carried through to the results with the passwords in it.
    #[error(
        "column `{0}` seems to hold passwords, and extra columns are copied into the results: \
         name it new_password, say --map new_password={0}, or take it out"
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

/// How like a known name an unknown one must be (0 to 1) to be told of.
const NEAR_MISS: f64 = 0.75;

/// Finds out what each column is for.
///
/// # Errors
/// When a needed column is missing, two mean the same, or the names cannot be what was meant.
pub fn header(names: Vec<String>, needed: Needed, mapping: &Mapping) -> Result<Header, HeaderError> {
    if let Some(name) = names.iter().find(|name| holds_passwords(name, mapping)) {
        return Err(HeaderError::Password(name.trim().to_owned()));
    }
    let columns = Columns { names: &names, mapping };
    columns.all_mapped_are_there()?;
    let phones = columns.phones()?;
    let meaningful = [
        columns.only(Meaning::User)?,
        columns.only(Meaning::Action)?,
        columns.only(Meaning::PhoneType)?,
        columns.only(Meaning::PhoneNumber)?,
        columns.only(Meaning::NewPassword)?,
        columns.only(Meaning::NewPasswordFrom)?,
    ];
    let [user, action, phone_type, phone_number, new_password, new_password_from] = meaningful;
    if user.is_none() {
        return Err(missing(Meaning::User, &names));
    }
    let says_what_to_do = action.is_some() || phones.iter().any(Option::is_some);
    if !says_what_to_do && needed == Needed::UserAndAction {
        return Err(missing(Meaning::Action, &names));
    }
    // Which of two countries is meant is not certain: then it is neither.
    let country = columns.only(Meaning::Country).unwrap_or_default();
    let not_before = columns.only(Meaning::NotBefore)?;
    let extra = (0..names.len()).filter(|column| !meaningful.contains(&Some(*column))).collect();
    Ok(Header {
        names,
        user,
        action,
        phone_type,
        phone_number,
        new_password,
        new_password_from,
        country,
        phones,
        not_before,
        extra,
    })
}

/// The extra columns whose name is almost one of a meaning that no column has, with that name.
#[must_use]
pub fn near_misses(header: &Header) -> Vec<(&str, &'static str)> {
    let has = |meaning: Meaning| header.names.iter().any(|name| Meaning::of(name) == Some(meaning));
    let missing: Vec<_> =
        Meaning::ALL.into_iter().filter(|meaning| !has(*meaning)).map(Meaning::name).collect();
    let unknown = header.extra.iter().map(|column| header.names[*column].trim());
    unknown
        .filter(|name| Meaning::of(name).is_none())
        .filter_map(|name| {
            let meant = nearest(name, missing.iter().copied())?;
            let likeness = strsim::normalized_damerau_levenshtein(&folded(name), &folded(meant));
            (likeness >= NEAR_MISS).then_some((name, meant))
        })
        .collect()
}

struct Columns<'a> {
    names: &'a [String],
    mapping: &'a Mapping,
}

impl Columns<'_> {
    fn with(&self, meaning: Meaning) -> impl Iterator<Item = usize> {
        let means = move |column: &usize| self.mapping.meaning(&self.names[*column]) == Some(meaning);
        (0..self.names.len()).filter(means)
    }

    /// The column with a meaning, if there is one.
    fn only(&self, meaning: Meaning) -> Result<Option<usize>, HeaderError> {
        let mut columns = self.with(meaning);
        let Some(first) = columns.next() else { return Ok(None) };
        let name = |column: usize| self.names[column].trim().to_owned();
        columns.next().map_or(Ok(Some(first)), |second| {
            Err(HeaderError::Duplicate { meaning, first: name(first), second: name(second) })
        })
    }

    /// The columns of the phones that a user shall have. In a file whose rows say what to do with one number, names that
    /// occur twice belong to columns of the user's own, as the office's place.
    fn phones(&self) -> Result<[Option<usize>; 3], HeaderError> {
        let has = |meaning| self.with(meaning).next().is_some();
        let [mobile, alternate, office] = Meaning::WIDE.map(|meaning| self.only(meaning));
        match (mobile, alternate, office) {
            (Ok(mobile), Ok(alternate), Ok(office)) => Ok([mobile, alternate, office]),
            _ if has(Meaning::Action) && has(Meaning::PhoneNumber) => Ok([None; 3]),
            (mobile, alternate, office) => Ok([mobile?, alternate?, office?]),
        }
    }

    fn all_mapped_are_there(&self) -> Result<(), HeaderError> {
        let is_there = |column: &str| self.names.iter().any(|name| folded(name) == folded(column));
        match self.mapping.iter().find(|(_, column)| !is_there(column)) {
            None => Ok(()),
            Some((meaning, column)) => {
                Err(HeaderError::NotThere { meaning, column: column.to_owned(), found: listed(self.names) })
            }
        }
    }
}

/// Whether a column would be carried through with passwords in it.
fn holds_passwords(name: &str, mapping: &Mapping) -> bool {
    let is_unused = mapping.meaning(name) != Some(Meaning::NewPassword);
    let is_ours = Meaning::of(name) == Some(Meaning::NewPassword);
    !mapping.names(name) && is_unused && (is_ours || OTHER_PASSWORDS.contains(&folded(name).as_str()))
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| name.trim()).collect::<Vec<_>>().join(", ")
}

fn missing(column: Meaning, names: &[String]) -> HeaderError {
    let alike = column.nearest_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let hint = alike.map_or_else(String::new, |name| {
        let name = name.trim();
        format!("; is `{name}` meant? Then name it so, or say --map {column}={name}")
    });
    HeaderError::Missing { column, found: listed(names), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[&str]) -> Result<Header, HeaderError> {
        mapped(names, &[])
    }

    fn mapped(names: &[&str], pairs: &[&str]) -> Result<Header, HeaderError> {
        let mut mapping = Mapping::default();
        for pair in pairs {
            mapping.add_pair(pair).unwrap();
        }
        header(names.iter().map(|name| (*name).to_owned()).collect(), Needed::UserAndAction, &mapping)
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
    fn two_columns_with_one_meaning_are_refused_unless_the_user_chooses() {
        let error = read(&["user", "action", "UPN"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "columns `user` and `UPN` mean the same: keep one of them, or say --map user=user"
        );
        let header = mapped(&["user", "action", "UPN"], &["user=upn"]).unwrap();
        assert_eq!((header.user, header.extra), (Some(2), vec![0]));
    }

    #[test]
    fn a_column_that_the_user_names_must_be_there() {
        let header = mapped(&["Mail", "action", "Handy"], &["user=mail", "phone=handy"]).unwrap();
        assert_eq!((header.user, header.phone_number), (Some(0), Some(2)));
        let error = mapped(&["user", "action"], &["phone=handy"]).unwrap_err();
        assert_eq!(error.to_string(), "no column `handy` for phone_number; the file has: user, action");
    }

    #[test]
    fn the_phones_that_a_user_shall_have_say_what_to_do_and_are_carried_through() {
        let header = read(&["UPN", "Mobile", "city", "OfficePhone"]).unwrap();
        assert_eq!(header.phones, [Some(1), None, Some(3)]);
        assert_eq!(header.extra, [1, 2, 3]);
        assert!(read(&["upn", "office", "office phone"]).is_err());
        let long = read(&["upn", "action", "phone", "office", "office phone", "mobile"]).unwrap();
        assert_eq!(long.phones, [None; 3], "columns of the user's own");
    }

    #[test]
    fn a_country_is_one_or_none() {
        assert_eq!(read(&["user", "action", "Country"]).unwrap().country, Some(2));
        assert_eq!(read(&["user", "action", "Country", "usageLocation"]).unwrap().country, None);
    }

    #[test]
    fn the_moment_before_which_rows_are_not_due_is_one_and_is_carried_through() {
        let header = read(&["user", "action", "Not before"]).unwrap();
        assert_eq!((header.not_before, header.extra), (Some(2), vec![2]));
        assert!(matches!(
            read(&["user", "action", "not_before", "NotBeforeDate"]),
            Err(HeaderError::Duplicate { meaning: Meaning::NotBefore, .. })
        ));
    }

    #[test]
    fn an_extra_column_that_is_almost_a_known_one_is_told() {
        let header = read(&["user", "action", "phne_number", "city", "alternate-mobil"]).unwrap();
        let misses = [("phne_number", "phone_number"), ("alternate-mobil", "alternate_mobile")];
        assert_eq!(near_misses(&header), misses);
        let header = read(&["user", "action", "phone", "phne_number", "note", "name"]).unwrap();
        assert_eq!(near_misses(&header), [], "there is a number");
    }

    #[test]
    fn two_extra_columns_may_have_one_name() {
        assert_eq!(read(&["user", "action", "x", "x", "", ""]).unwrap().extra, [2, 3, 4, 5]);
    }

    #[test]
    fn a_missing_column_is_told_with_the_names_found_and_the_nearest() {
        let error = read(&["usr", "action", "city"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no column `user`; the file has: usr, action, city; is `usr` meant? Then name it so, or say --map user=usr"
        );
        let error = read(&["user", "acton"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no column `action`; the file has: user, acton; is `acton` meant? Then name it so, or say --map action=acton"
        );
        let error = read(&["user", "city"]).unwrap_err();
        assert_eq!(error.to_string(), "no column `action`; the file has: user, city");
        assert!(header(vec!["user".to_owned()], Needed::User, &Mapping::default()).is_ok());
    }

    #[test]
    fn a_password_column_under_another_name_is_refused_because_it_would_be_copied() {
        for name in ["password", "Temp Password", "PWD"] {
            assert!(matches!(read(&["user", "action", name]), Err(HeaderError::Password(_))), "{name}");
        }
        assert!(read(&["user", "action", "password_last_changed"]).is_ok());
        let mapped = mapped(&["user", "action", "Password"], &["new_password=password"]).unwrap();
        assert_eq!((mapped.new_password, mapped.extra), (Some(2), vec![]));
        let both = ["user", "action", "new_password", "pw 2"];
        assert!(super::tests::mapped(&both, &["new_password=pw2"]).is_err(), "the other one would be copied");
    }
}
