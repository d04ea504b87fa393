//! The rules file: from YAML and CEL to a checked [`Plan`](streamgauge_engine::plan::Plan), with every problem at its place.
//!
//! ```
//! use streamgauge_rules::{SourceFile, compile, render};
//!
//! let text = "late: drop\nmetrics:\n  orders: {count: type == 'order.created', windw: 5m}\n";
//! let outcome = compile(&[SourceFile { name: "rules.yaml".to_owned(), text: text.to_owned() }], &|_| None);
//! assert!(outcome.rules.is_none());
//! let shown = render::for_people(&outcome.problems, &outcome.sources, false);
//! assert!(shown.contains("error[unknown-key]: a metric has no key `windw`"));
//! assert!(shown.contains("did you mean `window`?"));
//! ```
//!
//! The modules, in the order in which a file meets them:
//!
//! 1. [`source`]: files, places in them, and the one function that reads from disk.
//! 2. `yaml`: text to a tree in which everything has its place.
//! 3. [`mod@reference`]: the tables of all keys, of which the documentation and the JSON Schema are made.
//! 4. `read`: the tree to values; [`cel`] and [`duration`] do the small languages.
//! 5. `compile`: values to [`rules::Rules`], with the hashes by which state is kept.
//! 6. [`problem`]: what went wrong, for people and machines.
//! 7. [`template`]: the texts of alerts, rendered.
//! 8. [`deployed`]: texts that a stack keeps.
//! 9. [`scenario`]: the same for scenario files.

pub mod cel;
mod compile;
pub mod deployed;
pub mod duration;
mod hash;
pub mod problem;
pub(crate) mod read;
pub mod reference;
pub mod rules;
pub mod scenario;
pub mod source;
pub mod template;
mod yaml;

pub use compile::{Outcome, compile};
pub use problem::{Problem, Severity, render};
pub use rules::Rules;
pub use source::{LoadError, SourceFile, Span, load};
