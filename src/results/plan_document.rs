//! plan.json: what a run would do, row by row, with what it found, and a hash by which it is known again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::model::event::ObserverError;
use crate::model::foresight::{Deed, Kind};
use crate::model::outlook::Planned;
use crate::model::phone::PhoneType;
use crate::model::task::Task;
use crate::model::user_state::{Expectation, Expected, HeldPhone, SmsSignIn};

use super::whole_lines::fault;

/// The version of these keys and their meanings.
const FORMAT_VERSION: u32 = 1;

/// What a plan was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHeader {
    /// [`PlanHeader::FORMAT_VERSION`].
    pub format_version: u32,
    /// The program's version.
    pub program_version: String,
    /// When it was begun, RFC 3339 UTC.
    pub made_at: String,
    /// The absolute path of the rows' file.
    pub input: String,
    /// What the file was like.
    pub input_sha256: String,
    /// The files that its passwords stand in, and what they were like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub password_files: BTreeMap<String, String>,
    /// The Graph service that was read, without version.
    pub graph_root: String,
    /// The tenant's id or domain, where it is known.
    pub tenant: Option<String>,
    /// Whether a tenant was made up.
    pub rehearsal: bool,
    /// How the rows were understood: the business of who makes and who carries out the plan.
    pub reading: serde_json::Value,
}

impl PlanHeader {
    /// The version that this program writes and reads.
    pub const FORMAT_VERSION: u32 = FORMAT_VERSION;
}

/// A row of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    /// The data row's number.
    pub row: u64,
    /// Whose.
    pub user: String,
    /// What the file asks for; empty for a row that was not understood.
    pub action: String,
    /// `create`, `change`, `delete`, `switch`, `reset`, `read`, `nothing` or `blocked`.
    pub change: String,
    /// What is done, in order.
    pub steps: Vec<PlanStep>,
    /// What the user has before it, behind the rows before it; `None` where that is not known.
    pub before: Option<PlanPhones>,
    /// The `error_code` of a row that is blocked, else empty.
    pub code: String,
    /// Why it is, for people.
    pub reason: String,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// As of rows.
    pub change: String,
    /// `mobile`, `alternateMobile`, `office`; empty where no phone is touched.
    pub phone_type: String,
    /// The number, or for `switch` the state of SMS sign-in, before it.
    pub from: String,
    /// And behind it.
    pub to: String,
}

/// The phones that a user must have. A key that is not there says nothing of its phone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlanPhones {
    /// The first of the three.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub mobile: Said,
    /// Beside the mobile.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub alternate_mobile: Said,
    /// With or without an extension.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub office: Said,
}

/// What is said of a phone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// It is one of these; `null` is none.
    OneOf(Vec<Option<PlanPhone>>),
    /// It is this one, or `null`, which is none.
    One(Option<PlanPhone>),
    /// Nothing: it may be any.
    #[default]
    #[serde(skip)]
    Nothing,
}

impl Said {
    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn of(expected: &Expected) -> Self {
        let phone = |held: &HeldPhone| PlanPhone {
            number: held.number.to_string(),
            sms_sign_in_state: held.sms.name().to_owned(),
        };
        match expected {
            Expected::Anything => Self::Nothing,
            Expected::Absent => Self::One(None),
            Expected::Phone(held) => Self::One(Some(phone(held))),
            Expected::OneOf(several) => {
                Self::OneOf(several.iter().map(|held| held.as_ref().map(phone)).collect())
            }
        }
    }

    fn expected(&self) -> Expected {
        let held = |phone: &PlanPhone| HeldPhone {
            number: phone.number.as_str().into(),
            sms: SmsSignIn::named(&phone.sms_sign_in_state),
        };
        match self {
            Self::Nothing => Expected::Anything,
            Self::One(phone) => phone.as_ref().map_or(Expected::Absent, |phone| Expected::Phone(held(phone))),
            Self::OneOf(several) => {
                Expected::OneOf(several.iter().map(|phone| phone.as_ref().map(held)).collect())
            }
        }
    }
}

/// A phone that a user has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanPhone {
    /// As Graph shows it.
    pub number: String,
    /// In Graph's words; empty where it is not known.
    pub sms_sign_in_state: String,
}

