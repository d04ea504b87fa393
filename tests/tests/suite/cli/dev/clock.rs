//! A store keeps the clock that it was made with: by the other one it is not opened.

use super::served::{lines_at, until_ready};
use super::*;

/// All points that the page would be shown, once it has all that was settled.
fn points(dev: &mut Dev) -> Vec<String> {
    let address = dev.address();
    until_ready(&address);
    lines_at(&address, "/points")
}

#[test]
fn a_store_of_the_past_outlives_a_start_without_its_clock() {
    let sandbox = Sandbox::new("dev_clock");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--stdin --clock events --output json");
    let lines: String = (0..30).map(minute).chain([order(1_000_000)]).collect();
    dev.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    dev.out(&format!("\"window_start\":\"{}\"", START.plus(29 * 60_000)));
    assert_eq!(dev.stop().0, Some(0));
    let decided = decided_in(&sandbox);
    assert!(decided.iter().any(|line| line.contains("\"alert\"")), "{decided:?}");
    let mut again = Dev::start(&sandbox, "--clock events");
    let before = points(&mut again);
    assert_eq!(again.stop().0, Some(0));
    assert_eq!(before.len(), 30 * 2 + 6, "two countries each minute, and each five minutes");
    assert_snapshot!("dev_clock_of_events", sandbox.run(&typed("")));
    assert_eq!(decided_in(&sandbox), decided);
    let mut last = Dev::start(&sandbox, "--clock events");
    assert_eq!(points(&mut last), before);
    assert_eq!(last.stop().0, Some(0));
}

#[test]
fn a_store_of_the_machines_clock_takes_no_events_of_the_past() {
    let sandbox = Sandbox::new("dev_machine_clock");
    sandbox.file("rules.yaml", RULES);
    let mut dev = Dev::start(&sandbox, "--stdin");
    dev.error("it is new");
    dev.address();
    assert_eq!(dev.stop().0, Some(0));
    assert_snapshot!("dev_clock_of_the_machine", sandbox.run(&typed("--clock events")));
    let mut again = Dev::start(&sandbox, "--stdin");
    again.address();
    assert_eq!(again.stop().0, Some(0));
}
