//! The state of a partition as bytes, for snapshots.

use super::SettleError;
use super::plans::{PlanSettler, Settlers};
use super::state::{Announced, State};
use super::take::Position;
use crate::port::log::Version;
use crate::settle_entry::{read_listed, write_listed};
use crate::shard_entry::{read_record, write_record};
use crate::stored::{Reader, StoredError, Writer, read_shard, write_shard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::{Settler, Watermarks};

/// The format that is written.
const VERSION: u64 = 1;
const WHAT: &str = "state of a settle partition";
