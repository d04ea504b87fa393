//! A notification as a text message.
//!
//! Phones show the beginning, and every part is paid for: 160 characters of the GSM alphabet, or 70 if one is outside of
//! it. So a message says what happened and how bad it is; when and where to look are added if that makes no second part.

use crate::mail::{badge, line};
use streamgauge_engine::notification::Notification;

/// How many parts a message may have. SNS would take 1,600 characters, which is ten or more.
const PARTS_MAX: usize = 3;
/// What stands where something was cut off; the sign for it is not in the GSM alphabet.
const CUT: &str = "...";

/// The alphabet of GSM 03.38, and the letters of its second table, which count twice.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM_TWICE: &str = "^{}\\[~]|€";

/// The text: at most three parts.
pub fn text(notification: &Notification) -> String {
    let Notification { action, severity, summary, at, runbook, .. } = notification;
    let badge = badge(*action, *severity);
    let mut text = cut(&format!("{badge}: {}", line(summary, usize::MAX)));
    let runbook = runbook.as_ref().map(|link| line(link, usize::MAX));
    for extra in [Some(at.to_string()), runbook].into_iter().flatten() {
        let longer = format!("{text} {extra}");
        if parts(&longer) == 1 {
            text = longer;
        }
    }
    text
}

/// The text, or as much of it as [`PARTS_MAX`] parts hold.
fn cut(text: &str) -> String {
    if parts(text) <= PARTS_MAX {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(end, _)| end);
    let fits = |end: &usize| {
        text.get(..*end).is_some_and(|kept| parts(&format!("{kept}{CUT}")) <= PARTS_MAX)
    };
    // A longer beginning never needs fewer parts, so the last one that fits is found by halving.
    let ends: Vec<usize> = ends.collect();
    let place = ends.partition_point(fits);
    let end = place.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

/// How many parts a text is sent in: alone it has more room than with the header that joins parts.
fn parts(text: &str) -> usize {
    let septets = |char: char| match (GSM.contains(char), GSM_TWICE.contains(char)) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    };
    let (units, alone, joined) = match text.chars().map(septets).sum::<Option<usize>>() {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if units <= alone { 1 } else { units.div_ceil(joined) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::samples::{rejections, resolve};
    use proptest::prelude::*;

    fn with_summary(summary: &str) -> String {
        text(&Notification { summary: summary.to_owned(), ..rejections() })
    }

    #[test]
    fn one_part_says_what_when_and_where_to_look() {
        let message = "CRITICAL: noon rejected 3 orders in 10m 2026-01-05T10:09:50Z https://wiki.example/rejections?who=noon&since=10m";
        assert_eq!(text(&rejections()), message);
        assert!(text(&resolve()).starts_with("RESOLVED CRITICAL: noon rejects no orders any more"));
    }

    #[test]
    fn what_would_need_a_second_part_is_left_out() {
        let summary = "x".repeat(145);
        assert_eq!(with_summary(&summary), format!("CRITICAL: {summary}"));
        let arabic = "نون رفضت ٣ طلبات في ١٠ دقائق";
        assert_eq!(with_summary(arabic), format!("CRITICAL: {arabic} 2026-01-05T10:09:50Z"));
    }

    #[test]
    fn long_summaries_are_cut_at_three_parts() {
        let message = with_summary(&"x".repeat(2_000));
        assert_eq!(message.len(), 3 * 153);
        assert!(message.ends_with("xxx..."));
        let arabic = with_summary(&"ن".repeat(2_000));
        assert_eq!(arabic.chars().count(), 3 * 67);
        assert_eq!(
            with_summary(&"€".repeat(2_000)).chars().filter(|&char| char == '€').count(),
            (459 - 10 - 3) / 2
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_message_is_one_line_that_sns_takes(summary in any::<String>(), long in "[a-zé€ن😀\r\n]{0,2000}") {
            for given in [summary, long] {
                let message = with_summary(&given);
                prop_assert!(parts(&message) <= PARTS_MAX);
                prop_assert!(message.chars().count() <= 1_600);
                prop_assert!(!message.contains(['\r', '\n']));
                prop_assert!(message.starts_with("CRITICAL:"));
            }
        }
    }
}
