//! The exact answers of two event logs, computed by SQL, against what the rules in `tests/rules` make of them.

use super::replayed::{self, Output, plan};
use super::shared_data::{Row, folder, lines, rules, table};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use streamgauge_local::input::Input;

/// A clock that stops so late that every window is final, in milliseconds.
const UNTIL_ALL_IS_FINAL: i64 = 1_735_689_600_000;

/// Runs a log through rules until every window is final.
fn run(folder: &Path, log: &str, rules_file: &str) -> Points {
    let plan = plan(&rules(rules_file));
    let input = || vec![Input::path(folder.join(format!("{log}.ndjson.zst")))];
    let all =
        replayed::replay_until(&plan, input(), &replayed::options(Some(UNTIL_ALL_IS_FINAL), false));
    let to_the_end = replayed::replay(&plan, input(), 4);
    final_windows_stay_as_they_are(&to_the_end, &all);
    let points: Vec<Value> =
        all.points.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(points.iter().all(|point| point["status"] == "final"));
    Points(points)
}

/// Moving the clock on only adds windows.
fn final_windows_stay_as_they_are(to_the_end: &Output, all: &Output) {
    let all: BTreeSet<&String> = all.points.iter().collect();
    assert!(!to_the_end.points.is_empty() && to_the_end.points.len() < all.len());
    assert!(to_the_end.points.iter().all(|line| all.contains(line)));
}

struct Points(Vec<Value>);

impl Points {
    fn of<'p>(&'p self, metric: &'p str) -> impl Iterator<Item = &'p Value> {
        self.0.iter().filter(move |point| point["metric"] == metric)
    }

