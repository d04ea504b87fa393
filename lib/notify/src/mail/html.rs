//! The page as HTML that mail clients show.
//!
//! Clients differ: Gmail and Outlook drop SVG and scripts, most hold images back until somebody allows them, Outlook draws
//! with Word and knows tables and little else. So the chart is a table of cells with a height and a colour. It shows without
//! a click everywhere, needs no attachment, and costs fewer bytes than a picture.
//!
//! Dark and light: no colour is set for text or background but together, as on the badge, so that a client that turns
//! its colours turns them all. Bars and lines have middle tones, which can be seen on both.

use super::chart::Chart;
use super::page::{Page, Row, Runbook, Story};
use streamgauge_engine::alert::Severity;

/// How high the chart is, in pixels.
const CHART_HEIGHT: u32 = 48;
/// How wide a bar is, in pixels: sixty fit on a phone, where cells that are squeezed would lose their gaps.
const BAR_WIDTH: u32 = 4;
/// How wide a bar is with the gap after it, in pixels.
const SLICE_WIDTH: u32 = 5;
/// The colour of bars.
const BAR_COLOUR: &str = "#4a86c5";
/// The colour of the threshold.
const LINE_COLOUR: &str = "#d1495b";
/// The colour of lines between rows.
const RULE_COLOUR: &str = "#8a8a8a";
/// Keys and ids are long words; one that is not broken widens the page, and a phone then shrinks all of it.
const BREAKING: &str = "word-break:break-word";
/// Tables are for layout unless they say otherwise.
const TABLE: &str = r#"<table role="presentation" cellpadding="0" cellspacing="0" border="0""#;

/// Draws the page.
pub(super) fn draw(page: &Page) -> String {
    let Page { badge, severity, headline, description, runbook, stories, about, .. } = page;
    let title = escaped(headline);
    let badge = format!(
        r#"<p><span style="background:{};color:#ffffff;padding:3px 8px;font-weight:bold">{}</span></p>"#,
        colour(*severity),
        escaped(badge)
    );
    let description = description
        .as_ref()
        .map(|text| format!("<p dir=\"auto\">{}</p>\n", escaped(text).replace('\n', "<br>")));
    let runbook = runbook.as_ref().map(link);
    let stories: String = stories.iter().map(story).collect();
    let more = page.more().map(|more| format!("<p>{}</p>\n", escaped(&more)));
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <title>{title}</title></head>\n\
         <body style=\"font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif;font-size:15px;{BREAKING}\">\n\
         {badge}\n<h1 dir=\"auto\" style=\"font-size:20px\">{title}</h1>\n{}{}{stories}{}{}</body></html>\n",
        description.unwrap_or_default(),
        runbook.unwrap_or_default(),
        more.unwrap_or_default(),
        table(about),
    )
}

/// One story. Its size is what decides how many a mail tells.
pub(super) fn story(story: &Story) -> String {
    let title = story.title.as_ref();
    let title = title.map(|title| {
        format!("<h2 dir=\"auto\" style=\"font-size:16px\">{}</h2>\n", escaped(title))
    });
    let course = story.chart.as_ref().map(|(metric, chart)| course(metric, chart));
    title.unwrap_or_default() + &course.unwrap_or_default() + &table(&story.rows)
}

fn link(runbook: &Runbook) -> String {
    let text = escaped(&runbook.text);
    if runbook.is_link {
        format!("<p>Runbook: <a href=\"{text}\">{text}</a></p>\n")
    } else {
        format!("<p>Runbook: {text}</p>\n")
    }
}

fn table(rows: &[Row]) -> String {
    let rows: String = rows.iter().map(row).collect();
    let table = r#"<table cellpadding="4" cellspacing="0" border="0""#;
    format!("{table} style=\"border-collapse:collapse;margin:16px 0\">\n{rows}</table>\n")
}

fn row(Row { name, values }: &Row) -> String {
    let values = values
        .iter()
        .map(|value| escaped(value))
        .map(|value| format!("<div dir=\"auto\">{value}</div>"));
    let values: String = values.collect();
    let rule = format!("border-bottom:1px solid {RULE_COLOUR}");
    format!(
        "<tr><th scope=\"row\" align=\"left\" valign=\"top\" style=\"{rule};font-weight:normal;padding-right:16px;white-space:nowrap\">{name}</th>\
         <td valign=\"top\" style=\"{rule};{BREAKING}\">{values}</td></tr>\n"
    )
}

/// The chart: a row of bars above the threshold, its line, and a row below it. Bars that pass the line stand in both.
fn course(metric: &str, chart: &Chart) -> String {
    let below = chart.threshold.map(|threshold| chart.height(threshold, CHART_HEIGHT));
    let heights: Vec<u32> = chart
        .bars
        .iter()
        .map(|bar| bar.map_or(0, |value| chart.height(value, CHART_HEIGHT)))
        .collect();
    let below = below.unwrap_or(CHART_HEIGHT);
    let above =
        bars(heights.iter().map(|height| height.saturating_sub(below)), CHART_HEIGHT - below);
    let under = bars(heights.iter().map(|height| *height.min(&below)), below);
    let line = chart.threshold.map(|_| {
        format!(
            "<tr><td colspan=\"{}\" height=\"1\" bgcolor=\"{LINE_COLOUR}\"></td></tr>\n",
            heights.len()
        )
    });
    let caption = escaped(&chart.caption(metric));
    format!(
        "<div role=\"img\" aria-label=\"{caption}\" style=\"font-size:0;line-height:0\">{TABLE} \
         style=\"font-size:0;line-height:0;border-bottom:1px solid {RULE_COLOUR}\">\n{above}{}{under}</table></div>\n\
         <p style=\"font-size:13px;margin:4px 0\">{caption}</p>\n",
        line.unwrap_or_default(),
    )
}

/// One row of bars that stand on its lower edge.
fn bars(heights: impl Iterator<Item = u32>, full: u32) -> String {
    if full == 0 {
        return String::new();
    }
    let cells = heights.map(|height| {
        let bar = (height > 0).then(|| {
            format!("<table cellpadding=\"0\" cellspacing=\"0\"><tr><td width=\"{BAR_WIDTH}\" height=\"{height}\" bgcolor=\"{BAR_COLOUR}\"></td></tr></table>")
        });
        format!("<td width=\"{SLICE_WIDTH}\">{}</td>", bar.unwrap_or_default())
    });
    let cells: String = cells.collect();
    format!("<tr valign=\"bottom\" height=\"{full}\">{cells}</tr>\n")
}

/// The badge's colour: white text on it has a contrast of 4.5 at least.
const fn colour(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "#c62828",
        Some(Severity::Error) => "#bf360c",
        Some(Severity::Warning) => "#8a6100",
        Some(Severity::Info) => "#1565c0",
        None => "#2e7d32",
    }
}

/// A text as HTML shows it, in an element or between the quotes of an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
