//! Which series get names, by the day.

use super::*;

fn key(name: &str) -> Arc<SeriesKey> {
    Arc::new(SeriesKey::new([name]))
}

/// The names that series get when they close together, sorted.
fn named(names: &mut Names, day: i64, series: &[&str]) -> Vec<String> {
    let parted = names.part(day, series.iter().map(|&name| (key(name), ())).collect());
    let mut named: Vec<_> =
        parted.named.iter().map(|(key, ())| key.values().collect::<String>()).collect();
    named.sort();
    assert_eq!(named.len() + parted.folded.len(), series.len());
    named
}

/// The `count` smallest of these by hash, sorted.
fn smallest(series: &[&str], count: usize) -> Vec<String> {
    let mut keys: Vec<_> = series.iter().map(|&name| key(name)).collect();
    keys.sort_by(by_hash);
    let mut names: Vec<_> =
        keys.iter().take(count).map(|key| key.values().collect::<String>()).collect();
    names.sort();
    names
}

#[test]
fn up_to_the_cap_all_have_names() {
    assert_eq!(named(&mut Names::new(3), 0, &["a", "b", "c"]), ["a", "b", "c"]);
}

#[test]
fn over_the_cap_the_smallest_hashes_have_names_whatever_the_order() {
    let expected = smallest(&["a", "b", "c", "d"], 2);
    assert_eq!(named(&mut Names::new(2), 0, &["a", "b", "c", "d"]), expected);
    assert_eq!(named(&mut Names::new(2), 0, &["d", "c", "b", "a"]), expected);
}

#[test]
fn who_has_a_name_keeps_it_that_day_and_only_that_day() {
    let mut names = Names::new(1);
    let largest = smallest(&["a", "b"], 2)
        .into_iter()
        .find(|name| *name != smallest(&["a", "b"], 1)[0])
        .unwrap();
    assert_eq!(named(&mut names, 7, &[&largest]), *std::slice::from_ref(&largest));
    assert_eq!(named(&mut names, 7, &["a", "b"]), [largest]);
    assert_eq!(named(&mut names, 8, &["a", "b"]), smallest(&["a", "b"], 1));
}

#[test]
fn a_single_name_is_given_while_there_is_room() {
    let mut names = Names::new(1);
    assert!(names.name(0, &key("a")));
    assert!(names.name(0, &key("a")), "it has it already");
    assert!(!names.name(0, &key("b")));
    names.forget_before(1);
    assert!(!names.name(0, &key("b")), "no names are given on a forgotten day");
    assert!(names.name(1, &key("b")));
}
