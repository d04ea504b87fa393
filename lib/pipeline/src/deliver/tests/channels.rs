//! Notifications reach those whom they are for, in order, whatever becomes of others.

use super::bench::{Bench, START, after, partition};
use super::retry;
use super::told::RULES;
use crate::deliver::{DeliverError, TELL_UNANSWERED};
use crate::deliver::{LaneName, LanesIndex};
use crate::memory::{MemoryIncident, block_on};
use crate::port::channels::NotOpen;
use crate::port::log::{Chunks, Entry, Log, LogId, Version};
use crate::port::sink::Delivery;
use crate::settle_entry::{NOTIFICATIONS, SettleEntry};
use std::task::{Context, Waker};
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS};

const CLOSED: MemoryIncident = MemoryIncident { opened: 1, is_open: false };

fn name(channel: &str, receiver: &str) -> LaneName {
    LaneName { channel: channel.to_owned(), receiver: receiver.to_owned() }
}

#[test]
fn each_receiver_of_a_channel_is_told_once_and_in_order() {
    let bench = Bench::with_rules(10);
    bench.settle(&["a/1"]);
    bench.tell(&["oncall/a+", "phone/a+", "mail/a+"]);
    bench.tell(&["oncall/a-", "phone/a-"]);
    let warm = bench.environment();
    let delivered = bench.run(&warm);
    assert_eq!((delivered.points, delivered.wake_at), (1, None));
    let lanes: Vec<_> =
        delivered.lanes.iter().map(|lane| (lane.name.to_string(), lane.told)).collect();
    let expected = [("to/mail", 1), ("to/oncall", 2), ("to/phone/1", 2), ("to/phone/2", 2)];
    assert_eq!(lanes, expected.map(|(name, told)| (name.to_owned(), told)));
    for environment in [&warm, &bench.environment()] {
        assert_eq!(bench.run(environment).lanes, []);
    }
    for receiver in ["1", "2"] {
        assert_eq!(bench.told("phone", receiver), ["phone/a+", "phone/a-"]);
    }
    assert_eq!(bench.told("mail", ""), ["mail/a+"]);
    assert_eq!(bench.channels.incident("oncall", "", "a"), CLOSED);
    assert_eq!(bench.channels.opened(), 4, "once for each lane");
}

#[test]
fn without_notifications_nothing_is_written_or_asked_for() {
    let bench = Bench::new(10);
    let warm = bench.environment();
    for number in 0..5 {
        bench.settle(&[&format!("a/{number}")]);
        assert_eq!(bench.run(&warm).points, 1);
    }
    assert_eq!(bench.writes("points"), 2 * 5, "a mark and a cursor for each call");
    assert_eq!(bench.lane().channels, LanesIndex { read_to: Version(5), open: Vec::new() });
    // Nothing of the rules was looked at: there are none.
    assert_eq!((bench.channels.opened(), bench.run(&bench.environment()).behind), (0, 0));
}

#[test]
fn a_notification_costs_a_mark_and_a_cursor_and_consecutive_ones_share_them() {
    let bench = Bench::with_rules(10);
    let warm = bench.environment();
    bench.tell(&["oncall/a+"]);
    bench.run(&warm);
    assert_eq!(bench.writes("to/oncall"), 2);
    bench.tell(&["oncall/b+", "oncall/c+", "oncall/d+"]);
    bench.run(&warm);
    assert_eq!(bench.writes("to/oncall"), 2 + 4);
}

