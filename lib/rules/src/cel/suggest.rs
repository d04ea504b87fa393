//! Did you mean …?

/// The name among `known` that is nearest to `name`, if one is near enough to be what was meant.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let mistakes_max = (name.chars().count() / 3).max(1);
    let typed = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(mistakes, _)| *mistakes <= mistakes_max)
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed or replaced to make one word the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            before = replaced.min(diagonal + 1).min(before + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances_count_mistakes() {
        for (left, right, expect) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("size", "size", 0),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(left, right), expect, "{left} {right}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["startsWith", "endsWith", "size", "has"];
        for (name, expect) in [
            ("startWith", Some("startsWith")),
            ("startswith", Some("startsWith")),
            ("siez", None),
            ("sizes", Some("size")),
            ("frobnicate", None),
        ] {
            assert_eq!(nearest(name, known), expect, "{name}");
        }
    }
}
