//! Links inside the repository lead somewhere: the file is there, and has the heading.

use super::super::source::{SourceFile, files, root};
use std::collections::BTreeMap;
use std::path::Path;

/// The targets of a document's links that are no addresses, outside of code, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut inside = false;
    for (line, number) in text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        }
        if inside {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let sources = line.split(['"', ' ']).zip(line.split(['"', ' ']).skip(1));
        let sources = sources.filter(|(before, _)| matches!(*before, "src=" | "srcset="));
        let targets = targets.chain(sources.map(|(_, target)| target));
        let own =
            targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
        links.extend(own.map(|target| (number, target)));
    }
    links
}

/// The names by which headings are linked, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|one| one.is_alphanumeric() || "-_ ".contains(*one));
        let name: String = kept.map(|one| if one == ' ' { '-' } else { one }).collect();
        let count = seen.entry(name.clone()).or_default();
        anchors.push(if *count == 0 { name } else { format!("{name}-{count}") });
        *count += 1;
    }
    anchors
}

/// The links of a document that lead nowhere.
fn broken(document: &SourceFile, file: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
    let leads_somewhere = |target: &str| {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let text =
            if path.is_empty() { Some(document.text.clone()) } else { file(&folder.join(path)) };
        text.is_some_and(|text| anchor.is_empty() || anchors(&text).iter().any(|one| one == anchor))
    };
    let wrong = links(&document.text).into_iter().filter(|(_, target)| !leads_somewhere(target));
    wrong.map(|(line, target)| format!("{}:{line}: {target}", document.path)).collect()
}

#[test]
fn links_lead_somewhere() {
    let file = |path: &Path| {
        let path = root().join(path);
        // A picture and a folder have no headings.
        path.exists().then(|| std::fs::read_to_string(path).unwrap_or_default())
    };
    // Pieces of a page are linked from where that page stands.
    let is_page = |document: &&SourceFile| !document.path.starts_with("lib/rules/src/reference/");
    let pages = files(&["md"]);
    let pages = pages.iter().filter(is_page);
    let found: Vec<String> = pages.flat_map(|document| broken(document, file)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn broken_links_are_found() {
    let document = SourceFile {
        path: "docs/a.md".to_owned(),
        text: "# A b: `c`\n[1](#a-b-c) [2](#d) [3](b.md#e) [4](b.md#f)\n```text\n[5](c.md)\n```\n[6](../c.md) [7](https://x/y)\n<img src=\"d.png\">\n"
            .to_owned(),
    };
    let file = |path: &Path| (path == Path::new("docs/b.md")).then(|| "## E\n".to_owned());
    assert_eq!(
        broken(&document, file),
        ["docs/a.md:2: #d", "docs/a.md:2: b.md#f", "docs/a.md:6: ../c.md", "docs/a.md:7: d.png"]
    );
}
