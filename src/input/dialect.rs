//! How the lines of a text file are cut into fields: told by the names in its header, never by counting.

use std::fmt;
use std::io::{self, Read};

use csv::ReaderBuilder;
use thiserror::Error;

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, as Excel has it where the comma is the decimal sign.
    Semicolon,
    /// A tab, as in Excel's "Unicode text".
    Tab,
    /// `|`
    Pipe,
}

/// A name that no delimiter has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is no delimiter: use comma, semicolon, tab or pipe")]
pub struct DelimiterError;

impl Delimiter {
    /// All of them; the first that fits is taken.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// A delimiter by its name or its character.
    ///
    /// # Errors
    /// When it is none.
    pub fn named(name: &str) -> Result<Self, DelimiterError> {
        let is_meant = |delimiter: &Self| {
            name.eq_ignore_ascii_case(delimiter.name()) || name.as_bytes() == [delimiter.byte()] || {
                *delimiter == Self::Tab && name == r"\t"
            }
        };
        Self::ALL.into_iter().find(is_meant).ok_or(DelimiterError)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
        }
    }

    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed, as on Unix.
    LineFeed,
    /// A carriage return and a line feed, as on Windows.
    Both,
    /// A carriage return alone, as on a Mac of old.
    Return,
}

impl LineEnd {
    /// How many line ends are in a text.
    pub(super) fn count(self, text: &[u8]) -> u64 {
        let ends_line = |byte: &&u8| **byte == b'\n' || self == Self::Return && **byte == b'\r';
        text.iter().filter(ends_line).count() as u64
    }
}

/// How a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Between two fields.
    pub(super) delimiter: Delimiter,
    /// How many bytes before the header are a `sep=` line.
    pub(super) skipped: usize,
    /// How its first line ends, and with it all.
    pub(super) line_end: LineEnd,
}

impl Dialect {
    /// The dialect of a file that begins so. Where no delimiter is forced or named by a `sep=` line, it is the one that
    /// yields the most names for which `is_known` holds, and the comma where none does.
    pub(super) fn of(head: &[u8], forced: Option<Delimiter>, is_known: impl Fn(&str) -> bool) -> Self {
        let (named, skipped) = separator_line(head).map_or((None, 0), |(named, end)| (Some(named), end));
        let rest = &head[skipped..];
        let line_end = line_end(if skipped > 0 { head } else { rest });
        let known = |delimiter: Delimiter| {
            header(rest, delimiter, line_end).iter().filter(|name| is_known(name)).count()
        };
        // Of equals the last is the greatest, so the comma has to come last.
        let likeliest = || Delimiter::ALL.into_iter().rev().max_by_key(|delimiter| known(*delimiter));
        let delimiter = forced.or(named).or_else(likeliest).unwrap_or(Delimiter::Comma);
        Self { delimiter, skipped, line_end }
    }
}

