//! What can be asked, page by page.

use super::super::AlertsWanted;
use super::super::points::{PAGE_LOOKS_MAX, PAGE_POINTS_MAX};
use super::super::tables::POINTS as POINTS_TABLE;
use super::*;
use redb::ReadableTable;

const NAMES: [&str; 3] = ["clicks", "orders", "views"];
const COUNTRIES: [&str; 3] = ["AE", "KW", "SA"];

/// Three metrics of three series each, a minute after the other.
fn filled(name: &str, minutes: i64) -> Kit {
    let mut kit = Kit::new(name, Limits::default());
    let of_minute = |minute: i64| {
        NAMES.into_iter().flat_map(move |metric| {
            COUNTRIES.into_iter().map(move |country| {
                let count = Values::Count(u64::try_from(minute).unwrap());
                (metric, country, minute * MINUTE, MINUTE, PointKind::Final, count)
            })
        })
    };
    let points: Vec<_> = (0..minutes).flat_map(of_minute).collect();
    kit.decide(&publication(&points), &record("rejects", START, 40));
    kit.clock.advance(minutes * MINUTE);
    kit.decide(&Publication::default(), &record("silence", START.plus(10_500), 1));
    kit.history.step().unwrap();
    kit
}

#[test]
fn any_question_is_answered_as_by_looking_at_all_lines() {
    let kit = filled("asked", 400);
    let all = all_lines(&kit.history, &PointsWanted::default());
    assert_eq!(all.len(), 400 * 9);
    let sorted = all.windows(2).all(|pair| {
        let end =
            |line: &str| line.split("window_end").nth(1).unwrap().get(..24).unwrap().to_owned();
        end(&pair[0]) <= end(&pair[1])
    });
    assert!(sorted, "in the order of time");
    for metric in [None, Some("orders"), Some("views"), Some("none")] {
        for country in [None, Some("KW"), Some("XX")] {
            for (from, to) in
                [(None, None), (Some(100), Some(350)), (None, Some(7)), (Some(399), None)]
            {
                let time = |minute: i64| START.plus(minute * MINUTE);
                let dimensions =
                    country.map(|value: &str| ("country".to_owned(), value.to_owned()));
                let wanted = PointsWanted {
                    metric: metric.map(str::to_owned),
                    dimensions: dimensions.into_iter().collect(),
                    from: from.map(time),
                    to: to.map(time),
                    tier: None,
                };
                let fits = |line: &&String| {
                    let minute: i64 =
                        line.rsplit(':').next().unwrap().trim_end_matches('}').parse().unwrap();
                    metric.is_none_or(|name| line.contains(&format!(r#""metric":"{name}""#)))
                        && country
                            .is_none_or(|value| line.contains(&format!(r#""country":"{value}""#)))
                        && from.is_none_or(|from| minute >= from)
                        && to.is_none_or(|to| minute < to)
                };
                let expected: Vec<_> = all.iter().filter(fits).cloned().collect();
                assert_eq!(all_lines(&kit.history, &wanted), expected, "{wanted:?}");
            }
        }
    }
    let stranger = vec![("city".to_owned(), "Dubai".to_owned())];
    let wanted = PointsWanted { dimensions: stranger, ..PointsWanted::default() };
    assert_eq!(all_lines(&kit.history, &wanted), [""; 0]);
}

#[test]
fn a_page_is_bounded_and_the_next_one_goes_on() {
    let kit = filled("pages", 400);
    let wanted = PointsWanted::default();
    let (mut sizes, mut after) = (Vec::new(), None);
    loop {
        let page = kit.history.points(&wanted, after.as_ref()).unwrap();
        sizes.push(page.points.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [PAGE_POINTS_MAX, PAGE_POINTS_MAX, PAGE_POINTS_MAX, 600]);
}

#[test]
fn a_page_ends_however_little_was_wanted_of_what_is_there() {
    let mut kit = Kit::new("looks", Limits::default());
    let looks = i64::try_from(PAGE_LOOKS_MAX).unwrap();
    let point = |second: i64| {
        let country = if second == looks + 9 { "KW" } else { "AE" };
        ("orders", country, second * 1_000, 1_000, PointKind::Final, Values::Count(1))
    };
    kit.points(&(0..looks + 10).map(point).collect::<Vec<_>>());
    let dimensions = vec![("country".to_owned(), "KW".to_owned())];
    let wanted = PointsWanted { dimensions, ..PointsWanted::default() };
    let first = kit.history.points(&wanted, None).unwrap();
    assert_eq!((first.points.len(), first.next.is_some()), (0, true));
    let second = kit.history.points(&wanted, first.next.as_ref()).unwrap();
    assert_eq!((second.points.len(), second.next), (1, None));
}

#[test]
fn the_tier_is_the_finest_that_reaches_back() {
    let mut kit = filled("tiers", 1);
    kit.clock.advance(40 * DAY_MS);
    kit.points(&[]);
    let days_ago = |days: i64| Some(kit.history.state().unwrap().clock.minus(days * DAY_MS));
    let tier = |from| {
        let wanted = PointsWanted { from, ..PointsWanted::default() };
        kit.history.points(&wanted, None).unwrap().tier
    };
    assert_eq!(tier(None), Tier::Decided);
    assert_eq!(tier(days_ago(8)), Tier::Decided);
    assert_eq!(tier(days_ago(9)), Tier::Minutes);
    assert_eq!(tier(days_ago(30)), Tier::Minutes);
    assert_eq!(tier(days_ago(31)), Tier::Hours);
    assert_eq!(tier(days_ago(1_000)), Tier::Hours);
}

#[test]
fn transitions_come_in_the_order_of_their_times() {
    let kit = filled("alerts", 1);
    let told = |wanted: &AlertsWanted| {
        let page = kit.history.alerts(wanted, None).unwrap();
        assert_eq!(page.next, None);
        let mut out = Vec::new();
        page.json(&mut out);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = told(&AlertsWanted::default());
    assert_eq!(all.len(), 41);
    let expected = r#"{"kind":"alert","alert":"silence","group":{"country":"AE"},"transition":"firing","at":"2026-01-05T10:00:10.500Z","sent":true,"reason":"condition holds","evidence":["e1"],"why":"at once","channels":{},"metric":"orders","severity":"warning","condition":"rate over 10m > 0.25","from":"1970-01-01T00:00:00Z","until":"1970-01-01T00:00:00Z","episode":"2026-01-05T10:00:10.500Z","events":1}"#;
    assert_eq!(all[11], expected);
    let (from, to) = (Some(START.plus(10_000)), Some(START.plus(12_000)));
    let between = AlertsWanted { from, to, ..AlertsWanted::default() };
    assert_eq!(told(&between), all[10..13]);
    let silence = AlertsWanted { alert: Some("silence".to_owned()), ..AlertsWanted::default() };
    assert_eq!(told(&silence), all[11..12]);
}

#[test]
fn transitions_come_in_pages() {
    let mut kit = Kit::new("alert-pages", Limits::default());
    let count = i64::try_from(PAGE_POINTS_MAX + 1).unwrap();
    kit.decide(&Publication::default(), &record("rejects", START, count));
    kit.history.step().unwrap();
    let first = kit.history.alerts(&AlertsWanted::default(), None).unwrap();
    assert_eq!(first.record.transitions.len(), PAGE_POINTS_MAX);
    let second = kit.history.alerts(&AlertsWanted::default(), first.next.as_ref()).unwrap();
    let [(last, _)] = second.record.transitions.as_slice() else { panic!("{second:?}") };
    assert_eq!((last.at, second.next), (START.plus((count - 1) * 1_000), None));
}

#[test]
fn a_store_without_a_history_has_no_points() {
    let kit = Kit::new("none", Limits::default());
    assert_eq!(kit.lines(Tier::Decided), [""; 0]);
    assert!(kit.history.metrics().unwrap().is_empty());
    assert!(
        kit.history.alerts(&AlertsWanted::default(), None).unwrap().record.transitions.is_empty()
    );
    assert_eq!(kit.history.state().unwrap().version, Version::START);
}

#[test]
fn a_row_that_stands_where_it_was_not_put_is_found() {
    let Kit { place, clock, limits, store, history, .. } = filled("moved", 1);
    drop((store, history));
    let database = redb::Database::open(&place.0).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(POINTS_TABLE).unwrap();
        let end = START.plus(MINUTE).as_millis();
        let packed = |country| SeriesKey::new([country]).packed().to_vec();
        let (one, other) = (packed("AE"), packed("KW"));
        let sealed = table.get((0, end, 0, &*one, 0)).unwrap().unwrap().value().to_vec();
        table.insert((0, end, 0, &*other, 0), &*sealed).unwrap();
    }
    write.commit().unwrap();
    drop(database);
    let reopened = Arc::new(LocalStore::open(&place.0, clock).unwrap());
    let read = History::new(reopened, limits).points(&PointsWanted::default(), None);
    let error = read.unwrap_err().to_string();
    assert!(
        error.ends_with("is damaged; put a copy in its place, or move it away to begin anew"),
        "{error}"
    );
}

#[test]
fn a_moment_stays_as_it_was_while_the_history_goes_on() {
    let mut kit = filled("moment", 200);
    let moment = kit.history.moment().unwrap();
    let version = kit.history.state().unwrap().version;
    let count = Values::Count(1);
    let correction = ("orders", "AE", 0, MINUTE, PointKind::Correction, count);
    kit.decide(&publication(&[correction]), &record("rejects", START.plus(9), 1));
    kit.history.step().unwrap();
    assert!(kit.history.state().unwrap().version > version);
    assert_eq!(moment.state().unwrap().version, version);
    let (mut cursor, mut points) = (None, 0);
    loop {
        let page = moment.points(&PointsWanted::default(), cursor.as_ref()).unwrap();
        points += page.points.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(points, 200 * 9);
    assert_eq!(all_lines(&kit.history, &PointsWanted::default()).len(), 200 * 9 + 1);
    let alerts = moment.alerts(&AlertsWanted::default(), None).unwrap();
    let now = kit.history.alerts(&AlertsWanted::default(), None).unwrap();
    assert_eq!(alerts.record.transitions.len() + 1, now.record.transitions.len());
}
