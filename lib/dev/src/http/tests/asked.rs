//! What was decided: points, transitions, the live stream, and what says how it is.

use super::*;

/// One minute of orders, and an event that ends it.
fn minute() -> Vec<String> {
    vec![order(1), order(2), order(61)]
}

const POINT: &str = r#"{"kind":"point","metric":"orders","dimensions":{"country":"AE"},"window_start":"2026-01-05T10:00:00Z","window_end":"2026-01-05T10:01:00Z","status":"final","sum":2,"count":2}"#;

#[test]
fn points_and_transitions_are_as_a_replay_prints_them() {
    let refunds = "  refunds: {count: type == 'refund', window: 1m}\nalerts:";
    let mut bench = Bench::of("asked", &RULES.replace("alerts:", refunds));
    assert_eq!(bench.push(&minute()).status, 202);
    let points = bench.get_until("/points?metric=orders", |told| !told.body.is_empty());
    assert_eq!(points.lines(), [POINT]);
    assert_eq!(points.header("content-type"), Some("application/x-ndjson"));
    let position: u64 = points.header("position").unwrap().parse().unwrap();
    assert!(position > 0);
    let alerts = bench.get_until("/alerts", |told| !told.body.is_empty());
    let firing = r#"{"kind":"alert","alert":"any","group":{},"transition":"firing","#;
    assert!(alerts.body.starts_with(firing), "{}", alerts.body);
    for nothing in [
        "/points?from=2026-01-05T10:01:00Z",
        "/points?to=2026-01-05T10%3A00%3A59Z",
        "/alerts?to=2026-01-05T10:00:00Z",
    ] {
        let told = bench.get(nothing);
        assert_eq!((told.status, told.body.as_str()), (200, ""), "{nothing}");
    }
    assert_eq!(bench.get("/points?form=2026").status, 400);
    // One that matched nothing is there, one that is in no rules is not.
    assert_eq!(bench.get("/points?metric=refunds").status, 200);
    let none = bench.get("/points?metric=order");
    let hint = "{\"reason\":\"there is no metric `order`; did you mean `orders`?\"}\n";
    assert_eq!((none.status, none.body.as_str()), (404, hint));
    let other = bench.get("/points?metric=visitors");
    let names = "there is no metric `visitors`; known here: `orders`, `refunds`";
    assert!(other.status == 404 && other.body.contains(names), "{}", other.body);
    // The same after it was started again, and what fires is known.
    bench.stop();
    bench.start(None, Times::default());
    let again = bench.get_until("/points", |told| !told.body.is_empty());
    assert_eq!(again.lines(), [POINT]);
    let page = bench.get_until("/", |told| told.body.contains(r#""firing":[{"#));
    assert!(page.body.contains(r#""transition":"firing""#));
}

#[test]
fn what_is_decided_is_told_live_after_the_catalog_and_stands_in_the_past_then() {
    let bench = Bench::new("live");
    bench.get_until("/readyz", |told| told.status == 200);
    let mut stream = bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        stream
    });
    let heard = bench.runtime.block_on(read_until(&mut stream, "\"kind\":\"catalog\""));
    assert!(heard.to_lowercase().contains("content-type: text/event-stream"));
    assert_eq!(bench.push(&minute()).status, 202);
    let told = bench.runtime.block_on(read_until(&mut stream, POINT));
    let (before, _) = told.split_once(&format!("data: {POINT}\n\n")).unwrap();
    let id: u64 = before.trim_end().rsplit("id: ").next().unwrap().parse().unwrap();
    let points = bench.get("/points");
    assert_eq!(points.lines(), [POINT]);
    assert!(points.header("position").unwrap().parse::<u64>().unwrap() >= id);
}

#[test]
fn a_live_stream_ends_when_it_stops() {
    let mut bench = Bench::new("ends");
    bench.get_until("/readyz", |told| told.status == 200);
    let mut stream = bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        read_until(&mut stream, "catalog").await;
        stream
    });
    bench.stop();
    let mut rest = Vec::new();
    bench.runtime.block_on(stream.read_to_end(&mut rest)).unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "it ends as it should");
}

