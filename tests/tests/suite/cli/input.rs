//! Event files of every kind, and what is said where they fail.

use super::{EVENTS, RULES, Sandbox, answer};
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use std::io::Write;

const REPLAY: &str = "replay --rules rules.yaml --output json";

fn sandbox(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    sandbox.file("rules.yaml", RULES).file("events.ndjson", EVENTS);
    sandbox
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Only what the command prints: the names of files differ.
fn outputs(answer: &str) -> &str {
    answer.split_once('\n').unwrap().1
}

#[test]
fn the_same_events_give_the_same_answer_in_every_form() {
    let sandbox = sandbox("forms");
    let expect = sandbox.run(&format!("{REPLAY} events.ndjson"));
    assert_snapshot!("forms", expect);
    let (first, second) = EVENTS.split_at(EVENTS.len() / 2);
    sandbox
        .file("crlf.ndjson", EVENTS.replace('\n', "\r\n"))
        .file("mark.ndjson", format!("\u{feff}{EVENTS}"))
        .file("gaps.ndjson", EVENTS.replace('\n', "\n\n\r\n"))
        .file("end.ndjson", EVENTS.trim_end())
        .file("packed.ndjson.gz", gzip(EVENTS))
        .file("members", [gzip(first), gzip(second)].concat())
        .file("packed.zst", zstd::encode_all(EVENTS.as_bytes(), 1).unwrap())
        .file("first.ndjson", EVENTS.lines().take(3).collect::<Vec<_>>().join("\n"))
        .file("rest.ndjson", EVENTS.lines().skip(3).collect::<Vec<_>>().join("\n"))
        .file("empty.ndjson", "");
    for files in [
        "crlf.ndjson",
        "mark.ndjson",
        "gaps.ndjson",
        "end.ndjson",
        "packed.ndjson.gz",
        "members",
        "packed.zst",
        "first.ndjson rest.ndjson",
        "empty.ndjson events.ndjson",
        "events.ndjson --threads 1",
        "events.ndjson --threads 9",
    ] {
        assert_eq!(
            outputs(&sandbox.run(&format!("{REPLAY} {files}"))),
            outputs(&expect),
            "{files}"
        );
    }
    assert_eq!(
        outputs(&sandbox.run_with(&format!("{REPLAY} -"), EVENTS.as_bytes())),
        outputs(&expect)
    );
    assert_eq!(outputs(&sandbox.run_with(&format!("{REPLAY} -"), &gzip(EVENTS))), outputs(&expect));
    let rest = sandbox.read("rest.ndjson");
    assert_eq!(
        outputs(&sandbox.run_with(&format!("{REPLAY} first.ndjson -"), rest.as_bytes())),
        outputs(&expect)
    );
}

#[test]
fn no_events_are_fine() {
    let sandbox = sandbox("no_events");
    sandbox.file("empty.ndjson", "").file("lines.ndjson", "\n\r\n\n");
    assert_snapshot!("empty", sandbox.run(&format!("{REPLAY} empty.ndjson")));
    assert_snapshot!("empty_lines", sandbox.run(&format!("{REPLAY} lines.ndjson")));
    assert_snapshot!("empty_table", sandbox.run("replay --rules rules.yaml empty.ndjson"));
    assert_snapshot!(
        "empty_csv",
        sandbox.run("replay --rules rules.yaml --output csv empty.ndjson")
    );
}

#[test]
fn inputs_that_cannot_be_read() {
    let sandbox = sandbox("unreadable");
    let mut damaged = gzip(EVENTS);
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let cut = |packed: Vec<u8>| packed[..packed.len() - 20].to_vec();
    sandbox
        .file("cut.gz", cut(gzip(EVENTS)))
        .file("cut.zst", cut(zstd::encode_all(EVENTS.as_bytes(), 1).unwrap()))
        .file("nothing.gz", "")
        .file("damaged.gz", damaged)
        .file("archive.zip", "PK\u{3}\u{4}rest")
        .file("folder/events.ndjson", EVENTS);
    assert_snapshot!("missing", sandbox.run(&format!("{REPLAY} events.ndjson mistyped.ndjson")));
    assert_snapshot!("folder", sandbox.run(&format!("{REPLAY} folder")));
    assert_snapshot!("cut_gzip", sandbox.run(&format!("{REPLAY} cut.gz")));
    assert_snapshot!("cut_zstd", sandbox.run(&format!("{REPLAY} cut.zst")));
    assert_snapshot!("empty_gzip", sandbox.run(&format!("{REPLAY} nothing.gz")));
    assert_snapshot!("damaged_gzip", sandbox.run(&format!("{REPLAY} damaged.gz")));
    assert_snapshot!("zip", sandbox.run(&format!("{REPLAY} archive.zip")));
    assert_snapshot!("stdin_twice", sandbox.run(&format!("{REPLAY} - -")));
}

#[cfg(unix)]
#[test]
fn a_file_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = sandbox("permission");
    let path = sandbox.folder.join("events.ndjson");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    if std::fs::File::open(&path).is_ok() {
        return;
    }
    assert_snapshot!("permission", sandbox.run(&format!("{REPLAY} events.ndjson")));
}

