//! The repository's files, and Rust source with everything blanked that is not code.
//!
//! [`code`] replaces comments, strings and characters by spaces and keeps every line where it is. What is left can be
//! searched for words and matched for braces without a parser: `"{"` and `// }` are gone. It knows nested comments, raw
//! strings and the difference between `'a'` and `'a`, which is all that Rust needs here.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// The path from the root, with slashes.
    pub(crate) path: String,
    /// The content.
    pub(crate) text: String,
}

/// Folders that hold what the project wrote; others (`target`, editors' files) are not looked at.
const FOLDERS: [&str; 10] =
    [".ci", ".cargo", "cli", "docs", "events", "functions", "layer", "lib", "scripts", "tests"];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One file, by its path from the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files with one of these extensions (an empty one stands for none), sorted. Fixtures may be ugly on purpose.
pub(crate) fn files(extensions: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut add = |path: &Path| {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        if extensions.contains(&extension) && !relative.contains("/fixtures/") {
            files.push(SourceFile { text: read(&relative), path: relative });
        }
    };
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !name.starts_with('.') && name != "LICENSE" {
            add(&path);
        } else if FOLDERS.contains(&name) {
            walk(&path, &mut add);
        }
    }
    files.sort_by(|first, second| first.path.cmp(&second.path));
    files
}

fn walk(folder: &Path, add: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, add) } else { add(&path) }
    }
}

/// The source with comments, strings and characters blanked.
pub(crate) fn code(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut code = Vec::with_capacity(rest.len());
    while let Some(&byte) = rest.first() {
        let in_word = code.last().is_some_and(|last| is_word(*last));
        let length = blank_length(rest, in_word);
        if length == 0 {
            code.push(byte);
            rest = &rest[1..];
        } else {
            let (blank, after) = rest.split_at(length.min(rest.len()));
            code.extend(blank.iter().map(|blanked| if *blanked == b'\n' { b'\n' } else { b' ' }));
            rest = after;
        }
    }
    String::from_utf8(code).unwrap()
}

/// The length of the comment, string or character that begins here; 0 if none does.
fn blank_length(rest: &[u8], in_word: bool) -> usize {
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => comment_length(rest),
        [b'"', ..] => quoted_length(rest, b'"'),
        [b'\'', b'\\', ..] => quoted_length(rest, b'\''),
        [b'\'', first, ..] => {
            // 'a' is a character, 'a without the second quote a lifetime.
            let width = match first {
                0..0xc0 => 1,
                0xc0..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        [b'b' | b'c', b'r', ..] if !in_word => {
            raw_length(&rest[1..]).map_or(0, |length| length + 1)
        }
        [b'r', ..] if !in_word => raw_length(rest).unwrap_or(0),
        _ => 0,
    }
}

fn comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r"…"` or `r#"…"#`; none if it is an ordinary word or a raw identifier.
fn raw_length(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    let body = rest[1 + hashes..].strip_prefix(b"\"")?;
    let end = body
        .windows(1 + hashes)
        .position(|bytes| bytes[0] == b'"' && bytes[1..].iter().all(|byte| *byte == b'#'));
    Some(end.map_or(rest.len(), |end| rest.len() - body.len() + end + 1 + hashes))
}

/// Whether a byte can stand in a name.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The places where a word stands by itself.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).is_some_and(|at| is_word(bytes[at]));
        let after = bytes.get(at + word.len()).is_some_and(|byte| is_word(*byte));
        !before && !after
    })
}

/// The end of the block whose opening brace is the first one at or after `from`, or of the item that ends without one.
pub(crate) fn block_end(code: &str, from: usize) -> usize {
    let (mut braces, mut others) = (0, 0);
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' => braces += 1,
            b'}' => braces -= 1,
            b'(' | b'[' => others += 1,
            b')' | b']' => others -= 1,
            b';' if braces == 0 && others == 0 => return at + 1,
            _ => continue,
        }
        if braces == 0 && byte == b'}' {
            return at + 1;
        }
    }
    code.len()
}

/// Code without the items under `#[cfg(test)]`: their lines become empty.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once(MARK) {
        let (item, behind) = after.split_at(block_end(after, 0));
        kept.push_str(before);
        kept.extend(item.chars().filter(|character| *character == '\n'));
        rest = behind;
    }
    kept + rest
}

/// The line, from 1, on which a place of a text stands.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let squeezed = code(text).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed, expect);
}

#[test]
fn comments_are_blanked() {
    check("a // b\nc", "a c");
    check("a /* b /* c */ d */ e", "a e");
}

#[test]
fn strings_are_blanked() {
    check(r#"a("{\"}", b"}", c)"#, "a( , b , c)");
    check(r##"a(r#"{"}"#, br"\")"##, "a( , )");
}

#[test]
fn characters_are_blanked_and_lifetimes_are_not() {
    check(r"f::<'a>('{', '\'', 'é', b'}')", "f::<'a>( , , , b )");
}

#[test]
fn raw_identifiers_and_words_that_end_in_r_stay() {
    check("r#type + bar + for r in x", "r#type + bar + for r in x");
}

#[test]
fn lines_stay_where_they_are() {
    assert_eq!(code("a\n\"b\nc\"\nd").matches('\n').count(), 3);
}

#[test]
fn words_stand_by_themselves() {
    assert_eq!(words("fn async_fn(a: async)", "async").collect::<Vec<_>>(), [15]);
}

#[test]
fn blocks_end_with_their_brace() {
    let code = "fn f(a: [u8; 2]) { { } } fn g();";
    assert_eq!(code.split_at(block_end(code, 0)).1, " fn g();");
    assert_eq!(block_end(code, 25), code.len());
}

#[test]
fn tests_are_left_out() {
    let code = "a;\n#[cfg(test)]\nmod tests {\n  b;\n}\nc;\n#[cfg(test)]\nmod tests;\nd;";
    let kept = without_tests(code);
    assert_eq!(kept.split_whitespace().collect::<Vec<_>>(), ["a;", "c;", "d;"]);
    assert_eq!(line_of(&kept, kept.find("d;").unwrap()), 9);
}

#[test]
fn this_file_is_found() {
    assert!(files(&["rs"]).iter().any(|file| file.path == "tests/tests/suite/source.rs"));
}