impl PlanRow {
    /// A row that was understood.
    #[must_use]
    pub fn of(task: &Task, planned: &Planned) -> Self {
        let (code, reason) = match &planned.why {
            Some(why) => (why.code.name().to_owned(), why.reason.clone()),
            None => (String::new(), String::new()),
        };
        Self {
            row: task.row.number.0,
            user: task.user.as_str().to_owned(),
            action: task.action.name().to_owned(),
            change: planned.kind.name().to_owned(),
            steps: planned.deeds.iter().map(PlanStep::of).collect(),
            before: planned.before.as_ref().map(|state| PlanPhones::of(&Expectation::of(state))),
            code,
            reason,
        }
    }

    /// What comes of it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == self.change)
    }

    /// What its user must have for it to be done.
    #[must_use]
    pub fn expectation(&self) -> Option<Expectation> {
        self.before.as_ref().map(PlanPhones::expectation)
    }

    /// The row, done where its user is so.
    #[must_use]
    pub fn expecting(self, expectation: &Expectation) -> Self {
        Self { before: Some(PlanPhones::of(expectation)), ..self }
    }
}

impl PlanStep {
    fn of(deed: &Deed) -> Self {
        let (phone_type, from, to) = match deed {
            Deed::Create(phone) => (phone.phone_type.name(), String::new(), phone.number.to_string()),
            Deed::Change { phone, was } => {
                (phone.phone_type.name(), was.number.to_string(), phone.number.to_string())
            }
            Deed::Delete { phone_type, was } => (phone_type.name(), was.number.to_string(), String::new()),
            Deed::Switch { on, was } => (
                PhoneType::Mobile.name(),
                was.sms.name().to_owned(),
                if *on { "on" } else { "off" }.to_owned(),
            ),
            Deed::Reset | Deed::Read => ("", String::new(), String::new()),
        };
        Self { change: deed.kind().name().to_owned(), phone_type: phone_type.to_owned(), from, to }
    }
}

impl PlanPhones {
    fn of(expectation: &Expectation) -> Self {
        let [mobile, alternate_mobile, office] = expectation.phones.each_ref().map(Said::of);
        Self { mobile, alternate_mobile, office }
    }

    fn expectation(&self) -> Expectation {
        Expectation { phones: [&self.mobile, &self.alternate_mobile, &self.office].map(Said::expected) }
    }
}

/// Rows behind each other, hashed.
#[derive(Debug, Default)]
struct RowsHash(Sha256);

impl RowsHash {
    fn add(&mut self, json: &[u8]) {
        self.0.update(json);
        self.0.update(b"\n");
    }

    /// The plan's hash: of its header and of its rows.
    fn end(self, header: &PlanHeader) -> String {
        let mut whole = Sha256::new();
        whole.update(serde_json::to_vec(header).unwrap_or_default());
        whole.update(b"\n");
        whole.update(self.0.finalize());
        let mut hex = String::with_capacity(64);
        for byte in whole.finalize() {
            // Writing to a `String` cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// A plan that is being written.
#[derive(Debug)]
pub struct PlanWriter<'path> {
    path: &'path Path,
    file: BufWriter<File>,
    header: PlanHeader,
    hash: RowsHash,
    is_begun: bool,
}

impl<'path> PlanWriter<'path> {
    /// Makes the file, in the place of one that is there, readable by its owner only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &'path Path, header: PlanHeader) -> Result<Self, ObserverError> {
        let begin = || {
            let mut options = File::options();
            let file = super::whole_lines::private(options.write(true).create(true).truncate(true), path)?;
            let mut file = BufWriter::new(file);
            write!(file, "{{\"plan\":")?;
            serde_json::to_writer(&mut file, &header)?;
            write!(file, ",\n\"rows\":[")?;
            Ok(file)
        };
        let file = begin().map_err(fault(path))?;
        Ok(Self { path, file, header, hash: RowsHash::default(), is_begun: false })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, row: &PlanRow) -> Result<(), ObserverError> {
        let json = serde_json::to_vec(row).map_err(io::Error::from);
        let separator: &[u8] = if std::mem::replace(&mut self.is_begun, true) { b",\n" } else { b"\n" };
        let written = json.and_then(|json| {
            self.hash.add(&json);
            self.file.write_all(separator)?;
            self.file.write_all(&json)
        });
        written.map_err(fault(self.path))
    }

    /// Ends the file and gives the plan's hash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<String, ObserverError> {
        let hash = self.hash.end(&self.header);
        let written = writeln!(self.file, "\n],\n\"hash\":\"{hash}\"}}").and_then(|()| self.file.flush());
        written.map_err(fault(self.path))?;
        Ok(hash)
    }
}

