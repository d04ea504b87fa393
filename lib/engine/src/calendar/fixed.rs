//! Window arithmetic on plain integers, to be checked by hand.
//!
//! The line of time is cut into pieces of one width, and one cut is at a known place. For windows under a
//! day that is a line of milliseconds, cut at the Unix epoch; for days and weeks it is a line of day numbers,
//! cut at 1970-01-01 or at the first day of the first whole week of 1970.
//!
//! ```text
//!   width 5, anchor 0     ... -10   -5     0     5    10 ...
//!   piece of 7 begins at 5;  of 5 at 5;  of 4 at 0;  of -1 at -5
//! ```

/// The days of a week.
const WEEK_DAYS: i64 = 7;
/// 1970-01-01 was a Thursday, counted from Monday as 0.
const EPOCH_WEEKDAY: i64 = 3;

/// Where the piece that holds `place` begins, with pieces of `width` (at least 1) and a cut at `anchor`.
///
/// `rem_euclid` and not `%`: before the anchor, `%` would round up, and the piece around it would be twice as wide.
pub(super) const fn piece_start(place: i64, anchor: i64, width: i64) -> i64 {
    let behind = place.saturating_sub(anchor).rem_euclid(if width < 1 { 1 } else { width });
    place.saturating_sub(behind)
}

/// Where the window of a length under a day begins: those are aligned to the Unix epoch.
pub(super) const fn window_start_ms(time_ms: i64, width_ms: i64) -> i64 {
    piece_start(time_ms, 0, width_ms)
}

/// The first day of 1970 that is this weekday (counted from Monday as 0), as a day number: 0 to 6.
pub(super) const fn first_weekday_of_1970(weekday: i64) -> i64 {
    (weekday - EPOCH_WEEKDAY).rem_euclid(WEEK_DAYS)
}

/// The first day of the group of `weeks` weeks that holds `day`, counted from the day number `anchor`.
pub(super) const fn weeks_start(day: i64, anchor: i64, weeks: i64) -> i64 {
    piece_start(day, anchor, weeks.saturating_mul(WEEK_DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_under_a_day() {
        fn check(time_ms: i64, width_ms: i64, expect: i64) {
            assert_eq!(
                window_start_ms(time_ms, width_ms),
                expect,
                "{time_ms} in windows of {width_ms}"
            );
        }
        check(0, 60_000, 0);
        check(59_999, 60_000, 0);
        check(60_000, 60_000, 60_000);
        check(60_001, 60_000, 60_000);
        check(-1, 60_000, -60_000);
        check(-60_000, 60_000, -60_000);
        check(-60_001, 60_000, -120_000);
        // A width that does not divide the day goes on over midnight.
        check(86_400_000, 7_000_000, 84_000_000);
        check(12_345, 1_000, 12_000);
    }

    #[test]
    fn groups_of_days_and_weeks() {
        assert_eq!(piece_start(7, 0, 5), 5);
        assert_eq!(piece_start(-1, 0, 5), -5);
        assert_eq!(piece_start(3, 4, 7), -3);
        assert_eq!(weeks_start(4, 4, 1), 4);
        assert_eq!(weeks_start(10, 4, 1), 4);
        assert_eq!(weeks_start(11, 4, 1), 11);
        assert_eq!(weeks_start(11, 4, 2), 4);
        assert_eq!(weeks_start(18, 4, 2), 18);
        assert_eq!(weeks_start(3, 4, 2), -10);
    }

    #[test]
    fn the_first_weekdays_of_1970() {
        // Thursday the 1st (day 0) to Wednesday the 7th (day 6).
        let days: Vec<i64> = (0..7).map(first_weekday_of_1970).collect();
        assert_eq!(days, [4, 5, 6, 0, 1, 2, 3], "Monday to Sunday");
    }

    #[test]
    fn the_ends_of_the_line_do_not_overflow() {
        assert_eq!(window_start_ms(i64::MIN, 60_000), i64::MIN);
        assert!(i64::MAX - window_start_ms(i64::MAX, 60_000) < 60_000);
        assert_eq!(window_start_ms(5, 0), 5);
    }

    proptest! {
        /// W1: the piece holds the place, and begins a whole number of widths from the anchor.
        #[test]
        fn a_piece_holds_its_place(place in -1_000_000_000_i64..1_000_000_000, anchor in -10_i64..10, width in 1_i64..1_000_000) {
            let start = piece_start(place, anchor, width);
            prop_assert!(start <= place && place < start + width);
            prop_assert_eq!((start - anchor) % width, 0);
        }
    }
}
