//! Text to tree. JSON is read by the same parser: all JSON is YAML.
//!
//! The parser's events are put together on a stack of open maps and lists. Aliases are copied, within a budget that no
//! honest template meets. When the text is no YAML the tree ends there, and nothing of it is checked.

use super::problem::{Place, Problems, did_you_mean, shown};
use super::tree::{Content, Entry, FUNCTIONS, Node};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes in one template, aliases counted as often as they are used.
pub(super) const NODES_MAX: usize = 100_000;
/// How deep maps and lists may nest.
pub(super) const DEPTH_MAX: usize = 48;
/// The largest template, in bytes: `CloudFormation` takes 1 MB from a bucket.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
pub const TEMPLATE_BYTES_MAX: usize = 1_048_576;

/// Reads a text; none if it cannot be read to its end.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the template has more than {TEMPLATE_BYTES_MAX} bytes");
        problems.add(Place::default(), message, "split it, as CloudFormation takes no more either");
        return None;
    }
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder {
        problems,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        root: None,
        documents: 0,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.event(event, &span).ok()?,
            Err(error) => {
                builder.syntax_error(text, &error);
                return None;
            }
        }
    }
    let root = builder.root.take();
    if root.is_none() {
        problems.add(
            Place::default(),
            "the template is empty",
            "write `Resources:` and what is to run",
        );
    }
    root
}

/// Reading ends here; the reason was reported.
struct Stop;

/// A map or list that is still open.
struct Frame {
    start: Place,
    is_flow: bool,
    anchor: usize,
    /// The function whose short tag stands before it.
    function: Option<String>,
    /// Where that tag begins.
    tag_start: Option<usize>,
    extent: Extent,
    open: Open,
}

/// How much a node is.
#[derive(Clone, Copy)]
struct Extent {
    /// Nodes in it, itself included; a long text counts as several.
    size: usize,
    /// How deep it nests: 1 for a scalar.
    depth: usize,
}

const SCALAR: Extent = Extent { size: 1, depth: 1 };
/// Bytes of text that count as one more node.
const NODE_BYTES: usize = 128;

enum Open {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, names: BTreeSet<String>, key: Option<Key> },
}

/// A key that waits for its value.
enum Key {
    Name(String, Place),
    /// Reported; its value is dropped.
    Unusable,
}

