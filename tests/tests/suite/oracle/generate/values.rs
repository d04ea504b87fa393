//! Random contents of events: mostly what rules expect, sometimes what they must not stumble over.

use super::super::model::{Data, Value};
use super::super::text::SHAPES;
use super::What;
use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;
use proptest::sample::select;

/// All of an event but its time and id.
pub(super) fn what(messy: bool) -> impl Strategy<Value = What> {
    let rare = u32::from(messy);
    let data = prop_oneof![
        30 => data(messy).prop_map(Data::Object),
        rare => Just(Data::Missing),
        rare => Just(Data::Text),
    ];
    let source = select(vec![Some("/shop"), Some("/shop"), Some("/shop/2"), None]);
    // Starts and finishes of journeys come more often than the rest.
    let kind = select(vec![0, 0, 0, 1, 2, 2, 2, 3]);
    (source, kind, data, 0..SHAPES).prop_map(|(source, kind, data, shape)| What {
        source,
        kind,
        data,
        shape,
    })
}

fn text(values: &[&'static str]) -> impl Strategy<Value = Value> {
    select(values.to_vec()).prop_map(|text| Value::Text(text.to_owned()))
}

fn number(values: &[&'static str]) -> impl Strategy<Value = Value> {
    select(values.to_vec()).prop_map(|text| Value::Number(text.to_owned()))
}

fn amount(messy: bool) -> impl Strategy<Value = Value> {
    let rare = u32::from(messy);
    let whole = (-1000..2000_i64).prop_map(|number| Value::Number(number.to_string()));
    let cents = (-100_000..900_000_i64).prop_map(|cents| {
        let sign = if cents < 0 { "-" } else { "" };
        Value::Number(format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
    });
    let special = &[
        "0",
        "-0",
        "0.0",
        "1e3",
        "2.5E-3",
        "1.0000000005",
        "1.0000000015",
        "-1.0000000025",
        "0.000000001",
        "123456789012345678",
        "-999999999999999999",
        "99999999999.123456789",
        "1e17",
    ];
    prop_oneof![
        8 => whole,
        8 => cents,
        4 => number(special),
        1 => Just(Value::Missing),
        1 => Just(Value::Null),
        rare => text(&["12"]),
        rare => number(&["1e18", "-1000000000000000000", "1e30"]),
        rare => Just(Value::Bool(false)),
        rare => Just(Value::Object),
    ]
}

fn data(messy: bool) -> impl Strategy<Value = [Value; 5]> {
    let rare = u32::from(messy);
    let country = prop_oneof![
        24 => text(&["AE", "DE", "FR", "US", "say \"hi\"\\\n", "\u{645}\u{631}\u{62d}\u{628}\u{627}"]),
        2 => number(&["7", "1.50", "1e2", "-0.25"]),
        1 => Just(Value::Bool(true)),
        1 => text(&[""]),
        1 => Just(Value::Null),
        1 => Just(Value::Missing),
        rare => Just(Value::List),
    ];
    let partner = prop_oneof![
        8 => text(&["noon", "talabat", "a", "b", "c"]),
        1 => Just(Value::Missing),
    ];
    let customer = prop_oneof![
        10 => (0..8).prop_map(|number| Value::Text(format!("c{number}"))),
        2 => (0..3_u32).prop_map(|number| Value::Number(number.to_string())),
        1 => Just(Value::Null),
        1 => Just(Value::Missing),
    ];
    let order = prop_oneof![
        10 => (0..4).prop_map(|number| Value::Text(format!("o{number}"))),
        1 => text(&["1", "2"]),
        1 => number(&["1", "2"]),
        1 => Just(Value::Null),
        1 => Just(Value::Missing),
    ];
    (country, partner, amount(messy), customer, order).prop_map(
        |(country, partner, amount, customer, order)| [country, partner, amount, customer, order],
    )
}
