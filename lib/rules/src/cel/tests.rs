//! Expressions against events, and what is said about the ones that are wrong.

mod problems;
mod slips;

use super::{Declarations, Expected, compile, compile_as};
use streamgauge_engine::expression::Value;
use streamgauge_engine::field::{FieldTable, FieldValues};
use streamgauge_engine::json::Extractor;

const EVENT: &str = r#"{"type":"order.created","source":"shop","id":"a1","data":{"amount":12.50,"count":3,"country":"AE",
    "name":"Zo\u00eb","vip":true,"none":null,"tags":["a","b","c"],"big":123456789.123456789,"order-id":"o7",
    "items":[{"sku":"x","price":5},{"sku":"y","price":7.5,"parts":[1,2,3]}],"empty":{},"twice":{"k":1,"k":2},
    "in":1,"a.b":2}}"#;

pub(super) fn declarations() -> Declarations {
    let path = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let strings = vec![path(&["type"]), path(&["source"]), path(&["id"])];
    let standard = [&strings[..], &[path(&["time"])]].concat();
    Declarations { strings, standard }
}

/// The value of an expression for [`EVENT`], as text; errors too.
fn value(source: &str) -> String {
    let mut fields = FieldTable::default();
    let program = match compile(source, &mut fields, &declarations()) {
        Ok(program) => program,
        Err(problems) => return format!("problem: {}", problems[0].message),
    };
    let mut values = FieldValues::new(fields.len());
    Extractor::new(&fields).extract(EVENT, 0..EVENT.len(), &mut values).expect("the event is JSON");
    let value = program.evaluate(&values);
    assert_eq!(program.matches(&values), value == Ok(Value::Bool(true)), "{source}");
    match value {
        Ok(value) => show(value),
        Err(error) => format!("error: {error}"),
    }
}

fn show(value: Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, entry)| format!("{}: {}", show(key), show(entry))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        value => value.into_text().map_or_else(|| "bytes".to_owned(), std::borrow::Cow::into_owned),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (source, expect) in cases {
        assert_eq!(value(source), *expect, "{source}");
    }
}

const MISSING: &str = "error: a field, key or index is missing";
const WRONG_TYPE: &str = "error: no operator for values of these types";

