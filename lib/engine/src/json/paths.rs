//! The wanted paths as a trie: a node for each key on the way to a field.
//!
//! `type`, `data.amount` and `data.country` make the nodes `(root)`, `type`, `data`, `amount`, `country`.

use super::escape::unescape;
use super::grammar::Key;
use crate::field::FieldTable;

/// The place of a node in [`Paths`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

impl NodeId {
    /// The event itself.
    pub(super) const ROOT: Self = Self(0);

    pub(super) fn index(self) -> usize {
        self.0
    }
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// The path from the event to here, joined by dots.
    name: String,
    /// The index of the field that this path is.
    field: Option<usize>,
    /// The wanted keys of the object here, by length and then by text.
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
struct Child {
    key: Box<str>,
    node: NodeId,
}

/// The trie.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
}

impl Paths {
    /// The trie of these fields.
    pub(super) fn new(fields: &FieldTable) -> Self {
        let mut paths = Self { nodes: vec![Node::default()] };
        for (field, path) in fields.paths().enumerate() {
            let node = path.iter().fold(NodeId::ROOT, |node, key| paths.child_or_new(node, key));
            if let Some(node) = paths.nodes.get_mut(node.0) {
                node.field = Some(field);
            }
        }
        paths
    }

    fn child_or_new(&mut self, parent: NodeId, key: &str) -> NodeId {
        let new = NodeId(self.nodes.len());
        let Some(node) = self.nodes.get_mut(parent.0) else { return parent };
        match node.find(key) {
            Ok(known) => known,
            Err(place) => {
                node.children.insert(place, Child { key: key.into(), node: new });
                let name = if parent == NodeId::ROOT { key.to_owned() } else { format!("{}.{key}", node.name) };
                self.nodes.push(Node { name, ..Node::default() });
                new
            }
        }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of `key` in the object at `parent`, if some path leads there.
    #[inline]
    pub(super) fn child(&self, parent: NodeId, key: Key<'_>) -> Option<NodeId> {
        let parent = self.nodes.get(parent.0)?;
        if key.escaped { parent.find(&unescape(key.written)).ok() } else { parent.find(key.written).ok() }
    }

    /// The nodes below `parent`.
    pub(super) fn children(&self, parent: NodeId) -> impl Iterator<Item = NodeId> {
        self.nodes.get(parent.0).into_iter().flat_map(|node| node.children.iter().map(|child| child.node))
    }

    /// Whether some path leads through `node`.
    #[inline]
    pub(super) fn leads_on(&self, node: NodeId) -> bool {
        self.nodes.get(node.0).is_some_and(|node| !node.children.is_empty())
    }

    /// The index of the field that `node` is.
    #[inline]
    pub(super) fn field(&self, node: NodeId) -> Option<usize> {
        self.nodes.get(node.0)?.field
    }

    /// The path to `node`, joined by dots.
    pub(super) fn name(&self, node: NodeId) -> &str {
        self.nodes.get(node.0).map_or("", |node| &node.name)
    }
}

impl Node {
    /// The child with this key, or where it belongs.
    #[inline]
    fn find(&self, key: &str) -> Result<NodeId, usize> {
        let order = |child: &Child| child.key.len().cmp(&key.len()).then_with(|| child.key.as_bytes().cmp(key.as_bytes()));
        match self.children.binary_search_by(order) {
            Ok(place) => self.children.get(place).map(|child| child.node).ok_or(place),
            Err(place) => Err(place),
        }
    }
}
