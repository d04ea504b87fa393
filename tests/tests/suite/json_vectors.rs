//! Published cases against the engine's JSON: nst/JSONTestSuite and the big list of naughty strings.
//!
//! Each case stands as a value inside an otherwise good event, where a field is read and where none is, and also as a whole line; it
//! is read by the scanner, and by guessing after the extractor has learnt the layout of the event around it.

use super::shared_data::vectors;
use streamgauge_engine::field::{FieldTable, FieldValues, Raw};
use streamgauge_engine::json::{Extractor, JsonError, unescape};
use streamgauge_engine::reject::RejectCode;

/// Texts before and after a case: as the value of a field, of a field inside `data`, and of something that no field reads. All
/// go on behind the case, so that a case which closes what is around it leaves something over that is wrong.
const EVENTS: [(&str, &str); 3] = [
    (r#"{"type":"t","wanted":"#, r#","id":"a","data":{"other":1}}"#),
    (r#"{"type":"t","data":{"wanted":"#, r#","other":1},"id":"a"}"#),
    (r#"{"type":"t","data":{"skipped":{"deep":"#, r#"},"other":1},"id":"a"}"#),
];

fn fields() -> FieldTable {
    let mut fields = FieldTable::default();
    for path in [&["type"][..], &["wanted"], &["data", "wanted"], &["id"]] {
        fields.intern(path);
    }
    fields
}

/// What the scanner says of a line; asserts that guessing says the same, after it has learnt from `teacher`.
fn read<'a>(line: &'a str, teacher: &str, name: &str) -> Result<Vec<Raw<'a>>, JsonError> {
    let fields = fields();
    let mut extractor = Extractor::new(&fields);
    let mut values = FieldValues::new(fields.len());
    let scanned =
        extractor.scan(line, 0..line.len(), &mut values).map(|()| values.as_mut_slice().to_vec());
    extractor.extract(teacher, 0..teacher.len(), &mut FieldValues::new(fields.len())).unwrap();
    for _ in 0..2 {
        let guessed = extractor
            .extract(line, 0..line.len(), &mut values)
            .map(|()| values.as_mut_slice().to_vec());
        assert_eq!(guessed, scanned, "{name}: guessing differs from scanning");
    }
    scanned
}

/// Whether the case is a JSON value, wherever it stands.
fn is_accepted(text: &str, name: &str) -> bool {
    let teacher = format!("{}1{}", EVENTS[0].0, EVENTS[0].1);
    let alone = match read(text, &teacher, name) {
        Ok(_) => true,
        Err(error) if error.code == RejectCode::NotAnObject => true,
        Err(error) => {
            assert!(
                matches!(error.code, RejectCode::InvalidJson | RejectCode::TooDeep),
                "{name}: {error:?}"
            );
            false
        }
    };
    for (before, behind) in EVENTS {
        let line = format!("{before}{text}{behind}");
        let result = read(&line, &format!("{before}1{behind}"), name);
        assert_eq!(result.is_ok(), alone, "{name}: {line} gives {result:?}");
        let Ok(values) = result else { continue };
        let wanted = [values[1], values[2]].into_iter().find_map(written);
        assert!(
            wanted.is_none() || wanted == Some(text.trim().to_owned()),
            "{name}: found {wanted:?}"
        );
        assert_eq!((values[0], values[3]), (Raw::Text("t"), Raw::Text("a")), "{name}");
    }
    alone
}

/// A value as it stood in the line.
fn written(value: Raw<'_>) -> Option<String> {
    match value {
        Raw::Unreachable | Raw::Absent => None,
        Raw::Null => Some("null".into()),
        Raw::Bool(value) => Some(value.to_string()),
        Raw::Number(text) | Raw::Array(text) | Raw::Object(text) => Some(text.into()),
        Raw::Text(text) | Raw::Escaped(text) => Some(format!("\"{text}\"")),
    }
}

#[test]
fn every_parsing_case_is_judged_as_published() {
    let Some(vectors) = vectors() else { return };
    let mut judged = 0;
    for entry in std::fs::read_dir(vectors.join("json/test_parsing")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        // What is not UTF-8 is rejected before its JSON is looked at.
        let accepted = std::str::from_utf8(&bytes).is_ok_and(|text| is_accepted(text, &name));
        match name.split('_').next() {
            Some("y") => assert!(accepted, "{name} must be accepted"),
            Some("n") => assert!(!accepted, "{name} must be rejected"),
            Some("i") => {}
            _ => panic!("{name} is no case"),
        }
        judged += 1;
    }
    assert_eq!(judged, 318);
}

#[test]
fn transform_cases_are_read_without_loss() {
    let Some(vectors) = vectors() else { return };
    for entry in std::fs::read_dir(vectors.join("json/test_transform")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if let Ok(text) = std::str::from_utf8(&bytes) {
            assert!(is_accepted(text, &path.display().to_string()), "{}", path.display());
        }
    }
}

#[test]
fn naughty_strings_survive_every_way_of_writing_them() {
    let Some(vectors) = vectors() else { return };
    let strings = std::fs::read_to_string(vectors.join("blns.json")).unwrap();
    let strings: Vec<String> = serde_json::from_str(&strings).unwrap();
    assert!(strings.len() > 400);
    for string in &strings {
        let short = serde_json::to_string(string).unwrap();
        let long: Vec<String> =
            string.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for written in [short, format!("\"{}\"", long.concat())] {
            let (before, behind) = EVENTS[1];
            let line = format!("{before}{written}{behind}");
            let text = match read(&line, &format!("{before}1{behind}"), string).unwrap()[2] {
                Raw::Text(text) => text.to_owned(),
                Raw::Escaped(text) => unescape(text),
                other => panic!("{string:?} became {other:?}"),
            };
            assert_eq!(text, *string);
        }
    }
}