    /// One member of a metric's points, by the start of the window.
    fn by_window(&self, metric: &str, member: &str) -> BTreeMap<String, i64> {
        let points = self.of(metric);
        let entries =
            points.map(|point| (text(&point["window_start"]), point[member].as_i64().unwrap()));
        let found: Vec<(String, i64)> = entries.collect();
        let count = found.len();
        let found: BTreeMap<String, i64> = found.into_iter().collect();
        assert_eq!(found.len(), count, "one point per window of {metric}");
        found
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A column of a table by window; where it is 0 there is no point.
fn column(rows: &[Row], name: &str) -> BTreeMap<String, i64> {
    let cells = rows.iter().map(|row| (row.window_start(), row.number(name)));
    cells.filter(|&(_, number)| number != 0).collect()
}

/// Checks a ratio against the columns of its part, its whole and its rate, which is rounded to nine places.
fn check_ratio(points: &Points, metric: &str, rows: &[Row]) {
    assert_eq!(points.of(metric).count(), rows.len());
    for row in rows {
        let point =
            points.of(metric).find(|point| point["window_start"] == row.window_start()).unwrap();
        check_ratio_point(point, row);
    }
}

fn check_ratio_point(point: &Value, row: &Row) {
    assert_eq!(point["sum"].as_i64(), Some(row.number("cancelled")), "{row:?}");
    assert_eq!(point["count"].as_i64(), Some(row.number("placed")), "{row:?}");
    match row.text("cancel_rate") {
        "" => assert_eq!(point.get("rate"), None, "{row:?}"),
        rate => {
            let rate: f64 = rate.parse().unwrap();
            assert!((point["rate"].as_f64().unwrap() - rate).abs() <= 0.5e-9, "{row:?}");
        }
    }
}

#[test]
fn online_retail_orders_by_day_hour_week_and_country() {
    let Some(folder) = folder() else { return };
    let expected = |name: &str| table(&folder.join("expected/online_retail_orders").join(name));
    let points = run(&folder, "online_retail_orders", "online_retail_orders.yaml");

    let daily = expected("02_daily.csv");
    for kind in ["placed", "cancelled", "adjusted"] {
        assert_eq!(
            points.by_window(&format!("{kind}_daily"), "sum"),
            column(&daily, kind),
            "{kind}"
        );
    }
    assert_eq!(points.by_window("revenue_daily", "count"), column(&daily, "placed"));
    let revenue = points.by_window("revenue_daily", "sum");
    let expected_revenue =
        daily.iter().map(|row| (row.window_start(), row.number("placed_amount_minor")));
    let expected_revenue: BTreeMap<String, i64> = expected_revenue.collect();
    assert!(revenue.iter().all(|(window, sum)| expected_revenue.get(window) == Some(sum)));
    assert_eq!(revenue.values().sum::<i64>(), expected_revenue.values().sum::<i64>());
    let with_orders: Vec<Row> = daily
        .into_iter()
        .filter(|row| row.number("placed") + row.number("cancelled") > 0)
        .collect();
    check_ratio(&points, "cancel_rate_daily", &with_orders);

    let hourly = expected("05_hourly.csv");
    for kind in ["placed", "cancelled"] {
        assert_eq!(
            points.by_window(&format!("{kind}_hourly"), "sum"),
            column(&hourly, kind),
            "{kind}"
        );
    }
    check_ratio(&points, "cancel_rate_weekly", &expected("04_weekly_monday.csv"));

    let by_country = expected("08_by_country.csv");
    for row in &by_country {
        let country = points.of("cancel_rate_by_country");
        let country = country.filter(|point| point["dimensions"]["country"] == row.text("country"));
        let (mut cancelled, mut placed) = (0, 0);
        for point in country {
            cancelled += point["sum"].as_i64().unwrap();
            placed += point["count"].as_i64().unwrap();
        }
        assert_eq!((cancelled, placed), (row.number("cancelled"), row.number("placed")), "{row:?}");
    }
    let named =
        points.of("cancel_rate_by_country").map(|point| text(&point["dimensions"]["country"]));
    let countries: BTreeSet<String> =
        by_country.iter().map(|row| row.text("country").to_owned()).collect();
    assert_eq!(named.collect::<BTreeSet<_>>(), countries);

    for row in expected("01_totals.csv") {
        let of_type =
            points.of("amounts").filter(|point| point["dimensions"]["type"] == row.text("type"));
        let (mut sum, mut count) = (0, 0);
        for point in of_type {
            sum += point["sum"].as_i64().unwrap();
            count += point["count"].as_i64().unwrap();
        }
        assert_eq!((count, sum), (row.number("n"), row.number("amount_minor")), "{row:?}");
    }
}

#[test]
fn online_retail_orders_by_weeks_from_the_epoch() {
    let Some(folder) = folder() else { return };
    let points = run(&folder, "online_retail_orders", "online_retail_orders_by_epoch_week.yaml");
    let expected = folder.join("expected/online_retail_orders/03_weekly_epoch_aligned.csv");
    check_ratio(&points, "cancel_rate_weekly", &table(&expected));
}

#[test]
fn ecom_incidents_by_type_and_platform() {
    let Some(folder) = folder() else { return };
    let points = run(&folder, "ecom_incidents", "ecom_incidents.yaml");
    let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    for point in points.of("events_by_platform") {
        let (platform, kind) =
            (text(&point["dimensions"]["platform"]), text(&point["dimensions"]["type"]));
        let count = point["sum"].as_i64().unwrap();
        *totals.entry(kind.clone()).or_default() += count;
        *counts.entry((platform, kind)).or_default() += count;
    }
    let folder = folder.join("expected/ecom_incidents");
    let by_type = table(&folder.join("01_totals.csv"));
    let by_type = by_type.iter().map(|row| (row.text("type").to_owned(), row.number("n")));
    assert_eq!(totals, by_type.collect());
    let by_platform = table(&folder.join("04_by_platform.csv"));
    let by_platform = by_platform.iter().map(|row| {
        ((row.text("platform").to_owned(), row.text("type").to_owned()), row.number("n"))
    });
    assert_eq!(counts, by_platform.collect());
}

/// What became of checkouts in one week, by session and by journey.
#[derive(Clone, Copy, Debug, Default)]
struct Week {
    /// Sessions that reached the checkout.
    checkouts: i64,
    /// Of these, sessions without a purchase at any time.
    abandoned: i64,
    /// Of these, sessions whose purchase came before their checkout: the journey cannot be finished by it.
    bought_before: i64,
    /// Checkouts after the session's purchase: one more journey.
    again: i64,
}

/// Two readings of "checkouts that were abandoned".
///
/// The table of exact answers counts sessions: one is abandoned if it has a checkout and no purchase, in whatever order,
/// and it belongs to the week of its first event. A journey begins at a checkout and is finished by a purchase *after* it,
/// and belongs to the week in which it started. The sessions of the log are short (at most 67 minutes), none has its
/// checkouts in another week than its first event, and none has more than one purchase. So the two differ by exactly two kinds of
/// sessions: those that bought before their checkout, and those that went to the checkout again after they bought.
#[test]
fn ecom_incidents_checkouts_by_session_and_by_journey() {
    let Some(folder) = folder() else { return };
    let points = run(&folder, "ecom_incidents", "ecom_incidents.yaml");
    let weeks = weeks(&folder.join("ecom_incidents.ndjson.zst"));
    let mut shown =
        "week starts           sessions  abandoned  rate   journeys  abandoned  rate\n".to_owned();
    let (mut sessions_over, mut journeys_over) = (BTreeSet::new(), BTreeSet::new());
    for row in table(&folder.join("expected/ecom_incidents/03_weekly_sessions.csv")) {
        let start = row.window_start();
        let week = weeks.get(&start).copied().unwrap_or_default();
        if week.checkouts == 0 {
            assert_eq!(row.text("checkout_abandonment"), "", "{start}");
            assert!(points.of("checkouts").all(|point| point["window_start"] != start), "{start}");
            continue;
        }
        let by_session = share(week.abandoned, week.checkouts);
        let expected: f64 = row.text("checkout_abandonment").parse().unwrap();
        assert!((by_session - expected).abs() <= 0.5e-9, "{start}");

        let point = points.of("checkouts").find(|point| point["window_start"] == start).unwrap();
        let member = |name: &str| point[name].as_i64().unwrap();
        let (started, abandoned) = (member("started"), member("abandoned"));
        assert_eq!(started, week.checkouts + week.again, "{start}");
        assert_eq!(abandoned, week.abandoned + week.bought_before + week.again, "{start}");
        assert_eq!(member("finished"), started - abandoned, "{start}");
        let rate = point["rate"].as_f64().unwrap();
        writeln!(
            shown,
            "{start}  {:8}  {:9}  {by_session:.3}  {started:8}  {abandoned:9}  {rate:.3}",
            week.checkouts, week.abandoned
        )
        .unwrap();
        if week.checkouts >= 30 && by_session > 0.6 {
            sessions_over.insert(start.clone());
        }
        if started >= 30 && rate > 0.7 {
            journeys_over.insert(start);
        }
    }
    show(&shown);
    // The incident of the payment gateway: the same weeks by both readings, journeys with a higher level.
    let alerts =
        table(&folder.join("expected/ecom_incidents/06_alert_checkout_abandonment_7d.csv"));
    let alerts: BTreeSet<String> = alerts.iter().map(Row::window_start).collect();
    assert_eq!((&sessions_over, &journeys_over), (&alerts, &alerts));
}

#[expect(
    clippy::print_stdout,
    reason = "a table for whoever asks with --nocapture why the two readings differ"
)]
fn show(table: &str) {
    println!("{table}");
}