/// Reads a plan; `see` is shown each row, in the order of the file, which is that of their numbers. Gives its header and its
/// hash.
///
/// # Errors
/// When it cannot be read, is no plan, or is not as it was written.
pub fn read_plan(path: &Path, mut see: impl FnMut(PlanRow)) -> Result<(PlanHeader, String), PlanError> {
    read_while(path, |row| {
        see(row);
        ControlFlow::Continue(())
    })
}

/// Does what [`read_plan`] does as long as `see` wants to go on; a plan that was not read to its end counts as none.
pub(super) fn read_while(
    path: &Path,
    see: impl FnMut(PlanRow) -> ControlFlow<()>,
) -> Result<(PlanHeader, String), PlanError> {
    let file = File::open(path).map_err(PlanError::Read)?;
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(file));
    let document = serde::de::DeserializeSeed::deserialize(DocumentSeed(see), &mut reader);
    let Document { plan, hash, rows } = document.map_err(|error| PlanError::Content(error.to_string()))?;
    if plan.format_version != FORMAT_VERSION {
        return Err(PlanError::Version(plan.format_version));
    }
    let now = rows.end(&plan);
    if now == hash { Ok((plan, hash)) } else { Err(PlanError::Changed { then: hash, now }) }
}

/// A plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It is none.
    #[error("it is no plan.json: {0}")]
    Content(String),
    /// A later program made it.
    #[error("it has format {0}, and this authwave knows {FORMAT_VERSION}: use the authwave that made it")]
    Version(u32),
    /// Somebody changed it.
    #[error("it was changed after it was made: its hash was {then}, and is {now}. Make a new plan")]
    Changed {
        /// What it says.
        then: String,
        /// What it is.
        now: String,
    },
}

struct Document {
    plan: PlanHeader,
    hash: String,
    rows: RowsHash,
}

struct DocumentSeed<F>(F);

impl<'de, F: FnMut(PlanRow) -> ControlFlow<()>> serde::de::DeserializeSeed<'de> for DocumentSeed<F> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(PlanRow) -> ControlFlow<()>> Visitor<'de> for DocumentSeed<F> {
    type Value = Document;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a plan with `plan`, `rows` and `hash`")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Document, A::Error> {
        let (mut plan, mut hash, mut rows) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "plan" => plan = Some(map.next_value()?),
                "hash" => hash = Some(map.next_value()?),
                "rows" => rows = Some(map.next_value_seed(RowsSeed(&mut self.0))?),
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        let lacking = serde::de::Error::missing_field;
        Ok(Document {
            plan: plan.ok_or_else(|| lacking("plan"))?,
            hash: hash.ok_or_else(|| lacking("hash"))?,
            rows: rows.ok_or_else(|| lacking("rows"))?,
        })
    }
}

/// Rows are shown one by one: a list of all would take more memory than the run.
struct RowsSeed<'see, F>(&'see mut F);

