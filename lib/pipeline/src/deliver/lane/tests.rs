//! Decisions, as plain values.

use super::*;
use crate::deliver::LaneName;
use crate::deliver::register::Registered;
use crate::stored::check::check_form;

const NOW: Timestamp = Timestamp::from_millis(1_767_607_230_000);
const MINUTE: Timestamp = Timestamp::from_millis(1_767_607_200_000);

fn cursor(version: u64, point: u32) -> Cursor {
    Cursor { version: Version(version), point }
}

fn receipt(number: u32) -> Receipt {
    Receipt {
        namespace: "shop".to_owned(),
        partition: Partition::default(),
        minute: MINUTE,
        number,
    }
}

fn sending(points: u64) -> Sending {
    Sending {
        until: cursor(3, 9),
        points,
        refused: vec![(cursor(3, 1), "why".to_owned())],
        receipt: receipt(1),
        invocation: "own".to_owned(),
        deadline: NOW.plus(60_000),
        sent_at: NOW,
        oldest: NOW,
    }
}

fn lane() -> Lane {
    Lane { cursor: cursor(3, 0), ..Lane::default() }
}

fn check_step(lane: &Lane, after_ms: Millis, invocation: &str, expected: &Step) {
    assert_eq!(&lane.step(NOW.plus(after_ms), invocation), expected);
}

#[test]
fn a_lane_without_a_call_sends_unless_it_backs_off() {
    check_step(&lane(), 0, "own", &Step::Send);
    let backs_off =
        Lane { failing: Failing { retry_at: Some(NOW.plus(10)), ..Failing::default() }, ..lane() };
    check_step(&backs_off, 9, "own", &Step::Wait(NOW.plus(10)));
    check_step(&backs_off, 10, "own", &Step::Send);
}

#[test]
fn a_call_is_left_to_its_maker_until_its_deadline_and_asked_for_after_five_minutes() {
    let lane = lane().marked(sending(8));
    let ask_at = NOW.plus(READ_BACK_MS);
    check_step(&lane, 59_999, "other", &Step::Leave);
    check_step(&lane, 60_000, "other", &Step::Wait(ask_at));
    check_step(&lane, 0, "own", &Step::Wait(ask_at));
    check_step(&lane, READ_BACK_MS - 1, "other", &Step::Wait(ask_at));
    check_step(&lane, READ_BACK_MS, "other", &Step::Ask(receipt(1)));
    let ended = lane.unknown(NOW.plus(5_000));
    check_step(&ended, 5_000, "other", &Step::Wait(ask_at));
    assert_eq!(ended.opens_at(), Some(ask_at));
    assert_eq!(lane.unknown(NOW.plus(90_000)), lane, "its deadline never moves on");
}

#[test]
fn letters_come_before_anything_else_is_sent() {
    let lane = lane().marked(sending(8)).delivered(sending(8));
    assert_eq!(lane.cursor, cursor(3, 0), "it is not past them before they are there");
    check_step(&lane, 0, "other", &Step::Bury);
    let burial = lane.burying.clone().unwrap();
    let buried = lane.buried(&burial, Version(7));
    assert_eq!((buried.cursor, buried.letters), (cursor(3, 9), Version(7)));
    check_step(&buried, 0, "other", &Step::Send);
}

#[test]
fn calls_are_numbered_per_namespace_and_minute_and_only_if_they_were_taken() {
    let number = |lane: &Lane, namespace, after_ms| {
        let receipt = lane.receipt(namespace, Partition::default(), NOW.plus(after_ms));
        ((receipt.minute.as_millis() - MINUTE.as_millis()) / MINUTE_MS, receipt.number)
    };
    let unseen = lane();
    assert_eq!(number(&unseen, "shop", 0), (0, 1));
    let marked = unseen.marked(sending(8));
    assert_eq!(number(&marked.unmarked(), "shop", 0), (0, 1));
    assert_eq!(number(&marked.retried(1, NOW), "shop", 0), (0, 1));
    assert_eq!(number(&marked.rejected(sending(8), "no"), "shop", 0), (0, 1));
    let taken = marked.delivered(sending(8));
    assert_eq!(number(&taken, "shop", 0), (0, 2));
    assert_eq!(number(&taken, "other", 0), (0, 1));
    assert_eq!(number(&taken, "shop", 30_000), (1, 1));
    assert_eq!(number(&taken, "shop", -90_000), (0, 2), "a clock that goes back changes no minute");
    let next_minute = Receipt { minute: MINUTE.plus(MINUTE_MS), ..receipt(1) };
    let later = taken.marked(Sending { receipt: next_minute, ..sending(8) });
    assert!(later.receipts.is_empty());
}

