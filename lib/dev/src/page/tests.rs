//! What stands in a page, and what cannot.

use super::*;

/// The page with this data, as text.
fn page(source: Source, catalog: &str, lines: &[&str]) -> String {
    let mut page = Vec::new();
    write(&mut page, source, catalog.as_bytes(), lines).unwrap();
    String::from_utf8(page).unwrap()
}

/// What stands in a page of this catalog, and of this line.
#[track_caller]
fn check(json: &str, expect: &str) {
    let page = page(Source::Itself, json, &[json]);
    for id in ["catalog", "lines"] {
        let (_, behind) = page.split_once(&format!(r#"id="{id}">"#)).unwrap();
        assert_eq!(behind.split_once("</script>").unwrap().0, expect, "{id}");
    }
}

#[test]
fn nothing_ends_the_element_of_the_data() {
    check(
        r#"{"a":"</script><!--<script>"}"#,
        r#"{"a":"\u003c/script\u003e\u003c!--\u003cscript\u003e"}"#,
    );
    check("\"a&b\u{2028}c\u{2029}\"", r#""a\u0026b\u2028c\u2029""#);
    check("\"…\u{202e}café 中\"", "\"…\u{202e}café 中\"");
}

#[test]
fn what_was_put_in_is_not_looked_at_again() {
    check(
        r#""{{lines}} {{policy}} {{catalog}} {{file:x}} {{""#,
        r#""{{lines}} {{policy}} {{catalog}} {{file:x}} {{""#,
    );
}

#[test]
fn all_files_are_joined_and_the_policy_names_them() {
    assert!(!PAGE.joined.contains("{{file:"));
    for (source, connect) in
        [(Source::Server, "connect-src 'self'"), (Source::Itself, "connect-src 'none'")]
    {
        let policy = policy(source);
        assert!(policy.contains(connect), "{policy}");
        assert!(page(source, "{}", &[]).contains(&format!(r#"content="{policy}""#)));
    }
    let expect = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    assert_eq!(hash("<b>abc</b>", "<b>", "</b>"), expect);
}

#[test]
fn limits_are_those_of_the_script() {
    let (_, store) = FILES.iter().find(|(path, _)| *path == "script/store.js").unwrap();
    let number = |name: &str| {
        let (_, behind) = store.split_once(&format!("  {name}: ")).unwrap();
        behind.split_once(',').unwrap().0.replace('_', "").parse::<usize>().unwrap()
    };
    let found = ["cells", "seriesPerMetric", "transitions"].map(number);
    assert_eq!(found, [WINDOWS_MAX, SERIES_MAX, TRANSITIONS_MAX]);
}
