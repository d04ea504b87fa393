//! Every kind of input, whole, cut and damaged.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

/// All the text of an input and the error that ended it.
fn read(input: Input) -> (Vec<u8>, Option<InputError>) {
    let mut reader = match input.open() {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let (mut text, mut block) = (Vec::new(), Block::default());
    loop {
        match reader.next_block(&mut block) {
            Ok(true) => text.extend_from_slice(&block.text),
            Ok(false) => return (text, None),
            Err(error) => return (text, Some(error)),
        }
    }
}

fn check(bytes: Vec<u8>, expect: &[u8]) {
    let size = u64::try_from(bytes.len()).unwrap();
    let mut reader = Input::bytes("events", bytes).open().unwrap();
    let (mut text, mut block) = (Vec::new(), Block::default());
    while reader.next_block(&mut block).unwrap() {
        text.extend_from_slice(&block.text);
    }
    assert_eq!(text.escape_ascii().to_string(), expect.escape_ascii().to_string());
    assert_eq!(reader.bytes_read(), size, "progress counts what is stored");
}

fn check_error(input: Input, expect_text: &[u8], expect: &str) {
    let (text, error) = read(input);
    let error = error.expect("an error");
    assert_eq!(text, expect_text);
    assert_eq!(format!("{error}; {}", error.hint().unwrap_or_default()), expect);
}

#[test]
fn plain_text_is_read_as_it_is() {
    check(b"".to_vec(), b"");
    check(b"{}".to_vec(), b"{}\n");
    check(b"{}\n{\"a\":1}\n".to_vec(), b"{}\n{\"a\":1}\n");
    check(b"\xef\xbb\xbf{}\n".to_vec(), b"{}\n");
}

#[test]
fn packed_text_is_unpacked_whatever_its_name() {
    check(gzip(b"one\ntwo"), b"one\ntwo\n");
    check(zstandard(b"one\ntwo"), b"one\ntwo\n");
    check(gzip(b""), b"");
    check(zstandard(b""), b"");
    check(gzip("\u{feff}one\n".as_bytes()), b"one\n");
    let long = b"0123456789 a line\n".repeat(100_000);
    check(gzip(&long), &long);
    check(zstandard(&long), &long);
}

#[test]
fn members_and_frames_are_joined_also_within_a_line() {
    check([gzip(b"one\ntw"), gzip(b""), gzip(b"o\nthree\n")].concat(), b"one\ntwo\nthree\n");
    check([zstandard(b"one\ntw"), zstandard(b"o\n")].concat(), b"one\ntwo\n");
    let skippable = b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab".to_vec();
    check([skippable, zstandard(b"one\n")].concat(), b"one\n");
}

#[test]
fn a_packed_name_with_plain_lines_is_plain() {
    assert_eq!(read(Input::bytes("events.ndjson.gz", b"{\"a\":1}\n".to_vec())).0, b"{\"a\":1}\n");
}

#[test]
fn cut_archives_give_their_whole_lines_and_then_an_error_wherever_they_are_cut() {
    let text = b"first line\nsecond line\nthird line\n";
    for (packed, format) in [(gzip(text), "gzip"), (zstandard(text), "zstd")] {
        for cut in 0..packed.len() {
            let name = if format == "gzip" { "events.gz" } else { "events.zst" };
            let (read, error) = read(Input::bytes(name, packed[..cut].to_vec()));
            assert!(
                text.starts_with(&read) && (read.is_empty() || read.ends_with(b"\n")),
                "cut at {cut}"
            );
            assert!(
                matches!(error, Some(InputError::Truncated { .. })),
                "cut at {cut} of {format}: {error:?}"
            );
        }
    }
}

#[test]
fn damaged_archives_are_errors() {
    let mut packed = gzip(b"first line\nsecond line\n");
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    check_error(
        Input::bytes("a.gz", packed),
        b"first line\nsecond line\n",
        "the gzip data of `a.gz` are damaged, in line 3 or after it; fetch or write the file again; the events before this place were read",
    );
    let followed = [gzip(b"one\n"), b"and no member".to_vec()].concat();
    check_error(
        Input::bytes("a.gz", followed),
        b"one\n",
        "the gzip data of `a.gz` are damaged, in line 2 or after it; fetch or write the file again; the events before this place were read",
    );
    let mut frame = zstandard(b"first line\n");
    frame[5] = 0xff;
    let (_, error) = read(Input::bytes("a.zst", frame));
    assert!(
        matches!(error, Some(InputError::Damaged { .. } | InputError::Truncated { .. })),
        "{error:?}"
    );
}

#[test]
fn other_formats_are_named() {
    check_error(
        Input::bytes("a.zip", b"PK\x03\x04rest".to_vec()),
        b"",
        "`a.zip` holds zip data, which are not read as events; unpack it first; gzip and zstd are unpacked on the way",
    );
    check_error(
        Input::bytes("a.parquet", b"PAR1rest".to_vec()),
        b"",
        "`a.parquet` holds Parquet data, which are not read as events; write the events as JSON, one per line",
    );
}

#[test]
fn a_missing_file_and_a_folder_are_errors_before_and_at_opening() {
    let missing = || Input::path(PathBuf::from("no/such/file"));
    let folder = || Input::path(std::env::temp_dir());
    let text = "could not open `no/such/file`; check the path; `-` reads standard input";
    check_error(missing(), b"", text);
    assert!(matches!(missing().check(), Err(InputError::Open { .. })));
    assert!(matches!(read(folder()).1, Some(InputError::Folder { .. })));
    assert!(matches!(folder().check(), Err(InputError::Folder { .. })));
    assert_eq!(missing().size_hint(), None);
    assert_eq!(folder().size_hint(), None);
}

#[test]
fn a_file_knows_its_size() {
    let path =
        std::env::temp_dir().join(format!("streamgauge-input-{}.ndjson", std::process::id()));
    fs::write(&path, b"{}\n{}\n").unwrap();
    let input = Input::path(path.clone());
    assert_eq!((input.size_hint(), input.name()), (Some(6), &*path.display().to_string()));
    assert!(input.check().is_ok());
    assert_eq!(read(input).0, b"{}\n{}\n");
    fs::remove_file(&path).unwrap();
}
