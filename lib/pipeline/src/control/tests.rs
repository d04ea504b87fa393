//! What the functions see of the control log, and the plans they work for.

use super::*;
use crate::aggregate::tests::kit::{Compiled, START, Town, plan, text};
use crate::memory::block_on;
use crate::port::log::{Append, Log, LogId, Version, Wanted};
use crate::port::rules::Rules;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use streamgauge_engine::time::Timestamp;

/// Rules with metrics of these names, each a count over a window.
fn rules(metrics: &[(&str, &str)]) -> String {
    let metrics: Vec<_> = metrics
        .iter()
        .map(|(name, window)| format!("  {name}: {{count: 'true', window: {window}}}\n"))
        .collect();
    format!(
        "late: drop\nout_of_order: 10s\nallowed_lateness: 20s\ndeduplicate: 1m\nmetrics:\n{}",
        metrics.concat()
    )
}

/// The entries of the control log, in short.
fn entries(town: &Town) -> Vec<String> {
    let read = block_on(town.log.read(&LogId::control(), Version::START, Wanted::All)).unwrap();
    let short = |logged| match ControlEntry::decode(logged).unwrap() {
        ControlEntry::Table { partitions } => format!("table {partitions}"),
        ControlEntry::Announced { text, .. } => {
            format!("announced {}", plan(&text.unwrap().files[0].1).metrics[0].name)
        }
        ControlEntry::InForce { from, .. } => format!("in force {}", from.as_millis()),
        ControlEntry::GivenBack { letters, .. } => format!("given back {}", letters.len()),
        said => format!("{said:?}"),
    };
    read.iter().map(short).collect()
}

#[test]
fn an_empty_log_is_laid_out_with_the_deployed_plan() {
    let town = Town::new();
    let [one, other] = [("a", "1m"), ("b", "1m")].map(|metric| town.home(&rules(&[metric])));
    let mut control = Control::default();
    block_on(ensure(&one, &mut control, 3)).unwrap();
    block_on(ensure(&other, &mut Control::default(), 3)).unwrap();
    assert_eq!(entries(&town), ["table 3", "announced a", "in force 0"]);
    assert_eq!((control.version(), control.partitions()), (Version(3), Some(3)));
    assert_eq!((control.announced(), control.in_force()[0].from), (None, Timestamp::EPOCH));
}

#[test]
fn functions_that_lay_the_log_out_together_agree() {
    for steps in 0..20 {
        let town = Town::new();
        let [one, other] = [("a", "1m"), ("b", "1m")].map(|metric| town.home(&rules(&[metric])));
        let mut control = Control::default();
        {
            let mut slow = pin!(ensure(&one, &mut control, 3));
            let mut context = Context::from_waker(Waker::noop());
            let mut outcome = Poll::Pending;
            for _ in 0..steps {
                outcome = slow.as_mut().poll(&mut context);
                if outcome.is_ready() {
                    break;
                }
            }
            block_on(ensure(&other, &mut Control::default(), 3)).unwrap();
            while outcome.is_pending() {
                outcome = slow.as_mut().poll(&mut context);
            }
        }
        let laid_out = entries(&town);
        let announced = ["announced a", "announced b"].map(str::to_owned);
        assert!(announced.contains(&laid_out[1]), "{laid_out:?}");
        assert_eq!((laid_out.len(), laid_out[2].as_str()), (3, "in force 0"));
    }
}

#[test]
fn the_newest_is_not_announced_again() {
    let town = Town::new();
    let [a, b] = ["a", "b"].map(|name| rules(&[(name, "1m")]));
    let home = town.home(&a);
    let mut control = Control::default();
    for rules in [&a, &a, &b, &b, &a] {
        let hash = block_on(announce(&home, &mut control, 3, &text(rules))).unwrap();
        assert_eq!((hash.as_str(), control.newest()), (&*plan(rules).hash, Some(&*hash)));
    }
    assert_eq!(
        entries(&town),
        ["table 3", "announced a", "in force 0", "announced b", "announced a"]
    );
    assert_eq!(control.announced(), None, "what is in force need not come in force");
    // Also rules that only look different.
    let spaced = format!("\n# A comment.\n{a}");
    block_on(announce(&home, &mut control, 3, &text(&spaced))).unwrap();
    assert_eq!(entries(&town).len(), 5);
}

#[test]
fn without_rules_nothing_is_laid_out() {
    let town = Town::new();
    let home = town.home_without_rules();
    let error = block_on(ensure(&home, &mut Control::default(), 3)).unwrap_err();
    assert!(matches!(error, ControlError::NoRules), "{error}");
    let announced = block_on(announce(&home, &mut Control::default(), 3, &text("metrics: [")));
    assert!(matches!(announced, Err(ControlError::NoPlan { .. })), "{announced:?}");
}

#[test]
fn a_plan_is_compiled_from_the_logs_text_where_the_function_has_another() {
    let town = Town::new();
    let [a, b] = ["a", "b"].map(|name| rules(&[(name, "1m")]));
    let mut control = Control::default();
    block_on(ensure(&town.home(&a), &mut control, 3)).unwrap();
    let (other, hash) = (town.home(&b), plan(&a).hash.clone());
    let mut plans = Plans::default();
    for _ in 0..2 {
        let found = block_on(plans.get(&other, &control, &hash)).unwrap();
        assert_eq!(found.metrics[0].name, "a");
    }
    let missing = block_on(plans.get(&other, &control, "none")).unwrap_err();
    assert!(matches!(missing, ControlError::NoText { .. }), "{missing}");
    let wrong =
        ControlEntry::Announced { plan: "none".to_owned(), text: Some(text(&a)), at: START };
    assert_eq!(block_on(control.append(&town.log, &wrong)).unwrap(), Append::Appended);
    let another = block_on(plans.get(&other, &control, "none")).unwrap_err();
    assert!(matches!(another, ControlError::AnotherPlan { .. }), "{another}");
}

