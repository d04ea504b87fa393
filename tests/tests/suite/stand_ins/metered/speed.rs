//! A measurement, not a test: calls per second past the meter and through it, in turns within one run, since the machine and the
//! stand-in's age change the numbers more than the meter does.
//!
//! ```sh
//! cargo x stand-ins -- cargo test --release --package tests --features aws --test suite speed -- --ignored --nocapture
//! ```

use super::streams::{STREAM, record, stream};
use super::tables::{TABLE, item, key, place, table, text};
use super::{Clients, Metered};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use streamgauge_meter::limits::Limits;

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

async fn measure(limits: Limits, work: Work, calls: usize, at_once: usize) {
    let metered = Metered::with(limits.clone(), vec![]).await;
    let ddb = table(&metered.direct).await;
    for number in 0..100 {
        place(ddb, item(&number.to_string(), 1_000)).await;
    }
    stream(&metered.direct, &metered.account, 4).await;
    let direct = super::config(&metered.account, "", None, super::RetryConfig::disabled()).await;
    let ways = [Arc::new(Clients::new(&direct)), Arc::new(metered.caller("").await)];
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
    let [past, through] = sums.map(|sum| (calls * TURNS) as f64 / sum.as_secs_f64());
    let line = format!(
        "{work:?}, {at_once} at once, limits {}: {past:.0}/s past the meter, {through:.0}/s through it, {:.2}\n",
        if limits == Limits::none() { "off" } else { "on" },
        through / past
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
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
    for at_once in [1, 4] {
        measure(Limits::none(), Work::PutRecords, 40, at_once).await;
    }
}
