//! Numbers in sentences.

/// `1 point`, `2 points`; `series` is its own plural.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {}", plural(count, noun))
}

/// The noun as it goes with so many: `point`, `points`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 || noun.ends_with('s') { "" } else { "s" };
    format!("{noun}{ending}")
}

/// A number of things in memory, as the numbers of events and points are kept.
pub(crate) fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_have_their_plural() {
        let check = |count: u64, noun: &str, expect: &str| assert_eq!(counted(count, noun), expect);
        check(0, "point", "0 points");
        check(1, "point", "1 point");
        check(1, "series", "1 series");
        check(2, "series", "2 series");
    }
}
