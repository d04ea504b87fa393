//! `replay --report`: what stands in the file, and what happens where it cannot be written. How it looks, a browser says
//! (`lib/dev/page/test`).

use super::super::source::root;
use super::{EVENTS, RULES, Sandbox, answer};
use insta::assert_snapshot;
use std::io::Read;
use std::process::Command;

fn sandbox(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    sandbox.file("rules.yaml", RULES).file("events.ndjson", EVENTS);
    sandbox
}

/// What stands between the tags of an element with this id.
fn element<'p>(page: &'p str, id: &str) -> &'p str {
    let (_, behind) = page.split_once(&format!(r#"id="{id}">"#)).unwrap();
    behind.split_once("</script>").unwrap().0
}

/// The names of the files in a sandbox's folder.
fn files(sandbox: &Sandbox) -> Vec<String> {
    let entries = sandbox.folder.read_dir().unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_report_has_the_lines_of_the_output_beside_it() {
    let sandbox = sandbox("report_lines");
    let command =
        "replay --rules rules.yaml --open --output json --report report.html events.ndjson";
    let output = sandbox.command(command).output().unwrap();
    let page = sandbox.read("report.html");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(element(&page, "lines"), String::from_utf8(output.stdout).unwrap());
    assert_snapshot!("report_catalog", element(&page, "catalog"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.ends_with("report: `report.html`, 0.2 MB, to be opened in a browser\n"), "{told}");
    assert_eq!(files(&sandbox), ["events.ndjson", "report.html", "rules.yaml"]);
}

#[test]
fn the_same_events_give_the_same_bytes() {
    let sandbox = Sandbox::new("report_bytes");
    let events = root().join("events");
    let make = |options: &str| {
        let rules = events.join("streamgauge.yaml");
        let command = format!("replay {options} --report report.html --rules");
        let mut command = sandbox.command(&command);
        let status = command.arg(rules).arg(events.join("orders.ndjson")).output().unwrap().status;
        assert_eq!(status.code(), Some(0));
        sandbox.read("report.html")
    };
    let first = make("--threads 1");
    assert!(first == make("--threads 4"));
    assert!(element(&first, "catalog").contains(r#""now":"2026-01-05T16:07:21.186Z""#));
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_read() {
    let sandbox = sandbox("report_refused");
    sandbox.file("folder/file", "").file("other.yaml", RULES);
    let run = |options: &str| {
        sandbox.run(&format!("replay --rules rules.yaml --report {options} events.ndjson"))
    };
    assert_snapshot!("report_no_folder", run("missing/report.html"));
    assert_snapshot!("report_is_a_folder", run("folder"));
    assert_snapshot!("report_is_read", run("rules.yaml"));
    assert_snapshot!("report_is_rejects", run("same.html --rejects same.html"));
    assert_snapshot!("report_and_compare", run("report.html --compare other.yaml"));
    assert_eq!(sandbox.read("rules.yaml"), RULES);
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_report_before_it() {
    let sandbox = sandbox("report_full");
    sandbox.file("report.html", "the one before");
    let typed = "replay --rules rules.yaml --report report.html events.ndjson";
    let plain = sandbox.command(typed);
    // No file can be larger than 50 KiB, as on a disk that is full.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]);
    limited.arg(plain.get_program()).args(plain.get_args()).current_dir(&sandbox.folder);
    let told = answer(typed, &limited.output().unwrap());
    let (_, end) = told.split_once("error: ").unwrap();
    assert_eq!(
        end,
        "could not write the report `report.html`\n  caused by: File too large (os error 27)\n\
         hint: free some space or name a file elsewhere; nothing was left behind\n"
    );
    assert!(told.contains("exit: 3\n"), "{told}");
    assert_eq!(sandbox.read("report.html"), "the one before");
    assert_eq!(files(&sandbox), ["events.ndjson", "report.html", "rules.yaml"]);
}

#[test]
fn a_reader_who_goes_away_does_not_keep_the_report_from_being_made() {
    let sandbox = sandbox("report_reader");
    let events = (0..20_000).map(|number| {
        format!(
            "{{\"type\":\"order.created\",\"id\":\"{number}\",\"source\":\"s\",\"time\":\"2026-01-05T{:02}:{:02}:00Z\",\"data\":{{\"aggregator\":\"a{number}\"}}}}\n",
            number / 60 % 24,
            number % 60
        )
    });
    sandbox.file("many.ndjson", events.collect::<String>());
    let command = "replay --rules rules.yaml --output json --report report.html many.ndjson";
    let mut child = sandbox.command(command).spawn().unwrap();
    let mut first = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &first), (Some(0), br#"{"kind":"#));
    assert!(element(&sandbox.read("report.html"), "lines").contains(r#"{"kind":"summary""#));
}

#[test]
fn a_report_says_what_it_leaves_out() {
    let sandbox = sandbox("report_left_out");
    let events = (0..2_500).map(|number| {
        format!(
            "{{\"type\":\"order.created\",\"id\":\"{number}\",\"source\":\"s\",\"time\":\"2026-01-05T10:00:00Z\",\"data\":{{\"aggregator\":\"a{number}\"}}}}\n"
        )
    });
    sandbox.file("wide.ndjson", events.collect::<String>());
    let rules = "late: drop\nmetrics:\n  orders:\n    count: type == 'order.created'\n    dimensions: {aggregator: data.aggregator}\n    window: 5m\n    max_series: 2000\n";
    sandbox.file("wide.yaml", rules);
    let told = sandbox.run("replay --rules wide.yaml --until 2026-01-06T00:00:00Z --limit 1 --report report.html wide.ndjson");
    assert_snapshot!("report_left_out", told);
    let page = sandbox.read("report.html");
    let (catalog, lines) = (element(&page, "catalog"), element(&page, "lines"));
    assert!(catalog.contains(r#","left_out":{"points":0,"of_series":1001}}]"#), "{catalog}");
    assert!(catalog.ends_with(r#","left_out":{"points":1001,"transitions":0}}"#), "{catalog}");
    assert_eq!(lines.matches(r#""kind":"point""#).count(), 1_000);
}
