//! The reference of commands is what they say of themselves, and what documents type has only options that there are.

use super::super::cli::binary;
use super::super::source::{SourceFile, files};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::OnceLock;

/// What each command says of itself, in the order of the help: `dead-letters list` stands behind `dead-letters`.
fn helps() -> &'static [(String, String)] {
    static HELPS: OnceLock<Vec<(String, String)>> = OnceLock::new();
    HELPS.get_or_init(|| {
        let mut helps = Vec::new();
        add("", &mut helps);
        helps
    })
}

fn add(command: &str, helps: &mut Vec<(String, String)>) {
    let mut asked = Command::new(binary());
    let output = asked.args(command.split_whitespace()).arg("--help").env_clear().output().unwrap();
    assert!(output.status.success(), "{command} --help");
    let help = String::from_utf8(output.stdout).unwrap();
    let below: Vec<String> = commands_below(&help).map(str::to_owned).collect();
    helps.push((command.to_owned(), help));
    for name in below {
        add(format!("{command} {name}").trim(), helps);
    }
}

/// The commands that a help lists.
fn commands_below(help: &str) -> impl Iterator<Item = &str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    listed
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
}

fn page() -> String {
    let mut page = "<!-- Generated from the help of the command by the test `docs`; UPDATE_DOCS=1 cargo test -p tests docs rewrites it. -->

# Commands

What each command says with `--help`. `streamgauge man --dir DIR` writes the same as manual pages, `streamgauge completions SHELL` teaches a shell the options.
"
    .to_owned();
    for (command, help) in helps() {
        let name = format!("streamgauge {command}");
        let text = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        write!(page, "\n## {}\n\n```text\n{}\n```\n", name.trim_end(), text.trim_end()).unwrap();
    }
    page
}

#[test]
fn the_reference_of_commands_is_up_to_date() {
    super::check("commands.md", &page());
}

/// The commands of `streamgauge` in the blocks of a document that show a terminal: the line, and its words.
fn typed(document: &SourceFile) -> Vec<(usize, Vec<&str>)> {
    let mut typed = Vec::new();
    let mut inside = false;
    let mut goes_on = false;
    for (line, number) in document.text.lines().zip(1..) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = matches!(language, "sh" | "console");
            goes_on = false;
            continue;
        }
        if !inside {
            continue;
        }
        let code = line.split(" #").next().unwrap_or_default();
        for (place, piece) in code.split(['|', ';', '&']).enumerate() {
            let words = piece.split_whitespace().skip_while(|word| matches!(*word, "$" | "do"));
            let mut words: Vec<&str> = words.collect();
            if place == 0 && goes_on {
                let (_, last): &mut (usize, Vec<&str>) = typed.last_mut().unwrap();
                last.extend(words);
            } else if words.first() == Some(&"streamgauge") {
                words.remove(0);
                typed.push((number, words));
            }
        }
        let last = code.rsplit(['|', ';', '&']).next().unwrap_or_default().trim_start();
        let is_ours = goes_on || last.trim_start_matches("$ ").starts_with("streamgauge ");
        goes_on = is_ours && line.ends_with('\\');
    }
    typed
}

/// The options of a command that it does not have, and the command if there is none.
fn unknown(words: &[&str], helps: &BTreeMap<&str, &str>) -> Vec<String> {
    let names = |count: usize| words.get(..count).map(|words| words.join(" "));
    let found = [2, 1]
        .into_iter()
        .filter_map(names)
        .find_map(|name| helps.get(name.as_str()).map(|help| (name, *help)));
    let first = words.first().copied().unwrap_or_default();
    let (name, help) = match found {
        Some(found) => found,
        None if first.starts_with('-') => (String::new(), helps[""]),
        None => return vec![format!("there is no command `{first}`")],
    };
    let options = words.iter().filter(|word| word.starts_with("--") && word.len() > 2);
    let options = options.map(|word| word.split('=').next().unwrap_or(word));
    let missing = options.filter(|&option| {
        !help
            .split(|one: char| !one.is_ascii_alphanumeric() && one != '-')
            .any(|word| word == option)
    });
    missing.map(|option| format!("`{name}` has no option `{option}`")).collect()
}

#[test]
fn what_documents_type_can_be_typed() {
    let helps: BTreeMap<&str, &str> =
        helps().iter().map(|(name, help)| (name.as_str(), help.as_str())).collect();
    let mut found = Vec::new();
    let mut seen = 0;
    for document in files(&["md"]) {
        for (line, words) in typed(&document) {
            seen += 1;
            let problems = unknown(&words, &helps);
            found
                .extend(problems.into_iter().map(|one| format!("{}:{line}: {one}", document.path)));
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn options_that_are_not_there_are_found() {
    let document = SourceFile {
        path: "a.md".to_owned(),
        text: "```sh\na | streamgauge replay --rules r --wrong \\\n  --worse x   # --fine\nstreamgauge rerun\n```\n"
            .to_owned(),
    };
    let helps = BTreeMap::from([("", ""), ("replay", "--rules <R>")]);
    let problems = typed(&document).into_iter().flat_map(|(_, words)| unknown(&words, &helps));
    assert_eq!(
        problems.collect::<Vec<_>>(),
        [
            "`replay` has no option `--wrong`",
            "`replay` has no option `--worse`",
            "there is no command `rerun`"
        ]
    );
}
