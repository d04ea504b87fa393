//! What belongs to no command alone: help, versions, usage errors, outputs that fail.

use super::{Sandbox, answer};
use insta::assert_snapshot;
use std::fs::File;
use std::process::Stdio;

#[test]
fn help() {
    let sandbox = Sandbox::new("help");
    assert_snapshot!("help", sandbox.run("--help"));
    assert_snapshot!("help_replay", sandbox.run("replay --help"));
    assert_snapshot!("help_check", sandbox.run("check --help"));
    assert_snapshot!("help_test", sandbox.run("test --help"));
    assert_snapshot!("help_init", sandbox.run("init --help"));
}

#[test]
fn versions() {
    let sandbox = Sandbox::new("versions");
    let expect =
        format!("exit: 0\n----- stdout -----\nstreamgauge {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(sandbox.run("--version"), format!("$ streamgauge --version\n{expect}"));
    assert_eq!(sandbox.run("-V"), format!("$ streamgauge -V\n{expect}"));
}

#[test]
fn usage_errors() {
    let sandbox = Sandbox::new("usage_errors");
    assert_snapshot!("no_command", sandbox.run(""));
    assert_snapshot!("unknown_command", sandbox.run("repaly"));
    assert_snapshot!("missing_arguments", sandbox.run("replay events.ndjson"));
    assert_snapshot!(
        "unknown_form",
        sandbox.run("replay --rules r.yaml --output xml events.ndjson")
    );
    assert_snapshot!("no_threads", sandbox.run("replay --rules r.yaml --threads 0 events.ndjson"));
    assert_snapshot!(
        "no_time",
        sandbox.run("replay --rules r.yaml --until tomorrow events.ndjson")
    );
}

#[test]
fn completions_and_manual_pages() {
    let sandbox = Sandbox::new("completions_and_manual_pages");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(&format!("completions {shell}"));
        assert!(
            script.contains("exit: 0\n----- stdout -----\n") && script.contains("threads"),
            "{script}"
        );
        assert!(!script.contains("----- stderr -----"), "{script}");
    }
    let page = sandbox.run("man");
    assert!(page.contains("exit: 0\n") && page.contains(".TH streamgauge 1"), "{page}");
    assert_snapshot!("man_dir", sandbox.run("man --dir pages"));
    assert!(sandbox.read("pages/streamgauge-replay.1").contains("\\-\\-rules"));
    assert!(sandbox.read("pages/streamgauge.1").contains("streamgauge\\-replay(1)"));
}

#[test]
fn init_writes_an_example_that_works_and_overwrites_nothing() {
    let sandbox = Sandbox::new("init");
    assert_snapshot!("init", sandbox.run("init shop"));
    assert_snapshot!("init_again", sandbox.run("init shop"));
    assert_snapshot!(
        "init_check",
        sandbox.run("check shop/streamgauge.yaml --events shop/events/sample.ndjson")
    );
    assert_snapshot!("init_test", sandbox.run("test shop/scenarios/orders.yaml"));
    assert_snapshot!(
        "init_replay",
        sandbox.run("replay --rules shop/streamgauge.yaml shop/events/sample.ndjson")
    );
    sandbox.file("taken/events/sample.ndjson", "mine");
    assert_snapshot!("init_taken", sandbox.run("init taken"));
    assert_eq!(sandbox.read("taken/events/sample.ndjson"), "mine");
}

#[test]
fn a_full_disk_is_the_outside_world() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let sandbox = Sandbox::new("full_disk");
    sandbox.run("init .");
    sandbox.file("wrong.yaml", "late: sometimes\n");
    let full = |arguments: &str| {
        let disk = File::options().write(true).open("/dev/full").unwrap();
        let output = sandbox.command(arguments).stdin(Stdio::null()).stdout(disk).output().unwrap();
        answer(arguments, &output)
    };
    assert_snapshot!(
        "full_disk_json",
        full("replay --rules streamgauge.yaml --output json events/sample.ndjson")
    );
    assert_snapshot!(
        "full_disk_table",
        full("replay --rules streamgauge.yaml events/sample.ndjson")
    );
    assert_snapshot!("full_disk_check", full("check wrong.yaml --output json"));
    assert_snapshot!("full_disk_test", full("test scenarios/orders.yaml"));
    assert_snapshot!("full_disk_completions", full("completions bash"));
    sandbox.file("bad.ndjson", "no event\n");
    assert_snapshot!(
        "full_disk_rejects",
        sandbox.run("replay --rules streamgauge.yaml --rejects /dev/full bad.ndjson")
    );
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let sandbox = Sandbox::new("reader_gone");
    sandbox.run("init .");
    let arguments = "replay --rules streamgauge.yaml --output json events/sample.ndjson";
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = sandbox.command(arguments).stdin(Stdio::null()).stdout(writer).output().unwrap();
    assert_eq!(answer(arguments, &output), format!("$ streamgauge {arguments}\nexit: 0\n"));
}
