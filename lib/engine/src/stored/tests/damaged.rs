//! Bytes that no writer wrote.

use super::*;
use crate::stored::StoredError;
use std::error::Error as _;

/// All readers on the same bytes: none panics, and what they read is not much larger than the bytes.
fn read_all(plan: &Arc<Plan>, bytes: &[u8]) {
    if let Ok(delta) = read_delta(plan, &write_head(&Delta::default()), bytes) {
        let parts = delta.partials.len() + delta.late.len() + delta.steps.len();
        let heard = delta.samples.len() + delta.slices.len() + delta.copies.len();
        assert!(heard <= bytes.len());
        let of_slices = delta.slices.iter().map(|slice| &slice.newest);
        let newest = delta.partials.iter().map(|partial| &partial.newest).chain(of_slices);
        let named = newest.map(|newest| newest.events().len()).sum::<usize>();
        assert!(named <= EVIDENCE_IDS_MAX * bytes.len());
        assert!(parts + delta.names.series.len() + delta.names.windows.len() <= bytes.len());
        let keys = delta.names.series.iter().map(|series| series.key.packed().len());
        assert!(keys.sum::<usize>() <= 70 * bytes.len());
    }
    if let Ok(head) = read_head(bytes) {
        assert!(head.beginnings.len() <= bytes.len());
    }
    if let Ok(ids) = read_ids(bytes) {
        assert!(ids.len() + ids.generations.len() <= bytes.len());
    }
    if let Ok(mut state) = Aggregator::decode(Arc::clone(plan), bytes) {
        // What could be read can be used.
        let event = Sample { identity: 1, time: 10, delay: None, metrics: 1, value: 1, group: 0 };
        state.fold(batch(plan, &[event, event]));
        assert!(state.encode().len() <= bytes.len() + 100);
    }
}

