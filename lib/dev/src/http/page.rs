//! `GET /`: the page, joined from its files as `lib/dev/page/README.md` says, and the catalog that it begins with.

use super::App;
use super::answer::{Answer, set, whole};
use super::historian::length_ms;
use super::view::{Mark, View};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use streamgauge_engine::plan::MetricKind;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::render::push_json_string;

const TEMPLATE: &str = include_str!("../../page/index.html");

/// Names of the page's files with their content.
macro_rules! files {
    ($($path:literal)*) => { [$(($path, include_str!(concat!("../../page/", $path)))),*] };
}
const FILES: &[(&str, &str)] = &files!(
    "vendor/uPlot.min.css" "vendor/uPlot.iife.min.js"
    "style/colours.css" "style/frame.css" "style/cards.css" "style/alerts.css"
    "script/text.js" "script/format.js" "script/cells.js" "script/store.js" "script/transitions.js"
    "script/state.js" "script/select.js" "script/paths.js" "script/chart.js" "script/plots.js"
    "script/legend.js" "script/card.js" "script/alerts.js" "script/health.js" "script/stream.js"
    "script/live.js" "script/controls.js" "script/main.js"
);

/// The page without its data, and the policy that allows what is in it and nothing else.
static PAGE: LazyLock<(String, String)> = LazyLock::new(|| {
    let joined = FILES.iter().fold(TEMPLATE.to_owned(), |joined, (path, content)| {
        joined.replacen(&format!("{{{{file:{path}}}}}"), content, 1)
    });
    let script = hash(&joined, "<script>", "</script>");
    let style = hash(&joined, "<style>", "</style>");
    let policy = format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    (joined, policy)
});

/// The hash of what stands between two tags.
fn hash(joined: &str, begin: &str, end: &str) -> String {
    let inner = joined.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
    let inner = inner.map(|(inner, _)| inner).unwrap_or_default();
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(inner)))
}

/// The page. Where a token is needed it says nothing of the rules: whoever has the token learns them from `/live`.
pub(super) fn answer<C: Clock>(app: &App<C>) -> Answer {
    let now = app.world.clock.now();
    let catalog = if app.guard.token.is_some() {
        format!(r#"{{"live":true,"title":"","now":"{now}","metrics":[],"alerts":[]}}"#).into_bytes()
    } else {
        catalog(app, "")
    };
    let (joined, policy) = &*PAGE;
    let mut answer =
        whole(StatusCode::OK, "text/html; charset=utf-8", fill(joined, policy, &catalog));
    let header = HeaderValue::try_from(format!("{policy}; frame-ancestors 'none'"));
    if let Ok(header) = header {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, header);
    }
    set(&mut answer, REFERRER_POLICY, "no-referrer");
    answer
}

/// Puts the data into the page, in one pass: what was put in is not looked at again.
fn fill(joined: &str, policy: &str, catalog: &[u8]) -> String {
    let catalog = escaped(&String::from_utf8_lossy(catalog));
    let mut page = String::with_capacity(joined.len() + catalog.len());
    let mut rest = joined;
    while let Some((before, behind)) = rest.split_once("{{") {
        page.push_str(before);
        let value = [("policy}}", policy), ("catalog}}", &*catalog), ("lines}}", "")];
        let found =
            value.iter().find_map(|(name, value)| Some((behind.strip_prefix(name)?, *value)));
        let (next, put) = found.unwrap_or((behind, "{{"));
        page.push_str(put);
        rest = next;
    }
    page.push_str(rest);
    page
}

/// JSON that may stand inside of a script element.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            _ => text.push(letter),
        }
    }
    text
}

