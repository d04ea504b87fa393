//! Arguments of the form `NAME=VALUE`, and files of them.

use crate::exit::Failure;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::PathBuf;

/// The largest file that is read whole, in bytes: a file of variables, an event.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Splits `NAME=VALUE`; `form` is how the option shows it.
pub(super) fn pair<'t>(
    option: &str,
    form: &str,
    text: &'t str,
) -> Result<(&'t str, &'t str), Failure> {
    text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Failure::wrong(format!("`{text}` is no value for {option}"))
            .hint(format!("write {option} {form}"))
    })
}

/// All pairs by name; one that is given twice is a mistake.
pub(super) fn pairs(
    option: &str,
    form: &str,
    texts: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut pairs = BTreeMap::new();
    for text in texts {
        let (name, value) = pair(option, form, text)?;
        if pairs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::wrong(format!("{option} names `{name}` twice"))
                .hint("leave one of them out"));
        }
    }
    Ok(pairs)
}

/// The variables of `--env-file`, and over them those of `--env`.
pub(super) fn environment(
    files: &[PathBuf],
    texts: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = BTreeMap::new();
    for path in files {
        let bytes = read_whole(path)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let message = format!("`{}` is no text", path.display());
            Failure::wrong(message).because(&error).hint("save it as UTF-8 text")
        })?;
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or_else(|| {
                Failure::wrong(format!("{}:{number}: this is no variable", path.display()))
                    .hint("write NAME=VALUE on each line; `#` begins a comment")
            })?;
            variables.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
        }
    }
    variables.extend(pairs("--env", "NAME=VALUE", texts)?);
    Ok(variables)
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// All bytes of a file that is named on the command line: one that is not there is a wrong argument.
pub(super) fn read_whole(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::wrong(format!("could not open `{shown}`"))
            .because(error)
            .hint("check the path"),
        io::ErrorKind::IsADirectory => {
            Failure::wrong(format!("`{shown}` is a folder, and no file")).hint("name a file in it")
        }
        _ => Failure::outside(format!("could not read `{shown}`")).because(error),
    };
    // A device or a pipe tells no length: no more is read than is allowed, whatever the length is said to be.
    let mut bytes = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes));
    let length = read.map_err(|error| failed(&error))?;
    if u64::try_from(length).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        return Ok(bytes);
    }
    let message = format!("`{shown}` has more than {FILE_BYTES_MAX} bytes, and no more are read");
    Err(Failure::wrong(message).hint("check the path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_a_value_are_no_part_of_it() {
        let check = |value: &str, expect: &str| assert_eq!(unquoted(value), expect);
        check("a b", "a b");
        check("\"a b\"", "a b");
        check("'a'", "a");
        check("'a", "'a");
        check("", "");
    }

    #[test]
    fn a_pair_has_a_name() {
        assert_eq!(pair("--env", "NAME=VALUE", "A=b=c").unwrap(), ("A", "b=c"));
        assert_eq!(pair("--env", "NAME=VALUE", "A=").unwrap(), ("A", ""));
        assert!(pair("--env", "NAME=VALUE", "=b").is_err());
        assert!(pair("--env", "NAME=VALUE", "A").is_err());
    }
}
