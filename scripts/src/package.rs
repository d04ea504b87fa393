//! `cargo x package`: the functions as zips for Lambda, for both of its processors, and how large they are.
//!
//! cargo-lambda builds them with zig as the linker, which needs nothing of the other processor on this machine but Rust's own
//! library for it (cargo-lambda asks rustup). Both are installed once, at one version, below cargo's target directory. That
//! everything links for a processor that nobody here runs is what this shows; a build takes many minutes the first time. With
//! `--check` it is a debug build of one function for arm64, which CI makes: see [`link`].

mod link;

use crate::bench::programs::FUNCTIONS;
use crate::bench::table::{print, ratio};
use crate::installed::{Wanted, run, virtual_environment};
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// What pip installs, each at one version.
const REQUIREMENTS: &str = "cargo-lambda==1.9.2\nziglang==0.17.1\n";

/// What to build.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only for this processor
    #[arg(long)]
    architecture: Option<Architecture>,
    /// Only these packages
    #[arg(long, value_name = "PACKAGE", default_values_t = FUNCTIONS.map(str::to_owned))]
    package: Vec<String>,
    /// Only show that a function links for arm64, and that Amazon Linux 2023 can run it: a debug build, no zip
    #[arg(long, conflicts_with_all = ["architecture", "package"])]
    check: bool,
    /// The Python that cargo-lambda is installed for
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
}

/// Lambda's processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Architecture {
    /// Graviton
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86,
}

impl Architecture {
    const ALL: [Self; 2] = [Self::Arm64, Self::X86];

    /// Its name in templates, which is also cargo-lambda's option.
    const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }

    /// The option of cargo-lambda.
    const fn option(self) -> &'static str {
        match self {
            Self::Arm64 => "--arm64",
            Self::X86 => "--x86-64",
        }
    }
}

/// Builds the zips and lists them. Each processor's take the place of the other's.
pub(crate) fn package(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let target = crate::target_directory()?;
    let wanted = Wanted {
        name: "cargo-lambda",
        pins: REQUIREMENTS.to_owned(),
        parts: &["python/bin/cargo-lambda"],
    };
    let installed = wanted.installed(&target.join("tools"), |directory| {
        writeln!(io::stderr(), "package: installing cargo-lambda and zig, once, with pip")?;
        virtual_environment(directory, &options.python, REQUIREMENTS, "")
    })?;
    let programs = installed.join("python/bin");
    if options.check {
        let mut build = Command::new(programs.join("cargo-lambda"));
        build.args(["lambda", "build", Architecture::Arm64.option(), "--package", link::FUNCTION]);
        run(build.env("PATH", path(&programs)?))?;
        return link::check(&target.join("lambda").join(link::FUNCTION).join("bootstrap"), out);
    }
    let mut rows = Vec::new();
    for architecture in Architecture::ALL {
        if options.architecture.is_some_and(|only| only != architecture) {
            continue;
        }
        let mut build = Command::new(programs.join("cargo-lambda"));
        build.args(["lambda", "build", "--release", architecture.option()]);
        build.args(["--output-format", "zip"]).env("PATH", path(&programs)?);
        build.args(options.package.iter().flat_map(|package| ["--package", package]));
        run(&mut build)?;
        for package in &options.package {
            let zip = target.join("lambda").join(package).join("bootstrap.zip");
            let bytes =
                fs::read(&zip).with_context(|| format!("{} is not there", zip.display()))?;
            let binary = unzipped_bytes(&bytes);
            let binary = binary.with_context(|| format!("{} is no zip", zip.display()))?;
            let megabytes = |size: i64| ratio(size, 1_000_000, 2);
            rows.push(vec![
                package.clone(),
                architecture.name().to_owned(),
                megabytes(i64::try_from(bytes.len())?),
                megabytes(binary.into()),
            ]);
        }
    }
    print(out, &["function", "processor", "zip MB", "binary MB"], &rows)?;
    Ok(())
}

/// The size of the first file in a zip, unpacked, as the zip's directory tells it
/// (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3.12 and 4.3.16): what is packed here is one binary.
fn unzipped_bytes(zip: &[u8]) -> Option<u32> {
    let end = zip.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")?;
    let number = |from: usize| -> Option<u32> {
        Some(u32::from_le_bytes(*zip.get(from..)?.first_chunk::<4>()?))
    };
    let directory = usize::try_from(number(end + 16)?).ok()?;
    zip.get(directory..)?.starts_with(b"PK\x01\x02").then(|| number(directory + 24))?
}

/// The path on which cargo-lambda finds its Python, and so zig, before any other.
fn path(programs: &Path) -> anyhow::Result<OsString> {
    let old = env::var_os("PATH").unwrap_or_default();
    let all = [programs.to_owned()].into_iter().chain(env::split_paths(&old));
    env::join_paths(all).context("the path of programs cannot be extended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_programs_come_first() {
        let path = path(Path::new("/tools/bin")).unwrap();
        assert_eq!(env::split_paths(&path).next().unwrap(), Path::new("/tools/bin"));
    }

    #[test]
    fn a_zip_tells_how_large_its_file_is() {
        // A local header, the directory with one entry (its size at 24), and the end with where the directory is.
        let mut zip = b"PK\x03\x04packed".to_vec();
        let directory = u32::try_from(zip.len()).unwrap();
        zip.extend(
            [b"PK\x01\x02".as_slice(), &[0; 20], &1_234_567_u32.to_le_bytes(), &[0; 18]].concat(),
        );
        zip.extend(
            [b"PK\x05\x06".as_slice(), &[0; 12], &directory.to_le_bytes(), &[0; 2]].concat(),
        );
        assert_eq!(unzipped_bytes(&zip), Some(1_234_567));
        assert_eq!(unzipped_bytes(&zip[1..]), None);
        assert_eq!(unzipped_bytes(b"no zip"), None);
    }

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        assert!(REQUIREMENTS.lines().all(|line| line.matches("==").count() == 1));
    }
}
