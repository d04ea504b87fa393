//! `dev` killed by SIGKILL again and again while clients push, files are appended to and rotated, and rules change.
//!
//! A plan with one seed says when each kill comes: after so many pushes were acknowledged, in the middle of a request, after so many lines
//! of output, between opening the store and listening, at a rotation, at a change of the rules. The next process goes on with the
//! same store. In the end all is stopped cleanly, and what `GET /points` and `GET /alerts` say is held against `replay`.
//!
//! **Why the comparison is exact, though clients race.** With `--clock events` time passes by the events alone, so only the order in which they are
//! taken could show. Events come in rounds of one minute of event time; a round begins when all pushes of the one before are answered. Whichever
//! client is first, no event of a round is two minutes behind another that has come by then, and `out_of_order` is two minutes: none is overdue.
//! So metrics and alerts of them are compared line by line. Stragglers are too late whatever the order; with `late: correct` each is counted in
//! the final point or in a correction, depending on the order, and so all points of a window are added up before they are compared. The same
//! goes for the lines of the followed file, for which no round waits. All of it lies within what identities are remembered for.
//!
//! Where the machine's clock is that of `dev` too, less is known before, and nothing is followed: `clock` says what.
//!
//! 1. `plan`: when it is killed. 2. `load`: rounds of pushes, and who has answered; `events`: what they hold. 3. `client`: pushes one
//!    over HTTP. 4. `life`: one process after another. 5. `verdict`: what was decided against `replay`; `clock`: by the machine's clock.
//!
//! `STREAMGAUGE_CASES=200` kills so often, `STREAMGAUGE_SEED=7` by another plan; a failure names its seed.

mod client;
mod clock;
mod events;
mod life;
mod load;
mod plan;
mod verdict;

use super::super::Sandbox;
use super::{START, append};
use crate::suite::simulation::dice::Dice;
use life::Lives;
use load::{Load, Mode};
use std::sync::mpsc;
use std::thread;

/// How often each test kills, unless the environment says otherwise.
const KILLS: u64 = 12;
/// After so many kills the rules change, while the process runs or before the next one starts; and at some kills of the plan.
const RULES_EVERY: u64 = 5;
/// How many push at the same time.
const CLIENTS: usize = 4;
/// What the followed file is called.
const FOLLOWED: &str = "events.ndjson";

/// The rules. `changing` says which text of them counted an event; the rest is the same in both.
const RULES: &str = "\
version: 1
late: correct
out_of_order: 2m
allowed_lateness: 10s
deduplicate: DEDUPLICATE
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
  amounts: {distribution: data.amount, where: type == 'order', window: 5m}
  customers: {unique: data.customer, where: type == 'order', window: 10m}
  large: {ratio: {part: type == 'order' && data.amount > 80, whole: type == 'order'}, window: 2m}
  checkouts:
    journey: {start: type == 'started', finish: type == 'order', key: data.customer, within: 3m}
    dimensions: {country: data.country}
    window: 1m
  stragglers: {sum: data.amount, where: type == 'straggler', window: 5m}
  lines: {sum: data.amount, where: type == 'line', window: 1m}
  pushes: {count: type == 'order', dimensions: {push: data.push}, window: 1d, max_series: 100000}
  changing: {count: type == 'order', dimensions: {rules: \"'a'\"}, window: 1m}
  last: {count: type == 'last', window: 1m}
alerts:
  rush: {metric: orders, by: [country], when: sum over 2m >= 60, severity: critical, notify: [hook]}
  many: {metric: orders, by: [], when: sum over 1m >= 130, resolve: sum over 1m < 60, severity: warning, notify: [hook]}
channels:
  hook: {webhook: {url: 'http://127.0.0.1:9/'}}
";

/// The rules, in one of their two texts.
fn rules(mode: Mode, is_other: bool) -> String {
    let rules = match mode {
        Mode::Again => RULES.replace("DEDUPLICATE", "7d"),
        Mode::Once => RULES.replace("DEDUPLICATE", "off"),
        Mode::Clock => clock::RULES.to_owned(),
    };
    if is_other { rules.replace("'a'", "'b'") } else { rules }
}

/// Kills as often as the environment asks for.
fn check(name: &str, mode: Mode) {
    let number =
        |variable: &str| std::env::var(variable).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("STREAMGAUGE_CASES").unwrap_or(KILLS);
    let seed = number("STREAMGAUGE_SEED").unwrap_or(1);
    // Apart, so that the plan does not depend on how many rounds there are between two kills.
    let (plan, events) = (Dice::new(seed), Dice::new(!seed));
    let sandbox = Sandbox::new(name);
    sandbox.file("rules.yaml", rules(mode, false));
    let (signals, heard) = mpsc::channel();
    let load = Load::new(mode, events, &sandbox, signals.clone());
    let mut lives = Lives::new(&sandbox, &load, (signals, heard), plan);
    thread::scope(|scope| {
        // Whatever goes wrong, the clients end.
        let _over = load.over_at_the_end();
        (0..CLIENTS).for_each(|_| drop(scope.spawn(|| client::run(&load))));
        for kill in 1..=kills {
            let by = format!("STREAMGAUGE_SEED={seed}, kill {kill}");
            lives.live_and_die(scope, kill % RULES_EVERY == 0, &by);
        }
        lives.live_and_stop(scope);
    });
    let decided = lives.ask();
    verdict::check(&sandbox, &load, &decided);
}

#[test]
fn killed_while_clients_push_again_nothing_is_lost_and_nothing_counts_twice() {
    check("dev_killed_again", Mode::Again);
}

/// Nothing can be known again here, so what counts twice would show.
#[test]
fn killed_while_clients_push_once_all_that_was_acknowledged_counts_once() {
    check("dev_killed_once", Mode::Once);
}
