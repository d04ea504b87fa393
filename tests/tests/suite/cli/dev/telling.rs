//! Who asks to be told is told at once if he cannot be, and why he was not if he could have been.

use super::*;

/// Answers one call of `dev` to this path.
fn answer_at(listener: &TcpListener, path: &str, answer: &str) {
    let (mut socket, _) = listener.accept().unwrap();
    let mut request = BufReader::new(socket.try_clone().unwrap());
    assert_eq!(line(&mut request, "POST"), format!("POST {path} HTTP/1.1"));
    write!(socket, "HTTP/1.1 {answer}").unwrap();
}

/// Answers one call of `dev` to a webhook.
fn answer(listener: &TcpListener, answer: &str) {
    answer_at(listener, "/hook", answer);
}

/// A process whose alert has fired, and the webhook that it is to tell.
fn fired(sandbox: &Sandbox, arguments: &str) -> (Dev, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    sandbox.file("rules.yaml", RULES.replace("http://127.0.0.1:9/", &address));
    let mut dev = Dev::start(sandbox, &format!("--stdin --clock events --notify {arguments}"));
    assert_eq!(dev.error("tells"), "tells: hook (webhook)");
    let lines: String = (0..9).chain([12]).map(order).collect();
    dev.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    (dev, listener)
}

#[test]
fn a_channel_that_can_tell_nobody_is_an_error_before_anything_is_opened() {
    let sandbox = Sandbox::new("dev_untold");
    let channels = "hook: {webhook: {url: env:STREAMGAUGE_NONE}}";
    let rules = RULES.replace("hook: {webhook: {url: 'http://127.0.0.1:9/'}}", channels);
    sandbox.file("rules.yaml", &rules);
    assert_snapshot!("dev_untold", sandbox.run(&typed("--notify")));
    assert!(!sandbox.folder.join("dev.store").exists(), "nothing was begun");
    // Who does not ask to be told needs no secrets.
    let mut dev = Dev::start(&sandbox, "--stdin");
    let told = dev.error("tells");
    assert!(told.starts_with("tells nobody: "), "{told}");
}

#[test]
fn rules_that_change_to_a_channel_that_can_tell_nobody_are_refused() {
    let sandbox = Sandbox::new("dev_untold_later");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--stdin --notify");
    dev.error("listening on");
    sandbox.file("rules.yaml", RULES.replace("'http://127.0.0.1:9/'", "secret:shop/hook"));
    let refused = dev.error("can tell nobody");
    assert!(refused.contains("`hook` (webhook), which the alert `rush` notifies"), "{refused}");
    let why = dev.error("caused by");
    assert!(why.contains("`secret:shop/hook` cannot be read here"), "{why}");
    dev.error("the rules were changed and are wrong; the old ones go on");
}

#[test]
fn what_is_not_taken_for_now_is_said_with_channel_and_cause() {
    let sandbox = Sandbox::new("dev_not_taken");
    let (mut dev, listener) = fired(&sandbox, "");
    answer(&listener, "500 x\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops");
    let shown = dev.out("firing");
    assert!(shown.ends_with("value 9, for hook"), "{shown}");
    let told = dev.error("could not tell");
    let begin =
        "warning: could not tell `hook`: it answered 500: oops; 1 notification waits since ";
    assert!(told.starts_with(begin) && told.ends_with(", and it is tried again"), "{told}");
    drop(listener);
    let (code, rest) = dev.stop();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("warning: `hook` was not told: 1 notification waits since "), "{rest}");
}

#[test]
fn what_is_refused_is_said_to_be_lost_to_people_and_to_machines() {
    let sandbox = Sandbox::new("dev_refused");
    let (mut dev, listener) = fired(&sandbox, "--output json");
    answer(&listener, "400 x\r\ncontent-length: 7\r\nconnection: close\r\n\r\nno hook");
    let told = dev.error("was not told");
    let expect =
        "error: `hook` was not told of 1 notification, and will not be: it answered 400: no hook";
    assert_eq!(told, expect);
    let shown = dev.out("\"channel\",");
    let line = r#"{"kind":"channel","channel":"hook","state":"lost","lost":1,"waiting":0,"reason":"it answered 400: no hook"}"#;
    assert_eq!(shown, line);
}

#[test]
fn pagerduty_is_where_the_environment_says_for_pages_and_for_deploys() {
    const TAKEN: &str = "202 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let sandbox = Sandbox::new("dev_pagerduty");
    let channel = "hook: {pagerduty: {routing_key: env:PAGERDUTY_KEY}}";
    let rules = RULES.replace("hook: {webhook: {url: 'http://127.0.0.1:9/'}}", channel);
    sandbox.file("rules.yaml", rules);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let begin = |named: &str| {
        let mut command = sandbox.command(&typed("--stdin --clock events --notify"));
        command.env("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef");
        command.env("STREAMGAUGE_PAGERDUTY", named);
        command
    };
    let mut dev = Dev::of(begin(&place));
    assert_eq!(dev.error("tells"), "tells: hook (PagerDuty)");
    let address = dev.address();
    let lines: String = (0..9).chain([12]).map(order).collect();
    dev.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    answer_at(&listener, "/v2/enqueue", TAKEN);
    let answer = sandbox.run(&format!("deployed 1.2.3 --author ci --dev http://{address}"));
    assert!(answer.contains("exit: 0\n"), "{answer}");
    answer_at(&listener, "/v2/change/enqueue", TAKEN);
    let (code, rest) = dev.stop();
    assert_eq!(code, Some(0), "{rest}");
    // A wrong place is an error before anything is opened.
    let output = begin("events.eu.pagerduty.com").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let expect = "error: `STREAMGAUGE_PAGERDUTY` is `events.eu.pagerduty.com`; write https://events.pagerduty.com or https://events.eu.pagerduty.com\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expect);
}
