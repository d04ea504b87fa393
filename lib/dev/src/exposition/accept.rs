//! Which format a scraper gets, by its `Accept` (RFC 9110, section 12.5.1).
//!
//! Prometheus sends `application/openmetrics-text;version=1.0.0;q=0.5,…,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`, a browser and
//! `curl` something with `*/*`. The format with the higher weight wins; between equals the one that is named more closely, then the
//! older one, which is also the answer to whoever takes neither: Prometheus asks for that.
//!
//! Names are always in the old alphabet, so `escaping` changes nothing and needs no answer.

use crate::media::{Media, split};

/// A format of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Prometheus,
    /// The text format of `OpenMetrics` 1.0.
    OpenMetrics,
}

/// How well a format is asked for: its weight in thousandths, then how closely it was named.
type Asked = (u16, u8);

impl Format {
    /// The format for an `Accept`; several headers are one, joined with commas.
    pub fn negotiate(accept: &str) -> Self {
        let asked = |format| asked(accept, format).filter(|(weight, _)| *weight > 0);
        match asked(Self::OpenMetrics) {
            Some(open) if asked(Self::Prometheus).is_none_or(|text| open > text) => {
                Self::OpenMetrics
            }
            _ => Self::Prometheus,
        }
    }

    /// The `Content-Type` of the answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// How closely a range names the format; absent if it does not.
    fn closeness(self, range: &Media) -> Option<u8> {
        let (essence, any_subtype, version) = match self {
            Self::Prometheus => ("text/plain", "text/*", "0.0.4"),
            Self::OpenMetrics => ("application/openmetrics-text", "application/*", "1.0.0"),
        };
        match range.parameter("version") {
            Some(asked) if range.essence == essence => (asked == version).then_some(3),
            _ if range.essence == essence => Some(2),
            _ if range.essence == any_subtype => Some(1),
            _ if range.essence == "*/*" => Some(0),
            _ => None,
        }
    }
}

/// What the range that names the format most closely gives it.
fn asked(accept: &str, format: Format) -> Option<Asked> {
    let ranges = split(accept, ',').filter_map(Media::parse);
    let asked = ranges.filter_map(|range| Some((format.closeness(&range)?, weight(&range))));
    asked.max().map(|(closeness, weight)| (weight, closeness))
}

/// The weight of a range in thousandths; one that makes no sense is none.
fn weight(range: &Media) -> u16 {
    let Some(text) = range.parameter("q") else { return 1000 };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse().ok().filter(|_| digits);
    match (whole, thousandths) {
        ("0", Some(thousandths)) => thousandths,
        ("1", Some(0)) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::Format::{self, OpenMetrics, Prometheus};

    #[track_caller]
    fn check(accept: &str, expect: Format) {
        assert_eq!(Format::negotiate(accept), expect, "{accept}");
    }

    #[test]
    fn prometheus_gets_what_it_likes_most() {
        // 2.42, 3, and 3 with `scrape_protocols: [PrometheusText0.0.4]`.
        check(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OpenMetrics,
        );
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        );
        check("text/plain;version=0.0.4;q=0.2,*/*;q=0.1", Prometheus);
        check(
            "application/vnd.google.protobuf;proto=a.b;encoding=delimited;q=0.5,*/*;q=0.1",
            Prometheus,
        );
    }

    #[test]
    fn people_get_text() {
        check("", Prometheus);
        check("*/*", Prometheus);
        check(
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
            Prometheus,
        );
    }

    #[test]
    fn the_higher_weight_wins() {
        check("text/plain;q=0.8, application/openmetrics-text;q=0.9", OpenMetrics);
        check("text/plain;q=0.9, application/openmetrics-text;q=0.8", Prometheus);
        check("text/plain;q=0.999, application/openmetrics-text", OpenMetrics);
        check("TEXT/PLAIN;Q=0.5, Application/OpenMetrics-Text; q=1.0", OpenMetrics);
        check("text/*;q=0.1, application/*", OpenMetrics);
    }

    #[test]
    fn between_equals_the_one_that_is_named_more_closely_then_the_older_one() {
        check("application/openmetrics-text, */*", OpenMetrics);
        check("application/openmetrics-text, text/plain", Prometheus);
        check("application/openmetrics-text;version=1.0.0, text/plain", OpenMetrics);
    }

    #[test]
    fn a_weight_of_none_excludes() {
        check("application/openmetrics-text;q=0", Prometheus);
        check("application/openmetrics-text;q=0, */*", Prometheus);
        check("text/plain;q=0, application/openmetrics-text;q=0.1", OpenMetrics);
        check("text/plain;q=0, */*;q=0.1", OpenMetrics);
    }

    #[test]
    fn weights_that_make_no_sense_are_none() {
        for weight in ["", "2", "1.1", "-1", "0.1234", "0.x", "a", ".5"] {
            check(
                &format!("application/openmetrics-text;q={weight}, text/plain;q=0.001"),
                Prometheus,
            );
        }
    }

    #[test]
    fn other_versions_are_not_had() {
        check("application/openmetrics-text;version=2.0.0, text/plain;q=0.1", Prometheus);
        check("application/openmetrics-text;version=0.0.1", Prometheus);
        check("application/openmetrics-text;version=\"1.0.0\"", OpenMetrics);
        check("text/plain;version=1.0.0, application/openmetrics-text;q=0.5", OpenMetrics);
    }
}
