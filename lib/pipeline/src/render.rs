//! Points, transitions of alerts and the summary as text: JSON lines and CSV.
//!
//! One object per line, with the fields in the order of the contract, so that a line can be compared byte by byte:
//!
//! ```json
//! {"kind":"point","metric":"order_rejections","dimensions":{"aggregator":"noon","country":"AE"},"window_start":"2026-01-05T10:00:00Z","window_end":"2026-01-05T10:01:00Z","status":"final","sum":1,"count":1}
//! ```
//!
//! CSV (RFC 4180: lines end in CRLF) is the long form of the same: one row per point, one column per value that any
//! kind of metric has, empty where this kind has none; the dimensions are one JSON object in one column, since
//! metrics have different ones. Everything is written into a `Vec<u8>` that the caller empties: no value is built on the way.

use crate::alert_record::RecordedAlert;
use crate::publication::PublishedMetric;
pub use alert::{alert_condition, alert_value, recorded_value};
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::{Counters, MetricCounters, Point, Status, Values};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;

mod alert;
mod column;
mod text;

pub use column::{Column, Number};
pub use text::push_json_string;

/// Renders points and transitions: those of one plan, or those that logs keep, which say themselves what they are of.
#[derive(Clone, Debug)]
pub struct Renderer {
    metrics: Vec<MetricText>,
    alerts: Vec<RecordedAlert>,
}

/// What is the same in all points of a metric, as it is written.
#[derive(Clone, Debug)]
struct MetricText {
    /// `{"kind":"point","metric":"orders","dimensions":`
    json_start: Vec<u8>,
    /// `"aggregator":`
    json_dimensions: Vec<Vec<u8>>,
    /// `orders,`
    csv_start: Vec<u8>,
}

impl Renderer {
    /// A renderer of what this plan gives.
    pub fn new(plan: &Plan) -> Self {
        let metrics = Self::named(plan.metrics.iter().map(|metric| {
            (
                metric.name.as_str(),
                metric.dimensions.iter().map(|dimension| dimension.name.as_str()),
            )
        }));
        let places = 0..plan.alerts.len();
        let alerts = places.filter_map(|place| RecordedAlert::of(plan, place)).collect();
        Self { alerts, ..metrics }
    }