#[test]
fn an_outage_of_a_channel_delays_no_point_and_no_other_channel() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("oncall", "", Some(retry(120_000)));
    let warm = bench.environment();
    bench.tell(&["oncall/a+", "mail/a+"]);
    let delivered = bench.run(&warm);
    assert_eq!(delivered.wake_at, Some(after(120)));
    let stuck = delivered.lanes.iter().find(|lane| lane.name == name("oncall", "")).unwrap();
    assert_eq!((stuck.retries, stuck.waiting, stuck.failing_since), (1, 1, Some(START)));
    assert_eq!(stuck.waiting_since, Some(START));
    for minute in 1..10 {
        bench.clock.set(after(60 * minute));
        bench.settle(&[&format!("a/{minute}")]);
        let (opens, closes) = (format!("mail/{minute}+"), format!("mail/{minute}-"));
        bench.tell(&[&opens, &closes]);
        if minute == 5 {
            bench.tell(&["oncall/a-", "oncall/b+"]);
        }
        let environment = if minute % 2 == 0 { &warm } else { &bench.environment() };
        assert_eq!(bench.run(environment).points, 1);
        assert_eq!(bench.told("mail", "").len(), usize::try_from(1 + 2 * minute).unwrap());
    }
    assert_eq!(bench.told("oncall", ""), [""; 0]);
    bench.channels.set_down("oncall", "", None);
    bench.tick(20);
    assert_eq!(bench.told("oncall", ""), ["oncall/a+", "oncall/a-", "oncall/b+"]);
    assert_eq!(bench.channels.incident("oncall", "", "a"), CLOSED);
    assert_eq!(bench.dead_told(), []);
}

#[test]
fn each_lane_that_fails_wakes_for_itself_and_only_when_it_has_tried() {
    let bench = Bench::with_rules(10);
    for (channel, after_ms) in [("oncall", 120_000), ("mail", 30_000)] {
        bench.channels.set_down(channel, "", Some(retry(after_ms)));
    }
    bench.tell(&["oncall/a+", "mail/a+"]);
    let warm = bench.environment();
    assert_eq!(bench.run(&warm).wake_at, Some(after(30)));
    bench.settle(&["a/1"]);
    assert_eq!(bench.run(&bench.environment()).wake_at, None, "those who tried have seen to it");
    bench.channels.set_down("mail", "", None);
    bench.clock.set(after(30));
    assert_eq!((bench.wake_ups().len(), bench.run(&warm).wake_at), (1, None));
    bench.clock.set(after(119));
    assert_eq!(bench.wake_ups(), []);
    bench.clock.set(after(120));
    assert_eq!(bench.wake_ups().len(), 1);
    assert_eq!(bench.run(&warm).wake_at, Some(after(240)));
}

#[test]
fn a_receiver_who_cannot_be_reached_delays_no_other_of_its_channel() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("phone", "1", Some(retry(1)));
    bench.tell(&["phone/a+", "phone/a-"]);
    let delivered = bench.run(&bench.environment());
    assert_eq!(bench.told("phone", "2"), ["phone/a+", "phone/a-"]);
    assert_eq!(delivered.wake_at, Some(after(1)));
    bench.channels.set_down("phone", "1", None);
    bench.tick(3);
    assert_eq!(bench.told("phone", "1"), ["phone/a+", "phone/a-"]);
}

