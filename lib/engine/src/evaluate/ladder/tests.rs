//! Ladders, moment by moment.

use super::*;
use crate::alert::{Condition, Severity, Step, Texts};
use crate::time::MINUTE_MS;

/// An alert of steps that hold for so many minutes, with `keep_firing_for` in minutes.
fn alert(holds: &[i64], keep: i64) -> Alert {
    let step = |&minutes: &i64| Step {
        name: None,
        when: Condition::Absent { length: 0 },
        hold: minutes * MINUTE_MS,
        severity: Severity::Error,
        notify: Vec::new(),
        early: false,
    };
    Alert {
        name: String::new(),
        definition: String::new(),
        metric: 0,
        by: Vec::new(),
        steps: holds.iter().map(step).collect(),
        resolve: None,
        min_volume: None,
        keep_firing_for: keep * MINUTE_MS,
        max_age: 0,
        texts: Texts::default(),
    }
}

/// Goes through minutes of which each says which steps hold (`x`), then whether `resolve` does (after a `|`, if there is one); a
/// `-` is a minute without a change. Gives `minute:step+` for a firing, `-` for a resolve, `?` for pending.
fn run(alert: &Alert, minutes: &[&str]) -> String {
    let mut ladder = Ladder::default();
    let mut timer = None;
    let mut truth = Truth::default();
    let mut told = Vec::new();
    for (minute, text) in (0_i64..).zip(minutes) {
        let at = Timestamp::from_millis(minute * MINUTE_MS);
        if *text != "-" {
            let (steps, resolve) = text
                .split_once('|')
                .map_or((*text, None), |(steps, rest)| (steps, Some(rest == "x")));
            let steps = steps.chars().map(|step| step == 'x').collect();
            truth = Truth { steps, resolve, ..Truth::default() };
        } else if timer != Some(at) {
            continue;
        }
        let mut changes = Vec::new();
        ladder.advance(alert, at, &truth, &mut changes);
        timer = ladder.timer(alert, &truth);
        for change in changes {
            let kind = match change.kind {
                TransitionKind::Pending => '?',
                TransitionKind::Firing => '+',
                TransitionKind::Resolved => '-',
            };
            told.push(format!("{minute}:{}{kind}", change.step));
        }
    }
    told.join(" ")
}

#[test]
fn a_step_fires_and_resolves_when_nothing_holds() {
    assert_eq!(run(&alert(&[0], 0), &[".", "x", "x", ".", "x"]), "1:0+ 3:0- 4:0+");
}

#[test]
fn a_step_stays_firing_until_the_episode_ends() {
    assert_eq!(run(&alert(&[0, 0], 0), &[".x", "xx", ".x", ".."]), "0:1+ 1:0+ 3:0- 3:1-");
    assert_eq!(run(&alert(&[0, 0], 0), &["xx", ".x", "xx", ".."]), "0:0+ 0:1+ 3:0- 3:1-");
}

#[test]
fn resolve_ends_the_episode_and_keeps_steps_from_firing() {
    assert_eq!(run(&alert(&[0], 0), &["x|.", ".|.", ".|x", "x|x", "x|."]), "0:0+ 2:0- 4:0+");
}

#[test]
fn for_is_met_without_a_break_only() {
    let held = alert(&[2], 0);
    assert_eq!(run(&held, &["x", "-", "-", "."]), "0:0? 2:0+ 3:0-");
    assert_eq!(run(&held, &["x", ".", "x", "x", "x"]), "0:0? 2:0? 4:0+");
}

#[test]
fn a_condition_that_held_while_resolve_did_fires_as_soon_as_that_ends() {
    assert_eq!(run(&alert(&[2], 0), &["x|x", "-", "-", "x|."]), "3:0+");
    assert_eq!(run(&alert(&[3], 0), &["x|x", "x|.", "-", "-"]), "1:0? 3:0+");
}

#[test]
fn what_ends_the_episode_must_hold_for_keep_firing_for() {
    let kept = alert(&[0], 2);
    assert_eq!(run(&kept, &["x", ".", "x", ".", "-", "-"]), "0:0+ 5:0-");
}

#[test]
fn after_an_episode_everything_starts_afresh() {
    // The condition still holds when `resolve` ends the episode: its time begins again.
    assert_eq!(
        run(&alert(&[2], 0), &["x|.", "-", "-", "x|x", "x|.", "-", "-"]),
        "0:0? 2:0+ 3:0- 4:0? 5:0+"
    );
}

#[test]
fn a_ladder_without_anything_to_say_remembers_nothing() {
    let alert = alert(&[1], 0);
    let mut ladder = Ladder::default();
    let mut changes = Vec::new();
    for holds in [true, false] {
        let truth = Truth { steps: vec![holds], ..Truth::default() };
        ladder.advance(&alert, Timestamp::EPOCH, &truth, &mut changes);
    }
    assert_eq!(ladder, Ladder::default());
}
