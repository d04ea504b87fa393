//! Both ways to the answer, on whole lines: hand-made cases here, generated ones in `properties`.

mod properties;

use super::{DEPTH_MAX, Extractor, JsonError, Source};
use crate::field::{FieldTable, FieldValues, Raw};
use crate::reject::RejectCode;
use Raw::{Absent, Array, Bool, Escaped, Null, Number, Object, Text, Unreachable};

fn table(paths: &[&[&str]]) -> FieldTable {
    let mut fields = FieldTable::default();
    for path in paths {
        fields.intern(path);
    }
    fields
}

/// One line inside its block, and what both ways make of it.
struct Trial {
    fields: FieldTable,
    extractor: Extractor,
}

impl Trial {
    fn new(fields: FieldTable) -> Self {
        Self { extractor: Extractor::new(&fields), fields }
    }

    /// What the scanner finds, after asserting that guessing finds the same in blocks that end and go on in different ways.
    fn run<'a>(&mut self, line: &'a str) -> Result<Vec<Raw<'a>>, JsonError> {
        let mut scanned = self.stale_values();
        let expected = self
            .extractor
            .scan(line, 0..line.len(), &mut scanned)
            .map(|()| scanned.as_mut_slice().to_vec());
        for (before, behind) in [
            ("", ""),
            ("", "\n{\"type\":1}"),
            ("é\n", "\n"),
            ("\"\\", "0\"}}]]"),
            ("", &" ".repeat(99)),
        ] {
            let block = format!("{before}{line}{behind}");
            let range = before.len()..before.len() + line.len();
            for _ in 0..2 {
                let mut guessed = self.stale_values();
                let found = self.extractor.extract(&block, range.clone(), &mut guessed);
                let found = found.map(|()| guessed.as_mut_slice().to_vec());
                assert_eq!(found, expected, "guessing differs from scanning: {line} in {block}");
                let cleared = guessed.as_mut_slice().iter().all(|&value| value == Unreachable);
                assert!(expected.is_ok() || cleared, "values are left after an error: {line}");
            }
        }
        expected
    }

    /// Whether some known layout knows the line.
    fn is_known(&self, line: &str) -> bool {
        let mut values = self.stale_values();
        self.extractor
            .guess
            .clone()
            .fill(Source::new(line, &(0..line.len())), values.as_mut_slice())
    }

    fn stale_values<'a>(&self) -> FieldValues<'a> {
        let mut values = FieldValues::new(self.fields.len());
        values.as_mut_slice().fill(Text("left over"));
        values
    }
}

fn fields() -> FieldTable {
    table(&[&["id"], &["type"], &["data"], &["data", "country"], &["data", "deep", "amount"]])
}

