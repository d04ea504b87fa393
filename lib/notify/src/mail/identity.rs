//! Names of mails, made of the names of notifications and incidents.

use streamgauge_engine::hash;

/// Names up to this length are readable in a `Message-ID`, in bytes; a line of a header holds 998.
const READABLE_BYTES_MAX: usize = 120;

/// `<kind.name@domain>`, where every byte of the name that is no letter or digit is written as `_` and its number: two names
/// never become one.
pub(super) fn message_id(kind: &str, name: &str, domain: &str) -> String {
    format!("<{kind}.{}@{}>", tag(name), domain_name(domain))
}

/// The name with nothing in it that means something in a header. A long one keeps its beginning, and a hash of all of it.
pub(super) fn tag(name: &str) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('_');
    let mut tag = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            tag.push(char::from(byte));
        } else {
            tag.extend(['_', digit(byte >> 4), digit(byte & 15)]);
        }
        if tag.len() > READABLE_BYTES_MAX {
            let one = hash::stable(name.as_bytes());
            let other = hash::stable(format!("{name}/").as_bytes());
            return format!("{tag}.{one:016x}{other:016x}");
        }
    }
    tag
}

/// The right side of an id is ASCII, or old servers refuse it; it need not be found in the DNS.
fn domain_name(domain: &str) -> String {
    domain
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || ".-".contains(char) { char } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart_and_mean_nothing_to_a_header() {
        let id = message_id("notification", "rejections/noon:1", "example.com");
        assert_eq!(id, "<notification.rejections_2fnoon_3a1@example.com>");
        assert_ne!(tag("a b"), tag("a_20b"));
        assert_eq!(
            message_id("x", ">\r\nBcc: a@b", "bücher.de"),
            "<x._3e_0d_0aBcc_3a_20a_40b@b-cher.de>"
        );
    }

    #[test]
    fn long_names_stay_apart_and_short_enough() {
        let long = "rejections/".repeat(23);
        let (one, other) = (tag(&format!("{long}a")), tag(&format!("{long}b")));
        assert_ne!(one, other);
        assert!(one.len() < 160, "{one}");
    }
}
