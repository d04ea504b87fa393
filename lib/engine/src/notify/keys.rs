//! The names of incidents and notifications: stable, ASCII, at most 255 bytes, readable at the front and hashed at the end.
//!
//! | what | made of | example |
//! | --- | --- | --- |
//! | an incident | alert, step, group, episode | `rejections/reactive/noon/1767607790000/<hash>` |
//! | several gathered | channel and the first of them | `gathered/oncall/<hash>` |
//! | the pipeline's own | which, and since when | `pipeline/behind/1767607790000/<hash>` |
//! | a deploy | version, and its number among all that people have said | `deploy/1_2_3/17/<hash>` |
//! | a notification | incident, action, its number, channel | `<incident>/repeat/2/<hash>` |
//!
//! No key holds a full stop: webhooks sign an id, a time and a body with full stops between them.

use crate::hash::stable;
use crate::notification::Action;
use crate::time::Timestamp;

/// The readable part of a key; with hashes, action and number after it a key stays below 255 bytes.
const READABLE_BYTES_MAX: usize = 140;
/// Of this, one name or value.
const PART_BYTES_MAX: usize = 40;

/// The key of an incident: one step of one alert for one group in one episode.
pub fn incident<'v>(
    alert: &str,
    step: Option<&str>,
    group: impl Iterator<Item = &'v str>,
    episode: Timestamp,
) -> String {
    let began = episode.as_millis().to_string();
    let values: Vec<&str> = group.collect();
    let mut parts = vec![alert];
    parts.extend(step);
    parts.extend(&values);
    let mut readable = readable(&parts);
    readable.push('/');
    readable.push_str(&began);
    // An absent step is none of any name.
    let step = step.map_or_else(String::new, |step| format!("={step}"));
    let mut hashed = vec!["incident", alert, &step, &began];
    hashed.extend(&values);
    format!("{readable}/{}", hash(&hashed))
}

/// The key of what was gathered on a channel: an incident is the first of one gathering of a channel at most.
pub(super) fn gathered(channel: &str, first: &str) -> String {
    format!("{}/{}", readable(&["gathered", channel]), hash(&["gathered", channel, first]))
}

/// The key of one of the pipeline's own alerts.
pub(super) fn pipeline(alert: &str, since: Timestamp) -> String {
    let since = since.as_millis().to_string();
    format!("{}/{}", readable(&["pipeline", alert, &since]), hash(&["pipeline", alert, &since]))
}

/// The key of a deploy: no other has its number.
pub(super) fn deploy(version: &str, number: u64) -> String {
    let number = number.to_string();
    format!("{}/{}", readable(&["deploy", version, &number]), hash(&["deploy", version, &number]))
}

/// The id of a notification: the how-many-eth of its action about an incident on a channel.
pub(super) fn notification(key: &str, action: Action, number: u64, channel: &str) -> String {
    let action = match action {
        Action::Trigger => "trigger".to_owned(),
        Action::Repeat => format!("repeat/{number}"),
        Action::Resolve => "resolve".to_owned(),
        Action::Change => "change".to_owned(),
    };
    format!("{key}/{action}/{:016x}", stable(channel.as_bytes()))
}

/// Parts for people: letters, digits and a few signs, cut where they are long.
fn readable(parts: &[&str]) -> String {
    let mut readable = String::new();
    for part in parts {
        if !readable.is_empty() {
            readable.push('/');
        }
        readable.extend(part.chars().take(PART_BYTES_MAX).map(|letter| {
            if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':' | '=') {
                letter
            } else {
                '_'
            }
        }));
    }
    readable.truncate(READABLE_BYTES_MAX);
    readable
}

/// 128 bits of the parts as 32 hex digits; each with its length before it, so that they do not run together.
fn hash(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&crate::place::events(part.len()).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let first = stable(&bytes);
    bytes.extend_from_slice(b"second half");
    format!("{first:016x}{:016x}", stable(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPISODE: Timestamp = Timestamp::from_millis(1_767_607_790_000);

    #[test]
    fn keys_never_change() {
        let key = incident("rejections", Some("reactive"), ["noon"].into_iter(), EPISODE);
        let of_several = gathered("oncall", &key);
        let own = pipeline("behind", EPISODE);
        let id = notification(&own, Action::Repeat, 2, "mail");
        let deployed = deploy("1.2.3", 17);
        let expect = [
            "rejections/reactive/noon/1767607790000/bbab6ec6b702b04053516d6d9753ae39",
            "gathered/oncall/aedb57adb79f1a0f044153fe832cb5d4",
            "pipeline/behind/1767607790000/b25bb6271780687c113aa5789bf0a150",
            "pipeline/behind/1767607790000/b25bb6271780687c113aa5789bf0a150/repeat/2/98e15a486370eaa7",
            "deploy/1_2_3/17/a045270ceccf82526c97e0d4e699f97f",
        ];
        assert_eq!([key, of_several, own, id, deployed], expect);
    }

    #[test]
    fn keys_tell_incidents_apart() {
        let key = |alert: &str, step: Option<&str>, group: &[&str], episode_ms: i64| {
            incident(alert, step, group.iter().copied(), Timestamp::from_millis(episode_ms))
        };
        let keys = [
            key("a", None, &[], 1),
            key("a", Some(""), &[], 1),
            key("a", Some("b"), &[], 1),
            key("a", None, &["b"], 1),
            key("a", None, &["b", ""], 1),
            key("a", None, &["b"], 2),
            key("a", None, &["é"], 1),
            key("a", None, &["è"], 1),
        ];
        for (place, one) in keys.iter().enumerate() {
            assert!(keys.iter().skip(place + 1).all(|other| other != one), "{one}");
        }
    }

    #[test]
    fn no_name_is_too_long_or_too_odd() {
        let long = "ö.\n ".repeat(500);
        let group = [long.as_str(); 30];
        let key = incident(&long, Some(&long), group.into_iter(), Timestamp::from_millis(i64::MIN));
        let ids = [Action::Trigger, Action::Repeat, Action::Resolve, Action::Change]
            .map(|action| notification(&key, action, u64::MAX, &long));
        let odd = |letter: char| !letter.is_ascii_graphic() || letter == '.';
        let others = [&gathered(&long, &key), &pipeline(&long, EPISODE), &deploy(&long, u64::MAX)];
        for name in ids.iter().chain([&key]).chain(others) {
            assert!(name.len() <= 255 && !name.contains(odd), "{} bytes: {name}", name.len());
        }
    }
}
