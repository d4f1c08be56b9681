//! The meanings that a column can have, the names by which each is known, and the names that a user gives them.

use std::fmt;

use thiserror::Error;

use super::spelling::{folded, nearest};

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Who.
    User,
    /// What to do.
    Action,
    /// Which phone.
    PhoneType,
    /// The number to set.
    PhoneNumber,
    /// The password of a reset.
    NewPassword,
    /// Where the password of a reset stands.
    NewPasswordFrom,
    /// The country of numbers without `+`.
    Country,
    /// The moment before which the row is not due.
    NotBefore,
    /// The mobile that the user shall have.
    Mobile,
    /// The alternate mobile that the user shall have.
    AlternateMobile,
    /// The office phone that the user shall have.
    Office,
}

impl Meaning {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::User,
        Self::Action,
        Self::PhoneType,
        Self::PhoneNumber,
        Self::NewPassword,
        Self::NewPasswordFrom,
        Self::Country,
        Self::NotBefore,
        Self::Mobile,
        Self::AlternateMobile,
        Self::Office,
    ];

    /// The columns of a file that says which phones a user shall have.
    pub const WIDE: [Self; 3] = [Self::Mobile, Self::AlternateMobile, Self::Office];

    /// The name that this project uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Action => "action",
            Self::PhoneType => "phone_type",
            Self::PhoneNumber => "phone_number",
            Self::NewPassword => "new_password",
            Self::NewPasswordFrom => "new_password_from",
            Self::Country => "country",
            Self::NotBefore => "not_before",
            Self::Mobile => "mobile",
            Self::AlternateMobile => "alternate_mobile",
            Self::Office => "office",
        }
    }

    /// All names by which it is known, folded.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::User => &[
                "user",
                "upn",
                "userprincipalname",
                "userupn",
                "username",
                "id",
                "objectid",
                "userobjectid",
                "aadobjectid",
            ],
            Self::Action => &["action"],
            Self::PhoneType => &["phonetype"],
            Self::PhoneNumber => &["phonenumber", "phone", "number", "msisdn"],
            Self::NewPassword => &["newpassword"],
            Self::NewPasswordFrom => &["newpasswordfrom"],
            Self::Country => &["country", "phonecountry", "countrycode", "usagelocation"],
            Self::NotBefore => {
                &["notbefore", "notbeforedate", "notbeforetime", "notbeforedatetime", "notearlierthan"]
            }
            Self::Mobile => {
                &["mobile", "mobilephone", "mobilenumber", "mobilephonenumber", "cell", "cellphone"]
            }
            Self::AlternateMobile => &[
                "alternatemobile",
                "alternatemobilephone",
                "alternatemobilenumber",
                "alternatephone",
                "alternativemobile",
                "altmobile",
            ],
            Self::Office => {
                &["office", "officephone", "officenumber", "businessphone", "businessphones", "workphone"]
            }
        }
    }

    /// The meaning of a name in a header, as `UPN`, or `User name [userPrincipalName] Required` in Entra's templates.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let within =
            name.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(within, _)| within);
        [Some(name), within].into_iter().flatten().find_map(|name| {
            let name = folded(name);
            Self::ALL.into_iter().find(|meaning| meaning.names().contains(&name.as_str()))
        })
    }

    /// The name among `names` that is most like one of its own.
    pub(super) fn nearest_of<'a>(self, names: &[&'a str]) -> Option<&'a str> {
        self.names().iter().find_map(|word| nearest(word, names.iter().copied()))
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a user's own name for a column cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// It is no `MEANING=COLUMN`.
    #[error("'{0}' is not of the form MEANING=COLUMN, as user=mail")]
    Form(String),
    /// There is no such meaning.
    #[error("'{0}' is no meaning of a column: {1}")]
    Meaning(String, String),
}

/// The names that a user gives to columns, which win over those that are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping(Vec<(Meaning, String)>);

impl Mapping {
    /// Adds a name; one that was given before for the same meaning stays.
    ///
    /// # Errors
    /// When there is no such meaning.
    pub fn add(&mut self, meaning: &str, column: &str) -> Result<(), MappingError> {
        let found = Meaning::of(meaning).ok_or_else(|| unknown(meaning))?;
        if self.name(found).is_none() {
            self.0.push((found, column.trim().to_owned()));
        }
        Ok(())
    }

