//! A document as the steps of a session.

/// One step, with the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A file that the reader makes.
    File { line: usize, name: String, text: String },
    /// A command, and its answer.
    Command { line: usize, typed: String, answer: Vec<String> },
    /// Ctrl-C, and what is said then.
    Interrupt { line: usize, answer: Vec<String> },
    /// What `dev` says next.
    Said { line: usize, answer: Vec<String> },
}

impl Step {
    pub(super) fn line(&self) -> usize {
        match self {
            Self::File { line, .. }
            | Self::Command { line, .. }
            | Self::Interrupt { line, .. }
            | Self::Said { line, .. } => *line,
        }
    }

    fn answer(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Self::File { .. } => None,
            Self::Command { answer, .. }
            | Self::Interrupt { answer, .. }
            | Self::Said { answer, .. } => Some(answer),
        }
    }
}

/// The steps of a document.
pub(super) fn steps(document: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut file = None;
    let mut lines = document.lines().zip(1..);
    while let Some((opening, line)) = lines.next() {
        if let Some(name) = opening.strip_prefix("<!-- file: ") {
            file = name.strip_suffix(" -->").map(str::to_owned);
            continue;
        }
        let Some(language) = opening.strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|(text, _)| *text != "```").collect();
        match (file.take(), language) {
            (Some(name), _) => {
                let mut content = String::new();
                for (text, _) in block {
                    content.extend([text, "\n"]);
                }
                steps.push(Step::File { line, name, text: content });
            }
            (None, "console") => console(&block, &mut steps),
            _ => {}
        }
    }
    steps
}

/// A block of a terminal.
fn console(block: &[(&str, usize)], steps: &mut Vec<Step>) {
    let mut begun = false;
    let mut goes_on = false;
    for &(text, line) in block {
        match (steps.last_mut(), text.strip_prefix("$ ")) {
            (Some(Step::Command { typed, .. }), _) if goes_on => add_line(typed, text),
            (_, Some(typed)) => {
                steps.push(Step::Command { line, typed: typed.to_owned(), answer: vec![] });
            }
            _ if text == "^C" => steps.push(Step::Interrupt { line, answer: vec![] }),
            (Some(step), None) if begun => step.answer().unwrap().push(text.to_owned()),
            _ => steps.push(Step::Said { line, answer: vec![text.to_owned()] }),
        }
        begun = true;
        goes_on = matches!(steps.last(), Some(Step::Command { typed, answer, .. }) if answer.is_empty() && is_open(typed));
    }
}

/// Whether a command goes on in the next line: a quote is open, or it says so by a backslash.
fn is_open(typed: &str) -> bool {
    typed.ends_with('\\') || typed.matches('\'').count() % 2 == 1
}

fn add_line(typed: &mut String, text: &str) {
    if typed.ends_with('\\') {
        typed.pop();
    } else {
        typed.push('\n');
    }
    typed.push_str(text);
}

#[test]
fn blocks_become_steps() {
    let document = "\
a
<!-- file: a.yaml -->
```yaml
b: c
```
```console
$ one \\
    two
1
2
$ three 'a
b'
3
```
```sh
not typed
```
```console
said
^C
ended
```
";
    let answer = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
    assert_eq!(
        steps(document),
        [
            Step::File { line: 3, name: "a.yaml".to_owned(), text: "b: c\n".to_owned() },
            Step::Command { line: 7, typed: "one     two".to_owned(), answer: answer(&["1", "2"]) },
            Step::Command { line: 11, typed: "three 'a\nb'".to_owned(), answer: answer(&["3"]) },
            Step::Said { line: 19, answer: answer(&["said"]) },
            Step::Interrupt { line: 20, answer: answer(&["ended"]) },
        ]
    );
}
