//! A small chart of the metric in the time that an alert looked at, as numbers; text and HTML draw it.
//!
//! Sums and counts add up to the value that was compared, so the chart shows how they did: the running total, which meets the
//! threshold where the alert did. What does not add up (averages, rates, percentiles) is shown slice by slice.

use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::transition::Evidence;

/// The most bars that are drawn: evidence has sixty.
const BARS_MAX: usize = 60;
/// Aggregates that add up over time.
const ADDING: [&str; 5] = ["sum", "count", "started", "finished", "abandoned"];

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    /// The bars in the order of time; absent where there is no value.
    pub(super) bars: Vec<Option<Decimal>>,
    /// Whether each bar is the total so far.
    pub(super) is_running: bool,
    /// The lowest value that is drawn; 0 unless something is below it.
    pub(super) floor: Decimal,
    /// The highest value that is drawn.
    pub(super) top: Decimal,
    /// Where the line is.
    pub(super) threshold: Option<Decimal>,
}

impl Chart {
    /// Draws the course that evidence holds; absent where it holds none.
    pub(super) fn of(condition: &str, evidence: &Evidence) -> Option<Self> {
        let course = evidence.course.get(..BARS_MAX).unwrap_or(&evidence.course);
        course.iter().flatten().next()?;
        let aggregate = condition.split(' ').next().unwrap_or_default();
        let is_running = ADDING.contains(&aggregate);
        let bars = if is_running { running(course) } else { course.to_vec() };
        let seen = || bars.iter().flatten().chain(&evidence.threshold).copied();
        let zero = Decimal::default();
        let floor = seen().fold(zero, Decimal::min);
        let top = seen().fold(zero, Decimal::max);
        Some(Self { is_running, floor, top, threshold: evidence.threshold, bars })
    }

    /// How high a value stands, of `full` steps from the floor to the top. What is above the floor is at least one step, so
    /// that it can be seen.
    pub(super) fn height(&self, value: Decimal, full: u32) -> u32 {
        let range = self.top.to_f64() - self.floor.to_f64();
        let share = (value.to_f64() - self.floor.to_f64()) / range;
        if value <= self.floor || !share.is_finite() {
            return 0;
        }
        (1..=full).rev().find(|&step| share * f64::from(full) >= f64::from(step) - 0.5).unwrap_or(1)
    }

    /// What the chart shows, in words.
    pub(super) fn caption(&self, metric: &str) -> String {
        let what = if self.is_running { "Running total of" } else { "Course of" };
        let line = self.threshold.map(|threshold| format!("; the threshold is {threshold}"));
        let Self { floor, top, .. } = self;
        format!("{what} {metric}, drawn from {floor} to {top}{}", line.unwrap_or_default())
    }
}

/// The total up to each slice. A total that no decimal holds ends the course.
fn running(course: &[Option<Decimal>]) -> Vec<Option<Decimal>> {
    let mut total = Some(Decimal::default());
    let slices = course.iter().map(|slice| {
        total = total.and_then(|before| before.checked_add(slice.unwrap_or_default()));
        total
    });
    slices.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(values: &[Option<&str>]) -> Vec<Option<Decimal>> {
        values.iter().map(|value| value.map(|text| Decimal::parse(text).unwrap())).collect()
    }

    fn chart(condition: &str, values: &[Option<&str>], threshold: &str) -> Chart {
        let threshold = Some(Decimal::parse(threshold).unwrap());
        let evidence = Evidence { course: course(values), threshold, ..Evidence::default() };
        Chart::of(condition, &evidence).unwrap()
    }

    fn heights(chart: &Chart, full: u32) -> Vec<Option<u32>> {
        chart.bars.iter().map(|bar| bar.map(|value| chart.height(value, full))).collect()
    }

    #[test]
    fn counts_run_up_to_the_threshold() {
        let chart = chart("sum over 10m >= 3", &[None, Some("1"), None, Some("2")], "3");
        assert_eq!(heights(&chart, 30), [Some(0), Some(10), Some(10), Some(30)]);
        let caption = "Running total of rejections, drawn from 0 to 3; the threshold is 3";
        assert_eq!(chart.caption("rejections"), caption);
    }

    #[test]
    fn rates_stand_for_themselves_and_have_gaps() {
        let chart = chart("rate over 1h > 0.4", &[Some("0.8"), None, Some("0.001")], "0.4");
        assert_eq!(heights(&chart, 40), [Some(40), None, Some(1)]);
        assert_eq!(chart.height(chart.threshold.unwrap(), 40), 20);
    }

    #[test]
    fn what_is_below_zero_has_the_floor_there() {
        let chart = chart("min over 1h < -5", &[Some("-10"), Some("10")], "-5");
        assert_eq!(heights(&chart, 8), [Some(0), Some(8)]);
        assert_eq!(chart.height(chart.threshold.unwrap(), 8), 2);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let evidence = Evidence { course: vec![None; 60], ..Evidence::default() };
        assert_eq!(Chart::of("avg over 10m > 3", &evidence), None);
        assert_eq!(Chart::of("absent for 10m", &Evidence::default()), None);
        let flat = chart("avg over 10m >= 0", &[Some("0")], "0");
        assert_eq!(heights(&flat, 8), [Some(0)]);
    }
}