#[test]
fn only_so_many_plans_that_were_in_force_are_kept() {
    let town = Town::new();
    let mut control = Control::default();
    for number in 0..20 {
        let entry = ControlEntry::InForce { plan: format!("{number}"), from: START };
        assert_eq!(block_on(control.append(&town.log, &entry)).unwrap(), Append::Appended);
    }
    assert_eq!(control.in_force().len(), 8);
    assert_eq!(control.in_force().last().unwrap().plan, "19");
    let mut cold = Control::default();
    block_on(cold.follow(&town.log)).unwrap();
    assert_eq!(cold, control);
}

/// What is worked for when these rules came in force, each so many seconds after the start, and these are announced, and a
/// shard is so many seconds far: the names of the metrics, by plan.
#[track_caller]
fn check_works(
    in_force: &[(&str, i64)],
    announced: Option<&str>,
    furthest: Option<i64>,
    expect: &[&str],
) {
    let at = |seconds: i64| START.plus(seconds * 1_000);
    let in_force: Vec<_> = in_force
        .iter()
        .map(|(rules, from)| (Compiled(None).compile(&text(rules)).unwrap(), at(*from)))
        .collect();
    let announced = announced.map(plan);
    let works = plans_to_work_for(&in_force, announced.as_ref(), furthest.map(at));
    let metrics = |work: &Work| {
        let wanted = (0..work.plan.metrics.len()).filter(|&metric| work.wants(metric));
        wanted.map(|metric| work.plan.metrics[metric].name.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(works.iter().map(metrics).collect::<Vec<_>>(), expect);
}

#[test]
fn the_plan_in_force_comes_first_then_the_announced_then_those_before() {
    let [p, q, r] =
        [&[("a", "1m"), ("b", "1m")][..], &[("b", "1m"), ("c", "1m")], &[("d", "1m")]].map(rules);
    check_works(&[(&p, 0)], None, None, &["a b"]);
    check_works(&[(&p, 0)], Some(&q), Some(5), &["a b", "b c"]);
    check_works(&[(&p, 0)], Some(&p), Some(5), &["a b"]);
    check_works(&[(&p, 0), (&q, 30)], Some(&r), Some(5), &["b c", "d", "a"]);
    check_works(&[(&p, 0), (&q, 30), (&r, 40)], None, None, &["d", "b c", "a"]);
}

#[test]
fn a_plan_is_left_when_a_shard_has_passed_its_last_windows() {
    let [p, q] = [&[("a", "1m"), ("b", "5m")][..], &[("c", "1m")]].map(rules);
    let in_force = [(p.as_str(), 0), (&q, 30)];
    // Windows end at 60 s and 300 s; then 20 s and 60 s for what is late, and 10 s for the watermark.
    check_works(&in_force, None, Some(149), &["c", "a b"]);
    check_works(&in_force, None, Some(150), &["c", "b"]);
    check_works(&in_force, None, Some(389), &["c", "b"]);
    check_works(&in_force, None, Some(390), &["c"]);
}

#[test]
fn alerts_that_end_hear_of_their_metric_until_then_though_it_goes_on() {
    let alert = |name: &str, threshold: u64| {
        format!("  {name}: {{metric: a, when: sum over 1m > {threshold}, notify: desk}}\n")
    };
    let with = |alerts: &[String]| {
        let channels = "channels: {desk: {webhook: {url: 'https://hooks.example/x'}}}\n";
        [&rules(&[("a", "1m"), ("b", "1m")]), "alerts:\n", &alerts.concat(), channels].concat()
    };
    let [p, q] = [[alert("stays", 1), alert("ends", 1)], [alert("stays", 1), alert("ends", 2)]];
    let [p, q] = [with(&p), with(&q)];
    let same = with(&[alert("stays", 1), alert("ends", 1), alert("is_new", 3)]);
    // The shard's watermark is 10 s behind.
    check_works(&[(&p, 0), (&q, 30)], None, Some(39), &["a b", "a"]);
    check_works(&[(&p, 0), (&q, 30)], None, Some(40), &["a b"]);
    check_works(&[(&p, 0), (&same, 30)], None, Some(5), &["a b"]);
}

#[test]
fn a_plan_that_came_back_is_worked_for_once() {
    let [p, q] = [&[("a", "1m")][..], &[("b", "1m")]].map(rules);
    check_works(&[(&p, 0), (&q, 10), (&p, 20)], None, Some(5), &["a", "b"]);
    check_works(&[(&p, 0), (&q, 10), (&p, 20), (&q, 30)], None, Some(5), &["b", "a"]);
}

#[test]
fn at_most_so_many_plans_are_worked_for() {
    let rules: Vec<_> = (0..12).map(|number| rules(&[(&format!("m{number}"), "1m")])).collect();
    let in_force: Vec<_> = rules[..11].iter().map(|rules| (rules.as_str(), 0)).collect();
    let expect = ["m10", "m11", "m9", "m8", "m7", "m6", "m5", "m4"];
    check_works(&in_force, Some(&rules[11]), None, &expect);
}

#[test]
fn plans_are_shared_not_compiled_again() {
    let town = Town::new();
    let rules = rules(&[("a", "1m")]);
    let home = town.home(&rules);
    let (mut control, mut plans) = (Control::default(), Plans::default());
    block_on(ensure(&home, &mut control, 3)).unwrap();
    let hash = plan(&rules).hash.clone();
    let [one, other] = [(); 2].map(|()| block_on(plans.get(&home, &control, &hash)).unwrap());
    assert!(Arc::ptr_eq(&one, &other));
}
