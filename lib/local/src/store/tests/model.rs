//! Any sequence of calls has the outcomes that it has in memory, wherever the file is closed and opened again.

use super::{Place, Store, clock, log, open};
use crate::store::LocalStore;
use crate::store::tables::PIECE_BYTES;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::Config;
use proptest::{prop_assert_eq, proptest};
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::memory::{MemoryLog, MemorySnapshots, VirtualClock, block_on};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Label, Log, Logged, Version, Wanted};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};

/// A call, on one of a few logs.
#[derive(Clone, Debug)]
enum Call {
    Append { log: u8, version: u64, chunk_bytes: usize, lives_ms: Millis },
    Read { log: u8, after: u64, labels: Option<Vec<Label>> },
    Put { log: u8, expected: Option<u64>, version: u64, bytes: usize },
    Expire { log: u8, in_ms: Millis },
    Advance { by_ms: Millis },
    Reopen,
}

/// What a call gave.
#[derive(Debug, PartialEq)]
enum Outcome {
    Append(Append),
    Read(Vec<Logged>),
    Put(Put, Vec<Version>, Vec<Option<Snapshot>>),
    Nothing,
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..200_usize, 1 => PIECE_BYTES - 1..=PIECE_BYTES + 1]
}

fn calls() -> impl Strategy<Value = Call> {
    let labels = proptest::option::of(proptest::collection::vec((0..3_u16).prop_map(Label), 0..3));
    let expected = proptest::option::of(1..5_u64);
    prop_oneof![
        6 => (0..3_u8, 0..6_u64, sizes(), 1..40_i64).prop_map(
            |(log, version, chunk_bytes, lives_ms)| {
                Call::Append { log, version, chunk_bytes, lives_ms }
            }
        ),
        4 => (0..3_u8, 0..5_u64, labels)
            .prop_map(|(log, after, labels)| Call::Read { log, after, labels }),
        4 => (0..3_u8, expected, 1..6_u64, sizes()).prop_map(
            |(log, expected, version, bytes)| Call::Put { log, expected, version, bytes }
        ),
        1 => (0..3_u8, 0..20_i64).prop_map(|(log, in_ms)| Call::Expire { log, in_ms }),
        2 => (1..20_i64).prop_map(|by_ms| Call::Advance { by_ms }),
        1 => any::<()>().prop_map(|()| Call::Reopen),
    ]
}

/// Makes a call on a log and its snapshots.
fn make(
    call: &Call,
    (logs, snapshots): (&impl Log, &impl Snapshots),
    now: Timestamp,
) -> Result<Outcome, Retryable> {
    match call {
        Call::Append { log: number, version, chunk_bytes, lives_ms } => {
            let chunks = Chunks::from([(Label(1), vec![1; *chunk_bytes]), (Label(2), vec![])]);
            let header = version.to_le_bytes().to_vec();
            let entry = Entry::new(header, chunks, now.plus(*lives_ms)).unwrap();
            let log = log(*number);
            block_on(logs.append(&log, Version(*version), &entry)).map(Outcome::Append)
        }
        Call::Read { log: number, after, labels } => {
            let wanted = labels.as_deref().map_or(Wanted::All, Wanted::Only);
            block_on(logs.read(&log(*number), Version(*after), wanted)).map(Outcome::Read)
        }
        Call::Put { log: number, expected, version, bytes } => {
            let log = log(*number);
            let snapshot = Snapshot::new(Version(*version), vec![1; *bytes]).unwrap();
            let put = block_on(snapshots.put(&log, expected.map(Version), &snapshot))?;
            let loads = (0..6).map(|each| block_on(snapshots.load(&log, Version(each))));
            let loads = loads.collect::<Result<_, _>>()?;
            Ok(Outcome::Put(put, block_on(snapshots.versions(&log))?, loads))
        }
        Call::Expire { log: number, in_ms } => {
            block_on(snapshots.expire(&log(*number), now.plus(*in_ms))).map(|()| Outcome::Nothing)
        }
        Call::Advance { .. } | Call::Reopen => Ok(Outcome::Nothing),
    }
}

/// Memory forgets what has expired at the next put of anybody.
fn forget(snapshots: &MemorySnapshots<VirtualClock>) {
    let conflict = Snapshot::new(Version(9), vec![]).unwrap();
    let outcome = block_on(snapshots.put(&log(9), Some(Version(8)), &conflict));
    assert_eq!(outcome.unwrap(), Put::Conflict);
}

fn reopened(place: &Place, store: Store, clock: &VirtualClock) -> Store {
    drop(store);
    LocalStore::open(&place.0, clock.clone()).unwrap()
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_calls_have_the_outcomes_that_they_have_in_memory(
        calls in proptest::collection::vec(calls(), 1..60)
    ) {
        let (place, clock) = (Place::new("model"), clock());
        let mut store = reopened(&place, open(&place.0).unwrap(), &clock);
        let logs = MemoryLog::new(clock.clone(), usize::MAX);
        let snapshots = MemorySnapshots::new(clock.clone(), usize::MAX);
        for call in calls {
            match call {
                Call::Advance { by_ms } => clock.advance(by_ms),
                Call::Reopen => store = reopened(&place, store, &clock),
                _ => {}
            }
            forget(&snapshots);
            let expected = make(&call, (&logs, &snapshots), clock.now()).unwrap();
            let found = make(&call, (&store, &store), clock.now()).unwrap();
            prop_assert_eq!(found, expected, "{:?}", call);
        }
    }
}