fn check(line: &str, expected: [Raw<'_>; 5]) {
    let mut trial = Trial::new(fields());
    assert_eq!(trial.run(line).unwrap(), expected, "{line}");
    assert!(trial.is_known(line), "no layout was learnt from {line}");
}

fn check_error(line: &str, code: RejectCode, detail: &str) {
    let error = Trial::new(fields()).run(line).unwrap_err();
    assert_eq!((error.code, error.detail.as_str()), (code, detail), "{line}");
}

fn check_invalid(line: &str, detail: &str) {
    check_error(line, RejectCode::InvalidJson, detail);
}

#[test]
fn fields_are_found_as_written() {
    check(
        r#"{"id":"a","type":"order","data":{"country":"AE","deep":{"amount":-1.50e3}}}"#,
        [
            Text("a"),
            Text("order"),
            Object(r#"{"country":"AE","deep":{"amount":-1.50e3}}"#),
            Text("AE"),
            Number("-1.50e3"),
        ],
    );
    check(r#"{"id":null,"type":true}"#, [Null, Bool(true), Absent, Unreachable, Unreachable]);
    check(
        r#"{"id":false,"type":[1, 2]}"#,
        [Bool(false), Array("[1, 2]"), Absent, Unreachable, Unreachable],
    );
    check(
        r#"{"id":{"x":1},"type":""}"#,
        [Object(r#"{"x":1}"#), Text(""), Absent, Unreachable, Unreachable],
    );
    check(
        r#"{"id":"caf\u00e9","type":"café"}"#,
        [Escaped("caf\\u00e9"), Text("café"), Absent, Unreachable, Unreachable],
    );
}

#[test]
fn a_missing_field_is_absent_or_out_of_reach() {
    check("{}", [Absent, Absent, Absent, Unreachable, Unreachable]);
    check(r#"{"data":{}}"#, [Absent, Absent, Object("{}"), Absent, Unreachable]);
    check(r#"{"data":{"deep":{}}}"#, [Absent, Absent, Object(r#"{"deep":{}}"#), Absent, Absent]);
    check(
        r#"{"data":{"deep":[]}}"#,
        [Absent, Absent, Object(r#"{"deep":[]}"#), Absent, Unreachable],
    );
    check(r#"{"data":5}"#, [Absent, Absent, Number("5"), Unreachable, Unreachable]);
    check(
        r#"{"data":[{"country":1}]}"#,
        [Absent, Absent, Array(r#"[{"country":1}]"#), Unreachable, Unreachable],
    );
    check(r#"{"x":{"id":1,"data":{}}}"#, [Absent, Absent, Absent, Unreachable, Unreachable]);
    check(r#"{"data.country":1,"Type":2}"#, [Absent, Absent, Absent, Unreachable, Unreachable]);
}

#[test]
fn space_and_escaped_keys_change_nothing() {
    check(
        " \t{ \"id\" :\r1 ,\n\"data\" : { \"country\" : 2 } } \r",
        [Number("1"), Absent, Object("{ \"country\" : 2 }"), Number("2"), Unreachable],
    );
    check(
        r#"{"\u0069d":1,"t\u0079pe":2}"#,
        [Number("1"), Number("2"), Absent, Unreachable, Unreachable],
    );
    check(
        r#"{"d\u0061ta":{"c\u006funtry":1}}"#,
        [Absent, Absent, Object(r#"{"c\u006funtry":1}"#), Number("1"), Unreachable],
    );
    check(r#"{"i\\u0064":1}"#, [Absent, Absent, Absent, Unreachable, Unreachable]);
}

#[test]
fn keys_of_every_length_are_told_apart() {
    let keys: Vec<String> =
        (0..40).flat_map(|length| ["a", "b"].map(|end| "k".repeat(length) + end)).collect();
    let mut fields = FieldTable::default();
    for key in &keys {
        fields.intern(&[key]);
    }
    let members: Vec<String> =
        keys.iter().rev().map(|key| format!("\"{key}\":\"{key}\",\"{key}c\":0")).collect();
    let line = format!("{{{}}}", members.join(","));
    let expected: Vec<Raw<'_>> = keys.iter().map(|key| Text(key)).collect();
    assert_eq!(Trial::new(fields).run(&line).unwrap(), expected);
}

#[test]
fn the_event_itself_and_an_empty_key_can_be_fields() {
    let mut trial = Trial::new(table(&[&[], &[""], &["", ""]]));
    let line = r#" {"x":1,"":{"":2}} "#;
    assert_eq!(trial.run(line).unwrap(), [Object(line.trim()), Object(r#"{"":2}"#), Number("2")]);
    assert!(trial.is_known(line));
}

#[test]
fn a_line_that_is_not_in_its_block_is_no_event() {
    let block = r#"é{"id":1}é"#;
    let mut extractor = Extractor::new(&fields());
    let mut values = FieldValues::new(fields().len());
    extractor.extract(block, 2..10, &mut values).unwrap();
    for (start, end) in [
        (2, 1),
        (2, 2),
        (2, 99),
        (1, 10),
        (11, 12),
        (50, 60),
        (usize::MAX, 10),
        (usize::MAX, usize::MAX),
    ] {
        let error = extractor.extract(block, start..end, &mut values).unwrap_err();
        assert_eq!(error.code, RejectCode::InvalidJson, "{start}..{end}");
    }
}

#[test]
fn a_plan_without_fields_still_checks() {
    let mut trial = Trial::new(FieldTable::default());
    assert_eq!(trial.run(r#"{"a":1}"#).unwrap(), []);
    assert_eq!(trial.run(r#"{"a":01}"#).unwrap_err().code, RejectCode::InvalidJson);
}

#[test]
fn errors_name_what_was_expected_and_where() {
    check_invalid("", "expected a value at byte 1, where the line ends");
    check_invalid("  ", "expected a value at byte 3, where the line ends");
    check_invalid(
        "{",
        "expected a key in quotes or the end of the object at byte 2, where the line ends",
    );
    check_invalid("{,}", "expected a key in quotes or the end of the object at byte 2");
    check_invalid(r#"{"a":1,}"#, "expected a key in quotes at byte 8");
    check_invalid(r#"{"a" 1}"#, "expected a colon at byte 6");
    check_invalid(r#"{"a":}"#, "expected a value at byte 6");
    check_invalid(r#"{"a":1 "b":2}"#, "expected a comma or the end of the object at byte 8");
    check_invalid(r#"{"a":[1 2]}"#, "expected a comma or the end of the array at byte 9");
    check_invalid(r#"{"a":[1,]}"#, "expected a value at byte 9");
    check_invalid(r#"{"a":{"b":1,}}"#, "expected a key in quotes at byte 13");
    check_invalid(r#"{"a":{"b"}}"#, "expected a colon at byte 10");
    check_invalid(r#"{"a":{"b":1]}"#, "expected a comma or the end of the object at byte 12");
    check_invalid(r#"{"a":tru}"#, "expected a value at byte 6");
    check_invalid(r#"{"a":1}x"#, "expected the end of the line at byte 8");
    check_invalid(
        "{\"a\":\"b",
        "expected the closing quote of a string at byte 8, where the line ends",
    );
    check_invalid(
        "{\"a\":\"b\tc\"}",
        "expected an escape instead of a control character at byte 8",
    );
    check_invalid(r#"{"a":"\u12x4"}"#, "expected a hexadecimal digit at byte 11");
    check_invalid(
        r#"{"a":"\x"}"#,
        r#"expected one of the escapes \" \\ \/ \b \f \n \r \t \u at byte 8"#,
    );
    check_invalid(r#"{"a":-}"#, "expected a digit at byte 7");
    check_invalid(r#"{"a":1.}"#, "expected a digit at byte 8");
    check_invalid(r#"{"a":1e+}"#, "expected a digit at byte 9");
    check_invalid(r#"{"a":01}"#, "expected a comma or the end of the object at byte 7");
    check_invalid("[1,", "expected a value at byte 4, where the line ends");
}

#[test]
fn other_values_than_objects_are_no_events() {
    check_error("[1]", RejectCode::NotAnObject, "expected an object and found an array at byte 1");
    check_error(" 1", RejectCode::NotAnObject, "expected an object and found a number at byte 2");
    check_error(
        "\"{}\"",
        RejectCode::NotAnObject,
        "expected an object and found a string at byte 1",
    );
    check_error("null", RejectCode::NotAnObject, "expected an object and found null at byte 1");
    check_error(
        "true",
        RejectCode::NotAnObject,
        "expected an object and found a boolean at byte 1",
    );
}

#[test]
fn a_wanted_key_stands_once() {
    check_error(
        r#"{"type":1,"type":1}"#,
        RejectCode::DuplicateKey,
        "the key type stands a second time at byte 11",
    );
    check_error(
        r#"{"data":{"country":1,"c\u006funtry":2}}"#,
        RejectCode::DuplicateKey,
        "the key data.country stands a second time at byte 22",
    );
    check_error(
        r#"{"data":{"deep":{},"deep":{}}}"#,
        RejectCode::DuplicateKey,
        "the key data.deep stands a second time at byte 20",
    );
    check_error(
        r#"{"data":{},"data":{"country":1,"country":2}}"#,
        RejectCode::DuplicateKey,
        "the key data stands a second time at byte 12",
    );
    check(
        r#"{"x":1,"x":2,"y":{"id":1,"id":2}}"#,
        [Absent, Absent, Absent, Unreachable, Unreachable],
    );
    check_invalid(
        r#"{"type":1,"type":1"#,
        "expected a comma or the end of the object at byte 19, where the line ends",
    );
}

#[test]
fn nesting_has_a_limit() {
    let nested = |key: &str, levels: usize| {
        format!("{{\"{key}\":{}{}}}", "[".repeat(levels), "]".repeat(levels))
    };
    let levels = usize::try_from(DEPTH_MAX).unwrap();
    for key in ["id", "skipped"] {
        Trial::new(fields()).run(&nested(key, levels - 1)).unwrap();
        let error = Trial::new(fields()).run(&nested(key, levels)).unwrap_err();
        assert_eq!(error.code, RejectCode::TooDeep);
        assert_eq!(
            error.detail,
            format!(
                "arrays and objects nest deeper than 128 levels at byte {}",
                key.len() + 4 + levels
            )
        );
    }
    let mut trial = Trial::new(fields());
    for text in ["[", "{\"a\":", "{\"data\":", "[{\"\":"] {
        assert_eq!(trial.run(&text.repeat(100_000)).unwrap_err().code, RejectCode::TooDeep);
    }
}

#[test]
fn a_wanted_path_deeper_than_the_limit_is_too_deep() {
    let path = vec!["a"; 200];
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let levels = usize::try_from(DEPTH_MAX).unwrap();
    Trial::new(table(&[&path])).run(&nested(levels)).unwrap();
    let error = Trial::new(table(&[&path])).run(&nested(levels + 1)).unwrap_err();
    assert_eq!(error.code, RejectCode::TooDeep);
}

#[test]
fn a_leaf_counts_the_levels_around_it() {
    let mut trial = Trial::new(fields());
    let line = |amount: &str| format!("{{\"data\":{{\"deep\":{{\"amount\":{amount}}}}}}}");
    let nested = |levels: usize| line(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    trial.run(&line("1")).unwrap();
    assert!(trial.is_known(&nested(125)));
    assert!(!trial.is_known(&nested(126)));
    trial.run(&nested(125)).unwrap();
    assert_eq!(trial.run(&nested(126)).unwrap_err().code, RejectCode::TooDeep);
}

#[test]
fn values_of_another_kind_keep_the_layout() {
    let mut trial = Trial::new(table(&[&["a"], &["b"]]));
    trial.run(r#"{"a":"x","c":1,"b":"y"}"#).unwrap();
    for value in [
        "1",
        "-1",
        "0",
        "12.50",
        "1e5",
        "1234567890123456789",
        "\"\"",
        r#""\n""#,
        "null",
        "[1]",
        "{}",
        r#"{"x":[1]}"#,
    ] {
        let line = format!("{{\"a\":{value},\"c\":{value},\"b\":true}}");
        assert!(trial.is_known(&line), "{line}");
        trial.run(&line).unwrap();
    }
    for value in
        ["", "01", "-", "1.", "1e", "nul", "\"", "\"\\x\"", "[", "[1", "{\"x\"}", "1 ", " 1"]
    {
        let line = format!("{{\"a\":1,\"c\":{value},\"b\":true}}");
        assert!(!trial.is_known(&line), "{line}");
    }
}

#[test]
fn an_object_with_fields_inside_is_another_layout() {
    let mut trial = Trial::new(fields());
    trial.run(r#"{"data":1}"#).unwrap();
    assert!(trial.is_known(r#"{"data":[{}]}"#));
    assert!(!trial.is_known(r#"{"data":{}}"#));
    assert!(!trial.is_known(r#"{"data":{"country":1}}"#));
}

#[test]
fn layouts_that_share_their_beginning_are_all_known() {
    let mut trial = Trial::new(fields());
    let lines = [
        r#"{"id":1,"data":{"country":1},"type":2}"#,
        r#"{"id":1,"data":{"country":1,"x":2}}"#,
        r#"{"id":1,"data":{"country":1}}"#,
        r#"{"id":1,"data":{"x":{"y":1},"country":2}}"#,
        r#"{"id":1,"data":{"x":3,"country":2}}"#,
        r#"{"id":1} "#,
    ];
    for _ in 0..3 {
        for line in lines {
            trial.run(line).unwrap();
        }
    }
    for line in lines {
        assert!(trial.is_known(line), "{line}");
    }
}

#[test]
fn a_value_and_more_glue_behind_a_full_window_are_told_apart() {
    let key = "k".repeat(28);
    let mut trial = Trial::new(table(&[&[&key, "x"]]));
    let lines = [format!("{{\"{key}\":1}}"), format!("{{\"{key}\":{{\"x\":1}}}}")];
    for line in &lines {
        trial.run(line).unwrap();
    }
    assert!(lines.iter().all(|line| trial.is_known(line)));
}

#[test]
fn lines_that_never_repeat_are_not_learnt_for_ever() {
    let mut trial = Trial::new(fields());
    let line = |number: usize| format!("{{\"id\":1,\"key{number}\":2}}");
    let mut known = 0;
    for number in 0..5_000 {
        let line = line(number);
        let mut values = trial.stale_values();
        trial.extractor.extract(&line, 0..line.len(), &mut values).unwrap();
        known += usize::from(trial.is_known(&line));
    }
    assert!(known < 60, "{known} layouts were learnt in vain");
    let steady = line(0);
    for _ in 0..2_000 {
        let mut values = trial.stale_values();
        trial.extractor.extract(&steady, 0..steady.len(), &mut values).unwrap();
    }
    assert!(trial.is_known(&steady), "a stream that has become steady is learnt again");
}

#[test]
fn a_steady_stream_stays_known_among_strangers() {
    let mut trial = Trial::new(fields());
    let steady = r#"{"id":1,"type":2}"#.to_owned();
    let mut unknown = 0;
    for number in 0..5_000 {
        let line = if number % 20 == 10 {
            format!("{{\"id\":1,\"key{number}\":2}}")
        } else {
            steady.clone()
        };
        let mut values = trial.stale_values();
        trial.extractor.extract(&line, 0..line.len(), &mut values).unwrap();
        unknown += usize::from(number % 50 == 11 && !trial.is_known(&steady));
    }
    assert_eq!(unknown, 0);
}

#[test]
fn a_line_with_too_many_pieces_is_left_to_the_scanner() {
    let mut trial = Trial::new(fields());
    let members: Vec<String> = (0..300).map(|number| format!("\"{number}\":{number}")).collect();
    let line = format!("{{{},\"id\":7}}", members.join(","));
    assert_eq!(trial.run(&line).unwrap()[0], Number("7"));
    assert!(!trial.is_known(&line));
}
