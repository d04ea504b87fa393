//! What the disk itself takes: so many bytes written and synced, one after the other, where the store will be.

use anyhow::Context;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

/// The file that is written in, again and again: a store writes over pages that it has freed, too.
const FILE_BYTES: u64 = 4 << 20;
/// How often it is synced.
const SYNCS: u64 = 300;

/// The microseconds of each write of so many bytes with its sync.
pub(super) fn sync_micros(folder: &Path, bytes: usize) -> anyhow::Result<Vec<i64>> {
    let path = folder.join("sync.bytes");
    let measured = measure(&path, bytes).context("writing and syncing a file failed");
    fs::remove_file(&path).context("removing the file that was synced failed")?;
    measured
}

fn measure(path: &Path, bytes: usize) -> anyhow::Result<Vec<i64>> {
    let file = File::create(path)?;
    file.write_all_at(&vec![1; usize::try_from(FILE_BYTES)?], 0)?;
    file.sync_all()?;
    let (written, length) = (vec![2; bytes], u64::try_from(bytes)?.max(1));
    let places = (FILE_BYTES / length).max(1);
    let sync = |number: u64| {
        let begun = Instant::now();
        file.write_all_at(&written, number % places * length)?;
        file.sync_data()?;
        Ok(i64::try_from(begun.elapsed().as_micros())?)
    };
    (0..SYNCS).map(sync).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sync_is_measured_and_nothing_is_left() {
        let folder = std::env::temp_dir().join(format!("streamgauge-sync-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(sync_micros(&folder, 8 << 10).unwrap().len(), 300);
        fs::remove_dir(&folder).expect("nothing is left in it");
    }
}
