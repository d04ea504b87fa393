//! Who is slow, and whom that holds.

use super::*;

/// So long what a test is about may take; all else has its usual time.
const MOMENT: Duration = Duration::from_millis(20);

/// Sends something that is not a whole request, and reads until the connection ends.
fn half(bench: &Bench, text: &str) -> String {
    bench.runtime.block_on(async {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    })
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let bench = Bench::with("head", None, Times { head: MOMENT, ..Times::default() });
    assert_eq!(half(&bench, ""), "");
    let answer = half(&bench, "POST /events HTTP/1.1\r\nHost: local");
    assert!(!answer.contains("202"), "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_a_408() {
    let bench = Bench::with("body", None, Times { body: MOMENT, ..Times::default() });
    let head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{";
    let told = Told::read(half(&bench, head).as_bytes());
    assert_eq!((told.status, told.header("connection")), (408, Some("close")));
    assert_eq!(bench.dev().totals().counters().received, 0);
}

#[test]
fn who_sends_slowly_holds_nobody() {
    let bench = Bench::new("slow");
    let slow = bench.runtime.block_on(async {
        let mut slow = Vec::new();
        for _ in 0..64 {
            let mut stream = TcpStream::connect(bench.address).await.unwrap();
            let head =
                "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n{";
            stream.write_all(head.as_bytes()).await.unwrap();
            slow.push(stream);
        }
        slow
    });
    assert_eq!(bench.push(&[order(1)]).status, 202);
    drop(slow);
}
