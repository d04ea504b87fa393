//! What writes and reads cost, as the meter bills them by AWS's rules, and as the adapter says itself.

use super::{Stand, TABLE};
use aws_config::retry::RetryConfig;
use streamgauge_dynamodb::{Consumed, DynamoLog, DynamoSnapshots, Table};
use streamgauge_engine::time::DAY_MS;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Fault, Harm, Selector, When};
use streamgauge_meter::unit::Unit;
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{
    Append, Chunks, ENTRY_BYTES_MAX, Entry, HEADER_BYTES_MAX, Label, Log, LogId, Version, Wanted,
};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};
use streamgauge_pipeline::port::{PIECE_BYTES_MAX, Partition};

/// What keys, names, times and the attempt take of an item, in bytes, at most.
const OVERHEAD_BYTES: usize = 150;
/// A KB.
const KB: usize = 1 << 10;

fn entry(stand: &Stand, header_bytes: usize, chunk_bytes: &[usize]) -> Entry {
    let chunks: Chunks =
        (0..).map(Label).zip(chunk_bytes.iter().map(|&bytes| vec![1; bytes])).collect();
    Entry::new(vec![1; header_bytes], chunks, stand.clock.now().plus(8 * DAY_MS)).unwrap()
}

fn snapshot(version: u64, bytes: usize) -> Snapshot {
    Snapshot::new(Version(version), vec![1; bytes]).unwrap()
}

/// Appends an entry that is expected to win.
async fn append(log: &DynamoLog<VirtualClock>, version: u64, entry: &Entry) {
    let outcome = log.append(&LogId::control(), Version(version), entry).await.unwrap();
    assert_eq!(outcome, Append::Appended);
}

/// Puts a snapshot after the one before it that is expected to win.
async fn put(snapshots: &DynamoSnapshots<VirtualClock>, expected: u64, version: u64, bytes: usize) {
    let expected = (expected > 0).then_some(Version(expected));
    let put = snapshots.put(&lane(), expected, &snapshot(version, bytes)).await.unwrap();
    assert_eq!(put, Put::Swung);
}

/// The lane register's log.
fn lane() -> LogId {
    LogId::lane("cloudwatch", Partition::default())
}

/// Appends an entry on version 1: calls and write units of it.
async fn appended(header_bytes: usize, chunk_bytes: &[usize]) -> [u64; 2] {
    let stand = Stand::start().await;
    let log = stand.log("costs").await;
    append(&log, 1, &entry(&stand, header_bytes, chunk_bytes)).await;
    [Unit::Calls, Unit::WriteUnits].map(|unit| stand.amount("PutItem", unit))
}

#[tokio::test]
async fn an_entry_of_n_kilobytes_is_one_item_and_costs_n_units() {
    for kilobytes in [1_usize, 2, 7, 36, 100, 398] {
        let units = u64::try_from(kilobytes).unwrap();
        let chunks = kilobytes * KB - OVERHEAD_BYTES - 20;
        assert_eq!(appended(20, &[chunks]).await, [1, units], "{kilobytes} KB, full");
        let least = chunks + 200 - KB;
        assert_eq!(appended(20, &[least, 5]).await, [1, units], "{kilobytes} KB, just begun");
    }
}

#[tokio::test]
async fn a_large_entry_costs_its_pieces_and_its_header() {
    let [calls, units] = appended(100, &[PIECE_BYTES_MAX, PIECE_BYTES_MAX / 2, 500]).await;
    assert_eq!(calls, 3);
    assert_eq!(units, 385 + 193 + 1);
    // The small chunks stay with the header.
    let many = vec![2 * KB; 100];
    let [calls, units] = appended(100, &[many, vec![PIECE_BYTES_MAX]].concat()).await;
    assert_eq!(calls, 2);
    assert_eq!(units, 385 + 201);
}

