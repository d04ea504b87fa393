//! Stored forms of a shard's log: what was written is read, and nothing else is.

use super::*;
use crate::port::TooLarge;
use crate::stored::check::check_form;
use streamgauge_engine::reject::RejectCode;

fn record(number: u64, sub_sequence: u64) -> RecordId {
    RecordId { sequence: number.into(), sub_sequence }
}

fn entry() -> ShardEntry {
    ShardEntry {
        at: Timestamp::from_millis(1_767_607_200_123),
        control: Version(3),
        first: record(7, 0),
        last: record(12, 2),
        bytes: 1_000,
        arrived: None,
        sections: vec![
            Section { plan: "0123456789abcdef".to_owned(), head: vec![1, 2, 3] },
            Section { plan: "fedcba9876543210".to_owned(), head: vec![] },
        ],
    }
}

fn rejected(payload: &[u8]) -> Rejected {
    Rejected {
        record: record(9, 1),
        arrival: Some(Timestamp::from_millis(5)),
        code: RejectCode::MissingTime,
        detail: "`time` is missing".to_owned(),
        payload: payload.to_vec(),
    }
}

#[test]
fn headers_are_read_as_written_and_written_as_ever() {
    let fixture = "01 1b0000019b8d99697b 03 6137 00 623132 02 1903e8 80 82 \
                   70 30313233343536373839616263646566 43 010203 70 66656463626139383736353433323130 40";
    check_form(&entry(), ShardEntry::encode, ShardEntry::decode, fixture);
    let arrived = ShardEntry { arrived: Some(Timestamp::EPOCH), sections: vec![], ..entry() };
    assert_eq!(ShardEntry::decode(&arrived.encode()).unwrap(), arrived);
}

#[test]
fn rejects_are_written_as_ever() {
    let fixture = "01 82 \
                   6139 01 81 05 6c 6d697373696e675f74696d65 71 6074696d6560206973206d697373696e67 41 7b \
                   6139 01 81 05 6c 6d697373696e675f74696d65 71 6074696d6560206973206d697373696e67 40";
    let write = |list: &Vec<_>| rejects::write_list(list);
    check_form(&vec![rejected(b"{"), rejected(b"")], write, rejects::read_list, fixture);
}

#[test]
fn rejects_are_read_as_written_and_deflated() {
    let rejects = vec![rejected(b"{"), rejected(&[b'x'; 100_000])];
    let chunk = write_rejects(&rejects).unwrap();
    assert!(chunk.len() < 2_000, "{}", chunk.len());
    assert_eq!(read_rejects(&chunk).unwrap(), rejects);
    assert_eq!(read_rejects(&write_rejects(&[]).unwrap()).unwrap(), []);
}

#[test]
fn rejects_over_the_limit_are_refused_by_the_writer() {
    let TooLarge { size, limit, .. } =
        write_rejects(&[rejected(&vec![0; REJECTS_BYTES_MAX])]).unwrap_err();
    assert!(size > limit);
}

#[test]
fn labels_of_chunks_never_meet() {
    let partitions = || (0..PARTITIONS_MAX).filter_map(Partition::new);
    let deltas = (0..SECTIONS_MAX)
        .flat_map(|section| partitions().map(move |partition| delta_label(section, partition)));
    let mut labels: Vec<_> =
        deltas.chain((0..SECTIONS_MAX).map(identities_label)).chain([REJECTS]).collect();
    let count = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), count);
}

#[test]
fn a_metrics_partition_never_changes() {
    let check = |metric, partitions, expect| {
        assert_eq!(partition_of(metric, partitions).number(), expect, "{metric}");
    };
    check("orders.created", 1, 0);
    check("orders.created", 64, 12);
    check("orders.rejected", 64, 55);
    check("", 64, 46);
    check("orders.created", 0, 0);
}
