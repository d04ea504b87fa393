//! Invariant E1: the engine has no clock, no I/O, no async, no environment and no hash order.
//!
//! Three nets, each finer than the last: `lib/engine/clippy.toml` must hold each ban, so that clippy sees what the
//! compiler resolves; the source must not name what is banned, so that a path clippy does not know is seen as well; and
//! no crate below the engine may be one of those that do I/O, keep threads or read clocks. Test modules are left out of
//! the source: they may read vectors from files.

use super::edges::cargo;
use super::source::{
    SourceFile, block_end, code, files, is_word, line_of, read, without_tests, words,
};

/// What `lib/engine/clippy.toml` must ban.
const BANS: [&str; 15] = [
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::time::SystemTime",
    "std::time::Instant",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "jiff::tz::TimeZone::system",
    "std::env::var",
    "std::env::var_os",
    "std::thread::spawn",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::fs::File",
    "std::net::TcpStream",
    "std::println",
];

/// Paths that the source must not hold; a longer path that begins with one is banned too. A word alone is no path: it may
/// be a variable.
const PATHS: [&str; 17] = [
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync::mpsc",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::collections::hash_map",
    "std::hash::RandomState",
    "tokio",
    "futures",
    "tracing",
    "log",
];

/// Words that the source must not hold, wherever they come from.
const WORDS: [&str; 10] = [
    "async",
    "await",
    "println",
    "eprintln",
    "print",
    "eprint",
    "dbg",
    "SystemTime",
    "Instant",
    "RandomState",
];

/// Crates that must not stand below the engine, by the beginning of their names.
const CRATES: [&str; 24] = [
    "async-",
    "aws-",
    "chrono",
    "crossbeam",
    "env_logger",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "lambda",
    "log",
    "mio",
    "nix",
    "parking_lot",
    "rand",
    "rayon",
    "redb",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tracing",
];

/// The bans of a `clippy.toml`, comments aside.
fn bans(clippy: &str) -> Vec<&str> {
    let entries = clippy.lines().filter_map(|line| line.trim().strip_prefix("{ path = \""));
    entries.filter_map(|entry| entry.split_once('"')).map(|(path, _)| path).collect()
}

fn missing_bans(clippy: &str) -> Vec<&'static str> {
    let bans = bans(clippy);
    BANS.into_iter().filter(|ban| !bans.contains(ban)).collect()
}

/// What a file of the engine must not hold.
fn impurities(file: &SourceFile) -> Vec<String> {
    let code = without_tests(&code(&file.text));
    let banned = |path: &str| {
        path.contains("::")
            && PATHS.iter().any(|ban| {
                path.strip_prefix(ban).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            })
    };
    let used = paths(&code).into_iter().filter(|(path, _)| banned(path));
    let paths = used.map(|(path, at)| (format!("`{path}`"), line_of(&code, at)));
    let found = WORDS.iter().flat_map(|word| words(&code, word).map(move |at| (word, at)));
    let words = found.map(|(word, at)| (format!("`{word}`"), line_of(&code, at)));
    paths
        .chain(words)
        .map(|(what, line)| format!("{}:{line}: {what} in the engine", file.path))
        .collect()
}

/// Every path in the code with its place; the lists of `use` declarations are spelt out.
fn paths(code: &str) -> Vec<(String, usize)> {
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(byte) = code.as_bytes().get(at) {
        if !is_word(*byte) {
            at += 1;
            continue;
        }
        let length = path_length(code.split_at(at).1);
        let text: String = code.split_at(at).1.split_at(length).0.split_whitespace().collect();
        paths.extend(spell_out(&text).into_iter().map(|path| (path, at)));
        at += length;
    }
    paths
}

/// The length of the path at the beginning: words joined by `::`, with a list in braces at the end.
fn path_length(code: &str) -> usize {
    let word_length = |text: &str| text.bytes().take_while(|byte| is_word(*byte)).count();
    let mut length = word_length(code);
    while let Some(rest) = code.split_at(length).1.trim_start().strip_prefix("::") {
        let rest = rest.trim_start();
        let next = code.len() - rest.len();
        if rest.starts_with('{') {
            return block_end(code, next);
        }
        if word_length(rest) == 0 {
            break;
        }
        length = next + word_length(rest);
    }
    length
}

