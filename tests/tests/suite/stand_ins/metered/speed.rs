//! A measurement, not a test: calls per second past the meter and through it, in turns within one run, since the machine and the
//! stand-in's age change the numbers more than the meter does.
//!
//! ```sh
//! cargo x stand-ins -- cargo test --release --package tests --features aws --test suite speed -- --ignored --nocapture
//! ```

use super::streams::{STREAM, record, stream};
use super::tables::{TABLE, item, key, place, table, text};
use super::{Clients, Metered, config};
use aws_config::retry::RetryConfig;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use streamgauge_meter::clock::RealClock;
use streamgauge_meter::faults::Faults;
use streamgauge_meter::limits::Limits;
use streamgauge_meter::proxy::{Meter, Routes};
use streamgauge_meter::watcher::Unwatched;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Turns of each way.
const TURNS: usize = 5;

/// What is called over and over.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// A conditional `UpdateItem` on one of some items.
    Update,
    /// A `GetItem` of 1 KB.
    Get,
    /// A `PutRecords` of 100 records of 100 bytes.
    PutRecords,
}

async fn call(work: Work, clients: &Clients, number: usize) {
    let id = (number % 100).to_string();
    match work {
        Work::Update => {
            let update = clients.dynamodb.update_item().table_name(TABLE).set_key(Some(key(&id)));
            let update = update.update_expression("SET n = :n").condition_expression("v <> :n");
            update.expression_attribute_values(":n", text("1")).send().await.unwrap();
        }
        Work::Get => {
            let get = clients.dynamodb.get_item().table_name(TABLE).set_key(Some(key(&id)));
            get.send().await.unwrap();
        }
        Work::PutRecords => {
            let put = clients.kinesis.put_records().stream_name(STREAM);
            let records = Some(vec![record(100); 100]);
            put.set_records(records).send().await.unwrap();
        }
    }
}

/// How long so many calls take, by so many at once.
async fn time(work: Work, clients: &Arc<Clients>, calls: usize, at_once: usize) -> Duration {
    let begin = Instant::now();
    let callers = (0..at_once).map(|caller| {
        let clients = Arc::clone(clients);
        tokio::spawn(async move {
            for number in 0..calls / at_once {
                call(work, &clients, caller * 7 + number).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    begin.elapsed()
}

/// Times calls in turns past the meter and through it, and tells.
async fn compare(what: &str, work: Work, ways: [Arc<Clients>; 2], calls: usize, at_once: usize) {
    let mut sums = [Duration::ZERO; 2];
    // One turn of each to warm up, which does not count.
    for turn in 0..=TURNS {
        for (clients, sum) in ways.iter().zip(&mut sums) {
            let took = time(work, clients, calls, at_once).await;
            if turn > 0 {
                *sum += took;
            }
        }
    }
    let all = u32::try_from(calls * TURNS).unwrap();
    let [past, through] = sums.map(|sum| f64::from(all) / sum.as_secs_f64());
    let ratio = through / past;
    let line = format!(
        "{what}, {work:?}, {at_once} at once: {past:.0}/s past the meter, {through:.0}/s through it, {ratio:.2}\n"
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Before the real stand-ins.
async fn measure(limits: Limits, work: Work, calls: usize, at_once: usize) {
    let what =
        if limits == Limits::none() { "stand-in, limits off" } else { "stand-in, limits on" };
    let metered = Metered::with(limits, vec![]).await;
    let ddb = table(&metered.direct).await;
    for number in 0..100 {
        place(ddb, item(&number.to_string(), 1_000)).await;
    }
    stream(&metered.direct, &metered.account, 4).await;
    let direct = config(&metered.account, "", None, RetryConfig::disabled()).await;
    let ways = [Arc::new(Clients::new(&direct)), Arc::new(metered.caller("").await)];
    compare(what, work, ways, calls, at_once).await;
}

/// A stand-in that answers `{}` at once, so that nothing is measured but the SDK and the meter.
async fn instant() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(converse(stream));
        }
    });
    address
}

async fn converse(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some((_, bytes)) = line.to_ascii_lowercase().split_once("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
        }
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).await.unwrap();
    }
}

/// Before a stand-in that costs nothing.
async fn measure_alone(work: Work, calls: usize, at_once: usize) {
    let address = instant().await;
    let (routes, faults) = (Routes::all_to(address), Faults::default());
    let meter = Meter::start(routes, Limits::none(), faults, Unwatched, RealClock).await.unwrap();
    let clients = async |endpoint: &str| {
        let config = config("000000000000", "a-1", Some(endpoint), RetryConfig::disabled()).await;
        Arc::new(Clients::new(&config))
    };
    let ways = [clients(&format!("http://{address}")).await, clients(&meter.endpoint()).await];
    compare("nothing behind it", work, ways, calls, at_once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a release build"]
async fn speed() {
    for limits in [Limits::none(), Limits::all()] {
        for at_once in [1, 8] {
            measure(limits.clone(), Work::Update, 400, at_once).await;
            measure(limits.clone(), Work::Get, 800, at_once).await;
        }
    }
    for at_once in [1, 8, 32] {
        measure_alone(Work::Get, 4_000, at_once).await;
    }
}

/// kinesis-local takes longer the more it holds, so there are few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a release build"]
async fn speed_of_puts() {
    measure(Limits::none(), Work::PutRecords, 12, 1).await;
}