/// The names in the first line that is no comment.
fn header(head: &[u8], delimiter: Delimiter, line_end: LineEnd) -> Vec<String> {
    let mut reader = ReaderBuilder::new();
    reader.has_headers(false).flexible(true).comment(Some(b'#')).delimiter(delimiter.byte());
    let lines = LineFeeds::new(head, line_end);
    let mut records = reader.from_reader(lines).into_byte_records();
    let first = records.find(|record| {
        record.as_ref().is_ok_and(|record| record.iter().any(|field| !field.trim_ascii().is_empty()))
    });
    let Some(Ok(first)) = first else { return Vec::new() };
    first.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// What Excel reads, and writes for others, as the first line: `sep=;`.
fn separator_line(head: &[u8]) -> Option<(Delimiter, usize)> {
    let end = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let line = head[..end].trim_ascii_start();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (sep, rest) = line.split_at_checked(4)?;
    if !sep.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let delimiter = Delimiter::ALL.into_iter().find(|delimiter| rest == [delimiter.byte()])?;
    let length = if head[end..].starts_with(b"\r\n") { 2 } else { 1 };
    Some((delimiter, end + length))
}

fn line_end(head: &[u8]) -> LineEnd {
    let mut is_quoted = false;
    let end = head.iter().position(|byte| {
        is_quoted ^= *byte == b'"';
        !is_quoted && matches!(byte, b'\r' | b'\n')
    });
    match end.map(|end| &head[end..]) {
        Some([b'\r', b'\n', ..]) => LineEnd::Both,
        Some([b'\r', ..]) => LineEnd::Return,
        Some(_) | None => LineEnd::LineFeed,
    }
}

/// Text whose lines end with a line feed, also where it had carriage returns alone: a comment would have no end there.
pub(super) struct LineFeeds<R> {
    text: R,
    replaces: bool,
    is_quoted: bool,
}

impl<R> LineFeeds<R> {
    pub(super) const fn new(text: R, line_end: LineEnd) -> Self {
        Self { text, replaces: matches!(line_end, LineEnd::Return), is_quoted: false }
    }
}

impl<R: Read> Read for LineFeeds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer)?;
        if self.replaces {
            for byte in &mut buffer[..count] {
                self.is_quoted ^= *byte == b'"';
                if *byte == b'\r' && !self.is_quoted {
                    *byte = b'\n';
                }
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(head: &str) -> (Delimiter, usize, LineEnd) {
        let is_known = |name: &str| ["user", "action", "phone"].contains(&name);
        let Dialect { delimiter, skipped, line_end } = Dialect::of(head.as_bytes(), None, is_known);
        (delimiter, skipped, line_end)
    }

    #[test]
    fn the_delimiter_is_the_one_that_yields_known_names_however_often_others_occur() {
        for (head, delimiter) in [
            ("user,action\n", Delimiter::Comma),
            ("user;action;a,b,c,d,e\n", Delimiter::Semicolon),
            ("user\taction;x;y;z\n", Delimiter::Tab),
            ("# a, b, c\n\nuser|action\n", Delimiter::Pipe),
            ("\"user\";\"a;b,c\"\n", Delimiter::Semicolon),
            ("user\n", Delimiter::Comma),
            ("x;y;z\n", Delimiter::Comma),
        ] {
            assert_eq!(dialect(head), (delimiter, 0, LineEnd::LineFeed), "{head:?}");
        }
    }

    #[test]
    fn a_sep_line_names_the_delimiter_and_is_no_header() {
        assert_eq!(dialect("sep=;\r\nuser;action\r\n"), (Delimiter::Semicolon, 7, LineEnd::Both));
        assert_eq!(dialect("\"SEP=|\"\nuser,action\n"), (Delimiter::Pipe, 8, LineEnd::LineFeed));
        assert_eq!(dialect("sep=;\ruser;action\r"), (Delimiter::Semicolon, 6, LineEnd::Return));
        assert_eq!(
            dialect("sep=;;\nuser,action\n"),
            (Delimiter::Comma, 0, LineEnd::LineFeed),
            "no such line"
        );
    }

    #[test]
    fn a_forced_delimiter_wins() {
        let forced = Dialect::of(b"sep=;\nuser;action\n", Some(Delimiter::Comma), |_| true);
        assert_eq!((forced.delimiter, forced.skipped), (Delimiter::Comma, 6));
    }

    #[test]
    fn carriage_returns_alone_are_told_and_read_as_line_ends_outside_of_quotes() {
        assert_eq!(dialect("user,action\ra,b\r").2, LineEnd::Return);
        assert_eq!(dialect("user,action\r\na,b\r\n").2, LineEnd::Both);
        assert_eq!(dialect("\"us\rer\",action\na,b\n").2, LineEnd::LineFeed);
        let read = |text: &str| io::read_to_string(LineFeeds::new(text.as_bytes(), LineEnd::Return)).unwrap();
        assert_eq!(read("a\r# b\r\"c\rd\"\r"), "a\n# b\n\"c\rd\"\n");
    }

    #[test]
    fn delimiters_have_names() {
        for delimiter in Delimiter::ALL {
            assert_eq!(Delimiter::named(delimiter.name()), Ok(delimiter));
            assert_eq!(Delimiter::named(&char::from(delimiter.byte()).to_string()), Ok(delimiter));
        }
        assert_eq!(Delimiter::named(r"\t"), Ok(Delimiter::Tab));
        assert!(Delimiter::named("x").is_err());
    }
}
