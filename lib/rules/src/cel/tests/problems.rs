//! What is said about wrong expressions, and where.

use super::super::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, Expected, compile_as};
use super::declarations;
use streamgauge_engine::field::FieldTable;

/// The problems of an expression: `marked source: message (hint)`, the place between `«` and `»`.
fn problems(source: &str) -> Vec<String> {
    let result = compile_as(source, &mut FieldTable::default(), &declarations(), Expected::Bool);
    let shown = |problem: super::super::CelProblem| {
        let (before, rest) = source.split_at(problem.span.start);
        let (inside, after) = rest.split_at(problem.span.len());
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{before}«{inside}»{after}: {}{hint}", problem.message)
    };
    result.map_or_else(
        |problems| problems.into_iter().map(shown).collect(),
        |_| vec!["fine".to_owned()],
    )
}

fn check(source: &str, expect: &[&str]) {
    assert_eq!(problems(source), expect, "{source}");
}

#[test]
fn mistakes_in_the_grammar() {
    check("", &["«»: the expression is empty"]);
    check("type == 'a' &&", &["type == 'a' «&&»: expected an expression after `&&`"]);
    check(
        "type == 'a' && && x",
        &["type == 'a' && «&&» x: expected an expression after `&&`, found `&&`"],
    );
    check("type in ['a', 'b'", &["type in «[»'a', 'b': the list is never closed: expected `]`"]);
    check("(x && y", &["«(»x && y: the parenthesis is never closed: expected `)`"]);
    check("size(x", &["size«(»x: the call is never closed: expected `)`"]);
    check("{'a': 1", &["«{»'a': 1: the map is never closed: expected `}`"]);
    check("x)", &["x«)»: this `)` closes nothing"]);
    check("['a' 'b']", &["['a' «'b'»]: expected `,` or `]` before a string"]);
    check("['a')", &["['a'«)»: expected `,` or `]`, found `)`"]);
    check("x 'a'", &["x «'a'»: expected an operator before a string"]);
    check("data.", &["data«.»: expected a field name after `.`"]);
    check("x ? 1", &["x «?» 1: the condition has no `:` (write `x ? y : z`)"]);
    check(
        "{'a', 1}",
        &["{'a'«,» 1}: expected `:` after the key, found `,` (a map is `{\"key\": value}`)"],
    );
    check(
        "data.items.0",
        &[
            "data.items.«0»: expected a field name after `.`, found a number (other names stand in brackets: \
         `data[\"order-id\"]`, places in a list too: `data.items[0]`)",
        ],
    );
    check(
        "namespace == 'a'",
        &[
            "«namespace» == 'a': `namespace` is a reserved word of CEL (a field of this name can only be read behind a dot)",
        ],
    );
}

#[test]
fn slips_from_other_languages_are_told_together() {
    check(
        "type = 'a' & x === 1 | not y",
        &[
            "type «=» 'a' & x === 1 | not y: `=` is no comparison (write `==`)",
            "type = 'a' «&» x === 1 | not y: a single `&` is no operator (write `&&`)",
            "type = 'a' & x «===» 1 | not y: `===` is no operator (write `==`)",
            "type = 'a' & x === 1 «|» not y: a single `|` is no operator (write `||`)",
            "type = 'a' & x === 1 | «not» y: `not` is no operator (write `!`)",
        ],
    );
    check(
        "x and y OR z and w",
        &[
            "x «and» y OR z and w: `and` is no operator (write `&&`)",
            "x and y «OR» z and w: `or` is no operator (write `||`)",
            "x and y OR z «and» w: `and` is no operator (write `&&`)",
        ],
    );
    check("x <> 1", &["x «<>» 1: `<>` is no operator (write `!=`)"]);
    check(
        "x is null",
        &[
            "x «is» null: expected an operator before `is` (compare with `==`; `has(data.x)` tells whether a field is there)",
        ],
    );
    check(
        "type not in ['a']",
        &[
            "type «not» in ['a']: expected an operator before `not` (write `!(x in y)` for `x not in y`)",
        ],
    );
    check(
        "type contains 'a'",
        &[
            "type «contains» 'a': expected an operator before `contains` (it is a method: `x.contains(y)`)",
        ],
    );
    check(
        "type in ('a', 'b')",
        &["type in ('a'«,» 'b'): expected `)`, found `,` (a list stands in brackets: `[a, b]`)"],
    );
    check(
        "x ?? y",
        &[
            "x ?«?» y: expected an expression after `?`, found `?` (there is no `??`; write `has(a) ? a : b`)",
        ],
    );
    check("not == 1", &["fine"]);
}

