//! What people read in tables: rounded numbers, names of windows.

use super::*;

#[test]
fn numbers_are_rounded_for_people_only_if_they_are_quotients() {
    let check = |value: f64, expect: &str| assert_eq!(rounded(Number::Double(value)), expect);
    check(0.0, "0");
    check(1.0, "1");
    check(3.0 / 17.0, "0.1765");
    check(0.25, "0.25");
    check(123.0, "123");
    check(-1.0 / 3.0, "-0.3333");
    check(0.000_012_5, "0.0000125");
    assert_eq!(rounded(Number::Whole(1000)), "1000");
}

#[test]
fn windows_are_named_as_people_say_them() {
    let check = |length: Window, expect: &str| assert_eq!(window(length), expect);
    check(Window::Fixed(300_000), "5m");
    check(Window::Days(1), "day");
    check(Window::Days(3), "3 days");
    check(Window::Weeks(1), "week");
    check(Window::Weeks(2), "2 weeks");
}
