//! Points and transitions as tables for people: per metric its series, the largest first, and its latest windows; then alerts.
//!
//! A table is to be read, so it has at most so many rows and says how many more there are; the totals are over all
//! points, whether shown or not. What is held in memory is bounded: the latest points, and [`SERIES_MAX`] series.

mod alerts;
mod total;

use crate::style;
use crate::table::{self, Align};
use crate::watched::Told;
use crate::words::{counted, widen};
use alerts::Alerts;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use streamgauge_engine::calendar::Window;
use streamgauge_engine::output::{Point, Status};
use streamgauge_engine::plan::{Metric, Plan};
use streamgauge_engine::series::SeriesKey;
use streamgauge_pipeline::kept::ValueKind;
use streamgauge_pipeline::render::{Column, Number, numbers};
use streamgauge_rules::duration;
use total::Total;

/// Series of a metric whose totals are kept; what is over it is one row.
const SERIES_MAX: usize = 100_000;

/// Columns that are left out of tables, so that a row fits on a screen; data outputs have them.
const DETAILS: [&str; 7] =
    ["p90", "p99.9", "time_count", "time_min", "time_p90", "time_p99", "time_p99.9"];

/// The numbers of a row, each with its column.
type Numbers = Vec<(Column, Number)>;

/// The points of a run, metric by metric.
#[derive(Debug)]
pub(super) struct Tables {
    plan: Arc<Plan>,
    /// Rows per table.
    limit: usize,
    metrics: Vec<MetricPoints>,
    alerts: Alerts,
}

/// What is kept of one metric's points.
#[derive(Clone, Debug, Default)]
struct MetricPoints {
    points: u64,
    totals: BTreeMap<Arc<SeriesKey>, Total>,
    /// Of series over [`SERIES_MAX`].
    further: Option<Total>,
    latest: VecDeque<Point>,
}

impl Tables {
    /// Tables of so many rows; 0 is no limit.
    pub(super) fn new(plan: &Arc<Plan>, limit: usize) -> Self {
        let limit = if limit == 0 { usize::MAX } else { limit };
        Self {
            plan: Arc::clone(plan),
            limit,
            metrics: vec![MetricPoints::default(); plan.metrics.len()],
            alerts: Alerts::default(),
        }
    }

    /// The next line.
    pub(super) fn add(&mut self, told: Told<'_>) {
        match told {
            Told::Point(point) => self.add_point(point),
            Told::Transition(transition, verdict) => {
                self.alerts.add(&self.plan, (transition, verdict), self.limit);
            }
        }
    }

    fn add_point(&mut self, point: &Point) {
        let Some(metric) = self.metrics.get_mut(point.metric) else { return };
        metric.points += 1;
        if let Some(total) = metric.totals.get_mut(&point.series) {
            total.add(&point.values);
        } else if metric.totals.len() < SERIES_MAX {
            metric.totals.insert(Arc::clone(&point.series), Total::new(&point.values));
        } else if let Some(further) = &mut metric.further {
            further.add(&point.values);
        } else {
            metric.further = Some(Total::new(&point.values));
        }
        if metric.latest.len() >= self.limit {
            metric.latest.pop_front();
        }
        metric.latest.push_back(point.clone());
    }

    /// All tables, with colours.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (metric, points) in self.plan.metrics.iter().zip(&self.metrics) {
            if points.points > 0 {
                points.push(metric, self.limit, &mut text);
            }
        }
        self.alerts.push(&mut text);
        text
    }
}

impl MetricPoints {
    fn push(&self, metric: &Metric, limit: usize, text: &mut String) {
        let (name, kind, window) = (
            style::bold(&metric.name),
            ValueKind::computed_by(&metric.kind).as_str(),
            window(metric.window),
        );
        let (points, series) =
            (counted(self.points, "point"), counted(widen(self.totals.len()), "series"));
        let series =
            if metric.dimensions.is_empty() { String::new() } else { format!(", {series}") };
        push_line(text, format_args!("{name}  {kind} per {window}, {points}{series}"));
        let shown = self.latest.len();
        let hidden = self.points.saturating_sub(widen(shown));
        if hidden > 0 {
            self.push_totals(metric, limit, text);
            push_line(text, style::dim(format_args!("  the latest {shown} points:")));
        }
        text.push_str(&self.points_table(metric));
        if hidden > 0 {
            let more = format!(
                "  {hidden} earlier points are not shown: --limit 0 shows all, --output json or csv prints them as data"
            );
            push_line(text, style::dim(more));
        }
        text.push('\n');
    }

