//! Text to tree.
//!
//! The parser's events are put together on a stack of open maps and lists. Aliases are copied, within a budget that no
//! honest file meets; merge keys (`<<`) add what the map does not say itself. When the text is no YAML the tree ends
//! there: what was read before is still checked, and [`Document::complete`] tells that more was meant to come.

mod broken;

use super::tree::{Content, Entry, Node, Scalar, Style, shown};
use crate::problem::Findings;
use crate::problem::code::Code;
use crate::source::{Place, SourceFile};
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};
use std::collections::BTreeMap;

/// Nodes in one file, aliases counted as often as they are used.
pub(crate) const NODES_MAX: usize = 100_000;
/// How deep maps and lists may nest.
pub(crate) const DEPTH_MAX: usize = 48;

/// A file's tree.
#[derive(Debug)]
pub(crate) struct Document {
    /// The value of the file; a map, if all is well.
    pub(crate) root: Node,
    /// Whether the file was read to its end.
    pub(crate) complete: bool,
}

/// Reads the file at position `file` of the sources.
pub(crate) fn parse(sources: &[SourceFile], file: usize, findings: &mut Findings) -> Document {
    let text = sources.get(file).map_or("", |source| source.text.as_str());
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder {
        file,
        findings,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        root: None,
        documents: 0,
    };
    let mut complete = true;
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => {
                builder.syntax_error(sources, &error);
                Err(Stop)
            }
        };
        if step.is_err() {
            complete = false;
            break;
        }
    }
    let root = builder.finish();
    let empty = Place { file, start: 0, end: 0 };
    Document {
        root: root.unwrap_or(Node { place: empty, content: Content::Mapping(Vec::new()) }),
        complete,
    }
}

/// Reading ends here; the reason was reported.
struct Stop;

/// A map or list that is still open.
struct Frame {
    start: Place,
    /// Whether it is written with brackets.
    is_flow: bool,
    anchor: usize,
    /// Nodes in it, itself included.
    size: usize,
    open: Open,
}

