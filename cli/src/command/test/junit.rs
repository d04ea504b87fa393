//! The results as `JUnit` XML, which CI systems show as tests: one suite per file, one case per scenario.

use super::judge::{FileResult, ScenarioResult, Verdict};
use super::report;
use crate::style::push;

/// The whole document.
pub(super) fn document(results: &[FileResult]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for result in results {
        push_suite(result, &mut xml);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn push_suite(result: &FileResult, xml: &mut String) {
    let count =
        |verdict| result.scenarios.iter().filter(|scenario| scenario.verdict == verdict).count();
    let file = escape(&result.file);
    let failures = count(Verdict::Failed);
    let errors = usize::from(result.wrong);
    let tests = result.scenarios.len() + errors;
    push(
        xml,
        format_args!(
            "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n"
        ),
    );
    if result.wrong {
        push(xml, format_args!("    <testcase classname=\"{file}\" name=\"the file\">\n"));
        xml.push_str("      <error message=\"the file or its rules have errors; nothing was run\"/>\n    </testcase>\n");
    }
    for scenario in &result.scenarios {
        push_case(scenario, &result.file, xml);
    }
    xml.push_str("  </testsuite>\n");
}

fn push_case(scenario: &ScenarioResult, file: &str, xml: &mut String) {
    let (class, name) = (escape(file), escape(&scenario.name));
    push(xml, format_args!("    <testcase classname=\"{class}\" name=\"{name}\""));
    match scenario.verdict {
        Verdict::Passed => {
            xml.push_str("/>\n");
            return;
        }
        Verdict::Failed => {
            let message = report::failures_counted(scenario);
            let details = escape(&report::failures_plain(scenario, file));
            push(
                xml,
                format_args!(">\n      <failure message=\"{message}\">{details}</failure>\n"),
            );
        }
    }
    xml.push_str("    </testcase>\n");
}

/// Text between tags or in quotes. XML cannot hold most control characters, not even escaped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let check = |text: &str, expect: &str| assert_eq!(escape(text), expect);
        check("a < b && \"c\" > d", "a &lt; b &amp;&amp; &quot;c&quot; &gt; d");
        check("\u{1b}[1m\u{ffff}\n\t", "\u{fffd}[1m\u{fffd}\n\t");
    }
}
