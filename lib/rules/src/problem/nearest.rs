//! "Did you mean": the nearest of the known names.

use crate::yaml::tree::shown;

/// The known name with the smallest edit distance to `name`, if it is near enough to be a slip.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lowered = name.to_lowercase();
    let length = lowered.chars().count();
    // A third of the letters may be wrong; a name of one or two letters must be a prefix or differ in one.
    let distance_max = (length / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= distance_max && *distance < length.max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint for a name that is not known: the nearest one, else all of them if they are few.
pub fn hint(name: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{}`?", shown(near)));
    }
    match known {
        [] => None,
        few if few.len() <= 12 => Some(format!("known here: {}", list(few))),
        _ => None,
    }
}

/// `a`, `b`, `c`: names in a sentence, each between backquotes.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{}`", shown(name))).collect::<Vec<_>>().join(", ")
}

/// The edit distance in which two neighbours that changed places count as one (optimal string alignment).
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    // Names are short, but nothing forces a user's: what is longer than this is no slip.
    if left.len() > 64 || right.len() > 64 {
        return usize::MAX;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &left_char) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &right_char) in right.iter().enumerate() {
            let at =
                |cells: &[usize], place: usize| cells.get(place).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, column) + usize::from(left_char != right_char);
            let mut best = replaced.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(&right_char)
                && right.get(column - 1) == Some(&left_char);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, known: &[&str], expect: Option<&str>) {
        assert_eq!(nearest(name, known.iter().copied()), expect, "{name}");
    }

    #[test]
    fn slips_are_recognised() {
        check("windw", &["window", "where", "unit"], Some("window"));
        check("dimenisons", &["dimensions", "distribution"], Some("dimensions"));
        check("Metric", &["metric"], Some("metric"));
        check("form", &["from"], Some("from"));
    }

    #[test]
    fn other_words_are_not() {
        check("colour", &["window", "where", "unit"], None);
        check("x", &["y"], Some("y"));
        check("x", &["window"], None);
    }

    #[test]
    fn a_few_names_are_listed() {
        assert_eq!(hint("zebra", &["sum", "count"]).as_deref(), Some("known here: `sum`, `count`"));
        assert_eq!(hint("zebra", &[]), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
