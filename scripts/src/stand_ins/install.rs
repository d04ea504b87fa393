//! Installs the stand-ins below cargo's target directory, once: ministack into a virtual environment of Python, kinesis-local
//! with npm. After that they start without the network.

use crate::installed::{Version, Wanted, at_least, output, run, virtual_environment, write};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What pip is asked for, each at one version.
const REQUIREMENTS: &str = include_str!("../../stand-ins/requirements.txt");
/// The versions of what these need.
const CONSTRAINTS: &str = include_str!("../../stand-ins/constraints.txt");
/// What npm is asked for.
const PACKAGE: &str = include_str!("../../stand-ins/package.json");
/// Its version and the hash of its content.
const PACKAGE_LOCK: &str = include_str!("../../stand-ins/package-lock.json");

/// The oldest Node that kinesis-local was seen on.
const NODE_MIN: Version = (20, 0);

/// Programs that are looked for on the path.
#[derive(Debug, clap::Args)]
pub(crate) struct Programs {
    /// The Python that ministack is installed for
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
    /// The Node that runs kinesis-local
    #[arg(long, default_value = "node", value_name = "PROGRAM")]
    node: String,
    /// What installs kinesis-local
    #[arg(long, default_value = "npm", value_name = "PROGRAM")]
    npm: String,
}

impl Default for Programs {
    fn default() -> Self {
        let [python, node, npm] = ["python3", "node", "npm"].map(str::to_owned);
        Self { python, node, npm }
    }
}

/// Where the stand-ins are.
#[derive(Debug)]
pub(super) struct Installed {
    /// The Python with ministack.
    pub(super) python: PathBuf,
    /// Node.
    pub(super) node: PathBuf,
    /// The directory of kinesis-local's package.
    pub(super) kinesis_local: PathBuf,
}

/// The installation below `tools`, made if it is not there.
pub(super) fn install(tools: &Path, programs: &Programs) -> anyhow::Result<Installed> {
    node(programs)?;
    let pins = [REQUIREMENTS, CONSTRAINTS, PACKAGE, PACKAGE_LOCK].concat();
    let parts = ["python/bin/python", "node_modules/kinesis-local/main.js"];
    let wanted = Wanted { name: "stand-ins", pins, parts: &parts };
    let directory = wanted.installed(tools, |new| {
        super::note("installing, once: ministack with pip, kinesis-local with npm")?;
        virtual_environment(new, &programs.python, REQUIREMENTS, CONSTRAINTS)?;
        kinesis_local(new, programs)
    })?;
    Ok(Installed {
        python: directory.join("python/bin/python"),
        node: PathBuf::from(&programs.node),
        kinesis_local: directory.join("node_modules/kinesis-local"),
    })
}

fn kinesis_local(directory: &Path, programs: &Programs) -> anyhow::Result<()> {
    write(directory, "package.json", PACKAGE)?;
    write(directory, "package-lock.json", PACKAGE_LOCK)?;
    let mut npm = Command::new(&programs.npm);
    npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(npm.current_dir(directory)).with_context(|| {
        format!(
            "`{}` cannot install kinesis-local; install Node's npm, or name another with --npm",
            programs.npm
        )
    })
}

/// Looks for Node, which is needed at each start.
fn node(programs: &Programs) -> anyhow::Result<()> {
    let node = &programs.node;
    let found = output(Command::new(node).arg("--version")).with_context(|| {
        format!("`{node}` cannot be used; install Node 20 or newer, or name another with --node")
    })?;
    at_least(node, &found, NODE_MIN)
}

#[cfg(test)]
mod tests {
    use super::{CONSTRAINTS, REQUIREMENTS};

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        for line in REQUIREMENTS.lines().chain(CONSTRAINTS.lines()) {
            assert_eq!(line.matches("==").count(), 1, "{line}");
        }
    }
}
