//! `init`: a small working example, to be read, run and changed.
//!
//! The files are the ones in `cli/example`, which the tests check, test and replay; nothing that is there is overwritten.

use crate::arguments::InitArguments;
use crate::exit::{Exit, Failure};
use crate::style::{self, tell};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// What is written: the path in the folder and the text.
const FILES: [(&str, &str); 3] = [
    ("streamgauge.yaml", include_str!("../../example/streamgauge.yaml")),
    ("scenarios/orders.yaml", include_str!("../../example/scenarios/orders.yaml")),
    ("events/sample.ndjson", include_str!("../../example/events/sample.ndjson")),
];

/// A push of an event that happens now.
const PUSH: [&str; 2] = [
    "curl http://127.0.0.1:8080/events -H 'Content-Type: application/json' -d '{\"id\": \"1\", \"source\": \"curl\",",
    "  \"type\": \"order.rejected\", \"time\": \"'$(date -u +%FT%TZ)'\", \"data\": {\"aggregator\": \"noon\", \"country\": \"AE\"}}'",
];

/// Writes the example and says what to do with it.
pub(super) fn run(arguments: &InitArguments) -> Result<Exit, Failure> {
    let folder = &arguments.folder;
    let taken = FILES.iter().find(|(name, _)| fs::symlink_metadata(folder.join(name)).is_ok());
    if let Some((name, _)) = taken {
        let message = format!("`{}` is there already", folder.join(name).display());
        return Err(Failure::wrong(message).hint("name a new folder; nothing was written"));
    }
    for (name, text) in FILES {
        let file = folder.join(name);
        write_new(&file, text).map_err(|error| Failure::file(&file, &error))?;
        tell(format_args!(
            "{} {}",
            style::good("wrote"),
            style::printable(&file.display().to_string())
        ));
    }
    let shown = quoted(folder);
    tell("");
    tell("Next:");
    tell(format_args!("  cd {shown}"));
    tell("  streamgauge check streamgauge.yaml");
    tell("  streamgauge test scenarios/orders.yaml");
    tell("  streamgauge replay --rules streamgauge.yaml events/sample.ndjson");
    tell("  streamgauge dev --rules streamgauge.yaml");
    tell("");
    tell("While dev runs, from another terminal:");
    for line in PUSH {
        tell(format_args!("  {line}"));
    }
    Ok(Exit::Fine)
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(file)?.write_all(text.as_bytes())
}

/// A path as it can be typed.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |character: char| character.is_alphanumeric() || "/._-".contains(character);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_can_be_typed_as_they_are_shown() {
        let check = |path: &str, expect: &str| assert_eq!(quoted(Path::new(path)), expect);
        check("shop/a-1_b.c", "shop/a-1_b.c");
        check("my shop", "'my shop'");
        check("it's", r"'it'\''s'");
    }
}