#[test]
fn while_a_call_takes_its_time_all_else_goes_on() {
    let bench = Bench::with_rules(1);
    bench.channels.set_stalled("oncall", "", true);
    bench.tell(&["oncall/a+", "mail/a+"]);
    bench.settle(&["a/1", "a/2", "a/3"]);
    let [one, other] = [bench.environment(), bench.environment()];
    let (first, deadline) = bench.invocation();
    let mut slow = Box::pin(one.run(partition(), &first, deadline));
    for _ in 0..200 {
        assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    bench.check_counted(&["a/1", "a/2", "a/3"]);
    assert_eq!(bench.told("mail", ""), ["mail/a+"]);
    // What comes meanwhile is another invocation's, which leaves the lane.
    bench.settle(&["a/4"]);
    bench.tell(&["oncall/a-", "mail/a-"]);
    let delivered = bench.run(&other);
    assert_eq!(delivered.points, 1);
    assert_eq!(bench.told("mail", ""), ["mail/a+", "mail/a-"]);
    assert_eq!(bench.told("oncall", ""), [""; 0]);
    bench.channels.set_stalled("oncall", "", false);
    block_on(slow).unwrap();
    bench.tick(3);
    assert_eq!(bench.told("oncall", ""), ["oncall/a+", "oncall/a-"]);
    assert_eq!(bench.channels.incident("oncall", "", "a"), CLOSED);
}

#[test]
fn without_an_answer_who_knows_repeats_is_told_again() {
    for taken in [true, false] {
        let bench = Bench::with_rules(10);
        bench.tell(&["oncall/a+", "oncall/a-"]);
        bench.channels.script("oncall", "", Delivery::Unknown, taken);
        let delivered = bench.run(&bench.environment());
        assert_eq!((delivered.lanes[0].unknown, delivered.wake_at), (1, Some(after(1))));
        bench.tick(3);
        assert_eq!(bench.told("oncall", "").len(), if taken { 3 } else { 2 });
        assert_eq!(bench.channels.incident("oncall", "", "a"), CLOSED);
        assert_eq!(bench.dead_told(), []);
    }
}

#[test]
fn without_an_answer_who_knows_none_is_left_to_people() {
    for taken in [true, false] {
        let bench = Bench::with_rules(10);
        bench.tell(&["mail/a+", "mail/a-"]);
        bench.channels.script("mail", "", Delivery::Unknown, taken);
        let delivered = bench.run(&bench.environment());
        let lane = &delivered.lanes[0];
        assert_eq!((lane.unknown, lane.dead, lane.told, lane.waiting), (1, 1, 1, 0));
        let told = bench.told("mail", "");
        assert_eq!(told, if taken { vec!["mail/a+", "mail/a-"] } else { vec!["mail/a-"] });
        let dead = ["to/mail", "mail/a+", TELL_UNANSWERED].map(str::to_owned);
        assert_eq!(bench.dead_told(), [dead.into()]);
    }
}

#[test]
fn what_is_rejected_is_a_dead_letter_and_the_lane_goes_on() {
    let bench = Bench::with_rules(10);
    bench.tell(&["oncall/a+", "oncall/b+"]);
    let reason = "400: no such key".to_owned();
    bench.channels.script("oncall", "", Delivery::Rejected { reason }, false);
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.lanes[0].rejected, delivered.lanes[0].dead), (1, 1));
    assert_eq!(bench.told("oncall", ""), ["oncall/b+"]);
    let why = "the other end rejects it: 400: no such key";
    let dead = ["to/oncall", "oncall/a+", why].map(str::to_owned);
    assert_eq!(bench.dead_told(), [dead.into()]);
}

#[test]
fn after_a_day_of_failing_what_has_waited_so_long_is_given_up() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("oncall", "", Some(retry(1)));
    bench.tell(&["oncall/a+", "oncall/b+"]);
    let warm = bench.environment();
    bench.run(&warm);
    bench.clock.set(START.plus(HOUR_MS));
    bench.tell(&["oncall/c+"]);
    bench.run(&warm);
    bench.clock.set(START.plus(DAY_MS - 1));
    assert_eq!(bench.run(&warm).lanes[0].dead, 0);
    bench.clock.set(START.plus(DAY_MS + MINUTE_MS * 15));
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.lanes[0].dead, delivered.lanes[0].waiting), (2, 1));
    bench.channels.set_down("oncall", "", None);
    bench.tick(20);
    assert_eq!(bench.told("oncall", ""), ["oncall/c+"]);
    let dead: Vec<_> = bench.dead_told().into_iter().map(|(_, what, _)| what).collect();
    assert_eq!(dead, ["oncall/a+", "oncall/b+"]);
    assert!(bench.dead_told()[0].2.contains("24 hours"));
}

#[test]
fn a_receiver_that_cannot_be_opened_is_tried_again_or_given_up() {
    let bench = Bench::with_rules(10);
    bench.tell(&["oncall/a+", "mail/a+"]);
    bench.channels.script_not_open("oncall", "", NotOpen::Retry { after_ms: 5_000 });
    let reason = "`x` is no address".to_owned();
    bench.channels.script_not_open("mail", "", NotOpen::Rejected { reason });
    let delivered = bench.run(&bench.environment());
    assert_eq!((delivered.wake_at, bench.channels.calls()), (Some(after(5)), 0));
    let why = "the other end rejects it: `x` is no address";
    assert_eq!(bench.dead_told(), [["to/mail", "mail/a+", why].map(str::to_owned).into()]);
    bench.tick(3);
    assert_eq!(bench.told("oncall", ""), ["oncall/a+"]);
}

