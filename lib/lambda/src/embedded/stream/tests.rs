//! The stream as its readers and writers see it.

use super::*;
use std::collections::BTreeMap;
use tokio::time::advance;

fn stream(shards: usize) -> EmbeddedStream {
    with(shards, StreamOptions::default())
}

fn with(shards: usize, options: StreamOptions) -> EmbeddedStream {
    EmbeddedStream::new(
        Arn::stream("eu-west-1", "000000000000", "orders"),
        shards,
        Clock::real(),
        options,
    )
}

fn shard(number: usize) -> ShardId {
    format!("shardId-{number:012}").into()
}

/// The data from a start on, as words.
async fn words(stream: &EmbeddedStream, number: usize, start: &Start) -> String {
    let iterator = stream.open(&shard(number), start).await.unwrap();
    let read = stream.read(&iterator, READ_RECORDS_MAX).await.unwrap();
    let data: Vec<String> = read
        .records
        .iter()
        .map(|record| String::from_utf8(record.data.to_vec()).unwrap())
        .collect();
    data.join(" ")
}

fn put(stream: &EmbeddedStream, words: &str) -> Vec<SequenceNumber> {
    let put = |data: &str| stream.put("key", None, data.to_owned()).unwrap().1;
    words.split_whitespace().map(put).collect()
}

#[tokio::test(start_paused = true)]
async fn starts_are_where_they_should_be() {
    let stream = stream(1);
    let numbers = put(&stream, "a b");
    advance(Duration::from_secs(10)).await;
    let moment = stream.now();
    let latest = stream.open(&shard(0), &Start::Latest).await.unwrap();
    put(&stream, "c");
    for (start, expect) in [
        (Start::TrimHorizon, "a b c"),
        (Start::Latest, ""),
        (Start::AtTimestamp(moment), "c"),
        (Start::AtTimestamp(moment - SignedDuration::from_millis(1)), "c"),
        (Start::AtTimestamp(moment - SignedDuration::from_secs(10)), "a b c"),
        (Start::At(numbers[1].clone()), "b c"),
        (Start::After(numbers[0].clone()), "b c"),
        (Start::After(numbers[1].clone()), "c"),
    ] {
        assert_eq!(words(&stream, 0, &start).await, expect, "{start:?}");
    }
    assert_eq!(stream.read(&latest, 10).await.unwrap().records[0].data, "c");
}

#[test]
fn records_go_where_their_md5_says() {
    // The MD5 of "a" is 0cc1…, of "b" 92eb…, of "c" 4a8a…, of "e" e167….
    let stream = stream(4);
    for (key, expect) in [("a", 0), ("b", 2), ("c", 1), ("e", 3)] {
        assert_eq!(stream.put(key, None, "").unwrap().0, shard(expect), "{key}");
    }
}

#[test]
fn an_explicit_hash_key_decides() {
    let stream = stream(2);
    let half = u128::MAX / 2;
    for (key, expect) in [(0, 0), (half, 0), (half + 1, 1), (u128::MAX, 1)] {
        assert_eq!(stream.put("a", Some(key), "").unwrap().0, shard(expect), "{key}");
    }
}