impl<'de, F: FnMut(PlanRow) -> ControlFlow<()>> serde::de::DeserializeSeed<'de> for RowsSeed<'_, F> {
    type Value = RowsHash;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RowsHash, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(PlanRow) -> ControlFlow<()>> Visitor<'de> for RowsSeed<'_, F> {
    type Value = RowsHash;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<RowsHash, A::Error> {
        let (mut hash, mut last) = (RowsHash::default(), 0);
        while let Some(row) = rows.next_element::<PlanRow>()? {
            if row.row <= last {
                let told = format!("row {} stands behind row {last}", row.row);
                return Err(serde::de::Error::custom(told));
            }
            last = row.row;
            hash.add(&serde_json::to_vec(&row).map_err(serde::de::Error::custom)?);
            if (self.0)(row).is_break() {
                return Err(serde::de::Error::custom("nobody wants the others"));
            }
        }
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::user_state::UserState;

    fn header() -> PlanHeader {
        PlanHeader {
            format_version: FORMAT_VERSION,
            program_version: "0.1.0".to_owned(),
            made_at: "2026-01-02T03:04:05Z".to_owned(),
            input: "/srv/wave.csv".to_owned(),
            input_sha256: "00".to_owned(),
            password_files: [("/srv/passwords.csv".to_owned(), "01".to_owned())].into(),
            graph_root: "https://graph.test".to_owned(),
            tenant: None,
            rehearsal: false,
            reading: serde_json::json!({"map": ["user=mail"]}),
        }
    }

    fn row(number: u64) -> PlanRow {
        let mobile = PlanPhone { number: "+1 4255550100".to_owned(), sms_sign_in_state: "ready".to_owned() };
        PlanRow {
            row: number,
            user: "adele.vance@contoso.com".to_owned(),
            action: "set-phone".to_owned(),
            change: "change".to_owned(),
            steps: vec![PlanStep {
                change: "change".to_owned(),
                phone_type: "mobile".to_owned(),
                from: "+1 4255550100".to_owned(),
                to: "+1 4255550101".to_owned(),
            }],
            before: Some(PlanPhones { mobile: Said::One(Some(mobile)), ..PlanPhones::default() }),
            code: String::new(),
            reason: String::new(),
        }
    }

    fn written(directory: &Path) -> (std::path::PathBuf, String) {
        let path = directory.join("plan.json");
        let mut writer = PlanWriter::create(&path, header()).unwrap();
        writer.push(&row(1)).unwrap();
        writer.push(&row(2)).unwrap();
        let hash = writer.finish().unwrap();
        (path, hash)
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let (path, hash) = written(directory.path());
        let mut rows = Vec::new();
        assert_eq!(read_plan(&path, |row| rows.push(row)).unwrap(), (header(), hash));
        assert_eq!(rows, [row(1), row(2)]);
        let state = rows[0].expectation().unwrap().imposed_on(&UserState::default());
        assert_eq!(state.phone(PhoneType::Mobile).unwrap().sms, SmsSignIn::Ready);
        assert_eq!((rows[0].kind(), state.phone_count()), (Some(Kind::Change), 1));
    }

    #[test]
    fn what_is_said_of_a_phone_is_read_as_it_was_written() {
        let held = || HeldPhone { number: "+1 4255550100".into(), sms: SmsSignIn::Ready };
        let [none, this] = [Expected::Absent, Expected::Phone(held())];
        let either = || Expected::OneOf(vec![Some(held()), None]);
        for phones in [[none, this, Expected::Anything], [Expected::Anything, either(), either()]] {
            let expectation = Expectation { phones };
            let json = serde_json::to_string(&PlanPhones::of(&expectation)).unwrap();
            assert_eq!(
                serde_json::from_str::<PlanPhones>(&json).unwrap().expectation(),
                expectation,
                "{json}"
            );
        }
    }

    #[test]
    fn whatever_is_changed_in_a_plan_is_found_out() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = written(directory.path());
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in
            [("0101", "0102"), ("wave.csv", "wake.csv"), ("\"01\"", "\"02\""), ("\"row\":2", "\"row\":3")]
        {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert!(matches!(read_plan(&path, |_| {}), Err(PlanError::Changed { .. })), "{from}");
        }
        // Rows are looked up in this order while a run goes on.
        let twice = text.replacen("\"row\":2", "\"row\":1", 1);
        std::fs::write(&path, twice).unwrap();
        let error = read_plan(&path, |_| {}).unwrap_err().to_string();
        assert!(error.contains("row 1 stands behind row 1"), "{error}");
        // Blanks between its words are nobody's business.
        std::fs::write(&path, text.replace(",\n", ",\n  ")).unwrap();
        read_plan(&path, |_| {}).unwrap();
        std::fs::write(&path, text.replacen("\"format_version\":1", "\"format_version\":2", 1)).unwrap();
        assert!(matches!(read_plan(&path, |_| {}), Err(PlanError::Version(2))));
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(read_plan(&path, |_| {}), Err(PlanError::Content(_))));
    }
}
