//! The name that somebody meant who wrote another one.

/// The name that is most like `wanted`, in whole or in its last part: `Dubai` and `Asia/Dubay` both mean `Asia/Dubai`.
/// `None` if more than a third of the letters differ from every name.
pub(super) fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = wanted.to_ascii_lowercase();
    let wanted_place = last_part(&wanted);
    names
        .map(|name| {
            let known = name.to_ascii_lowercase();
            let distance = edits(&wanted, &known).min(edits(wanted_place, last_part(&known)));
            (distance, name)
        })
        .min()
        .filter(|(distance, _)| distance * 3 <= wanted_place.len())
        .map(|(_, name)| name)
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The Levenshtein distance: how many bytes must be put in, taken out or replaced.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (place, byte) in from.bytes().enumerate() {
        let mut diagonal = place;
        let mut left = place + 1;
        for (other, cell) in to.bytes().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = place + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        fn check(from: &str, to: &str, expect: usize) {
            assert_eq!(edits(from, to), expect, "{from} to {to}");
            assert_eq!(edits(to, from), expect, "{to} to {from}");
        }
        check("", "", 0);
        check("", "abc", 3);
        check("kitten", "sitting", 3);
        check("dubai", "dubay", 1);
        check("dubai", "duba", 1);
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        fn check(wanted: &str, expect: Option<&str>) {
            let names = ["Africa/Cairo", "America/New_York", "Asia/Dubai", "Europe/Berlin"];
            assert_eq!(nearest(wanted, names.into_iter()), expect, "{wanted}");
        }
        check("Asia/Dubay", Some("Asia/Dubai"));
        check("Dubai", Some("Asia/Dubai"));
        check("Europe/New_York", Some("America/New_York"));
        check("europe/berlinn", Some("Europe/Berlin"));
        check("Dubxx", None);
        check("nowhere", None);
        check("", None);
    }
}
