//! What is said is taken, or refused with its reason.

use super::*;
use crate::control::{Control, Ended};
use crate::memory::{MemoryLog, VirtualClock, block_on};
use streamgauge_engine::notify::rules::Match;
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS};

/// 2026-01-05T10:00:00Z
const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

fn log() -> MemoryLog<VirtualClock> {
    MemoryLog::new(VirtualClock::new(NOW), 1 << 30)
}

/// A silence of an alert from now on, for so long.
fn silence(alert: &str, lasts: Millis) -> Silence {
    let conditions = vec![(Attribute::Alert, vec![alert.to_owned()])];
    Silence {
        matches: Match { conditions },
        from: NOW,
        until: NOW.plus(lasts),
        author: "mira".to_owned(),
        reason: "the partner moves".to_owned(),
    }
}

fn add(log: &MemoryLog<VirtualClock>, silence: &Silence) -> Result<SilenceId, SaidError> {
    block_on(add_silence(log, silence, NOW))
}

fn active(log: &MemoryLog<VirtualClock>, now: Timestamp) -> Vec<String> {
    let silences = block_on(silences(log)).unwrap();
    silences.active(now).map(|(id, _)| id.to_string()).collect()
}

#[test]
fn a_silence_is_active_until_it_is_over_or_ended() {
    let log = log();
    let first = add(&log, &silence("a", HOUR_MS)).unwrap();
    let second = add(&log, &silence("b", 2 * HOUR_MS)).unwrap();
    assert_eq!(active(&log, NOW), ["s1", "s2"]);
    assert_eq!(active(&log, NOW.plus(HOUR_MS)), ["s2"]);
    let later = NOW.plus(MINUTE_MS);
    block_on(end_silence(&log, first, "noor", later)).unwrap();
    assert_eq!(active(&log, later), ["s2"]);
    let all = block_on(silences(&log)).unwrap();
    let ended = Ended { at: later, author: "noor".to_owned() };
    assert_eq!(all.get(first).unwrap().ended, Some(ended));
    assert_eq!(all.get(second).unwrap().silence, silence("b", 2 * HOUR_MS));
}

#[test]
fn what_is_over_or_not_there_cannot_be_ended() {
    let log = log();
    let id = add(&log, &silence("a", HOUR_MS)).unwrap();
    let end = |which, at| block_on(end_silence(&log, which, "noor", at));
    assert!(matches!(end(SilenceId(Version(9)), NOW), Err(SaidError::NoSilence(_))));
    assert!(matches!(end(id, NOW.plus(HOUR_MS)), Err(SaidError::Over { .. })));
    end(id, NOW).unwrap();
    let again = end(id, NOW).unwrap_err().to_string();
    assert_eq!(again, "the silence `s1` was ended at 2026-01-05T10:00:00Z by noor");
    // An entry that ends a silence is none itself.
    assert!(matches!(end(SilenceId(Version(2)), NOW), Err(SaidError::NoSilence(_))));
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Silence), expect: &str) {
    let mut silence = silence("a", HOUR_MS);
    change(&mut silence);
    assert_eq!(add(&log(), &silence).unwrap_err().to_string(), expect);
}

#[test]
fn a_silence_that_cannot_be_meant_is_refused() {
    check_refused(|it| it.matches.conditions.clear(), "the silence matches everything");
    check_refused(|it| it.author = " ".to_owned(), "the author is empty");
    check_refused(
        |it| it.reason = "x".repeat(SAID_CHARS_MAX + 1),
        "the reason is longer than 1000 characters",
    );
    check_refused(
        |it| it.matches.conditions[0].1 = vec!["a".to_owned(); MATCHED_VALUES_MAX + 1],
        "the silence matches 101 values, and 100 are the most",
    );
    check_refused(
        |it| it.until = it.from,
        "the silence ends at 2026-01-05T10:00:00Z, and begins at 2026-01-05T10:00:00Z",
    );
    check_refused(
        |it| (it.from, it.until) = (NOW.minus(HOUR_MS), NOW),
        "the silence was over at 2026-01-05T10:00:00Z, and it is 2026-01-05T10:00:00Z",
    );
    check_refused(
        |it| it.until = NOW.plus(SILENCE_AHEAD_MAX_MS + 1),
        "the silence ends at 2026-02-04T10:00:00.001Z, and none ends later than 2026-02-04T10:00:00Z",
    );
    let longest = Silence { until: NOW.plus(SILENCE_AHEAD_MAX_MS), ..silence("a", HOUR_MS) };
    assert!(add(&log(), &longest).is_ok());
}

#[test]
fn there_are_only_so_many_silences_at_a_time() {
    let log = log();
    for _ in 0..SILENCES_MAX {
        add(&log, &silence("a", HOUR_MS)).unwrap();
    }
    let refused = add(&log, &silence("a", HOUR_MS)).unwrap_err();
    assert!(matches!(refused, SaidError::TooMany { active: SILENCES_MAX }), "{refused}");
    block_on(end_silence(&log, SilenceId(Version(7)), "noor", NOW)).unwrap();
    add(&log, &silence("a", HOUR_MS)).unwrap();
}

fn deploy(version: &str) -> Deploy {
    let (version, author) = (version.to_owned(), "ci".to_owned());
    Deploy { version, service: None, author, link: None }
}

#[test]
fn a_deploy_is_marked_where_it_can_be_shown() {
    let log = log();
    let mark = |version, at| block_on(mark_deploy(&log, &deploy(version), at, NOW));
    assert_eq!(mark("1.2.3", NOW).unwrap(), Version(1));
    assert_eq!(mark("1.2.3", NOW.minus(DEPLOY_AGE_MAX_MS)).unwrap(), Version(2));
    assert!(matches!(mark("1.2.3", NOW.plus(1)), Err(SaidError::Ahead { .. })));
    let old = mark("1.2.3", NOW.minus(DEPLOY_AGE_MAX_MS + 1));
    assert!(matches!(old, Err(SaidError::TooOld { .. })));
    assert!(matches!(mark(" ", NOW), Err(SaidError::Empty { what: "version" })));
}

#[test]
fn whoever_only_wants_the_plans_reads_on_past_what_people_say() {
    let log = log();
    add(&log, &silence("a", HOUR_MS)).unwrap();
    block_on(mark_deploy(&log, &deploy("1"), NOW, NOW)).unwrap();
    block_on(end_silence(&log, SilenceId(Version(1)), "noor", NOW)).unwrap();
    let mut control = Control::default();
    block_on(control.follow(&log)).unwrap();
    assert_eq!((control.version(), control.newest()), (Version(3), None));
}

#[test]
fn a_silence_is_named_by_an_s_and_a_number() {
    let id: SilenceId = "s17".parse().unwrap();
    assert_eq!((id, id.to_string().as_str()), (SilenceId(Version(17)), "s17"));
    for wrong in ["", "s", "17", "s+17", "s-1", "S17", "s17 ", "s99999999999999999999"] {
        assert!(wrong.parse::<SilenceId>().is_err(), "{wrong}");
    }
}
