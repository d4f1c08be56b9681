//! Decides how the input file is read: what is typed over what stands in `[input]`.

use jiff::tz::TimeZone;

use crate::input::content::Form;
use crate::input::dialect::Delimiter;
use crate::input::encoding::Encoding;
use crate::input::meanings::Mapping;
use crate::input::phone_text::Country;

use crate::model::wards::Protected;

use super::args;
use super::error::{SettingsError, value};
use super::file;

/// How the input file is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// What is said of its form.
    pub form: Form,
    /// What is said of its columns.
    pub mapping: Mapping,
    /// For numbers without `+`.
    pub default_country: Option<Country>,
    /// For times without an offset.
    pub time_zone: Option<TimeZone>,
    /// Whom no row may change.
    pub protected: Protected,
}

/// Decides how the input file is read.
///
/// # Errors
/// When a value cannot be used.
pub fn reading(
    given: &args::Form,
    default_country: Option<&String>,
    file: (&file::Input, &file::Run, &file::Protected),
) -> Result<Reading, SettingsError> {
    let (input, run, protected) = file;
    let mut mapping = Mapping::default();
    for pair in &given.map {
        mapping.add_pair(pair).map_err(|error| value("--map (AUTHWAVE_MAP)", pair, error.to_string()))?;
    }
    for (meaning, column) in &input.columns {
        let added = mapping.add(meaning, column);
        added.map_err(|error| value("input.columns", meaning, error.to_string()))?;
    }
    let encoding = given.encoding.as_ref().or(input.encoding.as_ref()).map(|name| {
        let named = Encoding::named(name);
        named
            .map_err(|error| value("--encoding (AUTHWAVE_ENCODING, input.encoding)", name, error.to_string()))
    });
    let delimiter = given.delimiter.as_ref().or(input.delimiter.as_ref()).map(|name| {
        let named = Delimiter::named(name);
        named.map_err(|error| {
            value("--delimiter (AUTHWAVE_DELIMITER, input.delimiter)", name, error.to_string())
        })
    });
    Ok(Reading {
        form: Form {
            encoding: encoding.transpose()?,
            delimiter: delimiter.transpose()?,
            sheet: given.sheet.clone().or_else(|| input.sheet.clone()),
        },
        mapping,
        default_country: country(default_country.or(run.default_country.as_ref()))?,
        time_zone: time_zone(given.time_zone.as_ref().or(input.time_zone.as_ref()))?,
        protected: protected_users(protected)?,
    })
}

/// Decides how the input file is read where nothing but this is to be said of it: rows that were understood once mean the
/// same again, whatever became of the settings file. Whom no row may change is still its business.
///
/// # Errors
/// When a value cannot be used.
pub fn whole_reading(
    given: &args::Form,
    default_country: Option<&String>,
    protected: &file::Protected,
) -> Result<Reading, SettingsError> {
    reading(given, default_country, (&file::Input::default(), &file::Run::default(), protected))
}

/// A list that cannot be read must not be a list of nobody.
fn protected_users(file: &file::Protected) -> Result<Protected, SettingsError> {
    let mut users = file.users.clone();
    if let Some(path) = &file.file {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Read { path: path.clone(), source })?;
        let lines = text.lines().map(str::trim).filter(|line| !(line.is_empty() || line.starts_with('#')));
        users.extend(lines.map(str::to_owned));
    }
    Ok(Protected::new(users))
}

/// What to type for the same reading.
pub(super) fn typed(reading: &Reading) -> args::Form {
    let Reading { form, mapping, time_zone, .. } = reading;
    args::Form {
        encoding: form.encoding.map(|encoding| encoding.to_string()),
        delimiter: form.delimiter.map(|delimiter| delimiter.to_string()),
        sheet: form.sheet.clone(),
        time_zone: time_zone.as_ref().and_then(TimeZone::iana_name).map(str::to_owned),
        map: mapping.iter().map(|(meaning, column)| format!("{meaning}={column}")).collect(),
    }
}

fn country(given: Option<&String>) -> Result<Option<Country>, SettingsError> {
    let Some(letters) = given else { return Ok(None) };
    Country::new(letters).map(Some).map_err(|error| {
        value("--default-country (AUTHWAVE_DEFAULT_COUNTRY, run.default_country)", letters, error.to_string())
    })
}

/// The system's time zones are asked, and where it has none, those that come with the program.
fn time_zone(given: Option<&String>) -> Result<Option<TimeZone>, SettingsError> {
    let Some(name) = given else { return Ok(None) };
    let zone = TimeZone::get(name.trim()).ok().filter(|zone| !zone.is_unknown());
    zone.map(Some).ok_or_else(|| {
        value(
            "--time-zone (AUTHWAVE_TIME_ZONE, input.time_zone)",
            name,
            "no such time zone; write an IANA name, as Europe/Berlin or UTC",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(given: &args::Form, input: &file::Input) -> Result<Reading, String> {
        let decided = reading(given, None, (input, &file::Run::default(), &file::Protected::default()));
        decided.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_typed_wins_over_the_file_and_can_be_typed_again() {
        let input: file::Input = toml::from_str(
            "encoding = \"utf-8\"\ndelimiter = \"tab\"\nsheet = \"A\"\n[columns]\nuser = \"mail\"\nphone_number = \"Handy\"\n",
        )
        .unwrap();
        let given = args::Form {
            encoding: Some("latin1".to_owned()),
            time_zone: Some("europe/berlin".to_owned()),
            map: vec!["user=E-Mail".to_owned()],
            ..args::Form::default()
        };
        let decided = decided(&given, &input).unwrap();
        let typed = typed(&decided);
        assert_eq!(typed.encoding.as_deref(), Some("Windows-1252"));
        assert_eq!(typed.delimiter.as_deref(), Some("tab"));
        assert_eq!(typed.sheet.as_deref(), Some("A"));
        assert_eq!(typed.time_zone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(typed.map, ["user=E-Mail", "phone_number=Handy"]);
        assert_eq!(super::tests::decided(&typed, &file::Input::default()), Ok(decided));
    }

    #[test]
    fn what_cannot_be_used_names_its_flag_and_key() {
        let told = |form: args::Form| decided(&form, &file::Input::default()).unwrap_err();
        let some = |text: &str| Some(text.to_owned());
        let form = args::Form::default;
        assert!(told(args::Form { encoding: some("klingon"), ..form() }).contains("--encoding"));
        assert!(told(args::Form { delimiter: some("x"), ..form() }).contains("input.delimiter"));
        for no_zone in ["CEST", "Europe/Berlin-Mitte", "Etc/Unknown", "../etc/passwd", ""] {
            assert!(
                told(args::Form { time_zone: some(no_zone), ..form() }).contains("--time-zone"),
                "{no_zone}"
            );
        }
        assert!(told(args::Form { map: vec!["usr=x".to_owned()], ..form() }).contains("did you mean user?"));
    }
}
