//! The little of a shell that documents use: words, quotes, `NAME=VALUE`, `$NAME`, `for`, `>>`; so no shell is needed, and no other program.

use std::collections::BTreeMap;

/// The date in the two forms that documents take it in.
const DATE: &str = "$(date -u +%FT%TZ)";
const SECONDS: &str = "$(date +%s)";

/// Variables of the session, and what `date` tells.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) now: String,
    pub(super) seconds: String,
    pub(super) variables: BTreeMap<String, String>,
}

impl Shell {
    /// The commands of a line, each as its words. What the line assigns is kept.
    pub(super) fn commands(&mut self, line: &str) -> Result<Vec<Vec<String>>, String> {
        if let Some(rest) = line.strip_prefix("for ") {
            return self.each(rest).ok_or("a `for` is `for NAME in WORDS; do COMMAND; done`")?;
        }
        let words = self.words(line)?;
        let assigned = words.first().and_then(|word| word.split_once('='));
        match assigned {
            Some((name, value)) if words.len() == 1 => {
                self.variables.insert(name.to_owned(), value.to_owned());
                Ok(vec![])
            }
            _ => Ok(vec![words]),
        }
    }

    /// The commands of a `for`, behind that word.
    fn each(&mut self, text: &str) -> Option<Result<Vec<Vec<String>>, String>> {
        let (name, rest) = text.split_once(" in ")?;
        let (values, rest) = rest.split_once("; do ")?;
        let body = rest.strip_suffix("; done")?;
        let mut commands = Vec::new();
        for value in values.split_whitespace() {
            self.variables.insert(name.to_owned(), value.to_owned());
            match self.commands(body) {
                Ok(made) => commands.extend(made),
                problem => return Some(problem),
            }
        }
        Some(Ok(commands))
    }

    /// The words of a command.
    fn words(&self, line: &str) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut rest = line;
        loop {
            let mut letters = rest.chars();
            let Some(next) = letters.next() else { break };
            match (quote, next) {
                (None, ' ') => words.extend(word.take()),
                (None, '\'' | '"') => {
                    quote = Some(next);
                    word.get_or_insert_default();
                }
                (Some(open), _) if next == open => quote = None,
                (None | Some('"'), '$') => {
                    let (value, behind) = self.value(rest)?;
                    word.get_or_insert_default().push_str(value);
                    rest = behind;
                    continue;
                }
                (None, '|' | ';' | '&' | '<' | '`' | '\\' | '*') => {
                    return Err(format!("`{next}` is more of a shell than this knows"));
                }
                _ => word.get_or_insert_default().push(next),
            }
            rest = letters.as_str();
        }
        words.extend(word);
        if quote.is_some() { Err("a quote is not closed".to_owned()) } else { Ok(words) }
    }

    /// What a `$` stands for, and what comes behind it.
    fn value<'a>(&'a self, text: &'a str) -> Result<(&'a str, &'a str), String> {
        if let Some(rest) = text.strip_prefix(DATE) {
            return Ok((&self.now, rest));
        }
        if let Some(rest) = text.strip_prefix(SECONDS) {
            return Ok((&self.seconds, rest));
        }
        let name = text.trim_start_matches('$');
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (name, rest) = name.split_at(end.unwrap_or(name.len()));
        let value = self.variables.get(name).ok_or(format!("`${name}` has no value"))?;
        Ok((value, rest))
    }
}

/// Shows a line to a shell in which `a` is `1`: its commands.
#[track_caller]
fn check(line: &str, expect: &[&[&str]]) {
    let variables = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let mut shell = Shell { now: "NOW".to_owned(), seconds: "99".to_owned(), variables };
    assert_eq!(shell.commands(line).unwrap(), expect);
}

#[test]
fn lines_become_words() {
    check("a b  c", &[&["a", "b", "c"]]);
    check(r#"a '{"b":"'$a'"}' "x $a" ''"#, &[&["a", r#"{"b":"1"}"#, "x 1", ""]]);
    check("b $(date -u +%FT%TZ) $(date +%s)000", &[&["b", "NOW", "99000"]]);
    check("for x in 1 2; do b 'c '$x; done", &[&["b", "c 1"], &["b", "c 2"]]);
    check("x=$a", &[]);
}

#[test]
fn what_is_not_known_is_told() {
    let (now, seconds) = (String::new(), String::new());
    let mut shell = Shell { now, seconds, variables: BTreeMap::new() };
    for line in ["a | b", "a 'b", "a $b", "for a"] {
        assert!(shell.commands(line).is_err(), "{line}");
    }
}