enum Open {
    Sequence(Vec<Node>),
    Mapping(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    /// The keys so far and where they are.
    names: BTreeMap<String, Place>,
    key: Option<Key>,
    merges: Vec<(Place, Node)>,
}

/// A key that waits for its value.
enum Key {
    Name(String, Place),
    Merge(Place),
    /// A second key of the same name, or one that is no text: reported, its value is dropped.
    Unusable,
}

struct Builder<'f> {
    file: usize,
    findings: &'f mut Findings,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &granit_parser::Span) -> Result<(), Stop> {
        let place = self.place(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.findings
                        .error(
                            Code::InvalidYaml,
                            place,
                            "a second document begins here; a file holds one",
                        )
                        .hint("put it into a file of its own");
                    return Err(Stop);
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::SingleQuoted => Style::SingleQuoted,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    ScalarStyle::Plain => Style::Plain,
                };
                let tag =
                    tag.is_some_and(|tag| !is_harmless(&tag)).then(|| span.tag_span()).flatten();
                let tag = tag.map(|tag| self.place(&tag));
                let scalar = Scalar { text: text.into_owned(), style, tag };
                self.count(1, place)?;
                self.add(Node { place, content: Content::Scalar(scalar) }, anchor, 1);
                Ok(())
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.open(place, (style, anchor), tag.as_deref(), Open::Sequence(Vec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                self.open(place, (style, anchor), tag.as_deref(), Open::Mapping(OpenMap::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(place.end);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::UnresolvedAlias(name) => {
                self.findings
                    .error(
                        Code::InvalidYaml,
                        place,
                        format!("no anchor `&{}` stands before this alias", shown(&name)),
                    )
                    .hint("if this is text, put it in quotes");
                self.add(Node { place, content: Content::Broken }, 0, 1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn place(&self, span: &granit_parser::Span) -> Place {
        let range = span.byte_range().unwrap_or_default();
        Place { file: self.file, start: range.start, end: range.end }
    }

    /// Counts nodes against the budget, before anything is copied.
    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            let message = format!(
                "the file has more than {NODES_MAX} values, aliases counted as often as they are used"
            );
            self.findings
                .error(Code::LimitExceeded, place, message)
                .hint("split it, or use fewer aliases of aliases");
            return Err(Stop);
        }
        Ok(())
    }

    fn open(
        &mut self,
        start: Place,
        (style, anchor): (StructureStyle, usize),
        tag: Option<&Tag>,
        open: Open,
    ) -> Result<(), Stop> {
        if let Some(tag) = tag.filter(|tag| !is_harmless(tag)) {
            let message = format!("the tag `{}` has no meaning in rules", shown(&tag.original()));
            self.findings
                .error(Code::InvalidYaml, start, message)
                .hint("remove it; if it is text, put it in quotes");
        }
        let is_flow = style == StructureStyle::Flow;
        self.stack.push(Frame { start, is_flow, anchor, size: 1, open });
        self.count(1, start)
    }

    fn close(&mut self, end: usize) {
        let Some(frame) = self.stack.pop() else { return };
        let (content, content_end) = self.content(frame.open);
        // A block map ends where the next thing begins; its last value says where it really ends.
        let end = if frame.is_flow { end } else { content_end.unwrap_or(end) }.max(frame.start.end);
        let place = Place { end, ..frame.start };
        self.add(Node { place, content }, frame.anchor, frame.size);
    }

    fn content(&mut self, open: Open) -> (Content, Option<usize>) {
        match open {
            Open::Sequence(items) => {
                let end = items.last().map(|item| item.place.end);
                (Content::Sequence(items), end)
            }
            Open::Mapping(mut map) => {
                if let Some(Key::Name(key, key_place)) = map.key.take() {
                    // The file broke off between the key and its value.
                    let value = Node { place: key_place, content: Content::Broken };
                    map.entries.push(Entry { key, key_place, value });
                }
                let end = map.entries.last().map(|entry| entry.value.place.end);
                for (place, merge) in std::mem::take(&mut map.merges) {
                    self.merge(&mut map, place, merge);
                }
                (Content::Mapping(map.entries), end)
            }
        }
    }

    /// Adds the entries of a merge key that the map does not have itself.
    fn merge(&mut self, map: &mut OpenMap, place: Place, merge: Node) {
        match merge.content {
            Content::Mapping(merged) => {
                for entry in merged {
                    if !map.names.contains_key(&entry.key) {
                        map.names.insert(entry.key.clone(), entry.key_place);
                        map.entries.push(entry);
                    }
                }
            }
            Content::Sequence(items) => {
                for item in items {
                    self.merge(map, place, item);
                }
            }
            Content::Broken => {}
            Content::Scalar(_) => {
                self.findings
                    .error(Code::InvalidYaml, place, "`<<` merges a map, and this is none")
                    .hint("write an alias of a map: `<<: *name`");
            }
        }
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Stop> {
        let Some(size) = self.anchors.get(&anchor).map(|(_, size)| *size) else {
            self.findings.error(
                Code::InvalidYaml,
                place,
                "this alias is inside of what it stands for",
            );
            self.add(Node { place, content: Content::Broken }, 0, 1);
            return Ok(());
        };
        self.count(size, place)?;
        if let Some((node, _)) = self.anchors.get(&anchor) {
            let node = node.clone();
            self.add(node, 0, size);
        }
        Ok(())
    }

    /// Puts a finished node where it belongs; `size` is the number of nodes in it.
    fn add(&mut self, node: Node, anchor: usize, size: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.size += size;
        match &mut frame.open {
            Open::Sequence(items) => items.push(node),
            Open::Mapping(map) => match map.key.take() {
                None => map.key = Some(read_key(node, map, self.findings)),
                Some(Key::Name(key, key_place)) => {
                    map.entries.push(Entry { key, key_place, value: node });
                }
                Some(Key::Merge(place)) => map.merges.push((place, node)),
                Some(Key::Unusable) => {}
            },
        }
    }

    /// Closes what is still open.
    fn finish(mut self) -> Option<Node> {
        while let Some(frame) = self.stack.last() {
            let end = frame.start.end;
            self.close(end);
        }
        self.root
    }
}

/// A finished node as the key of a map.
fn read_key(node: Node, map: &mut OpenMap, findings: &mut Findings) -> Key {
    let Content::Scalar(scalar) = node.content else {
        findings
            .error(Code::InvalidYaml, node.place, "a key is text, and this is not")
            .hint("if this is an expression, put it in quotes");
        return Key::Unusable;
    };
    if scalar.text == "<<" && scalar.style == Style::Plain {
        return Key::Merge(node.place);
    }
    if let Some(&first) = map.names.get(&scalar.text) {
        findings
            .error(
                Code::DuplicateKey,
                node.place,
                format!("the key `{}` stands twice", shown(&scalar.text)),
            )
            .related(first, "first here")
            .hint("remove or rename one of them");
        return Key::Unusable;
    }
    map.names.insert(scalar.text.clone(), node.place);
    Key::Name(scalar.text, node.place)
}

/// Tags that say what the value is anyway.
fn is_harmless(tag: &Tag) -> bool {
    tag.core_suffix().is_some_and(|suffix| {
        matches!(suffix, "str" | "int" | "float" | "bool" | "null" | "map" | "seq")
    })
}
