//! What a page is told beside points and alerts: how old the data are, which windows are final, whether the rules files can be used.

use super::asked::read_until;
use super::*;
use crate::rules_file::RulesFiles;

/// What `/live` says until this has come.
fn hear(bench: &Bench, text: &str) -> String {
    bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        read_until(&mut stream, text).await
    })
}

#[test]
fn the_catalog_says_where_the_oldest_window_begins_also_after_a_start() {
    let mut bench = Bench::new("oldest");
    let first = bench.get_until("/readyz", |told| told.status == 200);
    assert_eq!(first.status, 200);
    assert!(!bench.get("/").body.contains("\"oldest\""), "there is none");
    assert_eq!(bench.push(&[order(130), order(5_000), order(9_000)]).status, 202);
    let oldest = r#""oldest":"2026-01-05T10:02:00Z""#;
    bench.get_until("/", |told| told.body.contains(oldest));
    bench.stop();
    bench.start(None, Times::default());
    bench.get_until("/", |told| told.body.contains(oldest));
}

/// Else a page that is opened long after the events would show an empty range.
#[test]
fn where_time_passes_by_the_events_now_is_where_they_are() {
    let bench = Bench::new("now");
    assert_eq!(bench.push(&[order(130), order(5_000), order(9_000)]).status, 202);
    bench.get_until("/", |told| told.body.contains(r#""now":"2026-01-05T12:30:00Z""#));
}

#[test]
fn the_watermark_that_is_told_says_which_days_are_final() {
    let daily = "  daily: {count: type == 'order', window: 1d}\nalerts:";
    let rules =
        RULES.replace("alerts:", daily).replace("namespace:", "time_zone: Asia/Dubai\nnamespace:");
    let bench = Bench::of("days", &rules);
    assert_eq!(bench.push(&[order(1), order(100)]).status, 202);
    // It is a day of Dubai that is final, and the one that has begun there is not.
    let heard = hear(&bench, r#""days":{"daily":["2026-01-03T20:00:00Z","2026-01-04T20:00:00Z"]}"#);
    assert!(heard.contains(r#""watermark":"2026-01-05T10:01:40Z""#), "{heard}");
}

#[test]
fn rules_files_that_cannot_be_used_are_told_until_they_can() {
    let mut bench = Bench::new("rejected");
    let path = bench.folder.join("rules.yaml");
    std::fs::write(&path, RULES).unwrap();
    let (files, _) = RulesFiles::read(vec![path.clone()], |_| None, true).unwrap();
    bench.running.as_mut().unwrap().0.watch(files).unwrap();
    let gauge = |value: u64| format!("\nstreamgauge_rules_rejected {value}\n");
    bench.get_until("/metrics", |told| told.body.contains(&gauge(0)));
    assert!(!bench.get("/").body.contains("\"rules_rejected\""));
    std::fs::write(&path, RULES.replace("window: 1m", "window: </script>")).unwrap();
    bench.get_until("/metrics", |told| told.body.contains(&gauge(1)));
    let heard = hear(&bench, "\"rules_rejected\"");
    assert!(heard.contains("rules.yaml:8:"), "{heard}");
    assert!(!heard.contains("\\u001b"), "a page has no colours of a terminal: {heard}");
    let page = bench.get("/").body;
    assert!(page.contains("\"rules_rejected\"") && page.contains("window: \\u003c/script\\u003e"));
    assert_eq!(bench.push(&[order(1)]).status, 202, "the old ones go on");
    std::fs::write(&path, RULES.replace("1m, ", "5m, ")).unwrap();
    bench.get_until("/metrics", |told| told.body.contains(&gauge(0)));
    assert!(!bench.get("/").body.contains("\"rules_rejected\""));
}