    /// Adds what is written as `MEANING=COLUMN`.
    ///
    /// # Errors
    /// When it is not of that form, or there is no such meaning.
    pub fn add_pair(&mut self, pair: &str) -> Result<(), MappingError> {
        let parts = pair.split_once('=').filter(|(_, column)| !column.trim().is_empty());
        let (meaning, column) = parts.ok_or_else(|| MappingError::Form(pair.to_owned()))?;
        self.add(meaning, column)
    }

    /// The column for a meaning.
    #[must_use]
    pub fn name(&self, meaning: Meaning) -> Option<&str> {
        self.0.iter().find(|(mapped, _)| *mapped == meaning).map(|(_, column)| column.as_str())
    }

    /// What a name in a header means: what the user says, else what is known, unless the user has another name for it.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        let is_name = |column: &str| folded(column) == folded(name);
        let mapped = self.0.iter().find(|(_, column)| is_name(column)).map(|(meaning, _)| *meaning);
        mapped.or_else(|| Meaning::of(name).filter(|meaning| self.name(*meaning).is_none()))
    }

    /// Whether the user named this column.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.iter().any(|(_, column)| folded(column) == folded(name))
    }

    /// The names that the user gave, with their meanings.
    pub fn iter(&self) -> impl Iterator<Item = (Meaning, &str)> {
        self.0.iter().map(|(meaning, column)| (*meaning, column.as_str()))
    }
}

fn unknown(meaning: &str) -> MappingError {
    let names = Meaning::ALL.map(Meaning::name);
    let cure = nearest(meaning, names)
        .map_or_else(|| format!("there are {}", names.join(", ")), |name| format!("did you mean {name}?"));
    MappingError::Meaning(meaning.trim().to_owned(), cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_folded_form_and_stands_for_one_meaning() {
        let all: Vec<_> = Meaning::ALL.iter().flat_map(|meaning| meaning.names()).collect();
        for (i, name) in all.iter().enumerate() {
            assert_eq!(folded(name), **name);
            assert!(!all[..i].contains(name), "{name}");
        }
        for meaning in Meaning::ALL {
            assert_eq!(Meaning::of(meaning.name()), Some(meaning));
        }
    }

    #[test]
    fn the_field_s_names_are_known_in_any_spelling() {
        for (name, meaning) in [
            ("UPN", Meaning::User),
            ("User name [userPrincipalName] Required", Meaning::User),
            ("Mobile Phone", Meaning::Mobile),
            ("AlternateMobile", Meaning::AlternateMobile),
            ("OfficePhone", Meaning::Office),
            ("Usage Location", Meaning::Country),
        ] {
            assert_eq!(Meaning::of(name), Some(meaning), "{name}");
        }
        for name in ["", "mail", "note", "[", "x [note] y"] {
            assert_eq!(Meaning::of(name), None, "{name}");
        }
    }

    #[test]
    fn a_user_s_name_wins_and_the_known_ones_mean_nothing_beside_it() {
        let mut mapping = Mapping::default();
        mapping.add_pair("user=E-Mail").unwrap();
        mapping.add("phone-number", "Handy").unwrap();
        mapping.add("user", "later").unwrap();
        assert_eq!(mapping.meaning("e mail"), Some(Meaning::User));
        assert_eq!(mapping.meaning("handy"), Some(Meaning::PhoneNumber));
        assert_eq!(mapping.meaning("upn"), None);
        assert_eq!(mapping.meaning("Action"), Some(Meaning::Action));
    }

    #[test]
    fn a_mapping_that_is_none_says_why() {
        let told = |pair: &str| Mapping::default().add_pair(pair).unwrap_err().to_string();
        assert_eq!(told("user"), "'user' is not of the form MEANING=COLUMN, as user=mail");
        assert_eq!(told("user="), "'user=' is not of the form MEANING=COLUMN, as user=mail");
        assert_eq!(told("usr=x"), "'usr' is no meaning of a column: did you mean user?");
        assert!(told("colour=x").contains("there are user, action"));
    }
}