#[test]
fn pauses_double_up_to_fifteen_minutes_and_are_as_long_as_was_asked_for() {
    let pauses = |after_ms| {
        let mut lane = lane();
        let pauses = (0..12).map(|_| {
            lane = lane.marked(sending(8)).retried(after_ms, NOW);
            lane.failing.retry_at.map(|at| at.as_millis() - NOW.as_millis())
        });
        pauses.flatten().collect::<Vec<_>>()
    };
    let doubled: Vec<_> = (0..10).map(|times| 1_000 << times).chain([900_000; 2]).collect();
    assert_eq!(pauses(1), doubled);
    assert_eq!(pauses(20 * MINUTE_MS), [20 * MINUTE_MS; 12]);
}

#[test]
fn failing_begins_with_the_first_retry_and_ends_with_an_answer() {
    let failing = lane().retried(1, NOW).retried(1, NOW.plus(9));
    assert_eq!((failing.failing.attempts, failing.failing.since), (2, Some(NOW)));
    for answered in [
        failing.delivered(sending(8)),
        failing.rejected(sending(8), "no"),
        failing.rejected(sending(1), "no"),
    ] {
        assert_eq!(answered.failing, Failing::default());
    }
    assert_eq!(failing.not_taken(sending(8), NOW).failing.since, Some(NOW));
}

#[test]
fn a_point_is_given_up_when_it_has_waited_and_failed_for_thirteen_days() {
    let failing = lane().retried(1, NOW);
    let gives_up = |waiting_since, after_ms| failing.gives_up(waiting_since, NOW.plus(after_ms));
    assert!(!gives_up(NOW.minus(DAY_MS), GIVE_UP_MS - 1));
    assert!(gives_up(NOW.minus(DAY_MS), GIVE_UP_MS));
    assert!(!gives_up(NOW.plus(DAY_MS), GIVE_UP_MS));
    assert!(gives_up(NOW.plus(DAY_MS), GIVE_UP_MS + DAY_MS));
    assert!(!lane().gives_up(NOW.minus(99 * DAY_MS), NOW), "waiting alone is no failure");
}

#[test]
fn a_rejected_call_is_halved_until_one_point_is_left() {
    let rejected = lane().marked(sending(8)).rejected(sending(8), "no");
    assert_eq!((rejected.cursor, rejected.suspect), (cursor(3, 0), Some(cursor(3, 9))));
    let points_max = |suspects| rejected.points_max(suspects);
    assert_eq!([9, 8, 2, 1, 0].map(points_max), [Some(5), Some(4), Some(1), Some(1), None]);
    assert_eq!(lane().points_max(0), None);
    let halfway = rejected.clone().passed(cursor(3, 5), Dead::default());
    assert_eq!(halfway.suspect, Some(cursor(3, 9)));
    let found = rejected.rejected(sending(1), "no");
    let rest = Some("the other end rejects it: no".to_owned());
    let dead = Dead { refused: sending(1).refused, rest };
    assert_eq!(found.burying, Some(Burial { until: cursor(3, 9), dead }));
    assert_eq!(found.suspect, None);
    assert_eq!(rejected.passed(cursor(4, 0), Dead::default()).suspect, None);
}

#[test]
fn what_was_not_taken_is_sent_again_up_to_three_hours() {
    let old = |age_ms| Sending { oldest: NOW.minus(age_ms), ..sending(8) };
    let again = lane().not_taken(old(RESEND_AGE_MS_MAX), NOW);
    assert_eq!(again, lane());
    let dead = lane().not_taken(old(RESEND_AGE_MS_MAX + 1), NOW).burying.unwrap().dead;
    assert_eq!(dead.rest.as_deref(), Some("no answer came, and it is too old to be sent again"));
}

#[test]
fn lanes_are_stored_as_ever() {
    let lane = Lane {
        cursor: cursor(3, 0),
        sending: Some(sending(8)),
        burying: Some(Burial {
            until: cursor(4, 0),
            dead: Dead { refused: Vec::new(), rest: Some("all".to_owned()) },
        }),
        suspect: Some(cursor(3, 5)),
        failing: Failing { retry_at: Some(NOW.plus(1)), attempts: 2, since: Some(NOW) },
        minute: MINUTE,
        receipts: BTreeMap::from([("a".to_owned(), 1), ("shop".to_owned(), 300)]),
        letters: Version(70),
        channels: LanesIndex {
            read_to: Version(2),
            open: vec![LaneName { channel: "a".to_owned(), receiver: "b".to_owned() }],
        },
    };
    check_form(&lane, Lane::encode, Lane::decode, include_str!("v2.hex"));
    let never = "02 0100 80 80 80 80 00 80 00 80 00 00 80";
    check_form(&Lane::default(), Lane::encode, Lane::decode, never);
    let first = Lane { channels: LanesIndex::default(), ..lane };
    assert_eq!(Lane::decode(&bytes(include_str!("v1.hex"))).unwrap(), first);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}
