//! Texts that are no templates: limits, broken YAML, and whatever mutations make of a good one. None may panic, and one
//! that is not read has a problem that says why.

use super::{check, is_there, read, settings};
use crate::template::TEMPLATE_BYTES_MAX;
use proptest::prelude::{ProptestConfig, any, prop};
use proptest::{prop_assert, proptest};

const TEMPLATE: &str = include_str!("realistic.yaml");

#[test]
fn what_is_no_template_is_told() {
    check("", &["1:1: the template is empty; write `Resources:` and what is to run"]);
    check(
        "a",
        &["1:1: a template is a map, and this is text; write `Resources:` and what is to run"],
    );
    check(
        "Conditions: {}\n",
        &["1:1: the template has no `Resources`; write `Resources:` and what is to run"],
    );
    check(
        "Resources: []\n",
        &["1:12: `Resources` is a map, and this is a list; write the resources by their names"],
    );
    check(
        "Resources: {A: {}}\n",
        &["1:13: the resource `A` is a map; write its `Type` and `Properties`"],
    );
    check(
        "Resources: {A: {Properties: {}}}\n",
        &[
            "1:13: the resource `A` has no type; add `Type: AWS::Serverless::Function` or what it is",
        ],
    );
    check(
        "Resources: {A: {Type: X, Propertes: {}}}\n",
        &["1:26: a resource has no key `Propertes`; did you mean `Properties`?"],
    );
    check(
        "Resorces: {}\nResources: {}\n",
        &["1:1: a template has no section `Resorces`; did you mean `Resources`?"],
    );
    check(
        "Resources: {A: {Type: X}, A: {Type: X}}\n",
        &["1:27: the key `A` stands twice; remove or rename one of them"],
    );
    check(
        "Resources: {}\n---\na: b\n",
        &["2:1: a second document begins here; a template is one; put it into a file of its own"],
    );
    check(
        "Resources: {'Fn::ForEach::A': []}\n",
        &[
            "1:13: `Fn::ForEach::A` makes resources by a function, which is not evaluated here; write the resources out",
        ],
    );
    check(
        "Resources: {<<: {}}\n",
        &[
            "1:13: CloudFormation knows no merge keys; write the keys out, or put them into `Globals`",
        ],
    );
    check(
        "Resources: {[a]: b}\n",
        &["1:13: a key is text, and this is not; if it is text, put it in quotes"],
    );
    check(
        "Resources: {a: *b}\n",
        &["1:16: no anchor `&b` stands before this alias; if this is text, put it in quotes"],
    );
}

#[test]
fn broken_yaml_is_told_where_it_breaks() {
    let problems = read("Resources:\n  A: [\n", &settings(), &is_there).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].position.line, 2);
    assert!(problems[0].message.starts_with("this is no YAML: "), "{}", problems[0].message);
}

#[test]
fn aliases_are_counted_as_often_as_they_are_used() {
    let bomb =
        (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
            let before = format!("*a{}, ", level - 1).repeat(10);
            format!("{text}a{level}: &a{level} [{before}]\n")
        });
    let problems = read(&bomb, &settings(), &is_there).unwrap_err();
    assert_eq!(
        problems[0].message,
        "the template has more than 100000 values, aliases counted as often as they are used"
    );
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(10_000));
    let again = read(&long, &settings(), &is_there).unwrap_err();
    assert_eq!(
        again[0].message,
        "the template has more than 100000 values, aliases counted as often as they are used"
    );
}

#[test]
fn nesting_is_limited_with_and_without_aliases() {
    for text in [
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        (1..100).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            format!("{text}a{level}: &a{level} [*a{}]\n", level - 1)
        }),
    ] {
        assert_eq!(read(&text, &settings(), &is_there).unwrap_err().len(), 1);
    }
}

#[test]
fn a_template_has_a_size() {
    let text = " ".repeat(TEMPLATE_BYTES_MAX + 1);
    check(
        &text,
        &[
            "1:1: the template has more than 1048576 bytes; split it, as CloudFormation takes no more either",
        ],
    );
}

#[test]
fn names_that_double_do_not_go_on_for_ever() {
    let buckets = (1..60).map(|number| {
        let before = number - 1;
        format!("  B{number}: {{Type: AWS::S3::Bucket, Properties: {{BucketName: !Sub '${{B{before}}}${{B{before}}}'}}}}\n")
    });
    let text = format!(
        "Resources:\n  B0: {{Type: AWS::S3::Bucket, Properties: {{BucketName: abc}}}}\n{}",
        buckets.collect::<String>()
    );
    let problems = read(&text, &settings(), &is_there).unwrap_err();
    assert!(problems[0].message.contains("has more than 262144 bytes"), "{problems:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_mutated_template_is_read_or_has_a_problem(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..20, any::<prop::sample::Index>(), 0_usize..60), 1..4)
    ) {
        let mut characters: Vec<char> = TEMPLATE.chars().collect();
        for (at, removed, from, copied) in changes {
            let at = at.index(characters.len());
            let from = from.index(characters.len());
            let copy: Vec<char> = characters.iter().skip(from).take(copied).copied().collect();
            let end = (at + removed).min(characters.len());
            characters.splice(at..end, copy);
        }
        let text: String = characters.into_iter().collect();
        match read(&text, &settings(), &|_| true) {
            Ok(template) => prop_assert!(template.stack.functions.len() <= 2 + text.matches("Type").count()),
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(text.get(problem.position.bytes()).is_some(), "{problem}");
                    prop_assert!(!problem.remedy.is_empty() && !problem.message.contains('\n'), "{problem}");
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_has_a_problem(text in "(Resources|Type|Ref|[!&*{}\\[\\]:,'\"|>#\n -]|[a-z]|\\PC){0,80}") {
        if let Err(problems) = read(&text, &settings(), &is_there) {
            prop_assert!(!problems.is_empty());
        }
    }
}