fn share(part: i64, whole: i64) -> f64 {
    f64::from(i32::try_from(part).unwrap()) / f64::from(i32::try_from(whole).unwrap())
}

/// A week in seconds.
const WEEK: i64 = 7 * 86_400;

/// The checkouts of a log by the week of their session's first event, counted from its lines.
fn weeks(log: &Path) -> BTreeMap<String, Week> {
    let mut sessions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in lines(log) {
        let event: Value = serde_json::from_slice(&line).unwrap();
        sessions.entry(text(&event["subject"])).or_default().push(event);
    }
    let mut weeks: BTreeMap<String, Week> = BTreeMap::new();
    for events in sessions.values() {
        let first = events.iter().map(|event| text(&event["time"])).min().unwrap();
        let first: jiff::Timestamp = first.parse().unwrap();
        let start =
            jiff::Timestamp::from_second(first.as_second().div_euclid(WEEK) * WEEK).unwrap();
        let times = |kind: &str| -> Vec<String> {
            events
                .iter()
                .filter(|event| event["type"] == kind)
                .map(|event| text(&event["time"]))
                .collect()
        };
        let (checkouts, purchases) = (times("shop.shipping_details"), times("shop.purchase"));
        let Some(first_checkout) = checkouts.iter().min() else { continue };
        let week = weeks.entry(start.to_string()).or_default();
        week.checkouts += 1;
        match purchases.as_slice() {
            [] => week.abandoned += 1,
            [purchase] if purchase < first_checkout => week.bought_before += 1,
            [purchase] if checkouts.iter().any(|checkout| checkout > purchase) => week.again += 1,
            [_] => {}
            more => panic!("{} purchases in a session", more.len()),
        }
    }
    weeks
}
