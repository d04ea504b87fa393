//! What is told of the pipeline itself, minute by minute.

use super::*;
use crate::notify::rules::Attribute;
use crate::notify::tests::kit::{at, line, plan, silence};

/// The pipeline's own alerts with the plan that says whom they tell: `oncall` and, again and again, `mail`.
struct Pipeline {
    plan: Plan,
    own: OwnAlerts,
    silences: Vec<Silence>,
}

impl Pipeline {
    fn new() -> Self {
        Self { plan: plan(), own: OwnAlerts::default(), silences: Vec::new() }
    }

    /// What is told at a time; the state is stored and read in between.
    #[track_caller]
    fn check(&mut self, now: i64, troubles: &Troubles<'_>, expect: &[&str]) -> Vec<Notification> {
        self.own = OwnAlerts::decode(&self.own.encode()).unwrap();
        let told = self.own.decide(&self.plan, troubles, at(now), &self.silences);
        assert_eq!(told.iter().map(line).collect::<Vec<_>>(), expect);
        told
    }
}

const FINE: Troubles<'_> = Troubles { behind_since: None, dead_letters: 0, stuck: &[] };
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

#[test]
fn behind_for_a_while_is_told_once_and_its_end_too() {
    let mut pipeline = Pipeline::new();
    let behind = Troubles { behind_since: Some(at(0)), ..FINE };
    pipeline.check(4 * MINUTE, &behind, &[]);
    assert_eq!(pipeline.own.next_moment(&behind), Some(at(5 * MINUTE)));
    let began =
        pipeline.check(5 * MINUTE, &behind, &["oncall trigger behind", "mail trigger behind"]);
    assert!(began[0].summary.ends_with("since 2026-01-05T10:00:00Z"), "{}", began[0].summary);
    // Another shard may be the one that is behind now; it is the same trouble.
    let later = Troubles { behind_since: Some(at(6 * MINUTE)), ..FINE };
    pipeline.check(7 * MINUTE, &later, &[]);
    assert_eq!(pipeline.own.next_moment(&later), Some(at(4 * HOUR + 5 * MINUTE)));
    pipeline.check(5 * HOUR, &later, &["mail repeat behind"]);
    let ended = pipeline.check(6 * HOUR, &FINE, &["mail resolve behind", "oncall resolve behind"]);
    assert_eq!(ended[1].key, began[0].key);
    pipeline.check(7 * HOUR, &FINE, &[]);
    assert_eq!(pipeline.own.next_moment(&FINE), None);
}

#[test]
fn dead_letters_are_one_alert_until_none_came_for_an_hour() {
    let mut pipeline = Pipeline::new();
    let letters = |dead_letters| Troubles { dead_letters, ..FINE };
    let triggers = ["oncall trigger dead letters", "mail trigger dead letters"];
    let began = pipeline.check(0, &letters(2), &triggers);
    pipeline.check(59 * MINUTE, &letters(3), &[]);
    pipeline.check(90 * MINUTE, &letters(3), &[]);
    assert_eq!(pipeline.own.next_moment(&letters(3)), Some(at(119 * MINUTE)));
    let resolves = ["mail resolve dead letters", "oncall resolve dead letters"];
    pipeline.check(119 * MINUTE, &letters(3), &resolves);
    let again = pipeline.check(130 * MINUTE, &letters(4), &triggers);
    assert_ne!(again[0].key, began[0].key);
}

#[test]
fn who_is_told_again_hears_how_it_is_now() {
    let mut pipeline = Pipeline::new();
    let letters = |dead_letters| Troubles { dead_letters, ..FINE };
    pipeline.check(0, &letters(2), &["oncall trigger dead letters", "mail trigger dead letters"]);
    for (half_hour, count) in (1..8).zip(3..) {
        pipeline.check(half_hour * 30 * MINUTE, &letters(count), &[]);
    }
    let again = pipeline.check(4 * HOUR, &letters(99), &["mail repeat dead letters"]);
    let said = "there are new dead letters, 99 in all, since 2026-01-05T14:00:00Z";
    assert_eq!(again[0].summary, said);
}

#[test]
fn lanes_are_stuck_after_what_retries_mend() {
    let mut pipeline = Pipeline::new();
    let lanes = [("mail".to_owned(), at(60)), ("hook".to_owned(), at(0))];
    let stuck = Troubles { stuck: &lanes, ..FINE };
    pipeline.check(14 * MINUTE, &stuck, &[]);
    let lines = ["oncall trigger lane stuck", "mail trigger lane stuck"];
    let told = pipeline.check(15 * MINUTE, &stuck, &lines);
    let said = "nothing can be delivered to mail, hook, since 2026-01-05T10:00:00Z";
    assert_eq!(told[0].summary, said);
    let ended = ["mail resolve lane stuck", "oncall resolve lane stuck"];
    pipeline.check(16 * MINUTE, &FINE, &ended);
}

#[test]
fn a_quiet_time_keeps_them_back_and_who_was_not_told_is_not_told_the_end() {
    let mut pipeline = Pipeline::new();
    pipeline.silences = vec![silence(&[(Attribute::Channel, "oncall")], 0, HOUR)];
    let behind = Troubles { behind_since: Some(at(0)), ..FINE };
    pipeline.check(10 * MINUTE, &behind, &["mail trigger behind"]);
    pipeline.check(20 * MINUTE, &FINE, &["mail resolve behind"]);
    let again = Troubles { behind_since: Some(at(30 * MINUTE)), ..FINE };
    pipeline.check(40 * MINUTE, &again, &["mail trigger behind"]);
    pipeline.check(HOUR, &again, &["oncall trigger behind"]);
    // What silences an alert of the rules has nothing to do with the pipeline.
    let mut other = Pipeline::new();
    other.silences = vec![silence(&[(Attribute::Alert, "behind")], 0, HOUR)];
    other.check(40 * MINUTE, &again, &["oncall trigger behind", "mail trigger behind"]);
}

#[test]
fn a_channel_that_is_gone_is_not_told_the_end() {
    let mut pipeline = Pipeline::new();
    let behind = Troubles { behind_since: Some(at(0)), ..FINE };
    pipeline.check(HOUR, &behind, &["oncall trigger behind", "mail trigger behind"]);
    pipeline.plan.notifying.channels.retain(|channel| channel.name != "mail");
    pipeline.check(2 * HOUR, &FINE, &["oncall resolve behind"]);
}

#[test]
fn nobody_is_told_if_the_rules_name_nobody() {
    let mut pipeline = Pipeline::new();
    pipeline.plan.notifying.pipeline = None;
    pipeline.check(HOUR, &Troubles { behind_since: Some(at(0)), ..FINE }, &[]);
}
