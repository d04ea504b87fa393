//! Reads that writers overtake: `DynamoDB` promises no order between the items of one query, so a scan may find an entry and miss
//! the one before it. The meter's watcher appends exactly between two calls of a read.

use super::{Stand, TABLE};
use std::sync::Mutex;
use streamgauge_dynamodb::{DynamoLog, Table};
use streamgauge_engine::time::DAY_MS;
use streamgauge_meter::call::Call;
use streamgauge_meter::unit::Unit;
use streamgauge_meter::watcher::{Phase, Verdict, Watcher};
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Log, LogId, Version, Wanted};

fn entry(clock: &VirtualClock, mark: u8) -> Entry {
    Entry::new(vec![mark], Chunks::new(), clock.now().plus(DAY_MS)).unwrap()
}

async fn append(log: &DynamoLog<VirtualClock>, clock: &VirtualClock, version: u8) {
    let entry = entry(clock, version);
    let outcome = log.append(&LogId::control(), Version(version.into()), &entry).await.unwrap();
    assert_eq!(outcome, Append::Appended);
}

async fn versions(log: &DynamoLog<VirtualClock>, after: u64) -> Vec<u64> {
    let read = log.read(&LogId::control(), Version(after), Wanted::All).await.unwrap();
    read.iter().map(|logged| logged.version.0).collect()
}

/// Appends a version just before a query: which one before which.
struct Interloper {
    log: DynamoLog<VirtualClock>,
    clock: VirtualClock,
    appends: Mutex<Vec<(u32, u8)>>,
    queries: Mutex<u32>,
}

impl Watcher for Interloper {
    async fn at(&self, call: &Call, phase: Phase) -> Verdict {
        if &*call.operation == "Query" && phase == Phase::Before {
            let query = {
                let mut queries = self.queries.lock().unwrap();
                *queries += 1;
                *queries
            };
            let due = self.appends.lock().unwrap().iter().find(|due| due.0 == query).copied();
            if let Some((_, version)) = due {
                append(&self.log, &self.clock, version).await;
            }
        }
        Verdict::GoOn
    }
}

/// Versions 3 and 4 are there; these come before these queries. What a read from the beginning then finds, and in how many queries.
async fn check(appends: &[(u32, u8)], expect: &[u64], queries: u64) {
    let stand = Stand::watched(0, vec![], |direct, clock| {
        let table = Table::new(direct, TABLE, "interloper", clock.clone());
        Interloper {
            log: DynamoLog::new(table.into()),
            clock: clock.clone(),
            appends: Mutex::new(appends.to_vec()),
            queries: Mutex::default(),
        }
    })
    .await;
    let log = stand.log("reader").await;
    append(&log, &stand.clock, 3).await;
    append(&log, &stand.clock, 4).await;
    assert_eq!(versions(&log, 0).await, expect);
    assert_eq!(stand.amount("Query", Unit::Calls), queries);
}

#[tokio::test]
async fn a_read_whose_scan_was_overtaken_looks_again() {
    // Nothing before what was found: it has expired, and was deleted.
    check(&[], &[3, 4], 2).await;
    // The second came after the first query and before the look at what stands before the third.
    check(&[(2, 2)], &[2, 3, 4], 4).await;
    // Again and again.
    check(&[(2, 2), (4, 1)], &[1, 2, 3, 4], 5).await;
}

#[tokio::test]
async fn what_stands_behind_a_gap_is_not_read() {
    let stand = Stand::start().await;
    let log = stand.log("reader").await;
    for version in [1, 2, 4] {
        append(&log, &stand.clock, version).await;
    }
    assert_eq!(versions(&log, 0).await, [1, 2]);
    assert_eq!(versions(&log, 2).await, [0; 0]);
    stand.clock.advance(DAY_MS);
    append(&log, &stand.clock, 5).await;
    assert_eq!(versions(&log, 2).await, [5], "all before it has expired");
}
