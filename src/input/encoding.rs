//! Which characters the bytes of a text file stand for. The one door to `encoding_rs`.
//!
//! An encoding is taken only where it is certain: a byte order mark, the zeros of UTF-16, or valid UTF-8. What is no
//! UTF-8 is Windows-1252 where nothing speaks against it.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;
use thiserror::Error;

/// How much is looked at at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// Bytes that stand for no character in Windows-1252 (Unicode's mapping table `CP1252.TXT`); in MS-DOS's code pages they
/// are letters, as 0x81 for ü.
const UNDEFINED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// The mark that a UTF-8 file may begin with.
pub(super) const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

/// A name that no encoding has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is no encoding: use for example utf-8, utf-16le, utf-16be or windows-1252")]
pub struct EncodingError;

impl Encoding {
    /// UTF-8.
    pub const UTF_8: Self = Self(UTF_8);

    /// An encoding by a name that the WHATWG Encoding Standard knows, in any case.
    ///
    /// # Errors
    /// When it knows none.
    pub fn named(label: &str) -> Result<Self, EncodingError> {
        encoding_rs::Encoding::for_label(label.as_bytes()).map(Self).ok_or(EncodingError)
    }

    /// The encoding of what `bytes` yields, which is read to its end where the beginning does not tell.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(bytes: &mut impl Read) -> io::Result<Self> {
        let mut seen = Seen::default();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut kept = 0;
        let mut is_beginning = true;
        loop {
            let count = fill(bytes, &mut buffer[kept..])?;
            let chunk = &buffer[..kept + count];
            if is_beginning && let Some(encoding) = told_by_beginning(chunk) {
                return Ok(encoding);
            }
            is_beginning = false;
            let rest = seen.look_at(chunk, count == 0);
            if count == 0 || seen.is_decided() {
                return Ok(seen.encoding());
            }
            let start = kept + count - rest;
            buffer.copy_within(start..start + rest, 0);
            kept = rest;
        }
    }

    /// The text that `bytes` stand for, without a byte order mark. UTF-8 is passed on as it is, also where it is not valid.
    pub(super) fn decode<'a>(self, bytes: impl Read + Send + 'a) -> Box<dyn Read + Send + 'a> {
        if self == Self::UTF_8 {
            return Box::new(WithoutMark { bytes, pending: None });
        }
        let mut decoder = DecodeReaderBytesBuilder::new();
        Box::new(decoder.encoding(Some(self.0)).bom_override(false).strip_bom(true).build(bytes))
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            "windows-1252" => f.write_str("Windows-1252"),
            name => f.write_str(name),
        }
    }
}

/// A byte order mark, or the zeros beside the first two letters, which no header has but in UTF-16.
fn told_by_beginning(bytes: &[u8]) -> Option<Encoding> {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return Some(Encoding(encoding)).filter(|encoding| *encoding != Encoding::UTF_8);
    }
    match bytes {
        [a, 0, b, 0, ..] if *a > 0 && *b > 0 => Some(Encoding(UTF_16LE)),
        [0, a, 0, b, ..] if *a > 0 && *b > 0 => Some(Encoding(UTF_16BE)),
        _ => None,
    }
}

/// What the bytes so far speak for.
#[derive(Debug, Default)]
struct Seen {
    /// Something that is no UTF-8.
    invalid: bool,
    /// A character of several bytes in UTF-8, which hardly ever comes about by chance.
    several_bytes: bool,
    /// A byte that is undefined in Windows-1252.
    undefined: bool,
}

impl Seen {
    /// Looks at bytes; gives how many at their end may be the beginning of a character.
    fn look_at(&mut self, mut bytes: &[u8], is_end: bool) -> usize {
        loop {
            match str::from_utf8(bytes) {
                Ok(text) => {
                    self.several_bytes |= !text.is_ascii();
                    return 0;
                }
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    self.several_bytes |= !valid.is_ascii();
                    let Some(length) = error.error_len().or_else(|| is_end.then_some(rest.len())) else {
                        return rest.len();
                    };
                    self.invalid = true;
                    self.undefined |= rest[..length].iter().any(|byte| UNDEFINED.contains(byte));
                    bytes = &rest[length..];
                }
            }
        }
    }

    const fn is_decided(&self) -> bool {
        self.invalid && (self.several_bytes || self.undefined)
    }

    /// A file in which both stand is UTF-8 with damage: its rows are told one by one.
    const fn encoding(&self) -> Encoding {
        if self.invalid && !self.is_decided() { Encoding(WINDOWS_1252) } else { Encoding::UTF_8 }
    }
}

