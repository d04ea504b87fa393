//! The shape of all files. A rule that nobody runs is a wish, so each one is a function over a file, and each has a test
//! that shows it a file that breaks it.

use super::source::{SourceFile, block_end, code, files, line_of, words};

/// The longest file, in lines.
const FILE_LINES_MAX: usize = 500;
/// The longest function, in lines from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Words that mark unfinished work, written so that this file is none of theirs.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

type Rule = fn(&SourceFile) -> Vec<String>;

/// Rules for every text file.
const TEXT_RULES: [Rule; 3] = [white_space, unfinished, final_newline];
/// Rules for Rust.
const RUST_RULES: [Rule; 5] =
    [file_length, function_length, module_prose, module_name, plain_names];

/// What the rules find in the files, as `path:line: problem`.
fn problems(files: &[SourceFile], rules: &[Rule]) -> Vec<String> {
    files.iter().flat_map(|file| rules.iter().flat_map(move |rule| rule(file))).collect()
}

fn at(file: &SourceFile, line: usize, problem: &str) -> String {
    format!("{}:{line}: {problem}", file.path)
}

fn each_line(file: &SourceFile, problem: &str, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = file.text.lines().zip(1..).filter(|(line, _)| wrong(line));
    lines.map(|(_, number)| at(file, number, problem)).collect()
}

fn white_space(file: &SourceFile) -> Vec<String> {
    each_line(file, "a tab, or white space at the end", |line| {
        line.contains('\t') || line.ends_with(char::is_whitespace)
    })
}

fn unfinished(file: &SourceFile) -> Vec<String> {
    each_line(file, "unfinished work is finished or goes into an issue", |line| {
        UNFINISHED.iter().any(|word| words(line, word).next().is_some())
    })
}

fn final_newline(file: &SourceFile) -> Vec<String> {
    let ends_well = file.text.ends_with('\n') && !file.text.ends_with("\n\n");
    if ends_well {
        vec![]
    } else {
        vec![at(file, file.text.lines().count(), "the file does not end with one newline")]
    }
}

fn file_length(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().count();
    let problem =
        format!("{lines} lines, at most {FILE_LINES_MAX}: is there a second subject in it?");
    if lines > FILE_LINES_MAX { vec![at(file, 1, &problem)] } else { vec![] }
}

fn function_length(file: &SourceFile) -> Vec<String> {
    let code = code(&file.text);
    let functions = words(&code, "fn").map(|start| {
        let first = line_of(&code, start);
        (first, line_of(&code, block_end(&code, start)) + 1 - first)
    });
    let long = functions.filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
    long.map(|(first, lines)| {
        at(file, first, &format!("a function of {lines} lines, at most {FUNCTION_LINES_MAX}"))
    })
    .collect()
}

fn module_prose(file: &SourceFile) -> Vec<String> {
    if file.text.starts_with("//! ") {
        vec![]
    } else {
        vec![at(file, 1, "a module opens with `//!` prose that teaches it")]
    }
}

fn module_name(file: &SourceFile) -> Vec<String> {
    let wrong = file.path.ends_with("/mod.rs");
    if wrong {
        vec![at(file, 1, "a module is `name.rs` beside `name/`, never `mod.rs`")]
    } else {
        vec![]
    }
}

/// Names are plain English letters. Strings and comments may hold any language; events do.
fn plain_names(file: &SourceFile) -> Vec<String> {
    let code = SourceFile { path: file.path.clone(), text: code(&file.text) };
    each_line(&code, "a letter outside ASCII in a name", |line| !line.is_ascii())
}

#[test]
fn texts_are_tidy() {
    let found = problems(&files(&["rs", "toml", "md", "yaml", "yml", "sh", ""]), &TEXT_RULES);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn rust_is_tidy() {
    let found = problems(&files(&["rs"]), &RUST_RULES);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Shows a rule a file: the lines on which it finds something.
#[track_caller]
fn check(rule: Rule, text: &str, expect: &[usize]) {
    let file = SourceFile { path: "lib/x.rs".to_owned(), text: text.to_owned() };
    let found = rule(&file);
    let lines: Vec<usize> =
        found.iter().map(|problem| problem.split(':').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(lines, expect, "{found:?}");
}

#[test]
fn white_space_at_the_end_and_tabs_are_found() {
    check(white_space, "a\nb \n\tc\nd\n", &[2, 3]);
}

#[test]
fn unfinished_work_is_found() {
    check(unfinished, &format!("a\n// {} b\nlet {}s = 1;\n", UNFINISHED[0], UNFINISHED[0]), &[2]);
    check(unfinished, &format!("{}: c\n", UNFINISHED[1]), &[1]);
}

#[test]
fn a_file_ends_with_one_newline() {
    check(final_newline, "a\n", &[]);
    check(final_newline, "a\nb", &[2]);
    check(final_newline, "a\n\n", &[2]);
}

#[test]
fn long_files_are_found() {
    check(file_length, &"a\n".repeat(500), &[]);
    check(file_length, &"a\n".repeat(501), &[1]);
}

#[test]
fn long_functions_are_found() {
    let function = |lines: usize| format!("\nfn f() {{\n{}}}\n", "// }\n".repeat(lines - 2));
    check(function_length, &function(70), &[]);
    check(function_length, &function(71), &[2]);
}

#[test]
fn a_declaration_has_no_body() {
    check(function_length, &format!("trait T {{\nfn f();\n{}}}\n", "\n".repeat(80)), &[]);
}

#[test]
fn missing_prose_is_found() {
    check(module_prose, "//! Prose.\n", &[]);
    check(module_prose, "use a;\n", &[1]);
}

#[test]
fn mod_rs_is_found() {
    let file = SourceFile { path: "lib/a/mod.rs".to_owned(), text: String::new() };
    assert_eq!(module_name(&file).len(), 1);
    check(module_name, "", &[]);
}

#[test]
fn foreign_letters_are_found_in_names_only() {
    check(plain_names, "let a = \"é\"; // é\nlet é = 1;\n", &[2]);
}
