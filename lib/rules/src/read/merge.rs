//! Several files as one.
//!
//! Maps of names (`metrics`, `alerts`, `channels`) and lists (`routes`, `silences`, `maintenance`) are put together in
//! the order of the files. Every other key stands in one file; twice is an error that shows both places, for a reader
//! of either file would believe his own.

use super::Reader;
use crate::problem::code::Code;
use crate::reference::{Form, Object};
use crate::yaml::parse::parse;
use crate::yaml::tree::{Content, Entry, Node, shown};

impl Reader<'_> {
    /// Reads all files into one map.
    pub(crate) fn merged_files(&mut self, object: &'static Object) -> Vec<Entry> {
        let mut merged = Vec::new();
        for file in 0..self.sources.len() {
            let document = parse(self.sources, file, &mut self.findings);
            if !document.complete {
                self.broken_files.push(file);
            }
            match document.root.content {
                Content::Mapping(entries) => self.add_file(object, &mut merged, entries),
                Content::Scalar(ref scalar) if scalar.is_null() => {}
                _ => self.wrong_type(&document.root, "a map of settings such as `metrics:`"),
            }
        }
        merged
    }

    fn add_file(&mut self, object: &'static Object, merged: &mut Vec<Entry>, entries: Vec<Entry>) {
        for entry in entries {
            if entry.key.starts_with("x-") {
                continue;
            }
            let Some(key) = object.key(&entry.key) else {
                self.unknown_top_level_key(object, &entry);
                continue;
            };
            let Some(known) = merged.iter_mut().find(|known| known.key == entry.key) else {
                merged.push(entry);
                continue;
            };
            match (&key.form, &mut known.value.content, entry.value.content) {
                (Form::Map(what, _), Content::Mapping(all), Content::Mapping(more)) => {
                    add_names(&mut self.findings, what, all, more);
                }
                (Form::List(_), Content::Sequence(all), Content::Sequence(more)) => {
                    all.extend(more);
                }
                // The version of the format may stand in each file, and must be the same.
                (Form::Choice(_), Content::Scalar(all), Content::Scalar(more))
                    if key.name == "version" && all.text == more.text => {}
                (Form::Map(..) | Form::List(_), _, Content::Scalar(more)) if more.is_null() => {}
                (Form::Map(..) | Form::List(_), Content::Scalar(all), more) if all.is_null() => {
                    known.value = Node { place: entry.value.place, content: more };
                }
                (Form::Map(..) | Form::List(_), _, more) => {
                    let node = Node { place: entry.value.place, content: more };
                    let expected =
                        if matches!(key.form, Form::List(_)) { "a list" } else { "a map of names" };
                    self.wrong_type(&node, expected);
                }
                _ => {
                    let first = known.key_place;
                    self.findings
                        .error(
                            Code::DuplicateName,
                            entry.key_place,
                            format!("`{}` is set in two files", key.name),
                        )
                        .related(first, "first set here")
                        .hint("leave it in one of them");
                }
            }
        }
    }

    fn unknown_top_level_key(&mut self, object: &'static Object, entry: &Entry) {
        if entry.key == "scenarios" || entry.key == "rules" {
            self.findings
                .error(
                    Code::UnknownKey,
                    entry.key_place,
                    format!("`{}` belongs in a scenario file", entry.key),
                )
                .hint(
                    "run scenarios with `streamgauge test`, and keep them in a folder of their own",
                );
        } else {
            self.unknown_key(entry, object);
        }
    }
}

fn add_names(
    findings: &mut crate::problem::Findings,
    what: &str,
    all: &mut Vec<Entry>,
    more: Vec<Entry>,
) {
    for entry in more {
        match all.iter().find(|known| known.key == entry.key) {
            Some(first) => {
                findings
                    .error(
                        Code::DuplicateName,
                        entry.key_place,
                        format!("the {what} `{}` is defined twice", shown(&entry.key)),
                    )
                    .related(first.key_place, "first defined here")
                    .hint("rename or remove one of them");
            }
            None => all.push(entry),
        }
    }
}