#[test]
fn bad_lines_are_told_and_never_stop_a_run() {
    let sandbox = sandbox("bad_lines");
    let good = EVENTS.lines().next().unwrap();
    let no_time = r#"{"type":"order.created","id":"x","source":"s"}"#;
    let broken = r#"{"type":"order.created","id":"#;
    let mut bytes =
        format!("{good}\n{no_time}\n{broken}\n\n[1]\n{{\"a\":1}}\n\u{1b}[31mred\n\0\0\n")
            .into_bytes();
    bytes.extend_from_slice(b"\xff\xfe\n");
    bytes.extend_from_slice(
        br#"{"type":"order.created","id":"y","source":"s","time":"2026-01-05T10:00:60Z"}"#,
    );
    sandbox.file("bad.ndjson", &bytes);
    assert_snapshot!("bad_lines", sandbox.run(&format!("{REPLAY} bad.ndjson")));
    assert_snapshot!(
        "bad_lines_file",
        sandbox.run("replay --rules rules.yaml --rejects rejects.ndjson bad.ndjson")
    );
    assert_snapshot!("bad_lines_rejects", sandbox.read("rejects.ndjson"));
}

#[test]
fn rejects_never_overwrite_what_is_read() {
    let sandbox = sandbox("rejects_overwrite");
    let onto_events = "replay --rules rules.yaml --rejects ./events.ndjson events.ndjson";
    assert_snapshot!("rejects_onto_events", sandbox.run(onto_events));
    assert_eq!(sandbox.read("events.ndjson"), EVENTS);
    let onto_rules = "replay --rules rules.yaml --rejects rules.yaml events.ndjson";
    assert_snapshot!("rejects_onto_rules", sandbox.run(onto_rules));
    assert_eq!(sandbox.read("rules.yaml"), RULES);
}

/// One event for each of the times, which are JSON.
fn events_at(times: &[&str]) -> String {
    let event = |(number, time): (usize, &&str)| {
        format!("{{\"type\":\"order.created\",\"id\":\"{number}\",\"time\":{time}}}\n")
    };
    times.iter().enumerate().map(event).collect()
}

