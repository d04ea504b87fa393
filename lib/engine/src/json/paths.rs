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
    /// The wanted keys of the object here, by rank.
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
struct Child {
    rank: u128,
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
        if let Some(known) = node.find(key) {
            return known;
        }
        node.children.push(Child { rank: rank(key), key: key.into(), node: new });
        node.children.sort_by_key(|child| child.rank);
        let name =
            if parent == NodeId::ROOT { key.to_owned() } else { format!("{}.{key}", node.name) };
        self.nodes.push(Node { name, ..Node::default() });
        new
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of `key` in the object at `parent`, if some path leads there.
    #[inline]
    pub(super) fn child(&self, parent: NodeId, key: Key<'_>) -> Option<NodeId> {
        let parent = self.nodes.get(parent.0)?;
        if key.escaped { parent.find(&unescape(key.written)) } else { parent.find(key.written) }
    }

    /// The nodes below `parent`.
    pub(super) fn children(&self, parent: NodeId) -> impl Iterator<Item = NodeId> {
        self.nodes
            .get(parent.0)
            .into_iter()
            .flat_map(|node| node.children.iter().map(|child| child.node))
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
    /// The child with this key.
    #[inline]
    fn find(&self, key: &str) -> Option<NodeId> {
        let rank = rank(key);
        let first = self.children.partition_point(|child| child.rank < rank);
        let alike = self.children.get(first..)?.iter().take_while(|child| child.rank == rank);
        alike
            .into_iter()
            .find(|child| key.len() <= HEAD_BYTES || *child.key == *key)
            .map(|child| child.node)
    }
}

/// How many bytes of a key its rank holds.
const HEAD_BYTES: usize = 8;

/// A number that tells keys apart: the length, then the first eight bytes. Nearly all keys differ in it, and it is cheaper to compare
/// than text.
#[inline]
fn rank(key: &str) -> u128 {
    let bytes = key.as_bytes();
    let head = if let Some(head) = bytes.first_chunk::<8>() {
        u64::from_le_bytes(*head)
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*tail)) << 32
    } else {
        bytes.iter().fold(0, |head, &byte| head << 8 | u64::from(byte))
    };
    #[expect(clippy::as_conversions, reason = "usize to u128 loses nothing")]
    {
        (key.len() as u128) << 64 | u128::from(head)
    }
}
