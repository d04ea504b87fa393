//! The page of `dev` and of reports, in a browser: its own tests, which Node runs (`lib/dev/page/README.md`).

use super::cli::binary;
use super::source::root;
use std::fs::read_dir;
use std::path::PathBuf;
use std::process::Command;

#[test]
#[ignore = "needs Chromium and Node: cargo x page-tests"]
fn the_page_shows_what_the_command_prints() {
    let entries = read_dir(root().join("lib/dev/page/test")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let is_tests = |path: &PathBuf| path.to_string_lossy().ends_with(".test.mjs");
    let mut files: Vec<_> = files.filter(is_tests).collect();
    files.sort();
    assert!(files.len() > 1, "{files:?}");
    let status = Command::new("node")
        .arg("--test")
        .args(files)
        .env("STREAMGAUGE", binary())
        .status()
        .expect("Node 20 or later is installed");
    assert!(status.success(), "{status}: see what it printed above");
}
