//! Alerts: what their evaluation costs per event, what groups take that nothing comes for, and what the fold of batches pays for them.
//!
//! 1,000 rules look at 1,000 metrics with 1,000 groups each: a million groups, all of which are known. A worker of its own ([`crowd`])
//! settles events of any of them, events of one rule's groups, and nothing; lets 10,000 groups fire at once and asks who is told;
//! and stores the state. It does the same with a tenth of the groups: what a group costs that is not touched would show there.
//!
//! What batches cost is taken by the worker of the [`functions`](super::functions), without alerts and with them.

pub(crate) mod crowd;
mod shop;

use super::functions::alerted;
use super::programs::Programs;
use super::rounds::median;
use super::table::{print, print_goal, ratio};
use anyhow::{Context, bail};
use crowd::Settled;
use std::io::Write;
use std::process::Command;

const RULES: i64 = 1_000;
/// Groups of each rule.
const GROUPS: [i64; 2] = [100, 1_000];
/// Settles of each kind.
const SETTLES: usize = 30;
const GOAL_EVENT_NANOS: i64 = 1_000;
const GOAL_NOTIFICATIONS: i64 = 2;

/// Measures alerts.
pub(super) fn run(programs: &Programs, rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    let mut all: Vec<Vec<Settled>> = vec![Vec::new(); GROUPS.len()];
    for _ in 0..rounds {
        for (groups, measured) in GROUPS.iter().zip(&mut all) {
            measured.push(settle(programs, *groups)?);
        }
    }
    let settled: Vec<Settled> = all.iter().map(|measured| median_of(measured)).collect();
    settles(&settled, rounds, out)?;
    storms(&settled, out)?;
    states(&settled, out)?;
    alerted::run(programs, rounds, out)
}

/// Has a worker settle.
fn settle(programs: &Programs, groups: i64) -> anyhow::Result<Settled> {
    let mut worker = Command::new(&programs.scripts);
    worker.args(["settle", "--rules", &RULES.to_string(), "--groups", &groups.to_string()]);
    worker.args(["--settles", &SETTLES.to_string()]);
    let ended = worker.output().context("starting the worker failed")?;
    if !ended.status.success() {
        bail!("settling failed\n{}", String::from_utf8_lossy(&ended.stderr));
    }
    serde_json::from_slice(&ended.stdout).context("reading the figures failed")
}

/// The median of each figure by itself.
fn median_of(measured: &[Settled]) -> Settled {
    let each = |figure: fn(&Settled) -> i64| median(measured.iter().map(figure).collect());
    Settled {
        anywhere_nanos: each(|one| one.anywhere_nanos),
        one_rule_nanos: each(|one| one.one_rule_nanos),
        nothing_nanos: each(|one| one.nothing_nanos),
        storm_nanos: each(|one| one.storm_nanos),
        tell_nanos: each(|one| one.tell_nanos),
        firing: each(|one| one.firing),
        notifications: each(|one| one.notifications),
        resident_bytes: each(|one| one.resident_bytes),
        state_bytes: each(|one| one.state_bytes),
        encode_nanos: each(|one| one.encode_nanos),
        decode_nanos: each(|one| one.decode_nanos),
    }
}

fn name(groups: i64) -> String {
    format!("{RULES} rules x {groups} groups")
}

fn settles(settled: &[Settled], rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    let events = crowd::EVENTS;
    writeln!(
        out,
        "\nAlerts, settles of {events} events, CPU: the shortest of {SETTLES} settles, medians of {rounds} rounds"
    )?;
    let per_event = |nanos| ratio(nanos, 1_000 * events, 2);
    let rows = GROUPS.iter().zip(settled).map(|(groups, one)| {
        vec![
            name(*groups),
            per_event(one.anywhere_nanos),
            per_event(one.one_rule_nanos),
            ratio(one.anywhere_nanos, one.one_rule_nanos, 2),
            ratio(one.anywhere_nanos, 1_000_000, 1),
            ratio(one.nothing_nanos, 1_000, 1),
        ]
    });
    let header = [
        "state",
        "us/event of any group",
        "us/event of one rule",
        "ratio",
        "ms/settle",
        "us/settle when nothing comes",
    ];
    print(out, &header, &rows.collect::<Vec<_>>())?;
    let [few, many] = settled else { bail!("two states are measured") };
    let figures = [many.anywhere_nanos, many.one_rule_nanos].map(per_event);
    let slowest = many.anywhere_nanos.max(many.one_rule_nanos);
    let goal = "at most 1 us of CPU per event that touches one alert";
    print_goal(out, goal, slowest <= GOAL_EVENT_NANOS * events, &figures.join(" and "))?;
    // Ten times the groups: even a ten-thousandth of what an event costs would show.
    let more_groups = RULES * (GROUPS[1] - GROUPS[0]);
    let each = (many.nothing_nanos - few.nothing_nanos).max(0) * 1_000 / more_groups;
    let met = each * 10_000 <= many.anywhere_nanos * 1_000 / events;
    let nothing =
        "nothing for groups that did not change, to a ten-thousandth of what an event costs";
    print_goal(out, nothing, met, &format!("{} ns each", ratio(each, 1_000, 3)))?;
    Ok(())
}

fn storms(settled: &[Settled], out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\nAlerts, {} groups fire at once: ms of CPU", crowd::STORM)?;
    let rows = GROUPS.iter().zip(settled).map(|(groups, one)| {
        vec![
            name(*groups),
            one.firing.to_string(),
            ratio(one.storm_nanos, 1_000_000, 1),
            ratio(one.tell_nanos, 1_000_000, 1),
            one.notifications.to_string(),
        ]
    });
    let header = ["state", "groups that fire", "settle", "whom to tell", "notifications"];
    print(out, &header, &rows.collect::<Vec<_>>())?;
    let most = settled.iter().map(|one| one.notifications).max().unwrap_or(0);
    let goal = "to each channel two notifications, at once and after `together`";
    print_goal(out, goal, most <= GOAL_NOTIFICATIONS, &format!("{most} to the one channel"))?;
    Ok(())
}

fn states(settled: &[Settled], out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\nAlerts, the state of a settle partition")?;
    let rows = GROUPS.iter().zip(settled).map(|(groups, one)| {
        let all = RULES * groups;
        vec![
            name(*groups),
            ratio(one.resident_bytes, 1_000_000, 1),
            ratio(one.resident_bytes, all, 0),
            ratio(one.state_bytes, 1_000_000, 1),
            ratio(one.state_bytes, all, 0),
            ratio(one.encode_nanos, 1_000_000, 0),
            ratio(one.decode_nanos, 1_000_000, 0),
        ]
    });
    let header =
        ["state", "memory MB", "bytes/group", "stored MB", "bytes/group", "encode ms", "decode ms"];
    print(out, &header, &rows.collect::<Vec<_>>())?;
    Ok(())
}
