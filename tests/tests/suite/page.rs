//! The page of `dev` and of reports, in a browser: its own tests, which Node runs (`lib/dev/page/README.md`).

use super::cli::binary;
use super::source::root;
use std::process::Command;

#[test]
#[ignore = "needs Chromium and Node: cargo x page-tests"]
fn the_page_shows_what_the_command_prints() {
    let folder = root().join("lib/dev/page/test");
    let files = ["sources", "report", "unkind-report", "live", "unkind"]
        .map(|name| folder.join(name).with_extension("test.mjs"));
    let status = Command::new("node")
        .arg("--test")
        .args(files)
        .env("STREAMGAUGE", binary())
        .status()
        .expect("Node 20 or later is installed");
    assert!(status.success(), "{status}: see what it printed above");
}
