//! The worker: a settle partition with many groups, on one thread and without a log, and what it takes to settle.

use super::shop;
use crate::bench::functions::take::now;
use crate::bench::measure::PEAK_UNIT_BYTES;
use crate::random::Random;
use crate::time::{MINUTE_MS, START_MS};
use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use streamgauge_engine::delta::Delta;
use streamgauge_engine::notify::{Clock, Moment, Notifier, Render};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::{Decisions, Progress, Settler};
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::TransitionKind;
use streamgauge_function::rules::DeployedRules;
use streamgauge_pipeline::port::rules::Rules;

/// Events of a settle.
pub(super) const EVENTS: i64 = 10_000;
/// Groups that fire at once.
pub(super) const STORM: i64 = 10_000;
/// Rejections of each: the rules fire at three.
const REJECTIONS: usize = 3;
const SECOND_MS: i64 = 1_000;
/// Time between two settles.
const SETTLE_MS: i64 = 2 * SECOND_MS;
/// So much later no event is in any rollup.
const QUIET_MS: i64 = 30 * MINUTE_MS;
/// What is gathered goes out by then.
const TOGETHER_MS: i64 = 31_000;

/// How many groups.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many alerts, each on a metric of its own
    #[arg(long)]
    rules: usize,
    /// How many groups of each
    #[arg(long)]
    groups: usize,
    /// How many settles of each kind
    #[arg(long)]
    settles: usize,
}

/// What settling took; times are nanoseconds of CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    /// [`EVENTS`] of any rules and groups.
    pub(crate) anywhere_nanos: i64,
    /// [`EVENTS`] of one rule's groups.
    pub(crate) one_rule_nanos: i64,
    /// A settle in which nothing comes.
    pub(crate) nothing_nanos: i64,
    /// The settle in which [`STORM`] groups fire.
    pub(crate) storm_nanos: i64,
    /// Deciding whom to tell of that.
    pub(crate) tell_nanos: i64,
    /// How many groups fired.
    pub(crate) firing: i64,
    /// How many notifications that was, with what was gathered.
    pub(crate) notifications: i64,
    /// Memory that the groups took.
    pub(crate) resident_bytes: i64,
    /// The state as it is stored.
    pub(crate) state_bytes: i64,
    /// Writing it.
    pub(crate) encode_nanos: i64,
    /// Reading it.
    pub(crate) decode_nanos: i64,
}

/// Settles and prints the figures as JSON.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let settled = settled(options)?;
    serde_json::to_writer(out, &settled).context("writing to standard output failed")
}

/// A partition that settles as time goes by.
struct Crowd {
    settler: Settler,
    now_ms: i64,
    random: Random,
}

impl Crowd {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms)
    }

    fn delta(&mut self, places: impl Iterator<Item = (usize, usize)>) -> Delta {
        shop::delta(self.now_ms, &mut self.random, places)
    }

    /// Takes a delta and settles after so much time; gives the nanoseconds that it took.
    fn settle(
        &mut self,
        delta: Delta,
        after_ms: i64,
        decisions: &mut Decisions,
    ) -> anyhow::Result<i64> {
        self.now_ms += after_ms;
        let begin = now()?;
        self.settler.take(delta);
        while self.settler.settle(self.now(), decisions) == Progress::More {}
        Ok(now()? - begin)
    }
}

fn settled(&Options { rules, groups, settles }: &Options) -> anyhow::Result<Settled> {
    let files = vec![("rules.yaml".to_owned(), shop::rules(rules, groups)?)];
    let deployed = DeployedRules::of(files, &|_| None);
    let plan = deployed.compile(deployed.deployed().context("there are no rules")?)?;
    let before = peak_bytes()?;
    let settler = Settler::new(Arc::clone(&plan));
    let mut crowd = Crowd { settler, now_ms: START_MS, random: Random::new(1) };
    for rule in 0..rules {
        let all = crowd.delta((0..groups).map(|group| (rule, group)));
        crowd.settle(all, SECOND_MS, &mut Decisions::default())?;
    }
    let resident_bytes = peak_bytes()? - before;
    let [anywhere_nanos, one_rule_nanos, nothing_nanos] =
        ordinary(&mut crowd, (rules, groups), settles)?;
    let begin = now()?;
    let bytes = crowd.settler.encode();
    let encode_nanos = now()? - begin;
    let decode_begin = now()?;
    crowd.settler = Settler::decode(Arc::clone(&plan), |_| true, &bytes)?;
    let decode_nanos = now()? - decode_begin;
    ensure!(crowd.settler.encode() == bytes, "the state that was read is another one");
    let storm = storm(&mut crowd, &plan, deployed.render(), groups)?;
    Ok(Settled {
        anywhere_nanos,
        one_rule_nanos,
        nothing_nanos,
        resident_bytes,
        state_bytes: i64::try_from(bytes.len())?,
        encode_nanos,
        decode_nanos,
        ..storm
    })
}

