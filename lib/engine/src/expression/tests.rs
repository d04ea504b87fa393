//! Programs against fields, and the fast form of filters against the plain evaluation.

use super::node::{Arithmetic, Comparison, Function, Node, TextTest};
use super::value::{List, Value, raw_text};
use super::{EvalError, Program};
use crate::field::{FieldId, FieldTable, FieldValues, Raw};
use std::borrow::Cow;

fn text(text: &str) -> Node {
    Node::Constant(Value::Text(Cow::Owned(text.to_owned())))
}

fn texts(texts: &[&str]) -> Node {
    let values = texts.iter().map(|&each| Value::Text(Cow::Owned(each.to_owned()))).collect();
    Node::Constant(Value::List(List::Built(values)))
}

fn equal(left: Node, right: Node) -> Node {
    Node::Compare(Comparison::Equal, Box::new([left, right]))
}

/// Two fields, and every raw value that they can have in the tests.
fn two_fields() -> (FieldTable, FieldId, FieldId) {
    let mut table = FieldTable::default();
    let (one, other) = (table.intern(&["type"]), table.intern(&["data", "x"]));
    (table, one, other)
}

const RAWS: [Raw<'static>; 16] = [
    Raw::Unreachable,
    Raw::Absent,
    Raw::Null,
    Raw::Bool(true),
    Raw::Bool(false),
    Raw::Number("1"),
    Raw::Number("1.0"),
    Raw::Number("-7"),
    Raw::Number("1e400"),
    Raw::Text("a"),
    Raw::Text("b"),
    Raw::Text(""),
    Raw::Escaped(r"\u0061"),
    Raw::Escaped(r"\n"),
    Raw::Array(r#"["a", 1]"#),
    Raw::Object(r#"{"a": 1}"#),
];

/// A reproducible source of choices (xorshift).
struct Choices(u64);

impl Choices {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn node(&mut self, fields: [FieldId; 2], depth: usize) -> Node {
        let field = Node::Field(fields[self.below(2)]);
        if depth == 0 || self.below(4) == 0 {
            let comparisons = [
                Comparison::Equal,
                Comparison::NotEqual,
                Comparison::Less,
                Comparison::AtMost,
                Comparison::Greater,
                Comparison::AtLeast,
            ];
            let comparison = comparisons[self.below(6)];
            let constant = match self.below(6) {
                0 => Node::Constant(Value::Int(1)),
                1 => Node::Constant(Value::Double(1.5)),
                2 => Node::Constant(Value::Bool(true)),
                3 => Node::Constant(Value::Null),
                4 => text("b"),
                _ => text("a"),
            };
            return match self.below(8) {
                0 => field,
                1 => Node::Constant(Value::Bool(self.below(2) == 0)),
                2 => Node::HasField(fields[self.below(2)]),
                3 => Node::In(Box::new([field, texts(&["a", "b", "a"])])),
                4 => Node::In(Box::new([text("a"), field])),
                5 => Node::TextTest(
                    [TextTest::StartsWith, TextTest::Contains][self.below(2)],
                    Box::new([field, text("a")]),
                ),
                6 => Node::Compare(comparison, Box::new([constant, field])),
                _ => Node::Compare(comparison, Box::new([field, constant])),
            };
        }
        let mut parts =
            || (0..2 + self.below(2)).map(|_| self.node(fields, depth - 1)).collect::<Vec<_>>();
        let parts = parts();
        match self.below(3) {
            0 => Node::And(parts),
            1 => Node::Or(parts),
            _ => Node::Not(Box::new(parts.into_iter().next().unwrap())),
        }
    }
}

#[test]
fn the_fast_form_agrees_with_the_plain_evaluation() {
    let (table, one, other) = two_fields();
    let mut choices = Choices(0x9E37_79B9_7F4A_7C15);
    let mut outcomes = [0; 3];
    for _ in 0..2_000 {
        let program = Program::new(choices.node([one, other], 3));
        let mut values = FieldValues::new(table.len());
        values.as_mut_slice()[0] = RAWS[choices.below(RAWS.len())];
        values.as_mut_slice()[1] = RAWS[choices.below(RAWS.len())];
        let plain = program.evaluate(&values);
        assert_eq!(
            program.matches(&values),
            plain == Ok(Value::Bool(true)),
            "{program:?} with {values:?}"
        );
        outcomes[match plain {
            Ok(Value::Bool(true)) => 0,
            Ok(_) => 1,
            Err(_) => 2,
        }] += 1;
        check_required(&program, &values, &[one, other]);
    }
    assert!(
        outcomes.iter().all(|&count| count > 100),
        "the choices cover too little: {outcomes:?}"
    );
}

/// A program that matches must have one of the required strings in the required field.
fn check_required(program: &Program, values: &FieldValues<'_>, fields: &[FieldId]) {
    for &field in fields {
        if let Some(required) = program.required_for(field)
            && program.matches(values)
        {
            let found = raw_text(values.get(field)).unwrap();
            assert!(
                required.contains(&&*found),
                "{program:?} matches {found} and requires {required:?}"
            );
        }
    }
}

#[test]
fn required_strings_are_found_through_and_or_and_in() {
    let (_, kind, other) = two_fields();
    let is = |value: &str| equal(Node::Field(kind), text(value));
    let other_is = |value: &str| equal(text(value), Node::Field(other));
    let check = |node: Node, expect: Option<(FieldId, &[&str])>| {
        let program = Program::new(node);
        let expect = expect.map(|(field, texts)| (field, texts.to_vec()));
        assert_eq!(program.required(), expect, "{program:?}");
    };
    check(is("a"), Some((kind, &["a"])));
    check(
        Node::In(Box::new([Node::Field(kind), texts(&["b", "a", "b"])])),
        Some((kind, &["a", "b"])),
    );
    check(Node::Or(vec![is("b"), is("a")]), Some((kind, &["a", "b"])));
    check(Node::Or(vec![is("b"), other_is("a")]), None);
    check(Node::Or(vec![is("b"), Node::Constant(Value::Bool(true))]), None);
    check(Node::And(vec![Node::Or(vec![is("b"), is("a")]), other_is("x")]), Some((other, &["x"])));
    check(Node::And(vec![is("a"), Node::Not(Box::new(other_is("x")))]), Some((kind, &["a"])));
    check(Node::Not(Box::new(is("a"))), None);
    check(Node::Constant(Value::Bool(true)), None);
    let both = Program::new(Node::And(vec![is("a"), other_is("x")]));
    assert_eq!(both.required_for(other), Some(vec!["x"]));
    assert_eq!(both.required_for(kind), Some(vec!["a"]));
}

#[test]
fn a_path_is_known_as_such() {
    let (_, kind, _) = two_fields();
    assert_eq!(Program::new(Node::Field(kind)).path(), Some(kind));
    assert_eq!(Program::new(equal(Node::Field(kind), text("a"))).path(), None);
}

#[test]
fn long_lists_of_strings_are_searched_too() {
    let (table, kind, _) = two_fields();
    let many: Vec<String> = (0..100).map(|number| format!("t{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let program = Program::new(Node::In(Box::new([Node::Field(kind), texts(&many)])));
    for (raw, expect) in [
        (Raw::Text("t0"), true),
        (Raw::Text("t99"), true),
        (Raw::Text("t100"), false),
        (Raw::Escaped(r"\u00745"), true),
        (Raw::Null, false),
        (Raw::Absent, false),
    ] {
        let mut values = FieldValues::new(table.len());
        values.as_mut_slice()[0] = raw;
        assert_eq!(program.matches(&values), expect, "{raw:?}");
    }
}

#[test]
fn errors_tell_what_went_wrong() {
    let (table, kind, _) = two_fields();
    let field = || Node::Field(kind);
    let values_with = |raw: Raw<'static>| {
        let mut values = FieldValues::new(table.len());
        values.as_mut_slice()[0] = raw;
        values
    };
    let check = |node: Node, raw: Raw<'static>, expect: EvalError| {
        let program = Program::new(node);
        assert_eq!(program.evaluate(&values_with(raw)), Err(expect), "{program:?} with {raw:?}");
    };
    let add = |right| {
        Node::Arithmetic(Arithmetic::Add, Box::new([Node::Field(kind), Node::Constant(right)]))
    };
    let divide = |right| {
        Node::Arithmetic(Arithmetic::Divide, Box::new([Node::Field(kind), Node::Constant(right)]))
    };
    check(field(), Raw::Absent, EvalError::Missing);
    check(Node::HasField(kind), Raw::Unreachable, EvalError::Missing);
    check(add(Value::Int(1)), Raw::Number("9223372036854775807"), EvalError::OutOfRange);
    check(add(Value::Int(1)), Raw::Number("1.5"), EvalError::WrongType);
    check(add(Value::Int(1)), Raw::Text("a"), EvalError::WrongType);
    check(divide(Value::Int(0)), Raw::Number("1"), EvalError::DivisionByZero);
    check(divide(Value::Int(-1)), Raw::Number("-9223372036854775808"), EvalError::OutOfRange);
    check(Node::Negate(Box::new(field())), Raw::Bool(true), EvalError::WrongType);
    check(Node::Call(Function::Int, Box::new(field())), Raw::Text("7 "), EvalError::Conversion);
    check(Node::Call(Function::Uint, Box::new(field())), Raw::Number("-1"), EvalError::OutOfRange);
    check(
        Node::Select(Box::new(field()), "a".into()),
        Raw::Object(r#"{"a":1,"a":2}"#),
        EvalError::DuplicateKey,
    );
    check(Node::Index(Box::new([field(), text("a")])), Raw::Array("[1]"), EvalError::WrongType);
    check(
        Node::Index(Box::new([field(), Node::Constant(Value::Int(1))])),
        Raw::Array("[1]"),
        EvalError::Missing,
    );
    check(Node::Map(vec![(field(), text("a"))]), Raw::Number("1.5"), EvalError::InvalidKey);
}

#[test]
fn scalars_have_the_text_of_the_output() {
    for (raw, expect) in [
        (Raw::Text("a"), Some("a")),
        (Raw::Escaped(r"a\u0062"), Some("ab")),
        (Raw::Number("42"), Some("42")),
        (Raw::Number("400.0"), Some("400")),
        (Raw::Bool(true), Some("true")),
        (Raw::Null, None),
        (Raw::Absent, None),
        (Raw::Array("[]"), None),
    ] {
        assert_eq!(raw_text(raw).as_deref(), expect, "{raw:?}");
        let computed = Value::from_raw(raw).ok().and_then(Value::into_text);
        assert_eq!(computed.as_deref(), expect, "{raw:?}");
    }
    assert_eq!(Value::Double(0.5).into_text().as_deref(), Some("0.5"));
    assert_eq!(Value::Uint(7).into_text().as_deref(), Some("7"));
}
