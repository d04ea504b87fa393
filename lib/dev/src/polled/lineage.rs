//! Which shards are read next: the order of a key's records goes from a parent to its children.

use std::collections::BTreeSet;
use streamgauge_pipeline::port::source::{Shard, ShardId};

/// The shards that nobody reads or has read yet, and whose parents are read to their end or not listed any more; so many at most.
pub(crate) fn next<'s>(
    shards: &'s [Shard],
    begun: &BTreeSet<ShardId>,
    ended: &BTreeSet<ShardId>,
    max: usize,
) -> Vec<&'s ShardId> {
    let is_listed = |id: &ShardId| shards.iter().any(|shard| shard.id == *id);
    let is_over = |parent: &ShardId| ended.contains(parent) || !is_listed(parent);
    let fresh = shards.iter().filter(|shard| !begun.contains(&shard.id));
    let ready = fresh.filter(|shard| shard.parents.iter().all(is_over));
    ready.map(|shard| &shard.id).take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that was split and merged: 0 to 1 and 2, these to 3; 4 stands apart, and its parent is long gone.
    #[track_caller]
    fn check(begun: &[&str], ended: &[&str], expect: &[&str]) {
        let shard = |id: &str, parents: &[&str]| Shard {
            id: id.into(),
            parents: parents.iter().map(|&parent| parent.into()).collect(),
            closed: false,
        };
        let shards = [
            shard("0", &[]),
            shard("1", &["0"]),
            shard("2", &["0"]),
            shard("3", &["1", "2"]),
            shard("4", &["gone"]),
        ];
        let set = |ids: &[&str]| ids.iter().map(|&id| id.into()).collect();
        let found = next(&shards, &set(begun), &set(ended), 9);
        assert_eq!(found.iter().map(|id| &***id).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn children_wait_for_all_their_parents() {
        check(&[], &[], &["0", "4"]);
        check(&["0", "4"], &[], &[]);
        check(&["0", "4"], &["0"], &["1", "2"]);
        check(&["0", "1", "2", "4"], &["0", "1"], &[]);
        check(&["0", "1", "2", "4"], &["0", "1", "2"], &["3"]);
    }

    #[test]
    fn no_more_than_there_is_room_for() {
        let shard = |id: &str| Shard { id: id.into(), parents: Vec::new(), closed: false };
        let shards = ["0", "1", "2"].map(shard);
        let none = BTreeSet::new();
        assert_eq!(next(&shards, &none, &none, 2).len(), 2);
    }
}
