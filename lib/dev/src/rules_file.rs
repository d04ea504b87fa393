//! Rules that change while they are used.
//!
//! Somebody who saves a file may write it in pieces, so a new text counts when it was seen twice. What is the same text again, whatever the
//! file's date, is no change.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_rules::deployed::files_to_deploy;
use streamgauge_rules::{LoadError, Outcome, Rules, SourceFile, compile, load, render};

/// Reads variables of the environment.
type Variable = fn(&str) -> Option<String>;

type Fulfils = dyn Fn(&Rules) -> Result<(), String> + Send;

/// What right rules must fulfil besides; else why they cannot be used, for people.
struct Demand(Box<Fulfils>);

impl fmt::Debug for Demand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Demand")
    }
}

/// The rules files of a run.
#[derive(Debug)]
pub struct RulesFiles {
    paths: Vec<PathBuf>,
    variable: Variable,
    /// Whether problems are shown in colours.
    has_colours: bool,
    stamps: Vec<Stamp>,
    /// What is in use, or was refused.
    known: Vec<SourceFile>,
    /// What was seen last and is not known.
    seen: Option<Vec<SourceFile>>,
    demand: Option<Demand>,
}

/// What tells cheaply that a file may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

/// What has become of rules that were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// They can be used.
    Good(RulesText),
    /// They cannot, and this is why, for people.
    Wrong {
        /// For a terminal, in colours if it has them.
        shown: String,
        /// Without colours.
        plain: String,
    },
}

impl RulesFiles {
    /// Reads and compiles rules; problems are part of the outcome.
    pub fn read(
        paths: Vec<PathBuf>,
        variable: Variable,
        has_colours: bool,
    ) -> Result<(Self, Outcome), LoadError> {
        let stamps = stamps(&paths);
        let known = load(&paths)?;
        let outcome = compile(&known, &variable);
        Ok((
            Self { paths, variable, has_colours, stamps, known, seen: None, demand: None },
            outcome,
        ))
    }

    /// The same, of which changes are taken only if they fulfil something besides.
    #[must_use]
    pub fn demanding(self, demand: impl Fn(&Rules) -> Result<(), String> + Send + 'static) -> Self {
        Self { demand: Some(Demand(Box::new(demand))), ..self }
    }

    /// The text of the rules as the control log keeps it.
    pub fn text(&self) -> RulesText {
        self.text_of(&self.known)
    }

    fn text_of(&self, sources: &[SourceFile]) -> RulesText {
        RulesText { files: files_to_deploy(sources.to_vec(), &self.variable) }
    }

    /// Looks at the files; absent: they are what they were, or are being written.
    pub fn look(&mut self) -> Option<Changed> {
        let stamps = stamps(&self.paths);
        if stamps == self.stamps && self.seen.is_none() {
            return None;
        }
        self.stamps = stamps;
        // A file that is replaced is not there for a moment.
        let read = load(&self.paths).ok()?;
        if is_same(&read, &self.known) {
            self.seen = None;
            return None;
        }
        if !self.seen.as_ref().is_some_and(|seen| is_same(seen, &read)) {
            self.seen = Some(read);
            return None;
        }
        self.seen = None;
        let outcome = compile(&read, &self.variable);
        let demand = self.demand.as_ref();
        let refused =
            outcome.rules.as_ref().map(|rules| demand.map_or(Ok(()), |one| (one.0)(rules)));
        let changed = match refused {
            Some(Ok(())) => Changed::Good(self.text_of(&read)),
            Some(Err(why)) => Changed::Wrong { shown: why.clone(), plain: why },
            None => {
                let text = |has_colours| {
                    let (problems, sources) = (&outcome.problems, &outcome.sources);
                    render::for_people(problems, sources, has_colours).trim_end().to_owned()
                };
                Changed::Wrong { shown: text(self.has_colours), plain: text(false) }
            }
        };
        self.known = read;
        Some(changed)
    }
}

fn is_same(one: &[SourceFile], other: &[SourceFile]) -> bool {
    let parts = |source: &SourceFile| (source.name.clone(), source.text.clone());
    one.iter().map(parts).eq(other.iter().map(parts))
}

/// The stamps of files, and of all that is in folders.
fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for path in paths {
        stamps.extend(stamp(path));
        let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        let mut inside: Vec<_> = entries.filter_map(|entry| stamp(&entry.path())).collect();
        inside.sort_by(|one, other| one.path.cmp(&other.path));
        stamps.extend(inside);
    }
    stamps
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let (modified, length) = (metadata.modified().ok(), metadata.len());
    Some(Stamp { path: path.to_owned(), modified, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "late: drop\nmetrics:\n  orders: {count: type == 'order', window: 1m}\n";

    /// A folder that is gone with this.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("streamgauge-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&folder));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_text_counts_when_it_was_seen_twice_and_the_same_is_no_change() {
        let folder = Folder::new("rules-file");
        let path = folder.0.join("rules.yaml");
        fs::write(&path, RULES).unwrap();
        let (mut rules, outcome) = RulesFiles::read(vec![path.clone()], |_| None, true).unwrap();
        assert!(outcome.rules.is_some());
        assert_eq!(rules.look(), None);
        let longer = RULES.replace("1m", "30m");
        fs::write(&path, &longer).unwrap();
        assert_eq!(rules.look(), None, "it may be written on");
        let files = vec![("rules.yaml".to_owned(), longer.clone())];
        assert_eq!(rules.look(), Some(Changed::Good(RulesText { files })));
        assert_eq!(rules.look(), None);
        fs::write(&path, "late: never\n").unwrap();
        assert_eq!(rules.look(), None);
        let Some(Changed::Wrong { shown, plain }) = rules.look() else { panic!("they are wrong") };
        assert!(plain.contains("rules.yaml:1:"), "{plain}");
        assert!(shown.contains('\u{1b}') && !plain.contains('\u{1b}'), "{shown}{plain}");
        assert_eq!(rules.look(), None, "it was told");
        fs::remove_file(&path).unwrap();
        assert_eq!(rules.look(), None, "it may be replaced");
        fs::write(&path, longer).unwrap();
        assert_eq!(rules.look(), None);
        assert!(matches!(rules.look(), Some(Changed::Good(_))));
    }
}
