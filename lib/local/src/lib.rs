//! Adapters for one machine: event files, and the store of a process that has to survive a crash.
//!
//! The modules, in the order in which bytes meet them:
//!
//! 1. [`input`]: a file, a pipe or bytes in memory; unpacked if need be.
//! 2. `block`: its text in blocks of whole lines.
//! 3. [`replay`]: the blocks through the two folds of the engine.
//! 4. [`lines`]: the same blocks line by line, for what only passes them on.
//! 5. [`store`]: logs and snapshots in one file.
//! 6. [`history`]: points and transitions of the past, in the same file.

mod block;
pub mod history;
pub mod input;
pub mod lines;
pub mod replay;
pub mod store;
