//! One line of the input as it was written.

use std::fmt;

use serde::Deserialize;
use smallvec::SmallVec;

/// The number of a data row. The first row after the header is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowNumber(pub u64);

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One data row: its number, and its fields in the order of the header.
///
/// The fields may hold a password; [`Header::new_password`](super::header::Header::new_password) says where.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Results are told apart by this number, never by position.
    pub number: RowNumber,
    /// Every field as written, kept so that results can carry them through.
    pub fields: Box<Fields>,
}

/// The fields of a row, in one text and not each in a text of its own: a row is read, carried and dropped as a whole.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Fields {
    text: Box<str>,
    /// Where each field ends in the text. Rows are some kilobytes long at most.
    ends: SmallVec<[u32; 8]>,
}

impl Fields {
    /// The fields of which `text` is made, each up to one of `ends`; `None` where one ends within a character.
    pub fn of(text: &str, ends: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut own = SmallVec::new();
        for end in ends {
            own.push(text.is_char_boundary(end).then(|| u32::try_from(end).ok())??);
        }
        Some(Self { text: text.into(), ends: own })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field at `column`.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&str> {
        let end = *self.ends.get(column)?;
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start as usize..end as usize)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|column| self.get(column))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Fields {
    fn from_iter<I: IntoIterator<Item = S>>(fields: I) -> Self {
        let (mut text, mut ends) = (String::new(), SmallVec::new());
        for field in fields {
            text.push_str(field.as_ref());
            // What is longer than four gigabytes is no line of ours.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { text: text.into(), ends }
    }
}

impl From<Vec<String>> for Fields {
    fn from(fields: Vec<String>) -> Self {
        fields.into_iter().collect()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // They stay out: one of them may be a password.
        write!(f, "{} fields", self.len())
    }
}

impl Row {
    /// The field at `column`, or the empty text where the row is too short.
    #[must_use]
    pub fn field(&self, column: usize) -> &str {
        self.fields.get(column).unwrap_or_default()
    }
}

/// A set of rows: a bit for each row up to the highest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// Adds a row.
    pub fn insert(&mut self, row: RowNumber) {
        let (word, bit) = place(row);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Takes a row out.
    pub fn remove(&mut self, row: RowNumber) {
        let (word, bit) = place(row);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Whether a row is in it.
    #[must_use]
    pub fn contains(&self, row: RowNumber) -> bool {
        let (word, bit) = place(row);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many rows are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether no row is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The rows, rising.
    pub fn iter(&self) -> impl Iterator<Item = RowNumber> {
        let bits = |word: u64| (0..64).filter(move |bit| word & (1 << bit) != 0);
        self.words
            .iter()
            .zip(0_u64..)
            .flat_map(move |(word, at)| bits(*word).map(move |bit| RowNumber(at * 64 + bit)))
    }

    /// Adds all rows of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }
}

/// More rows than memory can hold bits for are refused long before.
fn place(row: RowNumber) -> (usize, u64) {
    (usize::try_from(row.0 / 64).unwrap_or(usize::MAX), 1 << (row.0 % 64))
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, {:?})", self.number, self.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stay_apart_and_are_never_cut_within_a_character() {
        let texts = ["", "a", "\u{fc}", ""];
        let fields: Fields = texts.iter().collect();
        assert_eq!(fields.iter().collect::<Vec<_>>(), texts);
        assert_eq!((fields.get(2), fields.get(4), fields.len()), (Some("\u{fc}"), None, 4));
        assert_eq!(Fields::of("a\u{fc}", [0, 1, 3, 3]), Some(fields.clone()));
        assert_eq!(Fields::of("a\u{fc}", [0, 2, 3]), None);
        assert_ne!(fields, ["a", "", "\u{fc}", ""].iter().collect());
        assert_eq!(serde_json::from_str::<Fields>(r#"["","a","\u00fc",""]"#).unwrap(), fields);
    }

    #[test]
    fn a_set_of_rows_holds_what_was_put_into_it() {
        let mut set = RowSet::default();
        assert!(set.is_empty() && !set.contains(RowNumber(1)));
        for row in [1, 63, 64, 65, 100_000] {
            set.insert(RowNumber(row));
            set.insert(RowNumber(row));
        }
        set.remove(RowNumber(64));
        set.remove(RowNumber(1_000_000));
        let mut other = RowSet::default();
        other.insert(RowNumber(2));
        other.extend(&set);
        let rows: Vec<u64> = (0..200_000).filter(|row| other.contains(RowNumber(*row))).collect();
        assert_eq!(rows, [1, 2, 63, 65, 100_000]);
        assert_eq!(other.iter().map(|row| row.0).collect::<Vec<_>>(), rows);
        assert_eq!((set.len(), other.len()), (4, 5));
    }
}