#[test]
fn broken_words() {
    check(
        "type == 'a",
        &["type == «'a»: the string is never closed (it begins with `'` and must end with `'`)"],
    );
    check(
        "x == \"a' && y",
        &[
            "x == «\"a' && y»: the string is never closed (it begins with `\"` and must end with `\"`)",
        ],
    );
    check(
        r"x == 'a\qb'",
        &[
            r#"x == 'a«\q»b': there is no escape `\q` (write `\\` for a backslash, or a raw string: `r"…"`)"#,
        ],
    );
    check(
        r"x == '\u12'",
        &[
            r#"x == '«\u»12': the escape `\u` needs 4 hexadecimal digits (write `\\` for a backslash, or a raw string: `r"…"`)"#,
        ],
    );
    check(
        "x > 10m",
        &[
            "x > «10m»: `10m` is no number (numbers have no unit here, and names do not begin with a digit)",
        ],
    );
    check(
        "x == “a”",
        &["x == «“»a”: `“` is unexpected (strings stand in straight quotes: `\"` or `'`)"],
    );
    check("x @ y", &["x «@» y: `@` is unexpected"]);
    check(
        "x == 9223372036854775808",
        &[
            "x == «9223372036854775808»: the number does not fit an int (64 bits) (with a fraction (`.0`) it is a double)",
        ],
    );
    check(
        "x == 99999999999999999999",
        &["x == «99999999999999999999»: `99999999999999999999` is out of range"],
    );
}

