//! Logs and snapshots on one `DynamoDB` table.
//!
//! The table has two string keys, `pk` and `sk`, deletes by `ttl`, and nothing else: no index, no stream. What stands in it:
//!
//! | item | `pk` | `sk` | attributes beside the format `f` |
//! | --- | --- | --- | --- |
//! | an entry | the log, `settle/0` | its version in 20 digits | `a` attempt, `e` expires at (ms), `h` header, `c0`, `c1`, … chunks by label, `d` directory of chunks in pieces, `ttl` |
//! | its pieces | `settle/0#VERSION#ATTEMPT#NUMBER` | `p` | `b` bytes, `ttl` |
//! | the root of snapshots | `settle/0#s` | `s` | `r` revision, `n` newest, `o` the one before, `w` being written, `g` to be cleaned up, `x` ignored from (ms), `ttl` |
//! | pieces of a state | `settle/0#s#VERSION#ATTEMPT#NUMBER` | `p` | `b` bytes, `ttl` once replaced |
//!
//! An entry that fits into 400 KB is one item and one write, a state of up to 64 KB is in the root: one write, one read. Larger ones
//! are put in pieces first, spread over the table's partitions, and become visible with the one item that names them.
//! `docs/dynamodb.md` has what that costs and how to look at a table by hand.
//!
//! 1. [`Table`]: the calls, with outcomes by what to do, and the attempts by which a writer knows its own writes.
//! 2. [`DynamoLog`], [`DynamoSnapshots`]: the ports.
//! 3. `layout`: items from entries and roots, and back, as pure functions.
//! 4. [`Consumed`]: what it has cost.

mod consumed;
mod failure;
mod item;
mod layout;
mod log;
mod parallel;
mod pieces;
mod snapshots;
mod table;

pub use consumed::Consumed;
pub use layout::{PARTITION_KEY, SORT_KEY, TTL};
pub use log::DynamoLog;
pub use snapshots::DynamoSnapshots;
pub use table::{ATTEMPT_TIME_MAX, ATTEMPTS_MAX, CONNECT_TIME_MAX, Table};