    /// A renderer of points and transitions that logs keep: their places are those in these lists.
    pub fn recorded<'m>(
        metrics: impl Iterator<Item = &'m PublishedMetric>,
        alerts: Vec<RecordedAlert>,
    ) -> Self {
        let names =
            metrics.map(|metric| (&*metric.name, metric.dimensions.iter().map(String::as_str)));
        Self { alerts, ..Self::named(names) }
    }

    /// A renderer of metrics with these names and dimensions.
    fn named<'n>(metrics: impl Iterator<Item = (&'n str, impl Iterator<Item = &'n str>)>) -> Self {
        let metrics = metrics.map(|(name, dimensions)| MetricText::new(name, dimensions)).collect();
        Self { metrics, alerts: Vec::new() }
    }

    /// Appends a point as one line of JSON.
    pub fn json(&self, point: &Point, out: &mut Vec<u8>) {
        let Some(metric) = self.metrics.get(point.metric) else { return };
        out.extend_from_slice(&metric.json_start);
        metric.push_dimensions(point, out);
        out.extend_from_slice(br#","window_start":""#);
        text::push_display(point.window_start, out);
        out.extend_from_slice(br#"","window_end":""#);
        text::push_display(point.window_end, out);
        out.extend_from_slice(br#"","status":""#);
        out.extend_from_slice(point.status.as_str().as_bytes());
        out.push(b'"');
        let mut in_time = false;
        column::visit(&point.values, point.status, |column, number| {
            if column.is_time() && !in_time {
                in_time = true;
                out.extend_from_slice(br#","time":{""#);
            } else {
                out.extend_from_slice(br#",""#);
            }
            out.extend_from_slice(column.name().as_bytes());
            out.extend_from_slice(br#"":"#);
            number.push(out);
        });
        out.extend_from_slice(if in_time { b"}}\n" } else { b"}\n" });
    }

    /// Appends what so many windows come to as one line of JSON: as a point, and at its end how many they are. A count of
    /// different values that stands for more than one window is that of the largest, and says so.
    pub fn json_of_windows(&self, point: &Point, windows: u64, out: &mut Vec<u8>) {
        let start = out.len();
        self.json(point, out);
        let Some(end) = out.len().checked_sub(b"}\n".len()).filter(|&end| end > start) else {
            return;
        };
        out.truncate(end);
        push_member("windows", windows, out);
        if windows > 1 && matches!(point.values, Values::Unique(_)) {
            out.extend_from_slice(br#","of":"largest""#);
        }
        out.extend_from_slice(b"}\n");
    }

    /// Appends a point as one row of CSV.
    pub fn csv(&self, point: &Point, out: &mut Vec<u8>) {
        let Some(metric) = self.metrics.get(point.metric) else { return };
        out.extend_from_slice(&metric.csv_start);
        let mut dimensions = Vec::new();
        metric.push_dimensions(point, &mut dimensions);
        text::push_csv(&dimensions, out);
        out.push(b',');
        text::push_display(point.window_start, out);
        out.push(b',');
        text::push_display(point.window_end, out);
        out.push(b',');
        out.extend_from_slice(point.status.as_str().as_bytes());
        let mut row = [None; Column::COUNT];
        column::visit(&point.values, point.status, |column, number| {
            if let Some(cell) = row.get_mut(column.index()) {
                *cell = Some(number);
            }
        });
        for number in row {
            out.push(b',');
            if let Some(number) = number {
                number.push(out);
            }
        }
        if !self.alerts.is_empty() {
            out.extend([b','; alert::COLUMNS.len()]);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends the names of the CSV columns: those of points, then those of transitions if there are alerts.
    pub fn csv_header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"metric,dimensions,window_start,window_end,status");
        let points = Column::all().map(Column::flat_name);
        let alerts = if self.alerts.is_empty() { &[][..] } else { &alert::COLUMNS };
        for name in points.chain(alerts.iter().map(|&name| name.to_owned())) {
            out.push(b',');
            out.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a transition and whether anybody is told of it as one line of JSON.
    pub fn alert_json(&self, transition: &Transition, verdict: &Verdict, out: &mut Vec<u8>) {
        if let Some(alert) = self.alerts.get(transition.alert) {
            alert::json(alert, transition, verdict, out);
        }
    }

    /// Appends a transition and whether anybody is told of it as one row of CSV.
    pub fn alert_csv(&self, transition: &Transition, verdict: &Verdict, out: &mut Vec<u8>) {
        let Some(alert) = self.alerts.get(transition.alert) else { return };
        text::push_csv(alert.metric.as_bytes(), out);
        out.extend([b','; 4 + Column::COUNT]);
        alert::csv(alert, transition, verdict, out);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a transition's group as one JSON object.
    pub fn group(&self, transition: &Transition, out: &mut Vec<u8>) {
        if let Some(alert) = self.alerts.get(transition.alert) {
            alert::push_group(alert, transition, out);
        }
    }

    /// Appends a point's dimensions as one JSON object.
    pub fn dimensions(&self, point: &Point, out: &mut Vec<u8>) {
        if let Some(metric) = self.metrics.get(point.metric) {
            metric.push_dimensions(point, out);
        }
    }
}

impl MetricText {
    fn new<'n>(name: &str, dimensions: impl Iterator<Item = &'n str>) -> Self {
        let mut json_start = br#"{"kind":"point","metric":"#.to_vec();
        push_json_string(name, &mut json_start);
        json_start.extend_from_slice(br#","dimensions":"#);
        let json_dimensions = dimensions.map(|dimension| {
            let mut label = Vec::new();
            push_json_string(dimension, &mut label);
            label.push(b':');
            label
        });
        let json_dimensions = json_dimensions.collect();
        let mut csv_start = Vec::new();
        text::push_csv(name.as_bytes(), &mut csv_start);
        csv_start.push(b',');
        Self { json_start, json_dimensions, csv_start }
    }

    fn push_dimensions(&self, point: &Point, out: &mut Vec<u8>) {
        out.push(b'{');
        for (place, (label, value)) in
            self.json_dimensions.iter().zip(point.series.values()).enumerate()
        {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(label);
            push_json_string(value, out);
        }
        out.push(b'}');
    }
}

/// The values of a point with their columns, in the order of the contract.
pub fn numbers(values: &Values, status: Status) -> Vec<(Column, Number)> {
    let mut numbers = Vec::new();
    column::visit(values, status, |column, number| numbers.push((column, number)));
    numbers
}

/// What the last line of an output tells.
#[derive(Clone, Debug)]
pub struct Summary<'a> {
    /// What became of the records.
    pub counters: Counters,
    /// How many point lines there are.
    pub points: u64,
    /// How many alert lines there are.
    pub alerts: u64,
    /// The smallest event time.
    pub first_event: Option<Timestamp>,
    /// The largest event time.
    pub last_event: Option<Timestamp>,
    /// The name of each metric and what it saw.
    pub metrics: Vec<(&'a str, MetricCounters)>,
}

impl Summary<'_> {
    /// Appends the summary as one line of JSON.
    pub fn json(&self, out: &mut Vec<u8>) {
        let Counters { received, rejected, filtered, duplicate, counted, late } = self.counters;
        let numbers = [
            ("received", received),
            ("counted", counted),
            ("filtered", filtered),
            ("duplicate", duplicate),
            ("late", late),
            ("rejected", rejected),
            ("points", self.points),
            ("alerts", self.alerts),
        ];
        out.extend_from_slice(br#"{"kind":"summary""#);
        for (name, number) in numbers {
            push_member(name, number, out);
        }
        for (name, time) in [("first_event", self.first_event), ("last_event", self.last_event)] {
            if let Some(time) = time {
                out.extend_from_slice(br#",""#);
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(br#"":""#);
                text::push_display(time, out);
                out.push(b'"');
            }
        }
        out.extend_from_slice(br#","metrics":{"#);
        for (place, (name, counters)) in self.metrics.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_json_string(name, out);
            let MetricCounters { matched, no_value, no_dimension, late_dropped, folded } =
                *counters;
            out.extend_from_slice(br#":{"matched":"#);
            Number::Whole(matched).push(out);
            push_member("no_value", no_value, out);
            push_member("no_dimension", no_dimension, out);
            push_member("late_dropped", late_dropped, out);
            push_member("folded", folded, out);
            out.push(b'}');
        }
        out.extend_from_slice(b"}}\n");
    }
}

/// Appends `,"name":number`. A `Vec` takes all that is written to it.
fn push_member(name: &str, number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(br#",""#);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(br#"":"#);
    Number::Whole(number).push(out);
}

#[cfg(test)]
mod tests;
