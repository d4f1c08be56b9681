//! Any table that is written in any supported dialect and encoding is read back the same.

use std::fs;
use std::io::Write as _;

use proptest::prelude::*;

use authwave::input::content::Form;
use authwave::input::records::Records;

/// What a spreadsheet may hold, in characters that Windows-1252 has, too. No cell makes a row blank or a comment.
const CELL: &str = "[ -~äöüßéñ€\r\n]{0,10}";

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16Le,
    Utf16Be,
    Utf16LeWithoutMark,
    Windows1252,
}

fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8WithMark => format!("\u{feff}{text}").into_bytes(),
        Encoding::Utf16Le => utf16(&format!("\u{feff}{text}"), u16::to_le_bytes),
        Encoding::Utf16Be => utf16(&format!("\u{feff}{text}"), u16::to_be_bytes),
        Encoding::Utf16LeWithoutMark => utf16(text, u16::to_le_bytes),
        Encoding::Windows1252 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
    }
}

#[derive(Debug, Clone, Copy)]
enum LineEnd {
    Lf,
    CrLf,
    Cr,
}

fn written(rows: &[Vec<String>], delimiter: u8, end: LineEnd, is_quoted: bool) -> String {
    let terminator = match end {
        LineEnd::Lf => csv::Terminator::Any(b'\n'),
        LineEnd::CrLf => csv::Terminator::CRLF,
        LineEnd::Cr => csv::Terminator::Any(b'\r'),
    };
    let style = if is_quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let mut builder = csv::WriterBuilder::new();
    builder.delimiter(delimiter).terminator(terminator).quote_style(style).comment(Some(b'#'));
    let mut writer = builder.from_writer(Vec::new());
    writer.write_record(["user", "action", "note"]).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_table_in_any_dialect_and_encoding_reads_back_the_same(
        cells in prop::collection::vec(("[a-z]{1,6}@b\\.c", CELL, CELL), 1..8),
        delimiter in prop::sample::select(&[b',', b';', b'\t', b'|'][..]),
        end in prop::sample::select(&[LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr][..]),
        encoding in prop::sample::select(&[
            Encoding::Utf8,
            Encoding::Utf8WithMark,
            Encoding::Utf16Le,
            Encoding::Utf16Be,
            Encoding::Utf16LeWithoutMark,
            Encoding::Windows1252,
        ][..]),
        (is_quoted, names_separator, is_packed) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        // In Windows-1252 a euro sign behind some letters is valid UTF-8, which then cannot be told from it.
        let is_windows = matches!(encoding, Encoding::Windows1252);
        let cell = |text: String| if is_windows { text.replace('€', "$") } else { text };
        let rows: Vec<_> =
            cells.into_iter().map(|(user, action, note)| vec![user, cell(action), cell(note)]).collect();
        let mut text = written(&rows, delimiter, end, is_quoted);
        if names_separator {
            let line_end = match end { LineEnd::Lf => "\n", LineEnd::CrLf => "\r\n", LineEnd::Cr => "\r" };
            text = format!("sep={}{line_end}{text}", char::from(delimiter));
        }
        let bytes = encoded(&text, encoding);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        fs::write(&path, if is_packed { packed(&bytes) } else { bytes }).unwrap();
        let mut records = Records::open(&path, &Form::default(), |name| ["user", "action"].contains(&name)).unwrap();
        for _ in 0..2 {
            let mut back = Vec::new();
            while let Some(record) = records.read().unwrap() {
                prop_assert!(record.is_readable);
                back.push(record.row.fields.iter().map(ToString::to_string).collect::<Vec<_>>());
            }
            prop_assert_eq!(&back, &rows);
            records.rewind().unwrap();
        }
    }
}
