//! What compiles and is warned of, and what must not be.

use super::super::{CelProblem, Declarations, Expected, compile_as};
use super::declarations;
use streamgauge_engine::field::FieldTable;

/// The warnings of an expression, each as `marked part: hint`.
fn warnings(source: &str, declarations: &Declarations) -> Vec<String> {
    warnings_as(source, declarations, Expected::Any)
}

fn warnings_as(source: &str, declarations: &Declarations, expected: Expected) -> Vec<String> {
    let compiled = compile_as(source, &mut FieldTable::default(), declarations, expected);
    let warnings = compiled.unwrap_or_else(|problems| panic!("{source}: {problems:?}")).warnings;
    let shown = |warning: CelProblem| {
        let part = source.get(warning.span).expect("a span lies in the source");
        format!("{part}: {}", warning.hint.unwrap_or_default())
    };
    warnings.into_iter().map(shown).collect()
}

fn check(source: &str, expect: &[&str]) {
    assert_eq!(warnings(source, &declarations()), expect, "{source}");
}

/// Declarations of events that are no CloudEvents, with the type at a path.
fn flat(kind: &str) -> Declarations {
    let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    Declarations {
        strings: vec![path(kind), path("order_id")],
        standard: vec![path(kind), path("order_id"), path("happened")],
    }
}

#[test]
fn a_type_without_quotes() {
    check("type == order.created", &["order.created: quote it: `type == \"order.created\"`"]);
    check("type != created", &["created: quote it: `type != \"created\"`"]);
    check("order.created == type", &["order.created: quote it: `\"order.created\" == type`"]);
    check("type == order-created", &["order-created: quote it: `type == \"order-created\"`"]);
    check(
        "type in [order.created, 'a', order.rejected]",
        &[
            "order.created: quote it: `\"order.created\"`",
            "order.rejected: quote it: `\"order.rejected\"`",
        ],
    );
    let expect = ["order.created: quote it: `meta.kind == \"order.created\"`"];
    assert_eq!(warnings("meta.kind == order.created", &flat("meta.kind")), expect);
}

#[test]
fn a_constant_without_quotes() {
    check("data.country == NO", &["NO: quote it: `data.country == \"NO\"`"]);
    check("Paid != data.status", &["Paid: quote it: `\"Paid\" != data.status`"]);
    check("data.country in [NO, 'SE']", &["NO: quote it: `\"NO\"`"]);
    check("data.vip == True", &["True: write `data.vip == true`"]);
    check("data.coupon != None", &["None: write `data.coupon != null`"]);
    assert_eq!(
        warnings("currency == AED", &flat("status")),
        ["AED: quote it: `currency == \"AED\"`"]
    );
}

#[test]
fn a_misspelt_standard_field() {
    check("tpye == 'a'", &["tpye: did you mean `type`?"]);
    check("Type == 'a'", &["Type: did you mean `type`?"]);
    check("has(tme)", &["tme: did you mean `time`?"]);
    check("dta.amount + data.amuont", &["dta: did you mean `data`?"]);
    check("Data['country']", &["Data: did you mean `data`?"]);
    check(
        "souce == 'a' && subjct == 'b'",
        &["souce: did you mean `source`?", "subjct: did you mean `subject`?"],
    );
    check("datacontentype == 'a'", &["datacontentype: did you mean `datacontenttype`?"]);
    check("event.type == 'a'", &["event.type: write `type`"]);
    check("event.data.amount", &["event.data.amount: write `data.amount`"]);
    assert_eq!(warnings("sttaus == 'a'", &flat("status")), ["sttaus: did you mean `status`?"]);
}

#[test]
fn a_type_that_the_rules_have_elsewhere() {
    let check = |kind: &str, source: &str, expect: &[&str]| {
        assert_eq!(warnings_as(source, &flat(kind), Expected::Bool), expect, "{source}");
    };
    let hint = "type: write `kind`, or `.type` if that other field is meant";
    check("kind", "type == 'a'", &[hint]);
    check("kind", "type in ['a', 'b'] || type.startsWith('c')", &[hint, hint]);
    check("kind", "has(type)", &[hint]);
    let deeper = "type: write `type.name`, or `.type` if that other field is meant";
    check("type.name", "type == 'a'", &[deeper]);
    // Who names both, or says that it is another one, means it.
    check("kind", "kind == 'a' && type == 'b'", &[]);
    check("kind", ".type == 'b' && type.name == 'c' && data.type == 'd'", &[]);
    check("kind", "id == 'a' && time == 'b'", &[]);
    check("type", "type == 'a'", &[]);
    let of_identity = Declarations {
        standard: vec![vec!["kind".to_owned()], vec!["type".to_owned()]],
        ..Declarations::default()
    };
    assert_eq!(warnings_as("type == 'a'", &of_identity, Expected::Bool), [""; 0]);
    // A value may be anything, such as a dimension.
    assert_eq!(warnings("type", &flat("kind")), [""; 0]);
}

#[test]
fn what_may_be_meant_is_not_warned_of() {
    for source in [
        "type == 'order.created' && subject == id",
        "source == data.source || id == data.parent || type == data.expected",
        "type == parenttype || type in data.types || data.types.exists(t, type == t)",
        "id == correlationid || source == partitionkey",
        "traceparent == 'a' && sampledrate > 3 && dataref != 'x' && sequence == '1'",
        "date == 'a' && times == 2 && mtime > 3 && types == 'x' && typ == 'y' && data2 == data.b",
        "uid == 'a' || ip == 'b' || tier == 'c' || name == 'd' || course == 'e' || object == 'f'",
        "event == 'a' || event.name == 'b' || events.type == 'c'",
        "data.country == data.Home && data.Country == Home",
        "data.amount > MAX || X == 'a' || COUNTRY == HOME",
        "data.tpye == 'a' && data.event.type == 'b' && data['Data'] == 'c'",
    ] {
        check(source, &[]);
    }
    for (kind, source) in [
        ("status", "status != previous_status && Status2 == 'a' && tpye == 'b' && dta == 'c'"),
        (
            "type",
            "event.type == 'message' && type == 'callback' && order_ip == 'a' && dates == 'b'",
        ),
        ("detail.type", "detail.type == detail.kind || detail.type == detail.a.type"),
        ("TYPE", "COUNTRY == HOME && country == HOME && TYPE == TYPE2"),
    ] {
        assert_eq!(warnings(source, &flat(kind)), [""; 0], "{source}");
    }
}
