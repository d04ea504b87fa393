//! `deployed --dev`: whoever runs deploys tells a `dev` of them, with its token, and hears why not.

use super::served::until_ready;
use super::*;
use std::net::TcpStream;
use std::thread::{JoinHandle, spawn};
use streamgauge_pipeline::port::clock::Clock;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Who speaks: the tests have no user.
const WHO: &str = "--service shop --link https://ci.test/7 --author ci";

/// What `deployed` answers, wherever that `dev` is.
fn told(sandbox: &Sandbox, address: &str, arguments: &str) -> String {
    let typed = format!("deployed 1.2.3 {WHO} --dev http://{address} {arguments}");
    sandbox.run(typed.trim()).replace(address, "127.0.0.1:PORT")
}

/// What the page is told, from now on.
fn live(address: &str) -> BufReader<TcpStream> {
    until_ready(address);
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET /live HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}");
    write!(stream, "{head}\r\n\r\n").unwrap();
    let mut live = BufReader::new(stream);
    line(&mut live, "\"kind\":\"catalog\"");
    live
}

/// Answers one request with this text, and says what was asked.
fn stranger(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answering = spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = BufReader::new(socket.try_clone().unwrap());
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(request.read_until(b'\n', &mut head).unwrap() > 0, "the head has an end");
        }
        let head = String::from_utf8(head).unwrap();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
        request.read_exact(&mut body).unwrap();
        socket.write_all(answer.as_bytes()).unwrap();
        head + &String::from_utf8(body).unwrap()
    });
    (address, answering)
}

#[test]
fn a_deploy_that_is_told_with_the_token_is_told_to_the_page() {
    let sandbox = Sandbox::new("dev_deployed");
    sandbox.file("rules.yaml", RULES).file("token", format!("{TOKEN}\n"));
    let mut dev = Dev::start(&sandbox, "--token-file token");
    let address = dev.address();
    let at = SystemClock.now().as_millis() / 1_000 * 1_000 - 60_000;
    let at = Timestamp::from_millis(at);
    let mut live = live(&address);
    let answer = told(&sandbox, &address, &format!("--token-file token --at {at}"));
    let said = format!("shop 1.2.3 was deployed at {at}; `http://127.0.0.1:PORT` marks it\n");
    assert!(answer.contains("exit: 0\n") && answer.ends_with(&said), "{answer}");
    // The same by the environment, as `dev` takes it too, and now.
    let mut typed = sandbox.command(&format!("deployed 1.2.4 --dev http://{address}/ --author ci"));
    let output = typed.env("STREAMGAUGE_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    line(&mut live, &format!(r#"data: {{"kind":"deploy","version":"1.2.3","at":"{at}"}}"#));
    line(&mut live, r#"data: {"kind":"deploy","version":"1.2.4","at":""#);
    assert_snapshot!("deployed_no_token", told(&sandbox, &address, ""));
    sandbox.file("other", "fedcba9876543210");
    assert_snapshot!("deployed_wrong_token", told(&sandbox, &address, "--token-file other"));
    sandbox.file("short", "0123");
    assert_snapshot!("deployed_short_token", told(&sandbox, &address, "--token-file short"));
}

#[test]
fn what_dev_does_not_take_is_told_in_its_words() {
    let sandbox = Sandbox::new("dev_deployed_refused");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "");
    let address = dev.address();
    let answer = told(&sandbox, &address, "--at 2001-01-01T00:00:00Z");
    assert!(answer.contains("exit: 2\n"), "{answer}");
    let why =
        "caused by: it answered 400: the deploy was at 2001-01-01T00:00:00Z, and none before ";
    assert!(answer.contains(why), "{answer}");
    assert_snapshot!("deployed_elsewhere", told(&sandbox, &format!("{address}/shop"), ""));
}

#[test]
fn who_is_not_dev_marks_nothing() {
    let sandbox = Sandbox::new("dev_deployed_stranger");
    assert_snapshot!("deployed_nobody", told(&sandbox, "127.0.0.1:9", ""));
    let (page, asked) =
        stranger("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>");
    assert_snapshot!("deployed_page", told(&sandbox, &page, ""));
    let request = asked.join().unwrap();
    assert!(request.starts_with("POST /deploys HTTP/1.1\r\n"), "{request}");
    let body = r#"{"version":"1.2.3","source":"ci","service":"shop","link":"https://ci.test/7"}"#;
    assert!(request.ends_with(body), "{request}");
    assert!(!request.contains("authorization"), "{request}");
    let (mute, told_mute) = stranger("");
    assert_snapshot!("deployed_mute", told(&sandbox, &mute, ""));
    told_mute.join().unwrap();
    // One that says what it was sent: the token is not to be read in a terminal, or in the log of a pipeline.
    let (echo, told_echo) = stranger(
        "HTTP/1.1 503 x\r\ncontent-length: 51\r\nconnection: close\r\n\r\n{\"reason\":\"no 0123456789abcdef0123456789abcdef  \"}",
    );
    sandbox.file("token", TOKEN);
    assert_snapshot!("deployed_echo", told(&sandbox, &echo, "--token-file token"));
    assert!(told_echo.join().unwrap().contains(&format!("authorization: Bearer {TOKEN}\r\n")));
}

/// As in a pipeline whose variables are not set, in a container that has no user.
#[test]
fn what_is_empty_is_not_given_and_who_is_unknown_is_left_to_dev() {
    let sandbox = Sandbox::new("dev_deployed_empty");
    let (page, asked) = stranger("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n");
    let mut typed = sandbox.command(&format!("deployed 1.2.3 --dev http://{page}"));
    let output = typed.args(["--service", "", "--link", "", "--author", ""]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let request = asked.join().unwrap();
    assert!(request.ends_with("\r\n\r\n{\"version\":\"1.2.3\"}"), "{request}");
    // The user's name takes the place of the empty one.
    let (second, asked_second) = stranger("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n");
    let mut named = sandbox.command(&format!("deployed 1.2.3 --dev http://{second} --author="));
    named.env("USER", "noor").output().unwrap();
    let request_named = asked_second.join().unwrap();
    assert!(request_named.ends_with(r#"{"version":"1.2.3","source":"noor"}"#), "{request_named}");
    // And a `dev` takes it.
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "");
    let address = dev.address();
    let answer = sandbox.run(&format!("deployed 1.2.3 --dev http://{address} --link="));
    let said = format!("; `http://{address}` marks it\n");
    assert!(answer.contains("exit: 0\n") && answer.ends_with(&said), "{answer}");
}

#[test]
fn usage_errors() {
    let sandbox = Sandbox::new("dev_deployed_usage");
    assert_snapshot!("deployed_to_nobody", sandbox.run("deployed 1.2.3"));
    assert_snapshot!("deployed_to_both", sandbox.run("deployed 1.2.3 --table t --dev http://h"));
    let region = "deployed 1.2.3 --dev http://h --region eu-west-1";
    assert_snapshot!("deployed_region", sandbox.run(region));
    let token = "deployed 1.2.3 --table t --token-file f";
    assert_snapshot!("deployed_table_token", sandbox.run(token));
    let who = "deployed 1.2.3 --author ci";
    assert_snapshot!("deployed_no_address", sandbox.run(&format!("{who} --dev 127.0.0.1:8080")));
    assert_snapshot!("deployed_no_tls", sandbox.run(&format!("{who} --dev https://gate.test")));
}