    /// The latest points, in the order of the output.
    fn points_table(&self, metric: &Metric) -> String {
        let told_status = self.latest.iter().any(|point| point.status != Status::Final);
        let mut labels = vec!["window".to_owned()];
        labels.extend(metric.dimensions.iter().map(|dimension| dimension.name.clone()));
        if told_status {
            labels.push("status".to_owned());
        }
        let rows = self.latest.iter().map(|point| {
            let mut texts = vec![point.window_start.to_string()];
            texts.extend(point.series.values().map(str::to_owned));
            if told_status {
                texts.push(point.status.as_str().to_owned());
            }
            (texts, numbers(&point.values, point.status))
        });
        lay_out(labels, rows.collect())
    }

    /// The totals of the series, those with most events first.
    fn push_totals(&self, metric: &Metric, limit: usize, text: &mut String) {
        let mut totals = self.totals.iter().collect::<Vec<_>>();
        // The sort is stable, so equal ones stay in the order of their names.
        totals.sort_by_key(|(_, total)| std::cmp::Reverse(total.weight()));
        let mut labels =
            metric.dimensions.iter().map(|dimension| dimension.name.clone()).collect::<Vec<_>>();
        labels.push("points".to_owned());
        let row = |mut texts: Vec<String>, total: &Total| {
            texts.push(total.points().to_string());
            (texts, total.numbers())
        };
        let mut rows = totals
            .iter()
            .take(limit)
            .map(|(series, total)| row(series.values().map(str::to_owned).collect(), total))
            .collect::<Vec<_>>();
        if let Some(further) = &self.further {
            rows.push(row(vec!["(further)".to_owned(); metric.dimensions.len()], further));
        }
        text.push_str(&lay_out(labels, rows));
        let hidden = widen(totals.len().saturating_sub(limit));
        if hidden > 0 {
            push_line(
                text,
                style::dim(format_args!("  {} not shown", counted(hidden, "smaller series"))),
            );
        }
    }
}

/// A table of labels and of the columns that some row has a number for.
fn lay_out(labels: Vec<String>, rows: Vec<(Vec<String>, Numbers)>) -> String {
    let present = |column: &Column| {
        rows.iter().any(|(_, numbers)| numbers.iter().any(|(known, _)| known == column))
    };
    let told = |column: &Column| present(column) && !DETAILS.contains(&column.flat_name().as_str());
    let shown = Column::all().filter(told).collect::<Vec<_>>();
    let mut columns = labels.into_iter().map(|label| (label, Align::Left)).collect::<Vec<_>>();
    columns.extend(shown.iter().map(|column| (column.flat_name(), Align::Right)));
    let rows = rows.into_iter().map(|(mut texts, numbers)| {
        let cell = |column| {
            numbers.iter().find(|(known, _)| known == column).map(|(_, number)| rounded(*number))
        };
        texts.extend(shown.iter().map(|column| cell(column).unwrap_or_default()));
        texts
    });
    table::lines(&columns, rows.collect(), 2)
}

/// A number as people want to read it: quotients with four places.
fn rounded(number: Number) -> String {
    match number {
        Number::Double(value) if value == 0.0 || value.abs() >= 0.01 => {
            let text = format!("{value:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

fn window(window: Window) -> String {
    match window {
        Window::Fixed(length) => duration::show(length),
        Window::Days(1) => "day".to_owned(),
        Window::Days(count) => format!("{count} days"),
        Window::Weeks(1) => "week".to_owned(),
        Window::Weeks(count) => format!("{count} weeks"),
    }
}

/// Appends a line.
fn push_line(text: &mut String, line: impl std::fmt::Display) {
    style::push(text, line);
    text.push('\n');
}

#[cfg(test)]
mod tests;
