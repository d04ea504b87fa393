//! What is said of channels, run by run.

use super::*;
use streamgauge_engine::time::MINUTE_MS;
use streamgauge_pipeline::deliver::LaneName;

const SINCE: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// What a run has done for the only lane of a channel.
fn lane(channel: &str) -> LaneDelivered {
    let name = LaneName { channel: channel.to_owned(), receiver: String::new() };
    LaneDelivered { name, ..LaneDelivered::default() }
}

/// A lane whose call was not taken, while so many wait.
fn failing(channel: &str, waiting: u64) -> LaneDelivered {
    let failing_since = Some(SINCE.plus(MINUTE_MS));
    let waiting_since = Some(SINCE);
    LaneDelivered { retries: 1, waiting, waiting_since, failing_since, ..lane(channel) }
}

fn outbox() -> Outbox {
    Outbox::of(["hook".to_owned(), "pager".to_owned()])
}

fn hear(outbox: &Outbox, channel: &str, why: &str) {
    outbox.hears()(Heard { channel, why, is_final: false });
}

fn hear_lost(outbox: &Outbox, channel: &str, why: &str) {
    outbox.hears()(Heard { channel, why, is_final: true });
}

/// What is said of a run, as lines of JSON.
#[track_caller]
fn check(outbox: &Outbox, lanes: &[LaneDelivered], expect: &[&str]) {
    let mut said = Vec::new();
    outbox.take(lanes).iter().for_each(|telling| telling.json(&mut said));
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), expect);
}

/// How telling a channel goes.
fn of(outbox: &Outbox, channel: &str) -> Waits {
    let channels = outbox.channels();
    channels.into_iter().find(|(name, _)| name == channel).map(|(_, waits)| waits).unwrap()
}

#[test]
fn a_channel_that_fails_is_said_once_with_its_cause_and_again_when_that_changes() {
    let outbox = outbox();
    hear(&outbox, "hook", "it answered 500: oops");
    check(
        &outbox,
        &[failing("hook", 1)],
        &[
            r#"{"kind":"channel","channel":"hook","state":"waiting","waiting":1,"since":"2026-01-05T10:00:00Z","reason":"it answered 500: oops"}"#,
        ],
    );
    hear(&outbox, "hook", "it answered 500: oops");
    check(&outbox, &[failing("hook", 2)], &[]);
    // It waits for its time, and nothing was called.
    let waits = LaneDelivered { retries: 0, ..failing("hook", 3) };
    check(&outbox, &[waits], &[]);
    let expect = Waits {
        waiting: 3,
        since: Some(SINCE),
        why: Some("it answered 500: oops".to_owned()),
        ..Waits::default()
    };
    assert_eq!(of(&outbox, "hook"), expect);
    hear(&outbox, "hook", "no connection came about");
    check(
        &outbox,
        &[failing("hook", 3)],
        &[
            r#"{"kind":"channel","channel":"hook","state":"waiting","waiting":3,"since":"2026-01-05T10:00:00Z","reason":"no connection came about"}"#,
        ],
    );
    let told = LaneDelivered { told: 3, ..lane("hook") };
    check(
        &outbox,
        &[told],
        &[r#"{"kind":"channel","channel":"hook","state":"works","waiting":0}"#],
    );
    assert_eq!(of(&outbox, "hook"), Waits { told: 3, ..Waits::default() });
    assert_eq!(of(&outbox, "pager"), Waits::default());
}

#[test]
fn channels_fail_each_by_itself() {
    let outbox = outbox();
    hear(&outbox, "hook", "it answered 500");
    check(
        &outbox,
        &[failing("hook", 1)],
        &[
            r#"{"kind":"channel","channel":"hook","state":"waiting","waiting":1,"since":"2026-01-05T10:00:00Z","reason":"it answered 500"}"#,
        ],
    );
    hear(&outbox, "pager", "it answered 401");
    let lanes = [LaneDelivered { retries: 0, ..failing("hook", 1) }, failing("pager", 1)];
    check(
        &outbox,
        &lanes,
        &[
            r#"{"kind":"channel","channel":"pager","state":"waiting","waiting":1,"since":"2026-01-05T10:00:00Z","reason":"it answered 401"}"#,
        ],
    );
    let later = [LaneDelivered { told: 1, ..lane("hook") }, failing("pager", 1)];
    check(&outbox, &later, &[r#"{"kind":"channel","channel":"hook","state":"works","waiting":0}"#]);
}

#[test]
fn what_is_never_told_is_said_each_time_and_counted() {
    let outbox = outbox();
    for _ in 0..2 {
        hear_lost(&outbox, "pager", "it answered 400: Invalid routing key");
        hear(&outbox, "pager", "it answered 500");
        let refused = LaneDelivered { rejected: 1, dead: 1, ..lane("pager") };
        check(
            &outbox,
            &[refused],
            &[
                r#"{"kind":"channel","channel":"pager","state":"lost","lost":1,"waiting":0,"reason":"it answered 400: Invalid routing key"}"#,
            ],
        );
    }
    let given_up = LaneDelivered { dead: 2, expired: 1, ..lane("pager") };
    check(
        &outbox,
        &[given_up],
        &[
            r#"{"kind":"channel","channel":"pager","state":"lost","lost":3,"waiting":0,"reason":"it was not taken within 24 hours, or can never be"}"#,
        ],
    );
    assert_eq!(of(&outbox, "pager"), Waits { lost: 5, ..Waits::default() });
}

#[test]
fn one_that_failed_before_this_was_started_is_said_too() {
    let outbox = outbox();
    let waits = LaneDelivered { retries: 0, waiting_since: None, ..failing("hook", 1) };
    check(
        &outbox,
        &[waits],
        &[
            r#"{"kind":"channel","channel":"hook","state":"waiting","waiting":1,"since":"2026-01-05T10:01:00Z","reason":"it has taken nothing since before this was started"}"#,
        ],
    );
}

#[test]
fn who_tells_nobody_says_nothing_of_channels() {
    let outbox = Outbox::default();
    assert!(!outbox.tells());
    hear(&outbox, "hook", "it answered 500");
    check(&outbox, &[failing("hook", 1)], &[]);
    assert_eq!(outbox.channels(), []);
}

#[test]
fn ever_new_names_are_not_remembered_for_ever() {
    let outbox = outbox();
    for number in 0..2 * CHANNELS_MAX {
        let told = LaneDelivered { told: 1, ..lane(&number.to_string()) };
        check(&outbox, &[told, failing("hook", 1)][..1], &[]);
    }
    assert!(outbox.channels().len() <= CHANNELS_MAX, "{}", outbox.channels().len());
}