/// Settles of events of any group, of one rule's groups, and of nothing, in turn: the shortest of each, since what else runs on the
/// machine only adds to it, and takes its caches.
fn ordinary(
    crowd: &mut Crowd,
    (rules, groups): (usize, usize),
    settles: usize,
) -> anyhow::Result<[i64; 3]> {
    let mut times: [Vec<i64>; 3] = Default::default();
    let [anywhere, one_rule, nothing] = &mut times;
    let mut random = Random::new(2);
    let mut below = |bound: usize| -> anyhow::Result<usize> {
        Ok(usize::try_from(random.below(i64::try_from(bound)?))?)
    };
    for _ in 0..settles {
        let told = &mut Decisions::default();
        let places = (0..EVENTS).map(|_| Ok((below(rules)?, below(groups)?)));
        let places = places.collect::<anyhow::Result<Vec<_>>>()?;
        let of_any = crowd.delta(places.iter().copied());
        anywhere.push(crowd.settle(of_any, SETTLE_MS, told)?);
        nothing.push(crowd.settle(Delta::default(), SETTLE_MS, told)?);
        let of_one = crowd.delta(places.iter().map(|&(_, group)| (0, group)));
        one_rule.push(crowd.settle(of_one, SETTLE_MS, told)?);
    }
    Ok(times.map(|times| times.into_iter().min().unwrap_or_default()))
}

/// Lets groups fire at once when nothing has fired for a while, and asks who is told.
fn storm(
    crowd: &mut Crowd,
    plan: &Arc<Plan>,
    render: &dyn Render,
    groups: usize,
) -> anyhow::Result<Settled> {
    crowd.settle(Delta::default(), QUIET_MS, &mut Decisions::default())?;
    let rejected = (0..usize::try_from(STORM)?).map(|place| (place / groups, place % groups));
    let delta = crowd.delta(rejected.flat_map(|place| [place; REJECTIONS]));
    let mut decisions = Decisions::default();
    let storm_nanos = crowd.settle(delta, 2 * SETTLE_MS, &mut decisions)?;
    let fired = decisions.transitions.iter().filter(|one| one.kind == TransitionKind::Firing);
    let firing: BTreeSet<_> = fired.map(|one| (one.alert, Arc::clone(&one.group))).collect();
    let mut notifier = Notifier::new(Arc::clone(plan));
    let mut moment = Moment {
        clock: Clock::Recorded(crowd.now()),
        evaluated_to: Some(crowd.now()),
        silences: &[],
        render,
    };
    let begin = now()?;
    let at_once = notifier.decide(plan, &decisions.transitions, &moment).notifications;
    let tell_nanos = now()? - begin;
    moment.clock = Clock::Recorded(crowd.now().plus(TOGETHER_MS));
    let gathered = notifier.decide(plan, &[], &moment).notifications;
    Ok(Settled {
        storm_nanos,
        tell_nanos,
        firing: i64::try_from(firing.len())?,
        notifications: i64::try_from(at_once.len() + gathered.len())?,
        ..Settled::default()
    })
}

/// The most memory that this process had at a time.
fn peak_bytes() -> anyhow::Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("asking what was used failed")?;
    Ok(usage.max_rss() * PEAK_UNIT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_settled_fires_and_is_stored() {
        let mut out = Vec::new();
        run(&Options { rules: 20, groups: 1_000, settles: 2 }, &mut out).unwrap();
        let settled: Settled = serde_json::from_slice(&out).unwrap();
        assert!(settled.anywhere_nanos > 0 && settled.one_rule_nanos > 0, "{settled:?}");
        // At once, and what is gathered after that.
        assert_eq!(settled.notifications, 2, "{settled:?}");
        assert_eq!(settled.firing, STORM);
        assert!(settled.state_bytes > 20 * 1_000, "{settled:?}");
    }
}