#[test]
fn fields_are_read_wherever_they_are() {
    check(&[
        ("type", "order.created"),
        (".type", "order.created"),
        ("data.country", "AE"),
        (r#"data["country"]"#, "AE"),
        (r#"data["order-id"]"#, "o7"),
        ("data.`order-id`", "o7"),
        ("data.`a.b`", "2"),
        ("data.name", "Zoë"),
        ("data.amount", "12.5"),
        ("data.items[0].sku", "x"),
        ("data.items[1].parts[2]", "3"),
        ("data.items[data.count - 2].price", "7.5"),
        (r#"data["tags"][1]"#, "b"),
        ("data.items[1][data.tags[0]]", MISSING),
        ("data.tags[3]", MISSING),
        ("data.tags[-1]", MISSING),
        ("data.country.code", MISSING),
        ("data.tags.a", MISSING),
        ("nothing", MISSING),
        ("nothing.at.all", MISSING),
        ("data.none", "null"),
        ("data.twice.other", MISSING),
        ("data.items", "[{sku: x, price: 5}, {sku: y, price: 7.5, parts: [1, 2, 3]}]"),
    ]);
}

#[test]
fn has_tells_missing_from_unreachable() {
    check(&[
        ("has(type)", "true"),
        ("has(subject)", "false"),
        ("has(data.country)", "true"),
        ("has(data.none)", "true"),
        ("has(data.city)", "false"),
        ("has(nothing.at)", MISSING),
        ("has(data.none.at)", MISSING),
        ("has(data.country.code)", MISSING),
        ("has(data.`order-id`)", "true"),
        ("has(data.items[0].sku)", "true"),
        ("has(data.items[0].colour)", "false"),
        ("has(data.items[9].sku)", MISSING),
        ("has(data.city) && data.city == 'x'", "false"),
        ("!has(data.city) || data.city == 'x'", "true"),
    ]);
}

#[test]
fn logic_absorbs_errors() {
    check(&[
        ("nothing == 1 || true", "true"),
        ("true || nothing == 1", "true"),
        ("nothing == 1 && false", "false"),
        ("nothing == 1 || false", MISSING),
        ("nothing == 1 && true", MISSING),
        ("!(nothing == 1)", MISSING),
        ("!data.country", WRONG_TYPE),
        ("!data.vip", "false"),
        ("data.country || data.vip", "true"),
        ("data.country && data.vip", WRONG_TYPE),
        ("data.vip ? 1 : nothing", "1"),
        ("data.none ? 1 : 2", WRONG_TYPE),
        ("true ? 'cows' : 17", "cows"),
        ("false || false && true || data.count == 3", "true"),
    ]);
}

#[test]
fn comparisons_mix_numbers_and_nothing_else() {
    check(&[
        (r#"type == "order.created""#, "true"),
        (r#""order.created" == type"#, "true"),
        (r#"type in ["order.created", "b"]"#, "true"),
        ("data.country in data.tags", "false"),
        ("'b' in data.tags", "true"),
        ("'sku' in data.items[0]", "true"),
        ("data.count == 3.0", "true"),
        ("data.count == 3u", "true"),
        ("data.count == '3'", "false"),
        ("data.count != '3'", "true"),
        ("data.none == null", "true"),
        ("data.country == null", "false"),
        ("data.amount > 12", "true"),
        ("12 < data.amount", "true"),
        ("data.amount >= 12.5 && data.amount <= 12.5", "true"),
        ("data.country < 'B'", "true"),
        ("data.country < 1", WRONG_TYPE),
        (
            "data.items == [{'price': 5.0, 'sku': 'x'}, {'parts': [1u, 2, 3.0], 'sku': 'y', 'price': 7.5}]",
            "true",
        ),
        ("data.items[0] == {'price': 5, 'sku': 'y'}", "false"),
        ("data.empty == {}", "true"),
        ("9007199254740993 == 9007199254740992.0", "false"),
        ("1 < 2 == true", "true"),
        ("-9223372036854775808 < -9223372036854775807", "true"),
    ]);
}

#[test]
fn arithmetic_keeps_to_one_kind() {
    check(&[
        ("data.count * 2 + 1", "7"),
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("-7 % 3", "-1"),
        ("7 - -7", "14"),
        ("data.amount * 2.0", "25"),
        ("data.amount * 2", WRONG_TYPE),
        ("double(data.count) / 2.0", "1.5"),
        ("data.country + '-' + data.name", "AE-Zoë"),
        ("data.tags + ['d']", "[a, b, c, d]"),
        ("data.count / 0", "error: division by zero"),
        ("1.0 / 0.0", "Infinity"),
        ("9223372036854775807 + data.count", "error: the result is out of range"),
        ("data.big", "123456789.12345679"),
        ("1u - 2u", "error: the result is out of range"),
    ]);
}

#[test]
fn functions_and_conversions() {
    check(&[
        ("size(data.name)", "3"),
        ("data.tags.size()", "3"),
        ("size(data.items[0])", "2"),
        ("size(data.count)", WRONG_TYPE),
        ("type.startsWith('order.')", "true"),
        ("type.endsWith('created')", "true"),
        ("type.contains('.')", "true"),
        ("data.name.startsWith('Z')", "true"),
        ("data.count.startsWith('3')", WRONG_TYPE),
        ("type.matches('^order[.](created|paid)$')", "true"),
        ("matches(type, r'\\d')", "false"),
        ("int('12') + int(3.9)", "15"),
        ("string(data.amount) + string(data.vip)", "12.5true"),
        ("double('1e3')", "1000"),
        ("bool('TRUE')", "true"),
        ("size(bytes(data.name))", "4"),
        ("dyn(1) == 'a'", "false"),
    ]);
}

#[test]
fn macros_walk_lists_and_maps() {
    check(&[
        ("data.items.exists(item, item.sku == 'y')", "true"),
        ("data.items.all(item, item.price > 4)", "true"),
        ("data.items.exists(item, has(item.parts))", "true"),
        ("data.items.exists_one(item, has(item.parts))", "true"),
        ("data.items.map(item, item.sku)", "[x, y]"),
        ("data.items.map(item, item.price > 6, item.sku)", "[y]"),
        ("data.tags.filter(tag, tag != 'b')", "[a, c]"),
        ("data.items[0].all(key, key.size() > 2)", "true"),
        ("data.items.exists(data, data.sku == 'x')", "true"),
        ("data.items.exists(type, .type == 'order.created')", "true"),
        ("[1, 2].exists(x, [2, 3].exists(y, x == y))", "true"),
        ("[1, 2].map(x, [10, 20].map(y, x * y))", "[[10, 20], [20, 40]]"),
        ("data.count.exists(x, true)", WRONG_TYPE),
        ("data.items.exists(item, item.colour == 'red')", MISSING),
        ("data.items.exists(item, item.colour == 'red' || item.sku == 'y')", "true"),
        ("[data.twice].exists(x, x.k == 1)", "error: a key stands twice"),
    ]);
}

#[test]
fn work_is_bounded() {
    let list = format!("[{}]", vec!["1"; 1_000].join(","));
    let source = format!("{list}.exists(x, size({list} + {list}) < x)");
    check(&[(&source, "error: the expression does too much work for this event")]);
}

#[test]
fn literals() {
    check(&[
        (r#""a\tb\u00e9\x41\101\U0001f431""#, "a\tbéAA🐱"),
        (r#"r"a\tb""#, r"a\tb"),
        ("'''it's\n\"fine\"'''", "it's\n\"fine\""),
        ("[1, 2u, -0x10, 1e3, .5,]", "[1, 2, -16, 1000, 0.5]"),
        ("{'a': 1, 2: true}", "{a: 1, 2: true}"),
        ("{'a': data.count}.a", "3"),
        ("1 // a comment\n + 1", "2"),
        ("b'a\\xff' == b'a\\377'", "true"),
        ("[nothing]", MISSING),
    ]);
}

#[test]
fn only_the_longest_constant_paths_are_interned() {
    for (source, expect) in [
        ("type == 'a' && data.country == 'AE'", &["type", "data.country"][..]),
        ("data.items[0].price + data.items[1].price", &["data.items"]),
        ("data.items.exists(item, item.sku == data.sku)", &["data.items", "data.sku"]),
        ("size(data.tags) > 0 && data['tags'][0] == 'a'", &["data.tags"]),
        ("has(data.a.b)", &["data.a.b"]),
        ("data == {'a': 1}", &["data"]),
        ("data[data.key]", &["data", "data.key"]),
        ("true", &[]),
    ] {
        let mut fields = FieldTable::default();
        compile(source, &mut fields, &declarations()).expect(source);
        let paths: Vec<_> = fields.paths().map(|path| path.join(".")).collect();
        assert_eq!(paths, expect, "{source}");
    }
}

#[test]
fn filters_are_conditions() {
    for (source, fits) in [
        ("true", true),
        ("data.vip", true),
        ("type == 'a'", true),
        ("has(data.x)", true),
        ("data.vip ? true : data.x", true),
        ("type", false),
        ("'true'", false),
        ("size(data.tags)", false),
        ("[true]", false),
        ("null", false),
    ] {
        let result =
            compile_as(source, &mut FieldTable::default(), &declarations(), Expected::Bool);
        assert_eq!(result.is_ok(), fits, "{source}");
    }
}
