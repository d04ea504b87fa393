//! What is held of too many series.

use super::*;

#[test]
fn of_too_many_series_those_with_the_newest_windows_are_held_also_where_all_are_of_one() {
    let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
    let check = |ends: &[i64], kept: &[usize]| {
        let held = |(number, end): (usize, &i64)| {
            let key = Arc::new(SeriesKey::new([number.to_string().as_str()]));
            (key, Held { total: Total::Count(1), end: at(*end), newest: None })
        };
        let mut all: BTreeMap<_, _> = ends.iter().enumerate().map(held).collect();
        forget(&mut all, 2);
        let left: Vec<_> = all.keys().flat_map(|key| key.values().map(str::to_owned)).collect();
        let kept: Vec<_> = kept.iter().map(ToString::to_string).collect();
        assert_eq!(left, kept, "{ends:?}");
    };
    check(&[7, 7, 7, 7], &[2, 3]);
    check(&[9, 7, 7, 8], &[0, 3]);
    check(&[1, 2], &[0, 1]);
}