/// The catalog as a message of the live stream.
pub(super) fn catalog_message<C: Clock>(app: &App<C>) -> Vec<u8> {
    catalog(app, r#""kind":"catalog","#)
}

fn catalog<C: Clock>(app: &App<C>, first: &str) -> Vec<u8> {
    let (now, is_by_events) = (app.world.clock.now(), (app.arrival)().is_none());
    write_catalog(first, now, is_by_events, &app.view())
}

/// The catalog of the newest rules, with what is active and what was deployed.
pub(super) fn write_catalog(
    first: &str,
    now: Timestamp,
    is_by_events: bool,
    view: &View,
) -> Vec<u8> {
    let plan = view.plan.as_deref();
    let mut text = format!(r#"{{{first}"live":true,"now":"{now}","#).into_bytes();
    if is_by_events {
        text.extend_from_slice(br#""clock":"events","#);
    }
    if let Some(plan) = plan {
        text.extend_from_slice(br#""time_zone":"#);
        push_json_string(plan.calendar.zone(), &mut text);
        text.push(b',');
    }
    text.extend_from_slice(br#""title":"#);
    push_json_string(plan.map_or("StreamGauge", |plan| &plan.namespace), &mut text);
    text.extend_from_slice(br#","metrics":"#);
    let metrics = plan.map(|plan| plan.metrics.as_slice()).unwrap_or_default();
    list(&mut text, metrics, |text, metric| {
        text.extend_from_slice(br#"{"name":"#);
        push_json_string(&metric.name, text);
        text.extend_from_slice(format!(r#","kind":"{}","unit":"#, kind(&metric.kind)).as_bytes());
        push_json_string(metric.unit.as_deref().unwrap_or("None"), text);
        text.extend_from_slice(br#","dimensions":"#);
        list(text, &metric.dimensions, |text, one| push_json_string(&one.name, text));
        text.extend_from_slice(
            format!(r#","window_ms":{}}}"#, length_ms(metric.window)).as_bytes(),
        );
    });
    text.extend_from_slice(br#","alerts":"#);
    let alerts = plan.map(|plan| plan.alerts.as_slice()).unwrap_or_default();
    list(&mut text, alerts, |text, alert| {
        text.extend_from_slice(br#"{"name":"#);
        push_json_string(&alert.name, text);
        let metric = plan.and_then(|plan| plan.metrics.get(alert.metric));
        text.extend_from_slice(br#","metric":"#);
        push_json_string(metric.map_or("", |metric| &metric.name), text);
        text.extend_from_slice(br#","steps":"#);
        list(text, &alert.steps, |text, step| {
            text.extend_from_slice(br#"{"name":"#);
            push_json_string(step.name.as_deref().unwrap_or_default(), text);
            let severity = step.severity.as_str();
            text.extend_from_slice(format!(r#","severity":"{severity}"}}"#).as_bytes());
        });
        text.push(b'}');
    });
    text.extend_from_slice(br#","firing":"#);
    list(&mut text, view.active(), |text, line| text.extend_from_slice(line.trim_ascii_end()));
    text.extend_from_slice(br#","deploys":"#);
    list(&mut text, view.deploys(), |text, mark| {
        text.push(b'{');
        push_mark(mark, text);
    });
    text.push(b'}');
    text
}

fn kind(kind: &MetricKind) -> &'static str {
    match kind {
        MetricKind::Count(_) => "count",
        MetricKind::Sum(_) => "sum",
        MetricKind::Distribution(_) => "distribution",
        MetricKind::Unique(_) => "unique",
        MetricKind::Ratio { .. } => "ratio",
        MetricKind::Journey { .. } => "journey",
    }
}

/// A deploy as a message of the live stream.
pub(super) fn deploy_message(mark: &Mark) -> Vec<u8> {
    let mut text = br#"{"kind":"deploy","#.to_vec();
    push_mark(mark, &mut text);
    text
}

/// Appends the members of a deploy, and the end of its object.
fn push_mark(mark: &Mark, text: &mut Vec<u8>) {
    text.extend_from_slice(br#""version":"#);
    push_json_string(&mark.version, text);
    text.extend_from_slice(format!(r#","at":"{}"}}"#, mark.at).as_bytes());
}

/// Appends a list.
fn list<T>(text: &mut Vec<u8>, items: impl IntoIterator<Item = T>, each: impl Fn(&mut Vec<u8>, T)) {
    text.push(b'[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        each(text, item);
    }
    text.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_joined_and_the_data_put_in_once() {
        let (joined, policy) = &*PAGE;
        assert!(!joined.contains("{{file:"));
        let page = fill(joined, policy, br#"{"title":"</script>{{policy}}\u2028&"}"#);
        assert!(page.contains(
            r#"id="catalog">{"title":"\u003c/script\u003e{{policy}}\u2028\u0026"}</script>"#
        ));
        assert!(page.contains(r#"id="lines"></script>"#));
        assert!(page.contains(&format!(r#"content="{policy}""#)));
        assert_eq!(
            hash("<b>abc</b>", "<b>", "</b>"),
            "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
    }
}
