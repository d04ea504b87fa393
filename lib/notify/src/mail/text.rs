//! The page as plain text: for those who read mail on a terminal or a watch, and for search.

use super::chart::Chart;
use super::page::{Page, Row, Story};
use std::iter;

/// How wide the names of a table are, in characters.
const NAME_WIDTH: usize = 16;
/// Bars from the floor up.
const BARS: [char; 9] = ['▁', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Stands where there is no value.
const GAP: char = '·';

/// Draws the page.
pub(super) fn draw(page: &Page) -> String {
    let mut parts = vec![format!("{}: {}\n", page.badge, page.headline)];
    parts.extend(page.description.as_ref().map(|text| format!("{text}\n")));
    parts.extend(page.runbook.as_ref().map(|runbook| format!("Runbook: {}\n", runbook.text)));
    parts.extend(page.stories.iter().map(story));
    parts.extend(page.more().map(|more| format!("{more}\n")));
    parts.push(table(&page.about));
    parts.join("\n")
}

fn story(story: &Story) -> String {
    let title = story.title.iter().map(|title| format!("* {title}\n"));
    let chart = story.chart.iter().map(|(metric, chart)| course(metric, chart));
    title.chain(iter::once(table(&story.rows))).chain(chart).collect()
}

fn table(rows: &[Row]) -> String {
    let lines = rows.iter().flat_map(|Row { name, values }| {
        let names = iter::once(*name).chain(iter::repeat(""));
        names.zip(values).map(|(first, value)| format!("  {first:NAME_WIDTH$}{value}\n"))
    });
    lines.collect()
}

fn course(metric: &str, chart: &Chart) -> String {
    let full = u32::try_from(BARS.len() - 1).unwrap_or(u32::MAX);
    let bars = chart.bars.iter().map(|bar| {
        let height = bar.map(|value| chart.height(value, full));
        let drawn = height.and_then(|height| BARS.get(usize::try_from(height).ok()?));
        drawn.copied().unwrap_or(GAP)
    });
    let bars: String = bars.collect();
    format!("\n  {bars}\n  {}\n", chart.caption(metric))
}
