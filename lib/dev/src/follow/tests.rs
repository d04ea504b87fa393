//! What is read of files that others change.

use super::*;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// A folder that is gone with this.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("streamgauge-follow-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("e.ndjson")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn follower(&self, from: Option<Mark>) -> Follower {
        Follower::new(self.path(), from, Teller::new(|_| {}))
    }

    fn rename(&self, ending: &str) {
        fs::rename(self.path(), self.0.join(format!("e.ndjson{ending}"))).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The lines that are there now, and the mark behind them.
fn lines(follower: &mut Follower) -> (Vec<String>, Option<Mark>) {
    let (mut lines, mut mark) = (Vec::new(), None);
    while let Some((cut, Followed { file, end, .. })) = follower.next().unwrap() {
        let line = |span| String::from_utf8_lossy(&cut.text[span]).into_owned();
        lines.extend(cut.records.into_iter().map(line));
        mark = Some(Mark { file, offset: end });
    }
    (lines, mark)
}

#[track_caller]
fn check(follower: &mut Follower, expect: &[&str]) {
    assert_eq!(lines(follower).0, expect);
}

#[test]
fn lines_come_when_they_are_whole() {
    let place = Place::new();
    let mut follower = place.follower(None);
    check(&mut follower, &[]);
    place.write("a\nb");
    check(&mut follower, &["a"]);
    check(&mut follower, &[]);
    place.write("a\nbc\n\nd\n");
    check(&mut follower, &["bc", "d"]);
}

/// Looks, after the look that found the file with another name, as often as it may be left after.
#[track_caller]
fn check_quiet(follower: &mut Follower) {
    for _ in 1..QUIET_LOOKS {
        check(follower, &[]);
    }
}

#[test]
fn a_file_that_is_renamed_is_read_to_its_end_and_then_the_next_one() {
    let place = Place::new();
    place.write("a\n");
    let mut follower = place.follower(None);
    check(&mut follower, &["a"]);
    place.rename(".1");
    check(&mut follower, &[]);
    fs::write(place.0.join("e.ndjson.1"), "a\nb\nlast").unwrap();
    check(&mut follower, &["b"]);
    place.write("c\n");
    check_quiet(&mut follower);
    check(&mut follower, &["last", "c"]);
}

#[test]
fn who_writes_a_renamed_file_may_do_so_until_it_was_quiet_for_some_time() {
    let place = Place::new();
    place.write("a\n");
    let mut follower = place.follower(None);
    check(&mut follower, &["a"]);
    place.rename(".1");
    place.write("");
    check_quiet(&mut follower);
    fs::write(place.0.join("e.ndjson.1"), "a\nb\n").unwrap();
    check(&mut follower, &["b"]);
    // Another one comes between them.
    fs::write(place.0.join("e.ndjson.1"), "a\nb\nbb\n").unwrap();
    place.write("c\n");
    place.rename(".2");
    place.write("d\n");
    check(&mut follower, &["bb"]);
    check_quiet(&mut follower);
    check(&mut follower, &["c"]);
}

#[test]
fn renamed_files_that_were_left_long_ago_are_not_waited_for() {
    let place = Place::new();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let write = |name: &str, text: &str, after: Duration| {
        let path = place.0.join(name);
        fs::write(&path, text).unwrap();
        File::options().append(true).open(path).unwrap().set_modified(long_ago + after).unwrap();
    };
    write("e.ndjson", "a\n", Duration::ZERO);
    let mut follower = place.follower(None);
    check(&mut follower, &["a"]);
    place.rename(".2");
    write("e.ndjson.1", "b\n", LOOK_EVERY);
    write("e.ndjson", "c\n", LOOK_EVERY + QUIET);
    check(&mut follower, &["b", "c"]);
}

#[test]
fn a_file_that_is_emptied_is_read_from_its_beginning() {
    let place = Place::new();
    place.write("first\nsecond\n");
    let mut follower = place.follower(None);
    check(&mut follower, &["first", "second"]);
    place.write("a\n");
    check(&mut follower, &["a"]);
    place.write("bb\ncc\n");
    check(&mut follower, &["bb", "cc"]);
}

#[test]
fn a_mark_is_found_again_under_any_name() {
    let place = Place::new();
    place.write("a\nb\n");
    let (_, mark) = lines(&mut place.follower(None));
    place.write("a\nb\nc\n");
    check(&mut place.follower(mark), &["c"]);
    place.rename(".1");
    fs::write(place.0.join("e.ndjson.store"), "a\nb\nno\n").unwrap();
    place.write("d\n");
    let mut follower = place.follower(mark);
    check(&mut follower, &["c"]);
    check_quiet(&mut follower);
    check(&mut follower, &["d"]);
    fs::remove_file(place.0.join("e.ndjson.1")).unwrap();
    check(&mut place.follower(mark), &["d"]);
}

#[test]
fn there_is_more_until_all_was_read() {
    let place = Place::new();
    let mut follower = place.follower(None);
    let seen = follower.seen();
    let has_more = || seen.has_more(&place.path());
    assert!(has_more());
    check(&mut follower, &[]);
    assert!(!has_more());
    place.write("a\nb");
    assert!(has_more());
    assert!(follower.next().unwrap().is_some());
    assert!(has_more());
    check(&mut follower, &[]);
    assert!(!has_more(), "a line without its end waits");
    place.rename(".1");
    place.write("c\n");
    assert!(has_more());
    check(&mut follower, &[]);
    check_quiet(&mut follower);
    assert!(has_more());
    check(&mut follower, &["b", "c"]);
    assert!(!has_more());
}

/// Whatever is at a place cannot be opened: a link to itself. So also for whoever may read everything.
#[cfg(unix)]
fn block(path: &Path) {
    std::os::unix::fs::symlink(path, path).unwrap();
}

#[cfg(unix)]
#[test]
fn a_mark_is_kept_while_its_file_cannot_be_read() {
    let place = Place::new();
    place.write("a\nb\n");
    let (_, mark) = lines(&mut place.follower(None));
    fs::rename(place.path(), place.0.join("away")).unwrap();
    block(&place.path());
    let mut follower = place.follower(mark);
    let seen = follower.seen();
    assert!(follower.next().is_err());
    assert!(seen.has_more(&place.path()), "nobody knows");
    fs::remove_file(place.path()).unwrap();
    check(&mut follower, &[]);
    // As whoever puts it back may make it first.
    place.write("");
    check(&mut follower, &[]);
    place.write("a\nb\nc\n");
    check(&mut follower, &["c"]);
}

#[cfg(unix)]
#[test]
fn a_renamed_file_that_cannot_be_read_is_not_passed_over() {
    let place = Place::new();
    place.write("a\n");
    let next = place.0.join("e.ndjson.1");
    block(&next);
    let mut follower = place.follower(None);
    follower.next = Some(next.clone());
    let error = follower.next().unwrap_err().to_string();
    assert!(error.contains("e.ndjson.1`: "), "{error}");
    fs::remove_file(&next).unwrap();
    fs::write(&next, "b\n").unwrap();
    assert!(follower.next().unwrap().is_some_and(|(cut, _)| &cut.text[..] == b"b\n"));
}

/// Appends to a file that has a name.
fn append(path: &Path, text: &str) {
    use std::io::Write;
    File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_line_that_comes_after_the_last_read_is_more() {
    let place = Place::new();
    place.write("a\n");
    let mut follower = place.follower(None);
    let seen = follower.seen();
    check(&mut follower, &["a"]);
    // As between the read that found nothing and what is noted of that.
    append(&place.path(), "b\n");
    assert!(follower.end().is_ok());
    assert!(seen.has_more(&place.path()));
    check(&mut follower, &["b"]);
    assert!(!seen.has_more(&place.path()));
}

#[test]
fn a_line_that_comes_to_a_renamed_file_is_more() {
    let place = Place::new();
    place.write("a\n");
    let mut follower = place.follower(None);
    let seen = follower.seen();
    check(&mut follower, &["a"]);
    let old = place.0.join("e.ndjson.1");
    place.rename(".1");
    check(&mut follower, &[]);
    assert!(!seen.has_more(&place.path()));
    append(&old, "b\n");
    assert!(seen.has_more(&place.path()));
    check(&mut follower, &["b"]);
    // The name is there again, and whoever writes has not opened it yet.
    place.write("");
    assert!(seen.has_more(&place.path()));
    check(&mut follower, &[]);
    assert!(!seen.has_more(&place.path()));
    append(&old, "c\n");
    assert!(seen.has_more(&place.path()));
    check(&mut follower, &["c"]);
    append(&place.path(), "d\n");
    assert!(seen.has_more(&place.path()), "it is read when the old one was quiet");
}