/// The forms of one batch and of the state after it.
fn forms(plan: &Arc<Plan>, samples: &[Sample]) -> [Vec<u8>; 4] {
    let mut state = Aggregator::collecting(Arc::clone(plan));
    let delta = state.fold(batch(plan, samples));
    [write_head(&delta), write_chunk(&delta, &|_| true), write_ids(&delta.ids), state.encode()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn random_bytes_are_no_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let plan = Arc::new(plan(TIMING));
        read_all(&plan, &bytes);
        for format in 1..=2 {
            if let Some(version) = bytes.first_mut() {
                *version = format;
            }
            read_all(&plan, &bytes);
        }
    }

    #[test]
    fn changed_and_cut_bytes_are_no_panic(
        samples in samples(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(), is_watched in any::<bool>(),
    ) {
        let plan = Arc::new(if is_watched { watched(TIMING) } else { plan(TIMING) });
        for form in forms(&plan, &samples).iter().filter(|form| !form.is_empty()) {
            let mut changed = form.clone();
            for (place, byte) in &changes {
                changed[place.index(form.len())] = *byte;
                read_all(&plan, &changed);
            }
            read_all(&plan, &form[..end.index(form.len())]);
        }
    }
}

#[test]
fn bytes_that_are_missing_or_follow_are_an_error() {
    for plan in [plan(TIMING), watched(TIMING)] {
        check_ends(&Arc::new(plan));
    }
}

#[track_caller]
fn check_ends(plan: &Arc<Plan>) {
    let event = |identity| Sample {
        identity,
        time: 10_000 + i64::try_from(identity).unwrap(),
        delay: None,
        metrics: 0x3f,
        value: 3,
        group: 0,
    };
    // The last is a copy.
    let [head, chunk, ids, state] = forms(plan, &[0, 1, 2, 3, 1].map(event));
    let cuts = |form: &[u8]| (1..form.len()).map(|end| form[..end].to_vec()).collect::<Vec<_>>();
    let longer = |form: &[u8]| vec![[form, &[0]].concat()];
    for wrong in [cuts(&head), longer(&head)].concat() {
        assert!(matches!(read_head(&wrong), Err(StoredError::Damaged { .. })));
    }
    for wrong in [cuts(&chunk), longer(&chunk)].concat() {
        let error = read_delta(plan, &head, &wrong);
        assert!(matches!(error, Err(StoredError::Damaged { .. })), "{} bytes", wrong.len());
    }
    for wrong in [cuts(&ids), longer(&ids)].concat() {
        assert!(matches!(read_ids(&wrong), Err(StoredError::Damaged { .. })));
    }
    for wrong in [cuts(&state), longer(&state)].concat() {
        let error = Aggregator::decode(Arc::clone(plan), &wrong).map(|_| ());
        assert!(matches!(error, Err(StoredError::Damaged { .. })));
    }
}

#[test]
fn errors_say_what_to_do() {
    let newer = read_ids(&[2]).unwrap_err();
    assert_eq!(
        newer.to_string(),
        "the stored list of identities has format 2, and this version reads formats up to 1; \
         update the function that reads it"
    );
    assert!(newer.source().is_none());
    let damaged = read_head(&[]).unwrap_err();
    assert_eq!(damaged.to_string(), "the stored head of a delta cannot be read");
    assert_eq!(damaged.source().unwrap().to_string(), "end of input bytes");
    assert!(matches!(read_ids(&[0]), Err(StoredError::Damaged { .. })));
}

/// What stands behind a 1 in a block of format 2, in place of what alerts heard of one event of a count.
#[track_caller]
fn check_heard(heard: &[u8], expect: Option<&str>) {
    let plan = Arc::new(plan(TIMING));
    let event = Sample { identity: 1, time: 0, delay: None, metrics: 1, value: 1, group: 0 };
    let [head, mut chunk, ..] = forms(&plan, &[event]);
    chunk[0] = 2;
    chunk.push(1);
    chunk.extend_from_slice(heard);
    let error = read_delta(&plan, &head, &chunk).err();
    let source = error.as_ref().and_then(|error| error.source()).map(ToString::to_string);
    let what = source.as_ref().and_then(|source| Some(source.split_once(": ")?.1));
    assert_eq!(what, expect, "{heard:?}: {source:?}");
}

#[test]
fn what_alerts_hear_is_not_believed() {
    let one =
        |rest: &[u8]| [&[0, 0x81, 0, 0x48, 1, 2, 3, 4, 5, 6, 7, 8, 0x61, b'a'], rest].concat();
    let nothing = [0, 0x80, 0x40];
    let with = |rest: &[u8]| [&nothing, rest].concat();
    // No samples, no slices, no event of the partial, no ids of steps, no copies.
    check_heard(&with(&[0, 0, 0x80, 0, 0, 0, 0, 0x80]), None);
    check_heard(&one(&[1, 1, 5, 0, 0x80, 1, 1, 0, 0, 0x80]), None);
    check_heard(&with(&[1, 0]), Some("more samples than events"));
    check_heard(&one(&[1, 2, 0]), Some("a series that has no key"));
    check_heard(&one(&[1, 1, 0x1b, 0, 0x20, 0, 0, 0, 0, 0, 1]), Some("a length far out of range"));
    check_heard(&with(&[0, 0, 0x81, 0, 1]), Some("accumulators of another kind than the metric's"));
    check_heard(&with(&[0, 0, 0x80, 21]), Some("more events than evidence names"));
    check_heard(&with(&[0, 0, 0x80, 1, 0]), Some("an event that is not in the list"));
    check_heard(&with(&[0, 0, 0x80, 1, 1]), Some("an event that is not in the list"));
    check_heard(&with(&[0, 0, 0x80, 0, 0, 2]), Some("neither there nor absent"));
    let long = [&[0, 0x81, 0, 0x48, 1, 2, 3, 4, 5, 6, 7, 8, 0x79, 1, 1][..], &[b'a'; 257]].concat();
    check_heard(&long, Some("an id that is too long"));
}

/// Lengths that promise more than there is, in each place where one stands.
#[test]
fn lengths_are_not_believed() {
    let plan = Arc::new(plan(TIMING));
    let huge = [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let large = [0x1a, 0x7f, 0xff, 0xff, 0xff];
    for length in [&huge[..], &large] {
        // Windows; blocks; series; a column of times; identities.
        let array = [&[length[0] | 0x80], &length[1..]].concat();
        for before in [&[1][..], &[1, 0], &[1, 0, 1, 0], &[1, 0, 1, 0, 0, 0]] {
            read_all(&plan, &[before, length].concat());
            read_all(&plan, &[before, &array].concat());
        }
    }
}

#[test]
fn a_delta_of_another_plan_is_an_error() {
    let plan = Arc::new(plan(TIMING));
    let event = |metrics| Sample { identity: 1, time: 0, delay: None, metrics, value: 3, group: 0 };
    for place in 0..6_usize {
        let [head, chunk, ..] = forms(&plan, &[event(1 << place)]);
        assert!(read_delta(&plan, &head, &chunk).is_ok());
        let mut fewer = Plan::clone(&plan);
        fewer.metrics.truncate(place);
        assert!(read_delta(&fewer, &head, &chunk).is_err(), "no metric {place}");
        let mut other = Plan::clone(&plan);
        other.metrics.rotate_left(1);
        assert!(read_delta(&other, &head, &chunk).is_err(), "another kind than {place}");
    }
}