#[test]
fn shards_cover_all_hash_keys_evenly() {
    for count in [1, 2, 3, 7, 10] {
        let stream = stream(count);
        let mut of_shard = BTreeMap::new();
        for number in 0..1000 * count {
            let (shard, _) = stream.put(format!("key {number}"), None, "").unwrap();
            *of_shard.entry(shard).or_insert(0) += 1;
        }
        assert_eq!(of_shard.len(), count);
        assert!(of_shard.values().all(|records| (800..1200).contains(records)), "{of_shard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn iterators_expire_after_five_minutes() {
    let stream = stream(1);
    let iterator = stream.open(&shard(0), &Start::TrimHorizon).await.unwrap();
    advance(Duration::from_mins(5)).await;
    let next = stream.read(&iterator, 1).await.unwrap().next.unwrap();
    advance(Duration::from_millis(1)).await;
    assert_eq!(stream.read(&iterator, 1).await.unwrap_err(), StreamError::ExpiredIterator);
    assert!(stream.read(&next, 1).await.is_ok());
    assert!(matches!(stream.read(&"nonsense".to_owned(), 1).await, Err(StreamError::Other(_))));
}

#[tokio::test(start_paused = true)]
async fn a_read_has_limits() {
    let stream = stream(1);
    let data = Bytes::from(vec![7; 1_000_000]);
    for _ in 0..12 {
        stream.put("key", None, data.clone()).unwrap();
    }
    let iterator = stream.open(&shard(0), &Start::TrimHorizon).await.unwrap();
    let read = stream.read(&iterator, READ_RECORDS_MAX).await.unwrap();
    assert_eq!(read.records.len(), 10, "10 MB");
    let read = stream.read(&read.next.unwrap(), READ_RECORDS_MAX).await.unwrap();
    assert_eq!((read.records.len(), read.behind_ms), (2, 0));
    assert_eq!(stream.read(&iterator, 3).await.unwrap().records.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_read_brings_ten_thousand_records_at_most() {
    let small = stream(1);
    put(&small, &"x ".repeat(10_001));
    let iterator = small.open(&shard(0), &Start::TrimHorizon).await.unwrap();
    assert_eq!(small.read(&iterator, u32::MAX).await.unwrap().records.len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn behind_is_the_age_of_what_is_not_read() {
    let stream = stream(1);
    put(&stream, "a b");
    advance(Duration::from_secs(3)).await;
    let iterator = stream.open(&shard(0), &Start::TrimHorizon).await.unwrap();
    let read = stream.read(&iterator, 1).await.unwrap();
    assert_eq!(read.behind_ms, 3000);
    assert_eq!(stream.read(&read.next.unwrap(), 1).await.unwrap().behind_ms, 0);
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_is_read_to_its_end_and_tells_its_children() {
    let stream = stream(1);
    put(&stream, "a b");
    let (low, high) = stream.split_evenly(&shard(0)).unwrap();
    put(&stream, "c");
    assert_eq!(words(&stream, 0, &Start::TrimHorizon).await, "a b");
    let iterator = stream.open(&shard(0), &Start::TrimHorizon).await.unwrap();
    let read = stream.read(&iterator, 1).await.unwrap();
    assert_eq!(read.children, []);
    let read = stream.read(&read.next.unwrap(), 10).await.unwrap();
    assert_eq!((read.next, read.records.len()), (None, 1));
    let child = |id: &ShardId| Shard { id: Arc::clone(id), parents: vec![shard(0)], closed: false };
    assert_eq!(read.children, [child(&low), child(&high)]);
    let latest = stream.open(&shard(0), &Start::Latest).await.unwrap();
    assert_eq!(stream.read(&latest, 1).await.unwrap().next, None);
}

#[tokio::test(start_paused = true)]
async fn a_merge_has_two_parents() {
    let stream = stream(3);
    let merged = stream.merge(&shard(1), &shard(0)).unwrap();
    let listed = stream.shards().await.unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[3], Shard { id: merged, parents: vec![shard(1), shard(0)], closed: false });
    assert!(listed[0].closed && listed[1].closed && !listed[2].closed);
    assert_eq!(stream.put("a", Some(0), "").unwrap().0, shard(3));
}

#[test]
fn changes_that_cannot_be_are_refused() {
    let stream = stream(3);
    assert_eq!(stream.split(&shard(9), 1), Err(ReshardError::NotFound(shard(9))));
    assert_eq!(stream.split(&shard(0), 0), Err(ReshardError::Key { shard: shard(0), key: 0 }));
    assert!(matches!(stream.split(&shard(0), u128::MAX), Err(ReshardError::Key { .. })));
    assert_eq!(stream.merge(&shard(0), &shard(2)), Err(ReshardError::Apart(shard(0), shard(2))));
    assert_eq!(stream.merge(&shard(0), &shard(0)), Err(ReshardError::Apart(shard(0), shard(0))));
    stream.split_evenly(&shard(0)).unwrap();
    assert_eq!(stream.split_evenly(&shard(0)), Err(ReshardError::Closed(shard(0))));
    for wanted in [0, 1, 9] {
        assert_eq!(stream.update_shard_count(wanted), Err(ReshardError::Count { now: 4, wanted }));
    }
}

#[test]
fn the_number_of_shards_can_be_changed() {
    let stream = stream(3);
    for count in [6, 4, 8, 5, 3] {
        stream.update_shard_count(count).unwrap();
        assert_eq!(stream.open_shards().len(), count);
        for key in [0, u128::MAX / 3, u128::MAX] {
            assert!(stream.put("a", Some(key), "").is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn records_and_closed_shards_are_forgotten_after_the_retention() {
    let options = StreamOptions { retention: Duration::from_hours(1), ..StreamOptions::default() };
    let stream = with(1, options);
    put(&stream, "a");
    advance(Duration::from_mins(40)).await;
    put(&stream, "b");
    stream.split_evenly(&shard(0)).unwrap();
    advance(Duration::from_mins(30)).await;
    assert_eq!(words(&stream, 0, &Start::TrimHorizon).await, "b");
    assert_eq!(stream.shards().await.unwrap().len(), 3);
    advance(Duration::from_mins(31)).await;
    assert_eq!(stream.shards().await.unwrap().len(), 2);
    let gone = stream.open(&shard(0), &Start::TrimHorizon).await;
    assert_eq!(gone, Err(StreamError::NotFound("the shard `shardId-000000000000`".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_freed() {
    let options = StreamOptions {
        retention: Duration::from_hours(1),
        memory_bytes_max: 10_000,
        ..StreamOptions::default()
    };
    let stream = with(2, options);
    let mut put = 0;
    let error = loop {
        match stream.put(format!("key {put}"), None, "data") {
            Ok(_) => put += 1,
            Err(error) => break error,
        }
    };
    assert!((20..40).contains(&put), "{put}");
    assert_eq!(
        error.to_string(),
        "the stream `orders` holds 10000 bytes of records, its limit; let its records be read, shorten its retention, or raise the limit"
    );
    advance(Duration::from_mins(61)).await;
    stream.split_evenly(&shard(0)).unwrap();
    stream.put("key", None, "data").unwrap();
    stream.shards().await.unwrap();
    assert!(stream.memory_bytes() < 500, "{}", stream.memory_bytes());
    advance(Duration::from_hours(2)).await;
    stream.shards().await.unwrap();
    assert_eq!(stream.memory_bytes(), 0);
}

#[test]
fn what_cannot_be_put_is_refused() {
    let stream = stream(1);
    let put = |key: &str, bytes: usize| stream.put(key, None, vec![0; bytes]).map(|_| ());
    let mebibyte = 1024 * 1024;
    assert_eq!(put("k", mebibyte - 1), Ok(()));
    assert_eq!(put("k", mebibyte), Err(PutError::TooLarge { bytes: mebibyte + 1, max: mebibyte }));
    assert_eq!(put("", 1), Err(PutError::Key(0)));
    assert_eq!(put(&"é".repeat(256), 1), Ok(()));
    assert_eq!(put(&"é".repeat(257), 1), Err(PutError::Key(257)));
    let options = StreamOptions { record_bytes_max: usize::MAX, ..StreamOptions::default() };
    let large = with(1, options);
    assert!(large.put("k", None, vec![0; 10 * mebibyte - 1]).is_ok());
    assert!(large.put("k", None, vec![0; 10 * mebibyte]).is_err());
}

#[tokio::test]
async fn many_are_put_in_order_up_to_the_first_that_is_refused() {
    let stream = stream(1);
    let record = |key: &str, data: &'static str| PutRecord {
        partition_key: key.into(),
        explicit_hash_key: None,
        data: Bytes::from_static(data.as_bytes()),
    };
    assert_eq!(stream.put_many([record("a", "1"), record("b", "2")]), Ok(2));
    let error = stream.put_many([record("c", "3"), record("", "4"), record("d", "5")]).unwrap_err();
    assert_eq!(error, (1, PutError::Key(0)));
    assert_eq!(words(&stream, 0, &Start::TrimHorizon).await, "1 2 3");
}

#[tokio::test]
async fn sequence_numbers_increase_within_a_shard() {
    let stream = stream(2);
    let mut last: BTreeMap<ShardId, SequenceNumber> = BTreeMap::new();
    for key in 0..2000 {
        let (shard, number) = stream.put(format!("key {key}"), None, "").unwrap();
        assert_eq!(number.as_str().len(), 56);
        let before = last.insert(shard, number.clone());
        assert!(before.is_none_or(|before| before < number));
    }
}