#[test]
fn an_escaped_time_is_the_time_it_means() {
    let sandbox = sandbox("escaped_time");
    let times = [r#""2026-01-05T14:00:00\u002B04:00""#, r#""2026-01-05T10:10:00\u005a""#];
    sandbox.file("events.ndjson", events_at(&times));
    assert_snapshot!("escaped_time", sandbox.run(&format!("{REPLAY} events.ndjson")));
}

#[test]
fn what_is_wrong_with_a_time_is_told() {
    let sandbox = sandbox("bad_times");
    let times = [
        "null",
        "1767607200",
        "true",
        r#""""#,
        r#""2026-01-05""#,
        r#""2026-01-05T10:00:00""#,
        r#""2026-02-30T10:00:00Z""#,
        r#""2026-01-05T24:00:00Z""#,
        r#""2026-01-05T10:00:00+99:00""#,
        r#""\u0031969-12-31T23:59:59Z""#,
        r#""9999-12-31T23:59:59Z""#,
    ];
    sandbox.file("events.ndjson", events_at(&times));
    assert_snapshot!("bad_times", sandbox.run(&format!("{REPLAY} events.ndjson")));
    sandbox.file("rules.yaml", format!("event: {{time_unit: milliseconds}}\n{RULES}"));
    sandbox.file("events.ndjson", events_at(&["1767607200", "1767607201"]));
    assert_snapshot!("times_as_milliseconds", sandbox.run(&format!("{REPLAY} events.ndjson")));
    sandbox.file("rules.yaml", format!("event: {{time_unit: seconds}}\n{RULES}"));
    let in_seconds =
        [r#""1767607200""#, r#""2026-01-05T10:00:00Z""#, "-1", "1e400", "1767607200000"];
    sandbox.file("events.ndjson", events_at(&in_seconds));
    assert_snapshot!("bad_times_seconds", sandbox.run(&format!("{REPLAY} events.ndjson")));
}

#[test]
fn many_bad_lines_are_summarised() {
    let sandbox = sandbox("many_bad_lines");
    sandbox.file("bad.ndjson", "no event\n".repeat(30));
    assert_snapshot!("many_bad_lines", sandbox.run(&format!("{REPLAY} bad.ndjson")));
    sandbox.run("replay --rules rules.yaml --rejects rejects.ndjson bad.ndjson");
    assert_eq!(sandbox.read("rejects.ndjson").lines().count(), 30);
}

#[test]
fn utf_16_is_no_event() {
    let sandbox = sandbox("utf_16");
    let text = EVENTS.lines().take(2).collect::<Vec<_>>().join("\n");
    let bytes =
        |part: &str, of: fn(u16) -> [u8; 2]| part.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    sandbox.file("events.ndjson", bytes(&["\u{feff}", &text].concat(), u16::to_le_bytes));
    assert_snapshot!("utf_16", sandbox.run(&format!("{REPLAY} events.ndjson")));
    sandbox.file("no_mark.ndjson", bytes(&text, u16::to_be_bytes));
    let told = sandbox.run(&format!("{REPLAY} no_mark.ndjson"));
    assert!(told.contains("no_mark.ndjson:1: invalid_json: "), "{told}");
    assert!(told.contains("looks like UTF-16"), "{told}");
}

#[test]
fn a_line_over_ten_mebibytes_is_a_reject_and_one_of_ten_is_an_event() {
    let sandbox = sandbox("long_lines");
    let event = |id: &str, length: usize| {
        let start = format!(
            r#"{{"type":"order.created","id":"{id}","source":"s","time":"2026-01-05T10:00:00Z","data":{{"text":""#
        );
        let filling = "x".repeat(length - start.len() - 3);
        format!("{start}{filling}\"}}}}\n")
    };
    let limit = 10 * 1024 * 1024;
    let text =
        [event("a", 200), event("b", limit), event("c", limit + 1), event("d", 200)].concat();
    sandbox.file("events.ndjson", text);
    assert_snapshot!(
        "long_lines",
        sandbox.run(&format!("{REPLAY} --until 2026-01-05T11:00:00Z events.ndjson"))
    );
    sandbox.run("replay --rules rules.yaml --rejects rejects.ndjson events.ndjson");
    assert_eq!(sandbox.read("rejects.ndjson").lines().count(), 1);
    assert!(sandbox.read("rejects.ndjson").len() < 1400, "only the beginning is kept");
}

#[test]
fn a_pipe_that_ends_early_is_the_end_of_the_events() {
    let sandbox = sandbox("pipe");
    let output = sandbox
        .command(&format!("{REPLAY} -"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_snapshot!("pipe", answer(&format!("{REPLAY} -"), &output));
}

#[test]
fn an_event_with_a_wrong_year_is_named_where_it_made_others_late() {
    let sandbox = sandbox("leap");
    let event = |id: &str, time: &str| {
        format!(
            "{{\"id\":\"{id}\",\"source\":\"/s\",\"type\":\"order.created\",\"time\":\"{time}\",\"data\":{{}}}}\n"
        )
    };
    let events = [
        event("a", "2026-01-05T10:00:00Z"),
        event("b", "2062-01-05T10:00:10Z"),
        event("c", "2026-01-05T10:00:20Z"),
        event("d", "2026-01-05T10:00:30Z"),
    ];
    sandbox.file("leap.ndjson", events.concat());
    assert_snapshot!("leap", sandbox.run(&format!("{REPLAY} leap.ndjson")));
}