/// The meter refuses items over 400 KB: none is.
#[tokio::test]
async fn the_largest_entries_are_taken() {
    let room = ENTRY_BYTES_MAX - HEADER_BYTES_MAX;
    appended(HEADER_BYTES_MAX, &[room]).await;
    appended(HEADER_BYTES_MAX, &vec![room / 1_024; 1_024]).await;
    appended(HEADER_BYTES_MAX, &vec![4 * KB; 1_024]).await;
    for bytes in [PIECE_BYTES_MAX, 398 * KB, 399 * KB, 400 * KB] {
        appended(0, &[bytes]).await;
        appended(0, &[bytes / 2, bytes / 2]).await;
    }
}

#[tokio::test]
async fn a_lane_s_register_costs_one_write_and_one_read() {
    let stand = Stand::start().await;
    let snapshots = stand.snapshots("costs").await;
    for version in 1..=3_u64 {
        put(&snapshots, version - 1, version, 250).await;
        assert_eq!(stand.amount("UpdateItem", Unit::Calls), version);
        assert_eq!(stand.amount("UpdateItem", Unit::WriteUnits), version);
    }
    assert_eq!(snapshots.load(&lane(), Version(3)).await.unwrap(), Some(snapshot(3, 250)));
    let read = [Unit::Calls, Unit::HalfReadUnits].map(|unit| stand.amount("GetItem", unit));
    assert_eq!((read, stand.amount("PutItem", Unit::Calls)), ([1, 2], 0));
}

#[tokio::test]
async fn a_warm_reader_pays_for_what_is_new_only() {
    let stand = Stand::start().await;
    let log = stand.log("costs").await;
    for version in 1..=3 {
        append(&log, version, &entry(&stand, 7_000, &[])).await;
    }
    let mut units = Vec::new();
    for after in [0, 2, 3] {
        log.read(&LogId::control(), Version(after), Wanted::All).await.unwrap();
        units.push(stand.amount("Query", Unit::HalfReadUnits));
    }
    // 21 KB and something are 6 strong reads, 7 KB two, nothing one.
    assert_eq!(units, [12, 12 + 4, 12 + 4 + 2]);
    assert_eq!(stand.amount("Query", Unit::Calls), 3);
}

/// Replaced pieces get a TTL, which costs as much as putting them; the register of those that are to get one forgets none.
#[tokio::test]
async fn replaced_pieces_get_a_ttl_one_snapshot_later() {
    let stand = Stand::start().await;
    let snapshots = stand.snapshots("costs").await;
    for version in 1..=4_u64 {
        put(&snapshots, version - 1, version, 100 * KB).await;
    }
    let scan = stand.direct.scan().table_name(TABLE).consistent_read(true).send().await.unwrap();
    let mut with_ttl = Vec::new();
    for item in scan.items().iter().filter(|item| item.contains_key("b")) {
        with_ttl.push((item["pk"].as_s().unwrap().clone(), item.contains_key("ttl")));
    }
    with_ttl.sort();
    let flags: Vec<bool> = with_ttl.iter().map(|(_, has_ttl)| *has_ttl).collect();
    // The second is still named, to be cleaned up with the next put.
    assert_eq!(flags, [true, false, false, false], "{with_ttl:?}");
    assert_eq!(stand.amount("UpdateItem", Unit::WriteUnits), 101);
    // Four times a claim, the piece, and the root.
    assert_eq!(stand.amount("PutItem", Unit::WriteUnits), 4 * (1 + 101 + 1));
}

/// What a snapshot that never became the newest has left gets its TTL as well.
#[tokio::test]
async fn pieces_of_a_put_that_crashed_get_a_ttl() {
    let stand = Stand::with(0, vec![only("PutItem", 3, Harm::CloseBefore)]).await;
    let client = stand.client(RetryConfig::disabled()).await;
    let table = Table::new(&client, TABLE, "costs", stand.clock.clone());
    let snapshots = DynamoSnapshots::new(table.into());
    snapshots.put(&lane(), None, &snapshot(1, 100 * KB)).await.unwrap_err();
    put(&snapshots, 0, 2, 10).await;
    put(&snapshots, 2, 3, 10).await;
    let scan = stand.direct.scan().table_name(TABLE).consistent_read(true).send().await.unwrap();
    let orphan = scan.items().iter().find(|item| item.contains_key("b")).unwrap();
    assert!(orphan.contains_key("ttl"), "{:?}", orphan["pk"]);
}