#[test]
fn types_that_can_never_fit() {
    check(
        "type == 3",
        &["«type == 3»: a string and an int are never equal (strings stand in quotes: `\"3\"`)"],
    );
    check(
        "type == null",
        &[
            "«type == null»: a string and null are never equal (`!has(…)` tells whether a field is there)",
        ],
    );
    check(
        "type in [1, 2]",
        &["«type in [1, 2]»: a string is never in a list of which each element is an int"],
    );
    check(
        "type == ['a']",
        &[
            "«type == ['a']»: a string and a list are never equal (whether it is one of several is asked with `in`)",
        ],
    );
    check(
        "'a' in type",
        &[
            "«'a' in type»: `in` looks into a list or a map, this is a string (a part of a string is found with `contains`: `x.contains(y)`)",
        ],
    );
    check(
        "'a' + 1 == x",
        &["«'a' + 1» == x: there is no `+` of a string and an int (`string(…)` converts a number)"],
    );
    check(
        "1 + 1.0 == x",
        &[
            "«1 + 1.0» == x: there is no `+` of an int and a double (both sides must be of one type: `double(…)` and `int(…)` convert, and `2.0` is a double)",
        ],
    );
    check(
        "!type in ['a']",
        &[
            "!«type» in ['a']: `!` needs a bool, this is a string (`!` binds strongly: write `!(a == b)`, `!(a in b)` or `!has(a)`)",
        ],
    );
    check(
        "type && x",
        &[
            "«type» && x: expected a condition on the left of `&&`, which is true or false; this is a string",
        ],
    );
    check(
        "type",
        &[
            "«type»: expected a condition, which is true or false; this is a string (compare it: `… == \"…\"`)",
        ],
    );
    check("type.name == 'a'", &["«type.name» == 'a': `type` is a string and has no fields"]);
    check(
        "size(1) == 1",
        &["size(«1») == 1: `size` needs a string, bytes, a list or a map, this is an int"],
    );
    check("1 < 'a'", &["«1 < 'a'»: `<` cannot compare an int with a string"]);
    check(
        "{1.5: 2} == x",
        &[
            "{«1.5»: 2} == x: a double cannot be the key of a map (keys are strings, ints, uints or bools)",
        ],
    );
    check("{1: 2, 1u: 3} == x", &["{1: 2, «1u»: 3} == x: the key stands twice in the map"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    check(
        "type == 3 && id == 4 || nosuch(x)",
        &[
            "«type == 3» && id == 4 || nosuch(x): a string and an int are never equal (strings stand in quotes: `\"3\"`)",
            "type == 3 && «id == 4» || nosuch(x): a string and an int are never equal (strings stand in quotes: `\"4\"`)",
            "type == 3 && id == 4 || «nosuch»(x): there is no function `nosuch`",
        ],
    );
}

#[test]
fn functions_that_do_not_exist() {
    check(
        "type.startWith('a')",
        &["type.«startWith»('a'): there is no function `startWith` (did you mean `startsWith`?)"],
    );
    check(
        "startsWith(type, 'a')",
        &["«startsWith»(type, 'a'): there is no function `startsWith` (write `x.startsWith(y)`)"],
    );
    check(
        "exists(data.x)",
        &["«exists»(data.x): there is no function `exists` (did you mean `has`?)"],
    );
    check("len(x) > 1", &["«len»(x) > 1: there is no function `len` (did you mean `size`?)"]);
    check("has(x, y)", &["«has(x, y)»: `has` takes one field: `has(data.country)`"]);
    check(
        "has('x')",
        &[
            "has(«'x'»): `has` takes a field, not a string (leave out the quotes: `has(data.country)`)",
        ],
    );
    check(
        "size(x, y) > 1",
        &["«size(x, y)» > 1: wrong number of arguments for `size` (write `size(x)` or `x.size()`)"],
    );
    check(
        "type.matches('(')",
        &["type.matches(«'('»): the pattern cannot be read: found open group without closing ')'"],
    );
    check(
        "type.matches(x)",
        &[
            "type.matches(«x»): the pattern of `matches` must be a string literal (it is compiled when the rules are loaded)",
        ],
    );
    check(
        "x.all(1, true)",
        &["x.all(«1», true): expected a name for the elements: `list.all(x, …)`"],
    );
    check("x.all(y)", &["«x.all(y)»: `all` takes a name and an expression: `list.all(x, …)`"]);
}

#[test]
fn what_is_not_supported_says_so() {
    for (source, part) in [
        (
            "timestamp('2026-01-05T10:00:00Z') < x",
            "`timestamp` is not supported: it belongs to CEL's timestamps and durations",
        ),
        ("x.getHours() > 1", "`getHours` is not supported"),
        ("type(x) == 1", "`type` is not supported: it belongs to CEL's types as values"),
        (
            "x.lowerAscii() == 'a'",
            "`lowerAscii` is not supported: it belongs to CEL's strings extension",
        ),
        (
            "math.greatest(1, 2) > 1",
            "`greatest` is not supported: it belongs to an extension of CEL",
        ),
        ("a.?b == 1", "optional fields (`.?`) are not supported"),
        ("a[?0] == 1", "optional indexes (`[?…]`) are not supported"),
        ("[?a] == x", "optional elements (`?x`) are not supported"),
        ("Order{id: 1} == x", "messages (`Name{field: value}`) are not supported"),
        ("x.all(i, v, v > i)", "macros with two variables are not supported"),
    ] {
        let problems = problems(source);
        assert!(problems[0].contains(part), "{source}: {problems:?}");
    }
}

#[test]
fn limits_are_told_and_reached() {
    let parentheses = |count: usize| format!("{}x{}", "(".repeat(count), ")".repeat(count));
    check(&parentheses(EXPRESSION_DEPTH_MAX - 1), &["fine"]);
    for source in [
        parentheses(EXPRESSION_DEPTH_MAX),
        "!".repeat(50_000) + "x",
        format!("x == 1{}", " + 1".repeat(1_000)),
    ] {
        let problems = problems(&source);
        assert!(problems[0].contains("nests deeper than 100 levels"), "{:.200}", problems[0]);
    }
    check(&vec!["type == 'a'"; 4_000].join(" || "), &["fine"]);
    let problems = problems(&"x".repeat(EXPRESSION_BYTES_MAX + 1));
    assert!(problems[0].contains("the expression has 65537 bytes; the limit is 65536"));
}

#[test]
fn no_text_makes_it_panic() {
    let words = [
        "type", "==", "'a'", "(", ")", "[", "]", "{", "}", ",", ":", "?", ".", "!", "-", "&&",
        "in", "1", "é", "\\", "`", "x",
    ];
    let mut state = 7_usize;
    for length in 0..2_000 {
        let mut source = String::new();
        for _ in 0..length % 12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            source += words[(state >> 33) % words.len()];
        }
        if let Err(problems) =
            compile_as(&source, &mut FieldTable::default(), &declarations(), Expected::Any)
        {
            for problem in problems {
                assert!(source.get(problem.span.clone()).is_some(), "{source}: {problem:?}");
                assert!(!problem.span.is_empty() || source.is_empty(), "{source}: {problem:?}");
            }
        }
    }
}