#[test]
fn a_deploy_mends_a_channel_and_who_is_gone_from_it_hears_the_end() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("phone", "1", Some(retry(1)));
    bench.tell(&["phone/a+"]);
    let warm = bench.environment();
    bench.run(&warm);
    // The first number is gone, and a third has come.
    bench.deploy("p2", "phone once 2 3");
    bench.channels.set_down("phone", "1", None);
    bench.tell_by("p1", &["phone/a-"]);
    bench.tell_by("p2", &["phone/b+"]);
    bench.tick(3);
    assert_eq!(bench.told("phone", "1"), ["phone/a+", "phone/a-"]);
    assert_eq!(bench.told("phone", "2"), ["phone/a+", "phone/a-", "phone/b+"]);
    assert_eq!(bench.told("phone", "3"), ["phone/b+"]);
}

#[test]
fn the_rules_in_force_say_how_a_receiver_is_reached() {
    let bench = Bench::with_rules(10);
    bench.deploy("p2", "oncall once");
    bench.tell_by("p1", &["oncall/a+"]);
    bench.channels.script("oncall", "", Delivery::Unknown, false);
    assert_eq!(bench.run(&bench.environment()).lanes[0].dead, 1, "it knows no repeats any more");
}

#[test]
fn a_channel_that_no_rules_have_is_a_dead_letter() {
    let bench = Bench::with_rules(10);
    bench.tell(&["strange/a+", "oncall/a+"]);
    bench.run(&bench.environment());
    assert_eq!(bench.told("oncall", ""), ["oncall/a+"]);
    let why = "the other end rejects it: the rules have no such receiver";
    assert_eq!(bench.dead_told(), [["to/strange", "strange/a+", why].map(str::to_owned).into()]);
}

#[test]
fn rules_that_cannot_be_found_hold_up_no_point() {
    let bench = Bench::new(10);
    bench.tell(&["oncall/a+"]);
    bench.settle(&["a/1"]);
    let error = bench.try_run(&bench.environment()).unwrap_err();
    assert!(matches!(error, DeliverError::Control(_)), "{error}");
    bench.check_counted(&["a/1"]);
    bench.deploy("p1", RULES);
    bench.tick(2);
    assert_eq!(bench.told("oncall", ""), ["oncall/a+"]);
}

#[test]
fn what_cannot_be_read_of_notifications_holds_up_no_point() {
    let bench = Bench::with_rules(10);
    bench.settle(&["a/1"]);
    let header = SettleEntry {
        clock: START,
        control: Version::START,
        taken: Vec::new(),
        listing: None,
        answers: Vec::new(),
        watermark: None,
        points: 0,
    };
    let chunks = Chunks::from([(NOTIFICATIONS, vec![99])]);
    let entry = Entry::new(header.encode(), chunks, START.plus(DAY_MS)).unwrap();
    let log = LogId::settle(partition());
    assert!(block_on(bench.log.append(&log, Version(2), &entry)).is_ok());
    let error = bench.try_run(&bench.environment()).unwrap_err();
    assert!(error.to_string().starts_with("settle/0, version 2 cannot be read"), "{error}");
    bench.check_counted(&["a/1"]);
}

#[test]
fn a_lane_that_is_stuck_does_not_make_others_read_the_log_again() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("oncall", "", Some(retry(1)));
    bench.tell(&["oncall/a+"]);
    for number in 0..10 {
        bench.clock.advance(15 * MINUTE_MS);
        bench.settle(&[&format!("a/{number}")]);
        bench.tell(&[&format!("oncall/{number}+")]);
        bench.run(&bench.environment());
    }
    let index = bench.lane().channels;
    assert_eq!(index.open, [name("oncall", "")]);
    assert!(index.read_to >= Version(19), "{index:?}");
    let known = bench.channel_lane("oncall", "").unwrap().known;
    assert_eq!((known.read_to, known.places.len()), (Version(21), 11));
    bench.channels.set_down("oncall", "", None);
    bench.tick(20);
    let told = bench.told("oncall", "");
    assert_eq!((told.len(), told[0].as_str(), told[10].as_str()), (11, "oncall/a+", "oncall/9+"));
}

