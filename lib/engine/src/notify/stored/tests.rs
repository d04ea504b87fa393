//! What was stored goes on alike, what is damaged is an error, and bytes of every format keep their meaning.

use super::*;
use crate::notification::Notification;
use crate::notify::rules::Attribute;
use crate::notify::tests::kit::{Scene, at, fires, line, plan, resolves, silence};
use crate::notify::{Clock, Troubles};
use crate::stored::tests::versions::{bytes, hex};
use proptest::prelude::*;

const NOTIFIER_1: &str = include_str!("../../stored/fixtures/notifier-1.hex");
const OWN_1: &str = include_str!("../../stored/fixtures/own-alerts-1.hex");

/// Everything that a state can hold: told alone and with others, waiting, silenced, in maintenance, and too old.
fn scene() -> Scene {
    let mut scene = Scene::new(|plan| {
        plan.alerts[1].texts.runbook = Some("https://wiki.example/".to_owned());
        plan.alerts[1].texts.labels = vec![("team".to_owned(), "payments".to_owned())];
        plan.alerts[1].texts.description = Some("{{ partner }} is silent".to_owned());
        plan.alerts[2].max_age = 1_000;
    });
    scene.silences = vec![silence(&[(Attribute::Named("partner".to_owned()), "quiet")], 0, 500)];
    let first = ["a", "b", "c", "quiet"].map(|group| fires("silence", group, 0));
    scene.decide(Clock::Recorded(at(1)), at(0), &first);
    scene.decide(Clock::Recorded(at(31)), at(30), &[]);
    let next = [
        resolves("silence", "b", 31, 0),
        fires("journeys", "old", 20),
        fires("rejections reactive", "d", 40),
        fires("rejections proactive", "e", 40),
        fires("rejections proactive", "f", 41),
    ];
    scene.decide(Clock::Recorded(at(45)), at(42), &next);
    scene
}

/// What is told from there on, until all is over.
fn rest(scene: &mut Scene) -> Vec<Notification> {
    let over = [
        resolves("silence", "a", 700, 0),
        resolves("silence", "c", 700, 0),
        resolves("silence", "quiet", 700, 0),
        resolves("rejections reactive", "d", 700, 40),
        resolves("rejections proactive", "e", 700, 40),
        resolves("rejections proactive", "f", 700, 41),
        resolves("journeys", "old", 700, 20),
    ];
    let mut told = scene.decide(Clock::Recorded(at(62)), at(61), &[]).notifications;
    told.extend(scene.decide(Clock::Recorded(at(600)), at(600), &[]).notifications);
    told.extend(scene.decide(Clock::Recorded(at(20_000)), at(650), &over).notifications);
    told
}

#[test]
fn what_was_stored_goes_on_as_it_would_have() {
    let mut scene = scene();
    let stored = scene.notifier.encode();
    let restored = Notifier::decode(Arc::clone(&scene.plan), &stored).unwrap();
    assert_eq!(restored.encode(), stored);
    assert_eq!(restored.next_moment(), scene.notifier.next_moment());
    let expect = rest(&mut scene);
    scene.notifier = restored;
    assert_eq!(rest(&mut scene), expect);
}

#[test]
fn bytes_of_format_1_mean_what_they_meant() {
    let mut scene = scene();
    assert_eq!(hex(&scene.notifier.encode()), NOTIFIER_1, "give it a new format and a new file");
    scene.notifier = Notifier::decode(Arc::clone(&scene.plan), &bytes(NOTIFIER_1)).unwrap();
    let lines: Vec<_> = rest(&mut scene).iter().map(line).collect();
    assert_eq!(lines, EXPECT);
}

const EXPECT: [&str; 18] = [
    "mail trigger e, f and 0 more",
    "oncall trigger rejections reactive d",
    "oncall trigger silence quiet",
    "mail trigger silence quiet",
    "oncall trigger journeys old",
    "mail repeat silence a",
    "mail repeat b, c and 0 more",
    "mail repeat e, f and 0 more",
    "mail repeat silence quiet",
    "oncall resolve silence a",
    "mail resolve silence a",
    "oncall resolve b, c and 0 more",
    "mail resolve b, c and 0 more",
    "oncall resolve silence quiet",
    "mail resolve silence quiet",
    "oncall resolve rejections reactive d",
    "mail resolve e, f and 0 more",
    "oncall resolve journeys old",
];

fn own() -> OwnAlerts {
    let mut own = OwnAlerts::default();
    let stuck = [("hook".to_owned(), at(0))];
    let troubles = Troubles { behind_since: Some(at(0)), dead_letters: 7, stuck: &stuck };
    own.decide(&plan(), &Troubles { stuck: &[], ..troubles }, at(1_000), &[]);
    own
}

#[test]
fn bytes_of_own_alerts_of_format_1_mean_what_they_meant() {
    assert_eq!(hex(&own().encode()), OWN_1, "give it a new format and a new file");
    assert_eq!(OwnAlerts::decode(&bytes(OWN_1)).unwrap(), own());
}

#[test]
fn a_newer_format_says_so() {
    let plan = Arc::new(plan());
    let newer = |result: Result<(), StoredError>| {
        matches!(result, Err(StoredError::Newer { version: 2, newest: 1, .. }))
    };
    assert!(newer(Notifier::decode(plan, &[2]).map(drop)));
    assert!(newer(OwnAlerts::decode(&[2]).map(drop)));
}

proptest! {
    #[test]
    fn damaged_bytes_are_an_error_or_a_state(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let plan = Arc::new(plan());
        let mut damaged = bytes(NOTIFIER_1);
        let place = place.index(damaged.len());
        damaged[place] = byte;
        if let Ok(state) = Notifier::decode(Arc::clone(&plan), &damaged) {
            let stored = state.encode();
            prop_assert_eq!(Notifier::decode(Arc::clone(&plan), &stored).unwrap().encode(), stored);
        }
        let whole = bytes(NOTIFIER_1);
        let cut = cut.index(whole.len());
        prop_assert!(Notifier::decode(plan, &whole[..cut]).is_err());
    }
}