struct Builder<'p> {
    problems: &'p mut Problems,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, (Node, Extent)>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &granit_parser::Span) -> Result<(), Stop> {
        let range = span.byte_range().unwrap_or_default();
        let place = Place { start: range.start, end: range.end };
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second document begins here; a template is one";
                    self.problems.add(place, message, "put it into a file of its own");
                    return Err(Stop);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let function = self.function(tag.as_deref(), place);
                let plain = style == ScalarStyle::Plain;
                let extent = Extent { size: 1 + text.len() / NODE_BYTES, depth: 1 };
                let content = Content::Scalar { text: text.into_owned(), plain };
                self.count(extent.size, place)?;
                self.add(called(Node { place, content }, function, begin(span)), anchor, extent);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.open(
                    place,
                    (anchor, style),
                    (tag.as_deref(), begin(span)),
                    Open::List(Vec::new()),
                )?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let open = Open::Map { entries: Vec::new(), names: BTreeSet::new(), key: None };
                self.open(place, (anchor, style), (tag.as_deref(), begin(span)), open)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place.end),
            Event::Alias(anchor) => self.alias(anchor, place)?,
            Event::UnresolvedAlias(name) => {
                let message = format!("no anchor `&{}` stands before this alias", shown(&name));
                self.problems.add(place, message, "if this is text, put it in quotes");
                self.add(Node { place, content: Content::Broken }, 0, SCALAR);
            }
            _ => {}
        }
        Ok(())
    }

    /// The function that a tag stands for.
    fn function(&mut self, tag: Option<&Tag>, place: Place) -> Option<String> {
        let tag = tag.filter(|tag| tag.core_suffix().is_none())?;
        let (handle, suffix) = tag.original_parts();
        let name = format!("{handle}{suffix}");
        let function = name.strip_prefix('!').unwrap_or(&name);
        if !FUNCTIONS.contains(&function) && function != "Transform" {
            let known = FUNCTIONS.map(|known| format!("!{known}"));
            let remedy = "remove it; if it is text, put it in quotes";
            let remedy = did_you_mean(&name, known.iter().map(String::as_str), remedy);
            let message = format!("the tag `{}` is no function of CloudFormation", shown(&name));
            self.problems.add(place, message, remedy);
            return None;
        }
        let prefix = if matches!(function, "Ref" | "Condition") { "" } else { "Fn::" };
        Some(format!("{prefix}{function}"))
    }

    /// Counts nodes against the budget, before anything is copied.
    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            let message = format!(
                "the template has more than {NODES_MAX} values, aliases counted as often as they are used"
            );
            self.problems.add(place, message, "split it, or use fewer aliases of aliases");
            return Err(Stop);
        }
        Ok(())
    }

    fn open(
        &mut self,
        start: Place,
        (anchor, style): (usize, StructureStyle),
        (tag, tag_start): (Option<&Tag>, Option<usize>),
        open: Open,
    ) -> Result<(), Stop> {
        let function = self.function(tag, start);
        let is_flow = style == StructureStyle::Flow;
        self.stack.push(Frame {
            start,
            is_flow,
            anchor,
            function,
            tag_start,
            extent: SCALAR,
            open,
        });
        self.count(1, start)
    }

    fn close(&mut self, end: usize) {
        let Some(frame) = self.stack.pop() else { return };
        let (content, content_end) = match frame.open {
            Open::List(items) => {
                let last = items.last().map(|item| item.place.end);
                (Content::List(items), last)
            }
            Open::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.place.end);
                (Content::Map(entries), last)
            }
        };
        // A block map ends where the next thing begins; its last value says where it really ends.
        let end = if frame.is_flow { end } else { content_end.unwrap_or(end) }.max(frame.start.end);
        let place = Place { end, ..frame.start };
        let node = called(Node { place, content }, frame.function, frame.tag_start);
        self.add(node, frame.anchor, frame.extent);
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Stop> {
        let Some(extent) = self.anchors.get(&anchor).map(|(_, extent)| *extent) else {
            let message = "this alias is inside of what it stands for";
            self.problems.add(place, message, "write out what is meant");
            self.add(Node { place, content: Content::Broken }, 0, SCALAR);
            return Ok(());
        };
        self.count(extent.size, place)?;
        if self.stack.len() + extent.depth > DEPTH_MAX {
            let message = format!("maps and lists are nested more than {DEPTH_MAX} deep");
            self.problems.add(place, message, "use fewer aliases of aliases");
            return Err(Stop);
        }
        if let Some((node, _)) = self.anchors.get(&anchor) {
            let node = node.clone();
            self.add(node, 0, extent);
        }
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize, extent: Extent) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), extent));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        frame.extent.size += extent.size;
        frame.extent.depth = frame.extent.depth.max(extent.depth + 1);
        match &mut frame.open {
            Open::List(items) => items.push(node),
            Open::Map { entries, names, key } => match key.take() {
                None => *key = Some(read_key(node, names, self.problems)),
                Some(Key::Name(key, place)) => entries.push(Entry { key, place, value: node }),
                Some(Key::Unusable) => {}
            },
        }
    }

    fn syntax_error(&mut self, text: &str, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
        // What is wrong at the end of the file began before its last line break.
        let at = if at == text.len() { text.trim_end().len() } else { at };
        let message = format!("this is no YAML: {}", shown(&error.info()));
        let remedy = "check the indentation, and put text with `: `, `#` or brackets in quotes";
        self.problems.add(Place { start: at, end: at + 1 }, message, remedy);
    }
}

/// The call of a function, if one is called, else the node as it is.
fn called(node: Node, function: Option<String>, tag_start: Option<usize>) -> Node {
    match function {
        None => node,
        Some(key) => Node {
            place: Place { start: tag_start.unwrap_or(node.place.start), ..node.place },
            content: Content::Map(vec![Entry { key, place: node.place, value: node }]),
        },
    }
}

/// A finished node as the key of a map.
fn read_key(node: Node, names: &mut BTreeSet<String>, problems: &mut Problems) -> Key {
    let place = node.place;
    let Content::Scalar { text, plain } = node.content else {
        problems.add(place, "a key is text, and this is not", "if it is text, put it in quotes");
        return Key::Unusable;
    };
    if text == "<<" && plain {
        let message = "CloudFormation knows no merge keys";
        problems.add(place, message, "write the keys out, or put them into `Globals`");
        return Key::Unusable;
    }
    if !names.insert(text.clone()) {
        let message = format!("the key `{}` stands twice", shown(&text));
        problems.add(place, message, "remove or rename one of them");
        return Key::Unusable;
    }
    Key::Name(text, place)
}

/// Where the tag of an event begins.
fn begin(span: &granit_parser::Span) -> Option<usize> {
    span.tag_span().and_then(|tag| tag.byte_range()).map(|range| range.start)
}