/// Reads until the buffer is full or nothing is left.
pub(super) fn fill(bytes: &mut impl Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let room = buffer.len();
    while !buffer.is_empty() {
        match bytes.read(buffer) {
            Ok(0) => break,
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(room - buffer.len())
}

/// UTF-8 without the mark that it may begin with.
struct WithoutMark<R> {
    bytes: R,
    /// What was read to look for the mark; `None` before that.
    pending: Option<Vec<u8>>,
}

impl<R: Read> Read for WithoutMark<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.is_none() {
            let mut first = [0; UTF8_MARK.len()];
            let count = fill(&mut self.bytes, &mut first)?;
            let first = &first[..count];
            self.pending = Some(first.strip_prefix(UTF8_MARK).unwrap_or(first).to_vec());
        }
        match &mut self.pending {
            Some(pending) if !pending.is_empty() => {
                let count = pending.len().min(buffer.len());
                buffer[..count].copy_from_slice(&pending[..count]);
                pending.drain(..count);
                Ok(count)
            }
            Some(_) | None => self.bytes.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> String {
        Encoding::of(&mut &*bytes).unwrap().to_string()
    }

    fn read(bytes: &[u8]) -> String {
        let encoding = Encoding::of(&mut &*bytes).unwrap();
        io::read_to_string(encoding.decode(bytes)).unwrap()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_is_told_with_and_without_its_mark_and_read_without_it() {
        let text = "user,note\na@b.c,Jürgen 😀\n";
        for mark in ["", "\u{feff}"] {
            let marked = format!("{mark}{text}");
            for (name, bytes) in [
                ("UTF-8", marked.as_bytes().to_vec()),
                ("UTF-16LE", utf16(&marked, u16::to_le_bytes)),
                ("UTF-16BE", utf16(&marked, u16::to_be_bytes)),
            ] {
                assert_eq!((told(&bytes).as_str(), read(&bytes).as_str()), (name, text), "{mark:?}");
            }
        }
    }

    #[test]
    fn what_is_no_utf8_is_windows_1252_unless_something_speaks_against_it() {
        assert_eq!(read(b"user,note\na@b.c,J\xfcrgen \x80\n"), "user,note\na@b.c,Jürgen €\n");
        assert_eq!(told(b"J\xfcrgen"), "Windows-1252");
        assert_eq!(told(b"J\xfcrgen, J\xc3\xbcrgen"), "UTF-8", "both cannot be");
        assert_eq!(told(b"J\x81rgen"), "UTF-8", "MS-DOS's letter is none of Windows");
        assert_eq!(told("Jürgen".as_bytes()), "UTF-8");
        assert_eq!(told(b"J\xfc"), "Windows-1252", "a letter at the end");
    }

    #[test]
    fn a_character_that_lies_across_two_chunks_is_one() {
        for before in BUFFER_BYTES - 3..=BUFFER_BYTES {
            let mut bytes = vec![b'x'; before];
            bytes.extend_from_slice("ü€😀".as_bytes());
            assert_eq!(told(&bytes), "UTF-8", "{before}");
            bytes.push(0xfc);
            assert_eq!(told(&bytes), "UTF-8", "{before}: both");
        }
    }

    #[test]
    fn encodings_have_names() {
        assert_eq!(Encoding::named("UTF-16LE").unwrap().to_string(), "UTF-16LE");
        assert_eq!(Encoding::named("latin1").unwrap().to_string(), "Windows-1252");
        assert!(Encoding::named("klingon").is_err());
    }

    #[test]
    fn text_shorter_than_a_mark_is_read() {
        for text in ["", "a", "ab", "\u{feff}"] {
            assert_eq!(read(text.as_bytes()), text.trim_start_matches('\u{feff}'));
        }
    }
}
