//! The store against a model that is too simple to be wrong: a list of messages that is walked each time.

use super::store::{Store, Taken};
use super::*;
use jiff::SignedDuration;
use proptest::prelude::{
    ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

const VISIBILITY: u64 = 30;
const RETENTION: u64 = 300;
const RECEIVES_MAX: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Send {
        delay: u64,
    },
    Receive {
        messages_max: usize,
    },
    /// Deletes by one of the receipts so far.
    Delete {
        receipt: prop::sample::Index,
    },
    Pass {
        time: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..40_u64).prop_map(|delay| Step::Send { delay }),
        4 => (1..12_usize).prop_map(|messages_max| Step::Receive { messages_max }),
        2 => proptest::prelude::any::<prop::sample::Index>().prop_map(|receipt| Step::Delete { receipt }),
        4 => (0..50_u64).prop_map(|time| Step::Pass { time }),
    ];
    prop::collection::vec(step, 0..120)
}

struct Entry {
    id: String,
    sent: u64,
    visible: u64,
    receives: u32,
    receipt: Option<String>,
}

fn moment(seconds: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn the_store_does_what_the_model_does(steps in steps()) {
        let seconds = Duration::from_secs;
        let settings = QueueSettings {
            visibility: seconds(VISIBILITY),
            delay: Duration::ZERO,
            retention: seconds(RETENTION),
        };
        let mut store = Store::new(&Arn::new("q"), settings, 1);
        let mut model: Vec<Entry> = Vec::new();
        let mut receipts: Vec<String> = Vec::new();
        let (mut now, mut moved) = (0, 0);
        for step in steps {
            model.retain(|entry| entry.sent + RETENTION > now);
            match step {
                Step::Pass { time } => now += time,
                Step::Send { delay } => {
                    let id = store.send("x".to_owned(), BTreeMap::new(), seconds(delay), moment(now)).unwrap();
                    model.push(Entry { id, sent: now, visible: now + delay, receives: 0, receipt: None });
                }
                Step::Delete { receipt } => {
                    if !receipts.is_empty() {
                        let receipt = receipt.get(&receipts);
                        store.delete(receipt).unwrap();
                        model.retain(|entry| entry.receipt.as_ref() != Some(receipt));
                    }
                }
                Step::Receive { messages_max } => {
                    let Taken { messages, moved: gone, .. } = store.receive(messages_max, Some(RECEIVES_MAX), moment(now));
                    prop_assert!(messages.len() <= messages_max.min(10));
                    for message in &messages {
                        let entry = model.iter_mut().find(|entry| entry.id == message.id).unwrap();
                        prop_assert!(entry.visible <= now && entry.receives < RECEIVES_MAX);
                        entry.receives += 1;
                        entry.visible = now + VISIBILITY;
                        entry.receipt = Some(message.receipt.clone());
                        prop_assert_eq!(&message.attributes["ApproximateReceiveCount"], &entry.receives.to_string());
                        prop_assert!(!receipts.contains(&message.receipt));
                        receipts.push(message.receipt.clone());
                    }
                    let spent = |entry: &Entry| entry.visible <= now && entry.receives >= RECEIVES_MAX;
                    if messages.len() < messages_max.min(10) {
                        // All that could be taken was taken.
                        prop_assert!(model.iter().all(|entry| entry.visible > now || spent(entry)));
                        prop_assert_eq!(gone.len(), model.iter().filter(|entry| spent(entry)).count());
                        model.retain(|entry| !spent(entry));
                        moved += gone.len();
                    } else {
                        // Others may stand behind what was taken; those before it are gone, the first to be visible first.
                        moved += gone.len();
                        for _ in &gone {
                            let first = model.iter().enumerate().filter(|(_, entry)| spent(entry));
                            let (place, _) = first.min_by_key(|(place, entry)| (entry.visible, *place)).unwrap();
                            model.remove(place);
                        }
                    }
                }
            }
            model.retain(|entry| entry.sent + RETENTION > now);
            let count = |wanted: &dyn Fn(&&Entry) -> bool| model.iter().filter(wanted).count();
            let expect = Depth {
                visible: count(&|entry| entry.visible <= now),
                in_flight: count(&|entry| entry.visible > now && entry.receives > 0),
                delayed: count(&|entry| entry.visible > now && entry.receives == 0),
            };
            prop_assert_eq!(store.depth(moment(now)), expect, "at {} s, {} moved", now, moved);
        }
    }
}
