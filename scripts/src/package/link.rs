//! Whether a function that was linked for arm64 can run where Lambda runs it.
//!
//! One function stands for all: they link the same AWS SDK and the same C of its TLS, which is what can fail. A debug build takes a
//! few minutes, a release build of all five twenty.

use anyhow::{Context, bail};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The function that is linked.
pub(super) const FUNCTION: &str = "streamgauge-aggregate";

/// The number of `AArch64` in an ELF header (<https://www.sco.com/developers/gabi/latest/ch4.eheader.html>).
const AARCH64: u16 = 183;
/// Where an ELF header has it.
const MACHINE_AT: usize = 18;
/// The glibc of Amazon Linux 2023 (<https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html>).
const GLIBC: (u32, u32) = (2, 34);
/// How the versions of its symbols begin.
const PREFIX: &[u8] = b"GLIBC_";

/// Looks at a program.
pub(super) fn check(program: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let bytes = fs::read(program).with_context(|| format!("{} is not there", program.display()))?;
    let (major, minor) = wanted(&bytes).with_context(|| format!("{}", program.display()))?;
    writeln!(out, "{FUNCTION} links for arm64, and needs glibc {major}.{minor}")?;
    Ok(())
}

/// The glibc that a program for arm64 wants, which has to be there.
fn wanted(bytes: &[u8]) -> anyhow::Result<(u32, u32)> {
    let machine =
        bytes.strip_prefix(b"\x7fELF").and_then(|_| bytes.get(MACHINE_AT..)?.first_chunk());
    match machine.map(|machine| u16::from_le_bytes(*machine)) {
        Some(AARCH64) => {}
        Some(other) => bail!("it is for the processor {other}, not for arm64 ({AARCH64})"),
        None => bail!("it is no program for Linux"),
    }
    let places = bytes.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX);
    let versions = places.filter_map(|(place, _)| version(bytes.get(place + PREFIX.len()..)?));
    let newest = versions.max().context("it wants no glibc: it was not linked as expected")?;
    let (major, minor) = newest;
    if newest > GLIBC {
        bail!("it wants glibc {major}.{minor}, and Lambda has {}.{}", GLIBC.0, GLIBC.1);
    }
    Ok(newest)
}

/// `2.17`, and perhaps a third number, up to the end of a string.
fn version(text: &[u8]) -> Option<(u32, u32)> {
    let end = text.iter().position(|&byte| byte == 0)?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let mut numbers = text.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(machine: u16, symbols: &[&str]) -> Vec<u8> {
        let mut bytes = b"\x7fELF".to_vec();
        bytes.resize(MACHINE_AT, 0);
        bytes.extend(machine.to_le_bytes());
        bytes.extend(symbols.iter().flat_map(|symbol| [symbol.as_bytes(), b"\0"]).flatten());
        bytes
    }

    #[track_caller]
    fn check_refused(bytes: &[u8], why: &str) {
        let error = wanted(bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn the_newest_symbol_counts() {
        let symbols = ["GLIBC_2.17", "GLIBC_2.30", "GLIBC_2.4", "GLIBC_2.2.5", "GLIBC_PRIVATE"];
        assert_eq!(wanted(&program(AARCH64, &symbols)).unwrap(), (2, 30));
    }

    #[test]
    fn what_lambda_cannot_run_is_refused() {
        check_refused(&program(62, &["GLIBC_2.17"]), "processor 62");
        check_refused(&program(AARCH64, &["GLIBC_2.38"]), "glibc 2.38");
        check_refused(&program(AARCH64, &[]), "no glibc");
        check_refused(b"#!/bin/sh", "no program");
    }
}
