//! Deploys: marked, told, and there for who comes later.

use super::asked::read_until;
use super::*;

const JSON: &str = "Content-Type: application/json\r\n";

fn deploy(bench: &Bench, body: &str) -> Told {
    bench.ask("POST /deploys", JSON, body)
}

#[test]
fn a_deploy_is_told_live_and_stands_in_the_catalog_afterwards() {
    let mut bench = Bench::new("deploy");
    bench.get_until("/readyz", |told| told.status == 200);
    let mut stream = bench.begin("GET /live", "", "");
    bench.runtime.block_on(read_until(&mut stream, "\"kind\":\"catalog\""));
    let second = r#"{"version":"v<8>","source":"ci","service":"shop","link":"https://ci.test/8"}"#;
    assert_eq!(deploy(&bench, second).status, 202);
    let at = Timestamp::from_millis(SystemClock.now().as_millis() - 60_000);
    let first = format!(r#"{{"version":"v7","at":"{at}"}}"#);
    let told = deploy(&bench, &first);
    assert_eq!((told.status, told.body), (202, format!("{first}\n")));
    let message = format!(r#"data: {{"kind":"deploy","version":"v7","at":"{at}"}}"#);
    let heard = bench.runtime.block_on(read_until(&mut stream, &message));
    let (before, _) = heard.split_once(&message).unwrap();
    assert!(before.lines().next_back().is_some_and(|line| line.starts_with("id: ")), "{heard}");
    let expect =
        format!(r#""deploys":[{{"version":"v7","at":"{at}"}},{{"version":"v\u003c8\u003e","at":""#);
    bench.get_until("/", |page| page.body.contains(&expect));
    bench.stop();
    bench.start(None, Times::default());
    bench.get_until("/", |page| page.body.contains(&expect));
}

#[test]
fn what_is_no_deploy_is_refused_with_what_to_do() {
    let bench = Bench::new("undeployed");
    let check = |body: &str, expect: &str| {
        let told = deploy(&bench, body);
        assert_eq!(told.status, 400, "{}", told.body);
        assert!(told.body.contains(expect), "{}", told.body);
    };
    check("7", r#"send {\"version\":\"v7\"}"#);
    check(r#"{"versoin":"v7"}"#, "unknown field `versoin`");
    check(r#"{"version":" "}"#, "the version is empty");
    check(r#"{"version":"v7","at":"yesterday"}"#, "`at` is no time");
    check(r#"{"version":"v7","link":"ci"}"#, "write it with `https://`");
    check(r#"{"version":"v7","at":"2199-01-01T00:00:00Z"}"#, "say it when it is done");
    check(r#"{"version":"v7","at":"2001-01-01T00:00:00Z"}"#, "none before");
    let long = format!(r#"{{"version":"{}"}}"#, "v".repeat(1_001));
    check(&long, "longer than 1000 characters");
    // A form of another page could send this.
    let plain = bench.ask("POST /deploys", "Content-Type: text/plain\r\n", r#"{"version":"v7"}"#);
    assert_eq!(plain.status, 400);
    let large = format!(r#"{{"version":"{}"}}"#, "v".repeat(17_000));
    assert_eq!(deploy(&bench, &large).status, 413);
    let foreign = format!("{JSON}Origin: http://evil.example\r\n");
    assert_eq!(bench.ask("POST /deploys", &foreign, r#"{"version":"v7"}"#).status, 403);
    assert_eq!(bench.get("/deploys").header("allow"), Some("post"));
}

#[test]
fn there_are_only_so_many_deploys_within_an_hour() {
    let bench = Bench::new("deploys");
    // What is refused takes no place.
    for _ in 0..100 {
        assert_eq!(deploy(&bench, r#"{"version":" "}"#).status, 400);
    }
    for number in 0..100 {
        assert_eq!(deploy(&bench, &format!(r#"{{"version":"{number}"}}"#)).status, 202);
    }
    let told = deploy(&bench, r#"{"version":"100"}"#);
    let seconds: u32 = told.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(told.status, 429);
    assert!((1_800..=3_600).contains(&seconds), "when the first is an hour old: {seconds}");
    assert!(told.body.contains("100 deploys within an hour"), "{}", told.body);
}