/// `std::{fs, time::{Instant, Duration}}` to its three paths. `self` stands for the path before it.
fn spell_out(path: &str) -> Vec<String> {
    let Some((before, list)) = path.split_once('{') else {
        return vec![path.trim_end_matches("::self").to_owned()];
    };
    let list = list.strip_suffix('}').unwrap_or(list);
    let (mut depth, mut items) = (0, vec![String::new()]);
    for character in list.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            items.push(String::new());
        } else {
            items.last_mut().unwrap().push(character);
        }
    }
    items
        .iter()
        .filter(|item| !item.is_empty())
        .flat_map(|item| spell_out(&format!("{before}{item}")))
        .collect()
}

/// The crates of a `cargo tree` that must not stand below the engine.
fn impure_crates(tree: &str) -> Vec<&str> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| CRATES.iter().any(|banned| name.starts_with(banned))).collect()
}

#[test]
fn clippy_bans_what_the_engine_must_not_use() {
    assert_eq!(missing_bans(&read("lib/engine/clippy.toml")), [""; 0]);
}

#[test]
fn the_engine_is_pure() {
    let engine = files(&["rs"]).into_iter().filter(|file| file.path.starts_with("lib/engine/src/"));
    let engine: Vec<SourceFile> = engine.filter(|file| !file.path.contains("tests")).collect();
    assert!(engine.len() > 5, "the engine was not found");
    let found: Vec<String> = engine.iter().flat_map(impurities).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// `cargo tree` and not `cargo metadata`: it shows what is really compiled for this machine, and needs nothing else here.
#[test]
fn no_crate_below_the_engine_does_io() {
    let arguments =
        ["tree", "--package", "streamgauge-engine", "--edges", "normal,build", "--prefix", "none"];
    let tree = cargo(&arguments);
    assert!(tree.starts_with("streamgauge-engine "), "{tree}");
    assert_eq!(impure_crates(&tree), [""; 0]);
}

#[test]
fn a_missing_ban_is_found() {
    let clippy = read("lib/engine/clippy.toml");
    let without = clippy.replace("{ path = \"std::env::var\"", "# { path = \"std::env::var\"");
    assert_eq!(missing_bans(&without), ["std::env::var"]);
}

#[test]
fn impure_crates_are_found() {
    assert_eq!(
        impure_crates("a v1 (path)\ntokio v1\naws-config v1\nmemchr v2\n"),
        ["tokio", "aws-config"]
    );
}

/// Shows a file to the scan: what it finds, as `line: what`.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let file = SourceFile { path: "x.rs".to_owned(), text: text.to_owned() };
    let mut found: Vec<String> = impurities(&file);
    for problem in &mut found {
        *problem = problem
            .strip_prefix("x.rs:")
            .unwrap()
            .strip_suffix(" in the engine")
            .unwrap()
            .to_owned();
    }
    assert_eq!(found, expect);
}

#[test]
fn pure_code_passes() {
    check(
        "use std::collections::{BTreeMap, BTreeSet};\nuse hashbrown::HashMap; // std::fs\nlet a = \"std::env\";\n",
        &[],
    );
}

#[test]
fn banned_paths_are_found_in_full() {
    check("let a =\n    std::fs::read(b);\n", &["2: `std::fs::read`"]);
    check("use std::net::*;", &["1: `std::net`"]);
    check("log::info!();", &["1: `log::info`"]);
}

#[test]
fn banned_paths_are_found_in_lists() {
    check("use std::{fs, sync::{Arc, mpsc}};", &["1: `std::fs`", "1: `std::sync::mpsc`"]);
    check("use std::io::{self, Write};", &["1: `std::io`", "1: `std::io::Write`"]);
    check(
        "use std::collections::{\n    BTreeMap, HashMap,\n};",
        &["1: `std::collections::HashMap`"],
    );
}

#[test]
fn banned_words_are_found() {
    check(
        "async fn f() {}\nprintln!();\nlet asynchronous = Instant::now();\n",
        &["1: `async`", "2: `println`", "3: `Instant`"],
    );
}

#[test]
fn longer_names_are_free() {
    check(
        "use std::environment;\nlet log = 1;\nlet logs = catalog::log_linear();\nuse regex::logic;\n",
        &[],
    );
}

#[test]
fn test_modules_may_read_files() {
    check("#[cfg(test)]\nmod tests {\n    use std::fs;\n}\nuse std::fs;\n", &["5: `std::fs`"]);
}
