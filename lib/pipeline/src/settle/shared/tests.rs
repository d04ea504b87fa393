//! The register of what the streams said: who is told what, when it is asked again, and how it is stored.

use super::*;
use crate::port::source::StreamId;
use crate::stored::check::check_form;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_767_607_200_000 + ms)
}

fn key(shard: &str) -> ShardKey {
    ShardKey { stream: StreamId { name: "orders".into(), created_at: at(-9) }, shard: shard.into() }
}

fn question(shard: &str, after: Option<u64>) -> Question {
    Question { shard: key(shard), after: after.map(Into::into) }
}

/// A register in which `shard` was asked at 0, from record 7, by one that had read the control log up to 3.
fn register() -> Register {
    let listing = vec![ListedShard { key: key("b"), parents: vec![key("a")] }];
    let answers = vec![(question("b", Some(7)), Answer::Idle { asked_at: at(0) })];
    Register::default().with(Asked { answers, listing }, Version(3), at(0))
}

#[test]
fn the_register_is_stored_as_ever() {
    let mut register = register();
    let answers = vec![
        (question("a", None), Answer::Finished),
        (question("c", None), Answer::Behind { since: at(1) }),
    ];
    register =
        register.clone().with(Asked { answers, listing: register.listing }, Version(4), at(1));
    check_form(&register, Register::encode, Register::decode, include_str!("v1.hex"));
}

#[test]
fn an_answer_is_told_only_to_who_stands_where_it_was_asked_from() {
    let check = |shard, after, control, answers| {
        let asked = register().told(&[question(shard, after)], Version(control));
        assert_eq!(asked.answers.len(), answers, "{shard} {after:?} {control}");
        assert_eq!(asked.listing, register().listing);
    };
    check("b", Some(7), 3, 1);
    check("b", Some(7), 2, 1);
    check("b", Some(7), 4, 0);
    check("b", Some(8), 3, 0);
    check("b", None, 3, 0);
    check("a", Some(7), 3, 0);
}

#[test]
fn a_shard_is_asked_once_a_second_whatever_from() {
    let check = |shard, after, now, has_asked| {
        let is = register().has_asked(&question(shard, after), at(now));
        assert_eq!(is, has_asked, "{shard} {after:?} {now}");
    };
    check("b", Some(7), 0, true);
    check("b", Some(8), 999, true);
    check("b", Some(7), 1_000, false);
    check("b", Some(7), -999, true);
    check("b", Some(7), -1_000, false);
    check("a", Some(7), 0, false);
}

#[test]
fn old_answers_leave_the_register() {
    let listing = Vec::new();
    let answers = vec![(question("c", None), Answer::Finished)];
    let soon = register().with(
        Asked { answers: answers.clone(), listing: listing.clone() },
        Version(3),
        at(500),
    );
    assert_eq!(soon.answers.len(), 2);
    let later = soon.with(Asked { answers, listing }, Version(3), at(1_200));
    assert_eq!(later.answers.len(), 1);
}
