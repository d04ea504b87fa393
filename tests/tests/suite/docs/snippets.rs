//! The rules that documents show are right: `streamgauge check` takes them.
//!
//! A block that begins with `version:` stands alone; others are added to the rules that `streamgauge init` writes, as the reader would.

use super::super::cli::binary;
use super::super::source::files;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The `yaml` blocks of a document, with their lines.
pub(crate) fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((opening, number)) = lines.next() {
        if opening == "```yaml" {
            let inside = lines.by_ref().take_while(|(line, _)| *line != "```");
            let inside: Vec<&str> = inside.map(|(line, _)| line).collect();
            blocks.push((number, inside.join("\n") + "\n"));
        }
    }
    blocks
}

#[test]
fn the_rules_of_how_tos_are_right() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snippets");
    fs::create_dir_all(&folder).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/example/streamgauge.yaml");
    let mut seen = 0;
    for document in files(&["md"]) {
        if !(document.path.starts_with("docs/how-to/") || document.path == "README.md") {
            continue;
        }
        for (line, text) in blocks(&document.text) {
            let snippet = folder.join(format!("{seen}.yaml"));
            let alone = text.starts_with("version:");
            fs::write(&snippet, text).unwrap();
            seen += 1;
            let mut check = Command::new(binary());
            check.arg("check").arg(&snippet).env_clear();
            if !alone {
                check.arg(&example);
            }
            let output = check.output().unwrap();
            let said =
                String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{}:{line}: {said}", document.path);
            assert!(!said.contains("warning"), "{}:{line}: {said}", document.path);
        }
    }
    assert!(seen >= 8, "only {seen} blocks were found");
}
