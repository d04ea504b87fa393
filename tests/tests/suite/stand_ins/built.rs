//! The product's programs, built from the sources as they are: what people run and deploy, not parts of this test binary.

use crate::suite::source::root;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// All that is built, in one go: the AWS SDK is compiled once for all of it.
const PACKAGES: [&str; 6] = [
    "streamgauge",
    "streamgauge-aggregate",
    "streamgauge-settle",
    "streamgauge-deliver",
    "streamgauge-filter",
    "streamgauge-announce",
];

/// One of the programs.
pub(super) fn binary(name: &str) -> PathBuf {
    folder().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // target/debug/deps/suite-0123456789abcdef
        let profile = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_path_buf();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--features", "streamgauge/aws"]);
        cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
        cargo.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.current_dir(root()).status().unwrap().success(), "cargo builds the programs");
        profile
    })
}