#[test]
fn many_lanes_that_are_stuck_are_not_named_in_the_register_of_points() {
    let bench = Bench::new(10);
    let numbers: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    bench.deploy("p1", &format!("phone once {}", numbers.join(" ")));
    for number in &numbers {
        bench.channels.set_down("phone", number, Some(retry(1)));
    }
    for key in ["a", "b"] {
        bench.settle(&[&format!("a/{key}")]);
        bench.tell(&[&format!("phone/{key}+")]);
        bench.run(&bench.environment());
    }
    assert_eq!(bench.lane().channels, LanesIndex::default());
    for number in &numbers {
        bench.channels.set_down("phone", number, None);
    }
    bench.tick(5);
    for number in &numbers {
        assert_eq!(bench.told("phone", number), ["phone/a+", "phone/b+"]);
    }
}

#[test]
fn what_has_expired_while_nobody_delivered_is_counted_and_passed() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("oncall", "", Some(retry(1)));
    bench.tell(&["oncall/a+"]);
    bench.settle(&["a/1"]);
    bench.run(&bench.environment());
    bench.settle(&["a/2"]);
    bench.run(&bench.environment());
    bench.clock.advance(40 * DAY_MS);
    bench.channels.set_down("oncall", "", None);
    bench.tell(&["oncall/b+"]);
    let delivered = bench.run(&bench.environment());
    let lane = &delivered.lanes[0];
    assert_eq!((lane.expired, lane.told, lane.waiting), (1, 1, 0));
    assert_eq!(bench.run(&bench.environment()).lanes, []);
}

#[test]
fn what_is_too_much_to_be_held_is_read_again() {
    let bench = Bench::with_rules(10);
    bench.channels.set_down("phone", "1", Some(retry(1)));
    let written: Vec<_> =
        (0..12).map(|key| format!("phone/{key}{}+", "x".repeat(700_000))).collect();
    for one in &written {
        bench.tell(&[one]);
    }
    let warm = bench.environment();
    assert_eq!(bench.run(&warm).lanes.len(), 1 + 1);
    bench.channels.set_down("phone", "1", None);
    bench.clock.set(after(1));
    assert_eq!(bench.run(&warm).lanes[0].told, 12);
    for receiver in ["1", "2"] {
        assert!(bench.told("phone", receiver) == written);
    }
}

#[test]
fn near_its_deadline_an_invocation_begins_no_call_to_a_channel() {
    let bench = Bench::with_rules(10);
    bench.tell(&["oncall/a+"]);
    bench.settle(&["a/1"]);
    let environment = bench.environment();
    let delivered = block_on(environment.run(partition(), "short", after(32))).unwrap();
    assert_eq!((delivered.points, bench.channels.calls()), (1, 0));
    assert_eq!(delivered.wake_at, Some(START), "it has written, and so sees to what is left");
    assert_eq!(bench.run(&environment).lanes[0].told, 1);
}

#[test]
fn partitions_can_be_delivered_side_by_side() {
    let bench = Bench::with_rules(10);
    bench.channels.set_stalled("oncall", "", true);
    bench.tell(&["oncall/a+"]);
    let environment = bench.environment();
    let (one, deadline) = bench.invocation();
    let mut slow = Box::pin(environment.run(partition(), &one, deadline));
    for _ in 0..200 {
        assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let other = crate::port::Partition::new(1).unwrap();
    assert!(block_on(environment.run(other, &one, deadline)).is_ok());
    bench.channels.set_stalled("oncall", "", false);
    block_on(slow).unwrap();
    assert_eq!(bench.told("oncall", ""), ["oncall/a+"]);
}