fn only(operation: &str, number: u64, harm: Harm) -> Fault {
    let selector = Selector {
        service: Some(Service::DynamoDb),
        operation: Some(operation.into()),
        caller_prefix: None,
    };
    Fault { selector, when: When::Only(number), harm, at_most: 1 }
}

/// The SDK's second attempt fails on what its first one did, and the adapter knows its own hand.
#[tokio::test]
async fn a_lost_answer_that_the_sdk_retries_is_a_success() {
    for bytes in [10, 2 * PIECE_BYTES_MAX] {
        let last_put = if bytes == 10 { 1 } else { 3 };
        let stand = Stand::with(0, vec![only("PutItem", last_put, Harm::LoseAnswer)]).await;
        let log = stand.log("costs").await;
        let appended = log.append(&LogId::control(), Version(1), &entry(&stand, 1, &[bytes])).await;
        assert_eq!(appended.unwrap(), Append::Appended);
        assert_eq!(stand.amount("PutItem", Unit::Errors), 1);
    }
    for (bytes, operation, number) in
        [(10, "UpdateItem", 1), (100 * KB, "PutItem", 1), (100 * KB, "PutItem", 3)]
    {
        let stand = Stand::with(0, vec![only(operation, number, Harm::LoseAnswer)]).await;
        let snapshots = stand.snapshots("costs").await;
        let put = snapshots.put(&lane(), None, &snapshot(1, bytes)).await.unwrap();
        assert_eq!((put, stand.amount(operation, Unit::Errors)), (Put::Swung, 1));
        assert_eq!(snapshots.load(&lane(), Version(1)).await.unwrap(), Some(snapshot(1, bytes)));
    }
}

/// What the adapter says it has consumed is what the meter bills, failed conditions included.
#[tokio::test]
async fn the_adapter_counts_its_units_as_the_meter_does() {
    let stand = Stand::start().await;
    let table = stand.table("costs").await;
    let (log, snapshots) = (DynamoLog::new(table.clone()), DynamoSnapshots::new(table.clone()));
    let mut appends = Vec::new();
    for bytes in [3_000, 5_000, 1_000] {
        let entry = entry(&stand, 10, &[bytes]);
        appends.push(log.append(&LogId::control(), Version(1), &entry).await.unwrap());
    }
    assert_eq!(appends, [Append::Appended, Append::Conflict, Append::Conflict]);
    for (expected, version) in [(None, 1), (None, 2), (Some(1), 3)] {
        let expected = expected.map(Version);
        let put = snapshots.put(&lane(), expected, &snapshot(version, 2_000)).await.unwrap();
        assert_eq!(put == Put::Swung, version != 2);
    }
    let writes: u64 =
        ["PutItem", "UpdateItem"].map(|call| stand.amount(call, Unit::WriteUnits)).iter().sum();
    let consumed = table.take_consumed();
    assert_eq!(consumed.write_units.to_string(), writes.to_string());
    assert_eq!(writes, (3 + 5 + 3) + (3 + 3 + 5));
    assert_eq!(table.take_consumed(), Consumed::default());
    log.read(&LogId::control(), Version::START, Wanted::All).await.unwrap();
    assert!(table.take_consumed().read_units > 0.0);
}

#[tokio::test]
async fn what_cannot_be_repaired_here_says_what_to_do() {
    let stand = Stand::start().await;
    let client = stand.client(RetryConfig::disabled()).await;
    let log = DynamoLog::new(Table::new(&client, "absent", "costs", stand.clock.clone()).into());
    let failed = log.append(&LogId::control(), Version(1), &entry(&stand, 1, &[])).await;
    assert_eq!(
        failed.unwrap_err().to_string(),
        "could not append version 1 to \"control\": there is no table `absent`; deploy the stack, or correct the name; \
         the call may have taken effect and can be repeated"
    );
}
