//! Lines in the order of their row numbers, made from lines that nearly stand so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead, ErrorKind, Write};

/// How many lines later than its place a line may stand. Rows end that much apart when one waits out a pause.
const REACH: usize = 8_192;

/// Copies a CSV file in the order of the row numbers with which its lines begin. Its header stays first.
///
/// # Errors
/// When it cannot be read or written, and when a line stands too far behind its place.
pub(super) fn copy(mut from: impl BufRead, mut to: impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    read_line(&mut from, &mut line)?;
    to.write_all(&line)?;
    let mut waiting = BinaryHeap::with_capacity(REACH + 1);
    let mut last = 0;
    loop {
        line.clear();
        let is_another = read_line(&mut from, &mut line)?;
        if is_another {
            waiting.push(Reverse((row_number(&line)?, line)));
        }
        if is_another && waiting.len() <= REACH {
            line = Vec::new();
            continue;
        }
        let Some(Reverse((number, first))) = waiting.pop() else { return to.flush() };
        if number < last {
            return Err(io::Error::new(ErrorKind::InvalidData, "a line stands too far behind its place"));
        }
        last = number;
        to.write_all(&first)?;
        line = first;
    }
}

/// `false` at the end. A line break between quotes is part of a field.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let mut is_quoted = false;
    loop {
        let before = line.len();
        from.read_until(b'\n', line)?;
        is_quoted = line[before..].iter().fold(is_quoted, |is_quoted, byte| is_quoted ^ (*byte == b'"'));
        if !is_quoted || line.len() == before {
            return Ok(!line.is_empty());
        }
    }
}

fn row_number(line: &[u8]) -> io::Result<u64> {
    let digits = line.split(|byte| *byte == b',').next().unwrap_or_default();
    let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "a line begins with no row number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(text: &str) -> io::Result<String> {
        let mut copied = Vec::new();
        copy(text.as_bytes(), &mut copied)?;
        Ok(String::from_utf8(copied).unwrap())
    }

    fn lines(numbers: impl IntoIterator<Item = usize>) -> String {
        numbers.into_iter().fold("row,note\n".to_owned(), |text, number| text + &format!("{number},x\n"))
    }

    #[test]
    fn lines_come_in_the_order_of_their_numbers() {
        let text = "row,note\n10,ten\n2,\"a, \"\"b\"\"\nand c\"\n1,\"\n\"\n";
        assert_eq!(ordered(text).unwrap(), "row,note\n1,\"\n\"\n2,\"a, \"\"b\"\"\nand c\"\n10,ten\n");
        assert_eq!(ordered("row,note\n").unwrap(), "row,note\n");
        assert_eq!(ordered("").unwrap(), "");
    }

    #[test]
    fn a_line_finds_its_place_from_as_far_behind_as_is_said() {
        let count = 3 * REACH;
        let late = |by: usize| (2..=1 + by).chain([1]).chain(2 + by..=count);
        assert_eq!(ordered(&lines(late(REACH))).unwrap(), lines(1..=count));
        assert!(ordered(&lines(late(REACH + 1))).is_err());
    }

    #[test]
    fn what_is_no_such_file_is_not_copied() {
        assert!(ordered("row,note\nx,1\n").is_err());
        assert!(ordered("row,note\n,1\n").is_err());
    }
}
