//! A disk that takes its time: who is answered when, and who is turned away.

use super::*;
use crate::intake::Offered;
use bytes::Bytes;

const LINES: &str = "Content-Type: application/x-ndjson\r\n";

/// Begins a push while nothing can be appended, and waits until it is with whoever commits.
fn held(bench: &Bench, line: &str) -> TcpStream {
    bench.gate.hold(true);
    let stream = bench.begin("POST /events", LINES, line);
    bench.dev().intake().wait_until_taken_out();
    stream
}

fn read(bench: &Bench, mut stream: TcpStream) -> Told {
    let mut answer = Vec::new();
    bench.runtime.block_on(stream.read_to_end(&mut answer)).unwrap();
    Told::read(&answer)
}

#[test]
fn nobody_is_answered_before_it_is_on_the_disk() {
    let bench = Bench::new("held");
    let stream = held(&bench, &order(1));
    // Whatever is asked meanwhile is answered.
    assert_eq!(bench.get("/healthz").status, 200);
    let error = stream.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(bench.dev().totals().counters().received, 0);
    bench.gate.hold(false);
    assert_eq!(read(&bench, stream).status, 202);
    assert_eq!(bench.dev().totals().counters().received, 1);
}

#[test]
fn a_full_queue_turns_away_and_all_that_waits_is_taken() {
    let bench = Bench::new("full");
    let first = held(&bench, &order(1));
    // More than may wait, and it is taken since nothing else does.
    let text = Bytes::from(vec![b' '; 64 << 20]);
    let large = Offered { text, records: std::iter::once(0..1).collect(), ..Offered::default() };
    let large = bench.dev().intake().submit(large, || None).unwrap();
    let told = bench.push(&[order(2)]);
    assert_eq!((told.status, told.header("retry-after")), (429, Some("1")));
    assert_eq!(told.body, "{\"reason\":\"more comes than can be stored; try again later\"}\n");
    assert_eq!(bench.get("/points").status, 200);
    bench.gate.hold(false);
    assert_eq!(read(&bench, first).status, 202);
    assert_eq!(large.blocking_answered().unwrap().rejected.len(), 1);
    assert_eq!(bench.push(&[order(2)]).status, 202);
    assert_eq!(bench.dev().totals().counters().counted, 2);
}
