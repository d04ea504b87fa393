//! A day of 1,000 events a second through `streamgauge dev`: how much memory it takes, and how large its store becomes.
//!
//! The events are made on the fly and go into standard input as fast as they are taken; time passes by them (`--clock events`). So a day takes
//! minutes, and nothing has expired at its end that the store keeps by the machine's clock: what bounds it then are bytes.

use super::events::Shop;
use super::programs::Programs;
use super::table::{print, ratio};
use anyhow::{Context, bail};
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The shop has a hundred events a second.
const TIMES: i64 = 10;
/// So many events are half an hour.
const EVENTS: u64 = 1_800_000;
/// What file systems count in.
const BLOCK_BYTES: u64 = 512;

/// A rule of most kinds, on events that come up to 90 s late; 40 aggregators, 9 countries, an hour of identities, half an hour of journeys.
const RULES: &str = "version: 1
namespace: Benchmark
out_of_order: 90s
allowed_lateness: 0s
late: correct
deduplicate: 1h
metrics:
  orders: {count: type == 'order.created', dimensions: {aggregator: data.aggregator, country: data.country}, window: 1m}
  amounts: {sum: data.amount, where: type == 'order.created', dimensions: {aggregator: data.aggregator}, window: 1m}
  values: {distribution: data.amount, where: type == 'order.created', dimensions: {country: data.country}, window: 5m}
  rejection_rate:
    ratio: {part: type == 'order.rejected', whole: 'type in [\"order.created\", \"order.rejected\"]'}
    dimensions: {aggregator: data.aggregator}
    window: 5m
  abandonment:
    journey: {start: type == 'checkout.started', finish: type == 'checkout.completed', key: data.order_id, within: 30m}
    dimensions: {country: data.country}
    window: 5m
";

/// What was seen at a time.
#[derive(Debug)]
struct Sample {
    resident_kb: u64,
    peak_kb: u64,
    file_bytes: u64,
    disk_bytes: u64,
}

/// Lets so many hours pass.
pub(super) fn run(
    programs: &Programs,
    directory: &Path,
    hours: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (rules, store) = (directory.join("day.yaml"), directory.join("day.store"));
    fs::write(&rules, RULES).with_context(|| format!("writing {} failed", rules.display()))?;
    if store.exists() {
        fs::remove_file(&store).with_context(|| format!("removing {} failed", store.display()))?;
    }
    let mut dev = Command::new(&programs.streamgauge);
    dev.args(["dev", "--clock", "events", "--stdin", "--listen", "127.0.0.1:0", "--rules"]);
    dev.arg(&rules).arg("--store").arg(&store);
    let dev = dev.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut dev = dev.context("starting streamgauge dev failed")?;
    let start = Instant::now();
    let samples = feed(&mut dev, &store, 2 * hours);
    let elapsed = start.elapsed().as_secs();
    dev.kill().context("ending streamgauge dev failed")?;
    dev.wait().context("waiting for streamgauge dev failed")?;
    fs::remove_file(&store).with_context(|| format!("removing {} failed", store.display()))?;
    let samples = samples?;
    let events = EVENTS * u64::from(2 * hours);
    writeln!(
        out,
        "\n{hours} hours of 1,000 events a second through dev: {events} events in {elapsed} s"
    )?;
    let rows = samples
        .iter()
        .zip(1..)
        .map(|(sample, number)| row(sample, number))
        .collect::<Result<Vec<_>, _>>()?;
    print(
        out,
        &["hours", "resident, MB", "peak, MB", "file, MB", "of it on disk, MB", "bytes an event"],
        &rows,
    )?;
    Ok(())
}

/// Feeds it half hour by half hour, and looks at it after each.
fn feed(dev: &mut Child, store: &Path, half_hours: u32) -> anyhow::Result<Vec<Sample>> {
    let pipe = dev.stdin.take().context("streamgauge dev has no standard input")?;
    let mut pipe = BufWriter::with_capacity(1 << 18, pipe);
    let mut shop = Shop::busy(TIMES);
    let mut samples = Vec::new();
    for _ in 0..half_hours {
        shop.write(EVENTS, &mut pipe).context("streamgauge dev takes no more")?;
        pipe.flush().context("streamgauge dev takes no more")?;
        let file = fs::metadata(store).context("there is no store")?;
        let (file_bytes, disk_bytes) = (file.len(), file.blocks() * BLOCK_BYTES);
        let status = format!("/proc/{}/status", dev.id());
        let status = fs::read_to_string(status).context("reading the memory failed")?;
        let (resident_kb, peak_kb) = (field(&status, "VmRSS:")?, field(&status, "VmHWM:")?);
        samples.push(Sample { resident_kb, peak_kb, file_bytes, disk_bytes });
    }
    Ok(samples)
}

/// A figure in kB of a process's status.
fn field(status: &str, name: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let Some(figure) = line.and_then(|line| line.split_whitespace().next()) else {
        bail!("the kernel tells no {name}");
    };
    figure.parse().with_context(|| format!("{name} {figure} is no number"))
}

fn row(sample: &Sample, number: u32) -> anyhow::Result<Vec<String>> {
    let thousandths = |bytes: u64| -> anyhow::Result<i64> { Ok(i64::try_from(bytes / 1_000)?) };
    let events = i64::try_from(EVENTS * u64::from(number))?;
    Ok(vec![
        ratio(i64::from(number), 2, 1),
        ratio(thousandths(sample.resident_kb * 1_024)?, 1_000, 0),
        ratio(thousandths(sample.peak_kb * 1_024)?, 1_000, 0),
        ratio(thousandths(sample.file_bytes)?, 1_000, 0),
        ratio(thousandths(sample.disk_bytes)?, 1_000, 0),
        ratio(i64::try_from(sample.disk_bytes)?, events, 1),
    ])
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_figure_is_found_by_its_name() {
        let status = "VmPeak:\t  12 kB\nVmRSS:\t    7 kB\n";
        assert_eq!(field(status, "VmRSS:").unwrap(), 7);
        assert!(field(status, "VmHWM:").is_err());
    }
}