#[test]
fn who_listens_too_slowly_is_told_to_ask_and_sent_away() {
    let bench = Bench::new("lags");
    bench.get_until("/readyz", |told| told.status == 200);
    let hub = bench.running.as_ref().unwrap().1.hub.clone();
    let text = bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        read_until(&mut stream, "catalog").await;
        // More than the sockets and the queue hold.
        let line = vec![b'x'; live::PIECE_BYTES];
        for _ in 0..4 * live::PIECES_MAX {
            let mut messages = live::Messages::default();
            messages.add(None, &line);
            hub.tell(messages);
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        String::from_utf8(rest).unwrap()
    });
    assert!(text.contains(r#"{"kind":"lagged","reason":"read too slowly; connect again"#));
}

#[test]
fn the_page_has_its_policy_and_the_catalog() {
    let bench = Bench::new("page");
    let page = bench.get("/");
    assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    assert!(policy.ends_with("; frame-ancestors 'none'"));
    let catalog = r#""notify":false,"clock":"events","time_zone":"UTC","title":"Shop","metrics":[{"name":"orders","kind":"count","unit":"None","dimensions":["country"],"window_ms":60000,"waits_ms":0}],"alerts":[{"name":"any","metric":"orders","steps":[{"name":"","severity":"critical"}]}],"firing":[],"deploys":[]}"#;
    assert!(page.body.contains(catalog));
}

#[test]
fn scrapes_count_all_that_the_store_has() {
    let mut bench = Bench::new("scrape");
    assert_eq!(bench.push(&minute()).status, 202);
    let total = "orders_total{country=\"AE\"} 2\n";
    let text = bench.get_until("/metrics", |told| told.body.contains(total));
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(text.body.contains("streamgauge_records_received_total 3\n"));
    assert!(
        text.body.contains("streamgauge_alerts_firing{alert=\"any\",severity=\"critical\"} 1\n")
    );
    let accept = "Accept: application/openmetrics-text\r\n";
    let open = bench.ask("GET /metrics", accept, "");
    assert!(open.body.ends_with("# EOF\n") && open.body.contains(total));
    // Totals are of all that the store has.
    bench.stop();
    bench.start(None, Times::default());
    bench.get_until("/metrics", |told| told.body.contains(total));
}

#[test]
fn totals_go_on_over_a_restart_and_are_never_shown_in_part() {
    let all = "  all: {count: type == 'order', window: 1m}\nalerts:";
    let mut bench = Bench::of("totals", &RULES.replace("alerts:", all));
    assert_eq!(bench.push(&minute()).status, 202);
    let has = |told: &Told, total: u64| {
        let lines =
            [format!("all_total {total}\n"), format!("orders_total{{country=\"AE\"}} {total}\n")];
        lines.iter().all(|line| told.body.contains(line))
    };
    bench.get_until("/metrics", |told| has(told, 2));
    bench.stop();
    bench.start(None, Times::default());
    // Whenever it is asked, it says nothing or all: what falls and rises again was counted twice.
    bench.get_until("/metrics", |told| {
        let is_there = has(told, 2);
        assert!(is_there || !told.body.contains("\nall_total "), "{}", told.body);
        is_there
    });
    assert_eq!(bench.push(&[order(62), order(122)]).status, 202);
    bench.get_until("/metrics", |told| has(told, 4));
}

#[test]
fn no_metric_is_scraped_before_it_is_known_what_the_store_has() {
    let bench = Bench::new("unread");
    let plan = (bench.dev().reads_plans())().unwrap().pop();
    let mut view = View::of(plan);
    assert!(view.plan.is_some() && view.scraped().is_none());
    view.is_read = true;
    assert!(view.scraped().is_some());
}

#[test]
fn the_summary_says_of_each_metric_what_a_replay_would_since_the_start() {
    let rules = RULES.replace("alerts:", "  sums: {sum: data.amount, where: type == 'order', window: 1m}\n  people: {unique: data.who, where: type == 'order', window: 1m}\nalerts:");
    let mut bench = Bench::of("summary", &rules);
    let late = order(3).replace("\"AE\"", "\"AE\",\"who\":\"x\"");
    let nowhere = order(62).replace("\"AE\"", "null");
    let lines = [minute(), vec![order(130), late, nowhere, "7".to_owned()]].concat();
    assert_eq!(bench.push(&lines).status, 202);
    // One that people are not counted of any more is known to be late when it is settled.
    let summary = bench.get_until("/summary", |told| told.body.contains(r#""late_dropped":1"#));
    assert_eq!(
        summary.body,
        concat!(
            r#"{"kind":"summary","received":7,"counted":6,"filtered":0,"duplicate":0,"late":0,"rejected":1,"points":2,"alerts":2,"#,
            r#""first_event":"2026-01-05T10:00:01Z","last_event":"2026-01-05T10:02:10Z","metrics":{"#,
            r#""orders":{"matched":6,"no_value":0,"no_dimension":1,"late_dropped":0,"folded":0},"#,
            r#""sums":{"matched":0,"no_value":6,"no_dimension":0,"late_dropped":0,"folded":0},"#,
            r#""people":{"matched":1,"no_value":5,"no_dimension":0,"late_dropped":1,"folded":0}}}"#,
            "\n"
        )
    );
    bench.stop();
    bench.start(None, Times::default());
    let again = bench.get("/summary");
    let nothing = r#"{"kind":"summary","received":0,"counted":0,"filtered":0,"duplicate":0,"late":0,"rejected":0,"points":0,"alerts":0,"metrics":{"orders":{"matched":0,"#;
    assert!(again.body.starts_with(nothing), "{}", again.body);
}

#[test]
fn what_fires_is_counted_also_when_it_began_before_the_start() {
    let mut bench = Bench::new("firing");
    assert_eq!(bench.push(&[order(1), order(2)]).status, 202);
    bench.get_until("/alerts", |told| told.body.contains("firing"));
    bench.stop();
    bench.start(None, Times::default());
    bench.get_until("/readyz", |told| told.status == 200);
    let heard = bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let head = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(head).await.unwrap();
        read_until(&mut stream, "\"firing\":1,\"received\":0").await
    });
    assert!(heard.contains(r#""firing":[{"kind":"alert","alert":"any""#), "{heard}");
    assert_eq!(bench.running.as_ref().unwrap().1.firing(), Some(1));
    assert_eq!(bench.push(&[order(200)]).status, 202);
    bench.get_until("/alerts", |told| told.body.contains("resolved"));
    let serving = &bench.running.as_ref().unwrap().1;
    bench.get_until("/metrics", |_| serving.firing() == Some(0));
}

#[test]
fn what_was_only_pending_is_not_shown_any_more_when_it_should_have_fired() {
    let rules = RULES.replace("by: [], when:", "by: [country], for: 5m, when:");
    let mut bench = Bench::of("pending", &rules);
    let shows = |page: &Told, country: &str| {
        let (_, firing) = page.body.split_once(r#""firing":["#).unwrap();
        firing.contains(&format!(r#""group":{{"country":"{country}"}},"transition":"pending""#))
    };
    assert_eq!(bench.push(&[order(1), order(100)]).status, 202);
    let first = bench.get_until("/", |page| shows(page, "AE"));
    assert!(first.body.contains(r#""pending_ms":300000}"#), "the page judges itself");
    // It holds no more, of which nothing is told.
    let other = order(402).replace("AE", "EG");
    assert_eq!(bench.push(&[other, order(403).replace("AE", "EG")]).status, 202);
    let is_over = |page: &Told| shows(page, "EG") && !shows(page, "AE");
    bench.get_until("/", is_over);
    bench.stop();
    bench.start(None, Times::default());
    bench.get_until("/", is_over);
}

#[test]
fn it_is_ready_when_the_store_is_read_and_nothing_waits() {
    let bench = Bench::new("ready");
    let ready = bench.get_until("/readyz", |told| told.status == 200);
    assert_eq!(ready.body, "{\"ready\":true}\n");
    assert_eq!(bench.get("/healthz").body, "{\"alive\":true}\n");
}

/// Reads until a text has come.
pub(super) async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the stream has ended: {}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&buffer[..length]);
        let all = String::from_utf8_lossy(&heard);
        if all.contains(text) && all.ends_with("\n\n\r\n") {
            return all.into_owned();
        }
    }
}
